//! Typed rows of our Parquet files: partial counts and marts alike.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::statistics::Statistics;

use super::series::Series;
use crate::clean::counts::{Cell, TypeUse};
use crate::clean::ledger;
use crate::domain::{Area, MonthRange, ParseError, TypeId, WardModel};

/// A Parquet file that is not what we wrote.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not readable as Parquet.
    #[error("not readable as Parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
    /// A batch could not be decoded.
    #[error("not readable as Parquet: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A column is missing or has another type.
    #[error("has no column {0} of the expected type")]
    Column(&'static str),
    /// A value is not of the domain.
    #[error(transparent)]
    Value(#[from] ParseError),
    /// An area that its geography does not have.
    #[error("has no such area: {0:?}")]
    Area(String),
}

/// A row of counts: type, cell, requests.
pub type CellRow = (Arc<str>, Cell, i64);

/// Rows of a file of counts, in its order.
pub fn cell_rows(file: impl ChunkReader + 'static) -> Result<impl Iterator<Item = Result<CellRow, Error>>, Error> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
    Ok(flatten(reader.map(|batch| cells_of(&batch?))))
}

/// Rows of a file of request types, in its order.
pub fn type_uses(file: impl ChunkReader + 'static) -> Result<Vec<TypeUse>, Error> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
    flatten(reader.map(|batch| type_uses_of(&batch?))).collect()
}

fn flatten<T>(batches: impl Iterator<Item = Result<Vec<T>, Error>>) -> impl Iterator<Item = Result<T, Error>> {
    batches.flat_map(|batch| {
        let (rows, error) = match batch {
            Ok(rows) => (rows, None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        rows.into_iter().map(Ok).chain(error)
    })
}

fn cells_of(batch: &RecordBatch) -> Result<Vec<CellRow>, Error> {
    let [types, geographies, models, areas, months, statuses] =
        ["request_type", "geography", "ward_model", "area", "month", "status"].map(|name| texts(batch, name));
    let (types, geographies, models) = (types?, geographies?, models?);
    let (areas, months, statuses) = (areas?, months?, statuses?);
    let requests = numbers(batch, "requests")?;
    let mut request_type: Arc<str> = Arc::from("");
    (0..batch.num_rows())
        .map(|row| {
            // Rows are ordered by type, so the text is shared by the rows that follow.
            if *request_type != *types.value(row) {
                request_type = Arc::from(types.value(row));
            }
            let geography = geographies.value(row).parse()?;
            let model = models.is_valid(row).then(|| models.value(row).parse::<WardModel>()).transpose()?;
            let read = |code: &str| Area::from_code(geography, model, code).ok_or_else(|| Error::Area(code.to_owned()));
            let area = areas.is_valid(row).then(|| read(areas.value(row))).transpose()?;
            let cell =
                Cell { geography, area, month: months.value(row).parse()?, status: statuses.value(row).parse()? };
            Ok((request_type.clone(), cell, requests.value(row)))
        })
        .collect()
}

fn type_uses_of(batch: &RecordBatch) -> Result<Vec<TypeUse>, Error> {
    let [types, labels, divisions, sections, first, last] =
        ["request_type", "label", "division", "section", "first_month", "last_month"].map(|name| texts(batch, name));
    let (types, labels, divisions, sections, first, last) = (types?, labels?, divisions?, sections?, first?, last?);
    let requests = numbers(batch, "requests")?;
    (0..batch.num_rows())
        .map(|row| {
            Ok(TypeUse {
                request_type: types.value(row).to_owned(),
                label: labels.value(row).to_owned(),
                division: divisions.value(row).to_owned(),
                section: sections.value(row).to_owned(),
                first_month: first.value(row).parse()?,
                last_month: last.value(row).parse()?,
                requests: requests.value(row),
            })
        })
        .collect()
}

fn texts<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b StringArray, Error> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt()).ok_or(Error::Column(name))
}

fn numbers<'b>(
    batch: &'b RecordBatch,
    name: &'static str,
) -> Result<&'b arrow_array::PrimitiveArray<Int64Type>, Error> {
    batch.column_by_name(name).and_then(|column| column.as_primitive_opt()).ok_or(Error::Column(name))
}

/// The marts of one release, held as the bytes that they are stored as: a release once loaded needs no lake any more.
pub struct Marts {
    months: MonthRange,
    requests_by_area_month: Bytes,
    metadata: ArrowReaderMetadata,
    totals: Arc<Series>,
    types: Vec<TypeUse>,
}

impl Marts {
    /// Takes the three marts; `months` are all months of the release.
    pub fn open(months: MonthRange, by_area_month: Bytes, totals: Bytes, types: Bytes) -> Result<Self, Error> {
        let metadata = ArrowReaderMetadata::load(&by_area_month, Default::default())?;
        let totals = cell_rows(totals)?.map(|row| row.map(|(_, cell, requests)| (cell, requests)));
        Ok(Self {
            months,
            requests_by_area_month: by_area_month,
            metadata,
            totals: Arc::new(Series::new(months, totals.collect::<Result<_, _>>()?)),
            types: type_uses(types)?,
        })
    }

    /// All months of the release.
    pub fn months(&self) -> MonthRange {
        self.months
    }

    /// The request types by id.
    pub fn types(&self) -> &[TypeUse] {
        &self.types
    }

    /// The request type of an id.
    pub fn request_type(&self, id: &str) -> Option<&TypeUse> {
        self.types.binary_search_by(|used| used.request_type.as_str().cmp(id)).ok().map(|at| &self.types[at])
    }

    /// Counts over all types.
    pub fn totals(&self) -> Arc<Series> {
        self.totals.clone()
    }

    /// The other types of the release that one was renamed from or to, in the order of time.
    pub fn renames(&self, id: &TypeId) -> Vec<&TypeUse> {
        let others = ledger::renames(id).into_iter().filter(|other| other != id);
        let mut known: Vec<_> = others.filter_map(|other| self.request_type(other.as_str())).collect();
        known.sort_by_key(|used| (used.last_month, used.first_month));
        known
    }

    /// Counts of one type or of several together. Some milliseconds of CPU for each.
    pub fn series<'t>(&self, request_types: impl IntoIterator<Item = &'t str>) -> Result<Series, Error> {
        let mut cells = Vec::new();
        for request_type in request_types {
            self.read_cells(request_type, &mut cells)?;
        }
        Ok(Series::new(self.months, cells))
    }

    /// Decodes the one or two row groups that can hold a type.
    fn read_cells(&self, request_type: &str, cells: &mut Vec<(Cell, i64)>) -> Result<(), Error> {
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        let groups = groups.filter(|(_, group)| may_hold(group, request_type)).map(|(index, _)| index).collect();
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.requests_by_area_month.clone(),
            self.metadata.clone(),
        )
        .with_row_groups(groups)
        .build()?;
        for row in flatten(reader.map(|batch| cells_of(&batch?))) {
            let (of, cell, requests) = row?;
            if *of == *request_type {
                cells.push((cell, requests));
            }
        }
        Ok(())
    }
}

/// Whether a row group's bounds of its first column, the request type, include an id.
fn may_hold(group: &RowGroupMetaData, id: &str) -> bool {
    match group.column(0).statistics() {
        Some(Statistics::ByteArray(bounds)) => {
            bounds.min_bytes_opt().is_none_or(|min| min <= id.as_bytes())
                && bounds.max_bytes_opt().is_none_or(|max| id.as_bytes() <= max)
        }
        _ => true,
    }
}
