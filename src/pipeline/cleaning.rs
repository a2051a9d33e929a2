//! A yearly file to a cleaned folder of the lake. What it makes is named by the file and by the code.

use std::path::{Path, PathBuf};

use super::local::{blocking, disk, files_below, temporary_folder};
use super::{Error, hash, live_types, new_types};
use crate::clean::{self, Summary};
use crate::lake::{Key, Lake};
use crate::marts;
use crate::release;
use crate::source;

/// The name of the cleaned folder.
pub(super) fn id(year: u16, sha256: &str) -> String {
    hash([sha256, &year.to_string(), clean::CODE_VERSION])
}

/// What was found when this file was cleaned before by this code, if it was.
pub(super) async fn before(lake: &Lake, id: &str) -> Result<Option<Summary>, Error> {
    let Some(json) = lake.get(Key::Clean { id, file: clean::SUMMARY }).await? else { return Ok(None) };
    // A summary that cannot be read is the same as none: the file is cleaned again.
    Ok(serde_json::from_slice(&json).ok())
}

/// Cleans a file on the local disk into the lake.
pub(super) async fn of_local(lake: &Lake, id: &str, path: PathBuf, year: u16) -> Result<Summary, Error> {
    // The work owns its folder: when the run is told to stop, it stays until the work is done.
    let cleaned = blocking(move || {
        let out = temporary_folder()?;
        Ok((clean::clean(&path, year, out.path())?, out))
    });
    let (summary, out) = cleaned.await?;
    store(lake, id, out.path()).await?;
    Ok(summary)
}

/// Cleans a file that the lake holds as it came into the lake.
pub(super) async fn of_raw(lake: &Lake, id: &str, year: u16, sha256: &str) -> Result<Summary, Error> {
    let (folder, name) = (temporary_folder()?, release::resource(year));
    let path = folder.path().join(&name);
    lake.fetch(Key::Raw { resource: &name, sha256 }, &path).await?;
    of_local(lake, id, path, year).await
}

async fn store(lake: &Lake, id: &str, out: &Path) -> Result<(), Error> {
    let mut outputs = files_below(out)?;
    // The summary says that the folder is complete, so it goes last.
    outputs.sort_by_key(|name| (name == clean::SUMMARY, name.clone()));
    for name in &outputs {
        lake.write_from_file(Key::Clean { id, file: name }, &out.join(name)).await?;
    }
    Ok(())
}

/// Cleans a file that the lake holds as it came, unless that was done before; returns the name of the cleaned folder.
pub async fn clean_raw(lake: &Lake, year: u16, sha256: &str) -> Result<String, Error> {
    let id = id(year, sha256);
    if before(lake, &id).await?.is_none() {
        of_raw(lake, &id, year, sha256).await?;
    }
    Ok(id)
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
