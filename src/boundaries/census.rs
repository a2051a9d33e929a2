//! Reads tables of census populations: one row per area and census, the newest census wins.

use std::collections::BTreeMap;
use std::path::Path;

use super::source::{SourceArea, read_file};
use super::{Error, Population};

/// A code in the table without a polygon may have this many residents: M7A has 5 and is one office complex. More means
/// that the file of boundaries lacks an area.
const MOST_WITHOUT_POLYGON: u32 = 1_000;

/// Residents of each area.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// By area code.
    pub(super) of: BTreeMap<String, Population>,
    /// Of the file as it came, in hexadecimal; empty without a file.
    pub(super) sha256: String,
}

/// Populations from a CSV file with the columns `code_column` (a ward number or an FSA), `census_year` and
/// `population`, in any order and among others.
pub(super) fn read(path: &Path, code_column: &'static str) -> Result<Table, Error> {
    let format = "a CSV table with a header";
    let (bytes, sha256) = read_file(path)?;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let headers = reader.headers().map_err(Error::format(path, format))?.clone();
    let column = |name: &'static str| {
        let found = headers.iter().collect::<Vec<_>>().join(", ");
        let missing = Error::Properties { path: path.into(), feature: 1, expected: name, found };
        headers.iter().position(|header| header == name).ok_or(missing)
    };
    let (code, year, count) = (column(code_column)?, column("census_year")?, column("population")?);
    let mut newest: BTreeMap<String, Population> = BTreeMap::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(Error::format(path, format))?;
        let field = |column: usize| record.get(column).unwrap_or_default().trim();
        let number = |column: usize, expected| {
            let wrong = || Error::Value { path: path.into(), feature: row + 1, found: field(column).into(), expected };
            field(column).parse::<u32>().map_err(|_| wrong())
        };
        let census_year = number(year, "the year of a census")?.try_into().unwrap_or(u16::MAX);
        let population = Population { count: number(count, "a number of residents")?, census_year };
        let known = newest.entry(field(code).to_owned()).or_insert(population);
        if known.census_year < census_year {
            *known = population;
        }
    }
    Ok(Table { of: newest, sha256 })
}

/// Checks that each area has its row, and that no row of some size lacks its area.
pub(super) fn check(path: &Path, table: &Table, areas: &[SourceArea]) -> Result<(), Error> {
    let codes: Vec<String> = areas.iter().map(|a| a.area.to_string()).collect();
    let wrong = |found: String| Err(Error::Population { path: path.into(), found });
    if let Some(code) = codes.iter().find(|code| !table.of.contains_key(*code)) {
        return wrong(format!("no row for area {code}"));
    }
    let without_polygon = |(code, p): &(&String, &Population)| p.count > MOST_WITHOUT_POLYGON && !codes.contains(code);
    match table.of.iter().find(without_polygon) {
        Some((code, population)) => {
            wrong(format!("a row with {} residents for {code}, which has no polygon", population.count))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Area, Fsa};
    use geo::MultiPolygon;

    fn table(text: &str) -> (tempfile::NamedTempFile, std::path::PathBuf) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_owned();
        (file, path)
    }

    fn areas(codes: &[&str]) -> Vec<SourceArea> {
        let area = |code: &&str| Area::Fsa(Fsa::new(code.as_bytes()).unwrap());
        let area = |code: &&str| SourceArea { area: area(code), name: String::new(), geometry: MultiPolygon(vec![]) };
        codes.iter().map(area).collect()
    }

    #[test]
    fn the_newest_census_wins_and_an_older_one_fills_in() {
        let (_file, path) = table("population,fsa,census_year\n10,M5V,2016\n30,M5V,2021\n20,M5V,2011\n5,M5W,2016\n");
        let read = read(&path, "fsa").unwrap().of;
        assert_eq!(read["M5V"], Population { count: 30, census_year: 2021 });
        assert_eq!(read["M5W"], Population { count: 5, census_year: 2016 });
    }

    #[test]
    fn a_table_without_the_column_says_what_it_has() {
        let (_file, path) = table("code,census_year,population\n01,2021,5\n");
        let error = read(&path, "ward_number").unwrap_err().to_string();
        assert!(error.contains("ward_number") && error.contains("code, census_year, population"), "{error}");
        let (_file, path) = table("fsa,census_year,population\nM5V,2021,many\n");
        assert!(matches!(read(&path, "fsa"), Err(Error::Value { feature: 1, .. })));
    }

    #[test]
    fn an_area_without_a_row_and_a_large_row_without_an_area_are_errors() {
        let (_file, path) = table("fsa,census_year,population\nM5V,2021,30000\nM7A,2021,5\n");
        let read = read(&path, "fsa").unwrap();
        assert!(check(&path, &read, &areas(&["M5V"])).is_ok(), "M7A has few residents and no polygon");
        for (codes, named) in [(&["M5V", "M5T"][..], "M5T"), (&["M7A"], "M5V")] {
            let error = check(&path, &read, &areas(codes)).unwrap_err();
            assert!(matches!(&error, Error::Population { found, .. } if found.contains(named)), "{error}");
        }
    }
}
