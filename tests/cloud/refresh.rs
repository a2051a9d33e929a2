//! Refreshes of a lake in a bucket: the same releases as in a folder, whoever dies where.

use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::city::{City, Edition, FILE};
use crate::gcs::{Fault, Gcs, How, Logged};
use crate::in_bucket::{InBucket, arrived, content, undisturbed};
use crate::lake::{Lake, Run};
use crate::many::{Slot, for_all};
use crate::program::Server;
use crate::source::Source;

/// Requests by method, for the README.
fn count(what: &str, requests: &[Logged]) -> usize {
    let of = |method: &str| requests.iter().filter(|request| request.method == method).count();
    let [read, looked, written, deleted] = ["GET", "HEAD", "PUT", "DELETE"].map(of);
    println!("{what}: {} requests: {read} GET, {looked} HEAD, {written} PUT, {deleted} DELETE", requests.len());
    requests.len()
}

#[test]
fn a_lake_in_a_bucket_has_the_objects_of_one_in_a_folder() {
    let _slot = Slot::take();
    let (city, folder, InBucket { lake, gcs }) = (City::start(), Lake::new(), InBucket::new());
    let mut counted = Vec::new();
    for edition in [Edition::First, Edition::Second] {
        city.publish(edition);
        gcs.forget();
        let run = lake.refresh(&city, &[]);
        counted.push(count(&format!("{edition:?} edition of two years"), &gcs.requests()));
        assert_eq!(run.published(), folder.refresh(&city, &[]).published(), "{run:#?}");
        assert_eq!(content(&lake), content(&folder));
        assert_eq!(lake.problems(), [""; 0]);
    }
    gcs.forget();
    let run = lake.refresh(&city, &[]);
    assert_eq!(run.no_change(), undisturbed(Edition::Second).current()["release"].as_str(), "{run:#?}");
    counted.push(count("no change", &gcs.requests()));
    assert!(counted[2] < 40 && counted[1] < 100, "{counted:?}");
    assert_eq!(gcs.tokens(), 5, "three refreshes and two verifications ask for one each");
}

/// What a release changed, without when and by whom.
fn changes(lake: &Lake) -> Value {
    let release = lake.current()["release"].as_str().unwrap().to_owned();
    let bytes = std::fs::read(lake.path().join(format!("changes/{release}.json"))).unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()["files"].take()
}

#[test]
#[ignore = "needs ../shared"]
fn shared_editions_with_late_rows_are_published_as_in_a_folder() {
    let _slot = Slot::take();
    let (folder, InBucket { lake, gcs }) = (Lake::new(), InBucket::new());
    for edition in 1..=3 {
        let years = if edition < 3 { "2023-2025" } else { "2023-2026" };
        let options = ["--jobs", "2", "--scale", "0.2", "--years", years, "--edition", &edition.to_string()];
        let source = Source::published(&options);
        let source = source.folder().to_str().unwrap();
        gcs.forget();
        let run = lake.refresh_from(source, &["--lease-seconds", "5"]);
        count(&format!("edition {edition} of {years}"), &gcs.requests());
        assert!(run.published().is_some(), "{run:#?}");
        assert_eq!(folder.refresh_from(source, &["--lease-seconds", "5"]).published(), run.published());
        assert_eq!(content(&lake), content(&folder));
        let changes = [&lake, &folder].map(changes);
        assert_eq!(changes[0], changes[1]);
        assert!(edition == 1 || changes[0].to_string().contains(r#""late":"#), "{}", changes[0]);
        gcs.forget();
        assert!(lake.refresh_from(source, &["--lease-seconds", "5"]).no_change().is_some());
        count("the same again", &gcs.requests());
        assert_eq!(lake.problems(), [""; 0]);
    }
}

#[test]
fn a_bucket_is_asked_over_tls() {
    let _slot = Slot::take();
    let (city, InBucket { lake, gcs }) = (City::start(), InBucket::over_tls());
    city.publish(Edition::Second);
    arrived(&lake, &lake.refresh(&city, &[]));
    assert!(!gcs.requests().is_empty());
}

#[test]
fn status_verify_and_rollback_read_the_bucket() {
    let _slot = Slot::take();
    let (city, InBucket { lake, gcs: _gcs }) = InBucket::behind();
    let run = lake.refresh(&city, &[]);
    let second = run.published().unwrap_or_else(|| panic!("{run:#?}")).to_owned();
    assert_eq!(lake.verify().said, format!("verified {second}"));
    let status: Value = serde_json::from_str(&lake.run(&["status", "--json"]).said).unwrap();
    assert_eq!(status["current"]["release"], second.as_str());
    let first = undisturbed(Edition::First).current()["release"].as_str().unwrap().to_owned();
    assert_eq!(lake.run(&["rollback"]).said, format!("live {first}"));
    assert_eq!(lake.refresh(&city, &[]).no_change(), Some(first.as_str()), "it was taken back");
    assert_eq!(lake.run(&["rollback", "--to", &second]).said, format!("live {second}"));
    assert_eq!(lake.refresh(&city, &["--from", "raw"]).no_change(), Some(second.as_str()));
}

#[test]
fn pages_and_answers_are_those_of_a_folder() {
    let _slot = Slot::take();
    let folder = undisturbed(Edition::Second);
    let InBucket { lake, gcs } = InBucket::copy_of(&folder);
    let arguments = ["serve", "--port", "0", "--refresh", "off", "--reload-seconds", "1"];
    let (in_bucket, in_folder) = (Server::of(lake.program(&arguments)), Server::of(folder.program(&arguments)));
    let paths =
        ["/", "/?geo=fsa", "/?type=noise&measure=count", "/api/v1/choropleth", "/api/v1/counts?geo=fsa&from=2025-01"];
    let same = |path: &str| {
        let (one, other) = (in_bucket.get(path), in_folder.get(path));
        assert_eq!((one.status, one.header("etag")), (200, other.header("etag")), "{path}: {}", one.body);
        assert!(one.body == other.body, "{path}");
    };
    paths.iter().for_each(|path| same(path));

    // A look at the bucket reads no record that it knows.
    std::thread::sleep(std::time::Duration::from_secs(2));
    gcs.forget();
    std::thread::sleep(std::time::Duration::from_secs(3));
    let looks = gcs.requests();
    let is_cheap = |asked: &Logged| asked.target.contains("current%2Ejson") || asked.target.contains("list-type");
    assert!(!looks.is_empty() && looks.iter().all(is_cheap), "{looks:#?}");

    // The bucket is gone: what is served is what was there.
    drop(gcs);
    std::fs::remove_dir_all(lake.path()).unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    paths.iter().for_each(|path| same(path));
}

#[test]
fn a_server_does_not_wait_for_a_bucket_that_went_silent() {
    let _slot = Slot::take();
    let InBucket { lake, gcs } = InBucket::copy_of(&undisturbed(Edition::Second));
    gcs.fault(Fault { method: "GET", path: "releases/", after: 0, times: 1, how: How::Silent });
    // Ready within a minute, or it panics.
    let server = Server::of(lake.program(&["serve", "--port", "0", "--refresh", "off"]));
    assert_eq!((gcs.faulty(), server.get("/").status), (1, 200));
}

#[test]
fn of_two_runners_at_once_one_publishes() {
    for _ in 0..5 {
        let _slot = Slot::take();
        let (city, InBucket { lake, gcs: _gcs }) = InBucket::behind();
        let start = |_| lake.start(&city, &["--lease-seconds", "5"]);
        let runs: Vec<Run> = (0..2).map(start).collect::<Vec<Child>>().into_iter().map(Run::of).collect();
        let published = runs.iter().filter(|run| run.published().is_some()).count();
        assert_eq!((published, lake.version()), (1, 2), "{runs:#?}");
        assert!(runs.iter().all(|run| run.code == Some(0) && run.errors.is_empty()), "{runs:#?}");
        assert_eq!(lake.problems(), [""; 0]);
        assert!(lake.marts() == undisturbed(Edition::Second).marts());
    }
}

/// Where a run is killed.
#[derive(Debug)]
struct Point {
    request: usize,
    /// Before the request is carried out, or after it and before the answer.
    before: bool,
}

#[test]
fn killed_at_any_request_the_next_run_arrives_at_the_same_release() {
    let _shared = [undisturbed(Edition::First), undisturbed(Edition::Second)];
    let (city, InBucket { lake, gcs }) = InBucket::behind();
    arrived(&lake, &lake.refresh(&city, &[]));
    let requests = gcs.requests();
    let verified = requests.iter().rposition(|request| request.target.contains("lease")).unwrap();
    let points: Vec<Point> =
        (1..=verified + 1).flat_map(|request| [true, false].map(|before| Point { request, before })).collect();
    let reached = AtomicUsize::new(0);
    let kill = |point: &Point| {
        reached.fetch_add(usize::from(kill_at(point)), Ordering::Relaxed);
    };
    let failures = for_all(&points, kill, |point| format!("{point:?}"));
    let reached = reached.into_inner();
    println!("{} kill points, {reached} of them reached", points.len());
    assert!(failures.is_empty(), "{} of {} points: {}", failures.len(), points.len(), failures.concat());
    assert!(reached * 10 > points.len() * 9, "only {reached} of {} points were reached", points.len());
}

/// Whether the run came to the point.
fn kill_at(point: &Point) -> bool {
    let (city, InBucket { lake, gcs }) = InBucket::behind();
    let run = lake.start(&city, &[]);
    kill_when(&gcs, point, run.id());
    let run = Run::of(run);
    gcs.forget();
    let (killed, published) = (run.code.is_none(), lake.version() == 2);
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    assert_eq!(lake.verify().code, Some(0), "what is live is whole");
    std::fs::remove_dir_all(lake.temporary()).unwrap();
    std::fs::create_dir(lake.temporary()).unwrap();

    city.forget_requests();
    let again = lake.refresh(&city, &[]);
    arrived(&lake, &again);
    assert_eq!(lake.version(), 2, "published twice: {again:#?}");
    assert!(!published || city.requests("GET", FILE).is_empty(), "downloaded again: {again:#?}");
    killed
}

fn kill_when(gcs: &Gcs, point: &Point, process: u32) {
    gcs.at_request(point.request, point.before, move || {
        Command::new("kill").args(["-KILL", &process.to_string()]).status().unwrap();
        // It is dead before anything is answered.
        while std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| !stat.contains(") Z")) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    });
}
