//! local-bigquery as a process: one for all tests, each of which has a project and a bucket of its own in it.

use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Runs until it is dropped.
pub struct Emulator {
    child: Child,
    folder: TempDir,
    base: String,
}

impl Emulator {
    /// The one that all tests that run at once share.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Emulator>> = Mutex::new(Weak::new());
        let mut known = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        known.upgrade().unwrap_or_else(|| {
            let started = Arc::new(Self::start());
            *known = Arc::downgrade(&started);
            started
        })
    }

    fn start() -> Self {
        let cloud = target().join("cloud");
        let python = cloud.join("venv-bigquery/bin/python");
        assert!(python.exists(), "{} is missing: run `make test-cloud`, which makes it", python.display());
        let folder = tempfile::tempdir().unwrap();
        for name in ["buckets", "data"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let [port, grpc_port] = [free_port(), free_port()];
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cloud/bigquery/stand_in.py"))
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--grpc-port", &grpc_port.to_string()])
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .arg("serve")
            .env_clear()
            // Where the extensions of its engine have been put.
            .env("HOME", cloud.join("home-bigquery"))
            .env("GCS_LOCAL_ROOT", folder.path().join("buckets"))
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let emulator = Self { child, folder, base: format!("http://127.0.0.1:{port}") };
        emulator.wait_until_ready();
        emulator
    }

    fn wait_until_ready(&self) {
        let until = Instant::now() + Duration::from_secs(120);
        while ureq::get(format!("{}/bigquery/v2/projects/any/datasets", self.base)).call().is_err() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap();
            assert!(Instant::now() < until, "local-bigquery is not ready after two minutes: {}", log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Lets it read a folder as a bucket of this name.
    pub fn see(&self, bucket: &str, folder: &Path) {
        symlink(folder, self.folder.path().join("buckets").join(bucket)).unwrap();
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder that the program was built in.
fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
