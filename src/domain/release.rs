//! The names of a published state and of the run that made it.

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

/// Names a run of the pipeline: when it started, to the millisecond, and six hex digits of chance,
/// `20261125T234749123Z-0c3f9a`. Sorted by name they are sorted by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// Of a run that starts now. Runs that start at the same time differ by chance.
    pub fn new(now: jiff::Timestamp, chance: u32) -> Self {
        Self(format!("{}-{:06x}", now.strftime("%Y%m%dT%H%M%S%3fZ"), chance & 0xff_ffff))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        let hex = |part: &str| part.len() == 6 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let time = |text: &str| {
            text.strip_suffix('Z').and_then(|t| t.split_once('T')).is_some_and(|(d, t)| digits(d, 8) && digits(t, 9))
        };
        match text.split_once('-') {
            Some((started, chance)) if time(started) && hex(chance) => Ok(Self(text.to_owned())),
            _ => Err(ParseError::new(text, "a run written YYYYMMDDTHHMMSSmmmZ-<6 hex digits>")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_prints_what_it_parses_and_refuses_the_rest() {
        let run = RunId::new("2026-11-25T23:47:49.012Z".parse().unwrap(), 0x1234_5678);
        assert_eq!(run.as_str(), "20261125T234749012Z-345678");
        assert_eq!(run.as_str().parse::<RunId>().unwrap(), run);
        for bad in ["", "20261125T234749012Z", "20261125T234749012Z-34567G", "../20261125T234749012Z-345678"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }
}
