//! The built program on real files, over HTTP, from outside.
//!
//! Tests named `shared_…` need the folder `../shared` beside the repository (full-size look-alikes of the City's files
//! with an independent ground truth, and real forestry rows). They are ignored by plain `cargo test`; `make test` runs
//! them where the folder is there and says so.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
mod areas;
mod boundaries;
mod city;
mod contract;
mod eras;
mod faults;
mod fetch;
mod layers;
mod locate;
mod many;
mod operations;
mod pages;
mod parquet_file;
mod program;
mod refresh;
mod serving;
mod settings;
mod simulation;
mod supply;
mod truth;
mod warehouse_schema;
