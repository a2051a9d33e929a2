//! A lake and the program at work on it, as seen from outside; and what must hold after each run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::city::{City, tls};
use crate::program::toronto311;

/// A folder that holds a lake, a folder for temporary files, and nothing else.
pub struct Lake {
    root: tempfile::TempDir,
    /// `gs://bucket/prefix` when the program is told to use a bucket. Its objects are files here all the same.
    bucket: Option<&'static str>,
    /// Variables for the program.
    environment: Vec<(&'static str, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Run {
    /// `None` when a signal ended it.
    pub code: Option<i32>,
    /// The last line of standard output.
    pub said: String,
    /// Lines of standard error that are not log lines.
    pub errors: Vec<String>,
    pub stderr: String,
    pub took: Duration,
    /// The most memory it had at once.
    pub peak_mb: u64,
}

impl Run {
    /// Waits for the end.
    pub fn of(child: Child) -> Self {
        let (started, id) = (Instant::now(), child.id());
        let peak = std::thread::spawn(move || peak_memory(id));
        let output = child.wait_with_output().unwrap();
        Self { peak_mb: peak.join().unwrap(), ..Self::new(&output, started) }
    }

    fn new(output: &Output, started: Instant) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let stdout = String::from_utf8_lossy(&output.stdout);
        Self {
            code: output.status.code(),
            said: stdout.lines().last().unwrap_or_default().to_owned(),
            errors: stderr.lines().filter(|line| !line.starts_with('{')).map(str::to_owned).collect(),
            stderr,
            took: started.elapsed(),
            peak_mb: 0,
        }
    }

    /// Of `published <release>`, the release.
    pub fn published(&self) -> Option<&str> {
        self.said.strip_prefix("published ")
    }

    pub fn no_change(&self) -> Option<&str> {
        self.said.strip_prefix("no_change ")
    }
}

impl Lake {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("tmp")).unwrap();
        fs::write(root.path().join("authority.pem"), tls::authority_pem()).unwrap();
        Self { root, bucket: None, environment: Vec::new() }
    }

    /// Where the program is told to look from now on, and what it needs to know for that.
    pub fn is_in_bucket(&mut self, bucket: &'static str, environment: Vec<(&'static str, String)>) {
        (self.bucket, self.environment) = (Some(bucket), environment);
    }

    /// One with the same content.
    pub fn copy(&self) -> Self {
        let copy = Self::new();
        copy_folder(&self.path(), &copy.path());
        copy
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Where its objects are as files.
    pub fn path(&self) -> PathBuf {
        let bucket = self.bucket.and_then(|bucket| bucket.strip_prefix("gs://"));
        self.root.path().join(bucket.unwrap_or("lake"))
    }

    /// What is given as `--lake`.
    pub fn address(&self) -> String {
        self.bucket.map_or_else(|| self.path().to_str().unwrap().to_owned(), str::to_owned)
    }

    pub fn temporary(&self) -> PathBuf {
        self.root.path().join("tmp")
    }

    /// The program on this lake.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = toronto311(arguments);
        command.args(["--lake", &self.address()]).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("SSL_CERT_FILE", self.root.path().join("authority.pem")).env("TMPDIR", self.temporary());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// A refresh with short times.
    pub fn command(&self, source: &str, flags: &[&str]) -> Command {
        let mut arguments = vec!["refresh", "--source", source];
        let times = [
            ("--retry-seconds", "0.02"),
            ("--stall-seconds", "1"),
            ("--download-seconds", "8"),
            ("--lease-seconds", "1"),
        ];
        for (flag, value) in times {
            if !flags.contains(&flag) {
                arguments.extend([flag, value]);
            }
        }
        arguments.extend(flags);
        self.program(&arguments)
    }

    pub fn refresh(&self, city: &City, flags: &[&str]) -> Run {
        self.refresh_from(&city.url(), flags)
    }

    pub fn refresh_from(&self, source: &str, flags: &[&str]) -> Run {
        Run::of(self.command(source, flags).spawn().unwrap())
    }

    /// A run that goes on while the test does something.
    pub fn start(&self, city: &City, flags: &[&str]) -> Child {
        self.command(&city.url(), flags).spawn().unwrap()
    }

    /// Runs another command.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let started = Instant::now();
        Run::new(&self.program(arguments).output().unwrap(), started)
    }

    pub fn verify(&self) -> Run {
        self.run(&["verify"])
    }

    fn json(&self, path: &str) -> Option<Value> {
        let bytes = fs::read(self.path().join(path)).ok()?;
        Some(serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{path}: {e}")))
    }

    /// The pointer; `Null` when nothing is live.
    pub fn current(&self) -> Value {
        self.json("current.json").unwrap_or_default()
    }

    pub fn version(&self) -> u64 {
        self.current()["version"].as_u64().unwrap_or_default()
    }

    /// The live release's record.
    pub fn release(&self) -> Value {
        let current = self.current();
        let id = current["release"].as_str().unwrap();
        self.json(&format!("releases/{id}.json")).unwrap()
    }

    /// The live release's account of a year.
    pub fn input(&self, year: u16) -> Value {
        let release = self.release();
        let inputs = release["inputs"].as_array().unwrap();
        inputs.iter().find(|input| input["year"] == year).cloned().unwrap_or_default()
    }

    /// The live release's marts, whole.
    pub fn marts(&self) -> BTreeMap<String, Vec<u8>> {
        let folder = self.path().join("marts").join(self.current()["release"].as_str().unwrap());
        let marts = files_below(&folder).into_iter().filter(|name| name.ends_with(".parquet"));
        marts.map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
    }

    /// Records of runs by name.
    pub fn runs(&self) -> BTreeMap<String, Value> {
        let names = files_below(&self.path()).into_iter().filter(|name| name.starts_with("runs/"));
        names.map(|name| (name.clone(), self.json(&name).unwrap())).collect()
    }

    /// The run that has the lease.
    pub fn lease_holder(&self) -> Option<String> {
        self.json("state/lease.json")?["run"].as_str().map(str::to_owned)
    }

    /// Everything that must hold when no run is going on.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.strangers();
        if self.lease_holder().is_some() {
            problems.push("the lease is not given back".to_owned());
        }
        if self.version() > 0 {
            let verified = self.verify();
            if verified.code != Some(0) {
                problems.push(format!("verify: {:?} {}{:?}", verified.code, verified.said, verified.errors));
            }
            problems.extend(self.lost_rows());
        }
        problems
    }

    /// Files that are not the lake's own, here or beside it.
    fn strangers(&self) -> Vec<String> {
        let in_lake = files_below(&self.path()).into_iter().filter(|name| !is_object(name));
        let is_beside = |name: &String| !self.root.path().join(name).starts_with(self.path());
        let beside = files_below(self.root.path()).into_iter().filter(is_beside);
        let beside = beside.filter(|name| name != "authority.pem");
        let folders = fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().path().display().to_string());
        in_lake.chain(beside).chain(folders).map(|name| format!("{name} is left behind")).collect()
    }

    fn lost_rows(&self) -> Vec<String> {
        let release = self.release();
        let rows = |input: &Value, field: &str| input[field].as_u64().unwrap();
        let quarantined = |input: &Value| -> u64 {
            input["quarantined"].as_object().unwrap().values().map(|rows| rows.as_u64().unwrap()).sum()
        };
        let inputs = release["inputs"].as_array().unwrap().iter();
        inputs
            .filter(|input| rows(input, "read") != rows(input, "accepted") + quarantined(input))
            .map(|input| format!("rows are lost: {input}"))
            .collect()
    }
}

/// Of a process, watched until its end; in MB.
fn peak_memory(id: u32) -> u64 {
    let mut peak_kb = 0;
    while let Ok(status) = fs::read_to_string(format!("/proc/{id}/status")) {
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        // A process that has ended and is not yet waited for has no memory to speak of.
        let Some(kb) = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()) else { break };
        peak_kb = peak_kb.max(kb);
        std::thread::sleep(Duration::from_millis(5));
    }
    peak_kb / 1024
}

/// Whether a path in a lake is that of an object.
fn is_object(name: &str) -> bool {
    let hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let json = |text: &str| text.ends_with(".json") && !text.contains(['#', '/']);
    match name.split('/').collect::<Vec<_>>()[..] {
        ["current.json" | ".lock"] | ["state", "lease.json" | "warehouse.json"] => true,
        ["releases" | "changes" | "runs" | "seen", file] => json(file),
        ["raw", "city-wards", sha256] => hex(sha256),
        ["raw", year, sha256] => year.strip_prefix("SR").is_some_and(|year| year.len() == 4) && hex(sha256),
        ["clean", id, "counts.parquet" | "hours.parquet" | "request_types.parquet"] => hex(id),
        ["clean", id, "quarantine.parquet" | "summary.json"] => hex(id),
        ["clean", id, month, "requests.parquet"] => hex(id) && month.starts_with("month="),
        ["marts", _, file] => file.ends_with(".parquet"),
        _ => false,
    }
}

/// Relative, with `/`, in order.
pub fn files_below(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            names.extend(files_below(&entry.path()).into_iter().map(|below| format!("{name}/{below}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    names
}

/// With all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in files_below(from) {
        let target = to.join(&name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(from.join(&name), target).unwrap();
    }
}
