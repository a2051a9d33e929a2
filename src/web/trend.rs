//! Requests by month as a curve, with what is normal for each month: the range of the same month in earlier years.

use std::fmt::Write;
use std::ops::RangeInclusive;

use serde::Serialize;

use super::body::{Body, Caching};
use super::live::Live;
use crate::choropleth::measure::thousands;
use crate::domain::{Month, MonthRange};

/// Months that are drawn.
const MONTHS: usize = 60;
/// Earlier years that make a range, and the fewest that do.
const YEARS: RangeInclusive<u16> = 2..=5;
/// The drawing in its own units, and what its axes take of it.
const SIZE: (f64, f64) = (440.0, 170.0);
const AXES: (f64, f64) = (44.0, 16.0);

/// One month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// Which.
    pub month: Month,
    /// Requests; none where there are no data.
    pub requests: Option<u64>,
    /// The fewest and the most in the same month of up to five earlier years, of which there have to be two.
    pub normal: Option<(u64, u64)>,
}

impl Point {
    /// For people.
    pub fn requests_text(&self) -> String {
        self.requests.map_or_else(|| "no data".to_owned(), thousands)
    }

    /// For people.
    pub fn normal_text(&self) -> String {
        let text = |(low, high)| format!("{} to {}", thousands(low), thousands(high));
        self.normal.map_or_else(|| "–".to_owned(), text)
    }
}

/// A curve.
pub struct Trend {
    /// In the order of time, complete months only.
    pub points: Vec<Point>,
}

impl Trend {
    /// Up to a month, of the months that have the same areas; `requests` of whole months.
    pub fn new(live: &Live, all: MonthRange, last: Month, requests: impl Fn(MonthRange) -> u64) -> Self {
        let known = |month: Month| {
            let in_range = all.first() <= month && month <= last;
            (in_range && live.missing(MonthRange::single(month)).next().is_none())
                .then(|| requests(MonthRange::single(month)))
        };
        let normal = |month: Month| {
            let earlier = std::iter::successors(Some(month.year_before()), |month| Some(month.year_before()));
            let counts: Vec<u64> = earlier.take(usize::from(*YEARS.end())).filter_map(known).collect();
            let enough = counts.len() >= usize::from(*YEARS.start());
            Some((*counts.iter().min()?, *counts.iter().max()?)).filter(|_| enough)
        };
        let point = |month| Point { month, requests: known(month), normal: normal(month) };
        let months = MonthRange::new(all.first(), last).unwrap_or(MonthRange::single(last));
        let skipped = months.months().saturating_sub(MONTHS);
        Self { points: months.iter().skip(skipped).map(point).collect() }
    }

    /// The points as CSV: month, requests, the fewest and the most that are normal.
    pub fn csv(&self) -> anyhow::Result<Body> {
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(["month", "requests", "normal_low", "normal_high"])?;
        for Point { month, requests, normal } in &self.points {
            out.serialize((month, requests, normal.map(|(low, _)| low), normal.map(|(_, high)| high)))?;
        }
        Ok(Body::new("text/csv; charset=utf-8", Caching::Live, out.into_inner()?))
    }

    /// How the last month compares with its range, in a sentence.
    pub fn sentence(&self) -> Option<String> {
        let Point { month, requests: Some(requests), normal: Some((low, high)) } = *self.points.last()? else {
            return None;
        };
        let place = match requests {
            n if n < low => "fewer than in",
            n if n > high => "more than in",
            _ => "within what was normal in",
        };
        let (low, high) = (thousands(low), thousands(high));
        Some(format!("{}: {place} the same month of earlier years ({low} to {high}).", month.long_name()))
    }

    fn most(&self) -> u64 {
        let tops = self.points.iter().flat_map(|p| [p.requests, p.normal.map(|(_, high)| high)]);
        tops.flatten().max().unwrap_or(0)
    }

    /// Lines of the grid with what they stand for.
    pub fn grid_lines(&self) -> Vec<(f64, String)> {
        let [top, middle] = self.grid();
        [top, middle, 0].map(|requests| (self.y(requests), thousands(requests))).into()
    }

    /// The highest line of the grid, a round number, and the one half as high.
    fn grid(&self) -> [u64; 2] {
        let most = self.most().max(2);
        let magnitude = 10u64.pow(most.ilog10());
        let top = [1, 2, 4, 6, 8, 10].map(|n| n * magnitude).into_iter().find(|top| *top >= most);
        let top = top.unwrap_or(most);
        [top, top / 2]
    }

    fn x(&self, at: usize) -> f64 {
        let last = self.points.len().saturating_sub(1).max(1);
        AXES.0 + (SIZE.0 - AXES.0 - 6.0) * at as f64 / last as f64
    }

    /// The height of a number in the drawing.
    fn y(&self, requests: u64) -> f64 {
        let height = SIZE.1 - AXES.1 - 6.0;
        let y = SIZE.1 - AXES.1 - height * requests as f64 / self.grid()[0] as f64;
        (y * 10.0).round() / 10.0
    }

    /// The curve, broken where there are no data.
    pub fn line(&self) -> String {
        let mut d = String::new();
        let mut pen = 'M';
        for (at, point) in self.points.iter().enumerate() {
            match point.requests {
                // Writing to a String does not fail.
                Some(requests) => {
                    let _ = write!(d, "{pen}{:.1} {:.1}", self.x(at), self.y(requests));
                    pen = 'L';
                }
                None => pen = 'M',
            }
        }
        d
    }

    /// The ranges as bands: along the highest and back along the lowest.
    pub fn band(&self) -> String {
        let ranges: Vec<_> = self.points.iter().enumerate().map(|(at, p)| (at, p.normal)).collect();
        let mut d = String::new();
        for run in ranges.chunk_by(|a, b| a.1.is_some() == b.1.is_some()) {
            let there = run.iter().filter_map(|(at, normal)| Some((*at, (*normal)?.1)));
            let back = run.iter().rev().filter_map(|(at, normal)| Some((*at, (*normal)?.0)));
            let corners: Vec<_> = there.chain(back).collect();
            for (n, (at, requests)) in corners.iter().enumerate() {
                let _ = write!(d, "{}{:.1} {:.1}", if n == 0 { 'M' } else { 'L' }, self.x(*at), self.y(*requests));
            }
            d.push_str(if corners.is_empty() { "" } else { "z" });
        }
        d
    }

    /// Where the last point is.
    pub fn end(&self) -> Option<(f64, f64)> {
        let at = self.points.len().checked_sub(1)?;
        Some((self.x(at), self.y(self.points[at].requests?)))
    }

    /// The beginnings of years, with where they are.
    pub fn years(&self) -> Vec<(f64, u16)> {
        let januaries = self.points.iter().enumerate().filter(|(_, point)| point.month.month() == 1);
        januaries.map(|(at, point)| (self.x(at).round(), point.month.year())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trend(counts: &[Option<u64>]) -> Trend {
        let first: Month = "2023-01".parse().unwrap();
        let months = std::iter::successors(Some(first), |month| Some(month.next()));
        let point = |(month, requests): (Month, &Option<u64>)| Point { month, requests: *requests, normal: None };
        Trend { points: months.zip(counts).map(point).collect() }
    }

    #[test]
    fn the_curve_is_broken_where_there_are_no_data() {
        let trend = trend(&[Some(1), Some(2), None, Some(3)]);
        let pens: String = trend.line().chars().filter(char::is_ascii_uppercase).collect();
        assert_eq!(pens, "MLM");
        assert_eq!(trend.years(), [(44.0, 2023)]);
    }

    #[test]
    fn the_grid_ends_at_a_round_number_above_all() {
        let top = |most| trend(&[Some(most)]).grid()[0];
        assert_eq!([0, 3, 10, 11, 950, 61_000].map(top), [2, 4, 10, 20, 1000, 80_000]);
    }

    #[test]
    fn the_last_month_is_said_to_be_normal_or_not() {
        let mut trend = trend(&[Some(50)]);
        assert_eq!(trend.sentence(), None, "without earlier years nothing is normal");
        trend.points[0].normal = Some((40, 60));
        assert!(trend.sentence().unwrap().contains("within what was normal"));
        trend.points[0].requests = Some(61);
        assert!(trend.sentence().unwrap().contains("more than in the same month of earlier years (40 to 60)"));
    }
}
