//! Toronto's 311 requests, from the City's yearly files to a map.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod boundaries;
pub mod domain;
