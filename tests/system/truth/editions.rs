//! Four monthly editions, one after the other: what is published is each edition's truth, and what is said to have changed
//! is what did.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::source::Source;
use super::{Counts, assert_equal};
use crate::program::refresh;

/// Rows by file, month, kind of change, from and to.
type Changes = BTreeMap<[String; 5], u64>;

fn key(file: &str, month: &str, change: &str, from: &str, to: &str) -> [String; 5] {
    [file, month, change, from, to].map(str::to_owned)
}

/// What the truth says, month by month. Whole files that are `unchanged` or `rezipped` have no month that differs.
fn meant(source: &Source, void: &BTreeMap<String, u64>) -> Changes {
    let mut changes = Changes::new();
    for row in source.rows_of("diff.csv") {
        let file = format!("SR{}", &row["file"][2..6]);
        let status = |name: &str| row[name].to_lowercase().replace(' ', "_");
        let rows: u64 = row["rows"].parse().unwrap();
        if ["month_added", "late_rows_added", "status_moved"].contains(&row["change"].as_str()) {
            // Rows without ward and FSA are not published: they are in the truth of the month that they came with.
            let aside = if row["change"] == "month_added" { void.get(&row["month"]).copied().unwrap_or(0) } else { 0 };
            changes.insert(key(&file, &row["month"], &row["change"], &status("from"), &status("to")), rows - aside);
        }
    }
    changes
}

fn said(lake: &Path) -> (Changes, u64) {
    let json = |path: String| serde_json::from_slice::<Value>(&std::fs::read(lake.join(path)).unwrap()).unwrap();
    let release = json("current.json".to_owned())["release"].as_str().unwrap().to_owned();
    let record = json(format!("changes/{release}.json"));
    let (mut changes, mut ward_changed) = (Changes::new(), 0);
    for (file, change) in record["files"].as_object().unwrap() {
        for (month, change) in change["months"].as_object().unwrap() {
            let mut add = |what: &str, from: &str, to: &str, rows: &Value| {
                if let rows @ 1.. = rows.as_u64().unwrap() {
                    changes.insert(key(file, month, what, from, to), rows);
                }
            };
            if change["rows_before"] == 0 {
                add("month_added", "", "", &change["rows"]);
            }
            add("late_rows_added", "", "", &change["late"]);
            add("vanished", "", "", &change["vanished"]);
            for moved in change["status_changed"].as_array().unwrap() {
                let status = |name: &str| moved[name].as_str().unwrap().to_owned();
                add("status_moved", &status("from"), &status("to"), &moved["rows"]);
            }
            ward_changed += change["ward_changed"].as_u64().unwrap();
        }
    }
    (changes, ward_changed)
}

/// Rows of the live release that were put aside for having no area, by month.
fn void_rows(source: &Source) -> BTreeMap<String, u64> {
    let mut void = BTreeMap::new();
    source.each_of("counts.csv.gz", |row| {
        if row[2].is_empty() && row[3].is_empty() {
            *void.entry(row[0].to_owned()).or_default() += row[8].parse::<u64>().unwrap();
        }
    });
    void
}

#[test]
#[ignore = "needs ../shared"]
fn shared_editions_are_published_as_meant_and_their_changes_told() {
    let lake = tempfile::tempdir().unwrap();
    for edition in 1..=4 {
        let years = if edition < 3 { "2013-2025" } else { "2013-2026" };
        let options = ["--jobs", "2", "--scale", "0.2", "--years", years, "--edition", &edition.to_string()];
        let source = Source::published(&options);
        let ended = refresh(source.folder(), lake.path());
        assert_eq!((ended.code, ended.errors), (0, vec![]), "edition {edition}");
        Counts::published(lake.path()).assert_equals(&Counts::meant(&source));
        let (said, ward_changed) = said(lake.path());
        if edition > 1 {
            assert_equal(&format!("changes of edition {edition}"), &said, &meant(&source, &void_rows(&source)));
        }
        assert_eq!(ward_changed > 70_000, edition == 2, "2018 is issued with 25 wards in place of 44: {ward_changed}");
    }
}
