//! One line into one accepted request, or the reason why not.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use hashbrown::HashMap;
use jiff::civil::DateTime;

use super::columns::{Columns, Layout};
use super::contract::{Column, Reason};
use super::fields::{self, decode};
use super::lines::Lines;
use super::split::Fields;
use super::vocabulary::Vocabulary;
use super::wards;
use crate::domain::{Fsa, Month, Status, Ward, WardModel};

/// Distinct ward texts and unknown statuses that are remembered; the City has 69 and none.
const REMEMBERED: usize = 1000;

/// An accepted row.
pub struct Request<'l> {
    /// Local time in Toronto, as published.
    pub created: DateTime,
    /// The month of `created`.
    pub month: Month,
    /// Folded.
    pub status: Status,
    /// With its model; at least one of ward and FSA is there.
    pub ward: Option<Ward>,
    /// None at an intersection.
    pub fsa: Option<Fsa>,
    /// Empty unless at an intersection.
    pub street_1: Cow<'l, str>,
    /// May be empty even where the first is not.
    pub street_2: Cow<'l, str>,
    /// Type, division and section: the number of a kind in the vocabulary.
    pub kind: u32,
    /// Whether an unquoted comma was put right.
    pub repaired: bool,
}

/// Reads the lines of one file.
pub struct RowReader<'c> {
    columns: &'c Columns,
    year: u16,
    ward_model: WardModel,
    fields: Fields,
    vocabulary: Vocabulary,
    wards: HashMap<Vec<u8>, Option<Ward>>,
    unknown_statuses: BTreeMap<String, u64>,
}

impl<'c> RowReader<'c> {
    /// For a file of a year with these columns and mostly wards of this model.
    pub fn new(columns: &'c Columns, year: u16, ward_model: WardModel) -> Self {
        Self {
            columns,
            year,
            ward_model,
            fields: Fields::default(),
            vocabulary: Vocabulary::default(),
            wards: HashMap::new(),
            unknown_statuses: BTreeMap::new(),
        }
    }

    /// The types, divisions and sections met so far.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Statuses that the contract doesn't know, with the rows that have them. They are accepted as `unknown`.
    pub fn unknown_statuses(self) -> BTreeMap<String, u64> {
        self.unknown_statuses
    }

    /// Judges the current line; `None` when it is blank.
    pub fn read<'l, R: Read>(&mut self, lines: &'l Lines<R>) -> Option<Result<Request<'l>, Reason>> {
        let line = lines.line();
        if lines.oversized() {
            // Also when all that is held of it is blank: nobody knows what came after.
            return Some(Err(Reason::Oversized));
        }
        (!line.trim_ascii().is_empty()).then(|| self.read_line(line))
    }

    fn read_line<'l>(&mut self, line: &'l [u8]) -> Result<Request<'l>, Reason> {
        if memchr::memchr(0, line).is_some() {
            return Err(Reason::BadEncoding);
        }
        if self.columns.is_header(line) {
            return Err(Reason::RepeatedHeader);
        }
        self.fields.split(line).map_err(|_| Reason::BadQuote)?;
        let columns = self.columns;
        let layout = columns.layout(line, &self.fields).ok_or(Reason::BadWidth)?;
        let created = fields::date(&self.value(&layout, line, Column::CreationDate)).ok_or(Reason::BadDate)?;
        let month = self.month_in_file(created)?;
        let kind = self.kind(&layout, line)?;
        let ward = self.ward(&layout, line);
        let fsa = fields::fsa(&self.value(&layout, line, Column::Fsa));
        if ward.is_none() && fsa.is_none() {
            return Err(Reason::NoArea);
        }
        self.vocabulary.count(kind, month);
        Ok(Request {
            created,
            month,
            status: self.status(&layout, line),
            ward,
            fsa,
            street_1: self.street(&layout, line, Column::Street1),
            street_2: self.street(&layout, line, Column::Street2),
            kind,
            repaired: layout.repaired(),
        })
    }

    fn value<'l>(&self, layout: &Layout<'_>, line: &'l [u8], column: Column) -> Cow<'l, [u8]> {
        layout.get(line, &self.fields, column)
    }

    /// Nine rows of ten have none.
    fn street<'l>(&self, layout: &Layout<'_>, line: &'l [u8], column: Column) -> Cow<'l, str> {
        let name = self.value(layout, line, column);
        if name.is_empty() { Cow::Borrowed("") } else { decode(name) }
    }

    fn month_in_file(&self, created: DateTime) -> Result<Month, Reason> {
        let (year, month) = (u16::try_from(created.year()), u8::try_from(created.month()));
        let month = year.ok().zip(month.ok()).and_then(|(year, month)| Month::new(year, month));
        match month.ok_or(Reason::BadDate)? {
            month if month.year() < self.year => Err(Reason::DateOutsideFile),
            month if month.year() > self.year => Err(Reason::FutureDate),
            month => Ok(month),
        }
    }

    fn kind(&mut self, layout: &Layout<'_>, line: &[u8]) -> Result<u32, Reason> {
        let request_type = self.value(layout, line, Column::RequestType);
        let division = self.value(layout, line, Column::Division);
        let section = self.value(layout, line, Column::Section);
        self.vocabulary.kind(&request_type, &division, &section).ok_or(Reason::BadType)
    }

    fn ward(&mut self, layout: &Layout<'_>, line: &[u8]) -> Option<Ward> {
        let text = self.value(layout, line, Column::Ward);
        if let Some(&known) = self.wards.get(text.as_ref()) {
            return known;
        }
        let ward = wards::parse(&decode(Cow::Borrowed(&text)), self.ward_model);
        if self.wards.len() < REMEMBERED {
            self.wards.insert(text.into_owned(), ward);
        }
        ward
    }

    fn status(&mut self, layout: &Layout<'_>, line: &[u8]) -> Status {
        let text = self.value(layout, line, Column::Status);
        fields::status(&text).unwrap_or_else(|| {
            let word = decode(text).into_owned();
            if self.unknown_statuses.len() < REMEMBERED || self.unknown_statuses.contains_key(&word) {
                *self.unknown_statuses.entry(word).or_default() += 1;
            }
            Status::Unknown
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,\
        Intersection Street 2,Ward,Service Request Type,Division,Section";

    fn judge<T>(line: &str, look: impl Fn(Request<'_>) -> T) -> Option<Result<T, Reason>> {
        let columns = Columns::read(HEADER).unwrap();
        let mut reader = RowReader::new(&columns, 2024, WardModel::Wards25);
        let mut lines = Lines::new(line.as_bytes());
        lines.advance().unwrap();
        reader.read(&lines).map(|judged| judged.map(look))
    }

    fn reason(line: &str) -> Option<Reason> {
        judge(line, |_| ())?.err()
    }

    #[test]
    fn a_row_is_read_with_its_repair() {
        let line = "2024-05-06 07:08:09.0000000,In-progress,Intersection,Leslie St,Finch Ave E,Don Valley North (17),\
                    Tree  Pruning,Parks, Forestry & Recreation,Forestry";
        let (status, ward, fsa, repaired) =
            judge(line, |r| (r.status, r.ward.map(Ward::number), r.fsa, r.repaired)).unwrap().unwrap();
        assert_eq!((status, ward, fsa, repaired), (Status::InProgress, Some(17), None, true));
    }

    #[test]
    fn an_area_of_either_kind_is_enough() {
        let row = |fsa: &str, ward: &str| format!("2024-05-06 07:08:09,New,{fsa},,,{ward},Noise,MLS,Bylaw");
        assert_eq!(judge(&row("m4c", "Unknown"), |r| (r.fsa.is_some(), r.ward.is_some())), Some(Ok((true, false))));
        assert_eq!(reason(&row("Intersection", "Unknown")), Some(Reason::NoArea));
        assert_eq!(reason(&row("L4C", "")), Some(Reason::NoArea));
    }

    #[test]
    fn each_break_has_its_reason() {
        let row = |date: &str, kind: &str| format!("{date},New,M4C,,,Davenport (09),{kind},MLS,Bylaw");
        assert_eq!(reason(&row("2024-02-30 00:00:00", "Noise")), Some(Reason::BadDate));
        assert_eq!(reason(&row("2023-12-31 23:59:59", "Noise")), Some(Reason::DateOutsideFile));
        assert_eq!(reason(&row("2025-01-01 00:00:00", "Noise")), Some(Reason::FutureDate));
        assert_eq!(reason(&row("2024-12-31 23:59:59", " ")), Some(Reason::BadType));
        assert_eq!(reason(&row("2024-12-31 23:59:59", "No,ise")), Some(Reason::BadWidth));
        assert_eq!(reason(&row("2024-12-31 23:59:59", "No\0ise")), Some(Reason::BadEncoding));
        assert_eq!(reason(&row("2024-12-31 23:59:59", "\"Noise")), Some(Reason::BadQuote));
        assert_eq!(reason(std::str::from_utf8(HEADER).unwrap()), Some(Reason::RepeatedHeader));
        assert_eq!(judge("  ", |_| ()), None);
        assert_eq!(reason(&format!("{}x", " ".repeat(9000))), Some(Reason::Oversized));
    }
}
