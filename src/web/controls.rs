//! The form of the map: what there is to choose from, and what is chosen.

use std::collections::BTreeMap;

use super::answer::Answer;
use super::live::Live;
use super::view::{View, default_measure};
use crate::choropleth::measure::thousands;
use crate::choropleth::{Measure, Method};
use crate::domain::{Month, MonthRange, Status};
use crate::marts::TypeUse;

/// Request types in the form itself: they are half of all requests and a twelfth of the list, which the page about all
/// types has, and which the script fetches when somebody types.
const FREQUENT_TYPES: usize = 50;

/// Height of the histogram's highest bar.
const HIGHEST: u64 = 40;

/// One `<option>`.
pub struct Choice {
    pub value: String,
    pub label: String,
    pub selected: bool,
}

/// One `<optgroup>`.
pub struct Group {
    pub label: String,
    pub choices: Vec<Choice>,
}

/// All that can be chosen.
pub struct Controls {
    pub geographies: Vec<Choice>,
    pub types: Vec<Group>,
    pub all_types: usize,
    pub from: Vec<Group>,
    pub to: Vec<Group>,
    pub statuses: Vec<Choice>,
    pub measures: Vec<Choice>,
    pub classes: Vec<Choice>,
    pub histogram: Histogram,
}

impl Controls {
    /// For the view of an answer.
    pub fn new(answer: &Answer<'_>, live: &Live, measures: &[Measure]) -> Self {
        let view = &answer.view;
        let chosen = |value: &str, label: &str| choice(value, label, view.geography.as_str());
        Self {
            geographies: vec![chosen("ward", "Wards"), chosen("fsa", "Postal areas (FSA)")],
            types: types(view, live),
            all_types: live.marts.types().len(),
            from: months(live, view.months.first()),
            to: months(live, view.months.last()),
            statuses: statuses(view),
            measures: self::measures(answer, measures),
            classes: classes(view),
            histogram: Histogram::new(answer, live),
        }
    }
}

/// Requests by month, over all areas: small bars that show which months there are to choose from.
pub struct Histogram {
    /// The first of the months.
    pub first: Month,
    /// Height of each month's bar, the highest 40.
    pub bars: Vec<u64>,
    /// Which bars are chosen: the first, and how many.
    pub chosen: (usize, usize),
}

impl Histogram {
    /// Of the type and status of a view.
    pub fn new(answer: &Answer<'_>, live: &Live) -> Self {
        let months = live.release.months;
        let requests = |month| answer.series.all(MonthRange::single(month), answer.view.status);
        let counts: Vec<u64> = months.iter().map(requests).collect();
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let chosen = answer.view.months;
        Self {
            first: months.first(),
            bars: counts.into_iter().map(|count| (count * HIGHEST).div_ceil(most)).collect(),
            chosen: (chosen.first().index() - months.first().index(), chosen.months()),
        }
    }

    /// All bars as one path, three wide with a gap of one.
    pub fn path(&self) -> String {
        let bar = |(at, height): (usize, &u64)| format!("M{} {HIGHEST}v-{height}h3v{height}z", at * 4);
        self.bars.iter().enumerate().map(bar).collect()
    }
}

fn choice(value: &str, label: &str, selected: &str) -> Choice {
    Choice { value: value.to_owned(), label: label.to_owned(), selected: value == selected }
}

/// The most frequent types and the chosen one, by division and label.
fn types(view: &View, live: &Live) -> Vec<Group> {
    let selected = view.request_type.as_ref().map_or("", |id| id.as_str());
    let mut by_frequency: Vec<&TypeUse> = live.marts.types().iter().collect();
    by_frequency.sort_by_key(|used| (used.request_type != selected, -used.requests));
    by_frequency.truncate(FREQUENT_TYPES);
    by_frequency.sort_by_cached_key(|used| used.label.to_lowercase());
    let mut groups: BTreeMap<&str, Vec<Choice>> = BTreeMap::new();
    for used in by_frequency {
        let label = format!("{} ({})", used.label, thousands(used.requests.unsigned_abs()));
        groups.entry(&used.division).or_default().push(choice(&used.request_type, &label, selected));
    }
    groups.into_iter().map(|(label, choices)| Group { label: label.to_owned(), choices }).collect()
}

/// All months by year, the newest first.
fn months(live: &Live, selected: Month) -> Vec<Group> {
    let mut years: BTreeMap<u16, Vec<Choice>> = BTreeMap::new();
    for month in live.months() {
        let partial = if live.is_partial(MonthRange::single(month)) { " (incomplete)" } else { "" };
        let label = format!("{}{partial}", month.short_name());
        years.entry(month.year()).or_default().insert(0, choice(&month.to_string(), &label, &selected.to_string()));
    }
    years.into_iter().rev().map(|(year, choices)| Group { label: year.to_string(), choices }).collect()
}

/// The measures that these areas and months have. The default goes without a name, so that it stays the default when
/// the areas change.
fn measures(answer: &Answer<'_>, offered: &[Measure]) -> Vec<Choice> {
    let default = default_measure(answer.layer);
    let choice = |&measure: &Measure| Choice {
        value: if measure == default { String::new() } else { measure.to_string() },
        label: measure.choice().to_owned(),
        selected: measure == answer.view.measure,
    };
    offered.iter().map(choice).collect()
}

fn classes(view: &View) -> Vec<Choice> {
    let choice = |method: Method| Choice {
        value: if method == Method::default() { String::new() } else { method.to_string() },
        label: method.label().to_owned(),
        selected: method == view.classes,
    };
    Method::ALL.into_iter().map(choice).collect()
}

fn statuses(view: &View) -> Vec<Choice> {
    let selected = view.status.map_or("", |status| status.as_str());
    Status::ALL.map(|status| choice(status.as_str(), &status.label(), selected)).into()
}
