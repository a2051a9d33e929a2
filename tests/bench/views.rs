//! What an answer costs that nobody has asked for before, in process: from the address to uncompressed bytes, without
//! connection, log line and limits. `views LAKE`, where the lake holds a release; one thread; JSON.
//!
//! Views are drawn by chance: any type of the most frequent, status, measure, method and range of months. Counts of their
//! types are in memory, as they are after the first who asks for one.

use std::fmt;
use std::future::poll_fn;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::{Bytes, HttpBody, to_bytes};
use axum::http::{HeaderMap, Uri};
use clap::{Args, FromArgMatches};
use serde_json::{Value, json};
use toronto311::config::{Schedule, Serve};
use toronto311::lake::Lake;
use toronto311::web::{self, App};

/// Answers that a figure is the mean of.
const ANSWERS: usize = 5_000;

/// Answers whose allocations are counted; the figure is their median.
const COUNTED: usize = 99;

/// Views that fill the cache many times over.
const MANY: usize = 1_000_000;

const TYPES: usize = 100;
const STATUSES: [&str; 4] = ["", "&status=completed", "&status=closed", "&status=cancelled"];
const MEASURES: [&str; 4] = ["per_1000", "count", "per_km2", "share"];
const METHODS: [&str; 3] = ["quantile", "equal", "jenks"];

fn main() -> anyhow::Result<()> {
    // Cargo adds `--bench` to what it is told.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [lake] = arguments.as_slice() else { anyhow::bail!("usage: views LAKE") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let bench = runtime.block_on(Bench::start(lake))?;
    let mut figures = serde_json::Map::new();
    for geography in ["ward", "fsa"] {
        for resource in ["choropleth", "counts"] {
            for method in METHODS {
                for of_one_month in [false, true] {
                    let seed = figures.len() as u64;
                    let drawn = Drawn { resource, geography, method, of_one_month };
                    figures.insert(drawn.to_string(), runtime.block_on(bench.new_views(&drawn, seed))?);
                }
            }
        }
    }
    figures.insert("many".to_owned(), runtime.block_on(bench.many())?);
    println!("{}", Value::Object(figures));
    Ok(())
}

/// What views have in common that are drawn by chance.
struct Drawn {
    resource: &'static str,
    geography: &'static str,
    method: &'static str,
    /// Classes of a single month are made of the longest history.
    of_one_month: bool,
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { resource, geography, method, of_one_month } = self;
        write!(f, "{resource} {geography} {method}{}", if *of_one_month { " month" } else { "" })
    }
}

struct Bench {
    app: Arc<App>,
    types: Vec<String>,
    /// Those with 25 wards and a year before.
    months: Vec<String>,
}

impl Bench {
    async fn start(lake: &str) -> anyhow::Result<Self> {
        let command = Serve::augment_args(clap::Command::new("serve"));
        let settings =
            Serve::from_arg_matches(&command.get_matches_from(["serve", "--lake", lake, "--refresh", "off"]))?;
        let app = Arc::new(App::new(&settings, Lake::open(&settings.lake.at)?)?);
        let follower = app.clone();
        tokio::spawn(async move { follower.follow(Schedule::Off, Duration::from_secs(3600)).await });
        while app.known().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut bench = Self { app, types: Vec::new(), months: Vec::new() };
        let mut types = bench.rows("types").await?;
        types.sort_by_key(|row| std::cmp::Reverse(row["requests"].as_u64()));
        let id = |row: &Value| row["request_type"].as_str().or(row["id"].as_str()).map(str::to_owned);
        bench.types = types.iter().take(TYPES).filter_map(id).collect();
        let months = bench.rows("months").await?;
        let of_25 = months.iter().filter(|row| row["ward_model"] == "25" && row["complete"] == true);
        bench.months = of_25.filter_map(|row| row["month"].as_str().map(str::to_owned)).skip(12).collect();
        for request_type in &bench.types {
            bench.get(&format!("/api/v1/counts?type={request_type}")).await?;
        }
        Ok(bench)
    }

    /// Bytes of an answer, which has to be one.
    async fn get(&self, address: &str) -> anyhow::Result<usize> {
        let uri: Uri = address.parse()?;
        let name = uri.path().trim_start_matches("/api/v1/");
        let response = web::resource(&self.app, name, &uri, &HeaderMap::new()).await;
        anyhow::ensure!(response.status().is_success(), "{address}: {}", response.status());
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            bytes += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok(bytes)
    }

    async fn rows(&self, name: &str) -> anyhow::Result<Vec<Value>> {
        let uri: Uri = format!("/api/v1/{name}").parse()?;
        let response = web::resource(&self.app, name, &uri, &HeaderMap::new()).await;
        let bytes = to_bytes(response.into_body(), usize::MAX).await?;
        let list: Value = serde_json::from_slice(&bytes)?;
        list["rows"].as_array().cloned().context("a list has rows")
    }

    fn address(&self, chance: &mut fastrand::Rng, drawn: &Drawn) -> String {
        let Drawn { resource, geography, method, of_one_month } = drawn;
        let a = chance.usize(..self.months.len());
        let b = if *of_one_month { a } else { chance.usize(..self.months.len()) };
        let (from, to) = (&self.months[a.min(b)], &self.months[a.max(b)]);
        let any = |chance: &mut fastrand::Rng, of: &[&'static str]| of[chance.usize(..of.len())];
        format!(
            "/api/v1/{resource}?geo={geography}&type={}&from={from}&to={to}{}&measure={}&classes={method}",
            self.types[chance.usize(..self.types.len())],
            any(chance, &STATUSES),
            any(chance, &MEASURES),
        )
    }

    async fn new_views(&self, drawn: &Drawn, seed: u64) -> anyhow::Result<Value> {
        let mut chance = fastrand::Rng::with_seed(seed);
        let addresses: Vec<String> = (0..ANSWERS).map(|_| self.address(&mut chance, drawn)).collect();
        let began = cpu_seconds()?;
        for address in &addresses {
            black_box(self.get(address).await?);
        }
        let microseconds = (cpu_seconds()? - began) * 1e6 / ANSWERS as f64;
        // Counted apart: counting costs time. One in some is the one for which the cache puts itself in order.
        let mut allocations = Vec::new();
        for _ in 0..COUNTED {
            let address = self.address(&mut chance, drawn);
            let mut answer = None;
            let counted = allocation_counter::measure(|| answer = futures::FutureExt::now_or_never(self.get(&address)));
            answer.context("an answer waits for nothing")??;
            allocations.push(counted.count_total);
        }
        allocations.sort_unstable();
        Ok(json!({"microseconds": microseconds, "allocations": allocations[COUNTED / 2]}))
    }

    /// Fills the cache with many views, and asks for one that is always wanted before and after.
    async fn many(&self) -> anyhow::Result<Value> {
        let hot = "/api/v1/counts";
        let (before, memory_before) = (self.again(hot).await?, resident_mb()?);
        let mut chance = fastrand::Rng::with_seed(1793);
        for n in 0..MANY {
            let geography = if n % 2 == 0 { "ward" } else { "fsa" };
            let resource = if n / 2 % 2 == 0 { "counts" } else { "choropleth" };
            let drawn = Drawn { resource, geography, method: METHODS[n % METHODS.len()], of_one_month: false };
            black_box(self.get(&self.address(&mut chance, &drawn)).await?);
        }
        let (after, memory_after) = (self.again(hot).await?, resident_mb()?);
        Ok(json!({
            "views": MANY,
            "hot_microseconds": [before, after],
            "resident_mb": [memory_before, memory_after],
        }))
    }

    /// Microseconds of CPU for an answer that is in memory.
    async fn again(&self, address: &str) -> anyhow::Result<f64> {
        self.get(address).await?;
        let began = cpu_seconds()?;
        for _ in 0..ANSWERS {
            black_box(self.get(address).await?);
        }
        Ok((cpu_seconds()? - began) * 1e6 / ANSWERS as f64)
    }
}

/// Of this thread, as the scheduler counts it.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = stat.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds as f64 / 1e9)
}

fn resident_mb() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS")).context("no VmRSS")?;
    let kilobytes: f64 = line.split_whitespace().nth(1).context("no figure")?.parse()?;
    Ok(kilobytes / 1024.0)
}
