//! A stand-in for Dataproc Serverless on 127.0.0.1: it holds requests against Google's description, and runs batches
//! for real, by Spark on this machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::city::server::{Answer, Delivery, Request, Server, Site, Then};
use crate::discovery::Discovery;
use crate::gcs::{Gcs, How, TOKEN};

/// What is given as `--clean-on`.
pub const PLACE: &str = "dataproc:the-city/northamerica-northeast2";

/// What is given as `--spark-account` and `--spark-subnetwork`.
pub const ACCOUNT: &str = "executors@the-city.iam.gserviceaccount.com";
pub const SUBNETWORK: &str = "executors";

const BATCHES: &str = "/v1/projects/the-city/locations/northamerica-northeast2/batches";

struct Batch {
    spark: Child,
    state: &'static str,
    message: String,
}

struct State {
    discovery: Discovery,
    /// Where the buckets are.
    root: PathBuf,
    /// For the program on the executors.
    environment: Vec<(&'static str, String)>,
    temporary: tempfile::TempDir,
    batches: BTreeMap<String, Batch>,
    /// What goes wrong with the next requests of a method.
    faults: Vec<(&'static str, How)>,
    problems: Vec<String>,
}

/// The service, running.
pub struct Dataproc {
    state: Arc<Mutex<State>>,
    server: Server,
}

impl Dataproc {
    /// For the buckets below `root`.
    pub fn start(root: &Path, gcs: &Gcs) -> Self {
        let state = Arc::new(Mutex::new(State {
            discovery: Discovery::of("dataproc.v1"),
            root: root.to_owned(),
            environment: gcs.environment(),
            temporary: tempfile::tempdir().unwrap(),
            batches: BTreeMap::new(),
            faults: Vec::new(),
            problems: Vec::new(),
        }));
        let server = Server::start(Arc::new(Service(Arc::clone(&state))), None);
        Self { state, server }
    }

    /// What tells a program to use this and not Google's.
    pub fn environment(&self) -> (&'static str, String) {
        ("CLOUDSDK_API_ENDPOINT_OVERRIDES_DATAPROC", format!("http://127.0.0.1:{}/", self.server.port()))
    }

    /// The next request of a method goes wrong; after earlier ones that are to go wrong.
    pub fn fault(&self, method: &'static str, how: How) {
        self.state().faults.push((method, how));
    }

    /// States by id.
    pub fn batches(&self) -> Vec<(String, &'static str)> {
        let mut state = self.state();
        state.look();
        state.batches.iter().map(|(id, batch)| (id.clone(), batch.state)).collect()
    }

    /// What was asked that Google does not describe.
    pub fn problems(&self) -> Vec<String> {
        self.state().problems.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for Dataproc {
    fn drop(&mut self) {
        self.state().batches.values_mut().for_each(Batch::kill);
    }
}

struct Service(Arc<Mutex<State>>);

impl Site for Service {
    fn answer(&self, request: &Request) -> (usize, Answer) {
        let mut state = self.0.lock().unwrap();
        let fault = state.faults.iter().position(|(method, _)| *method == request.method);
        let answer = match fault.map(|at| state.faults.remove(at).1) {
            Some(How::Refused(status)) => error(status, "INJECTED"),
            Some(How::Done(status)) => {
                state.honest(request);
                error(status, "INJECTED")
            }
            Some(How::AnswerLost) => Answer { delivery: Delivery::Nothing(Then::Reset), ..state.honest(request) },
            Some(how) => panic!("Dataproc does not do {how:?}"),
            None => state.honest(request),
        };
        (0, answer)
    }

    fn sent(&self, _: usize, _: u64) {}
}

impl State {
    fn honest(&mut self, request: &Request) -> Answer {
        self.look();
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return error(401, "UNAUTHENTICATED");
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        match (request.method.as_str(), path.strip_prefix(BATCHES)) {
            ("POST", Some("")) => self.create(&query, &serde_json::from_slice(&request.body).unwrap()),
            ("GET", Some(id)) => self.get(id.trim_start_matches('/')),
            ("POST", None) => self.cancel(path),
            _ => error(404, "NOT_FOUND"),
        }
    }

    fn create(&mut self, query: &[(String, String)], batch: &Value) -> Answer {
        self.problems.extend(self.discovery.problems("projects.locations.batches.create", query, batch));
        let execution = &batch["environmentConfig"]["executionConfig"];
        for (name, expected) in [("serviceAccount", ACCOUNT), ("subnetworkUri", SUBNETWORK)] {
            if execution[name] != expected {
                self.problems.push(format!("{name}: {}", execution[name]));
            }
        }
        let given = |name: &str| query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value);
        let (id, request) = (given("batchId"), given("requestId"));
        let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !(4..=63).contains(&id.len()) || !id.chars().all(is_id) || !(1..=40).contains(&request.len()) {
            return error(400, "INVALID_ARGUMENT");
        }
        if self.batches.contains_key(id) {
            return error(409, "ALREADY_EXISTS");
        }
        let spark = self.submit(&batch["pysparkBatch"]);
        self.batches.insert(id.to_owned(), Batch { spark, state: "RUNNING", message: String::new() });
        json(200, &json!({"name": operation(id), "metadata": {"batch": id}}))
    }

    /// Runs a batch: what it names in buckets is taken from their folders.
    fn submit(&self, batch: &Value) -> Child {
        let local = |uri: &Value| self.root.join(uri.as_str().unwrap().strip_prefix("gs://").unwrap());
        let python = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/cloud/venv-spark/bin");
        let mut command = Command::new(python.join("spark-submit"));
        command.args(["--master", "local[2]", "--conf", "spark.ui.enabled=false"]);
        command.args(["--conf", "spark.driver.bindAddress=127.0.0.1", "--conf", "spark.driver.host=127.0.0.1"]);
        command.arg("--files").arg(local(&batch["fileUris"][0])).arg(local(&batch["mainPythonFileUri"]));
        command.args(batch["args"].as_array().unwrap().iter().map(|argument| argument.as_str().unwrap()));
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.envs(["PATH", "JAVA_HOME"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.env("PYSPARK_PYTHON", python.join("python")).env("TMPDIR", self.temporary.path());
        command.env("SPARK_LOCAL_DIRS", self.temporary.path()).current_dir(self.temporary.path());
        let log = std::fs::File::create(self.temporary.path().join("log")).unwrap();
        command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }

    /// Learns which batches have ended.
    fn look(&mut self) {
        let log = self.temporary.path().join("log");
        for batch in self.batches.values_mut().filter(|batch| batch.state == "RUNNING") {
            if let Some(ended) = batch.spark.try_wait().unwrap() {
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                let error = text.lines().find(|line| line.contains("RuntimeError: ")).unwrap_or(&text);
                batch.state = if ended.success() { "SUCCEEDED" } else { "FAILED" };
                batch.message = if ended.success() { String::new() } else { error.to_owned() };
            }
        }
    }

    fn get(&self, id: &str) -> Answer {
        let Some(batch) = self.batches.get(id) else { return error(404, "NOT_FOUND") };
        json(200, &json!({"state": batch.state, "stateMessage": batch.message, "operation": operation(id)}))
    }

    fn cancel(&mut self, path: &str) -> Answer {
        let meant = self.batches.iter_mut().find(|(id, _)| path == format!("/v1/{}:cancel", operation(id)));
        let Some((_, batch)) = meant else { return error(404, "NOT_FOUND") };
        batch.kill();
        batch.state = "CANCELLED";
        json(200, &json!({}))
    }
}

impl Batch {
    /// `spark-submit` has become the JVM; what that has started ends with it.
    fn kill(&mut self) {
        let _ = self.spark.kill();
        let _ = self.spark.wait();
    }
}

fn operation(id: &str) -> String {
    format!("projects/the-city/regions/northamerica-northeast2/operations/operation-of-{id}")
}

fn json(status: u16, value: &Value) -> Answer {
    Answer::new(status, "application/json; charset=UTF-8", value.to_string().into_bytes())
}

fn error(status: u16, name: &str) -> Answer {
    json(status, &json!({"error": {"code": status, "message": format!("it is {name}"), "status": name}}))
}
