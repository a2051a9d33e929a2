//! Starts the built program and talks to it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program with arguments, and with no settings from the environment of the test.
pub fn toronto311(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toronto311"));
    command.args(arguments).env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}

/// How a run ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    /// Lines on standard error that are not log lines.
    pub errors: Vec<String>,
}

pub fn run(arguments: &[&str]) -> Ended {
    let output = toronto311(arguments).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    Ended {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        errors: stderr.lines().filter(|line| !line.starts_with('{')).map(str::to_owned).collect(),
    }
}

/// The most memory that a run took at once, in MB, and what it printed.
pub fn peak_memory(arguments: &[&str]) -> (u64, String) {
    let mut child = toronto311(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kb = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak_kb = peak_kb.max(kb.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    let mut stdout = String::new();
    std::io::Read::read_to_string(&mut child.stdout.take().unwrap(), &mut stdout).unwrap();
    (peak_kb / 1024, stdout)
}

pub fn refresh(source: &Path, lake: &Path) -> Ended {
    refresh_with(source.to_str().unwrap(), lake, &[])
}

pub fn refresh_with(source: &str, lake: &Path, arguments: &[&str]) -> Ended {
    run(&[&["refresh", "--source", source, "--lake", lake.to_str().unwrap()], arguments].concat())
}

/// The server on a free port. Tests ask more often than a client may.
pub fn serve(lake: &Path, arguments: &[&str]) -> Command {
    let limited = arguments.contains(&"--rate-limit");
    let unlimited: &[&str] = if limited { &[] } else { &["--rate-limit", "off"] };
    toronto311(&[&["serve", "--port", "0", "--lake", lake.to_str().unwrap()], unlimited, arguments].concat())
}

/// A running server on a free port, stopped when dropped.
pub struct Server {
    child: Child,
    base: String,
    log: Arc<Mutex<Vec<String>>>,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Server {
    /// Starts on a lake, without a refresh of its own, and waits until the first release is served.
    pub fn start(lake: &Path) -> Self {
        Self::start_with(lake, &["--refresh", "off", "--reload-seconds", "1"])
    }

    /// The same with other arguments.
    pub fn start_with(lake: &Path, arguments: &[&str]) -> Self {
        Self::of(serve(lake, arguments))
    }

    /// A `serve` on port 0, ready.
    pub fn of(command: Command) -> Self {
        let server = Self::start_only(command);
        let until = Instant::now() + Duration::from_secs(60);
        while server.get("/health/ready").status != 200 {
            assert!(Instant::now() < until, "not ready after a minute: {:#?}", server.log());
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// A `serve` on port 0 that listens, ready or not.
    pub fn start_only(mut command: Command) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut server = Self { child, base: String::new(), log: Arc::default() };
        let mut log = BufReader::new(server.child.stderr.take().unwrap()).lines();
        let mut line = || serde_json::from_str::<Value>(&log.next().unwrap().unwrap()).unwrap();
        let port = std::iter::repeat_with(&mut line).find_map(|line| line["port"].as_u64()).unwrap();
        server.base = format!("http://127.0.0.1:{port}");
        // Somebody has to read the log, or the server would block on a full pipe.
        let kept = server.log.clone();
        std::thread::spawn(move || log.for_each(|line| kept.lock().unwrap().push(line.unwrap())));
        server
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", path, headers)
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent.run(request.body(()).unwrap()).unwrap();
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_vec().unwrap();
        Answer { status, headers: response.headers().clone(), body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// The log lines so far.
    pub fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Sends SIGTERM and waits; returns the exit code.
    pub fn stop(&mut self) -> Option<i32> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
