//! Runners, a store and a source that go wrong, in one thread with a clock of its own: the same seed gives the same course.
//!
//! The code is that of the program; only the object store and the clock are simulated. Runners crash (their work is dropped
//! where it stands), stop and go on long after their lease has run out, and meet operations that fail before they are done
//! or after, with the answer lost. Meanwhile the source publishes new editions. At each publication it is checked that the
//! release is whole; at the end, that nothing was published twice or went backwards, and that a run without faults arrives
//! at the release that a lake without a history gets.
//!
//! `SIM_SEEDS` says how many courses are tried, `SIM_FIRST` where to begin. A seed that failed once is kept in [`KEPT`].

mod store;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use toronto311::config::{CleanOn, Executors};
use toronto311::lake::Lake;
use toronto311::pipeline::{self, Outcome, Plan};
use toronto311::release::pointer;
use toronto311::source::Source;
use toronto311::warehouse::Warehouse;

use store::{Chance, History, SimulatedStore};

/// Seeds that once failed.
const KEPT: [u64; 0] = [];

const LEASE: Duration = Duration::from_secs(120);

fn plan() -> Plan {
    Plan {
        quarantine_budget: 0.1,
        keep: 3,
        clean_on: CleanOn::InProcess,
        executors: Executors::default(),
        lease: LEASE,
        warehouse: Warehouse::Embedded,
        retry: Duration::ZERO,
        webhook: None,
        years: None,
        from_raw: false,
        accept: Vec::new(),
    }
}

/// Writes an edition: each has some rows more than the one before, now and then another status or another year.
fn write_edition(folder: &Path, edition: u64) {
    let years: &[u16] = if edition < 2 { &[2024] } else { &[2024, 2025] };
    for year in years {
        let mut text = String::from(
            "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,\
             Service Request Type,Division,Section\n",
        );
        for row in 0..20 + 2 * edition {
            let status = if row < edition { "Completed" } else { "New" };
            let (month, day) = (row % 3 + 1, row % 28 + 1);
            writeln!(text, "{year}-{month:02}-{day:02} 07:08:09,{status},M4C,,,Davenport (09),Noise,MLS,Bylaw")
                .unwrap();
        }
        std::fs::write(folder.join(format!("SR{year}.csv")), text).unwrap();
    }
}

async fn one_run(lake: &Lake, folder: &Path) -> Option<Outcome> {
    let source = Source::Folder(folder.to_owned());
    pipeline::refresh(lake, &source, &plan(), &CancellationToken::new()).await.ok().map(|report| report.outcome)
}

/// A machine that starts run after run, some of which crash.
async fn runner(mut chance: Chance, store: Arc<SimulatedStore>, folder: std::path::PathBuf) {
    let lake = Lake::on(store);
    for _ in 0..chance.between(1, 4) {
        sleep(Duration::from_secs(chance.between(0, 400))).await;
        let crash = if chance.of(0.3) { chance.between(0, 60) } else { 100_000 };
        tokio::select! {
            _ = one_run(&lake, &folder) => {}
            () = sleep(Duration::from_secs(crash)) => {}
        }
    }
}

/// One course; returns how many releases were published.
async fn course(seed: u64) -> usize {
    fastrand::seed(seed);
    let mut chance = Chance::new(seed);
    let folder = tempfile::tempdir().unwrap();
    write_edition(folder.path(), 0);
    let (inner, history) = (Arc::new(InMemory::new()), Arc::new(History::default()));
    let density = [0.0, 0.002, 0.02][chance.between(0, 2) as usize];
    let mut runners = tokio::task::JoinSet::new();
    for _ in 0..chance.between(2, 4) {
        let store = SimulatedStore::new(inner.clone(), history.clone(), chance.fork(), density);
        runners.spawn_local(runner(chance.fork(), Arc::new(store), folder.path().to_owned()));
    }
    let last_edition = chance.between(1, 4);
    for edition in 1..=last_edition {
        sleep(Duration::from_secs(chance.between(0, 400))).await;
        write_edition(folder.path(), edition);
    }
    while let Some(ended) = runners.join_next().await {
        ended.unwrap();
    }

    let lake = Lake::on(inner);
    let mut ended = one_run(&lake, folder.path()).await;
    // A last sign of life of a runner that crashed may still have been on its way.
    if matches!(ended, Some(Outcome::Busy(_))) {
        ended = one_run(&lake, folder.path()).await;
    }
    assert!(matches!(ended, Some(Outcome::Published(_) | Outcome::NoChange(_))), "seed {seed}: {ended:?}");
    let (release, problems) = pipeline::verify(&lake).await.unwrap();
    assert_eq!(problems, Vec::<String>::new(), "seed {seed}");
    assert_eq!(one_run(&lake, folder.path()).await, release.clone().map(Outcome::NoChange), "seed {seed}");
    let control = Lake::on(Arc::new(InMemory::new()));
    assert_eq!(one_run(&control, folder.path()).await, release.map(Outcome::Published), "seed {seed}");
    let version = pointer::current(&lake).await.unwrap().unwrap().version;
    history.check(seed, version)
}

fn try_seeds(seeds: impl Iterator<Item = u64>) -> usize {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    seeds.map(|seed| runtime().block_on(tokio::task::LocalSet::new().run_until(course(seed)))).sum()
}

#[test]
fn whatever_fails_each_publication_is_whole_and_none_is_lost_or_doubled() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (first, seeds) = (number("SIM_FIRST", 1), number("SIM_SEEDS", 1000));
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let published: usize = std::thread::scope(|scope| {
        let each = (0..threads).map(|thread| {
            scope.spawn(move || try_seeds((first..first + seeds).filter(|seed| seed % threads == thread)))
        });
        each.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    println!("{seeds} seeds from {first} on: {published} publications");
    assert!(published as u64 > seeds, "the courses are too short to show anything");
    try_seeds(KEPT.into_iter());
}
