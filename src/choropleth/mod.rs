//! From counts to a map, in steps that know nothing of each other:
//! counts -> values ([`Measure`]) -> classes ([`Classes`]) -> colours and legend ([`Legend`]) -> shapes ([`svg`], [`geojson`]).
//!
//! Pure functions: what comes in are boundaries and numbers, what goes out are numbers and text.

mod classes;
mod colours;
pub mod geojson;
mod legend;
pub mod measure;
pub mod svg;

pub use classes::Classes;
pub use colours::SEQUENTIAL;
pub use legend::{Legend, Swatch};
pub use measure::Measure;

use serde::Serialize;

use crate::boundaries::BoundedArea;
use crate::domain::Area;

/// Below this many requests a rate says more about chance than about the area: its relative standard error is above
/// 1 / sqrt(20), 22 %.
pub const FEW_REQUESTS: u64 = 20;

/// Below this many residents a rate per resident means nothing: M7A has 5.
pub const FEW_RESIDENTS: u32 = 1000;

/// How an area is to be read. The four never look alike on the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A value in a class.
    Value,
    /// Not a single request.
    Zero,
    /// No denominator for this measure.
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
    /// In the measure's unit; none without a denominator.
    pub value: Option<f64>,
    /// From 1 for the highest; equal values share a rank. None without a value, or with one that is unstable.
    pub rank: Option<usize>,
    /// Into the legend's classes; none for zero and for no data.
    pub class: Option<usize>,
    /// How to read it.
    pub state: State,
}

/// Joins requests onto areas: one value an area, in the order of the areas.
pub fn join(
    areas: &[BoundedArea],
    requests: impl Fn(Area) -> u64,
    measure: Measure,
    classes: &Classes,
) -> Vec<AreaValue> {
    let mut values: Vec<AreaValue> =
        areas.iter().map(|area| area_value(area, requests(area.area), measure, classes)).collect();
    rank(&mut values);
    values
}

fn area_value(area: &BoundedArea, requests: u64, measure: Measure, classes: &Classes) -> AreaValue {
    let value = measure.value(requests, area);
    let state = match value {
        None => State::NoData,
        Some(_) if requests == 0 => State::Zero,
        Some(_) if measure.is_unstable(requests, area) => State::Unstable,
        Some(_) => State::Value,
    };
    let class = value.filter(|_| requests > 0).and_then(|value| classes.class_of(value));
    AreaValue { area: area.area, requests, value, rank: None, class, state }
}

fn rank(values: &mut [AreaValue]) {
    let ranked = |v: &AreaValue| v.value.filter(|_| matches!(v.state, State::Value | State::Zero));
    let mut sorted: Vec<f64> = values.iter().filter_map(ranked).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
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
        let values =
            join(&areas, requests, Measure::Per1000, &Classes::quantile(vec![5.0, 10.0, 20.0], Measure::Per1000));
        let states: Vec<_> = values.iter().map(|v| v.state).collect();
        assert_eq!(states, [State::Value, State::Zero, State::NoData, State::Unstable, State::Unstable, State::Value]);
        assert_eq!(values.iter().map(|v| v.rank).collect::<Vec<_>>(), [Some(1), Some(3), None, None, None, Some(2)]);
        assert_eq!(values[0].value, Some(20.0));
        assert_eq!((values[1].class, values[2].class), (None, None));
    }

    #[test]
    fn a_count_is_never_unstable_and_ties_share_a_rank() {
        let areas = [area("M1A", None), area("M1B", None), area("M1C", None)];
        let requests = |area: Area| if area == areas[2].area { 1 } else { 3 };
        let values = join(&areas, requests, Measure::Count, &Classes::quantile(vec![1.0, 3.0], Measure::Count));
        assert_eq!(values.iter().map(|v| v.rank).collect::<Vec<_>>(), [Some(1), Some(1), Some(3)]);
        assert!(values.iter().all(|v| v.state == State::Value));
        assert_eq!(Fsa::new(b"M1A").map(Area::Fsa), Some(values[0].area));
    }
}
