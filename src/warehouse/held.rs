//! What the table `requests` holds: written down in the lake, and believed only where the table confirms it.
//!
//! A partition does not say which file it was loaded from, so the runs do, in `state/warehouse.json`, which changes hands
//! by compare-and-set:
//!
//! 1. Before the first load, the months to be replaced are written down with their new file, as *awaited*. The number of
//!    that writing is part of the load jobs' ids. A run that comes after a kill finds them awaited, sends the same ids, and
//!    BigQuery tells it that these jobs have been done; a month that is wanted otherwise by then gets a new number, so that
//!    going back to an earlier file is a new job.
//! 2. After the last load, what the partitions say of themselves is written down beside: their rows, and when they were
//!    written. A month is as it was left only if both are still the same.
//!
//! So a stray load of a run that had lost its lease is seen: before the marts are made its month is loaded anew, and one
//! that strikes while they are made stops the publication.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{BigQuery, Error};
use crate::domain::{Month, ReleaseId};
use crate::lake::{Generation, Key, Lake};

/// What a partition says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition {
    pub rows: u64,
    /// Microseconds since 1970.
    pub written_at: i64,
}

/// A month of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldMonth {
    /// The cleaned folder that its file is of.
    pub clean: String,
    /// Of the file's bytes, which are often those of another folder's: a year's file changes in its last months.
    pub sha256: String,
    /// The number of the writing that it was first awaited in.
    pub load: u64,
    /// `null` while it is awaited.
    pub partition: Option<Partition>,
}

/// What a month shall be loaded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub clean: String,
    pub sha256: String,
}

/// The record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The dataset that it is about. Of another one, nothing is known.
    dataset: String,
    /// One more with each writing that awaits months; never the same twice.
    loads: u64,
    pub months: BTreeMap<Month, HeldMonth>,
    /// Whose marts are there and have passed their checks.
    pub releases: BTreeSet<ReleaseId>,
}

/// The record with the state of its object.
#[derive(Debug)]
pub struct Held {
    pub record: Record,
    generation: Option<Generation>,
}

impl Held {
    /// Reads the record. One that is damaged says nothing: then every month is loaded anew.
    pub async fn read(warehouse: &BigQuery) -> Result<Self, Error> {
        let found = warehouse.lake.get_with_generation(Key::Warehouse).await?;
        let record: Record =
            found.as_ref().and_then(|(bytes, _)| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        let dataset = warehouse.dataset.to_string();
        let record = if record.dataset == dataset {
            record
        } else {
            // The number goes on: should it be the first dataset's turn again, its old ids are not met.
            Record { dataset, loads: record.loads, ..Record::default() }
        };
        Ok(Self { record, generation: found.map(|(_, generation)| generation) })
    }

    /// Writes the record, if nobody else has.
    pub async fn write(&mut self, lake: &Lake) -> Result<(), Error> {
        let json = serde_json::to_vec_pretty(&self.record).map_err(|error| Error::Answer(error.to_string()))?;
        self.generation = match lake.swap(Key::Warehouse, self.generation.as_ref(), json.clone()).await? {
            Some(generation) => Some(generation),
            // The answer may have been lost, and the write tried twice. The same from somebody else is as good.
            None => match lake.get_with_generation(Key::Warehouse).await? {
                Some((found, generation)) if found == json => Some(generation),
                _ => return Err(Error::Superseded),
            },
        };
        Ok(())
    }
}

impl Record {
    /// Writes down which files the months shall have; `false` when that is what they have already.
    pub fn await_months(&mut self, wanted: &BTreeMap<Month, Wanted>, partitions: &BTreeMap<Month, Partition>) -> bool {
        let next = self.loads + 1;
        let held = std::mem::take(&mut self.months);
        let month = |(&month, wanted): (&Month, &Wanted)| {
            let is_as_left = |held: &&HeldMonth| {
                let is_confirmed = held.partition.is_some() && held.partition.as_ref() == partitions.get(&month);
                held.sha256 == wanted.sha256 && (is_confirmed || held.partition.is_none())
            };
            let (load, partition) =
                held.get(&month).filter(is_as_left).map_or((next, None), |held| (held.load, held.partition));
            let Wanted { clean, sha256 } = wanted.clone();
            (month, HeldMonth { clean, sha256, load, partition })
        };
        self.months = wanted.iter().map(month).collect();
        self.loads += u64::from(self.months.values().any(|month| month.load == next));
        self.months != held
    }

    /// The months that are awaited.
    pub fn awaited(&self) -> impl Iterator<Item = (Month, HeldMonth)> {
        self.months.iter().filter(|(_, held)| held.partition.is_none()).map(|(&month, held)| (month, held.clone()))
    }

    /// Writes down what the partitions say now.
    pub fn confirm(&mut self, partitions: &BTreeMap<Month, Partition>) {
        for (month, held) in &mut self.months {
            held.partition = partitions.get(month).copied();
        }
    }

    /// Whether all partitions are as they were left.
    pub fn is_confirmed_by(&self, partitions: &BTreeMap<Month, Partition>) -> bool {
        self.months
            .iter()
            .map(|(&month, held)| (month, held.partition))
            .eq(partitions.iter().map(|(&m, &p)| (m, Some(p))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: &str = "2024-05";

    fn wanted(sha256: &str) -> BTreeMap<Month, Wanted> {
        let wanted = Wanted { clean: "folder".to_owned(), sha256: sha256.to_owned() };
        BTreeMap::from([(MONTH.parse().unwrap(), wanted)])
    }

    fn partitions(written_at: i64) -> BTreeMap<Month, Partition> {
        BTreeMap::from([(MONTH.parse().unwrap(), Partition { rows: 3, written_at })])
    }

    /// The number of the load that is awaited after this was wished for, if one is.
    fn awaited(record: &mut Record, sha256: &str, seen: &BTreeMap<Month, Partition>) -> Option<u64> {
        record.await_months(&wanted(sha256), seen);
        record.awaited().map(|(_, held)| held.load).next()
    }

    #[test]
    fn a_month_is_loaded_once_and_then_as_it_was_left() {
        let mut record = Record::default();
        assert_eq!(awaited(&mut record, "a", &BTreeMap::new()), Some(1));
        assert!(!record.await_months(&wanted("a"), &BTreeMap::new()), "the run after a kill sends the same job");
        record.confirm(&partitions(100));
        assert!(record.is_confirmed_by(&partitions(100)));
        assert_eq!(awaited(&mut record, "a", &partitions(100)), None);
    }

    #[test]
    fn a_month_that_somebody_else_wrote_is_loaded_anew() {
        let mut record = Record::default();
        awaited(&mut record, "a", &BTreeMap::new());
        record.confirm(&partitions(100));
        assert!(!record.is_confirmed_by(&partitions(101)));
        assert_eq!(awaited(&mut record, "a", &partitions(101)), Some(2));
        record.confirm(&partitions(102));
        assert_eq!(awaited(&mut record, "a", &BTreeMap::new()), Some(3), "and one that is gone");
    }

    #[test]
    fn going_back_to_an_earlier_file_is_another_job() {
        let mut record = Record::default();
        assert_eq!(awaited(&mut record, "a", &BTreeMap::new()), Some(1));
        // Each was killed before it could confirm.
        assert_eq!(awaited(&mut record, "b", &partitions(100)), Some(2));
        assert_eq!(awaited(&mut record, "a", &partitions(200)), Some(3));
    }

    #[test]
    fn the_same_bytes_in_another_folder_are_not_loaded() {
        let mut record = Record::default();
        awaited(&mut record, "a", &BTreeMap::new());
        record.confirm(&partitions(100));
        let mut other = wanted("a");
        other.values_mut().for_each(|wanted| wanted.clean = "other".to_owned());
        assert!(record.await_months(&other, &partitions(100)), "it is written down");
        assert_eq!(record.awaited().count(), 0);
    }

    #[test]
    fn a_month_that_is_not_wanted_any_more_is_forgotten() {
        let mut record = Record::default();
        awaited(&mut record, "a", &BTreeMap::new());
        record.confirm(&partitions(100));
        assert!(record.await_months(&BTreeMap::new(), &partitions(100)));
        assert!(record.months.is_empty() && !record.is_confirmed_by(&partitions(100)));
    }
}
