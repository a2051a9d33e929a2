//! What was in a file and where it went.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::columns::Columns;
use super::contract::Reason;
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
    /// Of these, rows that are equal to an earlier row of the same second, byte for byte. They are kept.
    pub duplicates: u64,
    /// Of these, rows without a ward: on the FSA map only.
    pub without_ward: u64,
    /// Of these, rows without an FSA: on the ward map only.
    pub without_fsa: u64,
    /// The other rows by reason.
    pub quarantined: BTreeMap<Reason, u64>,
    /// The first row of each reason: its line and how it begins.
    pub examples: BTreeMap<Reason, String>,
    /// Blank lines, which are no rows.
    pub blank_lines: u64,
    /// Columns that the contract doesn't know; their values are dropped.
    pub extra_columns: Vec<String>,
    /// Statuses that the contract doesn't know; their rows are accepted as `unknown`.
    pub unknown_statuses: BTreeMap<String, u64>,
    /// Labels whose type the release that the file was compared with does not have, with their accepted rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unknown_labels: BTreeMap<String, i64>,
    /// Accepted rows per month.
    pub months: BTreeMap<Month, u64>,
    /// The day of the earliest accepted row, `YYYY-MM-DD`.
    pub first_date: Option<jiff::civil::Date>,
    /// The latest day with more than a hundredth of the rows of a usual day: one mistyped date makes no year complete.
    pub last_date: Option<jiff::civil::Date>,
    /// Accepted rows by day of the year, from 1.
    #[serde(skip)]
    days: Vec<u32>,
}

impl Summary {
    pub(super) fn new(file: &str, year: u16, columns: &Columns) -> Self {
        Self {
            file: file.to_owned(),
            year,
            read: 0,
            accepted: 0,
            repaired: 0,
            duplicates: 0,
            without_ward: 0,
            without_fsa: 0,
            quarantined: BTreeMap::new(),
            examples: BTreeMap::new(),
            blank_lines: 0,
            extra_columns: columns.extra.clone(),
            unknown_statuses: BTreeMap::new(),
            unknown_labels: BTreeMap::new(),
            months: BTreeMap::new(),
            first_date: None,
            last_date: None,
            days: vec![0; 367],
        }
    }

    pub(super) fn accept(&mut self, request: &Request<'_>) {
        self.accepted += 1;
        self.repaired += u64::from(request.repaired);
        self.without_ward += u64::from(request.ward.is_none());
        self.without_fsa += u64::from(request.fsa.is_none());
        let date = request.created.date();
        self.first_date = Some(self.first_date.map_or(date, |first| first.min(date)));
        self.days[date.day_of_year().unsigned_abs() as usize] += 1;
    }

    pub(super) fn quarantine(&mut self, line: u64, reason: Reason, raw: &[u8]) {
        *self.quarantined.entry(reason).or_default() += 1;
        self.examples.entry(reason).or_insert_with(|| {
            let start = String::from_utf8_lossy(&raw[..raw.len().min(200)]).replace(char::is_control, " ");
            format!("line {line}: {start}")
        });
    }

    /// Takes what is known once all rows are read.
    pub(super) fn complete(&mut self, duplicates: u64, unknown_statuses: BTreeMap<String, u64>) {
        self.duplicates = duplicates;
        self.unknown_statuses = unknown_statuses;
        let with_rows = self.days.iter().filter(|rows| **rows > 0).count().max(1) as u64;
        let usual = self.accepted / with_rows;
        self.months = self.count_months();
        let last = self.days.iter().rposition(|rows| u64::from(*rows) * 100 > usual);
        self.last_date = self
            .first_date
            .zip(last)
            .and_then(|(first, day)| first.with().day_of_year(i16::try_from(day).ok()?).build().ok());
    }

    fn count_months(&self) -> BTreeMap<Month, u64> {
        let mut months = BTreeMap::new();
        let Some(first) = self.first_date else { return months };
        for (day, rows) in self.days.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            let date = i16::try_from(day).ok().and_then(|day| first.with().day_of_year(day).build().ok());
            let month = date.and_then(|date| Month::new(self.year, date.month().unsigned_abs()));
            if let Some(month) = month {
                *months.entry(month).or_default() += u64::from(*rows);
            }
        }
        months
    }

    /// Rows in quarantine, for whatever reason.
    pub fn quarantined(&self) -> u64 {
        self.quarantined.values().sum()
    }

    /// From the first to the last month with a row.
    pub fn range(&self) -> Option<MonthRange> {
        MonthRange::new(*self.months.first_key_value()?.0, *self.months.last_key_value()?.0)
    }

    /// The first reason that has more rows than a file may have, which is a share of those read in per cent, but never
    /// less than ten: a small file is not stopped by one row.
    pub fn over_budget(&self, percent: f64) -> Option<Reason> {
        let share = self.read as f64 * percent / 100.0;
        let allowed = |reason: Reason| (share * reason.budget_factor()).max(10.0);
        self.quarantined.iter().find(|(reason, rows)| **rows as f64 > allowed(**reason)).map(|(reason, _)| *reason)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} rows read", self.file, self.read)?;
        writeln!(f, "  accepted     {:>9}", self.accepted)?;
        let of_these = [
            ("repaired", self.repaired),
            ("duplicates", self.duplicates),
            ("without ward", self.without_ward),
            ("without FSA", self.without_fsa),
        ];
        for (what, rows) in of_these {
            writeln!(f, "    {what:<13}{rows:>7}")?;
        }
        writeln!(f, "  quarantined  {:>9}", self.quarantined())?;
        for (reason, rows) in &self.quarantined {
            let example = self.examples.get(reason).map_or("", String::as_str);
            writeln!(f, "    {:<18}{rows:>2}  {example}", reason.as_str())?;
        }
        writeln!(f, "  blank lines  {:>9}", self.blank_lines)?;
        if let Some((first, last)) = self.first_date.zip(self.last_date) {
            writeln!(f, "  from {first} to {last}")?;
        }
        for (month, rows) in &self.months {
            writeln!(f, "    {month}      {rows:>7}")?;
        }
        for (label, rows) in &self.unknown_labels {
            writeln!(f, "  type not in the release: {label} ({rows} rows)")?;
        }
        for column in &self.extra_columns {
            writeln!(f, "  column not in the contract: {column}")?;
        }
        for (status, rows) in &self.unknown_statuses {
            writeln!(f, "  status not in the contract: {status} ({rows} rows)")?;
        }
        Ok(())
    }
}
