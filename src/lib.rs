//! Toronto's 311 requests, from the City's yearly files to a map.
//!
//! ```text
//! source -> lake -> clean -> warehouse -> marts -> choropleth -> web      (data)
//! '------------------ pipeline ----------------'   '---- web ----'        (calls)
//! ```
//!
//! | module | in | out |
//! |--|--|--|
//! | [`domain`] | text | months, areas, types, statuses: what travels between the others |
//! | [`config`], [`telemetry`], [`signals`] | arguments, environment, signals | settings, log lines, the word to stop |
//! | [`source`] | the City's portal, a folder, or nothing for the demo | yearly files on the local disk |
//! | [`lake`] | bytes | named objects; the only place that knows a path |
//! | [`clean`] | a yearly file | accepted and quarantined rows, partial counts |
//! | [`warehouse`] | cleaned months, SQL | tables of BigQuery and their rows, where that is set |
//! | [`marts`] | partial counts | small tables; all counts of one type in memory |
//! | [`release`] | inputs, marts, runs | the records of published states and of runs, the pointer to the live one |
//! | [`pipeline`] | a source | a release: the steps in order, when and by whom |
//! | [`boundaries`] | official boundary files | `geo/`, and back into memory |
//! | [`choropleth`] | areas and counts | values, classes, colours, legend, SVG, GeoJSON: pure functions |
//! | [`web`] | a URL | a page or an answer of the API |
//!
//! Which module may import which is in `tests/system/layers.rs`.
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
pub mod signals;
pub mod source;
pub mod telemetry;
pub mod warehouse;
pub mod web;
