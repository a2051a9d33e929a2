//! What a lake promises, whatever it is in: a folder, memory, a bucket of the stand-in, a bucket of Google's.
//!
//! The program finds a bucket by variables, which a test cannot set for itself: the suite on a bucket is a test of its own,
//! [`a_bucket_keeps_the_promises_of_a_lake`], that others start in another process.

use std::process::Command;
use std::sync::Arc;

use futures::future::join_all;
use toronto311::domain::{ReleaseId, RunId};
use toronto311::lake::{Key, Lake, Location, Shelf};
use toronto311::release::pointer::{self, Current};

use crate::gcs::{Fault, Gcs, How};

/// Names the bucket, and a folder in it that is left empty afterwards.
const LAKE: &str = "TORONTO311_TEST_LAKE";

/// Everything, on an empty lake; at the end it is empty again but for the objects that are swapped.
async fn keeps_promises(lake: &Lake) {
    an_object_is_created_once(lake).await;
    a_swap_needs_the_generation_that_was_read(lake).await;
    of_eight_creators_one_wins(lake).await;
    of_eight_counters_none_is_lost(lake).await;
    the_pointer_is_swapped_once(lake).await;
    files_of_any_size_come_back_unchanged(lake).await;
    a_shelf_lists_its_own_objects_by_name(lake).await;
    what_is_deleted_is_gone(lake).await;
}

async fn an_object_is_created_once(lake: &Lake) {
    let key = Key::Seen("once");
    assert_eq!((lake.get(key).await.unwrap(), lake.size(key).await.unwrap()), (None, None));
    assert!(lake.swap(key, None, "first").await.unwrap().is_some());
    assert!(lake.swap(key, None, "second").await.unwrap().is_none());
    assert_eq!(lake.get(key).await.unwrap().unwrap(), "first");
    assert_eq!(lake.size(key).await.unwrap(), Some(5));
}

async fn a_swap_needs_the_generation_that_was_read(lake: &Lake) {
    let key = Key::Seen("swapped");
    let first = lake.swap(key, None, "a").await.unwrap().unwrap();
    let (_, read) = lake.get_with_generation(key).await.unwrap().unwrap();
    assert_eq!(first, read, "a write tells what a read would");
    assert!(lake.swap(key, Some(&read), "b").await.unwrap().is_some());
    assert!(lake.swap(key, Some(&read), "c").await.unwrap().is_none(), "it is not what was read");
    assert!(lake.swap(Key::Seen("absent"), Some(&read), "d").await.unwrap().is_none(), "there is none");
    assert_eq!(lake.get(key).await.unwrap().unwrap(), "b");
}

async fn of_eight_creators_one_wins(lake: &Lake) {
    let create = async |n: u8| lake.swap(Key::Seen("race"), None, vec![n]).await.unwrap().map(|_| n);
    let won: Vec<u8> = join_all((0..8).map(create)).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1, "{won:?}");
    assert_eq!(lake.get(Key::Seen("race")).await.unwrap().unwrap(), won);
}

async fn of_eight_counters_none_is_lost(lake: &Lake) {
    let key = Key::Seen("count");
    lake.swap(key, None, [0_u8].as_slice()).await.unwrap();
    let count = async |_| {
        loop {
            let (count, read) = lake.get_with_generation(key).await.unwrap().unwrap();
            if lake.swap(key, Some(&read), vec![count[0] + 1]).await.unwrap().is_some() {
                return;
            }
        }
    };
    join_all((0..8).map(count)).await;
    assert_eq!(lake.get(key).await.unwrap().unwrap(), [8_u8].as_slice());
}

fn current(version: u64) -> Current {
    let now = "2026-11-25T00:00:00Z".parse().unwrap();
    Current {
        version,
        release: ReleaseId::new("2026-10".parse().unwrap(), &"0".repeat(64)).unwrap(),
        previous: None,
        published_at: now,
        inputs_changed_at: now,
        run: RunId::new(now, version as u32),
        rolled_back: Vec::new(),
    }
}

/// Whatever happens to the answer, its writer knows what became of a swap.
async fn the_pointer_is_swapped_once(lake: &Lake) {
    let none = pointer::read(lake).await.unwrap();
    assert!(none.is_absent());
    assert!(pointer::swap(lake, &none, &current(1)).await.unwrap(), "the first");
    let read = pointer::read(lake).await.unwrap();
    assert!(pointer::swap(lake, &read, &current(2)).await.unwrap(), "the second");
    assert!(!pointer::swap(lake, &read, &current(3)).await.unwrap(), "somebody else's is there");
    assert_eq!(pointer::current(lake).await.unwrap(), Some(current(2)));
}

async fn files_of_any_size_come_back_unchanged(lake: &Lake) {
    let folder = tempfile::tempdir().unwrap();
    // Around the size up to which one request is enough, and around a multiple of it.
    for size in [0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 24 << 20, 25_000_000] {
        let bytes: Vec<u8> = (0..size).map(|n: u32| (n % 251) as u8).collect();
        let local = folder.path().join("in");
        std::fs::write(&local, &bytes).unwrap();
        let key = Key::Clean { id: "ab", file: "month=2024-01/requests.parquet" };
        lake.write_from_file(key, &local).await.unwrap();
        assert_eq!(lake.size(key).await.unwrap(), Some(u64::from(size)));
        lake.fetch(key, &local).await.unwrap();
        assert!(std::fs::read(&local).unwrap() == bytes, "{size} bytes");
        assert!(lake.get(key).await.unwrap().unwrap() == bytes, "{size} bytes");
    }
}

async fn a_shelf_lists_its_own_objects_by_name(lake: &Lake) {
    let names: Vec<String> = (0..120).map(|n| format!("run-{n:03}")).collect();
    join_all(names.iter().rev().map(async |name| lake.replace(Key::Run(name), name.clone()).await.unwrap())).await;
    let found: Vec<String> = lake.list(Shelf::Runs).await.unwrap().into_iter().map(|found| found.name).collect();
    assert_eq!(found, names.iter().map(|name| format!("{name}.json")).collect::<Vec<_>>());
    assert!(lake.list(Shelf::Marts).await.unwrap().is_empty());
    let clean = lake.list(Shelf::Clean).await.unwrap().remove(0);
    assert_eq!((clean.name.as_str(), clean.bytes), ("ab/month=2024-01/requests.parquet", 25_000_000));
}

async fn what_is_deleted_is_gone(lake: &Lake) {
    for shelf in [Shelf::Runs, Shelf::Clean] {
        let found = lake.list(shelf).await.unwrap();
        join_all(found.iter().map(async |found| lake.delete(found).await.unwrap())).await;
        assert!(lake.list(shelf).await.unwrap().is_empty());
        lake.delete(&found[0]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_the_promises_of_a_lake() {
    let folder = tempfile::tempdir().unwrap();
    keeps_promises(&Lake::open(&Location::Folder(folder.path().into())).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_the_promises_of_a_lake() {
    keeps_promises(&Lake::on(Arc::new(object_store::memory::InMemory::new()))).await;
}

/// Google's own, if the variable names a bucket of it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a bucket: TORONTO311_TEST_LAKE=gs://bucket/prefix"]
async fn a_bucket_keeps_the_promises_of_a_lake() {
    let Ok(bucket) = std::env::var(LAKE) else { return };
    let location = format!("{bucket}/{}", RunId::new(jiff::Timestamp::now(), fastrand::u32(..)).as_str());
    keeps_promises(&Lake::open(&location.parse().unwrap()).unwrap()).await;
}

/// Runs the suite on the stand-in in another process.
fn on_the_stand_in(faults: &[Fault]) -> Gcs {
    let folder = tempfile::tempdir().unwrap();
    let gcs = Gcs::start(folder.path());
    gcs.create_bucket("toronto");
    faults.iter().for_each(|fault| gcs.fault(fault.clone()));
    let mut suite = Command::new(std::env::current_exe().unwrap());
    suite.args(["--exact", "conformance::a_bucket_keeps_the_promises_of_a_lake", "--include-ignored"]);
    suite.env(LAKE, "gs://toronto/some/where").envs(gcs.environment());
    let output = suite.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    gcs
}

#[test]
fn the_stand_in_keeps_the_promises_of_a_lake() {
    let gcs = on_the_stand_in(&[]);
    assert_eq!(gcs.tokens(), 1, "a token is kept");
    assert!(gcs.requests().iter().all(|request| request.status < 500));
}

/// Before something was done, as a whole or in parts, and after it where that makes no difference.
#[test]
fn a_service_that_is_overloaded_now_and_then_is_asked_again() {
    let fault = |method, path, after, times, how| Fault { method, path, after, times, how };
    on_the_stand_in(&[
        fault("GET", "", 2, 3, How::Refused(429)),
        fault("PUT", "", 3, 3, How::Refused(503)),
        fault("HEAD", "", 0, 2, How::Refused(500)),
        fault("PUT", "requests.parquet", 4, 2, How::Done(502)),
        fault("POST", "requests.parquet", 1, 1, How::Refused(503)),
        fault("DELETE", "runs", 1, 2, How::Done(503)),
    ]);
}

#[test]
fn its_own_write_is_known_whatever_the_answer_was() {
    for how in [How::Done(503), How::AnswerLost] {
        for after in 0..2 {
            on_the_stand_in(&[Fault { method: "PUT", path: "current.json", after, times: 1, how }]);
        }
    }
}

#[test]
fn an_upload_whose_last_answer_is_lost_is_done_anew() {
    for how in [How::Done(503), How::AnswerLost] {
        on_the_stand_in(&[Fault { method: "POST", path: "requests.parquet", after: 1, times: 1, how }]);
    }
}
