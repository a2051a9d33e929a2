//! A look-alike of the City's CKAN on 127.0.0.1: the package, its yearly files, and any way of serving them wrongly.
//!
//! It publishes two editions of 2024 and 2025; the second has a month more. A test changes what is published or adds
//! faults, runs the program, and looks at the lake and at the log of requests.

pub mod files;
pub mod server;
pub mod tls;

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use server::{Answer, Request, Server, Site};
use tls::{Certificate, Identity};

pub const PACKAGE: &str = "2e54bc0e-4399-4076-b717-351df5918ae7";
/// The part of a URL that all requests for the package's metadata have.
pub const METADATA: &str = "package_show?id=311";
/// The part of a URL that all requests for the file of 2025 have.
pub const FILE: &str = "sr2025";
/// The part of a URL that all requests about the ward boundaries have.
pub const WARDS: &str = "city-wards";
/// The part of a URL that all requests for the file with the ward boundaries have.
pub const WARDS_FILE: &str = "city-wards-data";

const WARDS_ID: &str = "737b29e0-8329-4260-b6af-21555ab24f28";

/// What the City has published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Edition {
    /// 2024 from November; 2025 up to February.
    First,
    /// 2025 up to March.
    Second,
}

impl Edition {
    /// The CSV of 2025.
    pub fn csv(self) -> String {
        files::csv(2025, if self == Self::First { 1..=2 } else { 1..=3 })
    }

    fn modified(self) -> &'static str {
        if self == Self::First { "2025-03-08T14:03:12.123456" } else { "2025-04-08T14:03:12.123456" }
    }

    fn http_date(self) -> &'static str {
        if self == Self::First { "Sat, 08 Mar 2025 14:03:12 GMT" } else { "Tue, 08 Apr 2025 14:03:12 GMT" }
    }
}

/// One request, as answered.
#[derive(Debug, Clone)]
pub struct Logged {
    pub request: Request,
    pub status: u16,
    /// Bytes of the body that were sent.
    pub sent: u64,
    pub at: Instant,
}

/// What is done to an answer.
type Change = Box<dyn Fn(&Request, &mut Answer) + Send>;

/// A way to go wrong, for requests whose target has this in it.
struct Fault {
    target: &'static str,
    methods: &'static [&'static str],
    left: usize,
    change: Change,
}

#[derive(Clone)]
struct File {
    bytes: Arc<Vec<u8>>,
    content_type: &'static str,
    modified: &'static str,
}

#[derive(Default)]
struct State {
    package: Value,
    wards: Value,
    files: BTreeMap<String, File>,
    faults: Vec<Fault>,
    log: Vec<Logged>,
}

/// The City, running.
pub struct City {
    state: Arc<Mutex<State>>,
    server: Server,
    scheme: &'static str,
    /// What must live as long as a fault: other servers, blocked ports.
    kept: Mutex<Vec<Box<dyn Any + Send>>>,
}

impl City {
    /// The first edition, over plain HTTP.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// The first edition, over TLS where there is a certificate.
    pub fn start_with(certificate: Option<Certificate>) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let site = Arc::new(Pages(Arc::clone(&state)));
        let server = Server::start(site, certificate.map(Identity::new));
        let scheme = if certificate.is_some() { "https" } else { "http" };
        let city = Self { state, server, scheme, kept: Mutex::default() };
        city.publish(Edition::First);
        city
    }

    /// What `--source` is.
    pub fn url(&self) -> String {
        // A certificate is for a name.
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}", self.scheme, self.server.port())
    }

    /// The URL of the file of 2025.
    pub fn file_url(&self) -> String {
        format!("{}{}", self.url(), path_of(2025))
    }

    /// Makes all as it should be, in this edition.
    pub fn publish(&self, edition: Edition) {
        let mut state = self.state();
        state.faults.clear();
        (state.package, state.wards) = (package(&self.url(), edition), wards(&self.url()));
        let boundaries = Arc::new(br#"{"type": "FeatureCollection", "features": []}"#.to_vec());
        let file =
            File { bytes: boundaries, content_type: "application/geo+json", modified: Edition::First.http_date() };
        state.files.insert(wards_path(), file);
        let years = [(2024, files::csv(2024, 11..=12), Edition::First), (2025, edition.csv(), edition)];
        for (year, csv, edition) in years {
            let bytes = files::zip(&[(&format!("SR{year}.csv"), csv.as_bytes())]);
            let file = File { bytes: Arc::new(bytes), content_type: "application/zip", modified: edition.http_date() };
            state.files.insert(path_of(year), file);
        }
    }

    /// Publishes other bytes for 2025.
    pub fn set_file(&self, bytes: Vec<u8>) {
        self.state().files.entry(path_of(2025)).and_modify(|file| file.bytes = Arc::new(bytes));
    }

    /// Publishes another CSV for 2025, zipped as ever, made of the one of the second edition.
    pub fn change_csv(&self, change: impl FnOnce(String) -> Vec<u8>) {
        self.set_file(files::zip(&[("SR2025.csv", &change(Edition::Second.csv()))]));
    }

    /// Publishes 2025 with more rows.
    pub fn add_rows(&self, rows: &[u8]) {
        self.change_csv(|csv| [csv.as_bytes(), rows].concat());
    }

    /// Publishes 2025 in another ZIP, made of the CSV of the second edition.
    pub fn change_zip(&self, make: impl FnOnce(&[u8]) -> Vec<u8>) {
        self.set_file(make(Edition::Second.csv().as_bytes()));
    }

    /// Changes what `package_show` says.
    pub fn change_package(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.state().package);
    }

    /// Changes what `package_show` says of the file of 2025.
    pub fn change_resource(&self, change: impl FnOnce(&mut Value)) {
        self.change_package(|package| change(resource(package)));
    }

    /// Changes what `package_show` says of the ward boundaries.
    pub fn change_wards(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.state().wards);
    }

    /// Answers all matching GETs wrongly.
    pub fn fault(&self, target: &'static str, change: impl Fn(&Request, &mut Answer) + Send + 'static) {
        self.fault_times(target, &["GET"], usize::MAX, change);
    }

    /// Answers the first so many matching requests wrongly.
    pub fn fault_times(
        &self,
        target: &'static str,
        methods: &'static [&'static str],
        times: usize,
        change: impl Fn(&Request, &mut Answer) + Send + 'static,
    ) {
        self.state().faults.push(Fault { target, methods, left: times, change: Box::new(change) });
    }

    /// Keeps something until the City is gone.
    pub fn keep(&self, thing: impl Any + Send) {
        self.kept.lock().unwrap().push(Box::new(thing));
    }

    /// The requests of a method whose target has this in it.
    pub fn requests(&self, method: &str, target: &str) -> Vec<Logged> {
        let state = self.state();
        let of_these = |logged: &&Logged| logged.request.method == method && logged.request.target.contains(target);
        state.log.iter().filter(of_these).cloned().collect()
    }

    pub fn forget_requests(&self) {
        self.state().log.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The resource of 2025 in an answer of `package_show`.
pub fn resource(package: &mut Value) -> &mut Value {
    let resources = package["result"]["resources"].as_array_mut().unwrap();
    resources.iter_mut().find(|resource| resource["id"] == id_of(2025)).unwrap()
}

fn id_of(year: u16) -> String {
    format!("f3db05ab-2588-4159-89f7-56c74d1d{year}")
}

fn path_of(year: u16) -> String {
    format!("/dataset/{PACKAGE}/resource/{}/download/sr{year}.zip", id_of(year))
}

/// The answer of `package_show`: a readme first, then years from new to old, then a list of codes.
fn package(base: &str, edition: Edition) -> Value {
    let year = |year: u16, edition: Edition| {
        let url = format!("{base}{}", path_of(year));
        one_resource(&id_of(year), &format!("311 Service Requests {year}"), "ZIP", &url, edition)
    };
    let workbook = |id: &str, name: &str| {
        let url = format!("{base}/dataset/{PACKAGE}/resource/{id}/download/{name}.xlsx");
        one_resource(id, name, "XLSX", &url, Edition::First)
    };
    json!({
        "help": format!("{base}/api/3/action/help_show?name=package_show"),
        "success": true,
        "result": {
            "id": PACKAGE, "name": "311-service-requests-customer-initiated",
            "title": "311 Service Requests - Customer Initiated", "state": "active", "type": "dataset",
            "private": false, "is_retired": "false", "refresh_rate": "Monthly",
            "last_refreshed": edition.modified(), "metadata_modified": edition.modified(), "num_resources": 4,
            "license_title": "Open Government Licence – Toronto",
            "resources": [
                workbook("bb11ece8-a2b3-401a-92c0-fa115f867fff", "311-service-requests-readme"),
                year(2025, edition),
                year(2024, Edition::First),
                workbook("23b4e01c-37a6-46be-999b-e5f317dcdd8c", "sr_type_classification_codes"),
            ],
        },
    })
}

fn one_resource(id: &str, name: &str, format: &str, url: &str, edition: Edition) -> Value {
    json!({
        "created": "2019-07-23T17:47:38.364000", "datastore_active": false, "format": format, "hash": "", "id": id,
        "last_modified": edition.modified(), "metadata_modified": edition.modified(), "mimetype": null, "name": name,
        "package_id": PACKAGE, "size": null, "state": "active", "url": url, "url_type": "upload",
    })
}

/// The answer of `package_show` about the ward boundaries.
fn wards(base: &str) -> Value {
    let name = "city-wards-data - 4326.geojson";
    let file = one_resource(WARDS_ID, name, "GEOJSON", &format!("{base}{}", wards_path()), Edition::First);
    json!({"success": true, "result": {"name": "city-wards", "is_retired": "false", "resources": [file]}})
}

fn wards_path() -> String {
    format!("/dataset/5e7a8234-f805-43ac-820f-03d7c360b588/resource/{WARDS_ID}/download/city-wards-data-4326.geojson")
}

/// What is answered to whom.
struct Pages(Arc<Mutex<State>>);

impl Site for Pages {
    fn answer(&self, request: &Request) -> (usize, Answer) {
        let mut state = self.0.lock().unwrap();
        let mut answer = honest(&state, request);
        let fault = state.faults.iter_mut().find(|fault| {
            fault.left > 0 && request.target.contains(fault.target) && fault.methods.contains(&request.method.as_str())
        });
        if let Some(fault) = fault {
            fault.left -= 1;
            (fault.change)(request, &mut answer);
        }
        if answer.negotiable {
            negotiate(request, &mut answer);
        }
        let logged = Logged { request: request.clone(), status: answer.status, sent: 0, at: Instant::now() };
        state.log.push(logged);
        (state.log.len() - 1, answer)
    }

    fn sent(&self, n: usize, body_bytes: u64) {
        if let Some(logged) = self.0.lock().unwrap().log.get_mut(n) {
            logged.sent = body_bytes;
        }
    }
}

fn honest(state: &State, request: &Request) -> Answer {
    let json = |value: &Value| Answer::new(200, "application/json;charset=utf-8", value.to_string().into_bytes());
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    match (path, query) {
        ("/api/3/action/package_show", "id=311-service-requests-customer-initiated") => json(&state.package),
        ("/api/3/action/package_show", "id=city-wards") => json(&state.wards),
        _ => match state.files.get(path) {
            Some(file) => file_answer(file),
            None => {
                let mut answer = Answer::new(404, "text/plain", Vec::new());
                answer.become_page(404, "Not found");
                answer
            }
        },
    }
}

fn file_answer(file: &File) -> Answer {
    let mut answer = Answer::new(200, file.content_type, file.bytes.to_vec());
    answer.set("ETag", etag(&file.bytes));
    answer.set("Last-Modified", file.modified);
    answer.set("Accept-Ranges", "bytes");
    answer.negotiable = true;
    answer
}

/// A strong one.
pub fn etag(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    format!("\"{}\"", hash[..8].iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Applies the request's conditions and range.
fn negotiate(request: &Request, answer: &mut Answer) {
    let validator = |answer: &Answer, name| answer.header(name).unwrap_or_default().to_owned();
    let (etag, modified) = (validator(answer, "ETag"), validator(answer, "Last-Modified"));
    let unchanged = match (request.header("if-none-match"), request.header("if-modified-since")) {
        (Some(tags), _) => !etag.is_empty() && tags.contains(&etag),
        (None, Some(since)) => since == modified,
        (None, None) => false,
    };
    if unchanged {
        (answer.status, answer.body) = (304, Arc::default());
        return;
    }
    // A weak validator is good for no range.
    let applies =
        request.header("if-range").is_none_or(|wanted| wanted == etag || wanted == modified) && !etag.starts_with("W/");
    let start = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
    if let (true, Some(start)) = (applies, start) {
        let whole = Arc::clone(&answer.body);
        let Some(part) = whole.get(start..).filter(|part| !part.is_empty()) else {
            (answer.status, answer.body) = (416, Arc::default());
            return answer.set("Content-Range", format!("bytes */{}", whole.len()));
        };
        answer.status = 206;
        answer.body = Arc::new(part.to_vec());
        answer.set("Content-Range", format!("bytes {start}-{}/{}", whole.len() - 1, whole.len()));
    }
}
