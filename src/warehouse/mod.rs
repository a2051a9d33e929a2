//! BigQuery as the warehouse: the lake's cleaned rows and its marts as tables, for SQL and for the web.
//!
//! Where it is not set, the marts in the lake are all there is. Where it is, a refresh does this before it publishes:
//!
//! 1. [`BigQuery::load`] makes the table `requests` hold the rows of the release: months whose file differs from what the
//!    table holds are replaced whole, each by one load job that reads the lake's Parquet;
//! 2. [`BigQuery::build`] makes the marts from it by SQL, as tables named after the release, so that whoever reads one
//!    release never sees another, and runs their checks;
//! 3. [`BigQuery::prune`] drops the marts of releases that the lake no longer has.
//!
//! Every change is one job that takes effect as a whole at its end, and has an id that follows from what it does: sent
//! again after an answer was lost, after a kill or by another run, it is the same job. What is held where and when a job
//! is a new one, is in `held.rs`.
//!
//! Mistakes that are easy to make: a load appends unless told otherwise; a month can only be replaced by its partition's
//! name, `requests$202405`; a job that is done may have failed; a job's location has to be told where it is not US or EU.
//!
//! What is read is paid for, and never less than 10 MB a table that a query names: see the table of costs in the README.

mod api;
mod error;
mod held;
mod job;
mod marts;
mod parameter;
mod requests;
mod setting;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gcp_bigquery_client::Client;
use tokio::sync::OnceCell;

use crate::lake::Lake;

pub use error::Error;
pub use marts::Mart;
pub use parameter::Parameter;
pub use requests::MonthFile;
pub use setting::{Dataset, Warehouse};

/// A dataset of BigQuery beside a lake.
#[derive(Clone)]
pub struct BigQuery {
    dataset: Dataset,
    lake: Lake,
    /// Before the second try of a call.
    retry: Duration,
    client: Arc<OnceCell<Client>>,
    /// Of the dataset, where its jobs have to run.
    location: Arc<OnceCell<String>>,
}

// The lake holds credentials, which are shown to nobody.
impl fmt::Debug for BigQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dataset.fmt(f)
    }
}

impl BigQuery {
    /// The dataset that the setting names, if it names one. Nothing is asked yet: a server starts without it.
    pub fn open(warehouse: &Warehouse, lake: &Lake, retry: Duration) -> Option<Self> {
        let Warehouse::BigQuery(dataset) = warehouse else { return None };
        let (client, location) = Default::default();
        Some(Self { dataset: dataset.clone(), lake: lake.clone(), retry, client, location })
    }
}
