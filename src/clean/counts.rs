//! Counts of accepted rows: by area, month, type and status, and by type, division and section.
//!
//! A file's partial counts and the marts of a release have the same columns, so a mart is the sum of its inputs' counts.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use hashbrown::HashMap;

use super::Problem;
use super::parquet_file::ParquetFile;
use super::row::Request;
use super::vocabulary::Vocabulary;
use crate::domain::{Area, Fsa, Geography, Month, Status, Ward, WardModel};

/// What a count is of, besides the request type. Ordered as the rows of a mart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Every accepted row is counted once in each geography.
    pub geography: Geography,
    /// None for rows that have no area in this geography.
    pub area: Option<Area>,
    /// Month of creation.
    pub month: Month,
    /// State at the time of publication.
    pub status: Status,
}

impl Cell {
    /// The ward model of its area; none for FSAs and for rows without a ward.
    pub fn ward_model(&self) -> Option<WardModel> {
        match self.area {
            Some(Area::Ward(ward)) => Some(ward.model()),
            _ => None,
        }
    }
}

/// The counts of one file.
pub struct Counts {
    year: u16,
    cells: HashMap<Key, i64>,
}

/// A type's number in the vocabulary and a cell of the file's year, in one word: hashing it is a tenth of hashing a
/// [`Cell`], and this is done twice a row.
type Key = u64;

fn key(request_type: u32, place: u16, request: &Request<'_>) -> Key {
    u64::from(request_type) << 32
        | u64::from(place) << 16
        | u64::from(request.month.month()) << 8
        | request.status as u64
}

/// A number for each ward of both models, each FSA and for having none of either.
fn places(request: &Request<'_>) -> [u16; 2] {
    let ward = request.ward.map_or(0, |ward| match ward.model() {
        WardModel::Wards44 => u16::from(ward.number()),
        WardModel::Wards25 => u16::from(WardModel::Wards44.count() + ward.number()),
    });
    [ward, NO_FSA + request.fsa.map_or(0, |fsa| 1 + fsa.index())]
}

/// Behind the wards.
const NO_FSA: u16 = 1 + 44 + 25;

fn place(number: u16) -> (Geography, Option<Area>) {
    if number >= NO_FSA {
        let fsa = (number - NO_FSA).checked_sub(1).and_then(Fsa::from_index);
        return (Geography::Fsa, fsa.map(Area::Fsa));
    }
    let number = number as u8;
    let ward = match number.checked_sub(WardModel::Wards44.count()) {
        Some(of_25 @ 1..) => Ward::new(WardModel::Wards25, of_25),
        _ => Ward::new(WardModel::Wards44, number),
    };
    (Geography::Ward, ward.map(Area::Ward))
}

impl Counts {
    /// For a file of a year.
    pub fn new(year: u16) -> Self {
        Self { year, cells: HashMap::new() }
    }

    /// Counts an accepted row in both geographies.
    pub fn add(&mut self, request: &Request<'_>) {
        for place in places(request) {
            *self.cells.entry(key(request.kind.request_type, place, request)).or_default() += 1;
        }
    }

    fn cell(&self, key: Key) -> Option<(u32, Cell)> {
        let [status, month, place_low, place_high] = (key as u32).to_le_bytes();
        let (geography, area) = place(u16::from_le_bytes([place_low, place_high]));
        let status = *Status::ALL.get(usize::from(status))?;
        Some(((key >> 32) as u32, Cell { geography, area, month: Month::new(self.year, month)?, status }))
    }

    /// Writes them ordered by type, then cell.
    pub fn write(self, path: &Path, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let ids = vocabulary.type_ids.all();
        let read = |(&key, &requests): (&Key, &i64)| self.cell(key).map(|of| (of, requests));
        let mut rows: Vec<_> = self.cells.iter().filter_map(read).collect();
        rows.sort_unstable_by(|((a, cell_a), _), ((b, cell_b), _)| {
            ids[*a as usize].cmp(&ids[*b as usize]).then(cell_a.cmp(cell_b))
        });
        let mut writer = CellWriter::create(path)?;
        for ((request_type, cell), requests) in rows {
            writer.push(&ids[request_type as usize], cell, requests)?;
        }
        writer.finish()
    }
}

const BATCH: usize = 8192;

type TextColumn = StringDictionaryBuilder<Int32Type>;

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)), nullable)
}

/// Writes rows of `request_type, geography, ward_model, area, month, status, requests`.
pub struct CellWriter {
    file: ParquetFile,
    texts: [TextColumn; 6],
    requests: Int64Builder,
    rows: u64,
}

impl CellWriter {
    /// Creates or empties the file.
    pub fn create(path: &Path) -> Result<Self, Problem> {
        let mut columns: Vec<Field> = [
            ("request_type", false),
            ("geography", false),
            ("ward_model", true),
            ("area", true),
            ("month", false),
            ("status", false),
        ]
        .map(|(name, nullable)| text(name, nullable))
        .into();
        columns.push(Field::new("requests", DataType::Int64, false));
        let file = ParquetFile::create(path, Schema::new(columns))?;
        Ok(Self { file, texts: Default::default(), requests: Int64Builder::new(), rows: 0 })
    }

    /// Appends a row; the caller keeps the order.
    pub fn push(&mut self, request_type: &str, cell: Cell, requests: i64) -> Result<(), Problem> {
        let [types, geographies, models, areas, months, statuses] = &mut self.texts;
        types.append_value(request_type);
        geographies.append_value(cell.geography.as_str());
        models.append_option(cell.ward_model().map(WardModel::as_str));
        areas.append_option(cell.area.map(|area| area.to_string()));
        months.append_value(cell.month.to_string());
        statuses.append_value(cell.status.as_str());
        self.requests.append_value(requests);
        self.rows += 1;
        if self.rows.is_multiple_of(BATCH as u64) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Problem> {
        let mut columns: Vec<ArrayRef> =
            self.texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        columns.push(Arc::new(self.requests.finish()));
        self.file.write(&RecordBatch::try_new(self.file.schema(), columns)?)
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.flush()?;
        self.file.finish()
    }
}

/// One row of `request_types.parquet`: a published label under its division and section.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeUse {
    /// The stable id.
    pub request_type: String,
    /// As published, blanks folded.
    pub label: String,
    /// As published.
    pub division: String,
    /// As published.
    pub section: String,
    /// First month with a request.
    pub first_month: Month,
    /// Last month with a request.
    pub last_month: Month,
    /// Accepted rows.
    pub requests: i64,
}

/// Writes the kinds of a file, ordered by type, label, division, section.
pub(super) fn write_request_types(path: &Path, vocabulary: &Vocabulary) -> Result<(), Problem> {
    let uses = vocabulary.usage().into_iter().map(|(texts, seen)| TypeUse {
        request_type: texts.request_type.to_owned(),
        label: texts.label.to_owned(),
        division: texts.division.to_owned(),
        section: texts.section.to_owned(),
        first_month: seen.first_month,
        last_month: seen.last_month,
        requests: seen.requests,
    });
    write_type_uses(path, uses)
}

/// Writes rows of `request_type, label, division, section, first_month, last_month, requests`.
pub fn write_type_uses(path: &Path, uses: impl Iterator<Item = TypeUse>) -> Result<(), Problem> {
    let names = ["request_type", "label", "division", "section", "first_month", "last_month"];
    let mut columns: Vec<Field> = names.map(|name| text(name, false)).into();
    columns.push(Field::new("requests", DataType::Int64, false));
    let mut file = ParquetFile::create(path, Schema::new(columns))?;
    let mut texts: [TextColumn; 6] = Default::default();
    let mut requests = Int64Builder::new();
    for used in uses {
        let months = [used.first_month.to_string(), used.last_month.to_string()];
        let values = [&used.request_type, &used.label, &used.division, &used.section, &months[0], &months[1]];
        for (column, value) in texts.iter_mut().zip(values) {
            column.append_value(value);
        }
        requests.append_value(used.requests);
    }
    let mut columns: Vec<ArrayRef> = texts.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
    columns.push(Arc::new(requests.finish()));
    let batch = RecordBatch::try_new(file.schema(), columns)?;
    file.write(&batch)?;
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_a_number_of_its_own() {
        let numbers: Vec<_> = (0..NO_FSA + 1 + 260).map(place).collect();
        assert_eq!(numbers[0], (Geography::Ward, None));
        assert_eq!(numbers[usize::from(NO_FSA)], (Geography::Fsa, None));
        assert!(numbers.is_sorted_by(|a, b| a < b), "distinct, and ordered as cells are");
    }
}
