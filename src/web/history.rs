//! What a view is compared with: the same requests in all earlier periods of the same length. Classes are made of it, so
//! that they stay the same from month to month.

use std::sync::Arc;

use super::layers::Layer;
use super::live::Live;
use super::view::View;
use crate::boundaries::BoundedArea;
use crate::choropleth::{Classes, Counts, Measure};
use crate::domain::{Area, Geography, Month, MonthRange, Status, WardModel};
use crate::marts::{AreaCounts, Period, Series};

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
pub fn classes(view: &View, layer: &Layer, live: &Live, counting: &Counting) -> Classes {
    let of_history = Classes::new(view.classes, sample(view, layer, live, counting), view.measure);
    if !of_history.is_empty() {
        return of_history;
    }
    let own = values(&layer.boundaries.areas, counting, view.months, false).collect();
    Classes::new(view.classes, own, view.measure)
}

/// Values of a view's history: of a short one all, of a long one those of each area in every so many-th period, in each
/// period of other areas; so a single month costs little more than a year. What is rare is read whole all the same.
fn sample(view: &View, layer: &Layer, live: &Live, counting: &Counting) -> Vec<f64> {
    let (history, areas) = (history(view, live), &layer.boundaries.areas);
    let enough = view.classes.enough();
    let read = |every: usize| {
        let mut read = Vec::with_capacity(history.len() * areas.len() / every);
        for &months in &history {
            // By the calendar: else each new month would change whose turn it was in all those before.
            let nth = months.first().index() / months.months();
            read.extend(values(turn(areas, nth, every), counting, months, true));
        }
        read
    };
    let every = (history.len() * areas.len()).div_ceil(enough).max(1);
    let some = read(every);
    // Of what is rare, hardly anything but zeros is in a sample, and they make no class.
    let is_rare = some.iter().filter(|value| **value != 0.0).count() < enough / 10;
    if every > 1 && is_rare { read(1) } else { some }
}

/// Those whose turn it is in the nth period, where it is each one's every so many periods.
fn turn<T>(of: &[T], nth: usize, every: usize) -> impl Iterator<Item = &T> {
    of.iter().skip(nth % every).step_by(every)
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

/// Values of areas in a period; one that is divided by little is huge, and it would stretch the classes.
fn values<'a>(
    areas: impl IntoIterator<Item = &'a BoundedArea>,
    counting: &Counting,
    months: MonthRange,
    without_little: bool,
) -> impl Iterator<Item = f64> {
    let counted = counting.period(months);
    areas.into_iter().filter_map(move |area| {
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
    fn all_areas_have_their_turn_as_often_and_few_in_a_period() {
        let areas: Vec<usize> = (0..25).collect();
        for every in [1, 3, 5, 12, 40] {
            let mut turns = [0; 25];
            for nth in 0..7 * every {
                let taken: Vec<usize> = turn(&areas, nth, every).copied().collect();
                assert!(taken.len() <= areas.len().div_ceil(every), "{every}: {taken:?}");
                taken.iter().for_each(|&area| turns[area] += 1);
            }
            assert_eq!(turns, [7; 25], "{every}");
        }
    }

    #[test]
    fn periods_are_counted_back_from_the_last_complete_month() {
        let (first, last) = ("2023-01".parse().unwrap(), "2024-02".parse().unwrap());
        let texts = |length| periods(first, last, length).map(|p| p.to_string()).collect::<Vec<_>>();
        assert_eq!(texts(6), ["2023-09..2024-02", "2023-03..2023-08"]);
        assert_eq!(texts(1).len(), 14);
        assert!(texts(15).is_empty());
    }
}
