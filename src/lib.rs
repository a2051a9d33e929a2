//! Toronto's 311 requests, from the City's yearly files to a map.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod boundaries;
pub mod choropleth;
pub mod clean;
pub mod config;
pub mod domain;
pub mod lake;
pub mod marts;
pub mod pipeline;
pub mod release;
pub mod source;
pub mod telemetry;
pub mod web;
