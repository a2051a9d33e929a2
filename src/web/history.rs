//! What a view is compared with: the same requests in all earlier periods of the same length. Classes are made of it, so
//! that they stay the same from month to month.

use std::sync::Arc;

use super::layers::Layer;
use super::live::Live;
use super::view::View;
use crate::choropleth::{Classes, Counts, Measure, Method};
use crate::domain::{Area, Geography, Month, MonthRange, Status, TypeId, WardModel};
use crate::marts::Series;

/// What classes depend on, in a release: all of a view but when it begins.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Comparable {
    request_type: Option<TypeId>,
    joined: bool,
    geography: Geography,
    ward_model: WardModel,
    /// Months.
    length: usize,
    status: Option<Status>,
    measure: Measure,
    method: Method,
}

impl Comparable {
    fn of(view: &View) -> Self {
        Self {
            request_type: view.request_type.clone(),
            joined: view.joined,
            geography: view.geography,
            ward_model: view.ward_model,
            length: view.months.months(),
            status: view.status,
            measure: view.measure,
            method: view.classes,
        }
    }
}

/// What is counted: requests of a view, and those that its measure compares them with.
pub struct Counting {
    /// Of the view's type.
    pub series: Arc<Series>,
    /// Over all types.
    totals: Arc<Series>,
    geography: Geography,
    status: Option<Status>,
    measure: Measure,
}

impl Counting {
    /// For a view.
    pub fn new(view: &View, series: Arc<Series>, live: &Live) -> Self {
        let View { geography, status, measure, .. } = *view;
        Self { series, totals: live.marts.totals(), geography, status, measure }
    }

    /// Of an area in some months.
    pub fn counts(&self, area: Area, months: MonthRange) -> Counts {
        let requests = |months| self.series.requests(self.geography, Some(area), months, self.status);
        let base = match self.measure {
            Measure::Share => self.totals.requests(self.geography, Some(area), months, None),
            Measure::Change => requests(months.year_before()),
            Measure::Per1000 | Measure::Count | Measure::PerKm2 => 0,
        };
        Counts { requests: requests(months), base }
    }
}

/// Classes for a view: those of its history, which are made once, or its own where it has none because its type is new
/// or ended before.
pub fn classes(view: &View, layer: &Layer, live: &Live, counting: &Counting) -> Arc<Classes> {
    let of_history = live.classes.get_with(Comparable::of(view), || Arc::new(of_history(view, layer, live, counting)));
    if of_history.is_empty() {
        let own = values(layer, counting, view.months, false).collect();
        return Arc::new(Classes::new(view.classes, own, view.measure));
    }
    of_history
}

/// Made from the values of all areas in all periods of the same length, counted back from the last complete month.
fn of_history(view: &View, layer: &Layer, live: &Live, counting: &Counting) -> Classes {
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
    let values = periods.flat_map(|months| values(layer, counting, months, true)).collect();
    Classes::new(view.classes, values, view.measure)
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
