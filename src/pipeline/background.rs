//! The refresh inside `serve`: on threads of its own, at low priority, so that no request waits for it.

use std::io;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{Error, Plan, demo_if_empty, refresh, source};
use crate::config::{self, Schedule};
use crate::lake::Lake;
use crate::release::freshness::Freshness;
use crate::release::pointer;
use crate::source::Source;

/// Threads that clean.
const CLEANING_THREADS: usize = 2;

/// How much the threads give way to those that answer requests, of 0 to 19.
const NICENESS: i32 = 10;

/// How long the refresh may take to stop once the last request has been answered. It was told when the server was, and
/// stops at once but for the file that is being cleaned.
const PATIENCE: Duration = Duration::from_secs(1);

/// A refresh at work in the background.
pub struct Background(oneshot::Receiver<()>);

impl Background {
    /// Waits until it has stopped, but not for ever.
    pub async fn end(self) {
        if tokio::time::timeout(PATIENCE, self.0).await.is_err() {
            warn!("the refresh did not stop in time; the next one takes over");
        }
    }
}

/// Starts what `serve` does besides serving: a demo release if the lake is empty, then refreshes by the schedule.
pub fn in_background(lake: &Lake, settings: &config::Serve, stop: &CancellationToken) -> Result<Background, Error> {
    let (lake, stop) = (lake.clone(), stop.clone());
    let (plan, schedule) = (Plan::of_publishing(&settings.publishing), settings.refresh);
    let source = source(&settings.publishing.source)?;
    let (ended, end) = oneshot::channel();
    let work = move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(CLEANING_THREADS)
            .on_thread_start(give_way)
            .thread_name("refresh")
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => runtime.block_on(keep_fresh(&lake, &source, &plan, schedule, &stop)),
            Err(error) => error!("no background refresh: {error}"),
        }
        // Nobody may be waiting.
        let _ = ended.send(());
    };
    let fails = |cause: io::Error| Error::Disk { path: "thread of the refresh".into(), cause };
    std::thread::Builder::new().name("refresh".to_owned()).spawn(work).map_err(fails)?;
    Ok(Background(end))
}

/// On Linux this is about the calling thread.
fn give_way() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        warn!("the refresh runs at usual priority: {error}");
    }
}

/// Refreshes by the schedule until told to stop, beginning at once. What fails is logged, and tried again next time.
async fn keep_fresh(lake: &Lake, source: &Source, plan: &Plan, schedule: Schedule, stop: &CancellationToken) {
    if let Err(error) = demo_if_empty(lake, plan.lease, stop).await {
        error!("no demo release: {error}");
    }
    if schedule == Schedule::Off {
        return;
    }
    loop {
        let refreshed = refresh(lake, source, plan, stop).await;
        match &refreshed {
            Ok(report) => report.held.iter().for_each(|held| error!("held: {}", held.message)),
            Err(Error::Interrupted) => return,
            Err(error) => error!("refresh failed, the release before stays live: {error}"),
        }
        report_age(lake).await;
        let Some(wait) = schedule.wait(Timestamp::now(), refreshed.is_err()) else { return };
        info!(wait_s = wait.as_secs(), "next refresh");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn report_age(lake: &Lake) {
    let Ok(Some(current)) = pointer::current(lake).await else { return };
    match Freshness::of(current.inputs_changed_at, Timestamp::now()) {
        Freshness::Fresh => {}
        Freshness::Late => warn!(since = %current.inputs_changed_at, "no file of the source has changed for long"),
        Freshness::Stale => {
            error!(since = %current.inputs_changed_at, "no file of the source has changed for too long")
        }
    }
}
