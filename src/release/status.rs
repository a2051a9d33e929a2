//! What an operator asks first: what is live, how old it is, what ran.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::freshness::{Freshness, age_seconds};
use super::pointer::{self, Current};
use super::run::{self, Run};
use super::{Error, load};
use crate::domain::Month;
use crate::lake::Lake;

/// Runs that are shown.
const RUNS: usize = 20;

/// The state of a lake at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What is live; `null` in an empty lake.
    pub current: Option<Live>,
    /// Newest first.
    pub runs: Vec<Run>,
}

/// The live release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Live {
    /// The pointer.
    #[serde(flatten)]
    pub pointer: Current,
    /// The last month of which every day is in the data.
    pub complete_through: Month,
    /// Since the inputs changed last.
    pub age_seconds: i64,
    /// What to think of that: `fresh`, `late` or `stale`.
    pub freshness: &'static str,
}

/// Reads the state of a lake.
pub async fn read(lake: &Lake) -> Result<Status, Error> {
    let now = Timestamp::now();
    let runs = run::latest(lake, RUNS).await?;
    let Some(pointer) = pointer::current(lake).await? else { return Ok(Status { current: None, runs }) };
    let release = load(lake, &pointer.release).await?.ok_or_else(|| Error::Damaged {
        key: "current.json".to_owned(),
        cause: format!("there is no record of release {}", pointer.release),
    })?;
    let current = Live {
        complete_through: release.complete_through,
        age_seconds: age_seconds(pointer.inputs_changed_at, now),
        freshness: Freshness::of(pointer.inputs_changed_at, now).as_str(),
        pointer,
    };
    Ok(Status { current: Some(current), runs })
}

impl Status {
    /// As one line of JSON.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(self)? + "\n")
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.current {
            None => writeln!(f, "no release")?,
            Some(live) => {
                let Live { pointer, complete_through, age_seconds, freshness } = live;
                writeln!(f, "release {} (version {})", pointer.release, pointer.version)?;
                writeln!(f, "  published {:.0}, complete through {complete_through}", pointer.published_at)?;
                writeln!(f, "  files changed {} days ago: {freshness}", age_seconds / 86_400)?;
                for id in &pointer.rolled_back {
                    writeln!(f, "  rolled back: {id}")?;
                }
            }
        }
        for run in &self.runs {
            let outcome = run.outcome.map_or("at work or dead", run::Outcome::as_str);
            let release = run.release.as_ref().map(ToString::to_string).unwrap_or_default();
            writeln!(f, "run {} {outcome} {release}", run.run)?;
            let held = run.held.iter().map(|held| &held.message);
            for line in run.message.iter().chain(held) {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }
}
