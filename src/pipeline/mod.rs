//! A refresh: what the source has, in; a published release, out.
//!
//! 1. take the lease, so that no two runners do the same work;
//! 2. list the yearly files of the source;
//! 3. fetch those that changed, keep each as it came, under the hash of its bytes;
//! 4. clean those that this code has not cleaned before, here or on Spark; the guards hold what is not credible;
//! 5. merge the partial counts of all into marts, compare with the release before;
//! 6. fill the tables of the warehouse, if there is one;
//! 7. write the release's record, read everything back, swap the pointer on the condition that nobody else has;
//! 8. remove what no kept release needs, give the lease back.
//!
//! Each output is named by its inputs and by the code, and a run's record in the lake tells how far it came: a refresh that
//! was stopped anywhere is simply started again, skips what is there, and arrives at the same release. Until the pointer is
//! swapped the earlier release stays live. A file that is held stops nobody else: its year stays as it was.

mod background;
mod cleaning;
mod dataproc;
mod error;
mod guards;
mod lease;
mod local;
mod log;
mod notify;
mod progress;
mod prune;
mod publish;
mod restatement;
mod rollback;
mod spark;
mod take_in;
mod verify;
mod wards;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::{self, CleanOn, Executors};
use crate::domain::{ReleaseId, RunId};
use crate::lake::{Key, Lake, Shelf, hex};
use crate::marts::{self, TypeUse};
use crate::release::pointer::{self, Pointer};
use crate::release::run::{self, Held, Run, Step};
use crate::release::{self, Input, Origin, Release};
use crate::source::{self, Source};
use crate::warehouse::{BigQuery, Warehouse};

pub use background::{Background, in_background};
pub use cleaning::{clean_file, clean_raw};
pub use error::Error;
pub use rollback::rollback;
pub use verify::verify;

use lease::{Lease, Taken};
use local::{blocking, disk, temporary_folder};
use log::{RunLog, StepClock};
use progress::Progress;
use publish::Publisher;
use spark::Spark;
use take_in::{Candidate, Intake, Stored};

/// How often a run starts over because another one published while it was at work.
const ROUNDS: u32 = 3;

/// What a refresh does and how.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Rows of a file that may be in quarantine for one reason, in per cent.
    pub quarantine_budget: f64,
    /// Releases that are kept.
    pub keep: usize,
    /// Which machine cleans.
    pub clean_on: CleanOn,
    /// As whom and where, if it is Spark.
    pub executors: Executors,
    /// After which a lease that does not change counts as abandoned.
    pub lease: Duration,
    /// Where marts are made besides the lake.
    pub warehouse: Warehouse,
    /// Before the second try of a call to it.
    pub retry: Duration,
    /// Where failures and recoveries are told.
    pub webhook: Option<String>,
    /// Years to look at; the others stay as they are.
    pub years: Option<RangeInclusive<u16>>,
    /// Rebuild from the files in the lake, without the source.
    pub from_raw: bool,
    /// Years that no guard holds.
    pub accept: Vec<u16>,
}

impl Plan {
    /// What the settings of `refresh` say.
    pub fn of(settings: &config::Refresh) -> Self {
        Self {
            years: settings.years.clone(),
            from_raw: settings.from == config::From::Raw,
            accept: settings.accept.clone(),
            ..Self::of_publishing(&settings.publishing)
        }
    }

    /// A look at all years of the source.
    pub fn of_publishing(settings: &config::Publishing) -> Self {
        Self {
            quarantine_budget: settings.quarantine_budget,
            keep: usize::from(settings.keep),
            clean_on: settings.clean_on.clone(),
            executors: settings.executors.clone(),
            lease: settings.lease_seconds,
            warehouse: settings.warehouse.clone(),
            retry: settings.source.retry_seconds,
            webhook: settings.webhook.clone(),
            years: None,
            from_raw: false,
            accept: Vec::new(),
        }
    }
}

/// The source that the settings name.
pub fn source(settings: &config::Source) -> Result<Source, source::Error> {
    let patience = source::Patience {
        stall: settings.stall_seconds,
        download: settings.download_seconds,
        retry: settings.retry_seconds,
    };
    Source::new(&settings.at, &settings.allowed_hosts, patience)
}

/// How a refresh ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A new release is live.
    Published(ReleaseId),
    /// Same inputs and same code as the live release.
    NoChange(ReleaseId),
    /// Another run is at work.
    Busy(Option<RunId>),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Published(release) => write!(f, "published {release}"),
            Self::NoChange(release) => write!(f, "no_change {release}"),
            Self::Busy(Some(run)) => write!(f, "busy {run}"),
            Self::Busy(None) => f.write_str("busy"),
        }
    }
}

/// How a refresh ended well, but for the files that it held.
#[derive(Debug)]
pub struct Report {
    /// The rest.
    pub outcome: Outcome,
    /// Files that were not taken in.
    pub held: Vec<Held>,
}

/// Brings the lake in step with the source. `stop` ends it at the next opportunity.
pub async fn refresh(lake: &Lake, source: &Source, plan: &Plan, stop: &CancellationToken) -> Result<Report, Error> {
    run(lake, source, plan, Origin::City, stop).await
}

/// Publishes three years of generated requests if the lake has no release.
pub async fn demo_if_empty(lake: &Lake, lease: Duration, stop: &CancellationToken) -> Result<(), Error> {
    if !pointer::read(lake).await?.is_absent() {
        return Ok(());
    }
    info!("the lake is empty: building a demo release");
    let folder = temporary_folder()?;
    let path = folder.path().to_owned();
    blocking(move || source::demo::write(&path).map_err(disk(&path))).await?;
    let source = Source::Folder(folder.path().to_owned());
    let plan = Plan {
        quarantine_budget: 0.0,
        keep: 1,
        clean_on: CleanOn::InProcess,
        executors: Executors::default(),
        lease,
        // Nobody's requests are not worth a query.
        warehouse: Warehouse::Embedded,
        retry: Duration::ZERO,
        webhook: None,
        years: None,
        from_raw: false,
        accept: Vec::new(),
    };
    run(lake, &source, &plan, Origin::Demo, stop).await.map(|_| ())
}

/// The request types of the live release; none in an empty lake.
async fn live_types(lake: &Lake) -> Result<Vec<TypeUse>, Error> {
    let Some(current) = pointer::current(lake).await? else { return Ok(Vec::new()) };
    let types = lake.get(Key::Mart { release: &current.release, file: marts::REQUEST_TYPES }).await?;
    Ok(types.map(marts::type_uses).transpose()?.unwrap_or_default())
}

/// Those whose type is not known.
fn new_types(known: &[TypeUse], mut types: Vec<TypeUse>) -> Vec<TypeUse> {
    types.retain(|used| !known.iter().any(|known| known.request_type == used.request_type));
    types
}

/// A whole run: lease, record, work, record, lease.
async fn run(
    lake: &Lake,
    source: &Source,
    plan: &Plan,
    origin: Origin,
    stop: &CancellationToken,
) -> Result<Report, Error> {
    let id = RunId::new(Timestamp::now(), fastrand::u32(..));
    let lease = tokio::select! {
        taken = lease::take(lake, &id, plan.lease) => taken?,
        () = stop.cancelled() => return Err(Error::Interrupted),
    };
    let (lease, dead) = match lease {
        Taken::Busy(holder) => return Ok(Report { outcome: Outcome::Busy(holder), held: Vec::new() }),
        Taken::Mine(lease, dead) => (lease, dead),
    };
    if let Some(dead) = &dead {
        info!(run = %dead, "taking over from a run that died");
        log::bury(lake, dead).await;
    }
    let before = run::latest(lake, 1).await.unwrap_or_default().pop();
    let from = if origin == Origin::Demo { "demo".to_owned() } else { source.to_string() };
    let log = RunLog::begin(lake, &id, if plan.from_raw { "raw".to_owned() } else { from }).await;
    info!(run = %id, "refresh");
    let (warehouse, spark) = (BigQuery::open(&plan.warehouse, lake, plan.retry), Spark::new(lake, plan));
    let refresh = Refresh { lake, source, plan, origin, id: &id, log: &log, spark: &spark, warehouse };
    let result = refresh.guarded(&lease, stop).await;
    // A look that finds nothing new, and nobody killed before it, need not walk through all of the lake.
    if (dead.is_some() || !matches!(result, Ok(Outcome::NoChange(_))))
        && let Err(error) = lake.sweep(plan.lease).await
    {
        log.warn(error.to_string());
    }
    let record = record_end(&log, &result).await;
    lease.give_back().await;
    if let Some(webhook) = &plan.webhook {
        // Telling takes most of a minute where nobody listens; being told to stop, there are ten seconds.
        let _ = stop.run_until_cancelled(notify::notify(webhook, before.as_ref(), &record)).await;
    }
    result.map(|outcome| Report { outcome, held: log.held() })
}

async fn record_end(log: &RunLog, result: &Result<Outcome, Error>) -> Run {
    let message = result.as_ref().err().map(ToString::to_string);
    let (outcome, release) = match result {
        Ok(Outcome::Published(release)) => (run::Outcome::Published, Some(release)),
        Ok(Outcome::NoChange(release)) => (run::Outcome::NoChange, Some(release)),
        Ok(Outcome::Busy(_)) | Err(Error::Interrupted) => (run::Outcome::Interrupted, None),
        Err(_) => (run::Outcome::Failed, None),
    };
    info!(outcome = outcome.as_str(), release = release.map(ReleaseId::as_str), "refresh ended");
    log.end(outcome, release.cloned(), message).await
}

/// A run at work.
struct Refresh<'a> {
    lake: &'a Lake,
    source: &'a Source,
    plan: &'a Plan,
    origin: Origin,
    id: &'a RunId,
    log: &'a RunLog,
    spark: &'a Spark<'a>,
    warehouse: Option<BigQuery>,
}

impl Refresh<'_> {
    /// The work, unless the run is told to stop or loses its lease first.
    async fn guarded(&self, lease: &Lease, stop: &CancellationToken) -> Result<Outcome, Error> {
        let ended = tokio::select! {
            done = self.rounds() => done,
            () = stop.cancelled() => Err(Error::Interrupted),
            () = lease.lost() => Err(Error::LeaseLost),
        };
        // Whoever took the lease over waits for the same batch.
        if matches!(ended, Err(Error::Interrupted)) {
            self.spark.cancel().await;
        }
        ended
    }

    /// All is kept that was done, so starting over takes little.
    async fn rounds(&self) -> Result<Outcome, Error> {
        for _ in 1..ROUNDS {
            match self.round().await {
                Err(Error::Superseded) => self.log.warn("another run published meanwhile: starting over".to_owned()),
                Err(error @ Error::Incomplete(_)) => self.log.warn(format!("{error}: its file is cleaned again")),
                ended => return ended,
            }
        }
        self.round().await
    }

    async fn round(&self) -> Result<Outcome, Error> {
        let pointer = pointer::read(self.lake).await?;
        if let Some(damage) = &pointer.damage {
            self.log.warn(format!("{damage}; it is written anew"));
        }
        if self.origin == Origin::Demo && !pointer.is_absent() {
            // Another server was faster, or real data arrived.
            return Ok(Outcome::Busy(None));
        }
        let live = self.live(&pointer).await;
        let candidates = self.candidates(live.as_ref()).await?;
        let progress = Progress::start();
        let intake = self.intake(live.as_ref(), &progress);
        let inputs = self.take_in(&intake, candidates).await?;
        let Self { lake, log, id, origin, .. } = *self;
        let (pointer, live, warehouse) = (&pointer, live.as_ref(), self.warehouse.as_ref());
        let publisher = Publisher { lake, log, run: id, origin, pointer, live, warehouse };
        progress.say("publishing");
        let (release, published) = publisher.publish(inputs).await?;
        if published {
            self.prune().await;
        }
        if !self.plan.from_raw {
            wards::watch(&intake).await?;
        }
        Ok(if published { Outcome::Published(release) } else { Outcome::NoChange(release) })
    }

    /// The live release, if its rows are the City's. Without its record all is made anew.
    async fn live(&self, pointer: &Pointer) -> Option<Release> {
        let current = pointer.current.as_ref()?;
        match release::load(self.lake, &current.release).await {
            Ok(Some(release)) => Some(release).filter(|release| release.origin == self.origin),
            Ok(None) => {
                self.log.warn(format!("there is no record of the live release {}", current.release));
                None
            }
            Err(error) => {
                self.log.warn(format!("{error}; it is made anew"));
                None
            }
        }
    }

    /// Where the file of each year is: those of the source and those that only the lake still has.
    async fn candidates(
        &self,
        live: Option<&Release>,
    ) -> Result<BTreeMap<u16, Result<Candidate, source::Error>>, Error> {
        let wanted = |year: u16| self.plan.years.as_ref().is_none_or(|years| years.contains(&year));
        let mut candidates: BTreeMap<u16, _> = match self.plan.from_raw {
            true => self.raw(live).await?.into_iter().map(|(year, raw)| (year, Ok(raw))).collect(),
            false => self.listed().await?,
        };
        candidates.retain(|year, _| wanted(*year));
        for input in live.map(|live| &live.inputs).into_iter().flatten() {
            let year = input.summary.year;
            if candidates.contains_key(&year) {
                continue;
            }
            if wanted(year) && !self.plan.from_raw {
                self.log.warn(format!("{}: the source no longer has it; its last good file stays", input.summary.file));
            }
            let raw = Candidate::Raw { sha256: input.sha256.clone(), bytes: input.bytes };
            candidates.insert(year, Ok(raw));
        }
        Ok(candidates)
    }

    async fn listed(&self) -> Result<BTreeMap<u16, Result<Candidate, source::Error>>, Error> {
        let clock = StepClock::start("discover", None);
        let listing = self.source.list().await?;
        listing.warnings.into_iter().for_each(|warning| self.log.warn(warning));
        self.log.step(clock.end("done")).await;
        Ok(listing.years.into_iter().map(|(year, found)| (year, found.map(Candidate::Source))).collect())
    }

    /// The files in the lake: of each year the one that is live, else the one that came last.
    async fn raw(&self, live: Option<&Release>) -> Result<BTreeMap<u16, Candidate>, Error> {
        let mut raw = BTreeMap::new();
        let mut found = self.lake.list(Shelf::Raw).await?;
        found.sort_by_key(|found| found.modified);
        for found in found {
            let Some((resource, sha256)) = found.name.split_once('/') else { continue };
            let Some(year) = resource.strip_prefix("SR").and_then(|year| year.parse().ok()) else { continue };
            let live = live.and_then(|live| live.input(year));
            let sha256 = live.map_or(sha256, |input| &input.sha256).to_owned();
            let bytes = live.map_or(found.bytes, |input| input.bytes);
            raw.insert(year, Candidate::Raw { sha256, bytes });
        }
        if raw.is_empty() { Err(Error::NoRaw) } else { Ok(raw) }
    }

    fn intake<'a>(&'a self, live: Option<&'a Release>, progress: &'a Progress) -> Intake<'a> {
        Intake {
            lake: self.lake,
            source: self.source,
            live,
            log: self.log,
            progress,
            quarantine_budget: self.plan.quarantine_budget,
            accept: &self.plan.accept,
        }
    }

    /// One download at a time, out of politeness; as many files being cleaned as there are cores.
    async fn take_in(
        &self,
        intake: &Intake<'_>,
        candidates: BTreeMap<u16, Result<Candidate, source::Error>>,
    ) -> Result<Vec<Input>, Error> {
        intake.progress.say("looking at the source");
        let mut looked = Vec::new();
        for (year, candidate) in candidates {
            looked.push(intake.look(year, candidate).await?);
        }
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let fetched = futures::stream::iter(looked).then(async |looked| intake.fetch(looked).await);
        // A batch is made of all files; in process, the first is cleaned while the second comes.
        let fetched = match self.plan.clean_on {
            CleanOn::InProcess => fetched.boxed_local(),
            CleanOn::Dataproc { .. } => {
                let fetched = fetched.try_collect().await?;
                intake.progress.say("cleaning on Spark");
                let fetched = self.clean_on_spark(fetched).await?;
                futures::stream::iter(fetched).map(Ok).boxed_local()
            }
        };
        let inputs: Vec<Option<Input>> =
            fetched.map(async |stored| intake.clean(stored?).await).buffered(workers).try_collect().await?;
        Ok(inputs.into_iter().flatten().collect())
    }

    /// The same files, of which those that could be cleaned have been.
    async fn clean_on_spark(&self, fetched: Vec<Option<Stored>>) -> Result<Vec<Option<Stored>>, Error> {
        let clock = StepClock::start("spark", None);
        if let Some(batch) = self.spark.clean(fetched.iter().flatten().map(Stored::named)).await? {
            self.log.step(Step { output: Some(batch), ..clock.end("done") }).await;
        }
        Ok(fetched)
    }

    /// What is left lying costs space and nothing else, so a failure is no failure of the run.
    async fn prune(&self) {
        let clock = StepClock::start("prune", None);
        match prune::prune(self.lake, self.plan.keep, self.warehouse.as_ref()).await {
            Ok(()) => self.log.step(clock.end("done")).await,
            Err(error) => self.log.warn(format!("old releases are not removed: {error}")),
        }
    }
}

/// Of the parts in order, each with its end marked; in hex.
fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}
