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
