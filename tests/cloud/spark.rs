//! Cleaning on Spark: what is written is what cleaning in process writes, whoever dies or goes wrong.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::city::{City, Edition};
use crate::dataproc::{ACCOUNT, Dataproc, PLACE, SUBNETWORK};
use crate::gcs::{Fault, How};
use crate::in_bucket::{InBucket, arrived, content, undisturbed};
use crate::lake::Run;
use crate::many::Slot;

/// A lease that outlives a pause of a busy machine.
const ON_SPARK: [&str; 8] =
    ["--clean-on", PLACE, "--spark-account", ACCOUNT, "--spark-subnetwork", SUBNETWORK, "--lease-seconds", "5"];

struct Cloud {
    city: City,
    at: InBucket,
    dataproc: Dataproc,
}

impl Cloud {
    /// The first edition is live, the second published.
    fn start() -> Self {
        let (city, at) = InBucket::behind();
        let dataproc = Dataproc::start(at.lake.root(), &at.gcs);
        Self { city, at, dataproc }
    }

    fn refresh(&self) -> Run {
        Run::of(self.start_refresh())
    }

    fn start_refresh(&self) -> Child {
        let mut command = self.at.lake.command(&self.city.url(), &ON_SPARK);
        let (name, value) = self.dataproc.environment();
        command.env(name, value).spawn().unwrap()
    }

    /// Waits until a batch is at work.
    fn batch_at_work(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.dataproc.batches().last().is_none_or(|(_, state)| *state != "RUNNING") {
            assert!(Instant::now() < until, "no batch after a minute");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn states(&self) -> Vec<&'static str> {
        assert_eq!(self.dataproc.problems(), [""; 0]);
        self.dataproc.batches().into_iter().map(|(_, state)| state).collect()
    }

    /// Outcomes of steps of the latest run.
    fn steps(&self, step: &str) -> Vec<String> {
        let run = self.at.lake.runs().pop_last().unwrap().1;
        let steps = run["steps"].as_array().unwrap().iter().filter(|found| found["step"] == step);
        steps.map(|found: &Value| found["outcome"].as_str().unwrap().to_owned()).collect()
    }
}

fn signal(name: &str, child: &Child) {
    Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
}

#[test]
#[ignore = "needs what `make test-cloud` installs"]
fn files_cleaned_on_spark_are_those_cleaned_in_process() {
    let _slot = Slot::take();
    let cloud = Cloud::start();
    let empty = InBucket::new();
    let cloud = Cloud { dataproc: Dataproc::start(empty.lake.root(), &empty.gcs), at: empty, ..cloud };
    cloud.dataproc.fault("POST", How::Refused(503));
    cloud.dataproc.fault("POST", How::AnswerLost);
    cloud.dataproc.fault("GET", How::Refused(429));
    cloud.dataproc.fault("GET", How::Done(500));
    arrived(&cloud.at.lake, &cloud.refresh());
    assert_eq!(cloud.states(), ["SUCCEEDED"]);
    assert_eq!((cloud.steps("spark"), cloud.steps("clean")), (vec!["done".to_owned()], vec!["skipped".to_owned(); 2]));

    let in_process = InBucket::new();
    arrived(&in_process.lake, &in_process.lake.refresh(&cloud.city, &[]));
    assert_eq!(content(&cloud.at.lake), content(&in_process.lake));

    // Nothing is to be cleaned, so nothing is asked of Dataproc.
    assert!(cloud.refresh().no_change().is_some());
    assert_eq!(cloud.states(), ["SUCCEEDED"]);
}

#[test]
#[ignore = "needs what `make test-cloud` installs"]
fn a_file_that_breaks_the_contract_is_held_and_its_batch_is_not_tried_again() {
    let _slot = Slot::take();
    let cloud = Cloud::start();
    cloud.city.set_file(b"no CSV".to_vec());
    for _ in 0..2 {
        let run = cloud.refresh();
        assert_eq!((run.code, run.errors.len()), (Some(1), 1), "{run:#?}");
        assert!(run.errors[0].starts_with("error: SR2025: "), "{run:#?}");
        assert_eq!(run.no_change(), undisturbed(Edition::First).current()["release"].as_str());
        assert_eq!(cloud.states(), ["SUCCEEDED"]);
    }
}

#[test]
#[ignore = "needs what `make test-cloud` installs"]
fn a_run_that_died_leaves_its_batch_to_the_next() {
    let _slot = Slot::take();
    let cloud = Cloud::start();
    let run = cloud.start_refresh();
    cloud.batch_at_work();
    signal("-KILL", &run);
    assert_eq!(Run::of(run).code, None);
    std::fs::remove_dir_all(cloud.at.lake.temporary()).unwrap();
    std::fs::create_dir(cloud.at.lake.temporary()).unwrap();
    arrived(&cloud.at.lake, &cloud.refresh());
    assert_eq!(cloud.states(), ["SUCCEEDED"], "one batch for both");
}

#[test]
#[ignore = "needs what `make test-cloud` installs"]
fn a_batch_that_is_cancelled_or_fails_is_followed_by_another() {
    let _slot = Slot::take();
    let cloud = Cloud::start();
    let run = cloud.start_refresh();
    cloud.batch_at_work();
    signal("-TERM", &run);
    let run = Run::of(run);
    assert_eq!((run.code, run.errors.len()), (Some(1), 1), "{run:#?}");
    assert_eq!(cloud.states(), ["CANCELLED"]);

    let refused = Fault { method: "PUT", path: "clean/", after: 3, times: usize::MAX, how: How::Refused(403) };
    cloud.at.gcs.fault(refused);
    let run = cloud.refresh();
    assert_eq!((run.code, run.errors.len()), (Some(1), 1), "{run:#?}");
    assert!(run.errors[0].starts_with("error: Spark: batch ") && run.errors[0].contains("exit code 1"), "{run:#?}");
    assert!(run.errors[0].contains("roles/storage.objectUser"), "{run:#?}");
    assert_eq!(cloud.states(), ["CANCELLED", "FAILED"]);

    cloud.at.gcs.forget();
    arrived(&cloud.at.lake, &cloud.refresh());
    assert_eq!(cloud.states(), ["CANCELLED", "FAILED", "SUCCEEDED"]);
}

#[test]
#[ignore = "needs what `make test-cloud` installs"]
fn what_dataproc_refuses_ends_the_run_and_the_release_stays() {
    let _slot = Slot::take();
    let cloud = Cloud::start();
    let before = cloud.at.lake.current();
    cloud.dataproc.fault("POST", How::Refused(403));
    let run = cloud.refresh();
    assert_eq!((run.code, run.errors.len()), (Some(1), 1), "{run:#?}");
    assert!(run.errors[0].starts_with("error: Spark: ") && run.errors[0].contains("it is INJECTED"), "{run:#?}");
    assert_eq!(cloud.at.lake.current(), before);
    assert_eq!(cloud.at.lake.problems(), [""; 0]);
}

#[test]
fn spark_needs_a_lake_in_a_bucket() {
    let run = crate::program::run(&["refresh", "--source", "x", "--lake", "lake", "--clean-on", PLACE]);
    assert_eq!((run.code, run.errors.len()), (2, 1), "{:?}", run.errors);
    assert!(run.errors[0].contains("--clean-on: Dataproc needs a lake in a bucket"), "{:?}", run.errors);
}
