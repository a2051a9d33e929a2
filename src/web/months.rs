//! Twelve months side by side: one small map each, in the same classes.

use std::sync::Arc;

use askama::Template;

use super::answer::Answer;
use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::page::{Drawing, hatched};
use super::site::Site;
use super::values::{LegendPart, class_name};
use super::view::View;
use super::words;
use crate::choropleth::measure::thousands;
use crate::domain::{Geography, Month, MonthRange};
use crate::marts::Series;

/// How many maps.
const MONTHS: usize = 12;

/// A month's map.
struct Small {
    name: String,
    query: String,
    total: String,
    /// Code and class of each area.
    areas: Vec<(String, &'static str)>,
}

#[derive(Template)]
#[template(path = "months.html")]
struct MonthsPage<'a> {
    site: Site<'a>,
    heading: String,
    query: String,
    legend: String,
    drawing: Drawing<'a>,
    /// Code and outline of each area.
    outlines: Vec<(String, &'a str)>,
    months: Vec<Small>,
}

/// Renders the page: the months up to the last one of a view, as far as they have the same areas.
pub fn page(view: View, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let query = view.query(live, layers);
    let last = last_with_measure(&view, live, layers);
    let view = View { months: MonthRange::single(last), ..view };
    let shown = |&month: &Month| {
        let months = MonthRange::single(month);
        let same_areas = view.geography == Geography::Fsa || live.ward_model(months) == Some(view.ward_model);
        let there = View { months, ..view.clone() };
        month <= last && same_areas && there.measures(live, layers).contains(&view.measure)
    };
    let mut months: Vec<Month> = live.months().rev().filter(shown).take(MONTHS).collect();
    months.reverse();
    let of_month = |month| View { months: MonthRange::single(month), ..view.clone() };
    let small = |month| small(of_month(month), series.clone(), live, layers);
    let answer = Answer::new(view.clone(), series.clone(), live, layers);
    let areas = answer.layer.boundaries.areas.iter().map(|area| area.area.to_string());
    let page = MonthsPage {
        site: Site::new(live, layers),
        heading: words::heading(&answer.view, live),
        query,
        legend: LegendPart::new(&answer).render()?,
        drawing: Drawing::new(&answer),
        outlines: areas.zip(answer.layer.shapes.paths.iter().map(String::as_str)).collect(),
        months: months.into_iter().map(small).collect(),
    };
    Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
}

/// The view's last month; for the change in a year, the last one that has it.
fn last_with_measure(view: &View, live: &Live, layers: &Layers) -> Month {
    let has = |&month: &Month| {
        let there = View { months: MonthRange::single(month), ..view.clone() };
        month <= view.months.last() && there.measures(live, layers).contains(&view.measure)
    };
    live.months().rev().find(has).unwrap_or(view.months.last())
}

fn small(view: View, series: Arc<Series>, live: &Live, layers: &Layers) -> Small {
    let answer = Answer::new(view, series, live, layers);
    let drawn = answer.values.iter().map(|value| (value.area.to_string(), class_name(value, &answer.legend)));
    Small {
        name: words::period(answer.view.months),
        query: answer.view.query(live, layers),
        total: thousands(answer.total),
        areas: drawn.collect(),
    }
}
