//! Runs that are killed at a call to BigQuery, two runs at once, and the run after them.

use std::collections::BTreeSet;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::InWarehouse;
use crate::bigquery::{BigQuery, Logged};
use crate::lake::Run;
use crate::many::{Slot, for_all};

/// Of so many calls, one is the end of a run. All by `KILL_STEP=1`.
fn step() -> usize {
    std::env::var("KILL_STEP").map_or(3, |step| step.parse().unwrap())
}

/// Where a run is killed.
#[derive(Debug)]
struct Point {
    call: usize,
    /// Before the call is carried out, or after it and before the answer.
    before: bool,
}

#[test]
fn killed_at_any_call_the_next_run_arrives_at_the_same_release() {
    let calls = {
        let (city, it) = InWarehouse::not_filled();
        it.arrived(&it.lake.refresh(&city, &[]));
        it.bigquery.calls().len()
    };
    // Before a call is after the one before it, but for what the service does in between.
    let points: Vec<Point> = (1..=calls).step_by(step()).map(|call| Point { call, before: call % 2 == 0 }).collect();
    let reached = AtomicUsize::new(0);
    let kill = |point: &Point| {
        reached.fetch_add(usize::from(kill_at(point)), Ordering::Relaxed);
    };
    let failures = for_all(&points, kill, |point| format!("{point:?}"));
    let reached = reached.into_inner();
    println!("{} kill points, {reached} of them reached", points.len());
    assert!(failures.is_empty(), "{} of {} points: {}", failures.len(), points.len(), failures.concat());
    // A slow machine is asked more often whether a job is done, and so has more calls than another time.
    assert!(reached * 2 > points.len(), "only {reached} of {} points were reached", points.len());
}

/// Whether the run came to the point.
fn kill_at(point: &Point) -> bool {
    let (city, it) = InWarehouse::not_filled();
    let run = it.lake.start(&city, &[]);
    kill_when(&it.bigquery, point, run.id());
    let run = Run::of(run);
    let killed = run.code.is_none();
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    assert_eq!(it.lake.verify().code, Some(0), "what is live is whole");
    std::fs::remove_dir_all(it.lake.temporary()).unwrap();
    std::fs::create_dir(it.lake.temporary()).unwrap();

    let again = it.lake.refresh(&city, &[]);
    it.arrived(&again);
    assert_eq!(it.lake.version(), 2, "published twice: {again:#?}");
    assert_eq!(loads(&it.bigquery).len(), 5, "a month is one job, whoever sends it: {:?}", loads(&it.bigquery));
    killed
}

/// The ids of the load jobs that have been sent.
fn loads(bigquery: &BigQuery) -> BTreeSet<String> {
    let id = |call: &Logged| {
        let body: serde_json::Value = serde_json::from_str(&call.body).unwrap();
        body["jobReference"]["jobId"].as_str().unwrap().to_owned()
    };
    bigquery.calls().iter().filter(|call| call.starts("load")).map(id).collect()
}

fn kill_when(bigquery: &BigQuery, point: &Point, process: u32) {
    bigquery.at_call(point.call, point.before, move || {
        Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap();
        // It is dead before anything is answered.
        while std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z")) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
}

#[test]
fn of_two_runners_at_once_one_publishes_and_no_month_is_loaded_twice() {
    for _ in 0..3 {
        let _slot = Slot::take();
        let (city, it) = InWarehouse::behind();
        let start = |_| it.lake.start(&city, &["--lease-seconds", "5"]);
        let runs: Vec<Run> = (0..2).map(start).collect::<Vec<Child>>().into_iter().map(Run::of).collect();
        let published = runs.iter().filter(|run| run.published().is_some()).count();
        assert_eq!((published, it.lake.version()), (1, 2), "{runs:#?}");
        assert!(runs.iter().all(|run| run.code == Some(0) && run.errors.is_empty()), "{runs:#?}");
        assert_eq!(it.jobs("load"), 1);
        it.arrived(&it.lake.refresh(&city, &[]));
    }
}
