//! Values into at most five classes.

use super::Measure;

/// The most classes that are told apart at a glance on a map of this kind.
const MOST: usize = 5;

/// Where one class ends and the next begins: class `i` holds the values from break `i - 1` (included) to break `i`.
///
/// Breaks are round numbers and there may be fewer than four: equal values are never split, so they collapse.
#[derive(Debug, Clone, PartialEq)]
pub struct Classes {
    breaks: Vec<f64>,
    empty: bool,
}

impl Classes {
    /// Breaks that put about as many of the positive values into each class; zero is a state of its own.
    pub fn quantile(mut values: Vec<f64>, measure: Measure) -> Self {
        values.retain(|value| *value > 0.0);
        values.sort_unstable_by(f64::total_cmp);
        let Some(&lowest) = values.first() else { return Self { breaks: Vec::new(), empty: true } };
        let mut breaks: Vec<f64> = Vec::new();
        for i in 1..MOST {
            // Equal values are not split: where they cross a quantile, the class ends behind the last of them.
            let below = breaks.last().copied().unwrap_or(lowest);
            let at = (i * values.len() / MOST).max(values.partition_point(|value| *value <= below));
            breaks.extend(values.get(at));
        }
        round(lowest, &mut breaks, measure);
        Self { breaks, empty: false }
    }

    /// How many there are; none when no value is positive.
    pub fn len(&self) -> usize {
        if self.empty { 0 } else { self.breaks.len() + 1 }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// The class of a positive value, also of one beyond those that the classes were made for.
    pub fn class_of(&self, value: f64) -> Option<usize> {
        // Compared with a hair's slack: a value that prints as the break belongs above it.
        (!self.empty).then(|| self.breaks.partition_point(|&end| end <= value * (1.0 + 1e-12)))
    }

    /// Breaks between neighbouring classes, ascending.
    pub fn breaks(&self) -> &[f64] {
        &self.breaks
    }
}

/// Rounds breaks down, by a step that is at most half of the narrowest class. So they stay apart, above the lowest value
/// and at or below the value that they were, and no class becomes empty.
fn round(lowest: f64, breaks: &mut Vec<f64>, measure: Measure) {
    let starts = std::iter::once(&lowest).chain(&*breaks);
    let narrowest = starts.zip(&*breaks).map(|(start, end)| end - start).fold(f64::INFINITY, f64::min);
    // A part of a request is nothing; a thousandth of one per 1,000 residents hardly more.
    let least = if measure == Measure::Count { 1.0 } else { 0.001 };
    let step = round_number_below(narrowest / 2.0).max(least);
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
        Classes::quantile(values.to_vec(), measure).breaks().to_vec()
    }

    #[test]
    fn breaks_are_round_and_split_the_values_evenly() {
        let values: Vec<f64> = (1..=100).map(|n| f64::from(n) * 1.37).collect();
        assert_eq!(breaks(&values, Measure::Per1000), [20.0, 50.0, 80.0, 110.0]);
        assert_eq!(breaks(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], Measure::Count), [2.0, 3.0, 4.0, 5.0]);
    }

    #[test]
    fn zeros_make_no_class() {
        let classes = Classes::quantile(vec![0.0; 50], Measure::Count);
        assert_eq!((classes.len(), classes.class_of(3.0)), (0, None));
    }

    #[test]
    fn equal_values_are_one_class() {
        let classes = Classes::quantile(vec![7.0; 25], Measure::Count);
        assert_eq!((classes.len(), classes.class_of(7.0)), (1, Some(0)));
    }

    #[test]
    fn ties_collapse_and_are_never_split() {
        let mut values = vec![1.0; 60];
        values.extend([2.0, 2.0, 9.0, 30.0]);
        let classes = Classes::quantile(values, Measure::Count);
        assert_eq!(classes.breaks(), [2.0, 9.0, 30.0]);
        assert_eq!((classes.class_of(1.0), classes.class_of(2.0)), (Some(0), Some(1)));
    }

    #[test]
    fn a_value_at_a_break_is_in_the_class_above() {
        let classes = Classes::quantile(vec![1.0, 2.0, 3.0, 4.0, 5.0], Measure::Count);
        assert_eq!(
            [1.0, 2.0, 4.9, 5.0, 99.0].map(|v| classes.class_of(v)),
            [Some(0), Some(1), Some(3), Some(4), Some(4)]
        );
    }

    proptest::proptest! {
        #[test]
        fn classes_are_ordered_and_hold_every_value(values in proptest::collection::vec(0.0f64..1e6, 1..200)) {
            let classes = Classes::quantile(values.clone(), Measure::Per1000);
            proptest::prop_assert!(classes.len() <= 5);
            proptest::prop_assert!(classes.breaks().windows(2).all(|pair| pair[0] < pair[1]));
            for value in values.into_iter().filter(|v| *v > 0.0) {
                proptest::prop_assert!(classes.class_of(value).unwrap() < classes.len());
            }
        }
    }
}
