//! The same files in, the same bytes out: on every run, and however many are cleaned at a time.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::assert_equal;
use super::source::Source;
use crate::program::{refresh, toronto311};

/// What holds the time of a publication or of a run, and not what was published.
const OF_RUNS: [&str; 5] = ["current.json", "changes", "runs", "state", ".lock"];

/// Every file below a folder, but for those of the runs.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if OF_RUNS.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            all.extend(files(&path).into_iter().map(|(below, bytes)| (format!("{name}/{below}"), bytes)));
        } else {
            all.insert(name, fs::read(path).unwrap());
        }
    }
    all
}

/// `assert_equal` on hashes: it would print the files.
fn assert_same(what: &str, one: &Path, two: &Path) {
    let hashes = |folder: &Path| -> BTreeMap<_, _> {
        files(folder).into_iter().map(|(name, bytes)| (name, toronto311::lake::sha256(&bytes))).collect()
    };
    let (one, two) = (hashes(one), hashes(two));
    assert!(one.len() > 14, "{what}: {one:?}");
    assert_equal(what, &one, &two);
}

#[test]
#[ignore = "needs ../shared"]
fn shared_two_runs_and_one_or_two_threads_write_the_same_bytes() {
    let source = Source::published(&["--years", "2012,2025", "--dirt", "5", "--jobs", "2"]);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for out in ["one", "two"] {
        let file = source.folder().join("resources/sr2025.zip");
        let mut command = toronto311(&["clean", file.to_str().unwrap(), "--out", path(out).to_str().unwrap()]);
        assert!(command.output().unwrap().status.success());
    }
    assert_same("a file cleaned twice", &path("one"), &path("two"));

    assert_eq!(refresh(source.folder(), &path("threads")).code, 0);
    let all = toronto311(&["refresh", "--source", source.folder().to_str().unwrap()]);
    let mut on_one_core = Command::new("taskset");
    on_one_core.args(["-c", "0"]).arg(all.get_program()).args(all.get_args()).arg("--lake").arg(path("thread"));
    assert!(on_one_core.output().unwrap().status.success());
    assert_same("a lake filled by one thread", &path("thread"), &path("threads"));
}
