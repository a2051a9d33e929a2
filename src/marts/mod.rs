//! The small precomputed tables that everything is served from.
//!
//! | mart | a row per | ordered by |
//! |--|--|--|
//! | `requests_by_area_month` | request type, geography, area, month, status | request type, then as named |
//! | `totals_by_area_month` | geography, area, month, status, over all types | as named |
//! | `request_types` | request type | request type |
//! | `requests_by_hour` | weekday, hour, and area over all types or type over the whole city | as named |
//!
//! `requests_by_area_month` and `totals_by_area_month` have the columns `request_type, geography, ward_model, area, month,
//! status, requests`; in the totals, `request_type` is `all`. Each accepted row is counted once for `geography = ward` and
//! once for `geography = fsa`, with `area` null where it has none there, so the sum over a geography is the number of
//! accepted rows. `request_types` has `request_type, label, division, section, first_month, last_month, requests`.
//! `requests_by_hour` has `request_type, geography, ward_model, area, weekday, hour, requests`, of all months together;
//! `request_type` is `all` in the rows of areas and `geography` is `city` in those of types.
//!
//! A mart is the sum of the partial counts that `clean` made of each yearly file: a refresh re-reads only the file that
//! changed and merges the rest. [`sql`] has the same marts for BigQuery, made by the queries beside it.

mod build;
mod by_area;
mod hours;
mod read;
mod series;
pub mod sql;
mod write;

pub use build::{Error as BuildError, Partial, build};
pub use by_area::TypesByArea;
pub use hours::{Hours, Week};
pub use read::{Error, Marts, cell_rows, type_uses};
pub use series::{AreaCounts, Period, Series};

pub use crate::clean::request_types::TypeUse;

/// Names the code that built the marts; part of a release's id.
pub const CODE_VERSION: &str = env!("MARTS_CODE_VERSION");

/// Counts by type, area, month and status.
pub const REQUESTS_BY_AREA_MONTH: &str = "requests_by_area_month.parquet";
/// The same over all types.
pub const TOTALS_BY_AREA_MONTH: &str = "totals_by_area_month.parquet";
/// The request types.
pub const REQUEST_TYPES: &str = "request_types.parquet";
/// Counts by hour of the week.
pub const REQUESTS_BY_HOUR: &str = "requests_by_hour.parquet";

/// All marts of a release.
pub const ALL: [&str; 4] = [REQUESTS_BY_AREA_MONTH, TOTALS_BY_AREA_MONTH, REQUEST_TYPES, REQUESTS_BY_HOUR];

/// What stands for the request type in the totals. A label's slug can be this only if the City names a type "All".
pub const ALL_TYPES: &str = "all";
