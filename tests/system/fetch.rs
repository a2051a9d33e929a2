//! `boundaries build --fetch` against servers that look like the City's and Statistics Canada's.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::boundaries::{committed, farthest_apart, geo_folder};
use crate::program::{Ended, run};

/// Answers each path with a body, and all others with 404, until the test ends. Returns its address.
fn server(answers: Vec<(&'static str, String)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let own = base.clone();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let head = BufReader::new(&connection).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let request = head.collect::<Vec<_>>();
            let path = request[0].split(' ').nth(1).unwrap();
            let found = answers.iter().find(|(known, _)| path.starts_with(known));
            let body = found.map_or_else(String::new, |(_, body)| body.replace("BASE", &own));
            let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
            let length = body.len();
            let _ =
                write!(connection, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
        }
    });
    base
}

/// What CKAN answers of a package with one file.
fn package(url: &str) -> String {
    let resource = serde_json::json!({"name": "city-wards-data - 4326.geojson", "format": "GeoJSON", "url": url});
    serde_json::json!({"success": true, "result": {"resources": [resource]}}).to_string()
}

fn shared(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path)
}

fn build(portal: &str, fsa_zip: &str, out: &Path) -> Ended {
    let files = ["geo/wards-44.icitw_wgs84.geojson", "census/ward_population_2021.csv", "census/fsa_population.csv"];
    let [wards_44, wards, fsas] = files.map(|file| shared("data").join(file).to_str().unwrap().to_owned());
    run(&[
        &["boundaries", "build", "--fetch", "--portal", portal, "--fsa-zip", fsa_zip, "--wards-44", &wards_44],
        &["--ward-population", &wards, "--fsa-population", &fsas, "--out", out.to_str().unwrap()][..],
    ]
    .concat())
}

#[test]
fn what_cannot_be_fetched_is_said_and_the_folder_stays_as_it_was() {
    let show = "/api/3/action/package_show?id=city-wards";
    let wards = (show, package("BASE/wards.geojson"));
    let page = |path| (path, "<!doctype html><title>Moved</title>".to_owned());
    for (answers, fsa_zip, said) in [
        (vec![], "/fsa.zip", "package city-wards of http://127.0.0.1"),
        (vec![page(show)], "/fsa.zip", "not that of CKAN's package_show"),
        (vec![(show, package("https://elsewhere.example/wards.geojson"))], "/fsa.zip", "on \"elsewhere.example\""),
        (vec![wards.clone()], "/fsa.zip", "wards.geojson answers 404"),
        (vec![wards.clone(), page("/wards.geojson")], "/fsa.zip", "FSA boundaries: http://127.0.0.1"),
        (vec![wards, page("/wards.geojson"), page("/fsa.zip")], "/fsa.zip", "not readable as a GeoJSON"),
    ] {
        let out = tempfile::tempdir().unwrap();
        fs::write(out.path().join("wards.geojson"), "before").unwrap();
        let base = server(answers);
        let ended = build(&base, &format!("{base}{fsa_zip}"), out.path());
        assert_eq!(ended.code, 1, "{said}");
        assert!(ended.errors.iter().any(|line| line.contains(said)), "{said}: {:?}", ended.errors);
        assert_eq!(fs::read_to_string(out.path().join("wards.geojson")).unwrap(), "before");
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
    }
}

#[test]
fn files_and_fetching_exclude_each_other_and_one_of_them_is_needed() {
    let others = ["--wards-44", "a", "--ward-population", "b", "--fsa-population", "c"];
    let ended = |arguments: &[&str]| run(&[&["boundaries", "build"], &others[..], arguments].concat());
    assert_eq!(ended(&[]).code, 2);
    assert_eq!(ended(&["--fetch", "--wards", "w"]).code, 2);
    assert_eq!(ended(&["--wards", "w"]).code, 2);
    assert_eq!(ended(&["--wards", "w", "--fsas", "f", "--portal", "https://host"]).code, 2);
    let folder = ended(&["--fetch", "--portal", "folder"]);
    assert!(folder.code == 1 && folder.errors[0].contains("not the address of a portal"), "{:?}", folder.errors);
}

/// The look-alike of both publishers, ended when dropped.
struct Publishers {
    child: Child,
    _files: tempfile::TempDir,
    addresses: Value,
}

impl Publishers {
    fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        let python = |script: &str| {
            let mut command = Command::new("python3");
            command.arg(shared("source-standin").join(script)).arg(files.path());
            command
        };
        let mut publish = python("publish.py");
        publish.args(["--edition", "1", "--scale", "0.001", "--years", "2024"]).stdout(Stdio::null());
        assert!(publish.status().unwrap().success());
        let log = files.path().join("requests.jsonl");
        let mut child = python("serve.py").arg("--log").arg(log).stdout(Stdio::piped()).spawn().unwrap();
        let mut greeting = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut greeting).unwrap();
        Self { child, _files: files, addresses: serde_json::from_str(&greeting).unwrap() }
    }

    fn address(&self, of: &str) -> &str {
        self.addresses[of].as_str().unwrap()
    }

    /// Makes it do this to all requests from now on.
    fn plan(&self, faults: &Value) {
        ureq::post(format!("{}/plan", self.address("control"))).send(faults.to_string()).unwrap();
    }
}

impl Drop for Publishers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "needs ../shared"]
fn shared_fetched_sources_make_the_committed_areas() {
    let (publishers, out) = (Publishers::start(), tempfile::tempdir().unwrap());
    // A connection that breaks, and an answer that the server was too busy for, are tried again.
    publishers.plan(&serde_json::json!([
        {"fault": "reset", "match": "city-wards-data", "at": 100_000, "times": 1},
        {"fault": "status", "code": 503, "retry_after": 1, "match": "lfsa000b16a", "times": 1},
    ]));
    let ended = build(publishers.address("ckan"), publishers.address("fsa_zip"), out.path());
    assert_eq!((ended.code, ended.errors), (0, vec![]));
    for file in ["wards.geojson", "wards.topojson", "wards-44.geojson", "wards-44.topojson"] {
        assert!(fs::read(out.path().join(file)).unwrap() == fs::read(geo_folder().join(file)).unwrap(), "{file}");
    }
    // The shapefile is in another projection, so its points are up to a step of the grid elsewhere.
    let fsas = toronto311::boundaries::read(&fs::read(out.path().join("fsas.geojson")).unwrap()).unwrap();
    assert!(farthest_apart(&fsas, &committed("fsas.geojson")) <= 1.0);
    let readme = fs::read_to_string(out.path().join("README.md")).unwrap();
    assert!(readme.contains("`city-wards-data-4326.geojson`") && readme.contains("`lfsa000b16a_e.zip`"));
}

#[test]
#[ignore = "needs ../shared"]
fn shared_sources_that_come_damaged_leave_the_folder_as_it_was() {
    let publishers = Publishers::start();
    for (plan, said) in [
        (serde_json::json!([{"fault": "html", "match": "lfsa000b16a"}]), "not readable as a ZIP archive"),
        (serde_json::json!([{"fault": "html", "match": "city-wards-data"}]), "not readable as a GeoJSON"),
        (serde_json::json!([{"fault": "ckan_failure", "match": "package_show"}]), "success: false"),
        (
            serde_json::json!([{"fault": "redirect", "match": "lfsa000b16a", "location": "https://elsewhere.example/"}]),
            "elsewhere",
        ),
    ] {
        let out = tempfile::tempdir().unwrap();
        publishers.plan(&plan);
        let ended = build(publishers.address("ckan"), publishers.address("fsa_zip"), out.path());
        assert_eq!(ended.code, 1, "{said}");
        assert!(ended.errors.iter().any(|line| line.contains(said)), "{said}: {:?}", ended.errors);
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "{said}");
    }
}
