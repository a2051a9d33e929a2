//! What changes on the map's page when a filter changes: numbers, classes and words, without shapes and choices.
//!
//! The page is made of it, and `/values` sends it alone, so that a change costs a kilobyte and page and update can't
//! disagree. Header and legend are HTML, which the script puts in place; rows are arrays, or their names would be
//! most of the bytes.

use std::sync::Arc;

use askama::Template;
use serde::{Serialize, Serializer};

use super::answer::{Answer, value_text};
use super::body::{Body, Caching};
use super::controls::{Choice, Controls, Histogram};
use super::layers::Layers;
use super::live::Live;
use super::view::View;
use super::words;
use crate::choropleth::measure::thousands;
use crate::choropleth::{AreaValue, Legend, Measure, State};
use crate::domain::{Geography, WardModel};
use crate::marts::Series;

/// The dependent part of the page.
#[derive(Serialize)]
pub struct Values {
    /// An update of another release is no update of this page.
    pub release: String,
    /// The set of areas: one that is not drawn yet needs its shapes.
    pub set: &'static str,
    /// The view's normal form.
    pub query: String,
    /// Of the document.
    pub title: String,
    /// HTML.
    pub header: String,
    /// HTML.
    pub legend: String,
    /// What follows a value in a sentence.
    pub unit: &'static str,
    /// Headings of the table.
    pub columns: Vec<&'static str>,
    /// In the order of the table.
    pub rows: Vec<Row>,
    /// What each control of the form shows.
    pub controls: Vec<(&'static str, String)>,
    /// The measures to choose from, by value and label.
    pub measures: Vec<(String, String)>,
    /// Heights of the histogram's bars.
    pub bars: Vec<u64>,
    /// The chosen ones of them: the first, and how many.
    pub chosen: (usize, usize),
}

/// An area in the table and on the map.
pub struct Row {
    /// Its place in the layer.
    pub at: usize,
    pub code: String,
    pub rank: String,
    /// The style sheet's name for how it is drawn: a colour's, its hatched one, `zero` or `no_data`.
    pub class: &'static str,
    /// Value, requests, requests to compare with: those that the measure has.
    pub numbers: Vec<String>,
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.code, &self.rank, self.class, &self.numbers).serialize(serializer)
    }
}

/// Renders `/values`.
pub fn body(view: View, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let answer = Answer::new(view, series, live, layers);
    let measures = answer.view.measures(live, layers);
    let controls = Controls::new(&answer, live, &measures);
    let values = Values::new(&answer, live, layers, &controls)?;
    Ok(Body::new("application/json", Caching::Live, serde_json::to_vec(&values)?))
}

impl Values {
    /// Of an answer.
    pub fn new(answer: &Answer<'_>, live: &Live, layers: &Layers, controls: &Controls) -> anyhow::Result<Self> {
        let view = &answer.view;
        let Histogram { bars, chosen, .. } = &controls.histogram;
        let pair = |choice: &Choice| (choice.value.clone(), choice.label.clone());
        Ok(Self {
            release: live.release.release.to_string(),
            set: answer.layer.boundaries.set_id(),
            query: view.query(live, layers),
            title: words::title(view, live),
            header: Header::new(answer, live).render()?,
            legend: LegendPart::new(answer).render()?,
            unit: view.measure.unit(),
            columns: columns(view),
            rows: rows(answer),
            controls: chosen_values(view, controls),
            measures: controls.measures.iter().map(pair).collect(),
            bars: bars.clone(),
            chosen: *chosen,
        })
    }
}

/// The rows of the table.
pub fn rows(answer: &Answer<'_>) -> Vec<Row> {
    answer.ranked().into_iter().map(|(at, value)| row(at, value, answer)).collect()
}

fn columns(view: &View) -> Vec<&'static str> {
    let mut columns = vec!["Rank", words::area(view.geography), view.measure.column()];
    match view.measure {
        Measure::Count => {}
        Measure::Per1000 | Measure::PerKm2 => columns.push("Requests"),
        Measure::Share => columns.extend(["Requests", "Of all"]),
        Measure::Change => columns.extend(["Requests", "Year before"]),
    }
    columns
}

fn row(at: usize, value: &AreaValue, answer: &Answer<'_>) -> Row {
    let mut numbers = vec![value_text(value, answer.view.measure)];
    if answer.view.measure != Measure::Count {
        numbers.push(thousands(value.requests));
    }
    numbers.extend(value.base.map(thousands));
    Row {
        at,
        code: value.area.to_string(),
        rank: value.rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string()),
        class: class_name(value, &answer.legend),
        numbers,
    }
}

/// The style sheet's name for how an area is drawn.
pub fn class_name(value: &AreaValue, legend: &Legend) -> &'static str {
    let colour = value.class.and_then(|class| legend.classes.get(class)).map(|swatch| swatch.colour);
    match (value.state, colour) {
        (State::Value, Some(colour)) => colour.name,
        (State::Unstable, Some(colour)) => colour.hatched,
        (State::Zero, _) => "zero",
        // Values without a class don't occur: the view's own values make classes where its history has none.
        _ => "no_data",
    }
}

/// What the form shows; the defaults of some controls go without a name.
fn chosen_values(view: &View, controls: &Controls) -> Vec<(&'static str, String)> {
    let selected = |choices: &[Choice]| {
        let selected = choices.iter().find(|choice| choice.selected);
        selected.map(|choice| choice.value.clone()).unwrap_or_default()
    };
    vec![
        ("geo", view.geography.to_string()),
        ("type", view.request_type.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("from", view.months.first().to_string()),
        ("to", view.months.last().to_string()),
        ("status", selected(&controls.statuses)),
        ("measure", selected(&controls.measures)),
        ("classes", selected(&controls.classes)),
        ("area", view.area.map(|area| area.to_string()).unwrap_or_default()),
    ]
}

#[derive(Template)]
#[template(path = "map/header.html")]
struct Header {
    heading: String,
    period: String,
    partial: Option<String>,
    total: String,
    /// Whether the areas are wards that there no longer are.
    former_wards: bool,
    not_mapped: Option<String>,
    /// The type's page.
    type_page: Option<String>,
    renames: Option<String>,
    joined: bool,
    /// The page and the name of the area that is pointed out.
    area: Option<(String, String)>,
}

impl Header {
    fn new(answer: &Answer<'_>, live: &Live) -> Self {
        let view = &answer.view;
        let bounded = |area| answer.layer.boundaries.areas.iter().find(move |bounded| bounded.area == area);
        Self {
            heading: words::heading(view, live),
            period: words::period(view.months),
            partial: words::partial(view.months, live),
            total: thousands(answer.total),
            former_wards: view.geography == Geography::Ward && view.ward_model == WardModel::Wards44,
            not_mapped: words::not_mapped(answer),
            type_page: view.request_type.as_ref().map(|id| format!("/types/{id}")),
            renames: words::renames(view, live),
            joined: view.joined,
            area: view.area.and_then(bounded).and_then(|area| Some((words::path(area)?, words::name(area)))),
        }
    }
}

/// What the colours mean, as HTML.
#[derive(Template)]
#[template(path = "map/legend.html")]
pub struct LegendPart<'a> {
    measure: Measure,
    legend: &'a Legend,
    /// Names and labels of the states besides the classes.
    states: Vec<(&'static str, String)>,
    warnings: &'a [String],
    note: Option<String>,
}

impl<'a> LegendPart<'a> {
    /// Of an answer.
    pub fn new(answer: &'a Answer<'_>) -> Self {
        Self {
            measure: answer.view.measure,
            legend: &answer.legend,
            states: words::states(answer.view.measure),
            warnings: &answer.warnings,
            note: words::denominator(answer),
        }
    }
}
