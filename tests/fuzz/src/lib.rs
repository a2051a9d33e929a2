//! The sources of the data contract, compiled for fuzzing, and what must be true whatever comes in.
//!
//! They are included and not depended on, so that the server, the boundaries and what those need are not built a second
//! time with instrumentation: that is most of the program's build.

#[path = "../../../src/clean/mod.rs"]
pub mod clean;
#[path = "../../../src/clean/conservation.rs"]
pub mod conservation;
#[allow(dead_code)]
#[path = "../../../src/domain/mod.rs"]
pub mod domain;
