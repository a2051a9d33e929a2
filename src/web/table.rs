//! The table of a view as CSV.

use serde::Serialize;

use super::answer::Answer;
use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::view::View;
use crate::choropleth::State;
use crate::domain::{Geography, Month};

/// A row: what it is of first, so that tables of several views can be put below each other.
#[derive(Serialize)]
struct Row<'a> {
    from: Month,
    to: Month,
    geography: Geography,
    area: String,
    name: &'a str,
    request_type: Option<&'a str>,
    status: Option<&'static str>,
    requests: u64,
    base: Option<u64>,
    population: Option<u32>,
    population_year: Option<u16>,
    area_km2: f64,
    measure: &'static str,
    value: Option<f64>,
    rank: Option<usize>,
    class: Option<usize>,
    state: State,
}

/// Renders `/map.csv`, in the order of the page's table. Ids and our own names of areas are all its texts, so there is
/// nothing that a spreadsheet could take for a formula.
pub fn csv(view: View, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let answer = Answer::new(view, live, layers)?;
    let view = &answer.view;
    let mut out = csv::Writer::from_writer(Vec::new());
    for (at, value) in answer.ranked() {
        let area = &answer.layer.boundaries.areas[at];
        out.serialize(Row {
            from: view.months.first(),
            to: view.months.last(),
            geography: view.geography,
            area: value.area.to_string(),
            name: &area.name,
            request_type: view.request_type.as_ref().map(|id| id.as_str()),
            status: view.status.map(|status| status.as_str()),
            requests: value.requests,
            base: value.base,
            population: area.population.map(|p| p.count),
            population_year: area.population.map(|p| p.census_year),
            area_km2: area.area_km2,
            measure: view.measure.as_str(),
            value: value.value,
            rank: value.rank,
            class: value.class,
            state: value.state,
        })?;
    }
    Ok(Body::new("text/csv; charset=utf-8", Caching::Live, out.into_inner()?))
}
