//! The record of the run at work: kept in the lake as it goes, so that it tells where a run died.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tracing::{info, warn};

use crate::domain::{ReleaseId, RunId};
use crate::lake::Lake;
use crate::release::run::{self, Held, Outcome, Run, Step};

/// Between two writes of the record: object stores take about one write of an object a second.
const PAUSE: Duration = Duration::from_secs(1);

/// The record of the run at work.
pub(super) struct RunLog {
    lake: Lake,
    run: Mutex<Run>,
    saved: Mutex<Instant>,
}

impl RunLog {
    /// Begins the record and writes it.
    pub(super) async fn begin(lake: &Lake, id: &RunId, source: String) -> Self {
        let run = Run {
            run: id.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            source,
            started_at: Timestamp::now(),
            ended_at: None,
            outcome: None,
            release: None,
            message: None,
            held: Vec::new(),
            warnings: Vec::new(),
            steps: Vec::new(),
        };
        let log = Self { lake: lake.clone(), run: Mutex::new(run), saved: Mutex::new(Instant::now()) };
        log.save().await;
        log
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a finished step.
    pub(super) async fn step(&self, step: Step) {
        info!(
            step = step.step,
            file = step.file,
            outcome = step.outcome,
            duration_ms = step.duration_ms,
            bytes = step.bytes,
            rows_read = step.rows_read,
            rows_accepted = step.rows_accepted,
            rows_quarantined = step.rows_quarantined,
            "step"
        );
        self.run().steps.push(step);
        let due = self.saved.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= PAUSE;
        if due {
            self.save().await;
        }
    }

    /// Adds a file that is held.
    pub(super) fn hold(&self, held: Held) {
        warn!(guard = held.guard.as_str(), "{}", held.message);
        self.run().held.push(held);
    }

    /// Adds something odd.
    pub(super) fn warn(&self, message: String) {
        warn!("{message}");
        self.run().warnings.push(message);
    }

    /// The files that are held so far.
    pub(super) fn held(&self) -> Vec<Held> {
        self.run().held.clone()
    }

    /// Ends the record and writes it.
    pub(super) async fn end(&self, outcome: Outcome, release: Option<ReleaseId>, message: Option<String>) -> Run {
        let ended = {
            let mut run = self.run();
            (run.ended_at, run.outcome) = (Some(Timestamp::now()), Some(outcome));
            (run.release, run.message) = (release, message);
            run.clone()
        };
        self.save().await;
        ended
    }

    /// Writes the record. A run is not stopped by a record that can't be written.
    pub(super) async fn save(&self) {
        let run = self.run().clone();
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        if let Err(error) = run::record(&self.lake, &run).await {
            warn!("the record of this run is not written: {error}");
        }
    }
}

/// Ends the record of a run that died.
pub(super) async fn bury(lake: &Lake, run: &RunId) {
    match run::load(lake, run).await {
        Ok(Some(mut record)) if record.outcome.is_none() => {
            record.ended_at = Some(Timestamp::now());
            record.outcome = Some(Outcome::Interrupted);
            record.message = Some("it stopped without a word; the next run took over".to_owned());
            if let Err(error) = run::record(lake, &record).await {
                warn!("{error}");
            }
        }
        Ok(_) => {}
        Err(error) => warn!("{error}"),
    }
}

/// A step's record to be completed, with its time running.
pub(super) struct StepClock {
    step: &'static str,
    file: Option<String>,
    started: Instant,
}

impl StepClock {
    pub(super) fn start(step: &'static str, file: Option<String>) -> Self {
        Self { step, file, started: Instant::now() }
    }

    /// The record of the step that ends now.
    pub(super) fn end(&self, outcome: &str) -> Step {
        Step {
            step: self.step.to_owned(),
            file: self.file.clone(),
            outcome: outcome.to_owned(),
            duration_ms: self.started.elapsed().as_millis() as u64,
            ..Step::default()
        }
    }
}
