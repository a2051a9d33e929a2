//! What a publication changed: the restatement log.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Error, read};
use crate::domain::{Month, ReleaseId, RunId, Status};
use crate::lake::{Key, Lake, Shelf};

/// What differs between a release and the one that was live before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// The release.
    pub release: ReleaseId,
    /// What it is compared with.
    pub previous: Option<ReleaseId>,
    /// Of the pointer.
    pub version: u64,
    /// The run that published it.
    pub run: RunId,
    /// When.
    #[schemars(with = "String")]
    pub published_at: Timestamp,
    /// By file, `SR2024`: those whose bytes changed, and those that are new.
    pub files: BTreeMap<String, FileChange>,
    /// Labels of request types that the release before did not have.
    pub new_types: Vec<String>,
}

/// What differs between two versions of a yearly file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileChange {
    /// What the release before had; `null` for a year that is new.
    pub sha256_before: Option<String>,
    /// What it has now; `null` for a year that it no longer has.
    pub sha256: Option<String>,
    /// Months in which a row differs.
    pub months: BTreeMap<Month, MonthChange>,
}

/// What differs in a month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonthChange {
    /// Accepted rows of the earlier version; 0 for a month that is new.
    pub rows_before: u64,
    /// Accepted rows of the later version.
    pub rows: u64,
    /// Rows that only the later version has, of a month that the earlier one had.
    pub late: u64,
    /// Rows that only the earlier version has.
    pub vanished: u64,
    /// Rows with another ward, or another model's.
    pub ward_changed: u64,
    /// Rows with another status.
    pub status_changed: Vec<StatusChange>,
}

/// Rows whose status moved from one to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusChange {
    /// In the earlier version.
    pub from: Status,
    /// In the later version.
    pub to: Status,
    /// How many.
    pub rows: u64,
}

impl MonthChange {
    /// Whether the two versions have the same rows.
    pub fn is_none(&self) -> bool {
        self.rows_before == self.rows
            && [self.late, self.vanished, self.ward_changed] == [0; 3]
            && self.status_changed.is_empty()
    }
}

/// Writes the record.
pub async fn record(lake: &Lake, changes: &Changes) -> Result<(), Error> {
    let key = Key::Changes(&changes.release);
    Ok(lake.replace(key, super::to_json(key, changes)?).await?)
}

/// What a release changed; `None` when nothing is known.
pub async fn load(lake: &Lake, release: &ReleaseId) -> Result<Option<Changes>, Error> {
    read(lake, Key::Changes(release)).await
}

/// The records of all releases that are kept, newest publication first. One that can't be read is left out.
pub async fn list(lake: &Lake) -> Result<Vec<Changes>, Error> {
    let mut all = Vec::new();
    for found in lake.list(Shelf::Changes).await? {
        let Some(release) = found.name.strip_suffix(".json").and_then(|id| id.parse().ok()) else { continue };
        match load(lake, &release).await {
            Ok(changes) => all.extend(changes),
            Err(error) => tracing::warn!("{error}"),
        }
    }
    all.sort_by_key(|changes| std::cmp::Reverse(changes.version));
    Ok(all)
}
