//! Counts with their cells in words: how marts are stored.

use std::path::Path;

use parquet::data_type::Int64Type;

use crate::clean::Problem;
use crate::clean::cell::{CellCode, area_codes};
use crate::clean::parquet_file::{Encoder, NONE, ParquetFile, ROWS_PER_GROUP};
use crate::domain::{Geography, Month, Status, WardModel};

const SCHEMA: &str = "message counts {
    required binary request_type (STRING);
    required binary geography (STRING);
    optional binary ward_model (STRING);
    optional binary area (STRING);
    required binary month (STRING);
    required binary status (STRING);
    required int64 requests;
}";

/// Writes rows in the order in which they come.
pub struct CellWriter {
    file: ParquetFile,
    encoder: Encoder,
    area_codes: Vec<String>,
    /// The types of the rows that are held.
    types: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    /// Into the types held.
    request_type: u32,
    cell: CellCode,
    requests: i64,
}

impl CellWriter {
    /// Creates or empties the file.
    pub fn create(path: &Path) -> Result<Self, Problem> {
        Ok(Self {
            file: ParquetFile::create(path, SCHEMA)?,
            encoder: Encoder::new()?,
            area_codes: area_codes(),
            types: Vec::new(),
            rows: Vec::with_capacity(ROWS_PER_GROUP),
        })
    }

    /// Appends a row; the caller keeps the order.
    pub fn push(&mut self, request_type: &str, cell: CellCode, requests: i64) -> Result<(), Problem> {
        if self.types.last().is_none_or(|last| last != request_type) {
            self.types.push(request_type.to_owned());
        }
        self.rows.push(Row { request_type: self.types.len() as u32 - 1, cell, requests });
        if self.rows.len() == ROWS_PER_GROUP { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), Problem> {
        let cells = || self.rows.iter().map(|row| row.cell);
        let places = || cells().map(CellCode::place);
        let first_month = cells().map(CellCode::month_index).min().unwrap_or_default();
        let last_month = cells().map(CellCode::month_index).max().unwrap_or_default();
        let months: Vec<String> =
            (first_month..=last_month).filter_map(Month::from_index).map(|month| month.to_string()).collect();
        let models = [WardModel::Wards44, WardModel::Wards25].map(WardModel::as_str);
        let mut group = self.file.row_group(&mut self.encoder)?;
        group.texts(&self.types, self.rows.iter().map(|row| row.request_type))?;
        group.texts(&Geography::ALL.map(Geography::as_str), places().map(|place| place.geography() as u32))?;
        group.texts(&models, places().map(|place| place.ward_model().map_or(NONE, |model| model as u32)))?;
        group.texts(&self.area_codes, places().map(|place| place.area_code().unwrap_or(NONE)))?;
        group.texts(&months, cells().map(|cell| u32::from(cell.month_index() - first_month)))?;
        group.texts(&Status::ALL.map(Status::as_str), cells().map(CellCode::status_index))?;
        group.numbers::<Int64Type>(self.rows.iter().map(|row| row.requests))?;
        group.finish()?;
        self.types.clear();
        self.rows.clear();
        Ok(())
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<(), Problem> {
        if !self.rows.is_empty() {
            self.write()?;
        }
        self.file.finish()
    }
}
