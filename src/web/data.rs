//! The page about the data: what was read, what is allowed, how areas are compared.

use askama::Template;

use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::site::Site;
use crate::choropleth::measure::thousands;
use crate::choropleth::{FEW_REQUESTS, FEW_RESIDENTS};
use crate::clean::Summary;
use crate::clean::contract::{RULES, Rule};

/// The account of one file, written for people.
struct FileRow<'a> {
    name: &'a str,
    /// In the order of the page's columns.
    numbers: [String; 6],
    quarantined: Vec<(&'a str, String)>,
}

impl<'a> FileRow<'a> {
    fn new(summary: &'a Summary) -> Self {
        let Summary { read, accepted, repaired, without_ward, without_fsa, duplicates, .. } = *summary;
        Self {
            name: &summary.file,
            numbers: [read, accepted, repaired, without_ward, without_fsa, duplicates].map(thousands),
            quarantined: summary.quarantined.iter().map(|(reason, &rows)| (reason.as_str(), thousands(rows))).collect(),
        }
    }
}

/// Columns of `/map.csv`, with what they are.
const COLUMNS: [(&str, &str); 17] = [
    ("from", "First month of the period"),
    ("to", "Last month, included"),
    ("geography", "ward or fsa"),
    ("area", "Code: a ward’s number in two digits, or the first three characters of a postal code"),
    ("name", "Name of the ward; the code again for a postal area"),
    ("request_type", "Id of the request type; empty for all"),
    ("status", "Status on the day of publication; empty for any"),
    ("requests", "Requests in the period"),
    ("base", "What share and change compare with: all requests of the area, or those a year before"),
    ("population", "Residents by the census"),
    ("population_year", "Year of the census"),
    ("area_km2", "Square kilometres"),
    ("measure", "What is compared"),
    ("value", "In the unit of the measure; empty where there is nothing to divide by"),
    ("rank", "From 1 for the highest; empty for unstable values"),
    ("class", "Number of its colour, from 0 for the lowest"),
    ("state", "value, zero, no_data or unstable"),
];

#[derive(Template)]
#[template(path = "data.html")]
struct DataPage<'a> {
    site: Site<'a>,
    files: Vec<FileRow<'a>>,
    rules: &'a [Rule],
    few_requests: u64,
    few_residents: String,
}

/// Renders the page for a release.
pub fn page(live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let page = DataPage {
        site: Site::new(live, layers),
        files: live.release.inputs.iter().map(|input| FileRow::new(&input.summary)).collect(),
        rules: &RULES,
        few_requests: FEW_REQUESTS,
        few_residents: thousands(FEW_RESIDENTS.into()),
    };
    Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
}
