//! The list of request types: a page, and the same for the field that searches it.

use std::collections::BTreeMap;

use askama::Template;
use serde::Serialize;

use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::site::Site;
use crate::choropleth::measure::thousands;
use crate::marts::TypeUse;

/// A division with its types, by label.
#[derive(Serialize)]
struct Division<'a> {
    division: &'a str,
    types: Vec<Row<'a>>,
}

/// Id, label, requests: arrays, because a thousand objects would be mostly names of members.
#[derive(Serialize)]
struct Row<'a>(&'a str, &'a str, i64);

impl Row<'_> {
    fn requests(&self) -> String {
        thousands(self.2.unsigned_abs())
    }
}

fn divisions(live: &Live) -> Vec<Division<'_>> {
    let mut divisions: BTreeMap<&str, Vec<&TypeUse>> = BTreeMap::new();
    for used in live.marts.types() {
        divisions.entry(&used.division).or_default().push(used);
    }
    divisions.into_iter().map(|(division, uses)| Division { division, types: by_label(uses) }).collect()
}

fn by_label(mut uses: Vec<&TypeUse>) -> Vec<Row<'_>> {
    uses.sort_by_cached_key(|used| used.label.to_lowercase());
    uses.into_iter().map(|used| Row(&used.request_type, &used.label, used.requests)).collect()
}

/// Renders `/types.json`.
pub fn list(live: &Live, _: &Layers) -> anyhow::Result<Body> {
    Ok(Body::new("application/json", Caching::Live, serde_json::to_vec(&divisions(live))?))
}

#[derive(Template)]
#[template(path = "types.html")]
struct TypesPage<'a> {
    site: Site<'a>,
    divisions: Vec<Division<'a>>,
    many: usize,
}

/// Renders `/types`.
pub fn page(live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let page = TypesPage { site: Site::new(live, layers), divisions: divisions(live), many: live.marts.types().len() };
    Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
}
