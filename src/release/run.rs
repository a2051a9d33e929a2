//! What a refresh did, step by step.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Error, read};
use crate::domain::{ReleaseId, RunId};
use crate::lake::{Key, Lake, Shelf};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new release is live.
    Published,
    /// What is live is what the source has.
    NoChange,
    /// Nothing was published; the release before is live.
    Failed,
    /// It was told to stop, or its machine went away.
    Interrupted,
}

impl Outcome {
    /// As in the records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::NoChange => "no_change",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The record of a run. Only the run itself writes it, but for one that died: the next run ends its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Which one.
    pub run: RunId,
    /// The version of the program.
    pub version: String,
    /// What was read: a URL, a folder, `raw` or `demo`.
    pub source: String,
    /// When it began.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When it ended; `null` while it is at work.
    #[schemars(with = "Option<String>")]
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What is live after it.
    pub release: Option<ReleaseId>,
    /// Why it failed, or what else its reader must know.
    pub message: Option<String>,
    /// Files that were not taken in.
    pub held: Vec<Held>,
    /// Things that are odd but stop nothing.
    pub warnings: Vec<String>,
    /// In the order of their ends.
    pub steps: Vec<Step>,
}

impl Run {
    /// Whether somebody has to look at it.
    pub fn needs_attention(&self) -> bool {
        self.outcome == Some(Outcome::Failed) || !self.held.is_empty()
    }
}

/// A file that was not taken in; what the release before had of its year stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// The year of the file.
    pub year: u16,
    /// Which guard held it.
    pub guard: Guard,
    /// What was found, what was expected and what to do.
    pub message: String,
}

/// What holds a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// It can't be had.
    Source,
    /// It breaks the data contract.
    Contract,
    /// Too many of its rows do.
    QuarantineBudget,
    /// A month that was published has far fewer or far more rows.
    Volume,
}

impl Guard {
    /// As in the records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Contract => "contract",
            Self::QuarantineBudget => "quarantine_budget",
            Self::Volume => "volume",
        }
    }
}

/// A finished step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// `discover`, `fetch`, `clean`, `merge`, `compare`, `warehouse`, `publish`, `prune`.
    pub step: String,
    /// The file that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// `done`, `skipped` when its output was there, or `held`.
    pub outcome: String,
    /// How long it took.
    pub duration_ms: u64,
    /// What it read, by hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// What it made, by hash or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Bytes that it moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Rows that it read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_read: Option<u64>,
    /// Of these, rows that are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_accepted: Option<u64>,
    /// The others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows_quarantined: Option<u64>,
}

/// Writes a run's record.
pub async fn record(lake: &Lake, run: &Run) -> Result<(), Error> {
    let key = Key::Run(run.run.as_str());
    Ok(lake.replace(key, super::to_json(key, run)?).await?)
}

/// The record of a run; `None` when there is none.
pub async fn load(lake: &Lake, run: &RunId) -> Result<Option<Run>, Error> {
    read(lake, Key::Run(run.as_str())).await
}

/// The latest runs, newest first. A record that can't be read is left out.
pub async fn latest(lake: &Lake, most: usize) -> Result<Vec<Run>, Error> {
    let names = lake.list(Shelf::Runs).await?;
    let mut runs = Vec::new();
    for found in names.iter().rev().take(most) {
        let Some(run) = found.name.strip_suffix(".json").and_then(|run| run.parse().ok()) else { continue };
        match load(lake, &run).await {
            Ok(record) => runs.extend(record),
            Err(error) => tracing::warn!("{error}"),
        }
    }
    Ok(runs)
}
