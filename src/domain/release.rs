//! The name of a published state.

use std::fmt;
use std::str::FromStr;

use super::{Month, ParseError};

/// Names a release: its last complete month and twelve hex digits of a hash over its inputs and the code,
/// `2026-09-1f0c2a9b83d4`. Sorted by name they are sorted by month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId(String);

impl ReleaseId {
    /// From the last complete month and a hash in hex, of which the first twelve digits are taken.
    pub fn new(complete_through: Month, hash: &str) -> Result<Self, ParseError> {
        format!("{complete_through}-{}", hash.get(..12).unwrap_or(hash)).parse()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReleaseId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let hex = |hash: &str| hash.len() == 12 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match text.rsplit_once('-') {
            Some((month, hash)) if month.parse::<Month>().is_ok() && hex(hash) => Ok(Self(text.to_owned())),
            _ => Err(ParseError::new(text, "a release written YYYY-MM-<12 hex digits>")),
        }
    }
}
