//! What the colours mean.

use schemars::JsonSchema;
use serde::Serialize;

use super::colours::{Colour, DIVERGING, SEQUENTIAL, spread};
use super::{Classes, Measure, Method};

/// The key of a map, enough to draw the same map elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Legend {
    /// What is compared.
    #[serde(serialize_with = "as_word")]
    #[schemars(with = "String")]
    pub measure: Measure,
    /// The measure in words.
    pub label: &'static str,
    /// How breaks were chosen.
    pub method: &'static str,
    /// From the lowest class to the highest.
    pub classes: Vec<Swatch>,
}

/// One class.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Swatch {
    /// Values from here; none for the lowest class.
    pub from: Option<f64>,
    /// Values below here; none for the highest class.
    pub below: Option<f64>,
    /// The range in words.
    pub label: String,
    /// As `#rrggbb`.
    #[serde(serialize_with = "as_hex")]
    #[schemars(with = "String")]
    pub colour: &'static Colour,
}

fn as_word<S: serde::Serializer>(measure: &Measure, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(measure.as_str())
}

fn as_hex<S: serde::Serializer>(colour: &Colour, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(colour.hex)
}

impl Legend {
    /// For classes of a measure.
    pub fn new(classes: &Classes, measure: Measure, method: Method) -> Self {
        let breaks = classes.breaks();
        let ramp = if measure.is_diverging() { &DIVERGING } else { &SEQUENTIAL };
        let swatch = |(class, colour): (usize, &'static Colour)| {
            let from = class.checked_sub(1).map(|below| breaks[below]);
            let below = breaks.get(class).copied();
            Swatch { from, below, label: range(from, below, measure), colour }
        };
        Self {
            measure,
            label: measure.label(),
            method: method.as_str(),
            classes: spread(ramp, classes.len()).enumerate().map(swatch).collect(),
        }
    }
}

fn range(from: Option<f64>, below: Option<f64>, measure: Measure) -> String {
    let number = |value: f64| short(value, measure);
    match (from, below) {
        (None, None) if measure.is_diverging() => "all".to_owned(),
        (None, None) => "all with requests".to_owned(),
        (None, Some(below)) => format!("under {}", number(below)),
        (Some(from), None) => format!("{} and more", number(from)),
        (Some(from), Some(below)) if measure == Measure::Count && below - from <= 1.0 => number(from),
        (Some(from), Some(below)) if measure == Measure::Count => {
            format!("{} to {}", number(from), number(below - 1.0))
        }
        (Some(from), Some(below)) => format!("{} to under {}", number(from), number(below)),
    }
}

/// A break without digits that say nothing: breaks are round.
fn short(value: f64, measure: Measure) -> String {
    if measure == Measure::Count || value.abs() >= 1000.0 {
        return measure.format(value);
    }
    let text = format!("{:.3}", value.abs());
    measure.sign_and_unit(value, text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], measure: Measure) -> Vec<String> {
        let classes = Classes::new(Method::Quantile, values.to_vec(), measure);
        Legend::new(&classes, measure, Method::Quantile).classes.into_iter().map(|swatch| swatch.label).collect()
    }

    #[test]
    fn ranges_meet_without_overlap() {
        assert_eq!(
            labels(&[0.1, 0.25, 0.5, 1.0, 2.5], Measure::Per1000),
            ["under 0.25", "0.25 to under 0.5", "0.5 to under 1", "1 to under 2.5", "2.5 and more"]
        );
        assert_eq!(
            labels(&[1.0, 2.0, 5.0, 9.0, 2000.0], Measure::Count),
            ["under 2", "2 to 4", "5 to 8", "9 to 1,999", "2,000 and more"]
        );
    }

    #[test]
    fn change_is_written_with_its_sign_and_shares_as_percentages() {
        assert_eq!(
            labels(&[-30.0, -10.0, 0.0, 10.0, 30.0], Measure::Change),
            ["under −30 %", "−30 % to under −10 %", "−10 % to under +10 %", "+10 % to under +30 %", "+30 % and more"]
        );
        assert_eq!(labels(&[1.0, 2.5], Measure::Share), ["under 2.5 %", "2.5 % and more"]);
        assert_eq!(labels(&[0.0], Measure::Change), ["all"]);
    }

    #[test]
    fn one_value_has_a_legend_and_none_has_none() {
        assert_eq!(labels(&[3.0, 3.0], Measure::Count), ["all with requests"]);
        assert!(labels(&[0.0], Measure::Count).is_empty());
    }
}
