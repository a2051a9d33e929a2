//! A refresh: yearly files in, a published release out.
//!
//! 1. find the yearly files of the source;
//! 2. keep each as it came, under the hash of its bytes;
//! 3. clean those that this code has not cleaned before;
//! 4. merge the partial counts of all into marts;
//! 5. write the release's record, then point to it.
//!
//! Each step's output is named by its inputs and by the code: a refresh that was stopped anywhere is simply started again, skips what is there, and arrives at the same release. Until the last step
//! the earlier release stays live.

use std::path::{Path, PathBuf};
use std::time::Instant;

use futures::{StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tracing::{Instrument, info, info_span, warn};

use crate::clean::{self, Summary};
use crate::domain::{Month, MonthRange, ReleaseId};
use crate::lake::{self, Key, Lake, hex};
use crate::marts::{self, Partial, TypeUse};
use crate::release::{self, Input, Mart, Origin, Release};
use crate::source::{self, YearFile};

/// Why a refresh ended without a release. The release before it is still live.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source has no usable files.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// A file breaks the data contract.
    #[error(transparent)]
    Clean(#[from] clean::Error),
    /// The lake can't be read or written.
    #[error(transparent)]
    Lake(#[from] lake::Error),
    /// A mart or partial counts can't be read back.
    #[error("request types: {0}")]
    Types(#[from] marts::Error),
    /// The marts can't be built.
    #[error(transparent)]
    Marts(#[from] marts::BuildError),
    /// The release can't be recorded.
    #[error(transparent)]
    Release(#[from] release::Error),
    /// A file has so many bad rows of one kind that the source must have changed.
    #[error("{file}: {rows} of {read} rows are {}, more than {budget} %; the first is {example}", reason.as_str())]
    OverBudget {
        /// Name of the file.
        file: String,
        /// What is wrong with the rows.
        reason: clean::Reason,
        /// How many of them.
        rows: u64,
        /// Rows of the file.
        read: u64,
        /// In per cent.
        budget: f64,
        /// One of them.
        example: String,
    },
    /// `clean` was not told the year.
    #[error("{}: which year is it of? Its name is not like SR2024.zip: say --year", .0.display())]
    NoYear(PathBuf),
    /// `clean` would mix its output with something else.
    #[error("{}: expected an empty folder", .0.display())]
    NotEmpty(PathBuf),
    /// Every file was read, and no row was accepted.
    #[error("no row of any file was accepted")]
    NoRows,
    /// The local disk failed.
    #[error("{}: {cause}", .path.display())]
    Disk {
        /// The file or folder in question.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// A step panicked: a bug.
    #[error("a step of the refresh stopped unexpectedly: {0}")]
    Bug(#[from] tokio::task::JoinError),
}

/// How a refresh ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A new release is live.
    Published(ReleaseId),
    /// Same inputs and same code as the live release.
    NoChange(ReleaseId),
}

/// Publishes the yearly files of a folder, if none has more rows in quarantine for one reason than `budget` per cent.
pub async fn refresh_from_folder(lake: &Lake, folder: &Path, budget: f64) -> Result<Outcome, Error> {
    refresh(lake, source::year_files(folder)?, Origin::Folder, budget).await
}

/// Cleans one file into a folder that is empty or not there, and compares its request types with a lake's live release.
pub async fn clean_file(file: &Path, year: Option<u16>, out: &Path, against: Option<&Lake>) -> Result<Summary, Error> {
    let year = year.or_else(|| source::year_of(file)).ok_or_else(|| Error::NoYear(file.to_owned()))?;
    std::fs::create_dir_all(out).map_err(disk(out))?;
    if std::fs::read_dir(out).map_err(disk(out))?.next().is_some() {
        return Err(Error::NotEmpty(out.to_owned()));
    }
    let mut summary = clean::clean(file, year, out)?;
    if let Some(lake) = against {
        let known = live_types(lake).await?;
        let types = out.join(clean::REQUEST_TYPES);
        let file = std::fs::File::open(&types).map_err(disk(&types))?;
        let unknown = new_types(&known, marts::type_uses(file)?);
        summary.unknown_labels = unknown.into_iter().map(|used| (used.label, used.requests)).collect();
    }
    Ok(summary)
}

/// The request types of the live release; none in an empty lake.
async fn live_types(lake: &Lake) -> Result<Vec<TypeUse>, Error> {
    let Some(current) = release::current(lake).await? else { return Ok(Vec::new()) };
    let types = lake.get(Key::Mart { release: &current.release, file: marts::REQUEST_TYPES }).await?;
    Ok(types.map(marts::type_uses).transpose()?.unwrap_or_default())
}

/// Those whose type is not known.
fn new_types(known: &[TypeUse], mut types: Vec<TypeUse>) -> Vec<TypeUse> {
    types.retain(|used| !known.iter().any(|known| known.request_type == used.request_type));
    types
}

/// Publishes three years of generated requests if the lake has no release.
pub async fn demo_if_empty(lake: &Lake) -> Result<(), Error> {
    if release::current(lake).await?.is_none() {
        info!("the lake is empty: building a demo release");
        refresh_from_demo(lake).await?;
    }
    Ok(())
}

async fn refresh_from_demo(lake: &Lake) -> Result<Outcome, Error> {
    let folder = temporary_folder()?;
    let path = folder.path().to_owned();
    blocking(move || source::demo::write(&path).map_err(disk(&path))).await?;
    refresh(lake, source::year_files(folder.path())?, Origin::Demo, 0.0).await
}

async fn refresh(lake: &Lake, files: Vec<YearFile>, origin: Origin, budget: f64) -> Result<Outcome, Error> {
    let started = Instant::now();
    let live =
        release::current(lake).await.map(|current| current.map(|current| current.release)).unwrap_or_else(|error| {
            // Which release was live decides nothing but whether this one is news.
            warn!("{error}; it is written anew");
            None
        });
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let steps = files.into_iter().map(|file| {
        let span = info_span!("file", year = file.year);
        take_in(lake, file).instrument(span)
    });
    let inputs: Vec<Input> = futures::stream::iter(steps).buffered(workers).try_collect().await?;

    inputs.iter().try_for_each(|input| within_budget(&input.summary, budget))?;
    let (months, complete_through) = months_of(&inputs).ok_or(Error::NoRows)?;
    let id = release_id(complete_through, origin, &inputs)?;
    if live.as_ref() == Some(&id) && release::is_whole(lake, &id).await? {
        info!(release = %id, duration_ms = millis(started), "no change");
        return Ok(Outcome::NoChange(id));
    }
    let known = live_types(lake).await.unwrap_or_default();
    let marts = build_marts(lake, &id, &inputs).await?;
    report_new_types(lake, &id, &known).await?;
    let release = Release { release: id.clone(), origin, months, complete_through, inputs, marts };
    if release::publish(lake, &release, jiff::Timestamp::now()).await? {
        info!(release = %id, duration_ms = millis(started), "published");
        Ok(Outcome::Published(id))
    } else {
        info!(release = %id, "not published: something else was, meanwhile");
        Ok(Outcome::NoChange(id))
    }
}

/// Keeps a yearly file and cleans it, as far as that has not been done.
async fn take_in(lake: &Lake, file: YearFile) -> Result<Input, Error> {
    // A copy of our own: what is hashed, kept and cleaned is the same even if someone writes to the source meanwhile.
    let folder = temporary_folder()?;
    let copy = folder.path().join(file.path.file_name().unwrap_or_default());
    let (from, to) = (file.path.clone(), copy.clone());
    let (sha256, bytes) = blocking(move || copy_and_hash(&from, &to).map_err(disk(&from))).await?;
    let raw = Key::Raw { year: file.year, sha256: &sha256 };
    if lake.size(raw).await? != Some(bytes) {
        lake.write_from_file(raw, &copy).await?;
    }

    let name = copy.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let clean = hash([sha256.as_str(), &name, &file.year.to_string(), clean::CODE_VERSION]);
    let summary = match cleaned_before(lake, &clean).await? {
        Some(summary) => summary,
        None => clean_into(lake, &clean, copy, file.year).await?,
    };
    Ok(Input { sha256, bytes, clean, summary })
}

fn within_budget(summary: &Summary, budget: f64) -> Result<(), Error> {
    let Some(reason) = summary.over_budget(budget) else { return Ok(()) };
    Err(Error::OverBudget {
        file: summary.file.clone(),
        reason,
        rows: summary.quarantined.get(&reason).copied().unwrap_or_default(),
        read: summary.read,
        budget: budget * reason.budget_factor(),
        example: summary.examples.get(&reason).cloned().unwrap_or_default(),
    })
}

async fn cleaned_before(lake: &Lake, clean: &str) -> Result<Option<Summary>, Error> {
    let key = Key::Clean { id: clean, file: clean::SUMMARY };
    let Some(json) = lake.get(key).await? else { return Ok(None) };
    // A summary that cannot be read is the same as none: the file is cleaned again.
    Ok(serde_json::from_slice(&json).ok())
}

async fn clean_into(lake: &Lake, clean: &str, file: PathBuf, year: u16) -> Result<Summary, Error> {
    let started = Instant::now();
    let out = temporary_folder()?;
    let path = out.path().to_owned();
    let summary = blocking(move || clean::clean(&file, year, &path).map_err(Error::from)).await?;
    let mut outputs = files_below(out.path()).map_err(disk(out.path()))?;
    // The summary says that the folder is complete, so it goes last.
    outputs.sort_by_key(|name| (name == clean::SUMMARY, name.clone()));
    for name in &outputs {
        lake.write_from_file(Key::Clean { id: clean, file: name }, &out.path().join(name)).await?;
    }
    info!(
        file = summary.file,
        rows_read = summary.read,
        rows_accepted = summary.accepted,
        rows_repaired = summary.repaired,
        rows_quarantined = summary.quarantined(),
        duration_ms = millis(started),
        "cleaned"
    );
    Ok(summary)
}

/// New types pass through. They are said, since one may be an old one under another name.
async fn report_new_types(lake: &Lake, id: &ReleaseId, known: &[TypeUse]) -> Result<(), Error> {
    let types = lake.get(Key::Mart { release: id, file: marts::REQUEST_TYPES }).await?;
    let new = new_types(known, types.map(marts::type_uses).transpose()?.unwrap_or_default());
    if !known.is_empty() && !new.is_empty() {
        let labels: Vec<_> = new.iter().take(20).map(|used| used.label.as_str()).collect();
        warn!(release = %id, new_types = new.len(), "types that the release before did not have: {}", labels.join("; "));
    }
    Ok(())
}

async fn build_marts(
    lake: &Lake,
    id: &ReleaseId,
    inputs: &[Input],
) -> Result<std::collections::BTreeMap<String, Mart>, Error> {
    let started = Instant::now();
    let folder = temporary_folder()?;
    let mut partials = Vec::new();
    for (n, input) in inputs.iter().enumerate() {
        let fetch = async |file: &str| {
            lake.fetch(Key::Clean { id: &input.clean, file }, folder.path(), &format!("{n}-{file}")).await
        };
        partials
            .push(Partial { counts: fetch(clean::COUNTS).await?, request_types: fetch(clean::REQUEST_TYPES).await? });
    }
    let out = temporary_folder()?;
    let path = out.path().to_owned();
    blocking(move || marts::build(&partials, &path).map_err(Error::from)).await?;
    let mut built = std::collections::BTreeMap::new();
    for name in files_below(out.path()).map_err(disk(out.path()))? {
        let file = out.path().join(&name);
        let content = std::fs::read(&file).map_err(disk(&file))?;
        lake.write_from_file(Key::Mart { release: id, file: &name }, &file).await?;
        built.insert(name, Mart { sha256: lake::sha256(&content), bytes: content.len() as u64 });
    }
    info!(release = %id, duration_ms = millis(started), "built marts");
    Ok(built)
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
        Origin::Folder => "folder",
    };
    let hash = hash(cleaned.chain([of, marts::CODE_VERSION]));
    let damaged =
        |e: crate::domain::ParseError| release::Error::Damaged { key: "release".to_owned(), cause: e.to_string() };
    Ok(ReleaseId::new(complete_through, &hash).map_err(damaged)?)
}

fn copy_and_hash(from: &Path, to: &Path) -> std::io::Result<(String, u64)> {
    use std::io::{Read, Write};
    let mut from = std::fs::File::open(from)?;
    let mut to = std::fs::File::create(to)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let n = from.read(&mut chunk)?;
        if n == 0 {
            return Ok((hex(&hash.finalize()), bytes));
        }
        hash.update(&chunk[..n]);
        to.write_all(&chunk[..n])?;
        bytes += n as u64;
    }
}

/// Names of all files below a folder, relative to it and with `/`, in order.
fn files_below(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            names.extend(files_below(&entry.path())?.into_iter().map(|below| format!("{name}/{below}")));
        } else {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn temporary_folder() -> Result<tempfile::TempDir, Error> {
    tempfile::tempdir().map_err(disk(&std::env::temp_dir()))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await?
}

fn disk(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |cause| Error::Disk { path: path.clone(), cause }
}

/// Of the parts in order, each with its end marked; in hex.
fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}

fn millis(since: Instant) -> u64 {
    since.elapsed().as_millis() as u64
}
