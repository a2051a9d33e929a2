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

/// A sample of a history holds at least so many requests, if the history does.
const FEW: u64 = 50;

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
        let requests = areas(self.series.period(months, self.status));
        Counted { requests, base: base.map(areas) }
    }

    /// Requests of all areas without which their values have no class.
    fn classed(&self, months: MonthRange) -> u64 {
        let months = if self.measure == Measure::Change { months.year_before() } else { months };
        self.series.all(months, self.status)
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
    let counted = counting.period(view.months);
    let own = layer.boundaries.areas.iter().filter_map(|area| view.measure.value(counted.counts(area.area), area));
    Classes::new(view.classes, own.collect(), view.measure)
}

/// Values of a view's history: of a short one all, of a long one those of each area in every so many-th period, in each
/// period of other areas; so a single month costs little more than a year. What is rare is looked for longer.
fn sample(view: &View, layer: &Layer, live: &Live, counting: &Counting) -> Vec<f64> {
    let areas = &layer.boundaries.areas;
    let (mut periods, mut requests) = (Vec::new(), 0);
    for months in history(view, live) {
        let in_months = counting.classed(months);
        if in_months > 0 {
            periods.push(months);
            requests += in_months;
        }
    }
    let values_are_enough = (periods.len() * areas.len()).div_ceil(view.classes.enough());
    let every = values_are_enough.min((requests / FEW) as usize).max(1);
    let some = values(areas, &periods, every, counting);
    if some.iter().all(|value| *value == 0.0) { values(areas, &periods, 1, counting) } else { some }
}

/// Values of each area in every so many-th period. One that is divided by little is left out: it is huge, and would
/// stretch the classes of all others.
fn values(areas: &[BoundedArea], periods: &[MonthRange], every: usize, counting: &Counting) -> Vec<f64> {
    // All counts, then all values: to decide by each count at once is to wait for the memory of each.
    let mut read = Vec::with_capacity(periods.len() * areas.len().div_ceil(every));
    for &months in periods {
        // By the calendar: else each new month would change whose turn it was in all those before.
        let nth = months.first().index() / months.months();
        let counted = counting.period(months);
        read.extend(turn(areas, nth, every).iter().map(|area| (counted.counts(area.area), area)));
    }
    let measure = counting.measure;
    let steady = read.into_iter().filter(|(counts, area)| !measure.divides_by_little(*counts, area));
    let mut values = Vec::with_capacity(periods.len() * areas.len().div_ceil(every));
    values.extend(steady.filter_map(|(counts, area)| measure.value(counts, area)));
    values
}

/// Those whose turn it is in the nth period, where it is each one's every so many periods: neighbours, whose counts lie
/// together. Rounds begin with others: else some would have their turn in winter only.
fn turn<T>(of: &[T], nth: usize, every: usize) -> &[T] {
    let turn = (nth + nth / every) % every;
    let start = |turn: usize| turn * of.len() / every;
    &of[start(turn)..start(turn + 1)]
}

/// All periods of the same length, counted back from the last complete month.
fn history(view: &View, live: &Live) -> impl Iterator<Item = MonthRange> {
    let of_geography = match view.geography {
        Geography::Ward => live.months_of(view.ward_model),
        Geography::Fsa => Some(live.release.months),
    };
    let all = of_geography.unwrap_or(view.months);
    let last = live.release.complete_through.min(all.last());
    let comparable = move |months: &MonthRange| {
        let change = view.measure == Measure::Change;
        live.missing(*months).next().is_none() && (!change || view.has_year_before(*months, live))
    };
    periods(all.first(), last, view.months.months()).filter(comparable)
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
            let (mut turns, mut januaries) = ([0; 25], [0; 25]);
            for nth in 0..12 * every * every {
                let taken = turn(&areas, nth, every);
                assert!(taken.len() <= areas.len().div_ceil(every), "{every}: {taken:?}");
                taken.iter().for_each(|&area| turns[area] += 1);
                taken.iter().filter(|_| nth % 12 == 0).for_each(|&area| januaries[area] += 1);
            }
            assert_eq!(turns, [12 * every; 25], "{every}");
            assert_eq!(januaries, [every; 25], "{every}: as often in January as in any month");
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
