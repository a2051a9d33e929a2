//! The marts as BigQuery makes and keeps them: the same rows as [`build`](super::build()) writes, from the cleaned requests.

use std::collections::BTreeMap;

use crate::clean::cell::Cell;
use crate::clean::ledger;
use crate::domain::{Area, Geography, Month, ReleaseId};
use crate::warehouse::{self, BigQuery, Mart, Parameter};

/// All marts. One that is made from another comes after it.
pub const MARTS: [Mart; 3] = [
    Mart {
        name: "requests_by_area_month",
        sql: include_str!("requests_by_area_month.sql"),
        checks: include_str!("requests_by_area_month.checks.sql"),
    },
    Mart {
        name: "totals_by_area_month",
        sql: include_str!("totals_by_area_month.sql"),
        checks: include_str!("totals_by_area_month.checks.sql"),
    },
    Mart {
        name: "request_types",
        sql: include_str!("request_types.sql"),
        checks: include_str!("request_types.checks.sql"),
    },
];

/// The columns of the mart of counts that a type's series is made of, which is all that is paid for; eight gigabytes of
/// them are a thousand years.
const MOST_BYTES: u64 = 8 << 30;

/// What the queries and checks are given: accepted rows by month, and the ledger of labels.
pub fn parameters(accepted: &BTreeMap<Month, u64>) -> [Parameter; 2] {
    let months = accepted.iter().map(|(month, rows)| [month.to_string(), rows.to_string()]);
    let labels = ledger::canonical_labels().map(|(published, label)| [published.to_owned(), label.to_owned()]);
    [
        Parameter::Rows("accepted", [("month", "STRING"), ("requests", "INT64")], months.collect()),
        Parameter::Rows("canonical", [("published", "STRING"), ("label", "STRING")], labels.collect()),
    ]
}

/// All counts of some request types of a release, by one query.
pub async fn cells(
    warehouse: &BigQuery,
    release: &ReleaseId,
    request_types: Vec<String>,
) -> Result<Vec<(Cell, i64)>, warehouse::Error> {
    let table = BigQuery::mart_table(MARTS[0].name, release);
    let sql = format!(
        "SELECT geography, ward_model, area, month, status, requests FROM {table} WHERE request_type IN UNNEST(@types)"
    );
    let types = Parameter::Texts("types", request_types);
    let rows = warehouse.query("series", &sql, &[types], MOST_BYTES).await?;
    rows.iter().map(|row| cell(row).ok_or_else(|| warehouse::Error::Answer(format!("a count {row:?}")))).collect()
}

fn cell(row: &[Option<String>]) -> Option<(Cell, i64)> {
    let [Some(geography), model, area, Some(month), Some(status), Some(requests)] = row else { return None };
    let geography: Geography = geography.parse().ok()?;
    let area = match area {
        None => None,
        Some(code) => Some(Area::from_code(geography, model.as_ref().and_then(|model| model.parse().ok()), code)?),
    };
    let cell = Cell { geography, area, month: month.parse().ok()?, status: status.parse().ok()? };
    Some((cell, requests.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: [&str; 6]) -> Vec<Option<String>> {
        values.map(|value| (!value.is_empty()).then(|| value.to_owned())).to_vec()
    }

    #[test]
    fn a_count_is_read_with_and_without_an_area() {
        let (ward, requests) = cell(&row(["ward", "25", "04", "2024-05", "new", "7"])).unwrap();
        assert_eq!((ward.area.unwrap().to_string(), requests), ("04".to_owned(), 7));
        let (none, _) = cell(&row(["fsa", "", "", "2024-05", "in_progress", "1"])).unwrap();
        assert_eq!((none.geography, none.area), (Geography::Fsa, None));
        for wrong in [["ward", "", "04", "2024-05", "new", "7"], ["ward", "25", "04", "2024-5", "new", "7"]] {
            assert_eq!(cell(&row(wrong)), None, "{wrong:?}");
        }
    }
}
