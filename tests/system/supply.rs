//! What the program is made of besides our own code: where it comes from, under which licences, and not older than known
//! faults. `cargo deny` says more, but takes ten minutes to build.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Licences that ask for nothing but their text.
const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates with a known fault before a version, newer than any copy of the advisories that can be had without the network.
const AT_LEAST: [(&str, [u64; 3]); 6] = [
    ("bytes", [1, 11, 1]),
    ("h2", [0, 4, 16]),
    ("lz4_flex", [0, 12, 1]),
    ("quick-xml", [0, 41, 0]),
    ("rustls", [0, 23, 45]),
    ("rustls-webpki", [0, 103, 15]),
];

/// The packages that are compiled into the program on Linux, for tests left out.
fn packages() -> Vec<Value> {
    let arguments = ["metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"];
    let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let normal = |dependency: &&Value| dependency["dep_kinds"].as_array().unwrap().iter().any(|k| k["kind"] != "dev");
    let mut wanted = vec![metadata["resolve"]["root"].as_str().unwrap()];
    let mut seen = BTreeSet::new();
    while let Some(id) = wanted.pop() {
        if seen.insert(id) {
            let node = nodes.iter().find(|node| node["id"] == id).unwrap();
            wanted.extend(node["deps"].as_array().unwrap().iter().filter(normal).map(|d| d["pkg"].as_str().unwrap()));
        }
    }
    let all = metadata["packages"].as_array().unwrap();
    all.iter().filter(|package| seen.contains(package["id"].as_str().unwrap())).cloned().collect()
}

/// Whether one alternative of an expression such as `(MIT OR Apache-2.0) AND Unicode-3.0` is allowed in every part.
fn is_allowed(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn every_package_comes_from_the_registry_under_a_licence_that_asks_for_nothing_more_than_its_text() {
    let packages = packages();
    assert!(packages.len() > 200, "{} packages", packages.len());
    for package in packages.iter().filter(|package| package["name"] != "toronto311") {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or_default());
        assert!(package["source"].as_str().unwrap().starts_with("registry+"), "{name}");
        assert!(is_allowed(licence), "{name}: {licence}");
    }
    assert!(
        is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0") && !is_allowed("GPL-3.0") && !is_allowed("MIT AND GPL-3.0")
    );
}

#[test]
fn no_package_is_older_than_a_fault_that_is_known_to_be_mended() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let Some((_, least)) = AT_LEAST.iter().find(|(known, _)| *known == name) else { continue };
        let version: Vec<u64> = package["version"].as_str().unwrap().split('.').map(|n| n.parse().unwrap()).collect();
        assert!(version.as_slice() >= least, "{name} {version:?} is older than {least:?}");
    }
}

#[test]
fn cryptography_there_is_one_of() {
    let mut versions: BTreeMap<String, u32> = BTreeMap::new();
    for package in packages() {
        *versions.entry(package["name"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    for name in ["rustls", "ring", "rustls-webpki", "hyper", "tokio", "axum"] {
        assert_eq!(versions.get(name), Some(&1), "{name}");
    }
    for name in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs"] {
        assert!(!versions.contains_key(name), "{name}: there is rustls with ring");
    }
}
