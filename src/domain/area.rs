//! Wards and FSAs: where a request is counted.

use std::fmt;
use std::str::FromStr;

use super::ParseError;

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
    /// From `M0A` to `M9Z`, whether Canada Post uses them or not.
    pub const COUNT: u16 = 260;

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
        f.write_str(str::from_utf8(&self.0).unwrap_or_default())
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
            Self::Ward(ward) => {
                let digits = [b'0' + ward.number / 10, b'0' + ward.number % 10];
                f.write_str(str::from_utf8(&digits).unwrap_or_default())
            }
            Self::Fsa(fsa) => fsa.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_code_reads_back() {
        let ward = Area::Ward(Ward::new(WardModel::Wards25, 4).unwrap());
        assert_eq!(ward.to_string(), "04");
        assert_eq!(Area::from_code(Geography::Ward, Some(WardModel::Wards25), "04"), Some(ward));
        assert_eq!(Area::from_code(Geography::Ward, Some(WardModel::Wards25), "26"), None);
        assert_eq!(Area::from_code(Geography::Fsa, None, "M5V").unwrap().to_string(), "M5V");
        assert_eq!(Area::from_code(Geography::Fsa, None, "L4C"), None);
    }
}
