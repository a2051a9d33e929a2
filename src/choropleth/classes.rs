//! Values into at most five classes.

use std::fmt;
use std::str::FromStr;

use super::{Measure, jenks};
use crate::domain::ParseError;

/// The most classes that are told apart at a glance on a map of this kind.
const MOST: usize = 5;

/// A fall to nothing, in per cent: none is larger.
const LARGEST_FALL: f64 = 100.0;

/// How breaks between classes are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// About as many areas in each class: the one that people read most rightly.
    #[default]
    Quantile,
    /// Classes of equal width.
    Equal,
    /// Natural breaks: classes whose values are close to each other.
    Jenks,
}

impl Method {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Quantile, Self::Equal, Self::Jenks];

    /// The word in URLs and data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quantile => "quantile",
            Self::Equal => "equal",
            Self::Jenks => "jenks",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Quantile => "Quantiles",
            Self::Equal => "Equal widths",
            Self::Jenks => "Natural breaks (Jenks)",
        }
    }

    /// So many values are enough to choose breaks by, however many there are. By quantiles, nearly all areas are in the
    /// same class as by all values; natural breaks, which take longest to find, differ for one area in ten. Equal widths
    /// hang on the extremes, so that most are made of all values.
    pub fn enough(self) -> usize {
        match self {
            Self::Quantile => 1000,
            Self::Equal => 2000,
            Self::Jenks => 300,
        }
    }

    /// Where classes begin, but for the lowest; of values in any order, which they lose.
    fn breaks(self, values: &mut [f64]) -> Vec<f64> {
        match self {
            Self::Quantile => quantiles(values),
            Self::Equal => equal_widths(values),
            Self::Jenks => {
                values.sort_unstable_by(f64::total_cmp);
                jenks::breaks(values, MOST)
            }
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Method {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let known = Self::ALL.into_iter().find(|method| method.as_str() == text);
        known.ok_or_else(|| ParseError { value: text.to_owned(), expected: "quantile, equal or jenks" })
    }
}

/// Where one class ends and the next begins: class `i` holds the values from break `i - 1` (included) to break `i`.
///
/// Breaks are round numbers and there may be fewer than four: equal values are never split, so they collapse.
#[derive(Debug, Clone, PartialEq)]
pub struct Classes {
    breaks: Vec<f64>,
    empty: bool,
}

impl Classes {
    /// Of the values of a measure, in any order.
    pub fn new(method: Method, values: Vec<f64>, measure: Measure) -> Self {
        if measure.is_diverging() {
            Self::diverging(method, &values)
        } else {
            Self::sequential(method, values, measure)
        }
    }

    /// Of the positive values; zero is a state of its own.
    fn sequential(method: Method, mut values: Vec<f64>, measure: Measure) -> Self {
        values.retain(|value| *value > 0.0);
        let Some(lowest) = values.iter().copied().reduce(f64::min) else {
            return Self { breaks: Vec::new(), empty: true };
        };
        let mut breaks = method.breaks(&mut values);
        round(lowest, &mut breaks, measure.least_step());
        Self { breaks, empty: false }
    }

    /// Around zero, and as far below it as above: so much more looks as strong as so much less. Breaks are nearer than the
    /// largest fall, or a class could hold nothing.
    fn diverging(method: Method, values: &[f64]) -> Self {
        let mut mirrored: Vec<f64> = values.iter().flat_map(|value| [*value, -value]).collect();
        let mut above = method.breaks(&mut mirrored);
        above.retain(|value| *value > 0.0);
        above.truncate(MOST / 2);
        round(0.0, &mut above, Measure::Change.least_step());
        if above.first().is_some_and(|lowest| *lowest >= LARGEST_FALL) {
            above = vec![LARGEST_FALL / 2.0];
        }
        above.retain(|value| *value < LARGEST_FALL);
        let below = above.iter().rev().map(|value| -value);
        Self { breaks: below.chain(above.iter().copied()).collect(), empty: values.is_empty() }
    }

    /// How many there are; none when there was no value to make them of.
    pub fn len(&self) -> usize {
        if self.empty { 0 } else { self.breaks.len() + 1 }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// The class of a value, also of one beyond those that the classes were made for.
    pub fn class_of(&self, value: f64) -> Option<usize> {
        // Compared with a hair's slack: a value that prints as the break belongs above it.
        let value = value + value.abs() * 1e-12;
        (!self.empty).then(|| self.breaks.partition_point(|&end| end <= value))
    }

    /// Breaks between neighbouring classes, ascending.
    pub fn breaks(&self) -> &[f64] {
        &self.breaks
    }
}

/// Breaks that put about as many values into each class. Each is selected among the values behind the one before, which
/// takes half of the time of sorting them all.
fn quantiles(values: &mut [f64]) -> Vec<f64> {
    let Some(mut below) = values.iter().copied().reduce(f64::min) else { return Vec::new() };
    let (many, mut rest) = (values.len(), values);
    let mut breaks = Vec::new();
    for i in 1..MOST {
        let at = (i * many / MOST).saturating_sub(many - rest.len());
        if at >= rest.len() {
            break;
        }
        let (_, &mut quantile, behind) = rest.select_nth_unstable_by(at, f64::total_cmp);
        // Equal values are not split: where they cross a quantile, the class ends behind the last of them.
        let next = || behind.iter().copied().filter(|value| *value > below).reduce(f64::min);
        let Some(end) = Some(quantile).filter(|value| *value > below).or_else(next) else { break };
        breaks.push(end);
        (below, rest) = (end, behind);
    }
    breaks
}

fn equal_widths(values: &[f64]) -> Vec<f64> {
    let (lowest, highest) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &value| (low.min(value), high.max(value)));
    if lowest >= highest {
        return Vec::new();
    }
    (1..MOST).map(|i| lowest + (highest - lowest) * i as f64 / MOST as f64).collect()
}

/// Rounds breaks down, by a step that is at most half of the narrowest class. So they stay apart, above the lowest value
/// and at or below the value that they were, and no class that had a value becomes empty.
fn round(lowest: f64, breaks: &mut Vec<f64>, least_step: f64) {
    let starts = std::iter::once(&lowest).chain(&*breaks);
    let narrowest = starts.zip(&*breaks).map(|(start, end)| end - start).fold(f64::INFINITY, f64::min);
    let step = round_number_below(narrowest / 2.0).max(least_step);
    for value in &mut *breaks {
        let steps = (*value / step + 1e-9).floor();
        // Dividing by the whole number 1 / step gives 0.3 where multiplying gives 0.30000000000000004.
        *value = if step < 1.0 { steps / (1.0 / step).round() } else { steps * step };
    }
    breaks.retain(|value| *value > lowest);
    breaks.dedup();
}

/// The largest of …, 0.5, 1, 2, 5, 10, … that is not above a number; 1 for infinity.
fn round_number_below(number: f64) -> f64 {
    let magnitude = if number.is_finite() { 10f64.powf(number.log10().floor()) } else { 1.0 };
    [5.0, 2.0]
        .map(|n| n * magnitude)
        .into_iter()
        .find(|round| *round <= number && number.is_finite())
        .unwrap_or(magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaks(values: &[f64], measure: Measure) -> Vec<f64> {
        Classes::new(Method::Quantile, values.to_vec(), measure).breaks().to_vec()
    }

    #[test]
    fn breaks_are_round_and_split_the_values_evenly() {
        let values: Vec<f64> = (1..=100).map(|n| f64::from(n) * 1.37).collect();
        assert_eq!(breaks(&values, Measure::Per1000), [20.0, 50.0, 80.0, 110.0]);
        assert_eq!(breaks(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], Measure::Count), [2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn zeros_make_no_class() {
        let classes = Classes::new(Method::Quantile, vec![0.0; 50], Measure::Count);
        assert_eq!((classes.len(), classes.class_of(3.0)), (0, None));
    }

    #[test]
    fn equal_values_are_one_class() {
        let classes = Classes::new(Method::Quantile, vec![7.0; 25], Measure::Count);
        assert_eq!((classes.len(), classes.class_of(7.0)), (1, Some(0)));
    }

    #[test]
    fn ties_collapse_and_are_never_split() {
        let mut values = vec![1.0; 60];
        values.extend([2.0, 2.0, 9.0, 30.0]);
        let classes = Classes::new(Method::Quantile, values, Measure::Count);
        assert_eq!(classes.breaks(), [2.0, 9.0, 30.0]);
        assert_eq!((classes.class_of(1.0), classes.class_of(2.0)), (Some(0), Some(1)));
    }

    #[test]
    fn a_value_at_a_break_is_in_the_class_above() {
        let classes = Classes::new(Method::Quantile, vec![1.0, 2.0, 3.0, 4.0, 5.0], Measure::Count);
        assert_eq!(
            [1.0, 2.0, 4.9, 5.0, 99.0].map(|v| classes.class_of(v)),
            [Some(0), Some(1), Some(3), Some(4), Some(4)]
        );
    }

    #[test]
    fn classes_of_equal_width_and_of_natural_breaks_are_rounded_too() {
        let values = vec![1.02, 1.1, 1.3, 4.0, 4.2, 9.0, 11.0];
        let breaks = |method| Classes::new(method, values.clone(), Measure::Per1000).breaks().to_vec();
        assert_eq!(breaks(Method::Equal), [3.0, 5.0, 7.0, 9.0]);
        assert_eq!(breaks(Method::Jenks), [1.3, 4.0, 9.0, 11.0]);
    }

    #[test]
    fn change_is_classed_as_far_below_zero_as_above() {
        for method in Method::ALL {
            let classes = Classes::new(method, vec![-40.0, -12.0, -3.0, 0.0, 4.0, 9.0, 31.0, 150.0], Measure::Change);
            let breaks = classes.breaks();
            assert!(!breaks.is_empty() && breaks.len() <= 4, "{method}");
            assert!(breaks.iter().zip(breaks.iter().rev()).all(|(a, b)| *a == -b), "{method}: {breaks:?}");
            assert_eq!(classes.class_of(0.0), Some(breaks.len() / 2), "{method}: zero is in the middle");
        }
        let of_a_rare_type = Classes::new(Method::Quantile, vec![-50.0, 20.0, 40.0, 300.0, 900.0], Measure::Change);
        assert_eq!(of_a_rare_type.breaks(), [-40.0, 40.0]);
        let all_grew = Classes::new(Method::Quantile, vec![200.0, 300.0, 900.0], Measure::Change);
        assert_eq!(all_grew.breaks(), [-50.0, 50.0]);
        let no_change = Classes::new(Method::Quantile, vec![0.0; 9], Measure::Change);
        assert_eq!((no_change.len(), no_change.class_of(0.0)), (1, Some(0)));
        assert!(Classes::new(Method::Equal, Vec::new(), Measure::Change).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn quantiles_are_the_values_at_each_fifth_in_order(values in proptest::collection::vec(0u8..40, 0..60)) {
            let mut values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let quantiles = quantiles(&mut values);
            values.sort_by(f64::total_cmp);
            let mut expected: Vec<f64> = Vec::new();
            for i in 1..MOST {
                let below = expected.last().or(values.first()).copied();
                let is_above = |value: &&f64| below.is_some_and(|below| **value > below);
                expected.extend(values.iter().skip(i * values.len() / MOST).find(is_above));
            }
            proptest::prop_assert_eq!(quantiles, expected);
        }

        #[test]
        fn classes_are_ordered_and_hold_every_value(values in proptest::collection::vec(0.0f64..1e6, 1..200)) {
            for method in Method::ALL {
                let classes = Classes::new(method, values.clone(), Measure::Per1000);
                proptest::prop_assert!(classes.len() <= 5);
                proptest::prop_assert!(classes.breaks().windows(2).all(|pair| pair[0] < pair[1]));
                for value in values.iter().filter(|v| **v > 0.0) {
                    proptest::prop_assert!(classes.class_of(*value).unwrap() < classes.len());
                }
            }
        }
    }
}
