//! A request type by itself: when and where it is asked for, and what else it was called.

use std::sync::Arc;

use askama::Template;
use serde::Serialize;

use super::answer::{Answer, value_text};
use super::body::{Body, Caching};
use super::feed;
use super::layers::Layers;
use super::live::Live;
use super::site::Site;
use super::trend::{Point, Trend};
use super::view::{View, default_measure};
use super::week::Hours;
use super::words;
use crate::choropleth::measure::thousands;
use crate::domain::{Geography, Month, MonthRange, TypeId};
use crate::marts::{Series, TypeUse};

/// A ward in the ranking.
#[derive(Serialize)]
struct Ranked {
    area: String,
    name: String,
    #[serde(skip)]
    path: Option<String>,
    rank: Option<usize>,
    requests: u64,
    value: Option<f64>,
    /// Value and requests for people.
    #[serde(skip)]
    texts: [String; 2],
}

/// All that is said about a type.
#[derive(Serialize)]
struct Facts<'a> {
    release: &'a str,
    id: &'a str,
    label: &'a str,
    division: &'a str,
    section: &'a str,
    first_month: Month,
    last_month: Month,
    requests: i64,
    renames: Vec<&'a str>,
    /// The last twelve months in which it was used, as far as their wards are the same.
    from: Month,
    to: Month,
    in_months: u64,
    measure: &'static str,
    wards: Vec<Ranked>,
    series: Vec<Point>,
    #[serde(skip)]
    column: &'static str,
    #[serde(skip)]
    query: String,
    #[serde(skip)]
    trend: Trend,
}

impl<'a> Facts<'a> {
    fn new(used: &'a TypeUse, series: Arc<Series>, live: &'a Live, layers: &Layers) -> anyhow::Result<Self> {
        let id: TypeId = used.request_type.parse()?;
        let months = last_year(used, live);
        let mut view = View::of(Geography::Ward, months, Some(id.clone()));
        view.ward_model = live.ward_model(months).unwrap_or(view.ward_model);
        view.measure = default_measure(view.layer(layers));
        let query = view.query(live, layers);
        let answer = Answer::new(view, series, live, layers);
        let count = |months| answer.series.all(months, None);
        // Before it was used and after, none are no news.
        let used_in = MonthRange::new(used.first_month, used.last_month).unwrap_or(months);
        let trend = Trend::new(live, used_in, used.last_month.min(live.release.complete_through), count);
        Ok(Self {
            release: live.release.release.as_str(),
            id: &used.request_type,
            label: &used.label,
            division: &used.division,
            section: &used.section,
            first_month: used.first_month,
            last_month: used.last_month,
            requests: used.requests,
            renames: live.marts.renames(&id).into_iter().map(|other| other.request_type.as_str()).collect(),
            from: months.first(),
            to: months.last(),
            in_months: answer.total,
            measure: answer.view.measure.as_str(),
            wards: ranking(&answer),
            series: trend.points.clone(),
            column: answer.view.measure.column(),
            query,
            trend,
        })
    }
}

fn ranking(answer: &Answer<'_>) -> Vec<Ranked> {
    let row = |(at, value): (usize, &crate::choropleth::AreaValue)| {
        let area = &answer.layer.boundaries.areas[at];
        Ranked {
            area: value.area.to_string(),
            name: words::name(area),
            path: words::path(area),
            rank: value.rank,
            requests: value.requests,
            value: value.value,
            texts: [value_text(value, answer.view.measure), thousands(value.requests)],
        }
    };
    answer.ranked().into_iter().map(row).collect()
}

/// Twelve months up to the last complete one in which a type was used, or fewer where the wards were others before.
fn last_year(used: &TypeUse, live: &Live) -> MonthRange {
    let all = live.release.months;
    let last = used.last_month.min(live.release.complete_through).max(all.first());
    let model = live.ward_model(MonthRange::single(last));
    let same = model.and_then(|model| live.months_of(model)).unwrap_or(all);
    let first = last.year_before().next().max(same.first());
    MonthRange::new(first, last).unwrap_or(MonthRange::single(last))
}

/// Another name of a type.
struct OtherName<'a> {
    id: &'a str,
    label: &'a str,
    months: String,
}

#[derive(Template)]
#[template(path = "type.html")]
struct TypePage<'a> {
    site: Site<'a>,
    week: Hours,
    facts: Facts<'a>,
    names: Vec<OtherName<'a>>,
    period: String,
    /// In the period, and in all years.
    requests: [String; 2],
}

fn of<'a>(id: &TypeId, live: &'a Live) -> anyhow::Result<&'a TypeUse> {
    live.marts.request_type(id.as_str()).ok_or_else(|| anyhow::anyhow!("request type {id} is not in the release"))
}

/// Renders the page.
pub fn page(id: TypeId, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let facts = Facts::new(of(&id, live)?, series, live, layers)?;
    let name = |used: &'_ TypeUse| format!("{} to {}", used.first_month.short_name(), used.last_month.short_name());
    let names = live.marts.renames(&id).into_iter();
    let names = names.map(|used| OtherName { id: &used.request_type, label: &used.label, months: name(used) });
    let page = TypePage {
        site: Site::new(live, layers),
        week: Hours(live.marts.hours().of_type(id.as_str())),
        period: words::period(MonthRange::new(facts.from, facts.to).unwrap_or(MonthRange::single(facts.to))),
        names: names.collect(),
        requests: [thousands(facts.in_months), thousands(facts.requests.unsigned_abs())],
        facts,
    };
    Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
}

/// Renders the same as JSON.
pub fn json(id: TypeId, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let facts = Facts::new(of(&id, live)?, series, live, layers)?;
    Ok(Body::new("application/json", Caching::Live, serde_json::to_vec(&facts)?))
}

/// Renders its months as CSV.
pub fn csv(id: TypeId, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    Facts::new(of(&id, live)?, series, live, layers)?.trend.csv()
}

/// Renders the feed of its months.
pub fn feed(id: TypeId, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let Facts { label, trend, .. } = Facts::new(of(&id, live)?, series, live, layers)?;
    let of = feed::Subject { title: label.to_owned(), path: format!("/types/{id}"), reports: None };
    feed::feed(&of, &trend, live)
}
