//! Releases: what a published state of the data is made of, and which one is live.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clean::Summary;
use crate::domain::{Month, MonthRange, ReleaseId};
use crate::lake::{self, Key, Lake};

/// A release that could not be read or published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lake failed.
    #[error(transparent)]
    Lake(#[from] lake::Error),
    /// An object is there but is not what it should be.
    #[error("lake object {key} is damaged: {cause}")]
    Damaged {
        /// Its path in the lake.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
}

/// Where the rows of a release come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The generator in this program: not a single row is real.
    Demo,
    /// Yearly files of the City, or of whoever filled the folder.
    Folder,
}

/// A release, completely described. It holds no time of day: the same inputs and the same code give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// The last complete month and a hash of inputs and code.
    pub release: ReleaseId,
    /// Whose rows these are.
    pub origin: Origin,
    /// All months that have a row.
    pub months: MonthRange,
    /// The last month of which every day is in the data.
    pub complete_through: Month,
    /// One a year, in order.
    pub inputs: Vec<Input>,
    /// By name.
    pub marts: BTreeMap<String, Mart>,
}

/// A yearly file and the account of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Of the file as it came, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Names the cleaned folder.
    pub clean: String,
    /// What was in it and where it went.
    #[serde(flatten)]
    pub summary: Summary,
}

/// A Parquet file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mart {
    /// Of its bytes, in hex.
    pub sha256: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// The pointer to the live release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// Which one.
    pub release: ReleaseId,
    /// Since when.
    pub published_at: jiff::Timestamp,
}

/// The live release's pointer; `None` in an empty lake.
pub async fn current(lake: &Lake) -> Result<Option<Current>, Error> {
    read(lake, Key::Current).await
}

/// The record of a release; `None` when there is no such release.
pub async fn load(lake: &Lake, id: &ReleaseId) -> Result<Option<Release>, Error> {
    read(lake, Key::Release(id)).await
}

/// Writes the record, whose marts must be there already, and then makes it the live one. A demo does so only where
/// nothing is live: real data that arrive while it is being built stay. Returns whether it is live.
pub async fn publish(lake: &Lake, release: &Release, now: jiff::Timestamp) -> Result<bool, Error> {
    let id = &release.release;
    lake.replace(Key::Release(id), to_json(Key::Release(id), release)?).await?;
    let pointer = to_json(Key::Current, &Current { release: id.clone(), published_at: now })?;
    match release.origin {
        Origin::Demo => Ok(lake.create(Key::Current, pointer).await?),
        Origin::Folder => lake.replace(Key::Current, pointer).await.map(|()| true).map_err(Error::from),
    }
}

/// Whether a release's record can be read and its marts are there in their size.
pub async fn is_whole(lake: &Lake, id: &ReleaseId) -> Result<bool, Error> {
    let Ok(Some(release)) = load(lake, id).await else { return Ok(false) };
    for (file, mart) in &release.marts {
        if lake.size(Key::Mart { release: id, file }).await? != Some(mart.bytes) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn read<T: for<'de> Deserialize<'de>>(lake: &Lake, key: Key<'_>) -> Result<Option<T>, Error> {
    let Some(bytes) = lake.get(key).await? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(damaged(key))
}

fn to_json(key: Key<'_>, value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec_pretty(value).map_err(damaged(key))
}

fn damaged<E: std::fmt::Display>(key: Key<'_>) -> impl Fn(E) -> Error {
    move |cause| Error::Damaged { key: key.to_string(), cause: cause.to_string() }
}
