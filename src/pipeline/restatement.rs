//! What differs between two versions of a month, row by row.
//!
//! Requests have no id. Two rows are taken for the same request when all fields but the ward and the status are equal:
//! statuses move, and a whole year was re-issued with other wards. Among rows that are equal in the rest, those that are
//! equal in ward and status, too, are matched first; what is left is matched in the order of status and ward; what then
//! has no match came late or vanished.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash, Hasher};

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch, StringArray};
use bytes::Bytes;
use hashbrown::{DefaultHashBuilder, HashMap};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::domain::Status;
use crate::release::changes::{MonthChange, StatusChange};

/// A file of a month's requests that can't be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not readable as Parquet.
    #[error("requests are not readable: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A batch could not be decoded.
    #[error("requests are not readable: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// Written by code with another schema.
    #[error("requests have no column {0} of the expected type")]
    Column(&'static str),
}

/// The columns that tell one request from another.
const SAME: [&str; 6] =
    ["fsa", "intersection_street_1", "intersection_street_2", "request_type_label", "division", "section"];

/// A hash of what tells a request from others; its status; its ward.
type Row = (u64, Status, Option<u16>);

/// Compares the `requests.parquet` of a month; `None` where a version has no such month.
pub fn compare(before: Option<Bytes>, after: Option<Bytes>) -> Result<MonthChange, Error> {
    let mut reader = Reader::default();
    let before = reader.rows(before)?;
    let after = reader.rows(after)?;
    let mut change = MonthChange { rows_before: before.len() as u64, rows: after.len() as u64, ..Default::default() };
    let mut moves = BTreeMap::new();
    let (mut before, mut after) = (before.as_slice(), after.as_slice());
    while let Some(key) = before.first().into_iter().chain(after.first()).map(|row| row.0).min() {
        compare_same(take_same(&mut before, key), take_same(&mut after, key), &mut change, &mut moves);
    }
    if change.rows_before == 0 {
        change.late = 0;
    }
    change.status_changed = moves.into_iter().map(|((from, to), rows)| StatusChange { from, to, rows }).collect();
    Ok(change)
}

/// The rows of one key, which are taken off the front.
fn take_same<'r>(rows: &mut &'r [Row], key: u64) -> &'r [Row] {
    let (same, rest) = rows.split_at(rows.iter().take_while(|row| row.0 == key).count());
    *rows = rest;
    same
}

fn compare_same(before: &[Row], after: &[Row], change: &mut MonthChange, moves: &mut BTreeMap<(Status, Status), u64>) {
    let (before, after) = (without(before, after), without(after, before));
    for (old, new) in before.iter().zip(&after) {
        if old.1 != new.1 {
            *moves.entry((old.1, new.1)).or_default() += 1;
        }
        change.ward_changed += u64::from(old.2 != new.2);
    }
    change.late += after.len().saturating_sub(before.len()) as u64;
    change.vanished += before.len().saturating_sub(after.len()) as u64;
}

/// Sorted rows less as many equal ones of the others.
fn without(rows: &[Row], others: &[Row]) -> Vec<Row> {
    let mut others = others.iter().peekable();
    let mut left = Vec::new();
    for row in rows {
        while others.next_if(|other| *other < row).is_some() {}
        if others.next_if_eq(&row).is_none() {
            left.push(*row);
        }
    }
    left
}

/// Reads both versions with the same hash and the same numbers for wards.
#[derive(Default)]
struct Reader {
    hash: DefaultHashBuilder,
    wards: HashMap<String, u16>,
}

impl Reader {
    /// In the order of their keys.
    fn rows(&mut self, file: Option<Bytes>) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        let Some(file) = file else { return Ok(rows) };
        for batch in ParquetRecordBatchReaderBuilder::try_new(file)?.build()? {
            self.read(&batch?, &mut rows)?;
        }
        rows.sort_unstable();
        Ok(rows)
    }

    fn read(&mut self, batch: &RecordBatch, rows: &mut Vec<Row>) -> Result<(), Error> {
        const CREATED: &str = "creation_date";
        let created = batch.column_by_name(CREATED).and_then(|c| c.as_primitive_opt::<TimestampMicrosecondType>());
        let created = created.ok_or(Error::Column(CREATED))?;
        let mut same = Vec::new();
        for name in SAME {
            same.push(texts(batch, name)?);
        }
        let (status, model, ward) = (texts(batch, "status")?, texts(batch, "ward_model")?, texts(batch, "ward")?);
        for row in 0..batch.num_rows() {
            let mut hasher = self.hash.build_hasher();
            created.value(row).hash(&mut hasher);
            same.iter().for_each(|column| value(column, row).hash(&mut hasher));
            let status = status.value(row).parse().unwrap_or(Status::Unknown);
            let ward = value(ward, row).map(|ward| self.ward(value(model, row).unwrap_or_default(), ward));
            rows.push((hasher.finish(), status, ward));
        }
        Ok(())
    }

    fn ward(&mut self, model: &str, ward: &str) -> u16 {
        let next = self.wards.len() as u16;
        *self.wards.entry(format!("{model}/{ward}")).or_insert(next)
    }
}

fn texts<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b StringArray, Error> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt()).ok_or(Error::Column(name))
}

fn value(column: &StringArray, row: usize) -> Option<&str> {
    column.is_valid(row).then(|| column.value(row))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,\
                          Intersection Street 2,Ward,Service Request Type,Division,Section";

    /// The only month of a year with these rows: second, status, FSA, ward.
    fn month(rows: &[(u8, &str, &str, &str)]) -> Option<Bytes> {
        let folder = tempfile::tempdir().unwrap();
        let line = |&(second, status, fsa, ward): &(u8, &str, &str, &str)| {
            format!("2018-05-06 07:08:{second:02}.0,{status},{fsa},,,{ward},Noise,Licensing,Bylaw\n")
        };
        let text = format!("{HEADER}\n{}", rows.iter().map(line).collect::<String>());
        std::fs::write(folder.path().join("SR2018.csv"), text).unwrap();
        std::fs::create_dir(folder.path().join("out")).unwrap();
        crate::clean::clean(&folder.path().join("SR2018.csv"), 2018, &folder.path().join("out")).unwrap();
        Some(std::fs::read(folder.path().join("out/month=2018-05/requests.parquet")).unwrap().into())
    }

    const WARD: &str = "Beaches-East York (19)";

    #[test]
    fn rows_come_late_vanish_and_change_status() {
        let before = month(&[(1, "New", "M4C", WARD), (1, "New", "M4C", WARD), (2, "New", "M4E", WARD)]);
        let after = month(&[(1, "Completed", "M4C", WARD), (1, "New", "M4C", WARD), (3, "New", "M4C", WARD)]);
        let change = compare(before, after).unwrap();
        assert_eq!((change.rows_before, change.rows, change.late, change.vanished), (3, 3, 1, 1));
        let moved = StatusChange { from: Status::New, to: Status::Completed, rows: 1 };
        assert_eq!((change.status_changed, change.ward_changed), (vec![moved], 0));
    }

    #[test]
    fn a_year_with_other_wards_has_the_same_requests() {
        let before = month(&[(1, "Closed", "M4C", "Beaches-East York (31)"), (2, "Closed", "M4C", "Unknown")]);
        let after = month(&[(1, "Closed", "M4C", WARD), (2, "Closed", "M4C", "Unknown")]);
        let change = compare(before, after).unwrap();
        assert_eq!((change.late, change.vanished, change.ward_changed), (0, 0, 1));
    }

    #[test]
    fn a_month_that_is_new_is_not_late_and_equal_ones_do_not_differ() {
        let rows = month(&[(1, "New", "M4C", WARD), (1, "New", "M4C", WARD)]);
        let change = compare(None, rows.clone()).unwrap();
        assert_eq!((change.rows_before, change.rows, change.late), (0, 2, 0));
        assert!(!change.is_none());
        assert!(compare(rows.clone(), rows.clone()).unwrap().is_none());
        assert_eq!(compare(rows, None).unwrap().vanished, 2);
    }
}
