//! Runs that are killed at a system call, and the run after them.
//!
//! strace counts the calls of each thread by itself, so the same number is not always the same point. It does not have
//! to be: each is somewhere else, and wherever it is, the next run must arrive.

use std::collections::HashMap;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::lake::{Lake, Run, files_below};
use super::process::{strace_works, within};
use super::{arrived, undisturbed};
use crate::city::{City, Edition, FILE};
use crate::many::for_all;

/// Calls that change what is on the disk.
const CALLS: [&str; 6] = [
    "rename,renameat,renameat2,link,linkat",
    "fsync,fdatasync,sync_file_range",
    "openat,creat",
    "write,pwrite64,writev",
    "unlink,unlinkat,rmdir",
    "mkdir,mkdirat,ftruncate",
];

/// How often each number is tried. More by `KILL_ROUNDS=20`.
fn rounds() -> usize {
    std::env::var("KILL_ROUNDS").map_or(1, |rounds| rounds.parse().unwrap())
}

/// A run that ends at a call.
struct Point {
    calls: &'static str,
    number: usize,
    signal: &'static str,
}

#[test]
fn killed_anywhere_the_next_run_arrives_at_the_same_release() {
    if !strace_works() {
        return;
    }
    let _shared = [undisturbed(Edition::First), undisturbed(Edition::Second)];
    let points: Vec<Point> = CALLS.into_iter().flat_map(points).collect();
    let reached = AtomicUsize::new(0);
    let kill = |point: &Point| {
        reached.fetch_add(usize::from(kill_at(point)), Ordering::Relaxed);
    };
    let name = |point: &Point| format!("{} at {} number {}", point.signal, point.calls, point.number);
    let failures = for_all(&points, kill, name);
    let reached = reached.into_inner();
    println!("{} kill points, {reached} of them reached", points.len());
    assert!(failures.is_empty(), "{} of {} points: {}", failures.len(), points.len(), failures.concat());
    assert!(reached * 2 > points.len(), "only {reached} of {} points were reached", points.len());
}

/// Every call of these names that one thread of a run makes.
fn points(calls: &'static str) -> Vec<Point> {
    let made = calls_made(calls);
    // SIGTERM is the polite one: it is handled, so a few points will do.
    let signal = |number: usize| if number % 5 == 4 { "TERM" } else { "KILL" };
    let all = (0..rounds() * made).map(|n| 1 + n % made);
    all.map(|number| Point { calls, number, signal: signal(number) }).collect()
}

/// The most that a thread of an undisturbed run makes.
fn calls_made(calls: &str) -> usize {
    let (city, lake) = (City::start(), undisturbed(Edition::First).copy());
    city.publish(Edition::Second);
    let log = tempfile::NamedTempFile::new().unwrap();
    let trace = format!("trace={calls}");
    let strace = ["strace", "-f", "-qq", "-o", log.path().to_str().unwrap(), "-e", &trace, "-e", "signal=none"];
    arrived(&lake, &Run::of(within(&strace, &lake, &city).spawn().unwrap()));
    let log = fs::read(log.path()).unwrap();
    let mut by_thread: HashMap<String, usize> = HashMap::new();
    for line in String::from_utf8_lossy(&log).lines().filter(|line| !line.contains("resumed>")) {
        *by_thread.entry(line.split(' ').next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    by_thread.into_values().max().unwrap_or_default()
}

/// Whether the run came to the point.
fn kill_at(point: &Point) -> bool {
    let (city, lake) = (City::start(), undisturbed(Edition::First).copy());
    city.publish(Edition::Second);
    let trace = format!("trace={}", point.calls);
    let inject = format!("inject={}:signal={}:when={}", point.calls, point.signal, point.number);
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject];
    let run = Run::of(within(&strace, &lake, &city).spawn().unwrap());
    let killed = run.code != Some(0);
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    still_whole(&lake);

    // What a killed run left among the temporary files is for whoever cleans those up.
    if point.signal == "KILL" {
        fs::remove_dir_all(lake.temporary()).unwrap();
        fs::create_dir(lake.temporary()).unwrap();
    }
    let has_file = was_taken_in(&lake);
    city.forget_requests();
    let again = lake.refresh(&city, &[]);
    arrived(&lake, &again);
    assert_eq!(lake.version(), 2, "published twice: {again:#?}");
    assert_eq!(lake.problems(), [""; 0], "{again:#?}");
    let downloads = city.requests("GET", FILE).len();
    assert!(!has_file || downloads == 0, "downloaded again: {again:#?}");
    killed
}

/// What is live is a whole release, the one before or the new one.
fn still_whole(lake: &Lake) {
    let verified = lake.verify();
    assert_eq!(verified.code, Some(0), "{verified:#?}");
    let ids = [Edition::First, Edition::Second].map(|edition| undisturbed(edition).current()["release"].clone());
    assert!(ids.contains(&lake.current()["release"]), "{}", lake.current());
}

/// Whether the new file is in the lake, and known to be what its address gives.
fn was_taken_in(lake: &Lake) -> bool {
    let sha256 = undisturbed(Edition::Second).input(2025)["sha256"].as_str().unwrap().to_owned();
    let is_seen = |name: &String| name.starts_with("seen/") && name.ends_with(".json");
    let seen = files_below(&lake.path()).into_iter().filter(is_seen);
    seen.map(|name| fs::read_to_string(lake.path().join(name)).unwrap()).any(|seen| seen.contains(&sha256))
}
