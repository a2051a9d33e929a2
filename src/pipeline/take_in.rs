//! One year: from the source, or from the lake, to a cleaned folder that the guards let pass.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::local::{blocking, files_below, temporary_folder};
use super::log::{RunLog, StepClock};
use super::progress::Progress;
use super::{Error, guards, hash};
use crate::clean::{self, Summary};
use crate::lake::{Key, Lake};
use crate::release::run::{Guard, Held, Step};
use crate::release::{self, Input, Release};
use crate::source::{self, Look, Resource, Source, Validator};

/// Where the file of a year is.
pub(super) enum Candidate {
    /// The source has it.
    Source(Resource),
    /// The lake has it, from an earlier run.
    Raw {
        /// Of its bytes.
        sha256: String,
        /// Its size.
        bytes: u64,
    },
}

/// A year's file in the lake.
pub(super) struct Stored {
    year: u16,
    sha256: String,
    bytes: u64,
    /// On the local disk, too, if it has just come.
    local: Option<(TempDir, PathBuf)>,
    /// How it is known next time, to be written once it has been found good.
    seen: Option<Seen>,
}

impl Stored {
    /// A file that only the lake has, or that the lake has as well.
    fn known(year: u16, sha256: String, bytes: u64) -> Self {
        Self { year, sha256, bytes, local: None, seen: None }
    }
}

/// What a look at a year's candidate said.
pub(super) enum Looked {
    /// The lake has it.
    Known(Stored),
    /// It has to be fetched.
    Changed(u16, Resource, Look),
    /// It is held, and there is no earlier one.
    Nothing,
}

/// Whether the lake has a file of the source.
pub(super) enum Known {
    /// These bytes.
    Yes(Seen),
    /// It has to be fetched; what is known of it without.
    No(Look),
}

/// A file of the source that has come into the lake.
pub(super) struct Brought {
    pub sha256: String,
    pub bytes: u64,
    /// On the local disk, too, if it has just come.
    pub local: Option<(TempDir, PathBuf)>,
    /// To be remembered once it has been found good.
    pub seen: Option<Seen>,
}

/// What was at an address under a validator.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Seen {
    url: String,
    validator: Validator,
    sha256: String,
    bytes: u64,
}

/// What all years of a run share.
pub(super) struct Intake<'a> {
    pub lake: &'a Lake,
    pub source: &'a Source,
    pub live: Option<&'a Release>,
    pub log: &'a RunLog,
    pub progress: &'a Progress,
    /// Per cent of the rows.
    pub quarantine_budget: f64,
    /// Years that no guard holds.
    pub accept: &'a [u16],
}

/// A year that was not taken in, or a run that can't go on.
enum Stop {
    Held(Held),
    Run(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Run(error.into())
    }
}

impl Intake<'_> {
    /// Finds out whether a year's file has to be fetched. One that can't be had is held: then what the live release has of
    /// the year, if anything.
    pub(super) async fn look(&self, year: u16, candidate: Result<Candidate, source::Error>) -> Result<Looked, Error> {
        let resource = match candidate {
            Ok(Candidate::Source(resource)) => resource,
            Ok(Candidate::Raw { sha256, bytes }) => {
                self.progress.expect(bytes);
                return Ok(Looked::Known(Stored::known(year, sha256, bytes)));
            }
            Err(error) => return Ok(self.held(year, &error, None).await),
        };
        let clock = StepClock::start("fetch", Some(resource.name.clone()));
        match self.known(&resource, &clock).await? {
            Ok(Known::Yes(seen)) => {
                self.progress.expect(seen.bytes);
                Ok(Looked::Known(Stored::known(year, seen.sha256, seen.bytes)))
            }
            Ok(Known::No(look)) => Ok(Looked::Changed(year, resource, look)),
            Err(error) => Ok(self.held(year, &error, Some(&clock)).await),
        }
    }

    /// Brings a file that changed into the lake.
    pub(super) async fn fetch(&self, looked: Looked) -> Result<Option<Stored>, Error> {
        let (year, resource, look) = match looked {
            Looked::Known(stored) => return Ok(Some(stored)),
            Looked::Nothing => return Ok(None),
            Looked::Changed(year, resource, look) => (year, resource, look),
        };
        self.progress.say(format!("reading {}", resource.name));
        let clock = StepClock::start("fetch", Some(resource.name.clone()));
        match self.bring(&resource, &look, &clock).await? {
            Ok(Brought { sha256, bytes, local, seen }) => {
                Ok(Some(Stored { local, seen, ..Stored::known(year, sha256, bytes) }))
            }
            Err(error) => match self.held(year, &error, Some(&clock)).await {
                Looked::Known(stored) => Ok(Some(stored)),
                _ => Ok(None),
            },
        }
    }

    /// Records that a year is held by its source, and goes back to its last good file.
    async fn held(&self, year: u16, error: &source::Error, clock: Option<&StepClock>) -> Looked {
        if let Some(clock) = clock {
            self.log.step(clock.end("held")).await;
        }
        self.log.hold(held(year, Guard::Source, error));
        self.last_good(year).map_or(Looked::Nothing, Looked::Known)
    }

    /// Whether the source says that a file is one that the lake has. The inner error is the source's, the outer one ends the
    /// run.
    pub(super) async fn known(
        &self,
        resource: &Resource,
        clock: &StepClock,
    ) -> Result<Result<Known, source::Error>, Error> {
        let look = match self.source.look(resource).await {
            Ok(look) => look,
            Err(error) => return Ok(Err(error)),
        };
        let Some(seen) = self.seen(resource, look.validator.as_ref()).await? else {
            // To be fetched, and to be cleaned.
            self.progress.expect(2 * look.bytes.unwrap_or_default());
            return Ok(Ok(Known::No(look)));
        };
        self.log.step(Step { output: Some(seen.sha256.clone()), bytes: Some(0), ..clock.end("skipped") }).await;
        Ok(Ok(Known::Yes(seen)))
    }

    /// Brings a file of the source into the lake.
    pub(super) async fn bring(
        &self,
        resource: &Resource,
        look: &Look,
        clock: &StepClock,
    ) -> Result<Result<Brought, source::Error>, Error> {
        let folder = temporary_folder()?;
        let path = folder.path().join(&resource.name);
        let progress = |bytes| self.progress.fetched(bytes);
        let downloaded = match self.source.download(resource, look, &path, &progress).await {
            Ok(downloaded) => downloaded,
            Err(error) => return Ok(Err(error)),
        };
        let (sha256, bytes) = (downloaded.sha256, downloaded.bytes);
        let raw = Key::Raw { resource: &resource.name, sha256: &sha256 };
        if self.lake.size(raw).await? != Some(bytes) {
            self.lake.write_from_file(raw, &path).await?;
        }
        self.log.step(Step { output: Some(sha256.clone()), bytes: Some(bytes), ..clock.end("done") }).await;
        let seen = downloaded.validator.map(|validator| {
            let url = resource.location.clone();
            Seen { url, validator, sha256: sha256.clone(), bytes }
        });
        Ok(Ok(Brought { sha256, bytes, local: Some((folder, path)), seen }))
    }

    /// Remembers what was at an address, once it has been found good: what is not good is fetched again next time.
    pub(super) async fn remember(&self, seen: Option<&Seen>) -> Result<(), Error> {
        let Some(seen) = seen else { return Ok(()) };
        let id = seen_id(&seen.url, &seen.validator);
        Ok(self.lake.replace(Key::Seen(&id), serde_json::to_vec_pretty(seen).unwrap_or_default()).await?)
    }

    /// What an address gave when it had this validator, if the lake still has it.
    async fn seen(&self, resource: &Resource, validator: Option<&Validator>) -> Result<Option<Seen>, Error> {
        let Some(validator) = validator else { return Ok(None) };
        let Some(json) = self.lake.get(Key::Seen(&seen_id(&resource.location, validator))).await? else {
            return Ok(None);
        };
        let Ok(seen) = serde_json::from_slice::<Seen>(&json) else { return Ok(None) };
        let raw = Key::Raw { resource: &resource.name, sha256: &seen.sha256 };
        Ok((self.lake.size(raw).await? == Some(seen.bytes)).then_some(seen))
    }

    /// What the live release has of a year.
    fn last_good(&self, year: u16) -> Option<Stored> {
        let Input { sha256, bytes, .. } = self.live?.input(year)?;
        Some(Stored::known(year, sha256.clone(), *bytes))
    }

    /// Cleans a file, as far as this code has not done so before. One that breaks the contract or that a guard holds is
    /// replaced by what the live release has of the year, if anything.
    pub(super) async fn clean(&self, stored: Option<Stored>) -> Result<Option<Input>, Error> {
        let Some(stored) = stored else { return Ok(None) };
        let year = stored.year;
        let clock = StepClock::start("clean", Some(release::resource(year)));
        let held = match self.try_clean(stored, &clock).await {
            Ok(input) => return Ok(Some(input)),
            Err(Stop::Held(held)) => held,
            Err(Stop::Run(error)) => return Err(error),
        };
        self.log.step(clock.end("held")).await;
        self.log.hold(held);
        let Some(last_good) = self.last_good(year) else { return Ok(None) };
        let clock = StepClock::start("clean", Some(release::resource(year)));
        match self.try_clean(last_good, &clock).await {
            Ok(input) => Ok(Some(input)),
            Err(Stop::Held(held)) => Err(Error::LastGood(held.message)),
            Err(Stop::Run(error)) => Err(error),
        }
    }

    async fn try_clean(&self, stored: Stored, clock: &StepClock) -> Result<Input, Stop> {
        let Stored { year, sha256, bytes, .. } = &stored;
        let clean = hash([sha256.as_str(), &year.to_string(), clean::CODE_VERSION]);
        let (summary, outcome) = match cleaned_before(self.lake, &clean).await? {
            Some(summary) => (summary, "skipped"),
            None => (self.clean_into(&clean, &stored).await?, "done"),
        };
        self.progress.cleaned(*bytes, summary.read);
        self.log
            .step(Step {
                input: Some(sha256.clone()),
                output: Some(clean.clone()),
                rows_read: Some(summary.read),
                rows_accepted: Some(summary.accepted),
                rows_quarantined: Some(summary.quarantined()),
                ..clock.end(outcome)
            })
            .await;
        self.remember(stored.seen.as_ref()).await?;
        // What is live was let pass, by the guards or by somebody who looked at it.
        let is_live = self.live.and_then(|live| live.input(*year)).is_some_and(|input| input.sha256 == *sha256);
        if !is_live && !self.accept.contains(year) {
            self.guard(&summary).map_err(Stop::Held)?;
        }
        Ok(Input { sha256: sha256.clone(), bytes: *bytes, clean, summary })
    }

    fn guard(&self, summary: &Summary) -> Result<(), Held> {
        guards::quarantine_budget(summary, self.quarantine_budget)?;
        match self.live.and_then(|live| Some((live.input(summary.year)?, live.complete_through))) {
            Some((input, complete_through)) => guards::volume(summary, input, complete_through),
            None => Ok(()),
        }
    }

    async fn clean_into(&self, clean: &str, stored: &Stored) -> Result<Summary, Stop> {
        let year = stored.year;
        let name = release::resource(year);
        self.progress.say(format!("cleaning {name}"));
        let fetched;
        let path = match &stored.local {
            Some((_, path)) => path.clone(),
            None => {
                fetched = temporary_folder()?;
                let raw = Key::Raw { resource: &name, sha256: &stored.sha256 };
                let path = fetched.path().join(&name);
                self.lake.fetch(raw, &path).await?;
                path
            }
        };
        // The work owns its folder: when the run is told to stop, it stays until the work is done.
        let cleaned = blocking(move || {
            let out = temporary_folder()?;
            Ok((clean::clean(&path, year, out.path())?, out))
        });
        let (summary, out) = cleaned.await.map_err(|error| match error {
            Error::Clean(error) if error.is_of_the_file() => Stop::Held(held(year, Guard::Contract, &error)),
            error => Stop::Run(error),
        })?;
        self.store(clean, out.path()).await?;
        Ok(summary)
    }

    async fn store(&self, clean: &str, out: &Path) -> Result<(), Error> {
        let mut outputs = files_below(out)?;
        // The summary says that the folder is complete, so it goes last.
        outputs.sort_by_key(|name| (name == clean::SUMMARY, name.clone()));
        for name in &outputs {
            self.lake.write_from_file(Key::Clean { id: clean, file: name }, &out.join(name)).await?;
        }
        Ok(())
    }
}

fn held(year: u16, guard: Guard, why: &dyn std::fmt::Display) -> Held {
    Held { year, guard, message: why.to_string() }
}

fn seen_id(url: &str, validator: &Validator) -> String {
    // Servers of one portal agree on a strong ETag, but neither on the date nor on whether HEAD tells the size.
    let Validator { etag, last_modified, bytes } = validator;
    let size = bytes.map(|bytes| bytes.to_string());
    let parts = if etag.is_some() { [etag, &None, &None] } else { [&None, last_modified, &size] };
    hash([url].into_iter().chain(parts.map(|part| part.as_deref().unwrap_or_default())))
}

async fn cleaned_before(lake: &Lake, clean: &str) -> Result<Option<Summary>, Error> {
    let key = Key::Clean { id: clean, file: clean::SUMMARY };
    let Some(json) = lake.get(key).await? else { return Ok(None) };
    // A summary that cannot be read is the same as none: the file is cleaned again.
    Ok(serde_json::from_slice(&json).ok())
}
