//! What all requests share, and how it follows the lake.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::anyhow;
use tracing::{error, info};

use super::error::Failure;
use super::layers::Layers;
use super::live::Live;
use super::respond::Figures;
use super::series::Reader;
use super::status::Pipeline;
use super::traffic::Traffic;
use crate::config::{Schedule, Serve};
use crate::domain::ReleaseId;
use crate::lake::Lake;
use crate::warehouse::BigQuery;

/// Between looks for the first release.
const FIRST: Duration = Duration::from_millis(100);

/// The same where the lake could not be read: what ails it is in the log each time.
const FIRST_AGAIN: Duration = Duration::from_secs(2);

/// Earlier releases that are held in memory because an address names them.
const PINNED: u64 = 2;

/// What all requests share.
pub struct App {
    /// The areas.
    pub layers: Layers,
    /// How often answers were in memory.
    pub figures: Figures,
    /// Requests by route.
    pub traffic: Traffic,
    /// The Google Cloud project that traces of log lines are in.
    pub trace_project: Option<String>,
    live: RwLock<Option<Arc<Live>>>,
    pipeline: RwLock<Arc<Pipeline>>,
    pinned: moka::future::Cache<ReleaseId, Arc<Live>>,
    lake: Lake,
    /// Of the counts of single types.
    pub reader: Arc<Reader>,
    cache_mb: u64,
}

impl App {
    /// Without a release as yet.
    pub fn new(settings: &Serve, lake: Lake) -> anyhow::Result<Self> {
        let publishing = &settings.publishing;
        let warehouse = BigQuery::open(&publishing.warehouse, &lake, publishing.source.retry_seconds);
        Ok(Self {
            layers: Layers::read(settings.public_url.clone())?,
            figures: Figures::default(),
            traffic: Traffic::default(),
            trace_project: settings.trace_project.clone(),
            live: RwLock::new(None),
            pipeline: RwLock::default(),
            pinned: moka::future::Cache::new(PINNED),
            lake,
            reader: Arc::new(Reader::new(warehouse)),
            cache_mb: settings.cache_mb,
        })
    }

    /// The release of this moment. A request takes it once, so no answer mixes two.
    pub fn live(&self) -> Result<Arc<Live>, Failure> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Failure::NotReady)
    }

    /// The same, if there is one.
    pub fn known(&self) -> Option<Arc<Live>> {
        self.live().ok()
    }

    /// The release that a query names; the live one if it names none, or none that there is, which is refused when the
    /// query is read.
    pub async fn live_of(&self, query: &str) -> Result<Arc<Live>, Failure> {
        let live = self.live()?;
        let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "release");
        let Some(id) = named.and_then(|(_, id)| id.parse::<ReleaseId>().ok()) else { return Ok(live) };
        let is_kept = || self.pipeline().changes.iter().any(|changes| changes.release == id);
        if id == live.release.release || !is_kept() {
            return Ok(live);
        }
        let load = Live::load_release(&self.lake, live.pointer.clone(), &id, self.cache_mb, &self.reader);
        let loaded = self.pinned.try_get_with(id.clone(), async { load.await.map(Arc::new) }).await;
        loaded.map_err(|error: Arc<anyhow::Error>| Failure::Internal(anyhow!("release {id} not loaded: {error:#}")))
    }

    /// What the refreshes say.
    pub fn pipeline(&self) -> Arc<Pipeline> {
        self.pipeline.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn switch(&self, live: Live) {
        info!(release = %live.release.release, months = %live.release.months, "serving");
        let live = Arc::new(live);
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(live.clone());
        tokio::spawn(live.warm());
    }

    /// Reads what the refreshes say and switches to each release that the lake points to, so that a request needs nothing
    /// but memory. What can't be loaded is logged, and what was known before stays.
    pub async fn follow(&self, schedule: Schedule, every: Duration) {
        loop {
            let (known, before) = (self.known(), self.pipeline());
            let look = async {
                match Pipeline::read(&self.lake, schedule, &before).await {
                    Ok(read) => *self.pipeline.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read),
                    Err(error) => error!("records of runs not read: {error:#}"),
                }
            };
            let load = Live::load(&self.lake, known.as_deref(), self.cache_mb, &self.reader);
            let ((), live) = tokio::join!(look, load);
            let wait = match live {
                Ok(Some(live)) => {
                    self.switch(live);
                    every
                }
                // The first release is awaited by people, the next ones are not.
                Ok(None) => known.map_or(FIRST, |_| every),
                Err(error) => {
                    error!("release not loaded: {error:#}");
                    known.map_or(every.min(FIRST_AGAIN), |_| every)
                }
            };
            tokio::time::sleep(wait).await;
        }
    }
}
