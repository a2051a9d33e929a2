//! Marts made by SQL: the tables of a release.

use std::collections::{BTreeMap, BTreeSet};

use gcp_bigquery_client::model::clustering::Clustering;
use gcp_bigquery_client::model::job_configuration::JobConfiguration;
use gcp_bigquery_client::model::job_configuration_query::JobConfigurationQuery;
use gcp_bigquery_client::model::table_reference::TableReference;

use super::held::Held;
use super::{BigQuery, Error, MonthFile, Parameter};
use crate::domain::{Month, ReleaseId, RunId};

/// What stands for the release in the names of tables in SQL.
const RELEASE: &str = "<release>";

/// By which all marts are clustered: what is read is one type.
const CLUSTERED_BY: &str = "request_type";

/// The columns that a mart counts, of a hundred years of the City.
const MOST_BYTES: u64 = 100 << 30;

/// A mart and how it is made.
#[derive(Debug, Clone, Copy)]
pub struct Mart {
    /// Its name, to which the release is added.
    pub name: &'static str,
    /// The query whose rows it has.
    pub sql: &'static str,
    /// Queries that must have no rows, each ended by a semicolon.
    pub checks: &'static str,
}

impl BigQuery {
    /// The name of a release's table, quoted for SQL.
    pub fn mart_table(mart: &str, release: &ReleaseId) -> String {
        format!("`{}`", table(mart, release))
    }

    /// Whether the marts of a release are there and have passed their checks.
    pub async fn has(&self, release: &ReleaseId, marts: &[Mart]) -> Result<bool, Error> {
        if !Held::read(self).await?.record.releases.contains(release) {
            return Ok(false);
        }
        let tables = self.tables().await?;
        Ok(marts.iter().all(|mart| tables.contains(&table(mart.name, release))))
    }

    /// Makes the tables those of a release: the rows of its months, its marts, in their order. Done again by the same run
    /// or another, it does only what is missing of the first and makes the others anew.
    pub async fn fill(
        &self,
        release: &ReleaseId,
        run: &RunId,
        months: &BTreeMap<Month, MonthFile>,
        marts: &[Mart],
        parameters: &[Parameter],
    ) -> Result<(), Error> {
        let mut held = self.load(months).await?;
        for mart in marts {
            self.build(mart, release, run, parameters).await?;
        }
        for mart in marts {
            self.check(mart, release, parameters).await?;
        }
        if !held.record.is_confirmed_by(&self.partitions().await?) {
            return Err(Error::Differs("months were changed by somebody else while the marts were made".to_owned()));
        }
        if held.record.releases.insert(release.clone()) {
            held.write(&self.lake).await?;
        }
        Ok(())
    }

    /// Makes a mart by one query, which replaces what is there at its end.
    async fn build(&self, mart: &Mart, release: &ReleaseId, run: &RunId, given: &[Parameter]) -> Result<(), Error> {
        let (sql, table) = (in_release(mart.sql, release), table(mart.name, release));
        let query = JobConfigurationQuery {
            destination_table: Some(TableReference::new(&self.dataset.project, &self.dataset.name, &table)),
            write_disposition: Some("WRITE_TRUNCATE".to_owned()),
            clustering: Some(Clustering { fields: Some(vec![CLUSTERED_BY.to_owned()]) }),
            ..self.query_configuration(&sql, &named_in(&sql, given), MOST_BYTES)
        };
        // The run is in the id: a release that is made again after its tables were dropped is another job.
        self.run(&format!("{table}_{run}"), JobConfiguration { query: Some(query), ..JobConfiguration::default() })
            .await
    }

    async fn check(&self, mart: &Mart, release: &ReleaseId, given: &[Parameter]) -> Result<(), Error> {
        for sql in mart.checks.split(';').filter(|sql| !sql.trim().is_empty()) {
            let sql = in_release(sql, release);
            let rows = self.query(&format!("{}_check", mart.name), &sql, &named_in(&sql, given), MOST_BYTES).await?;
            if let Some(row) = rows.first() {
                let about = sql.lines().find_map(|line| line.strip_prefix("-- ")).unwrap_or_default();
                let row = row.iter().map(|value| value.as_deref().unwrap_or("null")).collect::<Vec<_>>().join(", ");
                return Err(Error::Differs(format!(
                    "{} of {release} fails its check, {about:?}: {} rows, such as {row}",
                    mart.name,
                    rows.len()
                )));
            }
        }
        Ok(())
    }

    /// Drops the marts of releases that are not kept; returns how many went.
    pub async fn prune(&self, kept: &BTreeSet<ReleaseId>, marts: &[Mart]) -> Result<u64, Error> {
        let mut held = Held::read(self).await?;
        let known = held.record.releases.len();
        held.record.releases.retain(|release| kept.contains(release));
        if held.record.releases.len() < known {
            held.write(&self.lake).await?;
        }
        let mut dropped = 0;
        for name in self.tables().await? {
            if marts.iter().filter_map(|mart| release_of(mart.name, &name)).any(|release| !kept.contains(&release)) {
                self.drop_table(&name).await?;
                dropped += 1;
            }
        }
        Ok(dropped)
    }
}

fn table(mart: &str, release: &ReleaseId) -> String {
    format!("{mart}_{}", suffix(release))
}

fn suffix(release: &ReleaseId) -> String {
    release.as_str().replace('-', "_")
}

/// The release that a table is of, if it is one of this mart.
fn release_of(mart: &str, table: &str) -> Option<ReleaseId> {
    table.strip_prefix(mart)?.strip_prefix('_')?.replace('_', "-").parse().ok()
}

fn in_release(sql: &str, release: &ReleaseId) -> String {
    sql.replace(RELEASE, &suffix(release))
}

/// Those that a query asks for: it may be given no others.
fn named_in(sql: &str, given: &[Parameter]) -> Vec<Parameter> {
    given.iter().filter(|parameter| sql.contains(&format!("@{}", parameter.name()))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_by_its_release_and_known_by_its_name() {
        let release: ReleaseId = "2025-10-4db738dc03c3".parse().unwrap();
        assert_eq!(table("request_types", &release), "request_types_2025_10_4db738dc03c3");
        assert_eq!(release_of("request_types", "request_types_2025_10_4db738dc03c3"), Some(release));
        for other in
            ["requests", "request_types", "request_types_2025", "request_types_of_mine", "x_2025_10_4db738dc03c3"]
        {
            assert_eq!(release_of("request_types", other), None, "{other}");
        }
    }
}
