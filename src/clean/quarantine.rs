//! The rows that are not accepted, kept as they came: file, line number, one reason, raw bytes.

use std::path::Path;

use parquet::data_type::Int64Type;

use super::Problem;
use super::contract::Reason;
use super::parquet_file::{Encoder, ParquetFile};

const SCHEMA: &str = "message quarantine {
    required binary file (STRING);
    required int64 line (INTEGER(64, false));
    required binary reason (STRING);
    required binary raw;
}";

/// Bytes held before they are written, so that a file of nothing but bad rows costs no more memory.
const BUFFERED: usize = 1 << 20;

/// About what a row takes besides its text.
const OVERHEAD: usize = 64;

/// Writes `quarantine.parquet`.
pub struct Quarantine {
    file_name: String,
    file: ParquetFile,
    encoder: Encoder,
    rows: Vec<(u64, Reason, Vec<u8>)>,
    buffered: usize,
}

impl Quarantine {
    /// Creates the file, which stays empty when all rows are good.
    pub fn create(path: &Path, file_name: &str) -> Result<Self, Problem> {
        let (file, encoder) = (ParquetFile::create(path, SCHEMA)?, Encoder::new()?);
        Ok(Self { file_name: file_name.to_owned(), file, encoder, rows: Vec::new(), buffered: 0 })
    }

    /// Takes a row; `line` counts the header as 1.
    pub fn add(&mut self, line: u64, reason: Reason, raw: &[u8]) -> Result<(), Problem> {
        self.rows.push((line, reason, raw.to_vec()));
        self.buffered += raw.len() + OVERHEAD;
        if self.buffered > BUFFERED { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), Problem> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let rows = self.rows.iter();
        let raw: Vec<_> = rows.clone().map(|(_, _, raw)| raw).collect();
        let mut group = self.file.row_group(&mut self.encoder)?;
        group.texts(&[&self.file_name], rows.clone().map(|_| 0))?;
        group.numbers::<Int64Type>(rows.clone().map(|(line, ..)| *line as i64))?;
        group.texts(&Reason::ALL.map(Reason::as_str), rows.clone().map(|(_, reason, _)| *reason as u32))?;
        group.texts(&raw, 0..raw.len() as u32)?;
        group.finish()?;
        self.rows.clear();
        self.buffered = 0;
        Ok(())
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.write()?;
        self.file.finish()
    }
}
