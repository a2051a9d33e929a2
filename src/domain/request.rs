//! What a request is about and what became of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::ParseError;

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
pub struct TypeId(Arc<str>);

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
        (!slug.is_empty()).then(|| Self(slug.into()))
    }

    /// The slug.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a text is a slug without letters of other alphabets.
fn is_plain(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.split('-').all(is_word)
}

impl FromStr for TypeId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // Nearly all are plain, and nothing need be said of them in Unicode's terms.
        let id =
            if is_plain(text) { Some(Self(text.into())) } else { Self::of_label(text).filter(|id| *id.0 == *text) };
        id.ok_or_else(|| ParseError::new(text, "a slug of lower-case letters, digits and single hyphens"))
    }
}

impl fmt::Display for TypeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn an_id_is_what_its_own_label_gives(text in "[a-cé-]{0,6}") {
            let of_label = TypeId::of_label(&text).filter(|id| id.as_str() == text);
            proptest::prop_assert_eq!(text.parse().ok(), of_label);
        }
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
