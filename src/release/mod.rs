//! Releases: what a published state of the data is made of, which one is live, what the runs did that made them.
//!
//! A release is described by inputs and code alone; times, runs and what differs from the release before are kept beside
//! it. The [pointer](mod@pointer) says which release is live.

pub mod changes;
pub mod freshness;
pub mod pointer;
pub mod run;
pub mod status;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clean::Summary;
use crate::domain::{Month, MonthRange, ReleaseId};
use crate::lake::{self, Key, Lake};

/// A release or a record that could not be read or written.
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

/// Whose rows a release holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The generator in this program: not a single row is real.
    Demo,
    /// The City's yearly files, or files in their form from whoever filled the folder.
    City,
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

impl Release {
    /// The input of a year.
    pub fn input(&self, year: u16) -> Option<&Input> {
        self.inputs.iter().find(|input| input.summary.year == year)
    }
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

/// The name that a year's file has in the lake, in records and in messages, whatever the source calls it.
pub fn resource(year: u16) -> String {
    format!("SR{year}")
}

/// The record of a release; `None` when there is no such release.
pub async fn load(lake: &Lake, id: &ReleaseId) -> Result<Option<Release>, Error> {
    read(lake, Key::Release(id)).await
}

/// Writes the record, whose marts must be there already.
pub async fn record(lake: &Lake, release: &Release) -> Result<(), Error> {
    let key = Key::Release(&release.release);
    Ok(lake.replace(key, to_json(key, release)?).await?)
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
