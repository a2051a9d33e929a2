//! The rows that are not accepted, kept as they came: file, line number, one reason, raw bytes.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder, UInt64Builder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

use super::Problem;
use super::contract::Reason;
use super::parquet_file::ParquetFile;

/// Bytes held before they are written, so that a file of nothing but bad rows costs no more memory.
const BUFFERED: usize = 1 << 20;

/// About what a row takes besides its texts.
const OVERHEAD: usize = 64;

/// Writes `quarantine.parquet`.
pub struct Quarantine {
    file_name: String,
    file: ParquetFile,
    names: StringBuilder,
    lines: UInt64Builder,
    reasons: StringBuilder,
    raw: BinaryBuilder,
    buffered: usize,
}

impl Quarantine {
    /// Creates the file, which stays empty when all rows are good.
    pub fn create(path: &Path, file_name: &str) -> Result<Self, Problem> {
        let column = |name, data_type| Field::new(name, data_type, false);
        let schema = Schema::new(vec![
            column("file", DataType::Utf8),
            column("line", DataType::UInt64),
            column("reason", DataType::Utf8),
            column("raw", DataType::Binary),
        ]);
        Ok(Self {
            file_name: file_name.to_owned(),
            file: ParquetFile::create(path, schema)?,
            names: StringBuilder::new(),
            lines: UInt64Builder::new(),
            reasons: StringBuilder::new(),
            raw: BinaryBuilder::new(),
            buffered: 0,
        })
    }

    /// Takes a row; `line` counts the header as 1.
    pub fn add(&mut self, line: u64, reason: Reason, raw: &[u8]) -> Result<(), Problem> {
        self.names.append_value(&self.file_name);
        self.lines.append_value(line);
        self.reasons.append_value(reason.as_str());
        self.raw.append_value(raw);
        self.buffered += raw.len() + self.file_name.len() + OVERHEAD;
        if self.buffered > BUFFERED { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Problem> {
        self.buffered = 0;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.names.finish()),
            Arc::new(self.lines.finish()),
            Arc::new(self.reasons.finish()),
            Arc::new(self.raw.finish()),
        ];
        let batch = RecordBatch::try_new(self.file.schema(), columns)?;
        self.file.write(&batch)
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.flush()?;
        self.file.finish()
    }
}
