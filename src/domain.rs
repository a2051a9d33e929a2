//! The words of this project as types: parsed once at the edge, after which nothing travels as a bare string.
//!
//! Every type here prints exactly what it parses, and that text is the same in URLs, JSON, Parquet and logs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that is not a value of the type asked for; says what would have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct ParseError {
    /// What was given.
    pub value: String,
    /// What is accepted, as a phrase that follows "is not".
    pub expected: &'static str,
}

impl ParseError {
    fn new(value: &str, expected: &'static str) -> Self {
        Self { value: value.to_owned(), expected }
    }
}

/// Serde by the text form, so that JSON and URLs cannot differ.
macro_rules! serde_as_text {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

serde_as_text!(Month, MonthRange, Geography, WardModel, Status, ReleaseId, TypeId);

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
        format!("{} {}", NAMES[usize::from(self.0 % 12)], self.year())
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.month())
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

/// Which set of areas a request is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Geography {
    /// City wards; which ones, says [`WardModel`].
    Ward,
    /// Forward sortation areas: the first three characters of a postal code.
    Fsa,
}

impl Geography {
    /// Both, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Ward, Self::Fsa];

    /// The word in URLs and data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ward => "ward",
            Self::Fsa => "fsa",
        }
    }
}

impl fmt::Display for Geography {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Geography {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL.into_iter().find(|g| g.as_str() == text).ok_or_else(|| ParseError::new(text, "ward or fsa"))
    }
}

/// Toronto's two sets of wards. In the source the switch is at 2018-01, not at the election of that year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WardModel {
    /// The 44 wards of 2000 to 2018.
    Wards44,
    /// The 25 wards in force since 2018-12-01, used by the source for the whole of 2018.
    Wards25,
}

impl WardModel {
    /// How many wards it has; they are numbered from 1.
    pub fn count(self) -> u8 {
        match self {
            Self::Wards44 => 44,
            Self::Wards25 => 25,
        }
    }

    /// The word in data: `44` or `25`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wards44 => "44",
            Self::Wards25 => "25",
        }
    }
}

impl fmt::Display for WardModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for WardModel {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "44" => Ok(Self::Wards44),
            "25" => Ok(Self::Wards25),
            _ => Err(ParseError::new(text, "44 or 25")),
        }
    }
}

/// A ward of one of the two models. A bare number means nothing: 1 to 25 occur in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ward {
    model: WardModel,
    number: u8,
}

impl Ward {
    /// `None` unless the model has a ward of that number.
    pub fn new(model: WardModel, number: u8) -> Option<Self> {
        (1..=model.count()).contains(&number).then_some(Self { model, number })
    }

    /// The set of wards it belongs to.
    pub fn model(self) -> WardModel {
        self.model
    }

    /// 1 to 44 or 1 to 25.
    pub fn number(self) -> u8 {
        self.number
    }
}

/// The first three characters of a Toronto postal code: `M`, a digit, a capital letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fsa([u8; 3]);

impl Fsa {
    /// Takes exactly `M\d[A-Z]`; trimming and upper-casing is the caller's.
    pub fn new(text: &[u8]) -> Option<Self> {
        match *text {
            [b'M', digit @ b'0'..=b'9', letter @ b'A'..=b'Z'] => Some(Self([b'M', digit, letter])),
            _ => None,
        }
    }

    /// Its place among `M0A` to `M9Z`, from 0.
    pub fn index(self) -> u16 {
        u16::from(self.0[1] - b'0') * 26 + u16::from(self.0[2] - b'A')
    }

    /// The FSA at a place among `M0A` to `M9Z`.
    pub fn from_index(index: u16) -> Option<Self> {
        let digit = u8::try_from(index / 26).ok().filter(|&digit| digit < 10)?;
        Some(Self([b'M', b'0' + digit, b'A' + (index % 26) as u8]))
    }
}

impl fmt::Display for Fsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&byte| fmt::Write::write_char(f, char::from(byte)))
    }
}

/// An area of any geography. Its code is the two-digit ward number (`01` to `44`) or the FSA (`M5V`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// A ward with its model.
    Ward(Ward),
    /// An FSA.
    Fsa(Fsa),
}

impl Area {
    /// Reads a code back; `None` when the geography has no such code.
    pub fn from_code(geography: Geography, model: Option<WardModel>, code: &str) -> Option<Self> {
        match geography {
            Geography::Ward => Ward::new(model?, code.parse().ok().filter(|_| code.len() == 2)?).map(Self::Ward),
            Geography::Fsa => Fsa::new(code.as_bytes()).map(Self::Fsa),
        }
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ward(ward) => write!(f, "{:02}", ward.number),
            Self::Fsa(fsa) => fsa.fmt(f),
        }
    }
}

/// What became of a request by the time its file was published. The source gives the state, never its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Done (from 2022).
    Completed,
    /// Done (to 2021), or ended otherwise (from 2022).
    Closed,
    /// Withdrawn or a duplicate.
    Cancelled,
    /// Being worked on.
    InProgress,
    /// Not yet looked at (from 2022).
    New,
    /// Not yet looked at (to 2021).
    Initiated,
    /// Published as `Unknown`, or a word that the contract does not know.
    Unknown,
}

impl Status {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 7] =
        [Self::Completed, Self::Closed, Self::Cancelled, Self::InProgress, Self::New, Self::Initiated, Self::Unknown];

    /// The word in URLs and data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
            Self::InProgress => "in_progress",
            Self::New => "new",
            Self::Initiated => "initiated",
            Self::Unknown => "unknown",
        }
    }

    /// For people: `In progress`.
    pub fn label(self) -> String {
        let words = self.as_str().replace('_', " ");
        words[..1].to_uppercase() + &words[1..]
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| {
            ParseError::new(text, "completed, closed, cancelled, in_progress, new, initiated or unknown")
        })
    }
}

/// The stable id of a request type: a slug of its label (`Road - Pot hole` is `road-pot-hole`).
///
/// Labels that differ only by case, spacing, punctuation or accents have the same id and are one type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeId(String);

impl TypeId {
    /// Letters and digits in lower case, all else as single hyphens. `None` when nothing is left.
    pub fn of_label(label: &str) -> Option<Self> {
        use unicode_normalization::UnicodeNormalization;
        let mut slug = String::with_capacity(label.len());
        for c in label.nfkd().filter(|c| !unicode_normalization::char::is_combining_mark(*c)) {
            if c.is_alphanumeric() {
                slug.extend(c.to_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(slug.trim_end_matches('-').len());
        (!slug.is_empty()).then_some(Self(slug))
    }

    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TypeId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let id = Self::of_label(text).filter(|id| id.0 == text);
        id.ok_or_else(|| ParseError::new(text, "a slug of lower-case letters, digits and single hyphens"))
    }
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a release: its last complete month and twelve hex digits of a hash over its inputs and the code,
/// `2026-09-1f0c2a9b83d4`. Sorted by name they are sorted by month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId(String);

impl ReleaseId {
    /// From the last complete month and a hash in hex, of which the first twelve digits are taken.
    pub fn new(complete_through: Month, hash: &str) -> Result<Self, ParseError> {
        format!("{complete_through}-{}", hash.get(..12).unwrap_or(hash)).parse()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ReleaseId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let hex = |hash: &str| hash.len() == 12 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match text.rsplit_once('-') {
            Some((month, hash)) if month.parse::<Month>().is_ok() && hex(hash) => Ok(Self(text.to_owned())),
            _ => Err(ParseError::new(text, "a release written YYYY-MM-<12 hex digits>")),
        }
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
    }

    #[test]
    fn an_area_code_reads_back() {
        let ward = Area::Ward(Ward::new(WardModel::Wards25, 4).unwrap());
        assert_eq!(ward.to_string(), "04");
        assert_eq!(Area::from_code(Geography::Ward, Some(WardModel::Wards25), "04"), Some(ward));
        assert_eq!(Area::from_code(Geography::Ward, Some(WardModel::Wards25), "26"), None);
        assert_eq!(Area::from_code(Geography::Fsa, None, "M5V").unwrap().to_string(), "M5V");
        assert_eq!(Area::from_code(Geography::Fsa, None, "L4C"), None);
    }

    #[test]
    fn spelling_variants_of_a_label_are_one_type() {
        let id = |label| TypeId::of_label(label).unwrap().to_string();
        assert_eq!(id("Residential: Recycle Bin"), id("Residential:Recycle  Bin"));
        assert_eq!(id("CaféTO Encroachment Complaint"), "cafeto-encroachment-complaint");
        assert_eq!(id("Sidewalk Icy|| Needs Sand/Salt"), "sidewalk-icy-needs-sand-salt");
        assert_eq!(TypeId::of_label(" -||- "), None);
    }
}
