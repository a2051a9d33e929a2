//! The map's page: complete without JavaScript, which only makes it nicer to use.

use std::sync::Arc;

use askama::Template;

use super::answer::Answer;
use super::body::{Body, Caching};
use super::controls::Controls;
use super::layers::Layers;
use super::live::Live;
use super::site::Site;
use super::values::{Row, Values};
use super::view::View;
use super::words;
use crate::boundaries::BoundedArea;
use crate::choropleth::svg::Shapes;
use crate::choropleth::{DIVERGING, SEQUENTIAL};
use crate::domain::Geography;
use crate::marts::Series;

#[derive(Template)]
#[template(path = "map.html")]
struct MapPage<'a> {
    site: Site<'a>,
    controls: Controls,
    values: Values,
    drawing: Drawing<'a>,
    area_word: &'static str,
    total: u64,
}

/// The areas as they are drawn.
struct Drawing<'a> {
    shapes: &'a Shapes,
    areas: &'a [BoundedArea],
    bbox: String,
    /// Wards have numbers on the map; FSAs are too many.
    numbered: bool,
    selected: Option<String>,
}

impl Drawing<'_> {
    fn name(&self, row: &Row) -> String {
        self.areas.get(row.at).map(words::name).unwrap_or_default()
    }

    fn page(&self, row: &Row) -> Option<String> {
        self.areas.get(row.at).and_then(words::path)
    }

    fn path(&self, row: &Row) -> &str {
        self.shapes.paths.get(row.at).map_or("", String::as_str)
    }

    fn label_at(&self, row: &Row) -> (i64, i64) {
        self.shapes.label_points.get(row.at).copied().unwrap_or_default()
    }

    fn is_selected(&self, row: &Row) -> bool {
        self.selected.as_deref() == Some(&row.code)
    }
}

/// Patterns of unstable areas: the colour, hatched.
fn hatched() -> impl Iterator<Item = &'static crate::choropleth::Colour> {
    SEQUENTIAL.iter().chain(&DIVERGING)
}

/// Renders the page of a view.
pub fn map(view: View, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let answer = Answer::new(view, series, live, layers);
    let view = &answer.view;
    let measures = view.measures(live, layers);
    let controls = Controls::new(&answer, live, &measures);
    let page = MapPage {
        site: Site::new(live, layers),
        values: Values::new(&answer, live, layers, &controls)?,
        drawing: Drawing {
            shapes: &answer.layer.shapes,
            areas: &answer.layer.boundaries.areas,
            bbox: answer.layer.shapes.bbox.map(|degrees| degrees.to_string()).join(","),
            numbered: view.geography == Geography::Ward,
            selected: view.area.map(|area| area.to_string()),
        },
        area_word: words::area(view.geography),
        total: answer.total,
        controls,
    };
    Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
}
