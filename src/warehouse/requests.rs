//! The table `requests`: the accepted rows of a release, a partition a month.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, TryStreamExt};
use gcp_bigquery_client::model::clustering::Clustering;
use gcp_bigquery_client::model::field_type::FieldType;
use gcp_bigquery_client::model::job_configuration::JobConfiguration;
use gcp_bigquery_client::model::job_configuration_load::JobConfigurationLoad;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::model::table_field_schema::TableFieldSchema;
use gcp_bigquery_client::model::table_reference::TableReference;
use gcp_bigquery_client::model::table_schema::TableSchema;
use gcp_bigquery_client::model::time_partitioning::TimePartitioning;
use parquet::basic::{LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;

use super::held::{Held, HeldMonth, Partition, Record, Wanted};
use super::job::Row;
use super::{BigQuery, Error, Parameter};
use crate::clean;
use crate::domain::Month;
use crate::lake::{Key, sha256};

const TABLE: &str = "requests";
const PARTITIONED_BY: &str = "creation_date";
const CLUSTERED_BY: [&str; 2] = ["ward", "request_type"];

/// Loads that run at a time: BigQuery takes more, and none of them costs us anything but waiting.
const LOADS: usize = 16;

/// Files that are read at a time, of some megabytes each.
const READS: usize = 4;

/// Metadata of one table, and a column of a month's length.
const MOST_BYTES: u64 = 10 << 30;

/// The file that a month's rows are in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthFile {
    /// The cleaned folder.
    pub clean: String,
    /// The path within the folder.
    pub file: String,
    /// How many rows it has.
    pub rows: u64,
}

impl BigQuery {
    /// Makes the table hold these months and no others.
    pub(super) async fn load(&self, wanted: &BTreeMap<Month, MonthFile>) -> Result<Held, Error> {
        self.create_table(self.requests_table()?).await?;
        let mut held = Held::read(self).await?;
        let before = self.partitions().await?;
        let gone: BTreeSet<Month> = before.keys().filter(|month| !wanted.contains_key(month)).copied().collect();
        if held.record.await_months(&self.hashed(wanted, &held.record).await?, &before) {
            held.write(&self.lake).await?;
        }
        let awaited: Vec<(Month, HeldMonth)> = held.record.awaited().collect();
        if awaited.is_empty() && gone.is_empty() {
            return Ok(held);
        }
        let loads = awaited.iter().filter_map(|(month, held)| Some(self.load_month(*month, wanted.get(month)?, held)));
        futures::stream::iter(loads).buffer_unordered(LOADS).try_collect::<()>().await?;
        self.remove(&gone).await?;
        let after = self.partitions().await?;
        expect_rows(wanted, &after)?;
        held.record.confirm(&after);
        held.write(&self.lake).await?;
        Ok(held)
    }

    /// The hashes of all files; only those that are not known are read.
    async fn hashed(
        &self,
        files: &BTreeMap<Month, MonthFile>,
        known: &Record,
    ) -> Result<BTreeMap<Month, Wanted>, Error> {
        let hash = |(&month, file): (&Month, &MonthFile)| {
            let known =
                known.months.get(&month).filter(|held| held.clean == file.clean).map(|held| held.sha256.clone());
            let (lake, file) = (&self.lake, file.clone());
            async move {
                let MonthFile { clean, file, .. } = file;
                let sha256 = match known {
                    Some(known) => known,
                    None => {
                        let key = Key::Clean { id: &clean, file: &file };
                        let bytes = lake.get(key).await?;
                        sha256(&bytes.ok_or_else(|| Error::Differs(format!("lake object {key} is missing")))?)
                    }
                };
                Ok((month, Wanted { clean, sha256 }))
            }
        };
        futures::stream::iter(files.iter().map(hash)).buffer_unordered(READS).try_collect().await
    }

    fn requests_table(&self) -> Result<Table, Error> {
        let (project, dataset) = (&self.dataset.project, &self.dataset.name);
        let clustering = Clustering { fields: Some(CLUSTERED_BY.map(str::to_owned).into()) };
        Ok(Table::new(project, dataset, TABLE, schema()?)
            .description("Accepted service requests, a partition a month; replaced whole by toronto311 refresh")
            .time_partitioning(TimePartitioning::per_month().field(PARTITIONED_BY))
            .clustering(clustering))
    }

    /// Replaces a month whole, or not at all.
    async fn load_month(&self, month: Month, file: &MonthFile, held: &HeldMonth) -> Result<(), Error> {
        let bucket = self.lake.bucket().ok_or(Error::NoBucket)?;
        let partition = format!("{TABLE}${}", partition_id(month));
        let load = JobConfigurationLoad {
            source_uris: Some(vec![bucket.url(Key::Clean { id: &file.clean, file: &file.file })]),
            source_format: Some("PARQUET".to_owned()),
            // Parquet's timestamps without a zone are DATETIME only where they are said to be.
            schema: Some(schema()?),
            destination_table: Some(TableReference::new(&self.dataset.project, &self.dataset.name, &partition)),
            create_disposition: Some("CREATE_NEVER".to_owned()),
            write_disposition: Some("WRITE_TRUNCATE".to_owned()),
            ..JobConfigurationLoad::default()
        };
        let sha256 = held.sha256.get(..12).unwrap_or(&held.sha256);
        let id = format!("{TABLE}_{}_{sha256}_{}", partition_id(month), held.load);
        self.run(&id, JobConfiguration { load: Some(load), ..JobConfiguration::default() }).await
    }

    /// Removes months that no file has any more.
    async fn remove(&self, gone: &BTreeSet<Month>) -> Result<(), Error> {
        if gone.is_empty() {
            return Ok(());
        }
        let months = Parameter::Texts("months", gone.iter().map(Month::to_string).collect());
        let sql = "DELETE FROM requests WHERE month IN UNNEST(@months)";
        self.query("requests_delete", sql, &[months], MOST_BYTES).await.map(drop)
    }

    /// The partitions that have rows.
    pub(super) async fn partitions(&self) -> Result<BTreeMap<Month, Partition>, Error> {
        let sql = format!(
            "SELECT partition_id, total_rows, UNIX_MICROS(last_modified_time) AS written_at \
             FROM {}.INFORMATION_SCHEMA.PARTITIONS WHERE table_name = '{TABLE}' AND total_rows > 0",
            self.dataset.name
        );
        let rows = self.query("requests_partitions", &sql, &[], MOST_BYTES).await?;
        rows.iter().map(|row| partition(row).ok_or_else(|| Error::Answer(format!("a partition {row:?}")))).collect()
    }
}

fn partition(row: &Row) -> Option<(Month, Partition)> {
    let [Some(id), Some(rows), Some(written_at)] = row.as_slice() else { return None };
    let (year, month) = id.split_at_checked(4)?;
    let month = Month::new(year.parse().ok()?, month.parse().ok()?)?;
    Some((month, Partition { rows: rows.parse().ok()?, written_at: written_at.parse().ok()? }))
}

fn partition_id(month: Month) -> String {
    format!("{:04}{:02}", month.year(), month.month())
}

/// Every month has the rows that the release says it has.
fn expect_rows(wanted: &BTreeMap<Month, MonthFile>, found: &BTreeMap<Month, Partition>) -> Result<(), Error> {
    for (month, file) in wanted {
        let rows = found.get(month).map_or(0, |partition| partition.rows);
        if rows != file.rows {
            return Err(Error::Differs(format!("{month} has {rows} rows, the release has {}", file.rows)));
        }
    }
    match found.keys().find(|month| !wanted.contains_key(month)) {
        Some(month) => Err(Error::Differs(format!("{month} has rows, the release has none"))),
        None => Ok(()),
    }
}

/// The columns of cleaned requests, as BigQuery names their types.
fn schema() -> Result<TableSchema, Error> {
    let fails = |error: ParquetError| Error::Answer(error.to_string());
    let message = parse_message_type(clean::REQUESTS_SCHEMA).map_err(fails)?;
    Ok(TableSchema::new(message.get_fields().iter().map(|column| field(column)).collect()))
}

fn field(column: &Type) -> TableFieldSchema {
    let of = match (column.get_physical_type(), column.get_basic_info().logical_type_ref()) {
        (Physical::INT64, Some(LogicalType::Timestamp { .. })) => FieldType::Datetime,
        (Physical::INT32 | Physical::INT64, _) => FieldType::Integer,
        _ => FieldType::String,
    };
    let mode = if column.is_optional() { "NULLABLE" } else { "REQUIRED" };
    TableFieldSchema { mode: Some(mode.to_owned()), ..TableFieldSchema::new(column.name(), of) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_columns_of_the_cleaned_files() {
        let fields = schema().unwrap().fields.unwrap();
        let of = |name: &str| {
            let field = fields.iter().find(|field| field.name == name).unwrap();
            (format!("{:?}", field.r#type), field.mode.clone().unwrap())
        };
        let expected = |of: &str, mode: &str| (of.to_owned(), mode.to_owned());
        assert_eq!(of(PARTITIONED_BY), expected("Datetime", "REQUIRED"));
        assert_eq!(of("hour"), expected("Integer", "REQUIRED"));
        assert_eq!(CLUSTERED_BY.map(of), [expected("String", "NULLABLE"), expected("String", "REQUIRED")]);
    }

    #[test]
    fn a_partition_is_read_by_its_month() {
        let row = |id: &str| [id, "7", "1700000000000000"].map(|text| Some(text.to_owned())).to_vec();
        let read = partition(&row("202405")).unwrap();
        assert_eq!((partition_id(read.0), read.1.rows), ("202405".to_owned(), 7));
        assert!(partition(&row("__NULL__")).is_none());
    }
}
