//! `/api/v1`: the same numbers as the pages, for programs. Anonymous, readable from any origin.

use serde::Serialize;

use super::answer::Answer;
use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::status::{self, Pipeline};
use super::view::View;
use crate::domain::{Geography, Month, MonthRange, WardModel};
use crate::marts::Series;

const JSON: &str = "application/json";
const GEOJSON: &str = "application/geo+json";

/// What every list is in.
#[derive(Serialize)]
struct Envelope<'a, T> {
    release: &'a str,
    complete_through: Month,
    number_matched: usize,
    number_returned: usize,
    next: Option<&'a str>,
    rows: Vec<T>,
}

/// A list that changes with the release.
pub(super) fn list<T: Serialize>(live: &Live, rows: Vec<T>) -> anyhow::Result<Body> {
    list_of(live, Caching::Live, rows)
}

fn list_of<T: Serialize>(live: &Live, caching: Caching, rows: Vec<T>) -> anyhow::Result<Body> {
    let envelope = Envelope {
        release: live.release.release.as_str(),
        complete_through: live.release.complete_through,
        number_matched: rows.len(),
        number_returned: rows.len(),
        next: None,
        rows,
    };
    Ok(Body::new(JSON, caching, serde_json::to_vec(&envelope)?))
}

/// `choropleth`: the areas joined with their values, and the legend.
pub fn choropleth(view: View, series: &Series, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let answer = Answer::new(view, series, live, layers);
    let json = answer.layer.fragments.join(&answer.values, &answer.legend, &answer.members(live))?;
    Ok(Body::new(GEOJSON, Caching::Live, json))
}

/// A row of `counts`: one area in the whole period.
#[derive(Serialize)]
struct Count<'a> {
    geography: Geography,
    ward_model: Option<WardModel>,
    area: String,
    name: &'a str,
    request_type: Option<&'a str>,
    from: Month,
    to: Month,
    status: Option<&'static str>,
    requests: u64,
    population: Option<u32>,
    population_year: Option<u16>,
    area_km2: f64,
    measure: &'static str,
    value: Option<f64>,
    rank: Option<usize>,
    class: Option<usize>,
    state: crate::choropleth::State,
}

/// `counts`: the table beside the map, in its order.
pub fn counts(view: View, series: &Series, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let answer = Answer::new(view, series, live, layers);
    let view = &answer.view;
    let rows = answer.ranked().into_iter().map(|(at, value)| {
        let area = &answer.layer.boundaries.areas[at];
        Count {
            geography: view.geography,
            ward_model: (view.geography == Geography::Ward).then_some(view.ward_model),
            area: area.area.to_string(),
            name: &area.name,
            request_type: view.request_type.as_ref().map(|id| id.as_str()),
            from: view.months.first(),
            to: view.months.last(),
            status: view.status.map(|status| status.as_str()),
            requests: value.requests,
            population: area.population.map(|p| p.count),
            population_year: area.population.map(|p| p.census_year),
            area_km2: area.area_km2,
            measure: view.measure.as_str(),
            value: value.value,
            rank: value.rank,
            class: value.class,
            state: value.state,
        }
    });
    list(live, rows.collect())
}

/// `types`: the request types, by id.
pub fn types(live: &Live) -> anyhow::Result<Body> {
    #[derive(Serialize)]
    struct Type<'a> {
        id: &'a str,
        label: &'a str,
        division: &'a str,
        section: &'a str,
        first_month: Month,
        last_month: Month,
        requests: i64,
        /// Ids of the types that it was renamed from or to, in the order of time.
        renames: Vec<&'a str>,
    }
    let renames = |id: &str| {
        let renames = id.parse().map(|id| live.marts.renames(&id)).unwrap_or_default();
        renames.into_iter().map(|used| used.request_type.as_str()).collect()
    };
    let rows = live.marts.types().iter().map(|used| Type {
        id: &used.request_type,
        label: &used.label,
        division: &used.division,
        section: &used.section,
        first_month: used.first_month,
        last_month: used.last_month,
        requests: used.requests,
        renames: renames(&used.request_type),
    });
    list(live, rows.collect())
}

/// `months`: the months that have requests, in order.
pub fn months(live: &Live) -> anyhow::Result<Body> {
    #[derive(Serialize)]
    struct MonthRow {
        month: Month,
        requests: u64,
        complete: bool,
        ward_model: Option<WardModel>,
    }
    let totals = live.marts.totals();
    let row = |month| {
        let range = MonthRange::single(month);
        MonthRow {
            month,
            requests: totals.all(range, None),
            complete: !live.is_partial(range),
            ward_model: live.ward_model(range),
        }
    };
    list(live, live.months().map(row).collect())
}

/// `runs`: what the refreshes did, newest first.
pub fn runs(live: &Live, pipeline: &Pipeline) -> anyhow::Result<Body> {
    list_of(live, Caching::Moment, pipeline.runs.iter().collect())
}

/// `releases`: what each publication that is kept changed, newest first.
pub fn releases(live: &Live, pipeline: &Pipeline) -> anyhow::Result<Body> {
    list_of(live, Caching::Moment, status::releases(live, pipeline))
}
