//! The lines of the City's own files that others have printed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use parquet::record::{Field, Row};
use serde_json::Value;

use super::source::shared;
use crate::parquet_file;
use crate::program::run;

type Values = BTreeMap<&'static str, String>;

/// Cleans lines of a year; returns the account and the accepted rows.
fn cleaned(year: &str, csv: &str) -> (Value, Vec<Values>) {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join(format!("SR{year}.csv")), folder.path().join("out"));
    fs::write(&file, csv).unwrap();
    let ended = run(&["clean", file.to_str().unwrap(), "--out", out.to_str().unwrap(), "--json"]);
    assert_eq!((ended.code, ended.errors), (0, vec![]));
    let summary: Value = serde_json::from_str(&ended.stdout).unwrap();
    let months = summary["months"].as_object().unwrap().keys();
    let files = months.map(|month| out.join(format!("month={month}/requests.parquet")));
    let rows = files.flat_map(|file| parquet_file::rows(&file)).map(|row| values(&row)).collect();
    (summary, rows)
}

/// A row of the cleaned file in the words of the published one.
fn values(row: &Row) -> Values {
    let text = |name: &str| {
        row.get_column_iter().find(|(column, _)| *column == name).map_or_else(
            || panic!("no column {name}"),
            |(_, field)| match field {
                Field::Str(text) => text.clone(),
                Field::Null => String::new(),
                Field::TimestampMicros(micros) => jiff::Timestamp::from_microsecond(*micros).unwrap().to_string(),
                other => other.to_string(),
            },
        )
    };
    let at_intersection = text("fsa").is_empty();
    BTreeMap::from([
        ("date", text("creation_date").replace('T', " ").replace('Z', ".0000000")),
        ("month", text("month")),
        ("hour", text("hour")),
        ("status", text("status")),
        ("place", if at_intersection { "Intersection".to_owned() } else { text("fsa") }),
        ("street 1", text("intersection_street_1")),
        ("street 2", text("intersection_street_2")),
        ("ward", text("ward")),
        ("type", text("request_type_label")),
        ("division", text("division")),
        ("section", text("section")),
    ])
}

/// A printed line, read by position: nine fields, or ten with the comma of a division in between.
fn printed(line: &csv::StringRecord) -> Values {
    let division = line.iter().skip(7).take(line.len() - 8).collect::<Vec<_>>().join(",");
    let (_, ward) = line[5].trim_end_matches(')').rsplit_once('(').unwrap();
    BTreeMap::from([
        ("date", line[0].to_owned()),
        ("month", line[0][..7].to_owned()),
        ("hour", line[0][11..13].parse::<u8>().unwrap().to_string()),
        ("status", line[1].to_lowercase()),
        ("place", line[2].to_owned()),
        ("street 1", line[3].to_owned()),
        ("street 2", line[4].to_owned()),
        ("ward", ward.to_owned()),
        ("type", line[6].to_owned()),
        ("division", division),
        ("section", line[line.len() - 1].to_owned()),
    ])
}

fn lines(csv: &str) -> Vec<Values> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(csv.as_bytes());
    reader.records().map(|line| printed(&line.unwrap())).collect()
}

fn excerpt(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
#[ignore = "needs ../shared"]
fn shared_the_excerpts_read_as_printed() {
    let mut read = 0;
    for entry in fs::read_dir(shared("data/311/excerpts")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(year) = name.strip_prefix("SR").and_then(|name| name.strip_suffix("_head.csv")) else { continue };
        let csv = excerpt(&path);
        let (summary, rows) = cleaned(year, &csv);
        assert_eq!(rows, lines(&csv), "{name}");
        assert_eq!((&summary["read"], &summary["accepted"]), (&rows.len().into(), &rows.len().into()), "{name}");
        read += 1;
    }
    assert_eq!(read, 8);
}

#[test]
#[ignore = "needs ../shared"]
fn shared_printed_duplicates_are_kept_and_counted() {
    let csv = excerpt(&shared("data/311/excerpts/SR2010-2011_duplicate_pairs.csv"));
    let (header, all) = csv.split_once('\n').unwrap();
    for (year, pairs) in [("2010", 3), ("2011", 2)] {
        let of_year: Vec<_> = all.lines().filter(|line| line[1..].starts_with(year)).collect();
        let csv = format!("{header}\n{}\n", of_year.join("\n"));
        let (summary, rows) = cleaned(year, &csv);
        assert_eq!(rows, lines(&csv), "{year}");
        assert_eq!((&summary["accepted"], &summary["duplicates"]), (&(2 * pairs).into(), &pairs.into()), "{year}");
    }
}
