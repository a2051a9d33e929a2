//! The page at `/api`: the reference of all resources, from the table that requests are answered by.

use askama::Template;

use super::super::body::{Body, Caching};
use super::super::layers::Layers;
use super::super::live::Live;
use super::super::site::Site;
use super::openapi::REFUSALS;
use super::resource::{RESOURCES, Resource};

#[derive(Template)]
#[template(path = "api.html")]
struct ReferencePage<'a> {
    site: Site<'a>,
    resources: &'static [Resource],
    statuses: &'static [(&'static str, &'static str)],
}

/// Renders the page.
pub fn page(live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let page = ReferencePage { site: Site::new(live, layers), resources: &RESOURCES, statuses: REFUSALS };
    Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
}
