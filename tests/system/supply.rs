//! What the program is made of besides our own code: where it comes from, under which licences, and not older than known
//! faults, by the lists of `.deny.toml`. `make deny` holds more, but takes ten minutes to build.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// What `.deny.toml` says.
fn rules() -> toml::Table {
    std::fs::read_to_string(".deny.toml").unwrap().parse().unwrap()
}

fn texts(list: &toml::Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The crates that are denied: altogether, or before a version.
fn denied() -> Vec<(String, Option<Vec<u64>>)> {
    let rules = rules();
    let least = |rule: &toml::Value| Some(version(rule.get("version")?.as_str().unwrap().strip_prefix('<').unwrap()));
    let denied = rules["bans"]["deny"].as_array().unwrap().iter();
    denied.map(|rule| (rule["name"].as_str().unwrap().to_owned(), least(rule))).collect()
}

fn version(text: &str) -> Vec<u64> {
    let plain = text.split(['-', '+']).next().unwrap();
    plain.split('.').map(|n| n.parse().unwrap()).collect()
}

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
fn is_allowed(expression: &str, licences: &[String]) -> bool {
    let plain = expression.replace(['(', ')'], "").replace('/', " OR ");
    plain
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|licence| licences.iter().any(|allowed| allowed == licence.trim())))
}

#[test]
fn every_package_comes_from_the_registry_under_a_licence_that_asks_for_nothing_more_than_its_text() {
    let (packages, licences) = (packages(), texts(&rules()["licenses"]["allow"]));
    assert!(packages.len() > 200, "{} packages", packages.len());
    for package in packages.iter().filter(|package| package["name"] != "toronto311") {
        let (name, licence) = (&package["name"], package["license"].as_str().unwrap_or_default());
        assert!(package["source"].as_str().unwrap().starts_with("registry+"), "{name}");
        assert!(is_allowed(licence, &licences), "{name}: {licence}");
    }
    let allowed = |expression| is_allowed(expression, &licences);
    assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0") && !allowed("GPL-3.0") && !allowed("MIT AND GPL-3.0"));
}

#[test]
fn no_package_is_denied_or_older_than_a_fault_that_is_known_to_be_mended() {
    let denied = denied();
    assert!(denied.len() >= 10 && denied.iter().any(|(_, least)| least.is_some()), "{denied:?}");
    for package in packages() {
        let (name, found) = (package["name"].as_str().unwrap(), version(package["version"].as_str().unwrap()));
        for (_, least) in denied.iter().filter(|(known, _)| known == name) {
            assert!(least.as_ref().is_some_and(|least| found >= *least), "{name} {found:?}: {least:?}");
        }
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
}
