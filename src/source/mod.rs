//! Where yearly files come from: the City's CKAN, a folder, or the built-in demo.
//!
//! [`Source::list`] says which years there are, [`Source::look`] whether one has changed, [`Source::download`] brings it to
//! the local disk. Nothing here is trusted: URLs come from outside, and what is downloaded is bytes with a hash until
//! it has been cleaned.

mod address;
mod ckan;
pub mod demo;
mod folder;
mod http;
mod retry;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use address::Addresses;
pub use folder::year_of;
pub use http::client;

use ckan::Ckan;

/// A source, or a file of it, that can't be had. The text says what was found and what was expected.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Error(String);

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For a connection, for the first byte, between bytes.
    pub stall: Duration,
    /// For one file, with all tries.
    pub download: Duration,
    /// Before the second try; twice that before the third and so on, with jitter.
    pub retry: Duration,
}

/// Where files come from.
pub enum Source {
    /// A folder on the local disk.
    Folder(PathBuf),
    /// The City's portal, or a look-alike.
    Ckan(Box<Ckan>),
}

/// What a source has.
#[derive(Debug, Default)]
pub struct Listing {
    /// By year; or why that year's file can't be told.
    pub years: BTreeMap<u16, Result<Resource, Error>>,
    /// What is odd about the source but stops nothing.
    pub warnings: Vec<String>,
}

/// A file that a source has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// What it is: `SR2024`.
    pub name: String,
    /// Path or URL.
    pub location: String,
}

/// What a server says of a file without sending it: equal validators mean equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validator {
    /// A strong ETag; without one, the date and the size together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// As in the header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// Size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    /// Its size.
    pub bytes: Option<u64>,
    /// Whether it has changed; `None` when that can't be told.
    pub validator: Option<Validator>,
}

/// A file on the local disk.
#[derive(Debug)]
pub struct Downloaded {
    /// Its size.
    pub bytes: u64,
    /// Of its bytes, in hex.
    pub sha256: String,
    /// By which the same bytes are known next time.
    pub validator: Option<Validator>,
}

impl Source {
    /// A source from what the setting says: an address with `://` is a CKAN portal's, all else a folder.
    pub fn new(source: &str, allowed_hosts: &[String], patience: Patience) -> Result<Self, Error> {
        if !source.contains("://") {
            return Ok(Self::Folder(source.into()));
        }
        let addresses = Addresses::new(source, allowed_hosts)?;
        Ok(Self::Ckan(Box::new(Ckan::new(addresses, patience)?)))
    }

    /// Which yearly files there are.
    pub async fn list(&self) -> Result<Listing, Error> {
        match self {
            Self::Folder(folder) => folder::list(folder),
            Self::Ckan(ckan) => ckan.list().await,
        }
    }

    /// The file of the City's ward boundaries; `None` for sources that have none.
    pub async fn wards(&self) -> Result<Option<Resource>, Error> {
        match self {
            Self::Folder(_) => Ok(None),
            Self::Ckan(ckan) => ckan.wards().await.map(Some),
        }
    }

    /// What is known of a file without reading it.
    pub async fn look(&self, resource: &Resource) -> Result<Look, Error> {
        match self {
            Self::Folder(_) => {
                let bytes = std::fs::metadata(&resource.location).ok().map(|file| file.len());
                Ok(Look { bytes, validator: None })
            }
            Self::Ckan(ckan) => ckan.look(resource).await,
        }
    }

    /// Brings a file to the local disk; calls `progress` with the bytes that have come since the last call.
    pub async fn download(
        &self,
        resource: &Resource,
        look: &Look,
        to: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Downloaded, Error> {
        match self {
            Self::Folder(_) => folder::copy(resource, to, progress),
            Self::Ckan(ckan) => ckan.download(resource, look, to, progress).await,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Ckan(ckan) => ckan.fmt(f),
        }
    }
}
