//! A view filled with numbers.

use serde::Serialize;

use super::layers::{Layer, Layers};
use super::live::Live;
use super::view::View;
use crate::choropleth::{self, AreaValue, Classes, Legend, Measure};
use crate::domain::{Area, Month, MonthRange, WardModel};
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
    /// Requests in the view, on the map or not.
    pub total: u64,
    /// Requests in the view that are not on the map: without an area of this kind, or in one that has no boundary.
    pub not_mapped: u64,
}

impl<'a> Answer<'a> {
    /// Counts, joins and classifies, by the counts of the view's type.
    pub fn new(view: View, series: &Series, live: &Live, layers: &'a Layers) -> Self {
        let layer = view.layer(layers);
        let classes = classes(&view, layer, live, series);
        let requests = |area| series.requests(view.geography, Some(area), view.months, view.status);
        let values = choropleth::join(&layer.boundaries.areas, requests, view.measure, &classes);
        let total = series.all(view.months, view.status);
        let mapped: u64 = values.iter().map(|value| value.requests).sum();
        Self { legend: Legend::new(&classes, view.measure), values, layer, total, not_mapped: total - mapped, view }
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
            geography: self.view.geography.as_str(),
            ward_model: (self.view.geography == crate::domain::Geography::Ward).then_some(self.view.ward_model),
            request_type: self.view.request_type.as_ref().map(ToString::to_string),
            renames: self.view.joined.then_some("joined"),
            from: self.view.months.first(),
            to: self.view.months.last(),
            partial: live.is_partial(self.view.months),
            status: self.view.status.map(|status| status.as_str()),
            measure: self.view.measure.as_str(),
            total: self.total,
            not_mapped: self.not_mapped,
        }
    }
}

/// What a view is of, in the API's words.
#[derive(Debug, Serialize)]
pub struct Members {
    release: String,
    complete_through: Month,
    geography: &'static str,
    ward_model: Option<WardModel>,
    request_type: Option<String>,
    renames: Option<&'static str>,
    from: Month,
    to: Month,
    partial: bool,
    status: Option<&'static str>,
    measure: &'static str,
    total: u64,
    not_mapped: u64,
}

/// Classes that stay the same from month to month: made from the values of all areas in all earlier periods of the same
/// length, counted back from the last complete month.
fn classes(view: &View, layer: &Layer, live: &Live, series: &Series) -> Classes {
    let of_geography = match view.geography {
        crate::domain::Geography::Ward => live.months_of(view.ward_model),
        crate::domain::Geography::Fsa => Some(live.release.months),
    };
    let all = of_geography.unwrap_or(view.months);
    let last = live.release.complete_through.min(all.last());
    let length = view.months.months();
    let complete = periods(all.first(), last, length).filter(|&months| live.missing(months).next().is_none());
    let of_history = complete.flat_map(|months| values(view, layer, series, months, true)).collect();
    let classes = Classes::quantile(of_history, view.measure);
    if classes.is_empty() {
        // A type that was not asked for in any of these, because it is new or ended before: its own values then.
        return Classes::quantile(values(view, layer, series, view.months, false).collect(), view.measure);
    }
    classes
}

/// Values of a period; few residents make a value huge, and it would stretch the classes.
fn values<'v>(
    view: &'v View,
    layer: &'v Layer,
    series: &'v Series,
    months: MonthRange,
    without_few_residents: bool,
) -> impl Iterator<Item = f64> + 'v {
    layer.boundaries.areas.iter().filter_map(move |area| {
        let requests = series.requests(view.geography, Some(area.area), months, view.status);
        let left_out = without_few_residents && view.measure.has_few_residents(area);
        view.measure.value(requests, area).filter(|_| !left_out)
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

/// The name of an area for people: `13 Toronto Centre`, `M5V`.
pub fn title(area: Area, name: &str) -> String {
    match area {
        Area::Ward(ward) => format!("{} {name}", ward.number()),
        Area::Fsa(fsa) => fsa.to_string(),
    }
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
