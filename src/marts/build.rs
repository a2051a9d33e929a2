//! The sum of partial counts: the inputs side by side, one request type at a time, so memory holds one type's cells.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashMap;

use super::read::{CodedRow, Error as ReadError, coded_rows, type_uses};
use super::{ALL_TYPES, REQUEST_TYPES, REQUESTS_BY_AREA_MONTH, TOTALS_BY_AREA_MONTH};
use crate::clean::counts::{CellCode, CellWriter, TypeUse, write_type_uses};
use crate::clean::{Problem, ledger};

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
    /// The request types.
    pub request_types: PathBuf,
}

/// Writes the three marts into a folder. The order of the partials does not matter.
pub fn build(partials: &[Partial], out: &Path) -> Result<(), Error> {
    build_counts(partials, out)?;
    let mut uses = Vec::new();
    for partial in partials {
        uses.extend(read(&partial.request_types, type_uses)?);
    }
    Ok(write_type_uses(&out.join(REQUEST_TYPES), one_per_type(uses).into_iter())?)
}

fn read<T>(path: &Path, with: impl FnOnce(File) -> Result<T, ReadError>) -> Result<T, Error> {
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
    let mut totals: HashMap<CellCode, i64> = HashMap::new();
    let mut cells = Vec::new();
    while let Some(request_type) = inputs.iter().filter_map(Input::request_type).min() {
        for input in &mut inputs {
            input.take(&request_type, &mut cells)?;
        }
        for (code, requests) in sums(&mut cells) {
            writer.push(&request_type, code, requests)?;
            *totals.entry(code).or_default() += requests;
        }
    }
    writer.finish()?;
    let mut writer = CellWriter::create(&out.join(TOTALS_BY_AREA_MONTH))?;
    for (code, requests) in sums(&mut totals.into_iter().collect()) {
        writer.push(ALL_TYPES, code, requests)?;
    }
    Ok(writer.finish()?)
}

/// Takes all cells, in order and each once.
fn sums(cells: &mut Vec<(CellCode, i64)>) -> Vec<(CellCode, i64)> {
    cells.sort_unstable();
    let mut sums: Vec<(CellCode, i64)> = Vec::with_capacity(cells.len());
    for (code, requests) in cells.drain(..) {
        match sums.last_mut() {
            Some((last, sum)) if *last == code => *sum += requests,
            _ => sums.push((code, requests)),
        }
    }
    sums
}

/// A file of partial counts, read up to its next row.
struct Input {
    path: PathBuf,
    rows: Box<dyn Iterator<Item = Result<CodedRow, ReadError>>>,
    next: Option<CodedRow>,
}

impl Input {
    fn open(path: &Path) -> Result<Self, Error> {
        let rows = read(path, |file| Ok(Box::new(coded_rows(file)?)))?;
        let mut input = Self { path: path.to_owned(), rows, next: None };
        input.advance()?;
        Ok(input)
    }

    fn advance(&mut self) -> Result<(), Error> {
        self.next = self.rows.next().transpose().map_err(|cause| Error::Read { file: self.path.clone(), cause })?;
        Ok(())
    }

    fn request_type(&self) -> Option<Arc<str>> {
        self.next.as_ref().map(|(request_type, ..)| request_type.clone())
    }

    /// Adds all rows of a type to the cells, if it is this input's next.
    fn take(&mut self, request_type: &str, cells: &mut Vec<(CellCode, i64)>) -> Result<(), Error> {
        while let Some((of, code, requests)) = &self.next {
            if **of != *request_type {
                break;
            }
            cells.push((*code, *requests));
            self.advance()?;
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
