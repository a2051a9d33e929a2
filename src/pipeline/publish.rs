//! From cleaned years to the live release: merge, compare, fill the warehouse, record, read back, swap the pointer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::local::{blocking, disk, files_below, temporary_folder};
use super::log::{RunLog, StepClock};
use super::{Error, hash, live_types, restatement, verify};
use crate::clean;
use crate::domain::{Month, MonthRange, ReleaseId, RunId};
use crate::lake::{self, Key, Lake};
use crate::marts::sql::{self, MARTS};
use crate::marts::{self, Partial, TypeUse};
use crate::release::changes::{self, Changes, FileChange, MonthChange};
use crate::release::pointer::{self, Current, Pointer};
use crate::release::run::Step;
use crate::release::{self, Input, Mart, Origin, Release};
use crate::warehouse::{BigQuery, MonthFile};

/// Where the requests of a month are in a cleaned folder.
fn requests_of(month: Month) -> String {
    format!("month={month}/requests.parquet")
}

/// What a run publishes from, and as what.
pub(super) struct Publisher<'a> {
    pub lake: &'a Lake,
    pub log: &'a RunLog,
    pub run: &'a RunId,
    pub origin: Origin,
    /// As it was read when the run began.
    pub pointer: &'a Pointer,
    pub live: Option<&'a Release>,
    pub warehouse: Option<&'a BigQuery>,
}

impl Publisher<'_> {
    /// Publishes these inputs if they are not what is live; returns what is live then, and whether that is news.
    pub(super) async fn publish(&self, inputs: Vec<Input>) -> Result<(ReleaseId, bool), Error> {
        let (months, complete_through) = months_of(&inputs).ok_or(Error::NoRows)?;
        let id = release_id(complete_through, self.origin, &inputs)?;
        if let Some(live) = self.settled(&id).await? {
            return Ok((live, false));
        }
        let known = live_types(self.lake).await.unwrap_or_default();
        let marts = self.merge(&id, &inputs).await?;
        let release = Release { release: id.clone(), origin: self.origin, months, complete_through, inputs, marts };
        let files = self.compare(&release.inputs).await?;
        let new_types = self.new_types(&id, &known).await?;
        if let Some(warehouse) = self.warehouse {
            self.fill(warehouse, &release).await?;
        }
        self.swap(&release, files, new_types).await?;
        Ok((id, true))
    }

    /// What is live, if there is nothing to do: it is this release and whole, or this release was taken back.
    async fn settled(&self, id: &ReleaseId) -> Result<Option<ReleaseId>, Error> {
        let Some(current) = &self.pointer.current else { return Ok(None) };
        if current.rolled_back.contains(id) {
            self.log.warn(format!(
                "{id} was rolled back and stays so until the files or the code change; rollback --to {id} brings it back"
            ));
            return Ok(Some(current.release.clone()));
        }
        if current.release != *id {
            return Ok(None);
        }
        // They were counted before they were published.
        let problems = verify::release(self.lake, id, verify::Depth::WrittenSince(current.published_at)).await?;
        for problem in &problems {
            self.log.warn(format!("{problem}; it is made again"));
        }
        let has = match self.warehouse {
            Some(warehouse) => warehouse.has(id, &MARTS).await?,
            None => true,
        };
        if !has {
            self.log.warn(format!("the warehouse lacks {id}; it is filled"));
        }
        Ok((problems.is_empty() && has).then(|| id.clone()))
    }

    async fn merge(&self, id: &ReleaseId, inputs: &[Input]) -> Result<BTreeMap<String, Mart>, Error> {
        let clock = StepClock::start("merge", None);
        let folder = temporary_folder()?;
        let mut partials = Vec::new();
        for (n, input) in inputs.iter().enumerate() {
            let fetch =
                async |file| self.fetch_clean(&input.clean, file, &folder.path().join(format!("{n}-{file}"))).await;
            partials.push(Partial {
                counts: fetch(clean::COUNTS).await?,
                hours: fetch(clean::HOURS).await?,
                request_types: fetch(clean::REQUEST_TYPES).await?,
            });
        }
        // The work owns its folders: when the run is told to stop, they stay until the work is done.
        let (_folder, out) = blocking(move || {
            let out = temporary_folder()?;
            marts::build(&partials, out.path())?;
            Ok((folder, out))
        })
        .await?;
        let mut built = BTreeMap::new();
        for name in files_below(out.path())? {
            let file = out.path().join(&name);
            let content = std::fs::read(&file).map_err(disk(&file))?;
            self.lake.write_from_file(Key::Mart { release: id, file: &name }, &file).await?;
            built.insert(name, Mart { sha256: lake::sha256(&content), bytes: content.len() as u64 });
        }
        let bytes = built.values().map(|mart| mart.bytes).sum();
        self.log.step(Step { output: Some(id.to_string()), bytes: Some(bytes), ..clock.end("done") }).await;
        Ok(built)
    }

    /// Makes the tables of the warehouse those of the release. It is not live yet: who reads the one before goes on to.
    async fn fill(&self, warehouse: &BigQuery, release: &Release) -> Result<(), Error> {
        let clock = StepClock::start("warehouse", None);
        let (mut months, mut accepted) = (BTreeMap::new(), BTreeMap::new());
        for input in &release.inputs {
            for (&month, &rows) in &input.summary.months {
                months.insert(month, MonthFile { clean: input.clean.clone(), file: requests_of(month), rows });
                accepted.insert(month, rows);
            }
        }
        let id = &release.release;
        warehouse.fill(id, self.run, &months, &MARTS, &sql::parameters(&accepted)).await?;
        let rows = accepted.values().sum();
        self.log.step(Step { output: Some(id.to_string()), rows_accepted: Some(rows), ..clock.end("done") }).await;
        Ok(())
    }

    /// A cleaned folder without one of its files is no better than none: without its summary, it is made again.
    async fn fetch_clean(&self, id: &str, file: &str, to: &Path) -> Result<PathBuf, Error> {
        let key = Key::Clean { id, file };
        match self.lake.fetch(key, to).await {
            Err(_) if self.lake.size(key).await?.is_none() => {
                self.lake.remove(Key::Clean { id, file: clean::SUMMARY }).await?;
                Err(Error::Incomplete(key.to_string()))
            }
            fetched => Ok(fetched.map(|()| to.to_owned())?),
        }
    }

    /// What differs from the live release, by file.
    async fn compare(&self, inputs: &[Input]) -> Result<BTreeMap<String, FileChange>, Error> {
        let clock = StepClock::start("compare", None);
        let mut files = BTreeMap::new();
        for input in inputs {
            let before = self.live.and_then(|live| live.input(input.summary.year));
            if before.is_some_and(|before| before.sha256 == input.sha256) {
                continue;
            }
            let change = FileChange {
                sha256_before: before.map(|before| before.sha256.clone()),
                sha256: Some(input.sha256.clone()),
                months: self.compare_months(before, input).await?,
            };
            files.insert(input.summary.file.clone(), change);
        }
        self.log.step(clock.end("done")).await;
        Ok(files)
    }

    async fn compare_months(
        &self,
        before: Option<&Input>,
        input: &Input,
    ) -> Result<BTreeMap<Month, MonthChange>, Error> {
        let Some(before) = before else {
            let new = |(&month, &rows): (&Month, &u64)| (month, MonthChange { rows, ..MonthChange::default() });
            return Ok(input.summary.months.iter().map(new).collect());
        };
        let months: BTreeSet<Month> =
            before.summary.months.keys().chain(input.summary.months.keys()).copied().collect();
        let mut changes = BTreeMap::new();
        for month in months {
            let file = requests_of(month);
            let rows = async |input: &Input| self.lake.get(Key::Clean { id: &input.clean, file: &file }).await;
            let (old, new) = (rows(before).await?, rows(input).await?);
            match blocking(move || Ok(restatement::compare(old, new))).await? {
                Ok(change) if change.is_none() => {}
                Ok(change) => drop(changes.insert(month, change)),
                // Cleaned by code of other times: there is no telling, and no reason to stop.
                Err(error) => self.log.warn(format!("{}: {month} is not compared: {error}", input.summary.file)),
            }
        }
        Ok(changes)
    }

    /// New types pass through. They are said, since one may be an old one under another name.
    async fn new_types(&self, id: &ReleaseId, known: &[TypeUse]) -> Result<Vec<String>, Error> {
        if self.live.is_none() {
            return Ok(Vec::new());
        }
        let types = self.lake.get(Key::Mart { release: id, file: marts::REQUEST_TYPES }).await?;
        let new = super::new_types(known, types.map(marts::type_uses).transpose()?.unwrap_or_default());
        let labels: Vec<String> = new.into_iter().map(|used| used.label).collect();
        if !labels.is_empty() {
            let some = labels.iter().take(20).cloned().collect::<Vec<_>>().join("; ");
            self.log.warn(format!("request types that the release before did not have ({}): {some}", labels.len()));
        }
        Ok(labels)
    }

    /// Records the release, reads everything back and only then points to it.
    async fn swap(
        &self,
        release: &Release,
        files: BTreeMap<String, FileChange>,
        new_types: Vec<String>,
    ) -> Result<(), Error> {
        let clock = StepClock::start("publish", None);
        let id = &release.release;
        release::record(self.lake, release).await?;
        let next = self.next(release).await?;
        let changes = Changes {
            release: id.clone(),
            previous: next.previous.clone(),
            version: next.version,
            run: self.run.clone(),
            published_at: next.published_at,
            files,
            new_types,
        };
        changes::record(self.lake, &changes).await?;
        let problems = verify::release(self.lake, id, verify::Depth::Marts).await?;
        if let Some(problem) = problems.first() {
            return Err(Error::NotReadBack(problem.clone()));
        }
        // Whatever happens from here on, the record says that this run was about to publish.
        self.log.save().await;
        if !pointer::swap(self.lake, self.pointer, &next).await? {
            return Err(Error::Superseded);
        }
        match pointer::current(self.lake).await?.map(|current| current.version) {
            Some(version) if version >= next.version => {}
            found => {
                return Err(Error::NotReadBack(format!("the pointer says version {found:?}, not {}", next.version)));
            }
        }
        self.log.step(Step { output: Some(id.to_string()), ..clock.end("done") }).await;
        Ok(())
    }

    async fn next(&self, release: &Release) -> Result<Current, Error> {
        let now = Timestamp::now();
        let before = self.pointer.current.as_ref();
        let same_files = self.live.is_some_and(|live| hashes(live) == hashes(release));
        let inputs_changed_at = before.filter(|_| same_files).map_or(now, |before| before.inputs_changed_at);
        let previous = before.filter(|_| self.live.is_some()).and_then(|before| {
            // The same once more, since it was damaged, is no step to go back.
            if before.release == release.release { before.previous.clone() } else { Some(before.release.clone()) }
        });
        Ok(Current {
            version: pointer::next_version(self.lake, self.pointer).await?,
            release: release.release.clone(),
            previous,
            published_at: now,
            inputs_changed_at,
            run: self.run.clone(),
            rolled_back: before.map(|before| before.rolled_back.clone()).unwrap_or_default(),
        })
    }
}

fn hashes(release: &Release) -> Vec<&str> {
    release.inputs.iter().map(|input| input.sha256.as_str()).collect()
}

/// All months with a row, and the last one that is complete: the one before the latest row's, unless that row is of its
/// last day. The City publishes whole months, some days after they end.
fn months_of(inputs: &[Input]) -> Option<(MonthRange, Month)> {
    let months = inputs.iter().filter_map(|input| input.summary.range()).reduce(MonthRange::union)?;
    let last_date = inputs.iter().filter_map(|input| input.summary.last_date).max()?;
    let is_last_day = last_date.tomorrow().is_ok_and(|next| next.month() != last_date.month());
    let complete = if is_last_day { months.last() } else { months.last().previous() };
    Some((months, complete))
}

/// Same inputs, same code, same id.
fn release_id(complete_through: Month, origin: Origin, inputs: &[Input]) -> Result<ReleaseId, Error> {
    let cleaned = inputs.iter().map(|input| input.clean.as_str());
    let of = match origin {
        Origin::Demo => "demo",
        Origin::City => "city",
    };
    let hash = hash(cleaned.chain([of, marts::CODE_VERSION]));
    let damaged =
        |e: crate::domain::ParseError| release::Error::Damaged { key: "release".to_owned(), cause: e.to_string() };
    Ok(ReleaseId::new(complete_through, &hash).map_err(damaged)?)
}
