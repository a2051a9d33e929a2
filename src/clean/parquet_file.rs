//! One Parquet file being written, a row group at a time, with the settings that all of ours share.
//!
//! Texts come as numbers into a list, and that is how Parquet stores them: a page with the list and one with the numbers.
//! The writer that takes Arrow arrays would look every text up again, row by row, which was a quarter of all CPU of a
//! refresh; so these two pages are made here, and the rest of the format is left to the crate.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnDescPtr;
use zstd::bulk::Compressor;

use super::{Problem, hybrid};

/// Rows of a full row group: small enough that one request type's rows lie in one or two of them.
pub const ROWS_PER_GROUP: usize = 64 * 1024;

/// Instead of a number into the list: null.
pub const NONE: u32 = u32::MAX;

/// zstd level 1 is within 1 % of level 3 in size here: the lists do most of the compression.
const LEVEL: i32 = 1;

/// Longer bounds than this are left out.
const LONGEST_BOUND: usize = 64;

/// What is needed to encode and is kept from one row group to the next, of whichever file.
pub struct Encoder {
    zstd: Compressor<'static>,
    /// Of each text of a list, where it is in the page; `NONE` where it is not.
    places: Vec<u32>,
    /// The texts that are in the page.
    used: Vec<u32>,
    /// Of each row that is not null, its text's place in the page.
    indices: Vec<u32>,
    /// Of each row, whether it is not null.
    defined: Vec<u32>,
    page: Vec<u8>,
}

impl Encoder {
    /// Takes some memory, so one for many files.
    pub fn new() -> Result<Self, Problem> {
        Ok(Self {
            zstd: Compressor::new(LEVEL).map_err(Problem::Write)?,
            places: Vec::new(),
            used: Vec::new(),
            indices: Vec::new(),
            defined: Vec::new(),
            page: Vec::new(),
        })
    }

    /// Puts the texts that occur in the order of their first row: not all of a list occur in a month.
    fn number<T>(&mut self, list: &[T], rows: impl Iterator<Item = u32>) {
        self.places.clear();
        self.places.resize(list.len(), NONE);
        self.used.clear();
        self.indices.clear();
        self.defined.clear();
        for number in rows {
            self.defined.push(u32::from(number != NONE));
            if number == NONE {
                continue;
            }
            let place = &mut self.places[number as usize];
            if *place == NONE {
                *place = self.used.len() as u32;
                self.used.push(number);
            }
            self.indices.push(*place);
        }
    }

    fn dictionary_page<T: AsRef<[u8]>>(&mut self, list: &[T]) -> Result<CompressedPage, Problem> {
        self.page.clear();
        for &number in &self.used {
            let text = list[number as usize].as_ref();
            self.page.extend_from_slice(&(text.len() as u32).to_le_bytes());
            self.page.extend_from_slice(text);
        }
        let num_values = self.used.len() as u32;
        self.compressed(|buf| Page::DictionaryPage { buf, num_values, encoding: Encoding::PLAIN, is_sorted: false })
    }

    fn data_page(&mut self, nullable: bool) -> Result<CompressedPage, Problem> {
        self.page.clear();
        if nullable {
            self.page.extend_from_slice(&[0; 4]);
            hybrid::encode(&self.defined, 1, &mut self.page);
            let length = (self.page.len() - 4) as u32;
            self.page[..4].copy_from_slice(&length.to_le_bytes());
        }
        let width = (u32::BITS - (self.used.len() as u32).saturating_sub(1).leading_zeros()).max(1);
        self.page.push(width as u8);
        hybrid::encode(&self.indices, width, &mut self.page);
        let num_values = self.defined.len() as u32;
        self.compressed(|buf| Page::DataPage {
            buf,
            num_values,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })
    }

    fn compressed(&mut self, page: impl FnOnce(Bytes) -> Page) -> Result<CompressedPage, Problem> {
        let bytes = self.zstd.compress(&self.page).map_err(Problem::Write)?;
        Ok(CompressedPage::new(page(bytes.into()), self.page.len()))
    }

    /// What lets a reader skip a row group: a comparison for each text that is in it.
    fn bounds<T: AsRef<[u8]>>(&self, list: &[T]) -> Statistics {
        let texts = || self.used.iter().map(|&number| list[number as usize].as_ref());
        let bounds = texts().min().zip(texts().max());
        let (min, max) = bounds.filter(|(a, b)| a.len().max(b.len()) <= LONGEST_BOUND).unzip();
        let bound = |text: Option<&[u8]>| text.map(|text| ByteArray::from(text.to_vec()));
        Statistics::ByteArray(ValueStatistics::new(bound(min), bound(max), None, Some(self.nulls() as u64), false))
    }

    fn nulls(&self) -> usize {
        self.defined.len() - self.indices.len()
    }
}

/// Same rows, same bytes.
pub struct ParquetFile {
    writer: SerializedFileWriter<File>,
}

impl ParquetFile {
    /// Creates or empties the file; the schema is written as in Parquet's documentation.
    pub fn create(path: &Path, schema: &str) -> Result<Self, Problem> {
        let schema = Arc::new(parse_message_type(schema)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            // Numbers as differences: hardly a time repeats but each is near the one before, 8 bytes become 3; hours and
            // counts are small.
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_BINARY_PACKED)
            // Bounds of numbers would cost a comparison a row, and exclude nothing in a file of one month.
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .build();
        let file = File::create(path).map_err(Problem::Write)?;
        Ok(Self { writer: SerializedFileWriter::new(file, schema, Arc::new(properties))? })
    }

    /// Begins the next row group, whose columns follow one by one in the schema's order.
    pub fn row_group<'f>(&'f mut self, encoder: &'f mut Encoder) -> Result<RowGroup<'f>, Problem> {
        let columns = self.writer.schema_descr().columns().to_vec();
        Ok(RowGroup { columns: columns.into_iter(), writer: self.writer.next_row_group()?, encoder })
    }

    /// Writes the footer; without it the file can't be read.
    pub fn finish(self) -> Result<(), Problem> {
        self.writer.close()?;
        Ok(())
    }
}

/// A row group being written.
pub struct RowGroup<'f> {
    columns: std::vec::IntoIter<ColumnDescPtr>,
    writer: SerializedRowGroupWriter<'f, File>,
    encoder: &'f mut Encoder,
}

impl RowGroup<'_> {
    /// Writes the next column from numbers, none of them null.
    pub fn numbers<T: DataType>(&mut self, rows: impl Iterator<Item = T::T>) -> Result<(), Problem> {
        self.columns.next();
        let mut column = self.writer.next_column()?.ok_or_else(too_many)?;
        column.typed::<T>().write_batch(&rows.collect::<Vec<_>>(), None, None)?;
        Ok(column.close()?)
    }

    /// Writes the next column from numbers into a list of texts, or [`NONE`].
    pub fn texts<T: AsRef<[u8]>>(&mut self, list: &[T], rows: impl Iterator<Item = u32>) -> Result<(), Problem> {
        let column = self.columns.next().ok_or_else(too_many)?;
        self.encoder.number(list, rows);
        let nullable = column.max_def_level() > 0;
        if !nullable && self.encoder.nulls() > 0 {
            return Err(ParquetError::General(format!("null in the column {}", column.name())).into());
        }
        let mut sink = TrackedWrite::new(Vec::new());
        let mut pages = SerializedPageWriter::new(&mut sink);
        let dictionary = pages.write_page(self.encoder.dictionary_page(list)?)?;
        let data = pages.write_page(self.encoder.data_page(nullable)?)?;
        let rows = self.encoder.defined.len();
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
            .set_encodings(vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY])
            .set_dictionary_page_offset(Some(dictionary.offset as i64))
            .set_data_page_offset(data.offset as i64)
            .set_num_values(rows as i64)
            .set_total_compressed_size((dictionary.bytes_written + data.bytes_written) as i64)
            .set_total_uncompressed_size((dictionary.uncompressed_size + data.uncompressed_size) as i64)
            .set_statistics(self.encoder.bounds(list))
            .build()?;
        let column = ColumnCloseResult {
            bytes_written: dictionary.bytes_written + data.bytes_written,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok(self.writer.append_column(&Bytes::from(sink.into_inner()?), column)?)
    }

    /// Completes it.
    pub fn finish(self) -> Result<(), Problem> {
        self.writer.close()?;
        Ok(())
    }
}

fn too_many() -> ParquetError {
    ParquetError::General("more columns than the schema has".to_owned())
}

#[cfg(test)]
mod tests {
    use arrow_array::cast::AsArray;
    use arrow_array::types::Int32Type as ArrowInt32;
    use arrow_array::{Array, RecordBatch};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::data_type::Int32Type;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const SCHEMA: &str = "message m { optional binary a (STRING); required int32 n; required binary b; }";

    /// A row group for each list of rows: a text or null, a number, a text.
    fn written(groups: &[Vec<(u32, i32, u32)>], texts: &[String]) -> Result<tempfile::NamedTempFile, Problem> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (mut parquet, mut encoder) = (ParquetFile::create(file.path(), SCHEMA)?, Encoder::new()?);
        for rows in groups {
            let mut group = parquet.row_group(&mut encoder)?;
            group.texts(texts, rows.iter().map(|row| row.0))?;
            group.numbers::<Int32Type>(rows.iter().map(|row| row.1))?;
            group.texts(texts, rows.iter().map(|row| row.2))?;
            group.finish()?;
        }
        parquet.finish()?;
        Ok(file)
    }

    fn rows(batch: &RecordBatch) -> Vec<(Option<String>, i32, Vec<u8>)> {
        let a = batch.column(0).as_string::<i32>();
        let (n, b) = (batch.column(1).as_primitive::<ArrowInt32>(), batch.column(2).as_binary::<i32>());
        let a = |row| a.is_valid(row).then(|| a.value(row).to_owned());
        (0..batch.num_rows()).map(|row| (a(row), n.value(row), b.value(row).to_vec())).collect()
    }

    fn number(texts: u32) -> impl Strategy<Value = u32> {
        // Often one of a few, so that there are runs.
        prop_oneof![0..texts, 0..2u32.min(texts)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn arrow_reads_back_what_is_written(
            groups in vec(vec((prop_oneof![number(300), Just(NONE)], any::<i32>(), number(300)), 1..400), 0..4),
        ) {
            let texts: Vec<String> = (0..300).map(|n| "é".repeat(n % 70) + &n.to_string()).collect();
            let file = written(&groups, &texts).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file.reopen().unwrap()).unwrap().build().unwrap();
            let read: Vec<_> = reader.flat_map(|batch| rows(&batch.unwrap())).collect();
            let text = |number: u32| texts.get(number as usize).cloned();
            let meant = groups.iter().flatten().map(|&(a, n, b)| (text(a), n, text(b).unwrap().into_bytes()));
            prop_assert_eq!(read, meant.collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_row_group_knows_its_bounds_unless_they_are_long() {
        let texts = ["b", "a", "c", "never", &"z".repeat(65)].map(str::to_owned);
        let file = written(&[vec![(0, 1, 4), (NONE, 2, 0), (1, 3, 2)]], &texts).unwrap();
        let reader = SerializedFileReader::new(file.reopen().unwrap()).unwrap();
        let bounds = |column: usize| {
            let statistics = reader.metadata().row_group(0).column(column).statistics().unwrap().clone();
            let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
            (text(statistics.min_bytes_opt()), text(statistics.max_bytes_opt()), statistics.null_count_opt())
        };
        assert_eq!(bounds(0), (Some("a".to_owned()), Some("b".to_owned()), Some(1)));
        assert_eq!(bounds(2), (None, None, Some(0)));
    }

    #[test]
    fn null_where_none_may_be_is_refused() {
        let refused = written(&[vec![(0, 1, NONE)]], &["a".to_owned()]);
        assert!(refused.unwrap_err().to_string().contains("null in the column b"));
    }
}
