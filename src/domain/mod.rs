//! The words of this project as types: parsed once at the edge, after which nothing travels as a bare string.
//!
//! Every type here prints exactly what it parses, and that text is the same in URLs, JSON, Parquet and logs.

mod area;
mod month;
mod release;
mod request;

use serde::{Deserialize, Serialize};

pub use area::{Area, Fsa, Geography, Ward, WardModel};
pub use month::{Month, MonthRange};
pub use release::{ReleaseId, RunId};
pub use request::{Status, TypeId};

/// A text that is not a value of the type asked for; says what would have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct ParseError {
    /// What was given.
    pub value: String,
    /// What is accepted, as a phrase that follows "is not".
    pub expected: &'static str,
}

impl ParseError {
    fn new(value: &str, expected: &'static str) -> Self {
        Self { value: value.to_owned(), expected }
    }
}

/// Serde by the text form, so that JSON and URLs cannot differ.
macro_rules! serialize_as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+};
}

macro_rules! deserialize_as_text {
    ($($name:ty),+) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

serialize_as_text!(Month, MonthRange, Geography, WardModel, Area, Status, ReleaseId, RunId, TypeId);
deserialize_as_text!(Month, MonthRange, Geography, WardModel, Status, ReleaseId, RunId, TypeId);
