//! Every call to BigQuery: one client, one token, and one place where a call is tried again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use gcp_bigquery_client::Client;
use gcp_bigquery_client::auth::Authenticator;
use gcp_bigquery_client::client_builder::ClientBuilder;
use gcp_bigquery_client::error::BQError;
use gcp_bigquery_client::model::table::Table;
use gcp_bigquery_client::table::ListOptions;
use tracing::warn;

use super::error::{Next, Refusal};
use super::{BigQuery, Error};
use crate::lake::Lake;

/// How often a call is tried at most.
const TRIES: u32 = 6;

/// The longest pause before another try.
const CAP: Duration = Duration::from_secs(60);

const CONNECT: Duration = Duration::from_secs(5);

/// For an answer. BigQuery itself waits ten seconds for the result of a query before it says that there is none yet.
const ANSWER: Duration = Duration::from_secs(60);

/// The variable that clients of BigQuery take the address of a stand-in from.
const STAND_IN: &str = "BIGQUERY_EMULATOR_HOST";

/// The lake's credentials are good for BigQuery, too: the application default ones.
#[derive(Clone)]
struct LakeCredentials(Lake);

#[async_trait]
impl Authenticator for LakeCredentials {
    async fn access_token(&self) -> Result<String, BQError> {
        let bucket = self.0.bucket().ok_or(BQError::NoToken)?;
        bucket.token().await.map_err(|error| BQError::ConnectionPoolError(error.to_string()))
    }
}

impl BigQuery {
    async fn client(&self) -> Result<Client, BQError> {
        let open = async || {
            // The client has no limits of its own.
            let http = reqwest_012::Client::builder().connect_timeout(CONNECT).timeout(ANSWER).build()?;
            let mut builder = ClientBuilder::new();
            builder.with_client(http);
            if let Ok(base) = std::env::var(STAND_IN) {
                builder.with_v2_base_url(format!("{base}/bigquery/v2"));
            }
            builder.build_from_authenticator(Arc::new(LakeCredentials(self.lake.clone()))).await
        };
        self.client.get_or_try_init(open).await.cloned()
    }

    /// Makes a call until it is answered, or refused for good.
    pub(super) async fn call<T, F: Future<Output = Result<T, BQError>>>(
        &self,
        what: &str,
        make: impl Fn(Client) -> F,
    ) -> Result<T, Error> {
        let mut tried = 1;
        loop {
            let done = match self.client().await {
                Ok(client) => make(client).await,
                Err(error) => Err(error),
            };
            let refusal = match done {
                Ok(done) => return Ok(done),
                Err(error) => Refusal::from(error),
            };
            if refusal.next() != Next::Retry || tried == TRIES {
                return Err(Error::Call { what: what.to_owned(), refusal });
            }
            warn!(attempt = tried, "BigQuery: {what}: {refusal}; trying again");
            tokio::time::sleep(pause(self.retry, tried)).await;
            tried += 1;
        }
    }

    /// Where the dataset is.
    pub(super) async fn location(&self) -> Result<&str, Error> {
        let read = async || {
            let what = format!("dataset {}", self.dataset);
            let (project, name) = (&self.dataset.project, &self.dataset.name);
            let get = |client: Client| async move { client.dataset().get(project, name).await };
            let found = self.call(&what, get).await?;
            found.location.ok_or_else(|| Error::Answer(format!("{what} has no location")))
        };
        self.location.get_or_try_init(read).await.map(String::as_str)
    }

    /// Makes a table unless there is one of its name.
    pub(super) async fn create_table(&self, table: Table) -> Result<(), Error> {
        let what = format!("table {}", table.table_reference.table_id);
        let table = &table;
        let create = |client: Client| async move { client.table().create(table.clone()).await.map(drop) };
        unless(Next::Exists, self.call(&what, create).await)
    }

    /// Drops a table if it is there.
    pub(super) async fn drop_table(&self, table: &str) -> Result<(), Error> {
        let (project, dataset) = (&self.dataset.project, &self.dataset.name);
        let delete = |client: Client| async move { client.table().delete(project, dataset, table).await };
        unless(Next::Absent, self.call(&format!("table {table}"), delete).await)
    }

    /// The names of all tables.
    pub(super) async fn tables(&self) -> Result<Vec<String>, Error> {
        let (project, dataset) = (&self.dataset.project, &self.dataset.name);
        let (mut names, mut page) = (Vec::new(), None::<String>);
        loop {
            let from = &page;
            let list = |client: Client| async move {
                let options = ListOptions::default().max_results(1000);
                let options = from.iter().fold(options, |options, page| options.page_token(page.clone()));
                client.table().list(project, dataset, options).await
            };
            let found = self.call(&format!("tables of {}", self.dataset), list).await?;
            names.extend(found.tables.unwrap_or_default().into_iter().map(|table| table.table_reference.table_id));
            page = found.next_page_token;
            if page.is_none() {
                return Ok(names);
            }
        }
    }
}

/// Takes a refusal for success, if it says that there is nothing to do.
pub(super) fn unless(fine: Next, done: Result<(), Error>) -> Result<(), Error> {
    match done {
        Err(Error::Call { refusal, .. }) if refusal.next() == fine => Ok(()),
        done => done,
    }
}

/// Twice as long after each try, and a random part of that, so that many that failed together do not come back together.
fn pause(first: Duration, tried: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(tried - 1)).min(CAP).mul_f64(fastrand::f64())
}
