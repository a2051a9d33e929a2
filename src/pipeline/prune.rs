//! Removes what no kept release needs. Files as they came stay for ever.

use std::collections::{BTreeSet, HashSet};

use super::Error;
use crate::domain::ReleaseId;
use crate::lake::{Lake, Shelf};
use crate::marts::sql::MARTS;
use crate::release::{self, changes, pointer};
use crate::warehouse::BigQuery;

/// Records of runs that are kept.
const RUNS: usize = 500;

/// Keeps the latest `keep` releases by publication, the live one and the one before it. Only the holder of the lease may do
/// this.
pub(super) async fn prune(lake: &Lake, keep: usize, warehouse: Option<&BigQuery>) -> Result<(), Error> {
    let mut kept: BTreeSet<ReleaseId> =
        changes::list(lake).await?.into_iter().take(keep.max(1)).map(|changes| changes.release).collect();
    let Some(current) = pointer::current(lake).await? else { return Ok(()) };
    kept.extend([Some(current.release), current.previous].into_iter().flatten());
    let mut cleaned = HashSet::new();
    for id in &kept {
        let inputs = release::load(lake, id).await?.map(|release| release.inputs).unwrap_or_default();
        cleaned.extend(inputs.into_iter().map(|input| input.clean));
    }
    let is_kept = |id: &str| id.parse().is_ok_and(|id: ReleaseId| kept.contains(&id));
    remove(lake, Shelf::Changes, is_kept).await?;
    remove(lake, Shelf::Releases, is_kept).await?;
    remove(lake, Shelf::Marts, is_kept).await?;
    remove(lake, Shelf::Clean, |id| cleaned.contains(id)).await?;
    let runs = lake.list(Shelf::Runs).await?;
    for run in &runs[..runs.len().saturating_sub(RUNS)] {
        lake.delete(run).await?;
    }
    if let Some(warehouse) = warehouse {
        warehouse.prune(&kept, &MARTS).await?;
    }
    Ok(())
}

/// Removes the objects of a shelf whose id, the first part of their names, is not to be kept.
async fn remove(lake: &Lake, shelf: Shelf, is_kept: impl Fn(&str) -> bool) -> Result<(), Error> {
    for found in lake.list(shelf).await? {
        let id = found.name.split('/').next().unwrap_or_default();
        if !is_kept(id.strip_suffix(".json").unwrap_or(id)) {
            lake.delete(&found).await?;
        }
    }
    Ok(())
}
