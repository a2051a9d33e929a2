//! Back to an earlier release: the pointer is swapped, nothing else changes.

use jiff::Timestamp;
use tracing::info;

use super::{Error, verify};
use crate::domain::{ReleaseId, RunId};
use crate::lake::Lake;
use crate::release::pointer::{self, Current};
use crate::release::{self, changes};

/// Makes another release live, by default the one before. The one that was live is not published again until files or code
/// change, or until it is gone back to in turn.
pub async fn rollback(lake: &Lake, to: Option<ReleaseId>) -> Result<ReleaseId, Error> {
    let pointer = pointer::read(lake).await?;
    let current = pointer.current.clone().ok_or_else(|| Error::NoRollback("the lake has no release".to_owned()))?;
    let to = to.or_else(|| current.previous.clone());
    let to = to.ok_or_else(|| Error::NoRollback(format!("{} is the first release", current.release)))?;
    if to == current.release {
        return Err(Error::NoRollback(format!("{to} is live already")));
    }
    if let Some(problem) = verify::release(lake, &to, verify::Depth::Marts).await?.first() {
        let kept = changes::list(lake).await?.into_iter().map(|changes| changes.release.to_string());
        let kept: Vec<String> = kept.filter(|id| *id != current.release.as_str()).collect();
        return Err(Error::NoRollback(format!("{problem}; kept are: {}", kept.join(", "))));
    }
    let next = next(lake, &pointer, &current, &to).await?;
    if !pointer::swap(lake, &pointer, &next).await? {
        return Err(Error::Superseded);
    }
    info!(release = %to, from = %current.release, "rolled back");
    Ok(to)
}

async fn next(lake: &Lake, pointer: &pointer::Pointer, current: &Current, to: &ReleaseId) -> Result<Current, Error> {
    let mut rolled_back = current.rolled_back.clone();
    rolled_back.retain(|id| id != to && *id != current.release);
    rolled_back.push(current.release.clone());
    let now = Timestamp::now();
    let same_files = hashes(lake, to).await? == hashes(lake, &current.release).await?;
    Ok(Current {
        version: pointer::next_version(lake, pointer).await?,
        release: to.clone(),
        previous: Some(current.release.clone()),
        published_at: now,
        // Older files: they changed when they were published first.
        inputs_changed_at: match changes::load(lake, to).await? {
            Some(changes) if !same_files => changes.published_at,
            _ => current.inputs_changed_at,
        },
        run: RunId::new(now, fastrand::u32(..)),
        rolled_back,
    })
}

async fn hashes(lake: &Lake, id: &ReleaseId) -> Result<Vec<String>, Error> {
    let inputs = release::load(lake, id).await?.map(|release| release.inputs).unwrap_or_default();
    Ok(inputs.into_iter().map(|input| input.sha256).collect())
}
