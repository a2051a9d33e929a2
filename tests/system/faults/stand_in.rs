//! The same against a look-alike by other hands: full metadata as observed, another HTTP server.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::lake::{Lake, Run};
use super::one_run;

/// `serve.py` over an edition, killed when dropped.
struct StandIn {
    child: Child,
    url: String,
}

impl StandIn {
    fn serve(edition: &Path) -> Self {
        let mut command = python("serve.py");
        command.arg(edition).args(["--second-host", "localhost"]).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let greeting: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        // Somebody has to read the log of requests, or the server would block on a full pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://127.0.0.1:{}", greeting["port"]) }
    }

    fn plan(&self, faults: Value) {
        ureq::post(&format!("{}/_control/plan", self.url)).send_json(faults).unwrap();
    }

    fn show(&self, edition: &Path) {
        let folder = json!({"folder": edition.to_str().unwrap()});
        ureq::post(&format!("{}/_control/folder", self.url)).send_json(folder).unwrap();
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn python(program: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/source-standin");
    let mut command = Command::new("python3");
    command.arg("-B").arg(folder.join(program));
    command
}

fn publish(folder: &Path, edition: u32, years: &str) -> PathBuf {
    let out = folder.join(format!("edition-{edition}"));
    let options = ["--scale", "0.002", "--years", years, "--edition"];
    let mut command = python("publish.py");
    command.arg(&out).args(options).arg(edition.to_string()).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    out
}

#[test]
#[ignore = "needs ../shared"]
fn shared_editions_are_followed_through_faults() {
    let folder = tempfile::tempdir().unwrap();
    let (second, third) =
        (publish(folder.path(), 2, "2018,2021,2024,2025"), publish(folder.path(), 3, "2018,2021,2024-2026"));
    let city = StandIn::serve(&second);
    let (lake, undisturbed) = (Lake::new(), Lake::new());
    let refresh = |lake: &Lake| one_run(lake, |lake| lake.refresh_from(&city.url, &[]));
    let published = |run: &Run| run.published().map(str::to_owned).unwrap_or_else(|| panic!("{run:#?}"));
    published(&refresh(&lake));
    assert!(refresh(&lake).no_change().is_some());

    // A resource of 2026 appears, and 2021 moves to another host and another id with the same bytes.
    city.show(&third);
    let new = published(&refresh(&undisturbed));
    let faults = [
        json!([{"fault": "reset", "match": "sr2026", "at": 200}]),
        json!([{"fault": "truncate", "match": "sr2026"}]),
        json!([{"fault": "html", "match": "sr2026", "title": "Request rejected"}]),
        json!([{"fault": "corrupt_zip", "match": "sr2026", "how": "crc"}]),
        json!([{"fault": "two_csvs", "match": "sr2026"}]),
        json!([{"fault": "zip_bomb", "match": "sr2026", "inflated": 3_000_000_000_u64}]),
        json!([{"fault": "status", "match": "sr2026", "code": 429, "retry_after": 3600}]),
        json!([{"fault": "bad_json", "match": "package_show"}]),
        json!([{"fault": "ckan_failure", "match": "package_show"}]),
    ];
    for fault in faults {
        city.plan(fault.clone());
        let run = refresh(&lake);
        assert_eq!(run.code, Some(1), "{fault}: {run:#?}");
        let named = run.errors.iter().all(|line| line.contains("SR2026: ") || line.contains("package"));
        assert!(named && run.errors.len() == 1, "{fault}: {run:#?}");
    }
    city.plan(json!([
        {"fault": "status", "match": "sr2026", "code": 503, "times": 2},
        {"fault": "reset", "match": "sr2026", "at": 200, "times": 1},
    ]));
    let run = refresh(&lake);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(run.published().or(run.no_change()), Some(new.as_str()), "{run:#?}");
    assert!(lake.marts() == undisturbed.marts());
}
