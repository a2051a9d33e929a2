//! Which release is live: the one object that decides what people see, changed by compare-and-set.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, changes};
use crate::domain::{ReleaseId, RunId};
use crate::lake::{Generation, Key, Lake};

/// What `current.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// One more with each publication; never the same twice.
    pub version: u64,
    /// The live release.
    pub release: ReleaseId,
    /// The one that was live before.
    pub previous: Option<ReleaseId>,
    /// Since when this one is.
    pub published_at: Timestamp,
    /// Since when its inputs are what they are: newer code over the same files does not make data fresher.
    pub inputs_changed_at: Timestamp,
    /// The run that published it.
    pub run: RunId,
    /// Releases that were taken back. A refresh that arrives at one of them again leaves it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rolled_back: Vec<ReleaseId>,
}

/// The pointer as it was read: what a swap is conditional on.
#[derive(Debug, Clone, Default)]
pub struct Pointer {
    /// `None` in an empty lake, and when the object can't be read.
    pub current: Option<Current>,
    /// Why it can't be read.
    pub damage: Option<String>,
    generation: Option<Generation>,
}

impl Pointer {
    /// Whether the lake has none, not even a damaged one.
    pub fn is_absent(&self) -> bool {
        self.generation.is_none()
    }
}

/// Reads the pointer. A damaged one is no error: it can be swapped for a good one.
pub async fn read(lake: &Lake) -> Result<Pointer, Error> {
    let Some((bytes, generation)) = lake.get_with_generation(Key::Current).await? else {
        return Ok(Pointer::default());
    };
    let (current, damage) = match serde_json::from_slice(&bytes) {
        Ok(current) => (Some(current), None),
        Err(error) => (None, Some(format!("lake object {} is damaged: {error}", Key::Current))),
    };
    Ok(Pointer { current, damage, generation: Some(generation) })
}

/// The live release's pointer; `None` in an empty lake.
pub async fn current(lake: &Lake) -> Result<Option<Current>, Error> {
    let read = read(lake).await?;
    match read.damage {
        Some(cause) => Err(Error::Damaged { key: Key::Current.to_string(), cause }),
        None => Ok(read.current),
    }
}

/// The version of the publication that follows.
pub async fn next_version(lake: &Lake, pointer: &Pointer) -> Result<u64, Error> {
    match &pointer.current {
        Some(current) => Ok(current.version + 1),
        None if pointer.is_absent() => Ok(1),
        // What the damaged pointer said is written in the records of the publications.
        None => Ok(changes::list(lake).await?.iter().map(|changes| changes.version).max().unwrap_or_default() + 1),
    }
}

/// Makes `next` what the pointer says, if it is still what was read. `false`: somebody else published meanwhile.
pub async fn swap(lake: &Lake, read: &Pointer, next: &Current) -> Result<bool, Error> {
    let json = super::to_json(Key::Current, next)?;
    let swapped = lake.swap(Key::Current, read.generation.as_ref(), json).await;
    match swapped {
        Ok(Some(_)) => Ok(true),
        // The answer to a write can be lost, or the write tried twice: what counts is what is there. The run is in it,
        // so nobody else's publication is equal.
        Ok(None) => Ok(current(lake).await.is_ok_and(|found| found.as_ref() == Some(next))),
        Err(error) => match current(lake).await {
            Ok(found) if found.as_ref() == Some(next) => Ok(true),
            _ => Err(error.into()),
        },
    }
}
