//! Where the counts of a request type come from: the warehouse where there is one, the lake's mart where there is none or
//! it does not answer. Both have the same counts, so nobody sees a difference.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use tracing::warn;

use super::live::Live;
use crate::clean::cell::Cell;
use crate::marts::{Series, sql};
use crate::release::Origin;
use crate::warehouse::{self, BigQuery};

/// How long somebody waits for the warehouse before the lake answers.
const PATIENCE: Duration = Duration::from_secs(10);

/// After a failure, how long the warehouse is not asked: not everybody has to wait in vain.
const REST: Duration = Duration::from_secs(60);

/// Reads the counts of request types, and counts from where.
#[derive(Default)]
pub struct Reader {
    warehouse: Option<BigQuery>,
    resting_until: Mutex<Option<Instant>>,
    queries: AtomicU64,
    fallbacks: AtomicU64,
}

impl Reader {
    /// From a warehouse if there is one.
    pub fn new(warehouse: Option<BigQuery>) -> Self {
        Self { warehouse, ..Self::default() }
    }

    /// Whether there is a warehouse.
    pub fn has_warehouse(&self) -> bool {
        self.warehouse.is_some()
    }

    /// Queries sent so far, and times that the lake answered instead.
    pub fn figures(&self) -> [u64; 2] {
        [&self.queries, &self.fallbacks].map(|figure| figure.load(Ordering::Relaxed))
    }

    /// The counts of some types together.
    pub async fn series(&self, live: Arc<Live>, request_types: Vec<String>) -> anyhow::Result<Series> {
        let cells = self.cells(&live, &request_types).await;
        let make = move || match cells {
            Some(cells) => Ok(Series::new(live.release.months, &cells)),
            None => live.marts.series(request_types.iter().map(String::as_str)),
        };
        Ok(tokio::task::spawn_blocking(make).await.context("reading counts panicked")??)
    }

    /// From the warehouse; `None` where it has none or does not answer. A demo is never in it.
    async fn cells(&self, live: &Live, request_types: &[String]) -> Option<Vec<(Cell, i64)>> {
        let warehouse = self.warehouse.as_ref().filter(|_| live.release.origin == Origin::City)?;
        if self.resting_until().is_some_and(|until| Instant::now() < until) {
            self.fallbacks.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        self.queries.fetch_add(1, Ordering::Relaxed);
        let asked = sql::cells(warehouse, &live.release.release, request_types.to_vec());
        let answered = tokio::time::timeout(PATIENCE, asked).await;
        match answered.unwrap_or(Err(warehouse::Error::Slow(PATIENCE))) {
            Ok(cells) => Some(cells),
            Err(error) => {
                warn!(types = request_types.join(","), "the lake answers in place of the warehouse: {error}");
                self.fallbacks.fetch_add(1, Ordering::Relaxed);
                *self.resting_until() = Some(Instant::now() + REST);
                None
            }
        }
    }

    fn resting_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.resting_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
