//! Full-size look-alikes of the City's files, in lake and BigQuery.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{InWarehouse, rows};
use crate::many::Slot;
use crate::program::Server;

/// An edition, of which the options say more.
fn published(edition: u8, options: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/source-standin/publish.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(folder.path()).args(["--jobs", "2"]).args(options);
    command.args(["--edition", &edition.to_string()]).stdout(Stdio::null());
    assert!(command.status().unwrap().success());
    folder
}

#[test]
#[ignore = "needs ../shared"]
fn shared_three_years_and_their_editions_have_the_same_rows_in_both() {
    let _slot = Slot::take();
    let it = InWarehouse::new();
    let serve = ["serve", "--port", "0", "--refresh", "off", "--reload-seconds", "1"];
    for edition in 1..=3 {
        let source = published(edition, &["--years", "2018,2024-2025", "--dirt", "5"]);
        it.bigquery.forget();
        let run = it.lake.refresh_from(source.path().to_str().unwrap(), &[]);
        assert!(run.published().is_some(), "{run:#?}");
        println!("edition {edition}: {} loads, {} queries, {:?}", it.jobs("load"), it.jobs("query"), run.took);
        rows::assert_same_there(&it.lake, &it.bigquery);
    }
    let in_warehouse = Server::of(it.lake.program(&serve));
    let mut without = it.lake.program(&serve);
    without.env_remove("TORONTO311_WAREHOUSE");
    let in_lake = Server::of(without);
    let types = in_lake.get("/api/v1/types").json();
    let types = types["rows"].as_array().unwrap();
    assert!(types.len() > 300);
    for row in types.iter().step_by(types.len() / 25) {
        let id = row["id"].as_str().unwrap();
        for path in [
            format!("/api/v1/choropleth?type={id}"),
            format!("/api/v1/counts?geo=fsa&type={id}&from=2018-01&to=2018-12"),
            format!("/?type={id}&month=2025-06"),
        ] {
            let (one, other) = (in_warehouse.get(&path), in_lake.get(&path));
            assert_eq!((one.status, other.status), (200, 200), "{path}: {}", one.body);
            assert!(one.body == other.body, "{path}");
        }
    }
    let metrics = in_warehouse.get("/metrics").body;
    assert!(metrics.contains("toronto311_warehouse_fallbacks_total 0\n"), "{metrics}");
}

#[test]
#[ignore = "needs ../shared"]
fn shared_every_year_has_the_same_rows_in_both() {
    let _slot = Slot::take();
    let it = InWarehouse::new();
    let source = published(11, &["--scale", "0.02"]);
    let run = it.lake.refresh_from(source.path().to_str().unwrap(), &[]);
    assert!(run.published().is_some() && run.errors.is_empty(), "{run:#?}");
    println!("all years: {} loads, {} queries, {:?}", it.jobs("load"), it.jobs("query"), run.took);
    assert!(it.jobs("load") > 200);
    rows::assert_same_there(&it.lake, &it.bigquery);
}
