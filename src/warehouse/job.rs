//! Jobs: started once however often they are sent, and waited for.

use std::time::Duration;

use gcp_bigquery_client::Client;
use gcp_bigquery_client::model::dataset_reference::DatasetReference;
use gcp_bigquery_client::model::get_query_results_parameters::GetQueryResultsParameters;
use gcp_bigquery_client::model::job::Job;
use gcp_bigquery_client::model::job_configuration::JobConfiguration;
use gcp_bigquery_client::model::job_configuration_query::JobConfigurationQuery;
use gcp_bigquery_client::model::job_reference::JobReference;
use gcp_bigquery_client::model::table_row::TableRow;
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::error::Next;
use super::{BigQuery, Error, Parameter};

/// For a job, from when it is sent. Loads and queries of ours take seconds; a queue of a busy project may be long.
const DEADLINE: Duration = Duration::from_secs(1800);

/// Before the second look at a job; twice as long before each one after, up to the last.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LAST_LOOK: Duration = Duration::from_secs(5);

/// How often a job that failed by BigQuery's own fault is started anew.
const ANEW: u32 = 3;

/// A row of a result: its values as text, in the order of the query's columns.
pub type Row = Vec<Option<String>>;

impl BigQuery {
    /// Runs a job to its end. One that has been started under this id is not started again; one that failed is, under the
    /// next id, since an id is good for one job only.
    pub(super) async fn run(&self, id: &str, configuration: JobConfiguration) -> Result<(), Error> {
        let mut failed = 0;
        for number in 0_u32.. {
            let id = if number == 0 { id.to_owned() } else { format!("{id}-{number}") };
            let is_new = self.start(&id, configuration.clone()).await?;
            match self.finish(&id).await {
                // In another run, whose cause may be gone.
                Err(Error::Job { .. }) if !is_new => {}
                Err(Error::Job { job, refusal }) if refusal.passes() && failed < ANEW => {
                    warn!("BigQuery: job {job} failed: {refusal}; started anew");
                    failed += 1;
                }
                ended => return ended,
            }
        }
        Ok(())
    }

    /// Sends a job; `false` when one of this id had been sent before.
    async fn start(&self, id: &str, configuration: JobConfiguration) -> Result<bool, Error> {
        let job = Job {
            configuration: Some(configuration),
            job_reference: Some(JobReference {
                project_id: Some(self.dataset.project.clone()),
                job_id: Some(id.to_owned()),
                location: Some(self.location().await?.to_owned()),
            }),
            ..Job::default()
        };
        let (project, job) = (&self.dataset.project, &job);
        let insert = |client: Client| async move { client.job().insert(project, job.clone()).await };
        match self.call(&format!("job {id}"), insert).await {
            Ok(_) => Ok(true),
            Err(Error::Call { refusal, .. }) if refusal.next() == Next::Exists => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Waits until a job is done.
    async fn finish(&self, id: &str) -> Result<(), Error> {
        let (until, mut pause) = (Instant::now() + DEADLINE, FIRST_LOOK);
        let (project, location) = (&self.dataset.project, self.location().await?);
        let get = |client: Client| async move { client.job().get_job(project, id, Some(location)).await };
        loop {
            let status = self.call(&format!("job {id}"), get).await?.status.unwrap_or_default();
            match (status.state.as_deref(), &status.error_result) {
                (Some("DONE"), None) => return Ok(()),
                (Some("DONE"), Some(error)) => return Err(Error::Job { job: id.to_owned(), refusal: error.into() }),
                _ if Instant::now() > until => return Err(Error::Late { job: id.to_owned(), after: DEADLINE }),
                _ => sleep(pause).await,
            }
            pause = (pause * 2).min(LAST_LOOK);
        }
    }

    /// The rows of a query. One that would read more bytes than it may is refused before it costs anything.
    pub async fn query(
        &self,
        what: &str,
        sql: &str,
        parameters: &[Parameter],
        most_bytes: u64,
    ) -> Result<Vec<Row>, Error> {
        // What is sent again after an answer was lost is the same query; the next time that it is asked, it is another.
        let id = format!("{what}_{:016x}", fastrand::u64(..));
        let query = self.query_configuration(sql, parameters, most_bytes);
        self.start(&id, JobConfiguration { query: Some(query), ..JobConfiguration::default() }).await?;
        self.rows(&id).await
    }

    pub(super) fn query_configuration(
        &self,
        sql: &str,
        parameters: &[Parameter],
        most_bytes: u64,
    ) -> JobConfigurationQuery {
        let dataset =
            DatasetReference { project_id: self.dataset.project.clone(), dataset_id: self.dataset.name.clone() };
        JobConfigurationQuery {
            query: sql.to_owned(),
            use_legacy_sql: Some(false),
            default_dataset: Some(dataset),
            parameter_mode: (!parameters.is_empty()).then(|| "NAMED".to_owned()),
            query_parameters: (!parameters.is_empty()).then(|| parameters.iter().map(Parameter::to_model).collect()),
            maximum_bytes_billed: Some(most_bytes.to_string()),
            ..JobConfigurationQuery::default()
        }
    }

    /// All pages of a result; BigQuery holds each answer until the query is done, or for ten seconds.
    async fn rows(&self, id: &str) -> Result<Vec<Row>, Error> {
        let until = Instant::now() + DEADLINE;
        let (project, location) = (&self.dataset.project, self.location().await?);
        let (mut rows, mut page_token) = (Vec::new(), None);
        loop {
            let page = &GetQueryResultsParameters {
                location: Some(location.to_owned()),
                page_token: page_token.clone(),
                ..GetQueryResultsParameters::default()
            };
            let get = |client: Client| async move { client.job().get_query_results(project, id, page.clone()).await };
            let found = match self.call(&format!("result of job {id}"), get).await {
                Err(Error::Call { refusal, .. }) if refusal.next() == Next::Stop => {
                    return Err(Error::Job { job: id.to_owned(), refusal });
                }
                found => found?,
            };
            if !found.job_complete.unwrap_or_default() {
                if Instant::now() > until {
                    return Err(Error::Late { job: id.to_owned(), after: DEADLINE });
                }
                continue;
            }
            rows.extend(found.rows.unwrap_or_default().into_iter().map(row));
            page_token = found.page_token;
            if page_token.is_none() {
                return Ok(rows);
            }
        }
    }
}

fn row(row: TableRow) -> Row {
    let text = |value: serde_json::Value| match value {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    row.columns.unwrap_or_default().into_iter().map(|cell| cell.value.and_then(text)).collect()
}
