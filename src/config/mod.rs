//! Every setting: a flag and a variable each, checked before anything starts.

mod clean_on;
mod rate_limit;
mod schedule;

use std::io::IsTerminal;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::ReleaseId;
use crate::lake::Location;
use crate::warehouse::Warehouse;

pub use clean_on::{CleanOn, Executors};
pub use rate_limit::RateLimit;
pub use schedule::Schedule;

/// Toronto's 311 requests, from the City's yearly files to a map.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How log lines are written.
    #[arg(long, env = "TORONTO311_LOG_FORMAT", value_enum, default_value = "auto", global = true)]
    pub log_format: LogFormat,
    /// Which log lines are written: a level, or targets with levels, e.g. `toronto311=debug`. On a terminal, where `refresh`
    /// draws a bar, info means warn.
    #[arg(long, env = "TORONTO311_LOG", default_value = "info", global = true)]
    pub log: String,
}

/// The roles of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the map and the API, and keep the lake in step with the source. With an empty lake, a demo release is built
    /// first.
    Serve(Serve),
    /// Look for changed files at the source, take them in and publish a release. Exit code 0: published, no change, or
    /// another run is at work; 1: failed or a file was held, the last release or its files of that year stay live; 2:
    /// wrong usage.
    Refresh(Refresh),
    /// Print the live release, the age of the data and the latest runs.
    Status(Status),
    /// Check the live release: pointer, objects, hashes, counts. Exit code 1 when something is wrong.
    Verify(Verify),
    /// Make an earlier release live again.
    Rollback(Rollback),
    /// Clean one yearly file into a folder and print what was in it: what `refresh` does with each file. Exit code 3:
    /// it breaks the data contract.
    Clean(Clean),
    /// Clean one yearly file that a lake holds as it came: what a task of a Spark job does. Exit code 3: it breaks the
    /// data contract.
    CleanRaw(CleanRaw),
    /// Print the data contract as Markdown.
    Contract,
    /// Make the boundary files in geo/ from official sources.
    #[command(subcommand)]
    Boundaries(Boundaries),
}

/// Settings of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lake: Lake,
    /// Port to listen on, on all addresses. Cloud Run sets PORT.
    #[arg(long, env = "PORT", default_value = "8080")]
    pub port: u16,
    /// Megabytes of memory for rendered answers and for counts of single types.
    #[arg(long, env = "TORONTO311_CACHE_MB", default_value = "48", value_name = "MB")]
    pub cache_mb: u64,
    /// Seconds between looks for a newer release in the lake.
    #[arg(long, env = "TORONTO311_RELOAD_SECONDS", default_value = "30", value_name = "SECONDS",
          value_parser = seconds)]
    pub reload_seconds: Duration,
    /// Where the public finds this server, for addresses that have to be whole, such as those of pictures in previews.
    #[arg(long, env = "TORONTO311_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,
    /// Requests a second that a client may make on average, or off. It may save up ten seconds of them for a burst.
    #[arg(long, env = "TORONTO311_RATE_LIMIT", default_value = "50", value_name = "RATE|off")]
    pub rate_limit: RateLimit,
    /// Proxies in front that add the address of who asks to X-Forwarded-For: 1 on Cloud Run. Without any, whoever connects
    /// is the client.
    #[arg(long, env = "TORONTO311_TRUSTED_PROXIES", default_value = "0", value_name = "NUMBER")]
    pub trusted_proxies: usize,
    /// When the background refresh looks for changed files, besides at the start: a time of the day in UTC, a pause such
    /// as 6h, or off.
    #[arg(long, env = "TORONTO311_REFRESH", default_value = "09:17", value_name = "HH:MM|PAUSE|off")]
    pub refresh: Schedule,
    /// Google Cloud project that log lines name the traces of; without it, they have the bare id.
    #[arg(long, env = "TORONTO311_TRACE_PROJECT", value_name = "PROJECT")]
    pub trace_project: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub publishing: Publishing,
}

/// Where files come from.
#[derive(Debug, Clone, Args)]
pub struct Source {
    /// CKAN portal that publishes the yearly files, or a folder with files named like SR2024.zip or SR2024.csv, in it or in
    /// its resources/.
    #[arg(
        id = "source",
        long,
        env = "TORONTO311_SOURCE",
        value_name = "URL|FOLDER",
        default_value = "https://ckan0.cf.opendata.inter.prod-toronto.ca"
    )]
    pub at: String,
    /// Hosts that files may be on, besides the portal's own.
    #[arg(
        long,
        env = "TORONTO311_ALLOWED_HOSTS",
        value_name = "HOSTS",
        value_delimiter = ',',
        default_value = "www.toronto.ca,opendata.toronto.ca"
    )]
    pub allowed_hosts: Vec<String>,
    /// Seconds to wait for a connection, for the first byte and between bytes.
    #[arg(long, env = "TORONTO311_STALL_SECONDS", default_value = "30", value_name = "SECONDS", value_parser = seconds)]
    pub stall_seconds: Duration,
    /// Seconds for a file with all tries.
    #[arg(long, env = "TORONTO311_DOWNLOAD_SECONDS", default_value = "1200", value_name = "SECONDS",
          value_parser = seconds)]
    pub download_seconds: Duration,
    /// Seconds before the second of six tries; up to twice as long before each one after.
    #[arg(long, env = "TORONTO311_RETRY_SECONDS", default_value = "2", value_name = "SECONDS", value_parser = seconds)]
    pub retry_seconds: Duration,
}

/// How releases are made.
#[derive(Debug, Clone, Args)]
pub struct Publishing {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: Source,
    /// Where the marts are made and read: embedded, which is the lake alone, or bigquery:project.dataset as well, which needs
    /// a lake in a bucket. Credentials are the application default ones.
    #[arg(
        long,
        env = "TORONTO311_WAREHOUSE",
        default_value = "embedded",
        value_name = "embedded|bigquery:PROJECT.DATASET"
    )]
    pub warehouse: Warehouse,
    /// Rows of a file that may be in quarantine for one reason, in per cent of those read: twenty times that for no_area,
    /// and never less than ten rows. A file with more is held back.
    #[arg(long, env = "TORONTO311_QUARANTINE_BUDGET", default_value = "0.1", value_name = "PERCENT")]
    pub quarantine_budget: f64,
    /// Releases that are kept for rollback.
    #[arg(long, env = "TORONTO311_KEEP", default_value = "12", value_name = "RELEASES",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub keep: u16,
    /// Where files are cleaned: in-process, or on Spark by Dataproc, for which the lake has to be in a bucket.
    #[arg(
        long,
        env = "TORONTO311_CLEAN_ON",
        default_value = "in-process",
        value_name = "in-process|dataproc:PROJECT/REGION"
    )]
    pub clean_on: CleanOn,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub executors: Executors,
    /// Seconds after which a run that gives no sign of life is taken over.
    #[arg(long, env = "TORONTO311_LEASE_SECONDS", default_value = "120", value_name = "SECONDS", value_parser = seconds)]
    pub lease_seconds: Duration,
    /// Address that is sent a POST when a run fails or holds a file, and when one is well again.
    #[arg(long, env = "TORONTO311_WEBHOOK", value_name = "URL", hide_env_values = true)]
    pub webhook: Option<String>,
}

/// Settings of `refresh`.
#[derive(Debug, Args)]
pub struct Refresh {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lake: Lake,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub publishing: Publishing,
    /// Years to look at, such as 2024 or 2015..2024; the others stay as they are.
    #[arg(long, value_name = "YEARS", value_parser = years)]
    pub years: Option<RangeInclusive<u16>>,
    /// Where files come from: the source, or raw, those that the lake keeps as they came.
    #[arg(long, value_enum, default_value = "source")]
    pub from: From,
    /// Years whose files are right although a guard holds them.
    #[arg(long, value_name = "YEARS", value_delimiter = ',')]
    pub accept: Vec<u16>,
}

/// Where a refresh takes files from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// The source: changed files are downloaded.
    Source,
    /// The lake: everything is made again without the network.
    Raw,
}

/// Settings of `status`.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lake: Lake,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `verify`.
#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lake: Lake,
}

/// Settings of `rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lake: Lake,
    /// The release to go back to; without it, the one that was live before.
    #[arg(long, value_name = "RELEASE")]
    pub to: Option<ReleaseId>,
}

/// Settings of `clean`.
#[derive(Debug, Args)]
pub struct Clean {
    /// The yearly file, ZIP or CSV.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Folder to write to; made if it is not there, and it must be empty.
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// The year of the file, if its name does not say it.
    #[arg(long, value_parser = clap::value_parser!(u16).range(2000..3000))]
    pub year: Option<u16>,
    /// A lake: request types that its live release does not have are reported.
    #[arg(long, value_name = "FOLDER|gs://BUCKET/PREFIX")]
    pub against: Option<Location>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Settings of `clean-raw`.
#[derive(Debug, Args)]
pub struct CleanRaw {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lake: Lake,
    /// The year of the file.
    #[arg(long, value_parser = clap::value_parser!(u16).range(2000..3000))]
    pub year: u16,
    /// Of the file's bytes, in hex.
    #[arg(long, value_parser = hash)]
    pub sha256: String,
}

/// Where data is kept.
#[derive(Debug, Args)]
pub struct Lake {
    /// Folder or bucket that holds the lake: raw files, cleaned files, marts and releases. For a bucket, credentials
    /// are the application default ones.
    #[arg(
        id = "lake",
        long,
        env = "TORONTO311_LAKE",
        default_value = "lake",
        value_name = "FOLDER|gs://BUCKET/PREFIX"
    )]
    pub at: Location,
}

/// Commands about boundary files.
#[derive(Debug, Subcommand)]
pub enum Boundaries {
    /// Read sources, generalise, join populations, write geo/.
    Build(crate::boundaries::BuildArgs),
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    /// For reading.
    Pretty,
    /// One object a line.
    Json,
}

impl Cli {
    /// Which log lines are written. Those that say that all is well would tear the bar that `refresh` draws on a terminal.
    pub fn log_filter(&self) -> &str {
        let draws_bar = matches!(self.command, Command::Refresh(_)) && std::io::stderr().is_terminal();
        if draws_bar && self.log == "info" { "warn" } else { &self.log }
    }

    /// Everything that is wrong with the settings beyond their form, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let (lake, publishing) = match &self.command {
            Command::Serve(serve) => (Some(&serve.lake), Some(&serve.publishing)),
            Command::Refresh(refresh) => (Some(&refresh.lake), Some(&refresh.publishing)),
            Command::Status(Status { lake, .. })
            | Command::Verify(Verify { lake })
            | Command::CleanRaw(CleanRaw { lake, .. })
            | Command::Rollback(Rollback { lake, .. }) => (Some(lake), None),
            Command::Boundaries(_) | Command::Clean(_) | Command::Contract => (None, None),
        };
        let warehouse = lake.zip(publishing).and_then(|(lake, it)| warehouse_problem(&it.warehouse, &lake.at));
        let clean_on = lake.zip(publishing).and_then(|(lake, it)| clean_on_problem(&it.clean_on, &lake.at));
        let lake = lake.and_then(|lake| lake_problem(&lake.at));
        let budget = publishing.and_then(|publishing| budget_problem(publishing.quarantine_budget));
        let webhook = publishing.and_then(|publishing| webhook_problem(publishing.webhook.as_deref()?));
        [self.log_problem(), lake, warehouse, clean_on, budget, webhook].into_iter().flatten().collect()
    }

    fn log_problem(&self) -> Option<String> {
        let error = self.log.parse::<tracing_subscriber::filter::Targets>().err()?;
        Some(format!(
            "TORONTO311_LOG / --log {:?}: {error}; expected a level such as info or targets with levels",
            self.log
        ))
    }
}

fn lake_problem(lake: &Location) -> Option<String> {
    let Location::Folder(folder) = lake else { return None };
    (folder.exists() && !folder.is_dir())
        .then(|| format!("TORONTO311_LAKE / --lake {:?}: expected a folder, found a file", folder.display()))
}

fn warehouse_problem(warehouse: &Warehouse, lake: &Location) -> Option<String> {
    (*warehouse != Warehouse::Embedded && !lake.is_bucket()).then(|| {
        format!(
            "TORONTO311_WAREHOUSE / --warehouse {warehouse}: BigQuery reads from Cloud Storage; expected a lake in \
             gs://bucket/prefix beside it, found {lake}"
        )
    })
}

fn clean_on_problem(clean_on: &CleanOn, lake: &Location) -> Option<String> {
    (*clean_on != CleanOn::InProcess && !lake.is_bucket()).then(|| {
        format!("TORONTO311_CLEAN_ON / --clean-on: Dataproc needs a lake in a bucket, gs://bucket/prefix; it is {lake}")
    })
}

fn budget_problem(budget: f64) -> Option<String> {
    (!(0.0..=100.0).contains(&budget)).then(|| {
        format!("TORONTO311_QUARANTINE_BUDGET / --quarantine-budget {budget}: expected a percentage from 0 to 100")
    })
}

fn webhook_problem(webhook: &str) -> Option<String> {
    let is_http = webhook.starts_with("https://") || webhook.starts_with("http://");
    // What was given may be secret.
    (!is_http).then(|| "TORONTO311_WEBHOOK / --webhook: expected an address that begins with https://".to_owned())
}

fn public_url(text: &str) -> Result<String, String> {
    let address = text.trim_end_matches('/');
    let host = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    match host {
        Some(host) if !host.is_empty() && host.chars().all(is_plain) => Ok(address.to_owned()),
        _ => Err("expected an address without a path, such as https://311.example.org".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.filter(|seconds| !seconds.is_zero()).ok_or_else(|| "expected a number of seconds above 0".to_owned())
}

fn hash(text: &str) -> Result<String, String> {
    let is_hash = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if is_hash { Ok(text.to_owned()) } else { Err("expected a SHA-256 of 64 digits 0-9 and a-f".to_owned()) }
}

fn years(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok(first..=last),
        _ => Err("expected a year such as 2024, or a range such as 2015..2024".to_owned()),
    }
}
