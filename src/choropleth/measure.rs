//! What is compared between areas.

use std::fmt;
use std::str::FromStr;

use crate::boundaries::BoundedArea;
use crate::domain::ParseError;

use super::{FEW_REQUESTS, FEW_RESIDENTS};

/// A quantity derived from an area's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Requests per 1,000 residents of the census that the boundaries name.
    Per1000,
    /// Requests.
    Count,
    /// Requests per square kilometre.
    PerKm2,
}

impl Measure {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Per1000, Self::Count, Self::PerKm2];

    /// The word in URLs and data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Per1000 => "per_1000",
            Self::Count => "count",
            Self::PerKm2 => "per_km2",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Per1000 => "Requests per 1,000 residents",
            Self::Count => "Number of requests",
            Self::PerKm2 => "Requests per km²",
        }
    }

    /// The same, for a list to choose from.
    pub fn choice(self) -> &'static str {
        match self {
            Self::Per1000 => "Per 1,000 residents",
            Self::Count => "Count",
            Self::PerKm2 => "Per km²",
        }
    }

    /// The heading of a table's column.
    pub fn column(self) -> &'static str {
        match self {
            Self::Per1000 => "Per 1,000",
            Self::Count => "Requests",
            Self::PerKm2 => "Per km²",
        }
    }

    /// In the measure's unit; none without residents or area to divide by.
    pub fn value(self, requests: u64, area: &BoundedArea) -> Option<f64> {
        let requests = requests as f64;
        match self {
            Self::Count => Some(requests),
            Self::Per1000 => area.population.filter(|p| p.count > 0).map(|p| requests * 1000.0 / f64::from(p.count)),
            Self::PerKm2 => (area.area_km2 > 0.0).then(|| requests / area.area_km2),
        }
    }

    /// Whether the value of an area rests on too little to be compared.
    pub fn is_unstable(self, requests: u64, area: &BoundedArea) -> bool {
        let few_requests = self != Self::Count && (1..FEW_REQUESTS).contains(&requests);
        few_requests || self.has_few_residents(area)
    }

    /// Whether it divides by too few residents.
    pub fn has_few_residents(self, area: &BoundedArea) -> bool {
        self == Self::Per1000 && area.population.is_some_and(|p| p.count < FEW_RESIDENTS)
    }

    /// For people: whole counts with thousands separators, rates with three significant digits.
    pub fn format(self, value: f64) -> String {
        match self {
            Self::Count => thousands(value as u64),
            _ if value >= 100.0 => thousands(value.round() as u64),
            _ if value >= 10.0 || value == 0.0 => format!("{value:.1}"),
            _ => format!("{value:.2}"),
        }
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
        known.ok_or_else(|| ParseError { value: text.to_owned(), expected: "per_1000, count or per_km2" })
    }
}

/// `1234567` as `1,234,567`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
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
    }
}
