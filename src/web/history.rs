//! What a view is compared with: the same requests in all earlier periods of the same length. Classes are made of it, so
//! that they stay the same from month to month.

use std::sync::Arc;

use super::layers::Layer;
use super::live::Live;
use super::view::View;
use crate::choropleth::{Classes, Counts, Measure, Method};
use crate::domain::{Area, Geography, Month, MonthRange, Status, TypeId, WardModel};
use crate::marts::{AreaCounts, Period, Series};

/// Values that classes are made of faster than they are found among those that were made before.
const KEPT_FROM: usize = 500;

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
    ward_model: WardModel,
    status: Option<Status>,
    measure: Measure,
}

impl Counting {
    /// For a view.
    pub fn new(view: &View, series: Arc<Series>, live: &Live) -> Self {
        let View { geography, ward_model, status, measure, .. } = *view;
        Self { series, totals: live.marts.totals(), geography, ward_model, status, measure }
    }

    /// In some months.
    pub fn period<'a>(&'a self, months: MonthRange) -> Counted<'a> {
        let base = match self.measure {
            Measure::Share => Some(self.totals.period(months, None)),
            Measure::Change => Some(self.series.period(months.year_before(), self.status)),
            Measure::Per1000 | Measure::Count | Measure::PerKm2 => None,
        };
        let areas = |period: Period<'a>| period.areas(self.geography, self.ward_model);
        Counted { requests: areas(self.series.period(months, self.status)), base: base.map(areas) }
    }
}

/// Counts of some months.
#[derive(Clone, Copy)]
pub struct Counted<'a> {
    requests: AreaCounts<'a>,
    base: Option<AreaCounts<'a>>,
}

impl Counted<'_> {
    /// Of an area.
    pub fn counts(&self, area: Area) -> Counts {
        Counts { requests: self.requests.requests(area), base: self.base.map_or(0, |base| base.requests(area)) }
    }
}

/// Classes for a view: those of its history, or its own where it has none because its type is new or ended before.
pub fn classes(view: &View, layer: &Layer, live: &Live, counting: &Counting) -> Arc<Classes> {
    let history = history(view, live);
    let of_history = || {
        let mut all = Vec::with_capacity(history.len() * layer.boundaries.areas.len());
        for &months in &history {
            all.extend(values(layer, counting, months, true));
        }
        Arc::new(Classes::new(view.classes, all, view.measure))
    };
    let of_history = if history.len() * layer.boundaries.areas.len() < KEPT_FROM {
        of_history()
    } else {
        live.classes.get_with(Comparable::of(view), of_history)
    };
    if of_history.is_empty() {
        let own = values(layer, counting, view.months, false).collect();
        return Arc::new(Classes::new(view.classes, own, view.measure));
    }
    of_history
}

/// All periods of the same length, counted back from the last complete month.
fn history(view: &View, live: &Live) -> Vec<MonthRange> {
    let of_geography = match view.geography {
        Geography::Ward => live.months_of(view.ward_model),
        Geography::Fsa => Some(live.release.months),
    };
    let all = of_geography.unwrap_or(view.months);
    let last = live.release.complete_through.min(all.last());
    let comparable = |months: &MonthRange| {
        let change = view.measure == Measure::Change;
        live.missing(*months).next().is_none() && (!change || view.has_year_before(*months, live))
    };
    periods(all.first(), last, view.months.months()).filter(comparable).collect()
}

/// Values of a period; one that is divided by little is huge, and it would stretch the classes.
fn values(layer: &Layer, counting: &Counting, months: MonthRange, without_little: bool) -> impl Iterator<Item = f64> {
    let counted = counting.period(months);
    layer.boundaries.areas.iter().filter_map(move |area| {
        let counts = counted.counts(area.area);
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
