//! Reads tables of census populations: one row per area and census, the newest census wins.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Error, Population, SourceArea};

/// A code in the table without a polygon may have this many residents: M7A has 5 and is one office complex. More means
/// that the file of boundaries lacks an area.
const MOST_WITHOUT_POLYGON: u32 = 1_000;

/// Populations by area code, from a CSV file with the columns `code_column` (a ward number or an FSA), `census_year` and
/// `population`, in any order and among others.
pub(super) fn read(path: &Path, code_column: &'static str) -> Result<BTreeMap<String, Population>, Error> {
    let format = "a CSV table with a header";
    let mut reader = csv::Reader::from_path(path).map_err(Error::format(path, format))?;
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
    Ok(newest)
}

/// Checks that each area has its row, and that no row of some size lacks its area.
pub(super) fn check(
    path: &Path,
    populations: &BTreeMap<String, Population>,
    areas: &[SourceArea],
) -> Result<(), Error> {
    let codes: Vec<String> = areas.iter().map(|a| a.area.to_string()).collect();
    let wrong = |found: String| Err(Error::Population { path: path.into(), found });
    if let Some(code) = codes.iter().find(|code| !populations.contains_key(*code)) {
        return wrong(format!("no row for area {code}"));
    }
    let without_polygon = |(code, p): &(&String, &Population)| p.count > MOST_WITHOUT_POLYGON && !codes.contains(code);
    match populations.iter().find(without_polygon) {
        Some((code, population)) => {
            wrong(format!("a row with {} residents for {code}, which has no polygon", population.count))
        }
        None => Ok(()),
    }
}
