//! A view filled with numbers.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::layers::{Layer, Layers};
use super::live::Live;
use super::view::View;
use crate::choropleth::{self, AreaValue, Classes, Counts, Legend, Measure};
use crate::domain::{Area, Geography, Month, MonthRange, Status, WardModel};
use crate::marts::Series;

/// Everything that is said about a view, for pages and API alike.
pub struct Answer<'a> {
    /// What was asked for.
    pub view: View,
    /// The areas.
    pub layer: &'a Layer,
    /// One an area, in the order of the layer.
    pub values: Vec<AreaValue>,
    /// Classes and colours.
    pub legend: Legend,
    /// Why the colours could mislead.
    pub warnings: Vec<String>,
    /// The counts that it was made of.
    pub series: Arc<Series>,
    /// Requests in the view, on the map or not.
    pub total: u64,
    /// Requests in the view that are not on the map: without an area of this kind, or in one that has no boundary.
    pub not_mapped: u64,
}

impl<'a> Answer<'a> {
    /// Counts, joins and classifies, by the counts of the view's type.
    pub fn new(view: View, series: Arc<Series>, live: &Live, layers: &'a Layers) -> Self {
        let layer = view.layer(layers);
        let counting = Counting::new(&view, series, live);
        let classes = classes(&view, layer, live, &counting);
        let counts = |area| counting.counts(area, view.months);
        let values = choropleth::join(&layer.boundaries.areas, counts, view.measure, &classes);
        let total = counting.series.all(view.months, view.status);
        let mapped: u64 = values.iter().map(|value| value.requests).sum();
        Self {
            legend: Legend::new(&classes, view.measure, view.classes),
            warnings: warnings(&view, &values),
            values,
            layer,
            total,
            not_mapped: total - mapped,
            series: counting.series,
            view,
        }
    }

    /// The areas by value, the highest first and those without one last; by code where equal.
    pub fn ranked(&self) -> Vec<(usize, &AreaValue)> {
        let mut order: Vec<_> = self.values.iter().enumerate().collect();
        order.sort_by(|(_, a), (_, b)| {
            let value = |v: &AreaValue| v.value.unwrap_or(f64::NEG_INFINITY);
            value(b).total_cmp(&value(a)).then(a.area.cmp(&b.area))
        });
        order
    }

    /// Members that name the view in the API.
    pub fn members(&self, live: &Live) -> Members {
        Members {
            release: live.release.release.to_string(),
            complete_through: live.release.complete_through,
            geography: self.view.geography,
            ward_model: (self.view.geography == Geography::Ward).then_some(self.view.ward_model),
            request_type: self.view.request_type.as_ref().map(ToString::to_string),
            renames: self.view.joined.then_some("joined"),
            from: self.view.months.first(),
            to: self.view.months.last(),
            partial: live.is_partial(self.view.months),
            status: self.view.status,
            measure: self.view.measure.as_str(),
            area: self.view.area.map(|area| area.to_string()),
            warnings: self.warnings.clone(),
            total: self.total,
            not_mapped: self.not_mapped,
        }
    }
}

/// What a view is of, in the API's words.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Members {
    /// The release that all numbers are from.
    release: String,
    /// The last month of which every day is in the data.
    complete_through: Month,
    /// Which set of areas.
    geography: Geography,
    /// Which wards; `null` for FSAs.
    ward_model: Option<WardModel>,
    /// Id of the request type; `null` for all.
    request_type: Option<String>,
    /// `joined`, if requests under other names of the type are counted, too.
    renames: Option<&'static str>,
    /// First month.
    from: Month,
    /// Last month.
    to: Month,
    /// Whether days of these months are missing from the data.
    partial: bool,
    /// Status at the time of publication; `null` for any.
    status: Option<Status>,
    /// What is compared.
    measure: &'static str,
    /// Code of the area that is pointed out.
    area: Option<String>,
    /// Why the colours could mislead.
    warnings: Vec<String>,
    /// Requests of the view.
    total: u64,
    /// Of these, requests that are in none of the areas.
    not_mapped: u64,
}

/// What is counted: requests of a view, and those that its measure compares them with.
struct Counting {
    series: Arc<Series>,
    /// Over all types.
    totals: Arc<Series>,
    geography: Geography,
    status: Option<Status>,
    measure: Measure,
}

impl Counting {
    fn new(view: &View, series: Arc<Series>, live: &Live) -> Self {
        let View { geography, status, measure, .. } = *view;
        Self { series, totals: live.marts.totals(), geography, status, measure }
    }

    fn counts(&self, area: Area, months: MonthRange) -> Counts {
        let requests = |months| self.series.requests(self.geography, Some(area), months, self.status);
        let base = match self.measure {
            Measure::Share => self.totals.requests(self.geography, Some(area), months, None),
            Measure::Change => requests(months.year_before()),
            Measure::Per1000 | Measure::Count | Measure::PerKm2 => 0,
        };
        Counts { requests: requests(months), base }
    }
}

fn warnings(view: &View, values: &[AreaValue]) -> Vec<String> {
    if view.measure == Measure::Share && view.request_type.is_none() && view.status.is_none() {
        return vec!["This is the share of all in all: choose a request type or a status.".to_owned()];
    }
    choropleth::warnings(values)
}

/// Classes that stay the same from month to month: made from the values of all areas in all earlier periods of the same
/// length, counted back from the last complete month.
fn classes(view: &View, layer: &Layer, live: &Live, counting: &Counting) -> Classes {
    let of_geography = match view.geography {
        Geography::Ward => live.months_of(view.ward_model),
        Geography::Fsa => Some(live.release.months),
    };
    let all = of_geography.unwrap_or(view.months);
    let last = live.release.complete_through.min(all.last());
    let length = view.months.months();
    let comparable = |months: &MonthRange| {
        let change = view.measure == Measure::Change;
        live.missing(*months).next().is_none() && (!change || view.has_year_before(*months, live))
    };
    let periods = periods(all.first(), last, length).filter(comparable);
    let of_history = periods.flat_map(|months| values(layer, counting, months, true)).collect();
    let classes = Classes::new(view.classes, of_history, view.measure);
    if classes.is_empty() {
        // A type that was not asked for in any of these, because it is new or ended before: its own values then.
        return Classes::new(view.classes, values(layer, counting, view.months, false).collect(), view.measure);
    }
    classes
}

/// Values of a period; one that is divided by little is huge, and it would stretch the classes.
fn values(layer: &Layer, counting: &Counting, months: MonthRange, without_little: bool) -> impl Iterator<Item = f64> {
    layer.boundaries.areas.iter().filter_map(move |area| {
        let counts = counting.counts(area.area, months);
        let left_out = without_little && counting.measure.divides_by_little(counts, area);
        counting.measure.value(counts, area).filter(|_| !left_out)
    })
}

fn periods(first: Month, last: Month, length: usize) -> impl Iterator<Item = MonthRange> {
    let start_of = move |end: Month| {
        let mut start = end;
        for _ in 1..length {
            start = start.previous();
        }
        start
    };
    std::iter::successors(Some(last), move |&end| Some(start_of(end).previous()))
        .map_while(move |end| MonthRange::new(start_of(end), end).filter(|months| months.first() >= first))
}

/// A value for people; a dash where there is none.
pub fn value_text(value: &AreaValue, measure: Measure) -> String {
    value.value.map_or_else(|| "–".to_owned(), |number| measure.format(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_counted_back_from_the_last_complete_month() {
        let (first, last) = ("2023-01".parse().unwrap(), "2024-02".parse().unwrap());
        let texts = |length| periods(first, last, length).map(|p| p.to_string()).collect::<Vec<_>>();
        assert_eq!(texts(6), ["2023-09..2024-02", "2023-03..2023-08"]);
        assert_eq!(texts(1).len(), 14);
        assert!(texts(15).is_empty());
    }
}
