//! A stand-in for BigQuery on 127.0.0.1: local-bigquery, and before it a door at which calls are logged and go wrong.
//!
//! What it does not have: bytes, of which it always says 0, limits, quotas, and any other account than one.

mod emulator;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::city::server::{Answer, Delivery, Request, Server, Site, Then};
use crate::gcs::TOKEN;
use emulator::Emulator;

/// The project of all tests: each more that it knows makes local-bigquery slower.
const PROJECT: &str = "toronto-test";

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum How {
    /// It is refused with this status and reason, and not carried out.
    Refused(u16, &'static str),
    /// It is carried out and answered with this status all the same.
    Done(u16),
    /// What answers is no service but a page of what stands before it.
    Page(u16),
    /// It is carried out, and the connection breaks before the answer.
    AnswerLost,
    /// It is taken, and the connection stays silent.
    Silence,
    /// A job that is sent is taken, does nothing and fails for this reason.
    JobFails(&'static str),
}

/// Which calls go wrong, and how.
#[derive(Debug, Clone)]
pub struct Fault {
    pub method: &'static str,
    /// A part of the path or of the body.
    pub part: &'static str,
    /// So many go wrong.
    pub times: usize,
    pub how: How,
}

/// A call as it was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    pub method: String,
    pub target: String,
    pub body: String,
    pub status: u16,
}

impl Logged {
    /// Whether it started a job of this kind, `load` or `query`.
    pub fn starts(&self, kind: &str) -> bool {
        self.method == "POST" && self.target.ends_with("/jobs") && self.body.contains(&format!("\"{kind}\":{{"))
    }
}

/// What is done when so many calls have come.
struct Trap {
    call: usize,
    /// Before it is carried out, or before it is answered.
    before: bool,
    spring: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    trap: Option<Trap>,
    log: Vec<Logged>,
    /// Jobs that failed at the door, by id.
    failed_jobs: Vec<(String, &'static str)>,
}

/// The service, running, with a dataset of its own.
pub struct BigQuery {
    state: Arc<Mutex<State>>,
    server: Server,
    dataset: String,
    emulator: Arc<Emulator>,
}

impl BigQuery {
    /// With an empty dataset; what the program finds in the bucket `toronto` is the content of a folder.
    pub fn start(toronto: &Path) -> Self {
        static DATASETS: AtomicUsize = AtomicUsize::new(0);
        let emulator = Emulator::shared();
        let dataset = format!("city_{}", DATASETS.fetch_add(1, Ordering::Relaxed));
        emulator.see(&dataset, toronto);
        let state = Arc::new(Mutex::new(State::default()));
        let door = Door { state: Arc::clone(&state), emulator: Arc::clone(&emulator), dataset: dataset.clone() };
        let bigquery = Self { state, server: Server::start(Arc::new(door), None), dataset, emulator };
        let dataset = json!({"datasetReference": bigquery.reference(), "location": "US"});
        bigquery.ask("POST", "datasets", Some(&dataset));
        bigquery
    }

    /// What is given as `--warehouse`.
    pub fn address(&self) -> String {
        format!("bigquery:{PROJECT}.{}", self.dataset)
    }

    /// What tells a program to use this and not Google's.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let address = format!("http://127.0.0.1:{}", self.server.port());
        vec![("BIGQUERY_EMULATOR_HOST", address), ("TORONTO311_WAREHOUSE", self.address())]
    }

    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Does something when the call of this number has come, the first being 1.
    pub fn at_call(&self, call: usize, before: bool, spring: impl FnOnce() + Send + 'static) {
        self.state().trap = Some(Trap { call, before, spring: Box::new(spring) });
    }

    /// From now on all goes well and is counted anew.
    pub fn forget(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.trap = None;
        state.log.clear();
    }

    pub fn calls(&self) -> Vec<Logged> {
        self.state().log.clone()
    }

    /// The names of all tables, in order.
    pub fn tables(&self) -> Vec<String> {
        let found = self.ask("GET", &format!("datasets/{}/tables?maxResults=1000", self.dataset), None);
        let tables = found["tables"].as_array().cloned().unwrap_or_default();
        tables.iter().map(|table| table["tableReference"]["tableId"].as_str().unwrap().to_owned()).collect()
    }

    /// What the service says of a table.
    pub fn table(&self, name: &str) -> Value {
        self.ask("GET", &format!("datasets/{}/tables/{name}", self.dataset), None)
    }

    /// The rows of a query, their values as text; `null` is empty.
    pub fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        let dataset = self.reference();
        let query = json!({"query": sql, "useLegacySql": false, "defaultDataset": dataset, "timeoutMs": 180_000});
        let found = self.ask("POST", "queries", Some(&query));
        assert_eq!(found["jobComplete"], true, "{sql}: {found}");
        let text = |cell: &Value| cell["v"].as_str().unwrap_or_default().to_owned();
        let row = |row: &Value| row["f"].as_array().unwrap().iter().map(text).collect();
        found["rows"].as_array().map(|rows| rows.iter().map(row).collect()).unwrap_or_default()
    }

    /// Lets somebody else replace a month by the rows of a query.
    pub fn replace_month(&self, partition: &str, sql: &str) {
        let mut table = self.reference();
        table["tableId"] = partition.into();
        let query = json!({
            "query": sql, "useLegacySql": false, "defaultDataset": self.reference(), "destinationTable": table,
            "writeDisposition": "WRITE_TRUNCATE",
        });
        self.run(&json!({"query": query}));
    }

    /// Makes a table of a Parquet file in the bucket.
    pub fn load(&self, table: &str, path: &str) {
        let mut destination = self.reference();
        destination["tableId"] = table.into();
        let source = format!("gs://{}/{path}", self.dataset);
        self.run(&json!({"load": {
            "sourceUris": [source], "sourceFormat": "PARQUET", "destinationTable": destination,
            "writeDisposition": "WRITE_TRUNCATE",
        }}));
    }

    fn run(&self, configuration: &Value) {
        let mut job = self.ask("POST", "jobs", Some(&json!({"configuration": configuration})));
        while job["status"]["state"] != "DONE" {
            job = self.ask("GET", &format!("jobs/{}", job["jobReference"]["jobId"].as_str().unwrap()), None);
        }
        assert_eq!(job["status"]["errorResult"], Value::Null, "{job}");
    }

    fn reference(&self) -> Value {
        json!({"projectId": PROJECT, "datasetId": self.dataset})
    }

    /// Past the door.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let target = format!("/bigquery/v2/projects/{PROJECT}/{path}");
        let body = body.map(Value::to_string).unwrap_or_default();
        let (status, answer) = forward(&self.emulator, method, &target, body.as_bytes());
        let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
        assert!(status < 300, "{method} {target} {body}: {status} {answer}");
        answer
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for BigQuery {
    fn drop(&mut self) {
        let target = format!("/bigquery/v2/projects/{PROJECT}/datasets/{}?deleteContents=true", self.dataset);
        forward(&self.emulator, "DELETE", &target, b"");
    }
}

fn forward(emulator: &Emulator, method: &str, target: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let request = ureq::http::Request::builder().method(method).uri(format!("{}{target}", emulator.base()));
    let request = request.header("content-type", "application/json");
    let mut response = if body.is_empty() {
        agent.run(request.body(()).unwrap()).unwrap()
    } else {
        agent.run(request.body(body).unwrap()).unwrap()
    };
    let answer = response.body_mut().with_config().limit(1 << 30).read_to_vec().unwrap();
    (response.status().as_u16(), answer)
}

struct Door {
    state: Arc<Mutex<State>>,
    emulator: Arc<Emulator>,
    dataset: String,
}

impl Site for Door {
    fn answer(&self, request: &Request) -> (usize, Answer) {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let (n, fault) = self.state.lock().unwrap().come(request, body);
        let mut answer = match fault {
            None => self.honest(request),
            Some(How::Refused(status, reason)) => refusal(status, reason),
            Some(How::Done(status)) => {
                self.honest(request);
                refusal(status, "backendError")
            }
            Some(How::Page(status)) => {
                let mut answer = Answer::new(status, "text/html", Vec::new());
                answer.become_page(status, "Busy");
                answer
            }
            Some(How::AnswerLost) => Answer { delivery: Delivery::Nothing(Then::Reset), ..self.honest(request) },
            Some(How::Silence) => {
                Answer { delivery: Delivery::Nothing(Then::Silence), ..Answer::new(200, "text/plain", Vec::new()) }
            }
            Some(How::JobFails(reason)) => self.failed_job(request, reason),
        };
        answer.negotiable = false;
        let mut state = self.state.lock().unwrap();
        if let Some(logged) = state.log.get_mut(n) {
            logged.status = answer.status;
        }
        state.spring(n + 1, false);
        (n, answer)
    }

    fn sent(&self, _: usize, _: u64) {}
}

impl State {
    /// Logs a call; returns its number and how it goes wrong, if it does.
    fn come(&mut self, request: &Request, body: String) -> (usize, Option<How>) {
        let n = self.log.len();
        let (method, target) = (request.method.clone(), request.target.clone());
        let fault = self.faults.iter_mut().find(|fault| {
            fault.times > 0 && fault.method == method && (target.contains(fault.part) || body.contains(fault.part))
        });
        let how = fault.map(|fault| {
            fault.times -= 1;
            fault.how
        });
        self.log.push(Logged { method, target, body, status: 0 });
        self.spring(n + 1, true);
        (n, how)
    }

    fn spring(&mut self, call: usize, before: bool) {
        if let Some(trap) = self.trap.take_if(|trap| trap.call == call && trap.before == before) {
            (trap.spring)();
        }
    }
}

impl Door {
    fn honest(&self, request: &Request) -> Answer {
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return refusal(401, "authError");
        }
        let failed = self.state.lock().unwrap().failed_jobs.clone();
        for (id, reason) in failed {
            if request.method == "GET" && request.target.contains(&format!("/jobs/{id}?")) {
                return job(&id, reason);
            }
            if request.body.windows(id.len() + 2).any(|part| part == format!("\"{id}\"").as_bytes()) {
                return refusal(409, "duplicate");
            }
        }
        // In local-bigquery, buckets and jobs of all tests are side by side: here they have the dataset in their names.
        let own = |of: &str| format!("{of}{}-", self.dataset);
        let body = String::from_utf8_lossy(&request.body).replace("gs://toronto/", &format!("gs://{}/", self.dataset));
        let body = body.replace("\"jobId\":\"", &own("\"jobId\":\""));
        let target = request.target.replace("/jobs/", &own("/jobs/")).replace("/queries/", &own("/queries/"));
        let (status, answer) = forward(&self.emulator, &request.method, &target, body.as_bytes());
        Answer::new(status, "application/json", answer)
    }

    fn failed_job(&self, request: &Request, reason: &'static str) -> Answer {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let id = body["jobReference"]["jobId"].as_str().unwrap().to_owned();
        self.state.lock().unwrap().failed_jobs.push((id.clone(), reason));
        job(&id, reason)
    }
}

/// As Google refuses.
fn refusal(status: u16, reason: &str) -> Answer {
    let error = json!({"domain": "global", "reason": reason, "message": "injected"});
    let body = json!({"error": {"code": status, "message": "injected", "errors": [error], "status": "INJECTED"}});
    Answer::new(status, "application/json", body.to_string().into_bytes())
}

/// A job that is done and has failed.
fn job(id: &str, reason: &str) -> Answer {
    let error = json!({"reason": reason, "message": "injected"});
    let job = json!({
        "kind": "bigquery#job", "id": format!("{PROJECT}:US.{id}"),
        "jobReference": {"projectId": PROJECT, "jobId": id, "location": "US"},
        "status": {"state": "DONE", "errorResult": error, "errors": [error]},
    });
    Answer::new(200, "application/json", job.to_string().into_bytes())
}
