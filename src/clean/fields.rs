//! Single values: what the City writes into what we mean.

use std::borrow::Cow;

use jiff::civil::DateTime;

use crate::domain::{Fsa, Month, Status};

/// The winter, spring, summer or autumn of the meteorological calendar: whole months, winter is December to February.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Season {
    /// December, January, February.
    Winter,
    /// March, April, May.
    Spring,
    /// June, July, August.
    Summer,
    /// September, October, November.
    Autumn,
}

impl Season {
    /// All, in the order of the year.
    pub const ALL: [Self; 4] = [Self::Winter, Self::Spring, Self::Summer, Self::Autumn];

    /// The season of a month.
    pub fn of(month: Month) -> Self {
        Self::ALL[usize::from(month.month() % 12 / 3)]
    }

    /// The word in data.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Winter => "winter",
            Self::Spring => "spring",
            Self::Summer => "summer",
            Self::Autumn => "autumn",
        }
    }
}

/// The words for the days of the week, in its order.
pub const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Text of a field: UTF-8 where it is valid, else Windows-1252.
///
/// Files to 2024 are UTF-8, 2025 is Latin-1 and 2026 Windows-1252, which has Latin-1's letters; going field by field also
/// reads the odd line that was written in the other one.
pub fn decode(bytes: Cow<'_, [u8]>) -> Cow<'_, str> {
    match bytes {
        Cow::Borrowed(bytes) => {
            std::str::from_utf8(bytes).map_or_else(|_| encoding_rs::WINDOWS_1252.decode(bytes).0, Cow::Borrowed)
        }
        Cow::Owned(bytes) => Cow::Owned(decode(Cow::Borrowed(&bytes)).into_owned()),
    }
}

/// `YYYY-MM-DD HH:MM:SS` with an optional fraction of a second; local time, as published.
pub fn date(text: &[u8]) -> Option<DateTime> {
    let (head, fraction) = text.split_at_checked(19)?;
    let shape = |i: usize, byte: u8| head[i] == byte;
    if !(shape(4, b'-') && shape(7, b'-') && shape(10, b' ') && shape(13, b':') && shape(16, b':')) {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        head[range].iter().try_fold(0i16, |n, b| b.is_ascii_digit().then(|| n * 10 + i16::from(b - b'0')))
    };
    let part = |at: usize| number(at..at + 2).and_then(|n| i8::try_from(n).ok());
    let nanosecond = match fraction {
        [] => 0,
        [b'.', digits @ ..] => fraction_in_nanoseconds(digits)?,
        _ => return None,
    };
    DateTime::new(number(0..4)?, part(5)?, part(8)?, part(11)?, part(14)?, part(17)?, nanosecond).ok()
}

fn fraction_in_nanoseconds(digits: &[u8]) -> Option<i32> {
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let padded = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    Some(padded.fold(0, |n, b| n * 10 + i32::from(b - b'0')))
}

/// An FSA of Toronto in either case; `None` for `Intersection`, blanks and codes of elsewhere.
pub fn fsa(text: &[u8]) -> Option<Fsa> {
    match *text {
        [a, b, c] => Fsa::new(&[a.to_ascii_uppercase(), b, c.to_ascii_uppercase()]),
        _ => None,
    }
}

/// Folds the spellings of the City's eras; `None` for a word that it never used.
pub fn status(text: &[u8]) -> Option<Status> {
    const KNOWN: [(&str, Status); 9] = [
        ("Completed", Status::Completed),
        ("Closed", Status::Closed),
        ("Cancelled", Status::Cancelled),
        ("Canceled", Status::Cancelled),
        ("In Progress", Status::InProgress),
        ("In-Progress", Status::InProgress),
        ("New", Status::New),
        ("Initiated", Status::Initiated),
        ("Unknown", Status::Unknown),
    ];
    KNOWN.into_iter().find(|(word, _)| text.eq_ignore_ascii_case(word.as_bytes())).map(|(_, status)| status)
}

/// A label with single blanks and none around.
pub fn label(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_and_time_that_exist() {
        assert_eq!(date(b"2024-02-29 23:59:59.0000000").unwrap().to_string(), "2024-02-29T23:59:59");
        assert_eq!(date(b"2010-01-01 00:38:26").unwrap().hour(), 0);
        for bad in [
            "",
            "N/A",
            "2024-02",
            "2023-02-29 10:11:12.0000000",
            "2024-13-01 10:11:12.0000000",
            "2024-06-15 25:61:00.0000000",
            "0000-00-00 00:00:00.0000000",
            "06/15/2024 10:11:12 AM",
            "2024-06-15T10:11:12.0000000",
            "2024-06-15 10:11:12.",
            "2024-06-15 10:11:12Z",
            "2024-06-1\u{e9} 10:11:12",
        ] {
            assert_eq!(date(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn both_encodings_give_the_same_label() {
        assert_eq!(decode(Cow::Borrowed("CaféTO".as_bytes())), "CaféTO");
        assert_eq!(decode(Cow::Borrowed(b"Caf\xe9TO")), "CaféTO");
        assert_eq!(decode(Cow::Borrowed(b"O\x92Connor")), "O\u{2019}Connor");
    }

    #[test]
    fn an_fsa_is_three_characters_of_toronto() {
        assert_eq!(fsa(b"m4c").unwrap().to_string(), "M4C");
        for other in ["Intersection", "", "L4C", "M4", "M44"] {
            assert_eq!(fsa(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn nine_spellings_are_seven_statuses() {
        assert_eq!(status(b"In-progress"), Some(Status::InProgress));
        assert_eq!(status(b"Canceled"), Some(Status::Cancelled));
        assert_eq!(status(b"Escalated"), None);
    }

    #[test]
    fn winter_begins_in_december() {
        let season = |text: &str| Season::of(text.parse().unwrap());
        assert_eq!(
            [season("2024-12"), season("2024-02"), season("2024-03")],
            [Season::Winter, Season::Winter, Season::Spring]
        );
        assert_eq!(season("2024-11"), Season::Autumn);
    }
}
