//! The least that the batch can cost: inflate the yearly ZIPs, find their lines, and write the same Parquet from batches
//! that are in memory. `floor SOURCE LAKE`, where the lake was made of the source; one thread; CPU seconds as JSON.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use toronto311::clean::ParquetFile;

fn main() -> anyhow::Result<()> {
    // Cargo adds `--bench` to what it is told.
    let arguments: Vec<_> = std::env::args_os().skip(1).filter(|argument| argument != "--bench").collect();
    let [source, lake] = arguments.as_slice() else { anyhow::bail!("usage: floor SOURCE LAKE") };
    let began = cpu_seconds()?;
    for file in files(source.as_ref())?.iter().filter(|file| file.extension().is_some_and(|e| e == "zip")) {
        inflate_and_find_lines(file)?;
    }
    let inflate = cpu_seconds()? - began;
    let mut write = 0.0;
    for file in files(lake.as_ref())?.iter().filter(|file| is_output(file)) {
        let (schema, batches) = read(file).with_context(|| file.display().to_string())?;
        let began = cpu_seconds()?;
        write_again(schema, &batches)?;
        write += cpu_seconds()? - began;
    }
    println!(r#"{{"inflate_and_find_lines": {inflate:.3}, "write_Parquet": {write:.3}}}"#);
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

/// Texts that repeat come as dictionaries, as the batch has them when it writes.
fn read(file: &Path) -> anyhow::Result<(SchemaRef, Vec<RecordBatch>)> {
    let file = File::open(file)?;
    let plain = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let fields: Vec<Field> = plain.schema().fields().iter().map(|field| coded(field)).collect();
    let schema = Arc::new(Schema::new(fields));
    let options = ArrowReaderOptions::new().with_schema(schema.clone());
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?.with_batch_size(8192);
    Ok((schema, builder.build()?.collect::<Result<_, _>>()?))
}

fn coded(field: &Field) -> Field {
    let repeats = *field.data_type() == DataType::Utf8 && !field.name().starts_with("intersection");
    let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    if repeats { field.clone().with_data_type(text()) } else { field.clone() }
}

fn write_again(schema: SchemaRef, batches: &[RecordBatch]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut file = ParquetFile::create(&folder.path().join("again.parquet"), Schema::clone(&schema))?;
    for batch in batches {
        file.write(batch)?;
    }
    Ok(file.finish()?)
}
