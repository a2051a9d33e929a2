//! Every setting: a flag and a variable each, checked before anything starts.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

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
    /// Which log lines are written: a level, or targets with levels, e.g. `toronto311=debug`.
    #[arg(long, env = "TORONTO311_LOG", default_value = "info", global = true)]
    pub log: String,
}

/// The roles of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the map and the API. With an empty lake, a demo release is built first.
    Serve(Serve),
    /// Read yearly files and publish a release. Exit code 0: published or no change; 1: failed, the last release is
    /// still live; 2: wrong usage.
    Refresh(Refresh),
    /// Clean one yearly file into a folder and print what was in it: what `refresh` does with each file.
    Clean(Clean),
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
    #[arg(long, env = "TORONTO311_CACHE_MB", default_value = "64", value_name = "MB")]
    pub cache_mb: u64,
    /// Seconds between looks for a newer release in the lake.
    #[arg(long, env = "TORONTO311_RELOAD_SECONDS", default_value = "30", value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..))]
    pub reload_seconds: u64,
}

/// Settings of `refresh`.
#[derive(Debug, Args)]
pub struct Refresh {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub lake: Lake,
    /// Folder with yearly files, named like SR2024.zip or SR2024.csv, in it or in its resources/.
    #[arg(long, env = "TORONTO311_SOURCE", value_name = "FOLDER")]
    pub source: PathBuf,
    /// Rows of a file that may be in quarantine for one reason, in per cent of those read: twenty times that for no_area,
    /// and never less than ten rows. A file with more is held back, and the last release stays.
    #[arg(long, env = "TORONTO311_QUARANTINE_BUDGET", default_value = "0.1", value_name = "PERCENT")]
    pub quarantine_budget: f64,
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
    #[arg(long, value_name = "FOLDER")]
    pub against: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Where data is kept.
#[derive(Debug, Args)]
pub struct Lake {
    /// Folder that holds the lake: raw files, cleaned files, marts and releases.
    #[arg(id = "lake", long, env = "TORONTO311_LAKE", default_value = "lake", value_name = "FOLDER")]
    pub folder: PathBuf,
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
    /// Everything that is wrong with the settings beyond their form, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let lake = match &self.command {
            Command::Serve(serve) => &serve.lake.folder,
            Command::Refresh(refresh) => &refresh.lake.folder,
            Command::Boundaries(_) | Command::Clean(_) | Command::Contract => {
                return self.log_problem().into_iter().collect();
            }
        };
        [self.log_problem(), lake_problem(lake), self.budget_problem()].into_iter().flatten().collect()
    }

    fn budget_problem(&self) -> Option<String> {
        let &Command::Refresh(Refresh { quarantine_budget: budget, .. }) = &self.command else { return None };
        (!(0.0..=100.0).contains(&budget)).then(|| {
            format!("TORONTO311_QUARANTINE_BUDGET / --quarantine-budget {budget}: expected a percentage from 0 to 100")
        })
    }

    fn log_problem(&self) -> Option<String> {
        let error = self.log.parse::<tracing_subscriber::filter::Targets>().err()?;
        Some(format!(
            "TORONTO311_LOG / --log {:?}: {error}; expected a level such as info or targets with levels",
            self.log
        ))
    }
}

fn lake_problem(lake: &Path) -> Option<String> {
    if lake.to_string_lossy().contains("://") {
        return Some(format!("TORONTO311_LAKE / --lake {:?}: expected a folder, not a URL", lake.display()));
    }
    (lake.exists() && !lake.is_dir())
        .then(|| format!("TORONTO311_LAKE / --lake {:?}: expected a folder, found a file", lake.display()))
}
