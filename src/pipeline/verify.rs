//! Does the lake hold what it says? Pointer, objects, hashes, counts.

use jiff::Timestamp;

use super::Error;
use crate::clean;
use crate::domain::{MonthRange, ReleaseId};
use crate::lake::{self, Key, Lake};
use crate::marts::{self, Marts};
use crate::release::{self, Input, Release, pointer};

/// How much is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Of marts that were written since then, the hashes: nobody has touched the others; of the rest, only sizes.
    WrittenSince(Timestamp),
    /// The marts are counted, too: a moment.
    Marts,
    /// The files as they came, too.
    Everything,
}

/// What is wrong with the live release, a sentence each; nothing when all is well.
pub async fn verify(lake: &Lake) -> Result<(Option<ReleaseId>, Vec<String>), Error> {
    let pointer = pointer::read(lake).await?;
    if let Some(damage) = pointer.damage {
        return Ok((None, vec![damage]));
    }
    let Some(current) = pointer.current else { return Ok((None, Vec::new())) };
    let problems = release(lake, &current.release, Depth::Everything).await?;
    Ok((Some(current.release), problems))
}

/// What is wrong with a release.
pub(super) async fn release(lake: &Lake, id: &ReleaseId, depth: Depth) -> Result<Vec<String>, Error> {
    let release = match release::load(lake, id).await {
        Ok(Some(release)) if release.release == *id => release,
        Ok(Some(other)) => return Ok(vec![format!("the record of {id} is that of {}", other.release)]),
        Ok(None) => return Ok(vec![format!("there is no record of release {id}")]),
        Err(error @ release::Error::Damaged { .. }) => return Ok(vec![error.to_string()]),
        Err(error) => return Err(error.into()),
    };
    let mut problems = Vec::new();
    for (file, mart) in &release.marts {
        let key = Key::Mart { release: id, file };
        let since = if let Depth::WrittenSince(since) = depth { since } else { Timestamp::MIN };
        problems.extend(object(lake, key, mart.bytes, &mart.sha256, Some(since)).await?);
    }
    for input in &release.inputs {
        problems.extend(self::input(lake, input, depth).await?);
    }
    if problems.is_empty() && depth >= Depth::Marts {
        problems.extend(counts(lake, &release).await?);
    }
    Ok(problems)
}

async fn input(lake: &Lake, input: &Input, depth: Depth) -> Result<Option<String>, Error> {
    let summary = &input.summary;
    if summary.read != summary.accepted + summary.quarantined() {
        return Ok(Some(format!("{}: the rows read are not those accepted and quarantined", summary.file)));
    }
    let key = Key::Clean { id: &input.clean, file: clean::SUMMARY };
    if lake.size(key).await?.is_none() {
        return Ok(Some(format!("lake object {key} is missing")));
    }
    // Damaged, it is fetched again by the next refresh once it has been removed.
    let raw = Key::Raw { resource: &summary.file, sha256: &input.sha256 };
    object(lake, raw, input.bytes, &input.sha256, (depth >= Depth::Everything).then_some(Timestamp::MIN)).await
}

/// Reads the object if it was written since then.
async fn object(
    lake: &Lake,
    key: Key<'_>,
    bytes: u64,
    sha256: &str,
    since: Option<Timestamp>,
) -> Result<Option<String>, Error> {
    let Some(found) = lake.find(key).await? else { return Ok(Some(format!("lake object {key} is missing"))) };
    if found.bytes != bytes {
        return Ok(Some(format!("lake object {key} has {} bytes, expected {bytes}", found.bytes)));
    }
    if since.is_none_or(|since| found.modified < since) {
        return Ok(None);
    }
    let content = lake.get(key).await?.unwrap_or_default();
    Ok((lake::sha256(&content) != sha256).then(|| format!("lake object {key} is damaged: its hash is another")))
}

/// Whether the marts count each accepted row, month by month.
async fn counts(lake: &Lake, release: &Release) -> Result<Vec<String>, Error> {
    let mut files: [bytes::Bytes; marts::ALL.len()] = Default::default();
    for (bytes, file) in files.iter_mut().zip(marts::ALL) {
        *bytes = lake.get(Key::Mart { release: &release.release, file }).await?.unwrap_or_default();
    }
    let marts = match Marts::open(release.months, files) {
        Ok(marts) => marts,
        Err(error) => return Ok(vec![format!("the marts of {} can't be read: {error}", release.release)]),
    };
    let accepted = |month| release.inputs.iter().filter_map(|input| input.summary.months.get(&month)).sum::<u64>();
    let totals = marts.totals();
    let wrong = |month| {
        let (found, expected) = (totals.all(MonthRange::single(month), None), accepted(month));
        (found != expected).then(|| format!("the marts count {found} requests in {month}, the files have {expected}"))
    };
    let (by_hour, all) = (marts.hours().of_city().iter().sum::<u64>(), totals.all(release.months, None));
    let by_hour = (by_hour != all).then(|| format!("the marts count {by_hour} requests by hour and {all} by month"));
    Ok(release.months.iter().filter_map(wrong).chain(by_hour).collect())
}
