//! `toronto311 refresh` from outside: what it prints, its exit code, and that a bad file leaves the live release alone.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::Value;
use zip::write::SimpleFileOptions;

use crate::program::{refresh, run};

const HEADER: &str = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,\
                      Service Request Type,Division,Section\n";
const GOOD: &str = "2024-05-06 07:08:09.0000000,Completed,M4C,,,Beaches-East York (19),Noise,Municipal Licensing,Bylaw\n\
                    2024-05-31 23:08:09.0000000,New,Intersection,Leslie St,Finch Ave E,Don Valley North (17),Tree Pruning,\
                    Parks, Forestry & Recreation,Forestry\n\
                    2024-05-07 07:08:09.0000000,New,Intersection,Leslie St,Finch Ave E,Unknown,Noise,Licensing,Bylaw\n";

fn zip(path: &Path, members: &[(&str, &str)]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, text) in members {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

fn current(lake: &Path) -> Value {
    serde_json::from_slice(&fs::read(lake.join("current.json")).unwrap()).unwrap()
}

fn release(lake: &Path) -> Value {
    let id = current(lake)["release"].as_str().unwrap().to_owned();
    serde_json::from_slice(&fs::read(lake.join(format!("releases/{id}.json"))).unwrap()).unwrap()
}

/// A source folder with one good year, and a lake with its release.
fn published() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("source")).unwrap();
    zip(&folder.path().join("source/SR2024.zip"), &[("SR2024.csv", &format!("{HEADER}{GOOD}"))]);
    let ended = refresh(&folder.path().join("source"), &folder.path().join("lake"));
    assert_eq!((ended.code, ended.errors), (0, vec![]));
    assert!(ended.stdout.starts_with("published 2024-05-"), "{}", ended.stdout);
    folder
}

#[test]
fn the_release_accounts_for_every_row() {
    let folder = published();
    let release = release(&folder.path().join("lake"));
    let input = &release["inputs"][0];
    assert_eq!(release["complete_through"], "2024-05");
    assert_eq!((&input["read"], &input["accepted"], &input["repaired"]), (&3.into(), &2.into(), &1.into()));
    assert_eq!(input["quarantined"], serde_json::json!({"no_area": 1}));
    let cleaned = folder.path().join("lake/clean").join(input["clean"].as_str().unwrap());
    assert!(cleaned.join("month=2024-05/requests.parquet").is_file());
    assert!(cleaned.join("quarantine.parquet").is_file());
}

#[test]
fn the_same_files_again_are_no_change() {
    let folder = published();
    let (source, lake) = (folder.path().join("source"), folder.path().join("lake"));
    let before = current(&lake);
    let ended = refresh(&source, &lake);
    assert_eq!(ended.code, 0);
    assert_eq!(ended.stdout, format!("no_change {}\n", before["release"].as_str().unwrap()));
    assert_eq!(current(&lake), before);
}

#[test]
fn the_same_files_elsewhere_are_the_same_release() {
    let (one, two) = (published(), published());
    assert_eq!(release(&one.path().join("lake")), release(&two.path().join("lake")));
}

#[test]
fn a_plain_csv_is_as_good_as_a_zip() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("source/resources")).unwrap();
    fs::write(folder.path().join("source/resources/sr2024.csv"), format!("\u{feff}{HEADER}{GOOD}")).unwrap();
    let ended = refresh(&folder.path().join("source"), &folder.path().join("lake"));
    assert_eq!(ended.code, 0, "{:?}", ended.errors);
    assert_eq!(release(&folder.path().join("lake"))["inputs"][0]["accepted"], 2);
}

#[test]
fn a_bad_file_ends_with_one_line_and_leaves_the_release() {
    let truncated = |path: &Path| {
        zip(path, &[("SR2025.csv", &HEADER.repeat(2000))]);
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    type Case<'a> = (&'a str, &'a dyn Fn(&Path), &'a str);
    let cases: [Case<'_>; 8] = [
        ("an empty ZIP", &|path| zip(path, &[]), "is a ZIP without a CSV; it holds nothing"),
        ("no CSV", &|path| zip(path, &[("readme.txt", "x")]), "is a ZIP without a CSV; it holds readme.txt"),
        ("two CSVs", &|path| zip(path, &[("a.csv", HEADER), ("b.csv", HEADER)]), "is a ZIP with 2 CSVs, expected one"),
        ("a truncated ZIP", &truncated, "is a truncated or damaged ZIP"),
        ("an empty file", &|path| fs::write(path, "").unwrap(), "is empty, expected a header"),
        ("an empty CSV", &|path| zip(path, &[("SR2025.csv", "")]), "is empty, expected a header"),
        ("a page", &|path| fs::write(path, "<!doctype html>").unwrap(), "lacks the column Creation Date"),
        (
            "a column less",
            &|path| zip(path, &[("SR2025.csv", &HEADER.replace("Ward,", ""))]),
            "lacks the column Ward; its header is \"Creation Date,",
        ),
    ];
    let folder = published();
    let (source, lake) = (folder.path().join("source"), folder.path().join("lake"));
    let before = current(&lake);
    for (name, make, expected) in cases {
        make(&source.join("SR2025.zip"));
        let ended = refresh(&source, &lake);
        assert_eq!(ended.code, 1, "{name}");
        assert_eq!(ended.errors.len(), 1, "{name}: {:?}", ended.errors);
        assert!(ended.errors[0].starts_with("error: SR2025: "), "{name}: {:?}", ended.errors);
        assert!(ended.errors[0].contains(expected), "{name}: {:?}", ended.errors);
        assert_eq!(current(&lake), before, "{name}");
    }
}

#[test]
fn a_file_with_too_many_bad_rows_is_held_back_and_says_why() {
    let folder = published();
    let (source, lake) = (folder.path().join("source"), folder.path().join("lake"));
    let before = current(&lake);
    let other_date = GOOD.lines().next().unwrap().replace("2024-05-06 07:08:09.0000000", "05/06/2025 07:08:09 AM");
    fs::write(source.join("SR2025.csv"), format!("{HEADER}{}", format!("{other_date}\n").repeat(11))).unwrap();
    let ended = refresh(&source, &lake);
    assert_eq!(
        (ended.code, ended.errors),
        (
            1,
            vec![format!(
                "error: SR2025: 11 of 11 rows are bad_date, more than 0.1 %; the first is line 2: {other_date}; if the \
                 file is right, run refresh --accept 2025"
            )]
        )
    );
    assert_eq!(current(&lake), before);
}

#[test]
fn what_was_damaged_in_the_lake_is_made_again() {
    let folder = published();
    let (source, lake) = (folder.path().join("source"), folder.path().join("lake"));
    let before = release(&lake);
    let id = before["release"].as_str().unwrap();
    let mart = lake.join(format!("marts/{id}/requests_by_area_month.parquet"));
    let whole = fs::read(&mart).unwrap();
    let clean = lake.join("clean").join(before["inputs"][0]["clean"].as_str().unwrap());
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0x55;
    let (record, pointer) = (lake.join(format!("releases/{id}.json")), lake.join("current.json"));
    for (path, damage) in
        [(&mart, flipped), (&mart, b"x".to_vec()), (&record, b"x".to_vec()), (&pointer, b"x".to_vec())]
    {
        fs::write(path, damage).unwrap();
        fs::write(clean.join("summary.json"), "x").unwrap();
        fs::write(clean.join("counts.parquet"), "x").unwrap();
        let ended = refresh(&source, &lake);
        assert_eq!(
            (ended.code, ended.stdout.as_str()),
            (0, format!("published {id}\n").as_str()),
            "{}",
            path.display()
        );
        assert!(release(&lake) == before && fs::read(&mart).unwrap() == whole, "{}", path.display());
    }
}

#[test]
fn memory_does_not_grow_with_what_is_in_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let street = "x".repeat(8000);
    let row = format!("2024-05-06 07:08:09,New,Intersection,{street},{street},Davenport (09),Noise,MLS,Bylaw\n");
    let too_long = row.replace("New,", &"New,".repeat(4000));
    for (name, row, times) in
        [("long", row.as_str(), 20_000), ("oversized", too_long.as_str(), 20_000), ("short", "1\n", 2_000_000)]
    {
        let file = folder.path().join("SR2024.zip");
        zip(&file, &[("SR2024.csv", &format!("{HEADER}{}", row.repeat(times)))]);
        let out = folder.path().join(name);
        let arguments = ["clean", file.to_str().unwrap(), "--out", out.to_str().unwrap(), "--json"];
        let (peak_mb, summary) = crate::program::peak_memory(&arguments);
        let summary: Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["read"], times, "{name}");
        assert!(peak_mb < 150, "{name}: {peak_mb} MB");
    }
    let types: String = (0..30_000).map(|n| format!("2024-05-06 07:08:09,New,M4C,,,,Type {n},MLS,Bylaw\n")).collect();
    fs::write(folder.path().join("SR2024.csv"), format!("{HEADER}{types}")).unwrap();
    let out = folder.path().join("types");
    let ended = run(&["clean", folder.path().join("SR2024.csv").to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!(
        ended.errors,
        ["error: SR2024.csv: has more than 20000 different request types with division and section"]
    );
}

#[test]
fn clean_prints_what_was_in_a_file() {
    let folder = published();
    let file = folder.path().join("source/SR2024.zip");
    let out = folder.path().join("out");
    let ended = run(&["clean", file.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!((ended.code, ended.errors), (0, vec![]));
    for line in [
        "SR2024.zip: 3 rows read",
        "accepted             2",
        "no_area            1  line 4: 2024-05-07",
        "from 2024-05-06 to 2024-05-31",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    let renamed = HEADER.to_owned() + &GOOD.replace("Noise", "Loud Noise");
    fs::write(folder.path().join("SR2024.csv"), renamed).unwrap();
    let lake = folder.path().join("lake");
    let (file, other) = (folder.path().join("SR2024.csv"), folder.path().join("other"));
    let against =
        run(&["clean", file.to_str().unwrap(), "--out", other.to_str().unwrap(), "--against", lake.to_str().unwrap()]);
    assert!(against.stdout.contains("type not in the release: Loud Noise (1 rows)"), "{}", against.stdout);
    assert!(!against.stdout.contains("Tree Pruning"));
    let file = folder.path().join("source/SR2024.zip");
    let again = run(&["clean", file.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    assert_eq!((again.code, again.errors.len()), (1, 1));
    assert!(again.errors[0].contains("expected an empty folder"));
}

#[test]
fn a_folder_without_files_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let lake = folder.path().join("lake");
    let missing = refresh(&folder.path().join("missing"), &lake);
    assert_eq!((missing.code, missing.errors.len()), (1, 1));
    assert!(missing.errors[0].contains("missing: No such file or directory"), "{:?}", missing.errors);
    let empty = refresh(folder.path(), &lake);
    assert!(empty.errors[0].contains("has no yearly file"), "{:?}", empty.errors);
    assert!(!lake.join("current.json").exists());
}

#[test]
fn a_file_without_a_single_good_row_is_no_release() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("SR2024.csv"), HEADER).unwrap();
    let ended = refresh(folder.path(), &folder.path().join("lake"));
    assert_eq!((ended.code, ended.errors), (1, vec!["error: no row of any file was accepted".to_owned()]));
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_all_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let ended = run(&["refresh", "--source", "x", "--lake", file.to_str().unwrap(), "--log", "lout=="]);
    assert_eq!((ended.code, ended.errors.len()), (2, 2), "{:?}", ended.errors);
    assert!(ended.errors[0].contains("TORONTO311_LOG / --log"));
    assert!(ended.errors[1].contains("expected a folder, found a file"));
    assert_eq!(run(&["refresh", "--years", "2024..2015"]).code, 2);
}
