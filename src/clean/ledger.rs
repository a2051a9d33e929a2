//! What is known about request types: spellings that are one type, and types that were renamed.
//!
//! `types.csv` has a row per published label: `published,canonical,successor`. The canonical label decides the type's id;
//! a label that is not listed is its own canonical label, so new types pass through. A successor is the label under which
//! the City has published the same requests since; `Noise` (to 2013) has none, having become several types.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::domain::TypeId;

static LEDGER: LazyLock<Ledger> = LazyLock::new(|| Ledger::read(include_str!("types.csv")));

#[derive(Default)]
struct Ledger {
    canonical: BTreeMap<String, String>,
    successors: BTreeMap<TypeId, TypeId>,
}

impl Ledger {
    fn read(csv: &str) -> Self {
        let mut ledger = Self::default();
        // A line that is not of the form is left out; a test holds the file to it.
        for row in csv::Reader::from_reader(csv.as_bytes()).records().flatten() {
            let [published, canonical, successor] = [0, 1, 2].map(|i| row.get(i).unwrap_or_default());
            ledger.canonical.insert(published.to_owned(), canonical.to_owned());
            if let Some((from, to)) = TypeId::of_label(canonical).zip(TypeId::of_label(successor)) {
                ledger.successors.insert(from, to);
            }
        }
        ledger
    }
}

/// The id of a label with its blanks folded; `None` when the label says nothing.
pub fn type_id(label: &str) -> Option<TypeId> {
    TypeId::of_label(canonical(label))
}

/// The label that stands for all spellings of a type.
pub fn canonical(label: &str) -> &str {
    LEDGER.canonical.get(label).map_or(label, String::as_str)
}

/// The labels that another one stands for, and that one.
pub fn canonical_labels() -> impl Iterator<Item = (&'static str, &'static str)> {
    let labels = LEDGER.canonical.iter().map(|(published, canonical)| (published.as_str(), canonical.as_str()));
    labels.filter(|(published, canonical)| published != canonical)
}

/// The type under which the City has published the same requests since.
pub fn successor(id: &TypeId) -> Option<&'static TypeId> {
    LEDGER.successors.get(id)
}

/// A type with all that it was renamed from and to, directly or not; the type alone when it never was.
pub fn renames(id: &TypeId) -> BTreeSet<TypeId> {
    let mut family = BTreeSet::from([id.clone()]);
    loop {
        let before = family.len();
        for (from, to) in &LEDGER.successors {
            if family.contains(from) || family.contains(to) {
                family.extend([from.clone(), to.clone()]);
            }
        }
        if family.len() == before {
            return family;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(label: &str) -> TypeId {
        TypeId::of_label(label).unwrap()
    }

    #[test]
    fn every_line_of_the_file_is_of_the_form() {
        let mut reader = csv::Reader::from_reader(include_str!("types.csv").as_bytes());
        let rows: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(LEDGER.canonical.len(), rows.len(), "a label is listed once");
        for row in &rows {
            assert!(TypeId::of_label(&row[0]).is_some() && TypeId::of_label(&row[1]).is_some(), "{row:?}");
            assert!(row[0] != row[1] || !row[2].is_empty(), "a row that says nothing: {row:?}");
            assert_eq!(canonical(&row[1]), &row[1], "a canonical label stands for itself");
        }
    }

    #[test]
    fn spellings_are_one_type_also_where_their_slugs_differ() {
        assert_eq!(type_id("Pot hole on Expressway"), type_id("Pothole on Expressway"));
        assert_eq!(type_id("Catch basin (Storm)-Damage"), type_id("Catch basin (Storm) - Damage"));
        assert_eq!(canonical("Expressway requires cleaning."), "Expressway Requires Cleaning");
        assert_eq!(type_id("Never seen before"), Some(id("Never seen before")));
        assert_eq!(type_id("||"), None);
    }

    #[test]
    fn renames_are_found_from_any_of_the_names() {
        let family = renames(&id("Amplified Sound or Instrument Sound"));
        assert_eq!(family.len(), 3);
        assert_eq!(renames(&id("Amplified Sound")), family);
        assert_eq!(renames(&id("Amplified or Musical Instrument Noise")), family);
        assert_eq!(renames(&id("Noise")).len(), 1);
        assert_eq!(successor(&id("Storm Clean Up")), Some(&id("Tree Emergency Clean-Up")));
    }
}
