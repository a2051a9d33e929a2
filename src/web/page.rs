//! The map's page: complete without JavaScript, which only makes it nicer to use.

use std::collections::BTreeMap;

use askama::Template;

use super::answer::{Answer, title, value_text};
use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::view::{View, default_measure};
use crate::choropleth::measure::thousands;
use crate::choropleth::{AreaValue, FEW_REQUESTS, FEW_RESIDENTS, Legend, Measure, State};
use crate::domain::{Geography, Month, MonthRange, Status};
use crate::marts::{Series, TypeUse};
use crate::release::Origin;

/// One `<option>`.
struct Choice {
    value: String,
    label: String,
    selected: bool,
}

/// One `<optgroup>`.
struct Group {
    label: String,
    choices: Vec<Choice>,
}

/// One area on the map and in the table.
struct Row<'a> {
    code: String,
    title: String,
    rank: String,
    requests: String,
    value: String,
    class: String,
    path: &'a str,
    label_at: (i64, i64),
}

#[derive(Template)]
#[template(path = "map.html")]
struct MapPage<'a> {
    demo: bool,
    heading: String,
    period: String,
    query: String,
    geographies: Vec<Choice>,
    types: Vec<Group>,
    from: Vec<Group>,
    to: Vec<Group>,
    renames: Option<String>,
    joined: bool,
    statuses: Vec<Choice>,
    measures: Vec<Choice>,
    size: (u32, u32),
    bbox: String,
    set: &'static str,
    rows: Vec<Row<'a>>,
    numbered: bool,
    area_word: &'static str,
    measure: Measure,
    legend: &'a Legend,
    states: Vec<(State, String)>,
    total: String,
    not_mapped: Option<String>,
    partial: Option<String>,
    denominator: Option<String>,
    complete_through: String,
    release: &'a str,
    published: String,
    attribution: Vec<&'a str>,
}

/// Renders the page of a view.
pub fn map(view: View, series: &Series, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let answer = Answer::new(view, series, live, layers);
    let page = MapPage::new(&answer, live, layers);
    Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
}

impl<'a> MapPage<'a> {
    fn new(answer: &'a Answer<'a>, live: &'a Live, layers: &'a Layers) -> Self {
        let view = &answer.view;
        let area_word = match view.geography {
            Geography::Ward => "Ward",
            Geography::Fsa => "FSA",
        };
        Self {
            demo: live.release.origin == Origin::Demo,
            heading: type_label(view, live).unwrap_or_else(|| "All 311 requests".to_owned()),
            period: period(view.months),
            query: view.query(live, layers),
            geographies: vec![
                choice("ward", "Wards", view.geography.as_str()),
                choice("fsa", "Postal areas (FSA)", view.geography.as_str()),
            ],
            types: types(view, live),
            from: months(live, view.months.first()),
            to: months(live, view.months.last()),
            renames: renames(view, live),
            joined: view.joined,
            statuses: statuses(view),
            measures: measures(answer),
            size: answer.layer.shapes.size,
            bbox: answer.layer.shapes.bbox.map(|degrees| degrees.to_string()).join(","),
            set: answer.layer.boundaries.set_id(),
            rows: rows(answer),
            numbered: view.geography == Geography::Ward,
            area_word,
            measure: view.measure,
            legend: &answer.legend,
            states: states(answer),
            total: thousands(answer.total),
            not_mapped: not_mapped(answer),
            partial: partial(view.months, live),
            denominator: denominator(answer),
            complete_through: live.release.complete_through.long_name(),
            release: live.release.release.as_str(),
            published: live.pointer.published_at.strftime("%-d %B %Y").to_string(),
            attribution: layers.attribution(),
        }
    }
}

fn choice(value: &str, label: &str, selected: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned(), selected: value == selected }
}

fn type_label(view: &View, live: &Live) -> Option<String> {
    let id = view.request_type.as_ref()?;
    Some(live.marts.request_type(id.as_str())?.label.clone())
}

/// The other names of the type, with the months of their first and last requests.
fn renames(view: &View, live: &Live) -> Option<String> {
    let others = live.marts.renames(view.request_type.as_ref()?);
    let name = |used: &&TypeUse| format!("{} ({} to {})", used.label, used.first_month, used.last_month);
    let names: Vec<_> = others.iter().map(name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// All types by division and label.
fn types(view: &View, live: &Live) -> Vec<Group> {
    let selected = view.request_type.as_ref().map_or("", |id| id.as_str());
    let mut groups: BTreeMap<&str, Vec<Choice>> = BTreeMap::new();
    for used in live.marts.types() {
        groups.entry(&used.division).or_default().push(choice(&used.request_type, &used.label, selected));
    }
    let sorted = |(label, mut choices): (&str, Vec<Choice>)| {
        choices.sort_by_cached_key(|choice| choice.label.to_lowercase());
        Group { label: label.to_owned(), choices }
    };
    groups.into_iter().map(sorted).collect()
}

/// All months by year, the newest first.
fn months(live: &Live, selected: Month) -> Vec<Group> {
    let mut years: BTreeMap<u16, Vec<Choice>> = BTreeMap::new();
    for month in live.months() {
        let partial = if live.is_partial(MonthRange::single(month)) { " (incomplete)" } else { "" };
        let label = format!("{}{partial}", month.long_name());
        years.entry(month.year()).or_default().insert(0, choice(&month.to_string(), &label, &selected.to_string()));
    }
    years.into_iter().rev().map(|(year, choices)| Group { label: year.to_string(), choices }).collect()
}

/// The measures that these areas have. The default goes without a name, so that it stays the default when the areas change.
fn measures(answer: &Answer<'_>) -> Vec<Choice> {
    let default = default_measure(answer.layer);
    let offered = Measure::ALL.into_iter().filter(|&m| m != Measure::Per1000 || answer.layer.has_population());
    let choice = |m: Measure| Choice {
        value: if m == default { String::new() } else { m.to_string() },
        label: m.choice().to_owned(),
        selected: m == answer.view.measure,
    };
    offered.map(choice).collect()
}

fn statuses(view: &View) -> Vec<Choice> {
    let selected = view.status.map_or("", |status| status.as_str());
    Status::ALL.map(|status| choice(status.as_str(), &status.label(), selected)).into()
}

fn period(months: MonthRange) -> String {
    match months.months() {
        1 => months.first().long_name(),
        _ => format!("{} to {}", months.first().long_name(), months.last().long_name()),
    }
}

fn rows<'a>(answer: &'a Answer<'a>) -> Vec<Row<'a>> {
    let row = |(at, value): (usize, &AreaValue)| Row {
        code: value.area.to_string(),
        title: title(value.area, &answer.layer.boundaries.areas[at].name),
        rank: value.rank.map_or_else(|| "–".to_owned(), |rank| rank.to_string()),
        requests: thousands(value.requests),
        value: value_text(value, answer.view.measure),
        class: class_name(value, &answer.legend),
        path: &answer.layer.shapes.paths[at],
        label_at: answer.layer.shapes.label_points[at],
    };
    answer.ranked().into_iter().map(row).collect()
}

/// The style sheet's name for how an area is drawn: `c0` to `c4`, hatched as `u0` to `u4`, `zero`, `no_data`.
fn class_name(value: &AreaValue, legend: &Legend) -> String {
    let step = value.class.and_then(|class| legend.classes.get(class)).map(|swatch| swatch.step);
    match (value.state, step) {
        (State::Value, Some(step)) => format!("c{step}"),
        (State::Unstable, Some(step)) => format!("u{step}"),
        (State::Zero, _) => State::Zero.as_str().to_owned(),
        // Values without a class don't occur: the view's own values make classes where its history has none.
        _ => State::NoData.as_str().to_owned(),
    }
}

/// The states besides the classes that this map has, in words for its legend.
fn states(answer: &Answer<'_>) -> Vec<(State, String)> {
    let has = |state| answer.values.iter().any(|value| value.state == state);
    let few = format!("unstable: fewer than {FEW_REQUESTS} requests or {} residents", thousands(FEW_RESIDENTS.into()));
    [(State::Unstable, few.as_str()), (State::Zero, "no requests"), (State::NoData, "no data")]
        .into_iter()
        .filter(|(state, _)| has(*state))
        .map(|(state, label)| (state, label.to_owned()))
        .collect()
}

fn not_mapped(answer: &Answer<'_>) -> Option<String> {
    if answer.not_mapped == 0 {
        return None;
    }
    let reason = match answer.view.geography {
        Geography::Ward => "their ward is not known, or is one of the City’s other set of wards",
        Geography::Fsa => {
            "they were reported at an intersection, so without a postal code, or in one that is not an area"
        }
    };
    Some(format!("{} of them are not on this map: {reason}.", thousands(answer.not_mapped)))
}

/// What the period lacks.
fn partial(months: MonthRange, live: &Live) -> Option<String> {
    let missing: Vec<_> = live.missing(months).map(Month::long_name).collect();
    match missing.as_slice() {
        [] if live.is_partial(months) => Some("incomplete: the City’s data end within this period".to_owned()),
        [] => None,
        [one] => Some(format!("incomplete: there are no data for {one}")),
        [first, .., last] => Some(format!("incomplete: months between {first} and {last} have no data")),
    }
}

fn denominator(answer: &Answer<'_>) -> Option<String> {
    let year = answer.layer.census_year().filter(|_| answer.view.measure == Measure::Per1000)?;
    Some(format!("Residents as counted by the {year} census."))
}
