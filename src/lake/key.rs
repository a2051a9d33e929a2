//! What objects are called.

use std::fmt;

use crate::domain::ReleaseId;

/// An object of the lake.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// A file as it came.
    Raw {
        /// What it is: `SR2024`.
        resource: &'a str,
        /// Of the file's bytes, in hex.
        sha256: &'a str,
    },
    /// What was found at a URL.
    Seen(&'a str),
    /// A file of a cleaned folder.
    Clean {
        /// Hash of input and code.
        id: &'a str,
        /// Path within the folder, with `/`.
        file: &'a str,
    },
    /// A file of a Spark job.
    Job {
        /// Hash of all its files.
        id: &'a str,
        /// Its name.
        file: &'a str,
    },
    /// A mart of a release.
    Mart {
        /// The release that it belongs to.
        release: &'a ReleaseId,
        /// Name with extension.
        file: &'a str,
    },
    /// The record of a release.
    Release(&'a ReleaseId),
    /// What a release changed.
    Changes(&'a ReleaseId),
    /// The record of a run.
    Run(&'a str),
    /// Which run is at work.
    Lease,
    /// What the warehouse holds.
    Warehouse,
    /// The pointer to the live release.
    Current,
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw { resource, sha256 } => write!(f, "raw/{resource}/{sha256}"),
            Self::Seen(id) => write!(f, "seen/{id}.json"),
            Self::Clean { id, file } => write!(f, "clean/{id}/{file}"),
            Self::Job { id, file } => write!(f, "jobs/{id}/{file}"),
            Self::Mart { release, file } => write!(f, "marts/{release}/{file}"),
            Self::Release(release) => write!(f, "releases/{release}.json"),
            Self::Changes(release) => write!(f, "changes/{release}.json"),
            Self::Run(run) => write!(f, "runs/{run}.json"),
            Self::Lease => f.write_str("state/lease.json"),
            Self::Warehouse => f.write_str("state/warehouse.json"),
            Self::Current => f.write_str("current.json"),
        }
    }
}

/// Objects of one kind, to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Files as they came: `SR<year>/<sha256>`.
    Raw,
    /// Cleaned folders: `<id>/<file>`.
    Clean,
    /// Files of Spark jobs: `<id>/<file>`.
    Jobs,
    /// Marts: `<release>/<mart>.parquet`.
    Marts,
    /// Records of releases: `<release>.json`.
    Releases,
    /// Records of what releases changed: `<release>.json`.
    Changes,
    /// Records of runs: `<run>.json`.
    Runs,
}

impl Shelf {
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Clean => "clean",
            Self::Jobs => "jobs",
            Self::Marts => "marts",
            Self::Releases => "releases",
            Self::Changes => "changes",
            Self::Runs => "runs",
        }
    }
}
