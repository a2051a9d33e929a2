//! Cleaning by Spark, for inputs that one machine can't take: a batch of Dataproc with one task a file.
//!
//! A task runs this very program (`clean-raw`), staged into the lake's bucket beside the job, so its objects are those
//! that cleaning in process writes, byte for byte; the run then finds them and goes on as ever. A file that breaks the
//! contract has none, and is cleaned here to learn why.
//!
//! A batch is named by its files and by the program: a run that died leaves it at work, and the next one waits for the
//! same batch. Only one that failed or was cancelled is followed by another.
//!
//! What that scales to: Toronto has 440 000 requests a year, 7 MB zipped, which a third of a second of one core cleans
//! into 5 MB. A hundred such cities over 23 years are a billion rows in 2300 files, 16 GB: 13 minutes of one core, or
//! two of the eight that the executors of a batch have at least. Each city is a lake of its own, so nothing else grows
//! with their number: a merge reads the partial counts of one city.
//!
//! What it costs: a batch takes about a minute to start and has at least 12 units of computing, 0.06 USD an hour each,
//! billed by the second and for a minute at least; three minutes are 0.04 USD. So it is for much at once, a first fill
//! or a contract under which all is cleaned again, where a small machine lacks the time, the memory or the disk. A
//! month of one city is cleaned in process, in a second and for nothing.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::dataproc::{Batch, Dataproc, State};
use super::{Error, Plan, cleaning, hash, local};
use crate::config::{CleanOn, Executors};
use crate::lake::{self, Bucket, Key, Lake};

const JOB: &str = include_str!("clean_job.py");
const JOB_FILE: &str = "clean_job.py";
const PROGRAM_FILE: &str = "toronto311";

/// This program. Its file may have been replaced since it was started.
const PROGRAM: &str = "/proc/self/exe";

/// The line of Spark 3.5 that is supported longest.
const RUNTIME: &str = "2.3";

/// After which Dataproc ends a batch, and after which we do.
const LIFETIME: Duration = Duration::from_secs(2 * 3600);

/// Between two looks at a batch: at first, and at most.
const LOOKS: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(15)];

/// How many batches for the same files may fail before somebody has to look.
const ATTEMPTS: usize = 20;

/// How long a stopping run tries to cancel its batch: there are ten seconds for all.
const CANCEL_PATIENCE: Duration = Duration::from_secs(4);

/// The batches of a run.
pub(super) struct Spark<'a> {
    lake: &'a Lake,
    plan: &'a Plan,
    /// The one that is at work.
    running: Mutex<Option<String>>,
}

impl<'a> Spark<'a> {
    pub(super) fn new(lake: &'a Lake, plan: &'a Plan) -> Self {
        Self { lake, plan, running: Mutex::new(None) }
    }

    /// Cleans those of these files, by year and hash, that this code has not cleaned before. Returns the batch's id;
    /// `None` when all is done or is to be done in process.
    pub(super) async fn clean(&self, files: impl IntoIterator<Item = (u16, &str)>) -> Result<Option<String>, Error> {
        let Some((bucket, dataproc)) = self.dataproc()? else { return Ok(None) };
        let unclean = async |(year, sha256): (u16, &str)| {
            let cleaned = cleaning::before(self.lake, &cleaning::id(year, sha256)).await?;
            Ok::<_, Error>(cleaned.is_none().then(|| format!("{year}/{sha256}")))
        };
        let files: Vec<Option<String>> = futures::stream::iter(files).then(unclean).try_collect().await?;
        let files: Vec<String> = files.into_iter().flatten().collect();
        if files.is_empty() {
            return Ok(None);
        }
        let job = stage(self.lake).await?;
        let named = hash(files.iter().map(String::as_str).chain([bucket.address(), job.as_str()]));
        let id = format!("toronto311-{}", &named[..20]);
        self.run(&dataproc, &id, &body(bucket, &job, &files, &self.plan.executors)).await.map(Some)
    }

    /// Cancels the batch that is at work, if there is one. One that goes on all the same does no harm.
    pub(super) async fn cancel(&self) {
        let Some(id) = self.running().take() else { return };
        let Ok(Some((_, dataproc))) = self.dataproc() else { return };
        match tokio::time::timeout(CANCEL_PATIENCE, dataproc.cancel(&id)).await {
            Ok(Ok(())) => info!(batch = id, "cancelled"),
            Ok(Err(error)) => warn!(batch = id, "not cancelled: {error}"),
            Err(_) => warn!(batch = id, "not cancelled in time"),
        }
    }

    fn dataproc(&self) -> Result<Option<(&'a Bucket, Dataproc<'a>)>, Error> {
        match (&self.plan.clean_on, self.lake.bucket()) {
            (CleanOn::Dataproc { project, region }, Some(bucket)) => {
                Ok(Some((bucket, Dataproc::new(bucket, project, region)?)))
            }
            (CleanOn::InProcess, _) | (_, None) => Ok(None),
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the batch of these files: a new one, or the one that an earlier run asked for.
    async fn run(&self, dataproc: &Dataproc<'_>, id: &str, body: &Value) -> Result<String, Error> {
        for attempt in 0..ATTEMPTS {
            let id = format!("{id}-{attempt}");
            // Before it is asked for: told to stop, the run may not live to hear the answer.
            *self.running() = Some(id.clone());
            let is_new = dataproc.create(&id, body).await?;
            info!(batch = id, is_new, "cleaning on Spark");
            let batch = self.end_of(dataproc, &id).await?;
            *self.running() = None;
            match batch.state {
                State::Succeeded => return Ok(id),
                _ if is_new => return Err(failed(&id, &batch)),
                _ => info!(batch = id, state = ?batch.state, "an earlier batch, followed by another"),
            }
        }
        Err(Error::Spark(format!(
            "{ATTEMPTS} batches for the same files have failed, the last is {id}-{}",
            ATTEMPTS - 1
        )))
    }

    async fn end_of(&self, dataproc: &Dataproc<'_>, id: &str) -> Result<Batch, Error> {
        let (until, mut pause) = (Instant::now() + LIFETIME, LOOKS[0]);
        loop {
            let batch = dataproc.get(id).await?;
            if matches!(batch.state, State::Succeeded | State::Failed | State::Cancelling | State::Cancelled) {
                return Ok(batch);
            }
            if Instant::now() >= until {
                self.cancel().await;
                return Err(Error::Spark(format!("batch {id} was still at work after {} s", LIFETIME.as_secs())));
            }
            sleep(pause).await;
            pause = pause.mul_f64(1.5).min(LOOKS[1]);
        }
    }
}

fn failed(id: &str, batch: &Batch) -> Error {
    let message = batch.state_message.split_whitespace().collect::<Vec<_>>().join(" ");
    Error::Spark(format!("batch {id} ended as {:?}: {message}", batch.state))
}

/// Puts the job and this program into the bucket, unless they are there; returns what they are named by.
async fn stage(lake: &Lake) -> Result<String, Error> {
    let program = Path::new(PROGRAM);
    let read = move || std::fs::read(program).map_err(local::disk(program));
    let (program_hash, bytes) =
        local::blocking(move || read().map(|bytes| (lake::sha256(&bytes), bytes.len() as u64))).await?;
    let job = hash([program_hash.as_str(), JOB]);
    let key = Key::Job { id: &job, file: PROGRAM_FILE };
    if lake.size(key).await? != Some(bytes) {
        lake.write_from_file(key, program).await?;
    }
    lake.replace(Key::Job { id: &job, file: JOB_FILE }, JOB).await?;
    Ok(job)
}

/// What Dataproc is asked for.
fn body(bucket: &Bucket, job: &str, files: &[String], executors: &Executors) -> Value {
    let file = |file| bucket.url(Key::Job { id: job, file });
    let arguments: Vec<&str> =
        ["--lake", bucket.address()].into_iter().chain(files.iter().map(String::as_str)).collect();
    let mut execution = json!({"ttl": format!("{}s", LIFETIME.as_secs())});
    if let Some(account) = &executors.account {
        execution["serviceAccount"] = account.as_str().into();
    }
    if let Some(subnetwork) = &executors.subnetwork {
        execution["subnetworkUri"] = subnetwork.as_str().into();
    }
    json!({
        "pysparkBatch": {
            "mainPythonFileUri": file(JOB_FILE),
            "args": arguments,
            "fileUris": [file(PROGRAM_FILE)],
        },
        "labels": {"app": "toronto311"},
        "runtimeConfig": {"version": RUNTIME},
        "environmentConfig": {"executionConfig": execution},
    })
}
