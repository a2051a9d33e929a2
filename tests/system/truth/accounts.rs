//! The account that a release gives of each file, held against the lines that the file was written with.

use std::collections::BTreeMap;
use std::path::Path;

use parquet::record::RowAccessor;
use serde_json::Value;

use super::source::{Fate, Source};
use super::{assert_equal, live_release};
use crate::parquet_file;

/// The dirty lines of one file.
#[derive(Default)]
struct Dirt {
    /// Line number and reason of those that belong into quarantine.
    aside: BTreeMap<u64, String>,
    kept: BTreeMap<String, u64>,
    blank: u64,
}

impl Dirt {
    fn of(source: &Source, file: &str, year: &str) -> Self {
        let mut dirt = Self::default();
        source.each_of("dirty_lines.csv", |row| {
            let (line, category, month) = (row[1].parse().unwrap(), &row[2], &row[4]);
            let reason = match Fate::of(category) {
                _ if &row[0] != file => return,
                Fate::Kept => return *dirt.kept.entry(category.to_owned()).or_default() += 1,
                Fate::Blank => return dirt.blank += 1,
                Fate::Aside(reason) => reason,
                Fate::OtherYear if &month[..4] < year => "date_outside_file",
                Fate::OtherYear => "future_date",
            };
            assert_eq!(dirt.aside.insert(line, reason.to_owned()), None);
        });
        dirt
    }

    fn kept(&self, categories: &[&str]) -> u64 {
        self.kept.iter().filter(|(category, _)| categories.contains(&category.as_str())).map(|(_, lines)| lines).sum()
    }
}

/// Compares every file's account with the truth, and its quarantine line by line. Returns the files and their clean records.
pub fn assert_hold(source: &Source, lake: &Path) -> (usize, u64) {
    let release = live_release(lake);
    let inputs = release["inputs"].as_array().unwrap();
    let files = source.rows_of("files.csv");
    assert_eq!(inputs.len(), files.len());
    let mut records = 0;
    for (input, file) in inputs.iter().zip(&files) {
        let name = &file["file"];
        let dirt = Dirt::of(source, name, &file["year"]);
        let resource = format!("SR{}", file["year"]);
        assert_eq!((&input["file"], &input["sha256"]), (&resource.into(), &file["zip_sha256"].as_str().into()));
        assert_equal(name, &account(input), &expected(file, &dirt));
        let clean = lake.join("clean").join(input["clean"].as_str().unwrap());
        let (void, aside) = quarantine(&clean.join("quarantine.parquet"));
        assert_equal(&format!("quarantined lines of {name}"), &aside, &dirt.aside);
        assert_eq!(void.to_string(), file["neither"], "{name}");
        records += number(file, "records");
    }
    (files.len(), records)
}

fn number(file: &BTreeMap<String, String>, column: &str) -> u64 {
    file[column].parse().unwrap()
}

/// What should be said of a file.
fn expected(file: &BTreeMap<String, String>, dirt: &Dirt) -> BTreeMap<String, u64> {
    let of = |column| number(file, column);
    let mut reasons = BTreeMap::from([("no_area".to_owned(), of("neither"))]);
    for reason in dirt.aside.values() {
        *reasons.entry(reason.clone()).or_default() += 1;
    }
    let kept: u64 = dirt.kept.values().sum();
    let dirty = kept + dirt.aside.len() as u64;
    let facts = [
        ("read", of("records") + dirty),
        ("accepted", of("records") - of("neither") + kept),
        ("repaired", of("unquoted_separator")),
        ("duplicates", of("duplicate_surplus")),
        ("without_ward", of("fsa_only") + dirt.kept(&["ward_blank", "ward_unlisted"])),
        // The name of a street that was in another encoding lies at an intersection.
        ("without_fsa", of("ward_at_intersection") + dirt.kept(&["fsa_blank", "fsa_other_city", "cp1252_byte"])),
        ("blank_lines", of("lines") - 1 - of("records") - dirty),
        ("unknown statuses", dirt.kept(&["status_new"])),
    ];
    let reasons = reasons.into_iter().filter(|(_, rows)| *rows > 0);
    facts.map(|(fact, n)| (fact.to_owned(), n)).into_iter().chain(reasons).collect()
}

/// What the release says of it.
fn account(input: &Value) -> BTreeMap<String, u64> {
    let facts = ["read", "accepted", "repaired", "duplicates", "without_ward", "without_fsa", "blank_lines"];
    let reasons = input["quarantined"].as_object().unwrap().iter();
    let unknown = input["unknown_statuses"].as_object().unwrap().values().map(|rows| rows.as_u64().unwrap()).sum();
    let mut account: BTreeMap<_, _> = reasons.map(|(reason, n)| (reason.clone(), n.as_u64().unwrap())).collect();
    account.extend(facts.map(|fact| (fact.to_owned(), input[fact].as_u64().unwrap())));
    account.insert("unknown statuses".to_owned(), unknown);
    account
}

/// The rows in quarantine that are void, and line and reason of the others.
fn quarantine(path: &Path) -> (usize, BTreeMap<u64, String>) {
    let (void, aside): (Vec<_>, Vec<_>) = parquet_file::rows(path)
        .into_iter()
        .map(|row| {
            assert!(!row.get_bytes(3).unwrap().data().is_empty());
            (row.get_ulong(1).unwrap(), row.get_string(2).unwrap().clone())
        })
        .partition(|(_, reason)| reason == "no_area");
    (void.len(), aside.into_iter().collect())
}
