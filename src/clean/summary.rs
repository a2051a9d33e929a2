//! What was in a file and where it went.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::contract::{Columns, Reason};
use super::row::Request;
use crate::domain::{Month, MonthRange};

/// The account of one file; `read = accepted + quarantined`, where quarantined is the sum over its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Name of the file.
    pub file: String,
    /// The year that its rows belong to.
    pub year: u16,
    /// Rows after the header that are not blank.
    pub read: u64,
    /// Rows that are counted.
    pub accepted: u64,
    /// Of these, rows whose unquoted comma was put right.
    pub repaired: u64,
    /// Of these, rows without a ward: on the FSA map only.
    pub without_ward: u64,
    /// Of these, rows without an FSA: on the ward map only.
    pub without_fsa: u64,
    /// The other rows by reason.
    pub quarantined: BTreeMap<Reason, u64>,
    /// Blank lines, which are no rows.
    pub blank_lines: u64,
    /// Columns that the contract doesn't know; their values are dropped.
    pub extra_columns: Vec<String>,
    /// Statuses that the contract doesn't know; their rows are accepted as `unknown`.
    pub unknown_statuses: BTreeMap<String, u64>,
    /// Accepted rows per month.
    pub months: BTreeMap<Month, u64>,
    /// The day of the latest accepted row, `YYYY-MM-DD`.
    pub last_date: Option<jiff::civil::Date>,
}

impl Summary {
    pub(super) fn new(file: &str, year: u16, columns: &Columns) -> Self {
        Self {
            file: file.to_owned(),
            year,
            read: 0,
            accepted: 0,
            repaired: 0,
            without_ward: 0,
            without_fsa: 0,
            quarantined: BTreeMap::new(),
            blank_lines: 0,
            extra_columns: columns.extra.clone(),
            unknown_statuses: BTreeMap::new(),
            months: BTreeMap::new(),
            last_date: None,
        }
    }

    pub(super) fn accept(&mut self, request: &Request<'_>) {
        self.accepted += 1;
        self.repaired += u64::from(request.repaired);
        self.without_ward += u64::from(request.ward.is_none());
        self.without_fsa += u64::from(request.fsa.is_none());
        *self.months.entry(request.month).or_default() += 1;
        self.last_date = self.last_date.max(Some(request.created.date()));
    }

    pub(super) fn complete(
        mut self,
        quarantined: BTreeMap<Reason, u64>,
        unknown_statuses: BTreeMap<String, u64>,
    ) -> Self {
        self.quarantined = quarantined;
        self.unknown_statuses = unknown_statuses;
        self
    }

    /// Rows in quarantine, for whatever reason.
    pub fn quarantined(&self) -> u64 {
        self.quarantined.values().sum()
    }

    /// From the first to the last month with a row.
    pub fn range(&self) -> Option<MonthRange> {
        MonthRange::new(*self.months.first_key_value()?.0, *self.months.last_key_value()?.0)
    }
}
