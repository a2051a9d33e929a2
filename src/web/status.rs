//! What the pipeline did and when it will do something again: the page `/status`, `runs`, `releases` and `freshness` of the
//! API, and the gauges of `/metrics`.

use askama::Template;
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::app::App;
use super::body::{Body, Caching};
use super::live::Live;
use super::traffic::Traffic;
use crate::choropleth::measure::thousands;
use crate::config::Schedule;
use crate::domain::{Month, ReleaseId};
use crate::lake::{Found, Lake, Shelf};
use crate::release::changes::{self, Changes, FileChange};
use crate::release::freshness::{ALERT_DAYS, Freshness, WARN_DAYS, age_seconds};
use crate::release::pointer::{self, Current};
use crate::release::run::{self, Outcome, Run, Step};

/// Runs that are told about.
const RUNS: usize = 50;

/// What the lake says about runs and releases, read now and then.
#[derive(Default)]
pub struct Pipeline {
    /// The pointer.
    pub current: Option<Current>,
    /// Newest first.
    pub runs: Vec<Run>,
    /// Newest publication first.
    pub changes: Vec<Changes>,
    /// When this server looks for changes; a server that does not may be kept fresh by somebody else.
    pub next_refresh_at: Option<Timestamp>,
    /// The records of runs as they were listed. A run writes its own last, after those of its release.
    listed: Vec<Found>,
}

impl Pipeline {
    /// Reads the records, unless none was written since they were read `before`.
    pub async fn read(lake: &Lake, schedule: Schedule, before: &Self) -> anyhow::Result<Self> {
        let listed = lake.list(Shelf::Runs).await?;
        let (runs, changes) = if !listed.is_empty() && listed == before.listed {
            (before.runs.clone(), before.changes.clone())
        } else {
            (run::latest_of(lake, &listed, RUNS).await?, changes::list(lake).await?)
        };
        let now = Timestamp::now();
        let last = runs.iter().find(|run| run.outcome.is_some());
        let ended_at = last.and_then(|run| run.ended_at).unwrap_or(now);
        let failed = last.is_some_and(|run| run.outcome == Some(Outcome::Failed));
        let wait = schedule.wait(ended_at, failed).and_then(|wait| SignedDuration::try_from(wait).ok());
        // One that is past is at work, or due as soon as this server starts.
        let next_refresh_at = wait.and_then(|wait| ended_at.checked_add(wait).ok()).map(|next| next.max(now));
        Ok(Self { current: pointer::current(lake).await?, runs, changes, next_refresh_at, listed })
    }

    fn last_success(&self) -> Option<&Run> {
        self.runs.iter().find(|run| matches!(run.outcome, Some(Outcome::Published | Outcome::NoChange)))
    }

    fn last_ended(&self) -> Option<&Run> {
        self.runs.iter().find(|run| run.outcome.is_some())
    }
}

/// `freshness`: how old the data is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Freshness")]
pub struct FreshnessAnswer<'a> {
    /// The live release.
    release: &'a ReleaseId,
    /// The last month of which every day is in the data.
    complete_through: Month,
    /// When it was published.
    #[schemars(with = "String")]
    published_at: Timestamp,
    /// When the files that it is made of changed last.
    #[schemars(with = "String")]
    inputs_changed_at: Timestamp,
    /// Seconds since then.
    age_seconds: i64,
    /// `fresh`, `stale` or `old`.
    freshness: &'static str,
    /// From this age in days it is not fresh.
    warn_after_days: i64,
    /// From this age in days somebody is called.
    alert_after_days: i64,
    /// When the last refresh began.
    #[schemars(with = "Option<String>")]
    last_run_at: Option<Timestamp>,
    /// How the last refresh that ended did.
    last_run_outcome: Option<Outcome>,
    /// When a refresh last ended well.
    #[schemars(with = "Option<String>")]
    last_success_at: Option<Timestamp>,
    /// When the next refresh is due, if this server does them.
    #[schemars(with = "Option<String>")]
    next_refresh_at: Option<Timestamp>,
}

/// Renders `freshness`.
pub fn freshness(live: &Live, pipeline: &Pipeline) -> anyhow::Result<Body> {
    let now = Timestamp::now();
    let Current { published_at, inputs_changed_at, .. } = live.pointer;
    let answer = FreshnessAnswer {
        release: &live.release.release,
        complete_through: live.release.complete_through,
        published_at,
        inputs_changed_at,
        age_seconds: age_seconds(inputs_changed_at, now),
        freshness: Freshness::of(inputs_changed_at, now).as_str(),
        warn_after_days: WARN_DAYS,
        alert_after_days: ALERT_DAYS,
        last_run_at: pipeline.runs.first().map(|run| run.started_at),
        last_run_outcome: pipeline.last_ended().and_then(|run| run.outcome),
        last_success_at: pipeline.last_success().and_then(|run| run.ended_at),
        next_refresh_at: pipeline.next_refresh_at,
    };
    Ok(Body::new("application/json", Caching::Moment, serde_json::to_vec(&answer)?))
}

/// `releases`: what each publication changed, newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Publication")]
pub struct ReleaseRow<'a> {
    /// Whether it is served.
    live: bool,
    /// Whether it was taken back.
    rolled_back: bool,
    #[serde(flatten)]
    totals: Totals,
    #[serde(flatten)]
    changes: &'a Changes,
}

/// Sums over the months of a publication.
#[derive(Debug, Default, Clone, Copy, Serialize, JsonSchema)]
struct Totals {
    /// Rows of months that the release before did not have.
    rows_new: u64,
    /// Rows that came late, to months that it had.
    rows_late: u64,
    /// Rows that it had and this one has not.
    rows_vanished: u64,
    /// Rows with another ward.
    rows_ward_changed: u64,
    /// Rows with another status.
    rows_status_changed: u64,
}

impl Totals {
    fn of<'c>(files: impl IntoIterator<Item = &'c FileChange>) -> Self {
        let mut totals = Self::default();
        for month in files.into_iter().flat_map(|file| file.months.values()) {
            totals.rows_new += if month.rows_before == 0 { month.rows } else { 0 };
            totals.rows_late += month.late;
            totals.rows_vanished += month.vanished;
            totals.rows_ward_changed += month.ward_changed;
            totals.rows_status_changed += month.status_changed.iter().map(|moved| moved.rows).sum::<u64>();
        }
        totals
    }
}

/// The rows of `releases`.
pub fn releases<'p>(live: &Live, pipeline: &'p Pipeline) -> Vec<ReleaseRow<'p>> {
    let rolled_back = |release| pipeline.current.as_ref().is_some_and(|current| current.rolled_back.contains(release));
    let row = |changes: &'p Changes| ReleaseRow {
        live: changes.release == live.release.release,
        rolled_back: rolled_back(&changes.release),
        totals: Totals::of(changes.files.values()),
        changes,
    };
    pipeline.changes.iter().map(row).collect()
}

/// A run, written for people.
struct RunRow<'a> {
    run: &'a Run,
    started: String,
    took: String,
    outcome: &'static str,
    /// Files downloaded and their bytes, rows read, accepted and put aside, of files that were cleaned anew.
    numbers: [String; 5],
    /// What it is at, if it is at work.
    at: Option<String>,
}

impl<'a> RunRow<'a> {
    fn new(run: &'a Run) -> Self {
        let done = |step: &&Step| step.outcome == "done";
        let fetched = || run.steps.iter().filter(|step| step.step == "fetch").filter(done);
        let cleaned = || run.steps.iter().filter(|step| step.step == "clean").filter(done);
        let rows = |of: fn(&Step) -> Option<u64>| cleaned().filter_map(of).sum::<u64>();
        let numbers = [
            fetched().count().to_string(),
            megabytes(fetched().filter_map(|step| step.bytes).sum()),
            thousands(rows(|step| step.rows_read)),
            thousands(rows(|step| step.rows_accepted)),
            thousands(rows(|step| step.rows_quarantined)),
        ];
        let last = run.steps.last();
        let at = last.map(|step| format!("{} {}", step.step, step.file.as_deref().unwrap_or_default()));
        Self {
            run,
            started: minute(run.started_at),
            took: took(run).map(duration).unwrap_or_default(),
            outcome: match run.outcome {
                Some(Outcome::Published) => "published",
                Some(Outcome::NoChange) => "no change",
                Some(Outcome::Failed) => "failed",
                Some(Outcome::Interrupted) => "interrupted",
                None => "at work",
            },
            numbers,
            at: if run.outcome.is_none() { at } else { None },
        }
    }
}

/// A publication, written for people.
struct PublicationRow<'a> {
    changes: &'a Changes,
    published: String,
    state: &'static str,
    numbers: [String; 5],
    months: Vec<MonthRow<'a>>,
}

struct MonthRow<'a> {
    file: &'a str,
    month: Month,
    /// Rows before and now, late, vanished, with another ward.
    numbers: [String; 5],
    moved: String,
}

impl<'a> PublicationRow<'a> {
    fn new(row: &ReleaseRow<'a>) -> Self {
        let Totals { rows_new, rows_late, rows_vanished, rows_ward_changed, rows_status_changed } = row.totals;
        let changes = row.changes;
        // Months of files that are new would be a table of the whole history.
        let known = changes.files.iter().filter(|(_, file)| file.sha256_before.is_some());
        let months = known.flat_map(|(file, change)| {
            change.months.iter().map(move |(&month, change)| MonthRow {
                file,
                month,
                numbers: [change.rows_before, change.rows, change.late, change.vanished, change.ward_changed]
                    .map(thousands),
                moved: change
                    .status_changed
                    .iter()
                    .map(|moved| format!("{} to {}: {}", moved.from.label(), moved.to.label(), thousands(moved.rows)))
                    .collect::<Vec<_>>()
                    .join("; "),
            })
        });
        Self {
            changes,
            published: minute(changes.published_at),
            state: match (row.live, row.rolled_back) {
                (true, _) => "live",
                (_, true) => "rolled back",
                _ => "",
            },
            numbers: [rows_new, rows_late, rows_vanished, rows_ward_changed, rows_status_changed].map(thousands),
            months: months.collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    demo: bool,
    release: &'a str,
    complete_through: String,
    published: String,
    freshness: Freshness,
    changed: String,
    age: String,
    next: Option<String>,
    /// Of the last run that ended.
    attention: Vec<&'a str>,
    publications: Vec<PublicationRow<'a>>,
    runs: Vec<RunRow<'a>>,
}

/// Renders the page.
pub fn page(live: &Live, pipeline: &Pipeline) -> anyhow::Result<Body> {
    let now = Timestamp::now();
    let Current { published_at, inputs_changed_at, .. } = live.pointer;
    let last = pipeline.last_ended().into_iter();
    let page = StatusPage {
        demo: live.release.origin == crate::release::Origin::Demo,
        release: live.release.release.as_str(),
        complete_through: live.release.complete_through.long_name(),
        published: minute(published_at),
        freshness: Freshness::of(inputs_changed_at, now),
        changed: minute(inputs_changed_at),
        age: days(age_seconds(inputs_changed_at, now)),
        next: pipeline.next_refresh_at.map(minute),
        attention: last
            .flat_map(|run| run.message.iter().chain(run.held.iter().map(|held| &held.message)))
            .map(String::as_str)
            .collect(),
        publications: releases(live, pipeline).iter().map(PublicationRow::new).collect(),
        runs: pipeline.runs.iter().take(20).map(RunRow::new).collect(),
    };
    Ok(Body::new("text/html; charset=utf-8", Caching::Moment, page.render()?))
}

#[derive(Template)]
#[template(path = "metrics.txt")]
struct Metrics<'a> {
    live: Option<&'a Live>,
    /// Since the inputs changed.
    age_seconds: i64,
    pipeline: &'a Pipeline,
    last: Option<&'a Run>,
    last_seconds: f64,
    last_success: Option<Timestamp>,
    late: u64,
    /// Answers from memory, made, and not sent.
    answers: [(&'static str, u64); 3],
    /// Queries and fallbacks, where there is a warehouse.
    warehouse: Option<[u64; 2]>,
    traffic: &'a Traffic,
}

/// Renders gauges and counters in Prometheus' text format.
pub fn metrics(live: Option<&Live>, app: &App) -> anyhow::Result<Body> {
    let pipeline = &*app.pipeline();
    let of_live = |changes: &&Changes| live.is_some_and(|live| live.release.release == changes.release);
    let metrics = Metrics {
        live,
        age_seconds: live.map_or(0, |live| age_seconds(live.pointer.inputs_changed_at, Timestamp::now())),
        pipeline,
        last: pipeline.last_ended(),
        last_seconds: pipeline.last_ended().and_then(took).unwrap_or_default().as_secs_f64(),
        last_success: pipeline.last_success().and_then(|run| run.ended_at),
        answers: app.figures.read(),
        late: pipeline.changes.iter().find(of_live).map_or(0, |changes| Totals::of(changes.files.values()).rows_late),
        warehouse: app.reader.has_warehouse().then(|| app.reader.figures()),
        traffic: &app.traffic,
    };
    Ok(Body::new("text/plain; version=0.0.4; charset=utf-8", Caching::Moment, metrics.render()?))
}

/// How long a run that ended took.
fn took(run: &Run) -> Option<SignedDuration> {
    Some(run.ended_at?.duration_since(run.started_at))
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn days(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => "today".to_owned(),
        1 => "a day ago".to_owned(),
        days => format!("{days} days ago"),
    }
}

fn duration(took: SignedDuration) -> String {
    match took.as_secs() {
        0..60 => format!("{:.1} s", took.as_secs_f64()),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
