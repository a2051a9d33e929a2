//! What a refresh makes in BigQuery, and by how many jobs.

use serde_json::json;

use super::{InWarehouse, rows};
use crate::city::{City, Edition};
use crate::many::Slot;

#[test]
fn a_release_has_the_same_rows_in_bigquery_and_in_the_lake() {
    let _slot = Slot::take();
    let (city, it) = (City::start(), InWarehouse::new());
    let run = it.lake.refresh(&city, &[]);
    assert!(run.published().is_some(), "{run:#?}");
    rows::assert_same(&it.lake, &it.bigquery);
    assert_eq!((it.jobs("load"), it.jobs("query")), (4, 12), "a load a month; three looks, three marts, six checks");

    it.bigquery.forget();
    let run = it.lake.refresh(&city, &[]);
    assert!(run.no_change().is_some(), "{run:#?}");
    assert_eq!((it.jobs("load"), it.jobs("query")), (0, 0));

    city.publish(Edition::Second);
    let run = it.lake.refresh(&city, &[]);
    it.arrived(&run);
    let calls = it.bigquery.calls();
    let loads: Vec<_> = calls.iter().filter(|call| call.starts("load")).collect();
    assert_eq!(loads.len(), 1, "of the file that changed, two months did not");
    assert!(loads[0].body.contains("requests$202503") && loads[0].body.contains("WRITE_TRUNCATE"), "{loads:?}");
}

#[test]
fn requests_are_partitioned_by_month_and_marts_clustered_by_type() {
    let _slot = Slot::take();
    let (_city, it) = InWarehouse::behind();
    let requests = it.bigquery.table("requests");
    assert_eq!(requests["timePartitioning"], json!({"type": "MONTH", "field": "creation_date"}));
    assert_eq!(requests["clustering"]["fields"], json!(["ward", "request_type"]));
    let fields = requests["schema"]["fields"].as_array().unwrap();
    assert_eq!((&fields[0]["name"], &fields[0]["type"]), (&json!("creation_date"), &json!("DATETIME")));
    for table in it.bigquery.tables().iter().filter(|name| *name != "requests") {
        assert_eq!(it.bigquery.table(table)["clustering"]["fields"], json!(["request_type"]), "{table}");
    }
}

#[test]
fn a_month_that_somebody_else_changed_is_loaded_anew() {
    let _slot = Slot::take();
    let (city, it) = InWarehouse::behind();
    // Other rows of the same month, and as many.
    it.bigquery
        .replace_month("requests$202412", "SELECT * REPLACE ('new' AS status) FROM requests WHERE month = '2024-12'");
    let run = it.lake.refresh(&city, &[]);
    it.arrived(&run);
    assert_eq!(it.jobs("load"), 2);
}

#[test]
fn a_month_that_no_file_has_any_more_is_removed() {
    let _slot = Slot::take();
    let (city, it) = InWarehouse::behind();
    city.publish(Edition::First);
    let january = crate::city::files::csv(2025, 2..=2);
    city.set_file(crate::city::files::zip(&[("SR2025.csv", january.as_bytes())]));
    let run = it.lake.refresh(&city, &["--accept", "2025"]);
    assert!(run.published().is_some(), "{run:#?}");
    rows::assert_same(&it.lake, &it.bigquery);
    assert!(rows::requests(&it.bigquery).iter().all(|row| row[0] != "2025-01"));
}

#[test]
fn marts_go_with_the_releases_that_the_lake_prunes() {
    let _slot = Slot::take();
    let (city, it) = InWarehouse::behind();
    let tables = it.bigquery.tables();
    let run = it.lake.refresh(&city, &["--keep", "1"]);
    it.arrived(&run);
    assert_eq!(it.bigquery.tables().len(), 1 + 2 * 3, "the live release and the one before");
    assert!(tables.iter().all(|table| it.bigquery.tables().contains(table)));

    city.change_csv(|csv| csv.replace("Pothole", "Potholes").into_bytes());
    let run = it.lake.refresh(&city, &["--keep", "1"]);
    assert!(run.published().is_some(), "{run:#?}");
    let left = it.bigquery.tables();
    assert_eq!((left.len(), left.iter().filter(|name| tables.contains(name)).count()), (7, 1), "{left:?}");
}

#[test]
fn a_warehouse_that_is_set_later_is_filled_with_what_is_live() {
    let _slot = Slot::take();
    let (city, in_bucket) = crate::in_bucket::InBucket::behind();
    let run = in_bucket.lake.refresh(&city, &[]);
    assert!(run.published().is_some(), "{run:#?}");
    let it = InWarehouse::beside(in_bucket);
    let run = it.lake.refresh(&city, &[]);
    assert!(run.published().is_some(), "{run:#?}");
    it.arrived(&run);
    assert!(it.lake.refresh(&city, &[]).no_change().is_some());
}

#[test]
fn after_a_rollback_the_next_release_puts_the_months_right() {
    let _slot = Slot::take();
    let (city, it) = InWarehouse::behind();
    let first = it.lake.current()["release"].clone();
    assert!(it.lake.refresh(&city, &[]).published().is_some());
    assert_eq!(it.lake.run(&["rollback"]).said, format!("live {}", first.as_str().unwrap()));
    // The release that was taken back stays so until files change: these are the first edition's with a row more.
    city.publish(Edition::First);
    city.add_rows(b"2025-02-28 23:00:00.0000000,New,M4C,,,Beaches-East York (19),Noise,Licensing,Bylaw\n");
    let run = it.lake.refresh(&city, &[]);
    assert!(run.published().is_some(), "{run:#?}");
    rows::assert_same(&it.lake, &it.bigquery);
}

#[test]
fn a_warehouse_needs_a_lake_in_a_bucket() {
    let ended = crate::program::run(&["refresh", "--lake", "lake", "--warehouse", "bigquery:project.dataset"]);
    assert_eq!(ended.code, 2);
    assert!(ended.errors[0].contains("--warehouse") && ended.errors[0].contains("gs://"), "{:?}", ended.errors);
    let ended = crate::program::run(&["refresh", "--lake", "gs://lake", "--warehouse", "bigquery:dataset"]);
    assert_eq!(ended.code, 2);
}
