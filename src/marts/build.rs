//! The sum of partial counts: the inputs side by side, one request type at a time, so memory holds one type's cells.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use super::read::{Error as ReadError, PartialBatch, partial_batches, type_uses};
use super::write::CellWriter;
use super::{ALL_TYPES, REQUEST_TYPES, REQUESTS_BY_AREA_MONTH, TOTALS_BY_AREA_MONTH, hours};
use crate::clean::cell::{CellCode, Place};
use crate::clean::request_types::{TypeUse, write_type_uses};
use crate::clean::{Problem, ledger};
use crate::domain::{Month, Status};

const STATUSES: usize = Status::ALL.len();

/// Marts that could not be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A partial count can't be read.
    #[error("{}: {cause}", .file.display())]
    Read {
        /// Its local copy.
        file: PathBuf,
        /// What is wrong.
        #[source]
        cause: ReadError,
    },
    /// A mart can't be written.
    #[error("mart: {0}")]
    Write(#[from] Problem),
}

/// The partial counts of one yearly file.
pub struct Partial {
    /// By area, month, type and status.
    pub counts: PathBuf,
    /// By hour of the week.
    pub hours: PathBuf,
    /// The request types.
    pub request_types: PathBuf,
}

/// Writes the marts into a folder. The order of the partials does not matter.
pub fn build(partials: &[Partial], out: &Path) -> Result<(), Error> {
    build_counts(partials, out)?;
    hours::build(partials.iter().map(|partial| partial.hours.clone()), out)?;
    let mut uses = Vec::new();
    for partial in partials {
        uses.extend(read(&partial.request_types, type_uses)?);
    }
    Ok(write_type_uses(&out.join(REQUEST_TYPES), one_per_type(uses).into_iter())?)
}

pub(super) fn read<T>(path: &Path, with: impl FnOnce(File) -> Result<T, ReadError>) -> Result<T, Error> {
    let fails = |cause| Error::Read { file: path.to_owned(), cause };
    let file = File::open(path).map_err(|e| fails(ReadError::Parquet(e.into())))?;
    with(file).map_err(fails)
}

fn build_counts(partials: &[Partial], out: &Path) -> Result<(), Error> {
    let mut inputs = Vec::new();
    for partial in partials {
        inputs.push(Input::open(&partial.counts)?);
    }
    let mut writer = CellWriter::create(&out.join(REQUESTS_BY_AREA_MONTH))?;
    let mut totals = Totals::default();
    let mut cells = Vec::new();
    while let Some(request_type) = inputs.iter().filter_map(Input::request_type).min() {
        for input in &mut inputs {
            input.take(&request_type, &mut cells)?;
        }
        // Each input's cells are in order, which this way of sorting makes use of.
        cells.sort_by_key(|(code, _)| *code);
        for equal in cells.chunk_by(|(a, _), (b, _)| a == b) {
            let (code, requests) = (equal[0].0, equal.iter().map(|(_, requests)| requests).sum());
            writer.push(&request_type, code, requests)?;
            totals.add(code, requests);
        }
        cells.clear();
    }
    writer.finish()?;
    let mut writer = CellWriter::create(&out.join(TOTALS_BY_AREA_MONTH))?;
    for (code, requests) in totals.cells() {
        writer.push(ALL_TYPES, code, requests)?;
    }
    Ok(writer.finish()?)
}

/// Sums over all types: at the index of each month, those of each place and status; nothing for months without rows.
#[derive(Default)]
struct Totals(Vec<Vec<i64>>);

impl Totals {
    fn add(&mut self, code: CellCode, requests: i64) {
        let month = usize::from(code.month_index());
        if self.0.len() <= month {
            self.0.resize_with(month + 1, Vec::new);
        }
        let sums = &mut self.0[month];
        if sums.is_empty() {
            sums.resize(usize::from(Place::COUNT) * STATUSES, 0);
        }
        sums[usize::from(code.place().number()) * STATUSES + code.status_index() as usize] += requests;
    }

    /// All that are not zero, in order.
    fn cells(&self) -> Vec<(CellCode, i64)> {
        let months = (0..).map_while(Month::from_index).zip(&self.0);
        let mut cells: Vec<_> = months.flat_map(|(month, sums)| cells_of(month).zip(sums.iter().copied())).collect();
        cells.retain(|(_, requests)| *requests != 0);
        cells.sort_unstable();
        cells
    }
}

fn cells_of(month: Month) -> impl Iterator<Item = CellCode> {
    let places = (0..Place::COUNT).filter_map(Place::new);
    places.flat_map(move |place| Status::ALL.map(|status| CellCode::new(place, month, status)))
}

/// A file of partial counts, read up to its next row.
struct Input {
    path: PathBuf,
    batches: ParquetRecordBatchReader,
    batch: PartialBatch,
    at: usize,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Error> {
        let batches = read(path, partial_batches)?;
        let mut input = Self { path: path.to_owned(), batches, batch: PartialBatch::default(), at: 0 };
        input.next_batch_if_at_end()?;
        Ok(input)
    }

    fn next_batch_if_at_end(&mut self) -> Result<(), Error> {
        if self.at < self.batch.len() {
            return Ok(());
        }
        let batch = self.batches.next().map(|batch| PartialBatch::read(&batch?)).transpose();
        self.batch = batch.map_err(|cause| Error::Read { file: self.path.clone(), cause })?.unwrap_or_default();
        self.at = 0;
        Ok(())
    }

    fn request_type(&self) -> Option<Arc<str>> {
        self.batch.request_type(self.at).cloned()
    }

    /// Adds all rows of a type to the cells, if it is this input's next.
    fn take(&mut self, request_type: &str, cells: &mut Vec<(CellCode, i64)>) -> Result<(), Error> {
        while self.batch.request_type(self.at).is_some_and(|next| **next == *request_type) {
            let end = self.batch.end_of_type(self.at);
            cells.extend_from_slice(&self.batch.cells()[self.at..end]);
            self.at = end;
            self.next_batch_if_at_end()?;
        }
        Ok(())
    }
}

/// One row a type. Its words are those that were used last, and of these the most often; ties go to the alphabet.
fn one_per_type(uses: Vec<TypeUse>) -> Vec<TypeUse> {
    let mut types: BTreeMap<String, Vec<TypeUse>> = BTreeMap::new();
    for used in uses {
        types.entry(used.request_type.clone()).or_default().push(used);
    }
    types.into_values().filter_map(join).collect()
}

fn join(mut uses: Vec<TypeUse>) -> Option<TypeUse> {
    uses.sort_by(|a, b| (b.last_month, b.requests).cmp(&(a.last_month, a.requests)).then_with(|| a.cmp(b)));
    let last = uses.first()?.clone();
    Some(TypeUse {
        label: ledger::canonical(&last.label).to_owned(),
        first_month: uses.iter().map(|used| used.first_month).min()?,
        requests: uses.iter().map(|used| used.requests).sum(),
        ..last
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(label: &str, last_month: &str, requests: i64) -> TypeUse {
        TypeUse {
            request_type: "t".to_owned(),
            label: label.to_owned(),
            division: String::new(),
            section: String::new(),
            first_month: "2020-01".parse().unwrap(),
            last_month: last_month.parse().unwrap(),
            requests,
        }
    }

    #[test]
    fn a_type_is_called_what_it_was_called_last() {
        let types =
            one_per_type(vec![used("old", "2023-12", 900), used("rare", "2024-03", 2), used("new", "2024-03", 40)]);
        assert_eq!(types.len(), 1);
        assert_eq!((types[0].label.as_str(), types[0].requests), ("new", 942));
    }
}
