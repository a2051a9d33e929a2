//! What the colours mean.

use std::fmt::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::colours::{Colour, DIVERGING, SEQUENTIAL, spread};
use super::measure::Thousands;
use super::{Classes, Measure, Method};

/// What the longest label takes, nearly.
const LABEL_BYTES: usize = 32;

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
    let mut text = String::with_capacity(LABEL_BYTES);
    // Writing to memory does not fail.
    let _ = write_range(&mut text, from, below, measure);
    text
}

fn write_range(text: &mut String, from: Option<f64>, below: Option<f64>, measure: Measure) -> fmt::Result {
    let number = |value: f64| short(value, measure);
    match (from, below) {
        (None, None) if measure.is_diverging() => text.write_str("all"),
        (None, None) => text.write_str("all with requests"),
        (None, Some(below)) => write!(text, "under {}", number(below)),
        (Some(from), None) => write!(text, "{} and more", number(from)),
        (Some(from), Some(below)) if measure == Measure::Count && below - from <= 1.0 => {
            write!(text, "{}", number(from))
        }
        (Some(from), Some(below)) if measure == Measure::Count => {
            write!(text, "{} to {}", number(from), number(below - 1.0))
        }
        (Some(from), Some(below)) => write!(text, "{} to under {}", number(from), number(below)),
    }
}

/// A break without digits that say nothing. Breaks are round: whole counts, and of other measures whole thousandths.
fn short(value: f64, measure: Measure) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let size = value.abs();
        write!(f, "{}", measure.sign(value))?;
        if measure == Measure::Count || size >= 1000.0 {
            return write!(f, "{}{}", Thousands(size.round() as u64), measure.symbol());
        }
        let thousandths = (size * 1000.0).round() as u64;
        write!(f, "{}", thousandths / 1000)?;
        match thousandths % 1000 {
            0 => {}
            tenths if tenths % 100 == 0 => write!(f, ".{}", tenths / 100)?,
            hundredths if hundredths % 10 == 0 => write!(f, ".{:02}", hundredths / 10)?,
            rest => write!(f, ".{rest:03}")?,
        }
        f.write_str(measure.symbol())
    })
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
