//! Calendar months and ranges of them.

use std::fmt;
use std::str::FromStr;

use super::ParseError;

/// A calendar month, `YYYY-MM`. Ordered, and countable with [`Month::index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(u16);

impl Month {
    const EXPECTED: &'static str = "a month written YYYY-MM";

    /// The month of a year from 0 to 5000; `None` unless `month` is 1 to 12.
    pub fn new(year: u16, month: u8) -> Option<Self> {
        (year <= 5000 && (1..=12).contains(&month)).then(|| Self(year * 12 + u16::from(month) - 1))
    }

    /// The calendar year.
    pub fn year(self) -> u16 {
        self.0 / 12
    }

    /// 1 for January to 12 for December.
    pub fn month(self) -> u8 {
        (self.0 % 12) as u8 + 1
    }

    /// Months since January of year 0; consecutive months differ by one.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The month of an [`index`](Self::index).
    pub fn from_index(index: u16) -> Option<Self> {
        (index < 5001 * 12).then_some(Self(index))
    }

    /// The month after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The month before this one.
    #[must_use]
    pub fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The same month of the year before.
    #[must_use]
    pub fn year_before(self) -> Self {
        Self(self.0.saturating_sub(12))
    }

    /// How many days it has.
    pub fn days(self) -> u8 {
        match self.month() {
            4 | 6 | 9 | 11 => 30,
            2 if self.is_in_leap_year() => 29,
            2 => 28,
            _ => 31,
        }
    }

    fn is_in_leap_year(self) -> bool {
        let year = self.year();
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    }

    /// `September 2026`.
    pub fn long_name(self) -> String {
        format!("{} {}", self.name(), self.year())
    }

    /// `Sep 2026`.
    pub fn short_name(self) -> String {
        format!("{} {}", &self.name()[..3], self.year())
    }

    /// `September`.
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        NAMES[usize::from(self.0 % 12)]
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A table has a thousand of them: the general way of writing numbers would be most of its cost.
        let digit = |number: u16| b'0' + (number % 10) as u8;
        let (year, month) = (self.year(), u16::from(self.month()));
        let text = [year / 1000, year / 100, year / 10, year].map(digit);
        let text = [text[0], text[1], text[2], text[3], b'-', digit(month / 10), digit(month)];
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

impl FromStr for Month {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        text.split_once('-')
            .filter(|(y, m)| y.len() == 4 && m.len() == 2 && digits(y) && digits(m))
            .and_then(|(y, m)| Self::new(y.parse().ok()?, m.parse().ok()?))
            .ok_or_else(|| ParseError::new(text, Self::EXPECTED))
    }
}

/// Whole months from first to last, both included; never empty. Written `YYYY-MM..YYYY-MM`, or one `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MonthRange {
    first: Month,
    last: Month,
}

impl MonthRange {
    /// `None` when `last` is before `first`.
    pub fn new(first: Month, last: Month) -> Option<Self> {
        (first <= last).then_some(Self { first, last })
    }

    /// The range of a single month.
    pub fn single(month: Month) -> Self {
        Self { first: month, last: month }
    }

    /// The first month.
    pub fn first(self) -> Month {
        self.first
    }

    /// The last month, included.
    pub fn last(self) -> Month {
        self.last
    }

    /// How many months, at least one.
    pub fn months(self) -> usize {
        self.last.index() - self.first.index() + 1
    }

    /// Each month in order.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Month> {
        (self.first.0..=self.last.0).map(Month)
    }

    /// The same months of the year before.
    #[must_use]
    pub fn year_before(self) -> Self {
        Self { first: self.first.year_before(), last: self.last.year_before() }
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

impl fmt::Display for MonthRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.months() {
            1 => self.first.fmt(f),
            _ => write!(f, "{}..{}", self.first, self.last),
        }
    }
}

impl FromStr for MonthRange {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        Self::new(first.parse()?, last.parse()?)
            .ok_or_else(|| ParseError::new(text, "a range of months whose first is not after its last"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_prints_what_it_parses_and_refuses_the_rest() {
        assert_eq!("2026-09".parse::<Month>().unwrap().to_string(), "2026-09");
        assert_eq!("2025-12".parse::<Month>().unwrap().next().to_string(), "2026-01");
        assert_eq!("2026-01".parse::<Month>().unwrap().previous().to_string(), "2025-12");
        for bad in ["2026-13", "2026-00", "2026-9", "26-09", "2026/09", "+026-09", "2026-+9", ""] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }

    #[test]
    fn february_has_29_days_in_leap_years() {
        let days = |text: &str| text.parse::<Month>().unwrap().days();
        assert_eq!((days("2024-02"), days("2026-02"), days("2000-02"), days("2100-02")), (29, 28, 29, 28));
    }

    #[test]
    fn a_range_is_never_empty() {
        assert_eq!("2025-01..2025-12".parse::<MonthRange>().unwrap().months(), 12);
        assert!("2025-12..2025-01".parse::<MonthRange>().is_err());
        assert_eq!("2025-01..2026-02".parse::<MonthRange>().unwrap().year_before().to_string(), "2024-01..2025-02");
    }
}
