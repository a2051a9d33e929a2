//! The rows of the live release, as BigQuery has them and as the lake has them.

use std::fs::File;
use std::path::Path;

use parquet::file::reader::SerializedFileReader;
use parquet::record::Field;
use toronto311::marts::sql::MARTS;

use crate::bigquery::BigQuery;
use crate::lake::Lake;

/// Values as text; none is empty.
type Rows = Vec<Vec<String>>;

/// Every mart has the same rows in both, and the table of requests has the rows that the release accepted.
pub fn assert_same(lake: &Lake, bigquery: &BigQuery) {
    let release = lake.current()["release"].as_str().unwrap().to_owned();
    assert_eq!(MARTS.len(), lake.marts().len(), "a mart that BigQuery does not have");
    for mart in MARTS.map(|mart| mart.name) {
        let meant = in_lake(&lake.path().join(format!("marts/{release}/{mart}.parquet")));
        let table = format!("{mart}_{}", release.replace('-', "_"));
        let mut found = bigquery.rows(&format!("SELECT * FROM `{table}`"));
        found.sort();
        assert!(!meant.is_empty());
        assert!(found == meant, "{mart}: {} rows, not {}: {:?}", found.len(), meant.len(), difference(&found, &meant));
    }
    assert_eq!(requests(bigquery), accepted(lake));
}

/// The same for as many rows as only the service itself can compare.
pub fn assert_same_there(lake: &Lake, bigquery: &BigQuery) {
    let release = lake.current()["release"].as_str().unwrap().to_owned();
    for mart in MARTS.map(|mart| mart.name) {
        let (here, there) = (format!("lake_{mart}"), format!("{mart}_{}", release.replace('-', "_")));
        bigquery.load(&here, &format!("lake/marts/{release}/{mart}.parquet"));
        let count = |sql: &str| bigquery.rows(&format!("SELECT COUNT(*) FROM ({sql})"))[0][0].clone();
        let [one, other] = [&here, &there].map(|table| format!("SELECT * FROM `{table}`"));
        assert_eq!(count(&one), count(&other), "{mart}");
        for sql in [format!("{one} EXCEPT DISTINCT {other}"), format!("{other} EXCEPT DISTINCT {one}")] {
            assert_eq!(count(&sql), "0", "{mart}: {sql}");
        }
    }
    assert_eq!(requests(bigquery), accepted(lake));
}

fn difference(found: &Rows, meant: &Rows) -> Option<(Vec<String>, Vec<String>)> {
    found.iter().zip(meant).find(|(found, meant)| found != meant).map(|(found, meant)| (found.clone(), meant.clone()))
}

/// Sorted, read without Arrow and without our own readers.
fn in_lake(path: &Path) -> Rows {
    let text = |(_, field): (&String, &Field)| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        number => number.to_string(),
    };
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let mut rows: Rows = reader.into_iter().map(|row| row.unwrap().get_column_iter().map(text).collect()).collect();
    rows.sort();
    rows
}

/// By month, how many rows the table of requests has.
pub fn requests(bigquery: &BigQuery) -> Rows {
    bigquery.rows("SELECT month, COUNT(*) FROM requests GROUP BY month ORDER BY month")
}

/// By month, how many rows the live release accepted.
pub fn accepted(lake: &Lake) -> Rows {
    let release = lake.release();
    let inputs = release["inputs"].as_array().unwrap().iter();
    let months = inputs.flat_map(|input| input["months"].as_object().unwrap().clone());
    let mut rows: Rows = months.map(|(month, rows)| vec![month, rows.to_string()]).collect();
    rows.sort();
    rows
}
