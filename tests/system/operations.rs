//! What an operator does with the program besides refreshing: look, verify, go back, keep some releases, be told.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Ended, Server, refresh_with, run, toronto311};

const HEADER: &str = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,\
                      Service Request Type,Division,Section\n";

/// A source with one year, whose rows are as many as a test says, and a lake.
struct Workplace(tempfile::TempDir);

impl Workplace {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("source")).unwrap();
        Self(folder)
    }

    fn lake(&self) -> PathBuf {
        self.0.path().join("lake")
    }

    fn publish(&self, rows: usize) -> String {
        self.write(rows);
        let ended = self.refresh(&[]);
        assert_eq!((ended.code, &ended.errors), (0, &vec![]));
        ended.stdout.trim().strip_prefix("published ").unwrap().to_owned()
    }

    fn write(&self, rows: usize) {
        let row = |n: usize| format!("2024-05-{:02} 07:08:09,New,M4C,,,Davenport (09),Noise,MLS,Bylaw\n", n % 31 + 1);
        let text = format!("{HEADER}{}", (0..rows).map(row).collect::<String>());
        // A reader sees the old file or the new one.
        fs::write(self.0.path().join("next"), text).unwrap();
        fs::rename(self.0.path().join("next"), self.0.path().join("source/SR2024.csv")).unwrap();
    }

    fn source(&self) -> String {
        self.0.path().join("source").to_str().unwrap().to_owned()
    }

    fn refresh(&self, arguments: &[&str]) -> Ended {
        refresh_with(&self.source(), &self.lake(), &[&["--lease-seconds", "1"], arguments].concat())
    }

    fn command(&self, command: &str, arguments: &[&str]) -> Ended {
        run(&[&[command, "--lake", self.lake().to_str().unwrap()], arguments].concat())
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&fs::read(self.lake().join(path)).unwrap()).unwrap()
    }
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_rollback_lasts_until_the_files_change() {
    let place = Workplace::new();
    let (first, second) = (place.publish(100), place.publish(101));
    assert_eq!(place.command("rollback", &[]).stdout, format!("live {first}\n"));
    assert_eq!(place.json("current.json")["version"], 3);
    assert_eq!(place.command("verify", &[]).stdout, format!("verified {first}\n"));

    let ended = place.refresh(&[]);
    assert_eq!((ended.code, ended.stdout), (0, format!("no_change {first}\n")), "what was taken back stays so");
    let third = place.publish(102);
    assert_eq!(place.json("current.json")["version"], 4);

    assert_eq!(
        place.command("rollback", &["--to", &second]).stdout,
        format!("live {second}\n"),
        "forward is fine, too"
    );
    assert_eq!(place.json("current.json")["rolled_back"], serde_json::json!([third]));
}

#[test]
fn there_is_no_going_back_to_what_is_not_there() {
    let place = Workplace::new();
    let nothing = place.command("rollback", &[]);
    assert_eq!((nothing.code, nothing.errors), (1, vec!["error: not rolled back: the lake has no release".to_owned()]));
    let first = place.publish(100);
    let errors = place.command("rollback", &[]).errors;
    assert_eq!(errors, [format!("error: not rolled back: {first} is the first release")]);
    let second = place.publish(101);
    let errors = place.command("rollback", &["--to", "2024-05-000000000000"]).errors;
    assert_eq!(
        errors,
        [format!("error: not rolled back: there is no record of release 2024-05-000000000000; kept are: {first}")]
    );
    assert_eq!(place.command("rollback", &["--to", "x"]).code, 2);
    assert_eq!(place.json("current.json")["release"], second);
}

#[test]
fn verify_finds_whatever_is_damaged_or_missing() {
    let place = Workplace::new();
    let release = place.publish(100);
    let record = place.json(&format!("releases/{release}.json"));
    let input = &record["inputs"][0];
    let (clean, sha256) = (input["clean"].as_str().unwrap(), input["sha256"].as_str().unwrap());
    let objects = [
        format!("raw/SR2024/{sha256}"),
        format!("clean/{clean}/summary.json"),
        format!("marts/{release}/requests_by_area_month.parquet"),
        format!("marts/{release}/totals_by_area_month.parquet"),
        format!("releases/{release}.json"),
        "current.json".to_owned(),
    ];
    for object in objects {
        let path = place.lake().join(&object);
        let whole = fs::read(&path).unwrap();
        let mut other = whole.clone();
        other[whole.len() / 2] ^= 0x55;
        for damage in [Some(other), Some(whole[1..].to_vec()), None] {
            // A pointer that is gone is an empty lake, and a summary is only known to be there.
            let expected = match (&damage, object.as_str()) {
                (None, "current.json") => continue,
                (Some(_), summary) if summary.ends_with("summary.json") => continue,
                _ => 1,
            };
            match damage {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let found = place.command("verify", &[]);
            assert_eq!((found.code, found.errors.is_empty()), (expected, false), "{object}");
            fs::write(&path, &whole).unwrap();
        }
    }
    assert_eq!(place.command("verify", &[]).code, 0);
}

#[test]
fn the_releases_that_are_kept_and_the_files_as_they_came_stay() {
    let place = Workplace::new();
    for rows in 100..105 {
        place.write(rows);
        assert_eq!(place.refresh(&["--keep", "2"]).code, 0);
    }
    for (shelf, kept) in [("releases", 2), ("changes", 2), ("clean", 2), ("marts", 2), ("raw/SR2024", 5), ("runs", 5)] {
        assert_eq!(count(&place.lake().join(shelf)), kept, "{shelf}");
    }
    assert_eq!(place.command("verify", &[]).code, 0);
    assert_eq!(place.command("rollback", &[]).code, 0);
}

#[test]
fn a_lake_with_nothing_but_the_files_as_they_came_is_built_again() {
    let place = Workplace::new();
    place.publish(100);
    let release = place.publish(101);
    let mart = format!("marts/{release}/requests_by_area_month.parquet");
    let before = fs::read(place.lake().join(&mart)).unwrap();
    let rebuild = |expected: &str| {
        let ended = refresh_with("/nowhere", &place.lake(), &["--from", "raw", "--lease-seconds", "1"]);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.errors), (0, expected, vec![]));
    };
    rebuild(&format!("no_change {release}\n"));
    for entry in fs::read_dir(place.lake()).unwrap() {
        let path = entry.unwrap().path();
        match path.file_name().unwrap().to_str().unwrap() {
            "raw" => {}
            _ if path.is_dir() => fs::remove_dir_all(path).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
    }
    rebuild(&format!("published {release}\n"));
    assert!(fs::read(place.lake().join(&mart)).unwrap() == before);
    let empty = refresh_with("/nowhere", &place.0.path().join("empty"), &["--from", "raw"]);
    assert_eq!(empty.errors, ["error: the lake holds no yearly files: refresh from the source first"]);
}

#[test]
fn a_month_that_shrank_or_grew_beyond_belief_is_held_until_accepted() {
    let place = Workplace::new();
    let release = place.publish(1000);
    for (rows, finding) in [(700, "2024-05 has 700 rows, 1000 before"), (1600, "2024-05 has 1600 rows, 1000 before")] {
        place.write(rows);
        let ended = place.refresh(&[]);
        assert_eq!((ended.code, ended.stdout), (1, format!("no_change {release}\n")));
        assert!(ended.errors[0].starts_with(&format!("error: SR2024: {finding}")), "{:?}", ended.errors);
        assert!(ended.errors[0].ends_with("run refresh --accept 2024"), "{:?}", ended.errors);
    }
    let runs = serde_json::from_str::<Value>(&place.command("status", &["--json"]).stdout).unwrap();
    assert_eq!(
        (&runs["runs"][0]["outcome"], &runs["runs"][0]["held"][0]["guard"]),
        (&"no_change".into(), &"volume".into())
    );
    assert!(place.refresh(&["--accept", "2024"]).stdout.starts_with("published"));
}

#[test]
fn a_file_that_was_accepted_with_many_bad_rows_stays_accepted() {
    let place = Workplace::new();
    let bad = "05/06/2024 07:08:09 AM,New,M4C,,,Davenport (09),Noise,MLS,Bylaw\n".repeat(20);
    let good = "2024-05-31 07:08:09,New,M4C,,,Davenport (09),Noise,MLS,Bylaw\n";
    fs::write(place.0.path().join("source/SR2024.csv"), format!("{HEADER}{bad}{good}")).unwrap();
    assert_eq!(place.refresh(&[]).code, 1);
    assert!(place.refresh(&["--accept", "2024"]).stdout.starts_with("published"));
    let ended = place.refresh(&[]);
    assert_eq!((ended.code, ended.errors), (0, vec![]));
}

#[test]
fn years_that_are_not_asked_for_stay_as_they_are() {
    let place = Workplace::new();
    let of_2023 = place.0.path().join("source/SR2023.csv");
    let year = |status: &str| {
        let row = format!("2023-01-06 07:08:09,{status},M4C,,,Davenport (09),Noise,MLS,Bylaw\n");
        fs::write(&of_2023, format!("{HEADER}{row}")).unwrap();
    };
    year("New");
    let release = place.publish(100);
    year("Completed");
    let ended = place.refresh(&["--years", "2024..2026"]);
    assert_eq!(ended.stdout, format!("no_change {release}\n"));
    fs::remove_file(&of_2023).unwrap();
    let ended = place.refresh(&[]);
    assert_eq!((ended.code, ended.stdout), (0, format!("no_change {release}\n")), "a file that vanished stays as well");
}

#[test]
fn status_says_what_is_live_how_old_it_is_and_what_ran() {
    let place = Workplace::new();
    assert_eq!(place.command("status", &[]).stdout, "no release\n");
    let release = place.publish(100);
    let status: Value = serde_json::from_str(&place.command("status", &["--json"]).stdout).unwrap();
    let current = &status["current"];
    assert_eq!((&current["release"], &current["complete_through"]), (&release.clone().into(), &"2024-05".into()));
    assert_eq!((&current["version"], &current["freshness"]), (&1.into(), &"fresh".into()));
    let run = &status["runs"][0];
    assert_eq!((&run["outcome"], &run["release"]), (&"published".into(), &release.clone().into()));
    let steps: Vec<_> = run["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["discover", "fetch", "clean", "merge", "compare", "publish", "prune"]);
    let text = place.command("status", &[]).stdout;
    assert!(text.contains(&format!("release {release} (version 1)")) && text.contains("0 days ago: fresh"), "{text}");
}

#[test]
fn the_server_shows_releases_runs_and_freshness() {
    let place = Workplace::new();
    place.publish(100);
    let release = place.publish(101);
    let server = Server::start(&place.lake());
    let releases = server.get("/api/v1/releases").json();
    let rows = releases["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["release"], &rows[0]["live"]), (2, &release.clone().into(), &true.into()));
    assert_eq!((&rows[0]["rows_late"], &rows[1]["rows_new"]), (&1.into(), &100.into()));
    assert_eq!(rows[0]["files"]["SR2024"]["months"]["2024-05"]["late"], 1);
    let runs = server.get("/api/v1/runs").json();
    assert_eq!((runs["number_matched"].as_u64(), &runs["rows"][0]["outcome"]), (Some(2), &"published".into()));
    let freshness = server.get("/api/v1/freshness").json();
    assert_eq!((&freshness["freshness"], &freshness["next_refresh_at"]), (&"fresh".into(), &Value::Null));
    let page = server.get("/status");
    assert_eq!((page.status, page.header("cache-control")), (200, "no-cache"));
    assert!(page.body.contains(&release) && page.body.contains("<summary>What <code>"), "{}", page.body);
    let metrics = server.get("/metrics").body;
    assert!(
        metrics.contains(&format!("toronto311_release_info{{release=\"{release}\",complete_through=\"2024-05\"}} 1\n"))
    );
    assert!(metrics.contains("toronto311_rows{file=\"SR2024\",outcome=\"accepted\"} 101\n"), "{metrics}");
    assert!(metrics.contains("toronto311_refresh_last_run_failed 0\n"), "{metrics}");
    assert_eq!(server.get("/api/v1/runs?x=1").status, 400);
}

#[test]
fn a_server_keeps_its_lake_in_step_with_the_source() {
    let place = Workplace::new();
    place.write(100);
    let source = place.source();
    let arguments = ["--refresh", "1s", "--source", &source, "--reload-seconds", "0.1"];
    let mut server = Server::start_with(&place.lake(), &arguments);
    let wait = |rows: u64| {
        let until = Instant::now() + Duration::from_secs(30);
        while server.get("/api/v1/months").json()["rows"][0]["requests"] != rows {
            assert!(Instant::now() < until, "{rows} rows are not served after 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait(100);
    place.write(110);
    wait(110);
    assert!(!server.get("/api/v1/freshness").json()["next_refresh_at"].is_null());
    let started = Instant::now();
    assert_eq!(server.stop(), Some(0));
    assert!(started.elapsed() < Duration::from_secs(8));
    assert_eq!(place.json("state/lease.json")["run"], Value::Null, "the lease is given back");
}

/// Takes one POST and hands over its body.
fn receive(listener: &TcpListener) -> Value {
    let (mut stream, _) = listener.accept().unwrap();
    let mut text = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).unwrap();
        text.extend_from_slice(&chunk[..n]);
        let head_end = text.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(body) = head_end.map(|at| &text[at + 4..]) else { continue };
        if let Ok(json) = serde_json::from_slice(body) {
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
            return json;
        }
    }
}

#[test]
fn a_webhook_is_told_of_failures_and_of_the_recovery() {
    let place = Workplace::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let hook = format!("http://{}/hook", listener.local_addr().unwrap());
    let arguments = ["--webhook", hook.as_str()];
    place.write(1000);
    let first = place.refresh(&arguments);
    assert_eq!((first.code, first.errors), (0, vec![]), "nobody is told of what is well");
    let told = std::thread::spawn(move || [receive(&listener), receive(&listener)]);
    place.write(10);
    assert_eq!(place.refresh(&arguments).code, 1);
    place.write(1001);
    assert_eq!(place.refresh(&arguments).code, 0);
    let [failure, recovery] = told.join().unwrap();
    assert_eq!((&failure["event"], &failure["run"]["held"][0]["year"]), (&"failure".into(), &2024.into()));
    assert_eq!((&recovery["event"], &recovery["run"]["outcome"]), (&"recovery".into(), &"published".into()));
}

#[test]
fn a_webhook_that_is_no_address_is_refused_and_not_repeated() {
    let place = Workplace::new();
    let ended = place.refresh(&["--webhook", "secret"]);
    assert_eq!(ended.code, 2);
    assert!(ended.errors[0].contains("TORONTO311_WEBHOOK") && !ended.errors[0].contains("secret"));
    let help = toronto311(&["help", "refresh"]).env("TORONTO311_WEBHOOK", "https://secret").output().unwrap();
    assert!(!String::from_utf8_lossy(&help.stdout).contains("https://secret"));
}

/// Fifty releases go live while four readers ask as fast as they can.
#[test]
fn no_reader_sees_two_releases_in_one_answer_and_no_request_fails() {
    use std::collections::HashMap;
    use std::sync::atomic::{AtomicBool, Ordering};
    const FIRST: usize = 100;
    let place = Workplace::new();
    let mut rows = HashMap::from([(place.publish(FIRST), FIRST)]);
    let server = Server::start_with(&place.lake(), &["--refresh", "off", "--reload-seconds", "0.02"]);
    let done = AtomicBool::new(false);
    let read = |path: &str| {
        let mut seen = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let answer = server.get(path);
            assert_eq!(answer.status, 200, "{path}");
            seen.push(answer.json());
        }
        seen
    };
    let seen: Vec<Value> = std::thread::scope(|scope| {
        let paths = ["/api/v1/counts?measure=count", "/api/v1/counts?geo=fsa&measure=count"];
        let readers: Vec<_> = paths.iter().cycle().take(4).map(|path| scope.spawn(|| read(path))).collect();
        for n in FIRST + 1..=FIRST + 50 {
            rows.insert(place.publish(n), n);
        }
        done.store(true, Ordering::Relaxed);
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    });
    let mut releases = std::collections::HashSet::new();
    for answer in &seen {
        let release = answer["release"].as_str().unwrap();
        let counted: u64 = answer["rows"].as_array().unwrap().iter().map(|row| row["requests"].as_u64().unwrap()).sum();
        assert_eq!(counted, rows[release] as u64, "{release}");
        releases.insert(release);
    }
    assert!(releases.len() > 20, "only {} of 51 releases were seen in {} answers", releases.len(), seen.len());
}
