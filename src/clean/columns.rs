//! Which field of a line is which column: found by the header's names, and across a comma that lacks its quotes.

use super::contract::Column;
use super::split::Fields;

/// Where each column of a file is.
#[derive(Debug)]
pub struct Columns {
    positions: [usize; 9],
    width: usize,
    header: Vec<u8>,
    /// Columns of the file that the contract does not know; their values are dropped.
    pub extra: Vec<String>,
}

impl Columns {
    /// Reads a header line; the error lists the names of the columns that it lacks.
    pub fn read(header: &[u8]) -> Result<Self, Vec<&'static str>> {
        let mut fields = Fields::default();
        // A header with a broken quote has no names to find, which is what the error then says.
        let _ = fields.split(header);
        let names: Vec<String> =
            (0..fields.len()).map(|i| String::from_utf8_lossy(&fields.get(header, i)).into_owned()).collect();
        let find = |column: Column| {
            names.iter().position(|name| column.names().iter().any(|known| known.eq_ignore_ascii_case(name)))
        };
        let missing: Vec<_> = Column::ALL.into_iter().filter(|&c| find(c).is_none()).map(|c| c.names()[0]).collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let positions = Column::ALL.map(|column| find(column).unwrap_or_default());
        let extra = names.iter().enumerate().filter(|(i, _)| !positions.contains(i)).map(|(_, n)| n.clone()).collect();
        Ok(Self { positions, width: names.len(), header: header.to_vec(), extra })
    }

    /// Whether a line is the header again.
    pub fn is_header(&self, line: &[u8]) -> bool {
        line == self.header
    }

    /// Decides how the fields of a line fill the columns; `None` when they don't.
    pub fn layout(&self, line: &[u8], fields: &Fields) -> Option<Layout<'_>> {
        let joined = match fields.len() {
            n if n == self.width => None,
            n if n == self.width + 1 => Some(self.unquoted_comma(line, fields)?),
            _ => return None,
        };
        Some(Layout { columns: self, joined })
    }

    /// The documented values that hold a comma and are published without quotes from 2021 on (7.5 % of 2022-2025):
    /// `Parks, Forestry & Recreation`, `Environment, Climate & Forestry` and, in Solid Waste Management Services,
    /// `Transfer, Disposal & Operations`. Returns the field that goes together with the one after it.
    fn unquoted_comma(&self, line: &[u8], fields: &Fields) -> Option<usize> {
        let division = self.positions[Column::Division as usize];
        let section = self.positions[Column::Section as usize];
        let is = |at: usize, first: &[u8], second: &[u8]| {
            *fields.get(line, at) == *first && *fields.get(line, at + 1) == *second
        };
        if is(division, b"Parks", b"Forestry & Recreation") || is(division, b"Environment", b"Climate & Forestry") {
            return Some(division);
        }
        let solid_waste = *fields.get(line, division) == *b"Solid Waste Management Services";
        (solid_waste && division < section && is(section, b"Transfer", b"Disposal & Operations")).then_some(section)
    }
}

/// What a header has between its names, if it is none that the contract knows and it would be right with commas.
pub fn separator(header: &[u8]) -> Option<char> {
    [b';', b'\t', b'|']
        .into_iter()
        .find(|&separator| {
            let commas: Vec<u8> = header.iter().map(|&byte| if byte == separator { b',' } else { byte }).collect();
            header.contains(&separator) && Columns::read(&commas).is_ok()
        })
        .map(char::from)
}

/// How the fields of one line fill the columns.
pub struct Layout<'c> {
    columns: &'c Columns,
    /// The field that was cut in two by its comma.
    joined: Option<usize>,
}

impl Layout<'_> {
    /// Whether a value was put together again.
    pub fn repaired(&self) -> bool {
        self.joined.is_some()
    }

    /// The value of a column.
    #[inline]
    pub fn get<'a>(&self, line: &'a [u8], fields: &Fields, column: Column) -> std::borrow::Cow<'a, [u8]> {
        let at = self.columns.positions[column as usize];
        match self.joined {
            Some(joined) if at == joined => fields.joined(line, at, at + 1).into(),
            Some(joined) if at > joined => fields.get(line, at + 1),
            _ => fields.get(line, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,\
                          Intersection Street 2,Ward,Service Request Type,Division,Section";

    fn value(header: &str, line: &str, column: Column) -> Option<String> {
        let columns = Columns::read(header.as_bytes()).unwrap();
        let mut fields = Fields::default();
        fields.split(line.as_bytes()).unwrap();
        let layout = columns.layout(line.as_bytes(), &fields)?;
        Some(String::from_utf8(layout.get(line.as_bytes(), &fields, column).into_owned()).unwrap())
    }

    #[test]
    fn the_three_documented_commas_are_repaired() {
        for (tail, division, section) in [
            ("Parks, Forestry & Recreation,Forestry", "Parks, Forestry & Recreation", "Forestry"),
            ("Environment, Climate & Forestry,Forestry", "Environment, Climate & Forestry", "Forestry"),
            (
                "Solid Waste Management Services,Transfer, Disposal & Operations",
                "Solid Waste Management Services",
                "Transfer, Disposal & Operations",
            ),
        ] {
            let line = format!("d,s,f,1,2,w,t,{tail}");
            assert_eq!(value(HEADER, &line, Column::Division).unwrap(), division);
            assert_eq!(value(HEADER, &line, Column::Section).unwrap(), section);
        }
    }

    #[test]
    fn any_other_comma_is_not() {
        for line in ["d,s,f,1,2,w,t,x,Parks,y", "d,s,f,1,2,w,t,Toronto Water,Transfer, Disposal & Operations", "d,s"] {
            assert_eq!(value(HEADER, line, Column::Division), None, "{line}");
        }
    }

    #[test]
    fn columns_are_found_by_name_wherever_they_are() {
        let header = "Ward,Channel,Service Request Creation Date and Time,Status,First 3 Chars of Postal Code,\
                      Intersection Street 1,Intersection Street 2,Request Type,Division,Section";
        assert_eq!(Columns::read(header.as_bytes()).unwrap().extra, ["Channel"]);
        let line = "w,c,d,s,f,1,2,t,Parks, Forestry & Recreation,x";
        assert_eq!(value(header, line, Column::Division).unwrap(), "Parks, Forestry & Recreation");
        assert_eq!(value(header, line, Column::Section).unwrap(), "x");
        assert_eq!(value(header, line, Column::CreationDate).unwrap(), "d");
    }

    #[test]
    fn missing_columns_are_named() {
        let header = HEADER.replace("Ward,", "").replace("Section", "Part");
        assert_eq!(Columns::read(header.as_bytes()).unwrap_err(), ["Ward", "Section"]);
    }

    #[test]
    fn another_separator_is_recognised() {
        assert_eq!(separator(HEADER.replace(',', ";").as_bytes()), Some(';'));
        assert_eq!(separator(HEADER.replace(',', "\t").as_bytes()), Some('\t'));
        assert_eq!(separator(HEADER.as_bytes()), None);
        assert_eq!(separator(b"a;b;c"), None);
    }
}
