//! One Parquet file being written, with the settings that all of ours share.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use super::Problem;

/// Rows of a row group: small enough that one request type's rows lie in one or two of them.
const ROWS_PER_GROUP: usize = 64 * 1024;

/// Same batches, same bytes.
pub struct ParquetFile {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
}

impl ParquetFile {
    /// Creates or empties the file.
    pub fn create(path: &Path, schema: Schema) -> Result<Self, Problem> {
        let schema = Arc::new(schema);
        // Numbers as differences: hardly a time repeats but each is near the one before, 8 bytes become 3; and hours and
        // counts are small, so looking them up in a dictionary costs more than it saves.
        let as_differences = ["creation_date", "hour", "requests"];
        // zstd level 1 is within 1 % of level 3 in size here: the dictionaries do most of the compression.
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            // Bounds of a column cost a comparison a row. Readers look for a type; in a file of one month, sorted by
            // type or time, other bounds exclude nothing.
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_statistics_enabled("request_type".into(), EnabledStatistics::Chunk)
            .set_max_row_group_row_count(Some(ROWS_PER_GROUP));
        for column in as_differences {
            properties = properties
                .set_column_dictionary_enabled(column.into(), false)
                .set_column_encoding(column.into(), Encoding::DELTA_BINARY_PACKED);
        }
        // Without Arrow's own copy of the schema, dictionary columns are plain strings to every reader.
        let options = ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
        let file = File::create(path).map_err(Problem::Write)?;
        Ok(Self { writer: ArrowWriter::try_new_with_options(file, schema.clone(), options)?, schema })
    }

    /// The schema that batches must have.
    pub fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// Appends rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Problem> {
        Ok(self.writer.write(batch)?)
    }

    /// Rows that are encoded but not yet written.
    pub fn rows_held(&self) -> usize {
        self.writer.in_progress_rows()
    }

    /// Writes the rows that are held.
    pub fn end_row_group(&mut self) -> Result<(), Problem> {
        Ok(self.writer.flush()?)
    }

    /// Writes the footer; without it the file can't be read.
    pub fn finish(self) -> Result<(), Problem> {
        self.writer.close()?;
        Ok(())
    }
}
