//! The texts of a file that repeat: each is read once, and from then on is a small number.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::fields::{decode, label};
use super::ledger;
use crate::domain::Month;

/// The most combinations of type, division and section in a file. Measured: 965 in five years.
pub const MOST_KINDS: usize = 20_000;

/// Distinct texts in the order of their first row.
#[derive(Default)]
pub struct Texts {
    ids: HashMap<String, u32>,
    texts: Vec<String>,
    bytes: usize,
}

impl Texts {
    /// The number of a text.
    pub fn id(&mut self, text: &str) -> u32 {
        *self.ids.entry_ref(text).or_insert_with(|| {
            self.texts.push(text.to_owned());
            self.bytes += text.len();
            (self.texts.len() - 1) as u32
        })
    }

    /// All, at the index that is their number.
    pub fn all(&self) -> &[String] {
        &self.texts
    }

    /// How long they are together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    fn get(&self, id: u32) -> &str {
        &self.texts[id as usize]
    }
}

/// What was asked for and who is in charge: the last three columns of a row, as numbers into [`Vocabulary`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// Into [`Vocabulary::type_ids`].
    pub request_type: u32,
    /// Into [`Vocabulary::labels`].
    pub label: u32,
    /// Into [`Vocabulary::divisions`].
    pub division: u32,
    /// Into [`Vocabulary::sections`].
    pub section: u32,
}

/// How often and when a [`Kind`] occurs.
#[derive(Debug, Clone, Copy)]
pub struct Use {
    /// The first month with a row.
    pub first_month: Month,
    /// The last month with a row.
    pub last_month: Month,
    /// Accepted rows.
    pub requests: i64,
}

/// The request types, divisions and sections of one file.
#[derive(Default)]
pub struct Vocabulary {
    /// By the bytes of type, division and section, with NUL between: no row with NUL gets this far.
    by_bytes: HashMap<Vec<u8>, Option<u32>>,
    key: Vec<u8>,
    by_kind: HashMap<(u32, u32, u32), u32>,
    kinds: Vec<Kind>,
    uses: Vec<Option<Use>>,
    /// Ids of the canonical labels.
    pub type_ids: Texts,
    /// Request types as published, blanks folded.
    pub labels: Texts,
    /// Divisions as published, blanks folded.
    pub divisions: Texts,
    /// Sections as published, blanks folded.
    pub sections: Texts,
}

impl Vocabulary {
    /// Whether there are more kinds than a year can have.
    pub fn is_full(&self) -> bool {
        self.by_bytes.len() > MOST_KINDS
    }

    /// The number of the kind that three fields name; `None` when the type says nothing.
    pub fn kind(&mut self, request_type: &[u8], division: &[u8], section: &[u8]) -> Option<u32> {
        self.key.clear();
        for part in [request_type, division, section] {
            self.key.extend_from_slice(part);
            self.key.push(0);
        }
        if let Some(&known) = self.by_bytes.get(&self.key) {
            return known;
        }
        let kind = self.read(request_type, division, section);
        self.by_bytes.insert(self.key.clone(), kind);
        kind
    }

    fn read(&mut self, request_type: &[u8], division: &[u8], section: &[u8]) -> Option<u32> {
        let text = |bytes| label(&decode(Cow::Borrowed(bytes)));
        let label_text = text(request_type);
        let type_id = ledger::type_id(&label_text)?;
        let label = self.labels.id(&label_text);
        let division = self.divisions.id(&text(division));
        let section = self.sections.id(&text(section));
        let request_type = self.type_ids.id(type_id.as_str());
        let kinds = &mut self.kinds;
        let uses = &mut self.uses;
        Some(*self.by_kind.entry((label, division, section)).or_insert_with(|| {
            kinds.push(Kind { request_type, label, division, section });
            uses.push(None);
            (kinds.len() - 1) as u32
        }))
    }

    /// The kind of a number.
    pub fn get(&self, kind: u32) -> Kind {
        self.kinds[kind as usize]
    }

    /// Counts an accepted row.
    pub fn count(&mut self, kind: u32, month: Month) {
        let seen = self.uses[kind as usize].get_or_insert(Use { first_month: month, last_month: month, requests: 0 });
        seen.first_month = seen.first_month.min(month);
        seen.last_month = seen.last_month.max(month);
        seen.requests += 1;
    }

    /// Each kind that has an accepted row, ordered by type, label, division and section.
    pub fn usage(&self) -> Vec<(KindTexts<'_>, Use)> {
        let texts = |kind: &Kind| KindTexts {
            request_type: self.type_ids.get(kind.request_type),
            label: self.labels.get(kind.label),
            division: self.divisions.get(kind.division),
            section: self.sections.get(kind.section),
        };
        let mut all: Vec<_> =
            self.kinds.iter().zip(&self.uses).filter_map(|(kind, seen)| Some((texts(kind), (*seen)?))).collect();
        all.sort_by_key(|(texts, _)| *texts);
        all
    }
}

/// A [`Kind`] in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KindTexts<'a> {
    /// The slug.
    pub request_type: &'a str,
    /// The type as published.
    pub label: &'a str,
    /// The division.
    pub division: &'a str,
    /// The section.
    pub section: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_label_are_kinds_of_one_type() {
        let mut vocabulary = Vocabulary::default();
        let a = vocabulary.kind(b"Expressway requires cleaning.", b"Transportation", b"Road").unwrap();
        let b = vocabulary.kind(b"Expressway Requires Cleaning", b"Transportation", b"Road").unwrap();
        assert_ne!(a, b);
        assert_eq!(vocabulary.get(a).request_type, vocabulary.get(b).request_type);
        assert_eq!(vocabulary.kind(b"  || ", b"x", b"y"), None);
    }

    #[test]
    fn both_encodings_of_a_label_are_one_kind() {
        let mut vocabulary = Vocabulary::default();
        let utf8 = vocabulary.kind("CaféTO".as_bytes(), b"", b"");
        assert_eq!(vocabulary.kind(b"Caf\xe9TO", b"", b""), utf8);
    }

    #[test]
    fn only_accepted_rows_count_as_use() {
        let mut vocabulary = Vocabulary::default();
        let used = vocabulary.kind(b"b", b"", b"").unwrap();
        vocabulary.kind(b"a", b"", b"").unwrap();
        vocabulary.count(used, "2024-03".parse().unwrap());
        vocabulary.count(used, "2024-01".parse().unwrap());
        let usage = vocabulary.usage();
        assert_eq!(usage.len(), 1);
        assert_eq!((usage[0].0.label, usage[0].1.requests), ("b", 2));
        assert_eq!(usage[0].1.first_month.to_string(), "2024-01");
    }
}
