//! The rows of the live release, as BigQuery has them and as the lake has them.

use std::fs::File;
use std::path::PathBuf;

use toronto311::marts;

use crate::bigquery::BigQuery;
use crate::lake::Lake;

/// Values as text; none is empty.
type Rows = Vec<Vec<String>>;

/// Every mart has the same rows in both, and the table of requests has the rows that the release accepted.
pub fn assert_same(lake: &Lake, bigquery: &BigQuery) {
    let release = lake.current()["release"].as_str().unwrap().to_owned();
    for mart in ["requests_by_area_month", "totals_by_area_month", "request_types"] {
        let path = lake.path().join(format!("marts/{release}/{mart}.parquet"));
        let meant = if mart == "request_types" { types(path) } else { counts(path) };
        let table = format!("{mart}_{}", release.replace('-', "_"));
        let mut found = bigquery.rows(&format!("SELECT * FROM `{table}`"));
        found.sort();
        assert!(!meant.is_empty());
        assert!(found == meant, "{mart}: {} rows, not {}: {:?}", found.len(), meant.len(), difference(&found, &meant));
    }
    assert_eq!(requests(bigquery), accepted(lake));
}

fn difference(found: &Rows, meant: &Rows) -> Option<(Vec<String>, Vec<String>)> {
    found.iter().zip(meant).find(|(found, meant)| found != meant).map(|(found, meant)| (found.clone(), meant.clone()))
}

fn counts(path: PathBuf) -> Rows {
    let rows = marts::cell_rows(File::open(path).unwrap()).unwrap().map(|row| {
        let (request_type, cell, requests) = row.unwrap();
        let model = cell.ward_model().map(|model| model.to_string()).unwrap_or_default();
        let area = cell.area.map(|area| area.to_string()).unwrap_or_default();
        let (geography, month, status) = (cell.geography.to_string(), cell.month.to_string(), cell.status.to_string());
        vec![request_type.to_string(), geography, model, area, month, status, requests.to_string()]
    });
    let mut rows: Rows = rows.collect();
    rows.sort();
    rows
}

fn types(path: PathBuf) -> Rows {
    let rows = marts::type_uses(File::open(path).unwrap()).unwrap().into_iter().map(|used| {
        let months = [used.first_month.to_string(), used.last_month.to_string()];
        let [first, last] = months;
        vec![used.request_type, used.label, used.division, used.section, first, last, used.requests.to_string()]
    });
    let mut rows: Rows = rows.collect();
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
