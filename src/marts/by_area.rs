//! What each area asks for: counts by type, turned so that one area is read without the others.
//!
//! The mart is sorted by type, which suits maps of one type. Pages about one area need the opposite; this is made once a
//! release, in memory, when the first of them is asked for: eight bytes for each area, month and type.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::read::{Error, cell_rows};
use crate::domain::{Area, Geography, Month, MonthRange, WardModel};

/// Requests of one type in one month.
#[derive(Debug, Clone, Copy)]
struct Entry {
    month: u16,
    request_type: u16,
    requests: u32,
}

/// Counts by area, month and type, over all statuses.
pub struct TypesByArea {
    types: Vec<Arc<str>>,
    city: Vec<Entry>,
    areas: HashMap<Area, Vec<Entry>>,
}

impl TypesByArea {
    /// Reads a whole mart: some hundred milliseconds for all years.
    pub(super) fn read(mart: Bytes) -> Result<Self, Error> {
        let mut read = Self { types: Vec::new(), city: Vec::new(), areas: HashMap::new() };
        // The rows of a type are together.
        let mut of_type: BTreeMap<(Option<Area>, u16), i64> = BTreeMap::new();
        for row in cell_rows(mart)? {
            let (request_type, cell, requests) = row?;
            if read.types.last() != Some(&request_type) {
                read.take(std::mem::take(&mut of_type));
                read.types.push(request_type);
            }
            let month = u16::try_from(cell.month.index()).unwrap_or(u16::MAX);
            // Every row is counted in each geography: the city is the sum of one of them.
            if cell.geography == Geography::Ward {
                *of_type.entry((None, month)).or_default() += requests;
            }
            if let Some(area) = cell.area.filter(|area| has_page(*area)) {
                *of_type.entry((Some(area), month)).or_default() += requests;
            }
        }
        read.take(of_type);
        Ok(read)
    }

    /// Takes the counts of the last type.
    fn take(&mut self, of_type: BTreeMap<(Option<Area>, u16), i64>) {
        let Ok(request_type) = u16::try_from(self.types.len().saturating_sub(1)) else { return };
        for ((area, month), requests) in of_type {
            let entry = Entry { month, request_type, requests: u32::try_from(requests).unwrap_or(u32::MAX) };
            match area {
                Some(area) => self.areas.entry(area).or_default().push(entry),
                None => self.city.push(entry),
            }
        }
    }

    /// Requests by type in whole months, in an area or, without one, in the city. Types without a request are left out.
    pub fn requests(&self, area: Option<Area>, months: MonthRange) -> BTreeMap<&str, u64> {
        let none = Vec::new();
        let entries = area.map_or(&self.city, |area| self.areas.get(&area).unwrap_or(&none));
        let mut by_type = vec![0u64; self.types.len()];
        for entry in entries {
            let in_months = Month::from_index(entry.month).is_some_and(|m| months.first() <= m && m <= months.last());
            if in_months {
                by_type[usize::from(entry.request_type)] += u64::from(entry.requests);
            }
        }
        self.types.iter().zip(by_type).filter(|(_, n)| *n > 0).map(|(id, n)| (&**id, n)).collect()
    }
}

fn has_page(area: Area) -> bool {
    !matches!(area, Area::Ward(ward) if ward.model() == WardModel::Wards44)
}
