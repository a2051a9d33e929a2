//! How a refresh fails.

use std::path::PathBuf;

use crate::clean;
use crate::lake;
use crate::marts;
use crate::release;
use crate::source;
use crate::warehouse;

/// Why a refresh ended without a release. The release before it is still live.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source can't be had.
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
    /// The warehouse can't be filled.
    #[error(transparent)]
    Warehouse(warehouse::Error),
    /// The release can't be recorded.
    #[error(transparent)]
    Release(#[from] release::Error),
    /// The file that the live release was made of does not pass the contract any more: the code changed.
    #[error("the last good file is refused as well: {0}")]
    LastGood(String),
    /// `clean` was not told the year.
    #[error("{}: which year is it of? Its name is not like SR2024.zip: say --year", .0.display())]
    NoYear(PathBuf),
    /// `clean` would mix its output with something else.
    #[error("{}: expected an empty folder", .0.display())]
    NotEmpty(PathBuf),
    /// No file was taken in, or none has a row.
    #[error("no row of any file was accepted")]
    NoRows,
    /// The lake has no files as they came.
    #[error("the lake holds no yearly files: refresh from the source first")]
    NoRaw,
    /// What was written is not what is read.
    #[error("not published: read back, {0}")]
    NotReadBack(String),
    /// Spark did not clean the files.
    #[error("Spark: {0}")]
    Spark(String),
    /// What `clean` made of a file is not all there, although its summary is.
    #[error("lake object {0} is missing")]
    Incomplete(String),
    /// Another run published since this one began.
    #[error("another run published meanwhile; run it again")]
    Superseded,
    /// Another run took the lease over.
    #[error("another run took over; nothing was published by this one")]
    LeaseLost,
    /// It was told to stop.
    #[error("stopped before the end; started again, it goes on from there")]
    Interrupted,
    /// There is nothing to go back to.
    #[error("not rolled back: {0}")]
    NoRollback(String),
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

impl Error {
    /// Whether it is about a yearly file, and no other try would end otherwise.
    pub fn is_of_the_file(&self) -> bool {
        matches!(self, Self::Clean(error) if error.is_of_the_file())
    }
}

impl From<warehouse::Error> for Error {
    fn from(error: warehouse::Error) -> Self {
        match error {
            warehouse::Error::Superseded => Self::Superseded,
            error => Self::Warehouse(error),
        }
    }
}
