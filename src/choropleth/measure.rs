//! What is compared between areas.

use std::fmt;
use std::str::FromStr;

use crate::boundaries::BoundedArea;
use crate::domain::ParseError;

use super::{FEW_REQUESTS, FEW_RESIDENTS};

/// What is counted in an area.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Requests that are asked about.
    pub requests: u64,
    /// Those that a measure compares them with, for the measures that compare: see [`Measure::compares`].
    pub base: u64,
}

/// A quantity derived from an area's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Requests per 1,000 residents of the census that the boundaries name.
    Per1000,
    /// Requests.
    Count,
    /// Requests per square kilometre.
    PerKm2,
    /// Per cent of all requests of the same area and months.
    Share,
    /// By how many per cent there are more than in the same months of the year before.
    Change,
}

impl Measure {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 5] = [Self::Per1000, Self::Count, Self::PerKm2, Self::Share, Self::Change];

    /// The word in URLs and data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Per1000 => "per_1000",
            Self::Count => "count",
            Self::PerKm2 => "per_km2",
            Self::Share => "share",
            Self::Change => "change",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Per1000 => "Requests per 1,000 residents",
            Self::Count => "Number of requests",
            Self::PerKm2 => "Requests per km²",
            Self::Share => "Share of all requests of the area",
            Self::Change => "Change against the same months a year before",
        }
    }

    /// The same, for a list to choose from.
    pub fn choice(self) -> &'static str {
        match self {
            Self::Per1000 => "Per 1,000 residents",
            Self::Count => "Count",
            Self::PerKm2 => "Per km²",
            Self::Share => "Share of the area’s requests",
            Self::Change => "Change in a year",
        }
    }

    /// The heading of a table's column.
    pub fn column(self) -> &'static str {
        match self {
            Self::Per1000 => "Per 1,000",
            Self::Count => "Requests",
            Self::PerKm2 => "Per km²",
            Self::Share => "Share",
            Self::Change => "Change",
        }
    }

    /// What follows a value in a sentence.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Per1000 => "per 1,000 residents",
            Self::Count => "requests",
            Self::PerKm2 => "per km²",
            Self::Share => "of the area’s requests",
            Self::Change => "against a year before",
        }
    }

    /// Whether values lie on both sides of zero, which then is the middle.
    pub fn is_diverging(self) -> bool {
        self == Self::Change
    }

    /// Whether it divides by other requests.
    pub fn compares(self) -> bool {
        matches!(self, Self::Share | Self::Change)
    }

    /// In the measure's unit; none without residents, area or requests to divide by.
    pub fn value(self, counts: Counts, area: &BoundedArea) -> Option<f64> {
        let (requests, base) = (counts.requests as f64, counts.base as f64);
        match self {
            Self::Count => Some(requests),
            Self::Per1000 => area.population.filter(|p| p.count > 0).map(|p| requests * 1000.0 / f64::from(p.count)),
            Self::PerKm2 => (area.area_km2 > 0.0).then(|| requests / area.area_km2),
            Self::Share => (counts.base > 0).then(|| requests * 100.0 / base),
            Self::Change => (counts.base > 0).then(|| (requests - base) * 100.0 / base),
        }
    }

    /// Whether the value of an area rests on too little to be compared.
    pub fn is_unstable(self, counts: Counts, area: &BoundedArea) -> bool {
        let few = match self {
            Self::Count => false,
            // From many to none is a change that chance does not make.
            Self::Change => counts.base < FEW_REQUESTS,
            _ => (1..FEW_REQUESTS).contains(&counts.requests),
        };
        few || self.has_few_residents(area)
    }

    /// Whether it divides by so little that the value would stretch the classes of all others.
    pub fn divides_by_little(self, counts: Counts, area: &BoundedArea) -> bool {
        self.has_few_residents(area) || (self.compares() && counts.base < FEW_REQUESTS)
    }

    fn has_few_residents(self, area: &BoundedArea) -> bool {
        self == Self::Per1000 && area.population.is_some_and(|p| p.count < FEW_RESIDENTS)
    }

    /// A difference that is nothing: a part of a request, a hundredth of a per cent of change.
    pub(super) fn least_step(self) -> f64 {
        match self {
            Self::Count => 1.0,
            Self::Change => 0.01,
            _ => 0.001,
        }
    }

    /// For people: whole counts with thousands separators, the others with three significant digits.
    pub fn format(self, value: f64) -> String {
        let size = value.abs();
        let text = match self {
            Self::Count => thousands(size as u64),
            _ if size >= 100.0 => thousands(size.round() as u64),
            _ if size >= 10.0 || size == 0.0 => format!("{size:.1}"),
            _ => format!("{size:.2}"),
        };
        format!("{}{text}{}", self.sign(value), self.symbol())
    }

    /// What stands before a number without sign.
    pub(super) fn sign(self, value: f64) -> &'static str {
        match self {
            Self::Change if value > 0.0 => "+",
            Self::Change if value < 0.0 => "−",
            _ => "",
        }
    }

    /// What stands behind it.
    pub(super) fn symbol(self) -> &'static str {
        if matches!(self, Self::Share | Self::Change) { " %" } else { "" }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Measure {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let known = Self::ALL.into_iter().find(|measure| measure.as_str() == text);
        known
            .ok_or_else(|| ParseError { value: text.to_owned(), expected: "per_1000, count, per_km2, share or change" })
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(n: u64) -> String {
    Thousands(n).to_string()
}

/// The same, to be written behind other text.
pub(super) struct Thousands(pub u64);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(n @ ..1000) => write!(f, "{n}"),
            Self(n) => write!(f, "{},{:03}", Self(n / 1000), n % 1000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(thousands(999), "999");
        assert_eq!(Measure::Per1000.format(12.345), "12.3");
        assert_eq!(Measure::Per1000.format(0.1234), "0.12");
        assert_eq!(Measure::PerKm2.format(1234.5), "1,235");
        assert_eq!(Measure::Count.format(1234.0), "1,234");
        assert_eq!(Measure::Share.format(3.456), "3.46 %");
        assert_eq!([12.5, -0.5, 0.0].map(|v| Measure::Change.format(v)), ["+12.5 %", "−0.50 %", "0.0 %"]);
    }
}
