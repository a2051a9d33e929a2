//! What is served from BigQuery: the bytes that are served from the lake, by one query a type.

use std::time::{Duration, Instant};

use super::InWarehouse;
use crate::bigquery::{Fault, How};
use crate::many::Slot;
use crate::program::Server;

const SERVE: [&str; 7] = ["serve", "--port", "0", "--refresh", "off", "--reload-seconds", "1"];

/// Views of single types and of all, of both geographies, in all forms.
const PATHS: [&str; 10] = [
    "/",
    "/?type=noise",
    "/?geo=fsa&type=pothole&measure=count",
    "/?type=cafeto-complaint&from=2024-11&to=2025-02&status=completed",
    "/api/v1/choropleth?type=noise",
    "/api/v1/choropleth?geo=fsa&type=tree-pruning&status=new",
    "/api/v1/counts?type=bin-missed&from=2024-11&to=2025-01",
    "/api/v1/counts?geo=fsa&type=noise",
    "/api/v1/counts",
    "/api/v1/types",
];

/// The program with the environment of the lake, but without a warehouse.
fn embedded(it: &InWarehouse) -> Server {
    let mut command = it.lake.program(&SERVE);
    command.env_remove("TORONTO311_WAREHOUSE");
    Server::of(command)
}

fn assert_same(one: &Server, other: &Server) {
    for path in PATHS {
        let (one, other) = (one.get(path), other.get(path));
        assert_eq!((one.status, one.header("etag")), (200, other.header("etag")), "{path}: {}", one.body);
        assert!(one.body == other.body, "{path}");
    }
}

/// Queries for series that were sent.
fn queries(it: &InWarehouse) -> Vec<String> {
    let calls = it.bigquery.calls().into_iter();
    calls.filter(|call| call.starts("query") && call.body.contains("@types")).map(|call| call.body).collect()
}

fn wait_until(what: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !what() {
        assert!(Instant::now() < until, "not within a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The value of a counter.
fn metric(server: &Server, name: &str) -> u64 {
    let metrics = server.get("/metrics").body;
    let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("toronto311_warehouse_{name}_total ")));
    line.unwrap_or_else(|| panic!("{metrics}")).parse().unwrap()
}

#[test]
fn answers_are_those_of_the_lake_by_one_query_a_type() {
    let _slot = Slot::take();
    let (city, it) = InWarehouse::behind();
    it.bigquery.forget();
    let server = Server::of(it.lake.program(&SERVE));
    // The City has six types: all are read ahead.
    wait_until(|| metric(&server, "queries") == 6);
    assert_same(&server, &embedded(&it));
    let sent = queries(&it);
    assert_eq!((sent.len(), metric(&server, "fallbacks")), (6, 0), "{sent:#?}");
    assert!(sent.iter().all(|body| body.contains("maximumBytesBilled") && !body.contains("'noise'")), "{sent:#?}");

    // A new release is another table, asked once again.
    it.bigquery.forget();
    let run = it.lake.refresh(&city, &[]);
    let release = run.published().unwrap_or_else(|| panic!("{run:#?}")).to_owned();
    wait_until(|| server.get("/api/v1/freshness").json()["release"] == release.as_str());
    wait_until(|| queries(&it).len() == 6);
    assert_same(&server, &embedded(&it));
    let table = format!("requests_by_area_month_{}", release.replace('-', "_"));
    assert!(queries(&it).len() == 6 && queries(&it).iter().all(|body| body.contains(&table)));
}

#[test]
fn many_who_ask_for_a_type_at_once_cost_one_query() {
    let _slot = Slot::take();
    let (_city, it) = InWarehouse::behind();
    // What is read ahead fails, so that nothing is known.
    it.bigquery.fault(Fault { method: "POST", part: "@types", after: 0, times: 1, how: How::Refused(400, "invalid") });
    let server = Server::of(it.lake.program(&SERVE));
    wait_until(|| metric(&server, "fallbacks") == 6);
    assert_eq!((metric(&server, "queries"), queries(&it).len()), (1, 1), "after a failure it is let alone");
    std::thread::scope(|scope| {
        for n in 0..16 {
            let path = if n % 2 == 0 { "/api/v1/counts?type=noise" } else { "/?type=noise" };
            let server = &server;
            scope.spawn(move || assert_eq!(server.get(path).status, 200));
        }
    });
    assert_eq!(queries(&it).len(), 1);
}

#[test]
fn without_bigquery_the_lake_answers() {
    let _slot = Slot::take();
    let (_city, it) = InWarehouse::behind();
    it.bigquery.fault(Fault {
        method: "POST",
        part: "",
        after: 0,
        times: usize::MAX,
        how: How::Refused(503, "backendError"),
    });
    it.bigquery.fault(Fault { method: "GET", part: "", after: 0, times: usize::MAX, how: How::Page(502) });
    let started = Instant::now();
    let server = Server::of(it.lake.program(&SERVE));
    assert_same(&server, &embedded(&it));
    wait_until(|| metric(&server, "fallbacks") == 6);
    assert_eq!(metric(&server, "queries"), 1);
    println!("answered after {:?}", started.elapsed());
}
