//! From counts to a map, in steps that know nothing of each other:
//! counts -> values ([`Measure`]) -> classes ([`Classes`]) -> colours and legend ([`Legend`]) -> shapes ([`svg`], [`geojson`]).
//!
//! Pure functions: what comes in are boundaries and numbers, what goes out are numbers and text.

mod classes;
mod colours;
pub mod geojson;
mod jenks;
pub mod json;
mod legend;
pub mod measure;
pub mod svg;

pub use classes::{Classes, Method};
pub use colours::{Colour, DIVERGING, SEQUENTIAL};
pub use legend::{Legend, Swatch};
pub use measure::{Counts, Measure};

use schemars::JsonSchema;
use serde::Serialize;

use crate::boundaries::BoundedArea;
use crate::domain::Area;

/// Below this many requests a rate says more about chance than about the area: its relative standard error is above
/// 1 / sqrt(20), 22 %.
pub const FEW_REQUESTS: u64 = 20;

/// Below this many residents a rate per resident means nothing: M7A has 5.
pub const FEW_RESIDENTS: u32 = 1000;

/// Below this many areas with a value to compare, classes say little.
const FEW_AREAS: usize = 5;

/// How an area is to be read. The four never look alike on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "State")]
pub enum State {
    /// A value in a class.
    Value,
    /// Not a single request.
    Zero,
    /// Nothing to divide by: no residents, no other requests, none a year before.
    NoData,
    /// A value that rests on few requests or residents.
    Unstable,
}

impl State {
    /// The word in data and in class names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Zero => "zero",
            Self::NoData => "no_data",
            Self::Unstable => "unstable",
        }
    }
}

/// One area of the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AreaValue {
    /// Which one.
    pub area: Area,
    /// Requests in the period.
    pub requests: u64,
    /// What the measure compares them with, if it does.
    pub base: Option<u64>,
    /// In the measure's unit; none without a denominator.
    pub value: Option<f64>,
    /// From 1 for the highest; equal values share a rank. None without a value, with one that is unstable, or with zero
    /// beside such a one: it is lower, and as uncertain.
    pub rank: Option<usize>,
    /// Into the legend's classes; none for zero and for no data.
    pub class: Option<usize>,
    /// How to read it.
    pub state: State,
}

/// Joins requests onto areas: one value an area, in the order of the areas.
pub fn join(
    areas: &[BoundedArea],
    counts: impl Fn(Area) -> Counts,
    measure: Measure,
    classes: &Classes,
) -> Vec<AreaValue> {
    let mut values: Vec<AreaValue> =
        areas.iter().map(|area| area_value(area, counts(area.area), measure, classes)).collect();
    rank(&mut values);
    values
}

fn area_value(area: &BoundedArea, counts: Counts, measure: Measure, classes: &Classes) -> AreaValue {
    let value = measure.value(counts, area);
    let state = match value {
        None => State::NoData,
        // A change to none is a change; for the other measures, none is none.
        Some(_) if counts.requests == 0 && !measure.is_diverging() => State::Zero,
        Some(_) if measure.is_unstable(counts, area) => State::Unstable,
        Some(_) => State::Value,
    };
    let class = value.filter(|_| state != State::Zero).and_then(|value| classes.class_of(value));
    let base = measure.compares().then_some(counts.base);
    AreaValue { area: area.area, requests: counts.requests, base, value, rank: None, class, state }
}

/// Why the colours of a map could mislead; empty when they don't.
pub fn warnings(values: &[AreaValue]) -> Vec<String> {
    let compared = || values.iter().filter(|v| v.rank.is_some());
    let first = compared().next();
    let differ = compared().any(|v| Some(v.value) != first.map(|first| first.value));
    let one_class = first.is_some_and(|first| first.class.is_some() && compared().all(|v| v.class == first.class));
    let mut warnings = Vec::new();
    match compared().count() {
        0 => warnings.push("No area has enough requests to be compared.".to_owned()),
        few if few < FEW_AREAS => {
            warnings.push(format!("Only {few} of {} areas have enough requests to be compared.", values.len()));
        }
        _ if !differ => warnings.push("All areas have the same value: the colour says nothing.".to_owned()),
        _ if one_class => warnings.push("All areas are in the same class: the colour says nothing.".to_owned()),
        _ => {}
    }
    warnings
}

fn rank(values: &mut [AreaValue]) {
    let few = values.iter().any(|v| v.state == State::Unstable && (1..FEW_REQUESTS).contains(&v.requests));
    let ranked = |v: &AreaValue| v.value.filter(|_| v.state == State::Value || v.state == State::Zero && !few);
    let mut sorted = Vec::with_capacity(values.len());
    sorted.extend(values.iter().filter_map(ranked));
    sorted.sort_unstable_by(|a: &f64, b| b.total_cmp(a));
    for area in values.iter_mut() {
        area.rank = ranked(area).map(|value| 1 + sorted.partition_point(|&other| other > value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundaries::Population;
    use crate::domain::{Fsa, Geography};

    fn area(code: &str, population: Option<u32>) -> BoundedArea {
        BoundedArea {
            area: Area::from_code(Geography::Fsa, None, code).unwrap(),
            name: code.to_owned(),
            area_km2: 2.0,
            population: population.map(|count| Population { count, census_year: 2021 }),
            label_point: [0.0; 2],
            bbox: [0.0; 4],
            geometry: geo::MultiPolygon(Vec::new()),
        }
    }

    fn counts(requests: u64, base: u64) -> Counts {
        Counts { requests, base }
    }

    #[test]
    fn none_is_not_ranked_before_few() {
        let areas = ["M1A", "M1B", "M1C"].map(|code| area(code, Some(10_000)));
        let classes = Classes::new(Method::Quantile, vec![1.0, 3.0], Measure::Per1000);
        let ranks = |requests: [u64; 3]| {
            let of = |area: Area| counts(requests[areas.iter().position(|a| a.area == area).unwrap()], 0);
            join(&areas, of, Measure::Per1000, &classes).iter().map(|value| value.rank).collect::<Vec<_>>()
        };
        assert_eq!(ranks([0, 40, 30]), [Some(3), Some(1), Some(2)]);
        assert_eq!(ranks([0, 40, 3]), [None, Some(1), None]);
    }

    #[test]
    fn change_and_share_need_other_requests_to_compare_with() {
        let areas = ["M1A", "M1B", "M1C", "M1E"].map(|code| area(code, None));
        let of = |area: Area| match area.to_string().as_str() {
            "M1A" => counts(150, 100),
            "M1B" => counts(0, 100),
            "M1C" => counts(30, 19),
            _ => counts(7, 0),
        };
        let classes = Classes::new(Method::Quantile, vec![-50.0, 50.0], Measure::Change);
        let change = join(&areas, of, Measure::Change, &classes);
        assert_eq!(
            change.iter().map(|v| v.value.map(f64::round)).collect::<Vec<_>>(),
            [Some(50.0), Some(-100.0), Some(58.0), None]
        );
        let states: Vec<_> = change.iter().map(|v| v.state).collect();
        assert_eq!(states, [State::Value, State::Value, State::Unstable, State::NoData]);
        let share = join(&areas, of, Measure::Share, &Classes::new(Method::Quantile, vec![1.0], Measure::Share));
        assert_eq!((share[1].state, share[0].value), (State::Zero, Some(150.0)));
    }

    #[test]
    fn colours_that_say_nothing_come_with_a_warning() {
        let areas: Vec<_> = (b'A'..=b'H').map(|c| area(&format!("M1{}", char::from(c)), None)).collect();
        let warned = |requests: &dyn Fn(Area) -> u64, of_history: &[f64]| {
            let classes = Classes::new(Method::Quantile, of_history.to_vec(), Measure::PerKm2);
            warnings(&join(&areas, |area| counts(requests(area), 0), Measure::PerKm2, &classes)).concat()
        };
        let letter = |area: Area| u64::from(area.to_string().as_bytes()[2] - b'A');
        let history = [1.0, 20.0, 40.0, 60.0, 80.0];
        assert_eq!(warned(&|area| 20 + 20 * letter(area), &history), "");
        assert_eq!(warned(&|_| 50, &history), "All areas have the same value: the colour says nothing.");
        assert_eq!(warned(&|area| 5 + 5 * letter(area), &history), "", "five with twenty or more");
        assert_eq!(
            warned(&|area| 4 + 5 * letter(area), &history),
            "Only 4 of 8 areas have enough requests to be compared."
        );
        assert_eq!(warned(&|_| 1, &history), "No area has enough requests to be compared.");
        assert!(warned(&|area| 900 + letter(area), &history).starts_with("All areas are in the same class"));
    }

    #[test]
    fn the_four_states_are_told_apart() {
        let areas = [
            area("M1A", Some(10_000)),
            area("M1B", Some(10_000)),
            area("M1C", None),
            area("M1E", Some(10_000)),
            area("M7A", Some(5)),
            area("M1G", Some(20_000)),
        ];
        let requests = |area: Area| match area.to_string().as_str() {
            "M1B" => 0,
            "M1E" => 19,
            _ => 200,
        };
        let classes = Classes::new(Method::Quantile, vec![5.0, 10.0, 20.0], Measure::Per1000);
        let values = join(&areas, |area| counts(requests(area), 0), Measure::Per1000, &classes);
        let states: Vec<_> = values.iter().map(|v| v.state).collect();
        assert_eq!(states, [State::Value, State::Zero, State::NoData, State::Unstable, State::Unstable, State::Value]);
        assert_eq!(values.iter().map(|v| v.rank).collect::<Vec<_>>(), [Some(1), None, None, None, None, Some(2)]);
        assert_eq!(values[0].value, Some(20.0));
        assert_eq!((values[1].class, values[2].class), (None, None));
    }

    #[test]
    fn a_count_is_never_unstable_and_ties_share_a_rank() {
        let areas = [area("M1A", None), area("M1B", None), area("M1C", None)];
        let requests = |area: Area| if area == areas[2].area { 1 } else { 3 };
        let classes = Classes::new(Method::Quantile, vec![1.0, 3.0], Measure::Count);
        let values = join(&areas, |area| counts(requests(area), 0), Measure::Count, &classes);
        assert_eq!(values.iter().map(|v| v.rank).collect::<Vec<_>>(), [Some(1), Some(1), Some(3)]);
        assert!(values.iter().all(|v| v.state == State::Value));
        assert_eq!(Fsa::new(b"M1A").map(Area::Fsa), Some(values[0].area));
    }
}
