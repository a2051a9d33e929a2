//! The built program on the services of a cloud, over their wire protocols: stand-ins answer, and go wrong on demand.
//!
//! The stand-ins of the City, of a lake's look and of the program are those of `tests/system`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bigquery;
// What only the other tests need is not dead.
#[allow(dead_code)]
#[path = "../system/city/mod.rs"]
mod city;
mod conformance;
mod faults;
mod gcs;
mod in_bucket;
#[allow(dead_code)]
#[path = "../system/faults/lake.rs"]
mod lake;
#[allow(dead_code)]
#[path = "../system/many.rs"]
mod many;
#[allow(dead_code)]
#[path = "../system/program.rs"]
mod program;
mod refresh;
mod warehouse;
