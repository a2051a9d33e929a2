//! The least that the batch can cost: inflate the yearly ZIPs, find their lines, and write the same Parquet from rows that
//! are in memory, with the usual writer and with ours. `floor SOURCE LAKE`, where the lake was made of the source; one
//! thread; CPU seconds as JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int8Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::printer::print_schema;
use toronto311::clean::parquet_file::{Encoder, NONE, ParquetFile};

fn main() -> anyhow::Result<()> {
    // Cargo adds `--bench` to what it is told.
    let arguments: Vec<_> = std::env::args_os().skip(1).filter(|argument| argument != "--bench").collect();
    let [source, lake] = arguments.as_slice() else { anyhow::bail!("usage: floor SOURCE LAKE") };
    let began = cpu_seconds()?;
    for file in files(source.as_ref())?.iter().filter(|file| file.extension().is_some_and(|e| e == "zip")) {
        inflate_and_find_lines(file)?;
    }
    let inflate = cpu_seconds()? - began;
    let (mut with_arrow, mut as_we_do) = (0.0, 0.0);
    let mut encoder = Encoder::new()?;
    for file in files(lake.as_ref())?.iter().filter(|file| is_output(file)) {
        let (schema, groups) = read(file).with_context(|| file.display().to_string())?;
        let began = cpu_seconds()?;
        write_with_arrow(&groups)?;
        with_arrow += cpu_seconds()? - began;
        let began = cpu_seconds()?;
        write_as_we_do(&schema, &groups, &mut encoder)?;
        as_we_do += cpu_seconds()? - began;
    }
    println!(r#"{{"inflate": {inflate:.3}, "write_with_arrow": {with_arrow:.3}, "write_as_we_do": {as_we_do:.3}}}"#);
    Ok(())
}

/// Of this thread, as the scheduler counts it.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: u64 = stat.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds as f64 / 1e9)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { all.extend(files(&path)?) } else { all.push(path) }
    }
    Ok(all)
}

/// Cleaned rows and the mart of counts.
fn is_output(file: &Path) -> bool {
    file.ends_with("requests.parquet") || file.ends_with("requests_by_area_month.parquet")
}

fn inflate_and_find_lines(file: &Path) -> anyhow::Result<()> {
    let mut archive = zip::ZipArchive::new(File::open(file)?)?;
    let mut reader = BufReader::with_capacity(256 * 1024, archive.by_index(0)?);
    let mut lines = 0;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            std::hint::black_box(lines);
            return Ok(());
        }
        lines += memchr::memchr_iter(b'\n', chunk).count();
        let used = chunk.len();
        reader.consume(used);
    }
}

/// Rows of one row group, as the batch has them when it writes: texts as numbers into lists.
struct Group {
    arrow: RecordBatch,
    columns: Vec<Column>,
}

enum Column {
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Texts(Vec<String>, Vec<u32>),
}

/// The schema as text, and the row groups.
fn read(path: &Path) -> anyhow::Result<(String, Vec<Group>)> {
    let file = File::open(path)?;
    let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let fields: Vec<Field> = plain.schema().fields().iter().map(|field| coded(field)).collect();
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(fields)));
    let metadata = ArrowReaderMetadata::load(&file, options)?;
    let mut schema = Vec::new();
    print_schema(&mut schema, plain.metadata().file_metadata().schema());
    let mut groups = Vec::new();
    for (at, group) in plain.metadata().row_groups().iter().enumerate() {
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file.try_clone()?, metadata.clone());
        let mut reader = reader.with_row_groups(vec![at]).with_batch_size(group.num_rows() as usize).build()?;
        let arrow = reader.next().context("a row group without rows")??;
        let columns = arrow.columns().iter().map(column).collect::<Result<_, _>>()?;
        groups.push(Group { arrow, columns });
    }
    Ok((String::from_utf8(schema)?, groups))
}

fn coded(field: &Field) -> Field {
    let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    if *field.data_type() == DataType::Utf8 { field.clone().with_data_type(text()) } else { field.clone() }
}

fn column(array: &ArrayRef) -> anyhow::Result<Column> {
    Ok(match array.data_type() {
        DataType::Int8 => {
            Column::Ints(array.as_primitive::<Int8Type>().values().iter().copied().map(i32::from).collect())
        }
        DataType::Int64 => Column::Longs(array.as_primitive::<Int64Type>().values().to_vec()),
        DataType::Timestamp(..) => Column::Longs(array.as_primitive::<TimestampMicrosecondType>().values().to_vec()),
        DataType::Dictionary(..) => {
            let texts = array.as_dictionary::<Int32Type>();
            let list = texts.values().as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_owned());
            let numbers = texts.keys().iter().map(|number| number.map_or(NONE, |number| number as u32));
            Column::Texts(list.collect(), numbers.collect())
        }
        other => anyhow::bail!("no column of ours is {other}"),
    })
}

/// With the writer that the parquet crate has for Arrow arrays, and our settings.
fn write_with_arrow(groups: &[Group]) -> anyhow::Result<()> {
    let [first, ..] = groups else { return Ok(()) };
    let numbers = ["creation_date", "hour", "requests"];
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::None);
    for column in numbers {
        properties = properties
            .set_column_dictionary_enabled(column.into(), false)
            .set_column_encoding(column.into(), Encoding::DELTA_BINARY_PACKED);
    }
    let mut writer = ArrowWriter::try_new(tempfile::tempfile()?, first.arrow.schema(), Some(properties.build()))?;
    for group in groups {
        writer.write(&group.arrow)?;
        writer.flush()?;
    }
    writer.close()?;
    Ok(())
}

/// As the batch does it.
fn write_as_we_do(schema: &str, groups: &[Group], encoder: &mut Encoder) -> anyhow::Result<()> {
    let file = tempfile::NamedTempFile::new()?;
    let mut parquet = ParquetFile::create(file.path(), schema)?;
    for Group { columns, .. } in groups {
        let mut group = parquet.row_group(encoder)?;
        for column in columns {
            match column {
                Column::Ints(values) => group.numbers::<parquet::data_type::Int32Type>(values.iter().copied())?,
                Column::Longs(values) => group.numbers::<parquet::data_type::Int64Type>(values.iter().copied())?,
                Column::Texts(list, numbers) => group.texts(list, numbers.iter().copied())?,
            }
        }
        group.finish()?;
    }
    Ok(parquet.finish()?)
}
