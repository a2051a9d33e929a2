//! Typed rows of our Parquet files: partial counts and marts alike.

use std::fs::File;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int32Type, Int64Type};
use arrow_array::{Array, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::statistics::Statistics;

use super::by_area::TypesByArea;
use super::hours::Hours;
use super::series::Series;
use crate::clean::cell::{Cell, CellCode, Place};
use crate::clean::ledger;
use crate::clean::request_types::TypeUse;
use crate::domain::{Area, Geography, Month, MonthRange, ParseError, Status, TypeId, WardModel};

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

/// Rows of a mart of counts, in its order.
pub fn cell_rows(file: impl ChunkReader + 'static) -> Result<impl Iterator<Item = Result<CellRow, Error>>, Error> {
    let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, of_cells())?;
    Ok(flatten(reader.with_batch_size(BATCH_ROWS).build()?.map(|batch| cells_of(&batch?))))
}

/// Rows that are read at a time. In each batch, every text of a column is parsed once.
pub(super) const BATCH_ROWS: usize = 16 << 10;

fn of_cells() -> ArrowReaderOptions {
    as_dictionaries(
        &[
            ("request_type", false),
            ("geography", false),
            ("ward_model", true),
            ("area", true),
            ("month", false),
            ("status", false),
        ],
        &[("requests", DataType::Int64)],
    )
}

/// Texts, which may have nulls, are read as numbers into a list, so that each is parsed once and not once a row.
pub(super) fn as_dictionaries(texts: &[(&str, bool)], numbers: &[(&str, DataType)]) -> ArrowReaderOptions {
    let texts = texts.iter().map(|(name, nullable)| Field::new(*name, text(), *nullable));
    let numbers = numbers.iter().map(|(name, of)| Field::new(*name, of.clone(), false));
    ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(texts.chain(numbers).collect::<Vec<_>>())))
}

fn text() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The batches of a file of partial counts, in its order.
pub(super) fn partial_batches(file: File) -> Result<ParquetRecordBatchReader, Error> {
    let mut columns = vec![Field::new("request_type", text(), false)];
    columns.extend(["place", "month", "status"].map(|name| Field::new(name, DataType::Int32, false)));
    columns.push(Field::new("requests", DataType::Int64, false));
    let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(columns)));
    Ok(ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?.build()?)
}

/// Some rows of partial counts.
#[derive(Default)]
pub(super) struct PartialBatch {
    types: Vec<Arc<str>>,
    type_numbers: Vec<i32>,
    cells: Vec<(CellCode, i64)>,
}

impl PartialBatch {
    pub(super) fn read(batch: &RecordBatch) -> Result<Self, Error> {
        let types = Numbered::new(batch, "request_type", |text| Ok(Arc::<str>::from(text)))?;
        let [places, months, statuses] = ["place", "month", "status"].map(|name| numbers::<Int32Type>(batch, name));
        let (places, months, statuses) = (places?.values(), months?.values(), statuses?.values());
        let requests = numbers::<Int64Type>(batch, "requests")?.values();
        let cells = (0..batch.num_rows()).map(|row| {
            let code = cell_of(places[row], months[row], statuses[row]);
            Ok((code.ok_or(Error::Column("place, month or status"))?, requests[row]))
        });
        Ok(Self {
            cells: cells.collect::<Result<_, Error>>()?,
            type_numbers: types.numbers.values().to_vec(),
            types: types.values.into_iter().collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn cells(&self) -> &[(CellCode, i64)] {
        &self.cells
    }

    /// The type of a row; none behind the last.
    pub(super) fn request_type(&self, row: usize) -> Option<&Arc<str>> {
        self.types.get(*self.type_numbers.get(row)? as usize)
    }

    /// The row after the last one in sequence that has the same type.
    pub(super) fn end_of_type(&self, row: usize) -> usize {
        let rows = &self.type_numbers[row..];
        row + rows.iter().take_while(|number| **number == rows[0]).count()
    }
}

fn cell_of(place: i32, month: i32, status: i32) -> Option<CellCode> {
    let place = Place::new(u16::try_from(place).ok()?)?;
    let month = Month::from_index(u16::try_from(month).ok()?)?;
    Some(CellCode::new(place, month, *Status::ALL.get(usize::try_from(status).ok()?)?))
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
    let types = Numbered::new(batch, "request_type", |text| Ok(Arc::<str>::from(text)))?;
    let columns = CellColumns::of(batch)?;
    let row = |row| columns.cell(row).and_then(|(cell, requests)| Ok((types.needed(row)?.clone(), cell, requests)));
    (0..batch.num_rows()).map(row).collect()
}

/// The columns of a mart of counts but for the type.
struct CellColumns<'b> {
    geographies: Numbered<'b, Geography>,
    models: Numbered<'b, WardModel>,
    areas: Numbered<'b, AreaCode>,
    months: Numbered<'b, Month>,
    statuses: Numbered<'b, Status>,
    requests: &'b PrimitiveArray<Int64Type>,
}

/// A code as the area that it is in each geography and model.
struct AreaCode {
    text: String,
    wards: [Option<Area>; 2],
    fsa: Option<Area>,
}

impl AreaCode {
    fn read(text: &str) -> Self {
        let ward = |model| Area::from_code(Geography::Ward, Some(model), text);
        Self {
            text: text.to_owned(),
            wards: [WardModel::Wards44, WardModel::Wards25].map(ward),
            fsa: Area::from_code(Geography::Fsa, None, text),
        }
    }

    fn area(&self, geography: Geography, model: Option<WardModel>) -> Result<Area, Error> {
        let area = match (geography, model) {
            (Geography::Fsa, _) => self.fsa,
            (Geography::Ward, Some(WardModel::Wards44)) => self.wards[0],
            (Geography::Ward, Some(WardModel::Wards25)) => self.wards[1],
            (Geography::Ward, None) => None,
        };
        area.ok_or_else(|| Error::Area(self.text.clone()))
    }
}

impl<'b> CellColumns<'b> {
    fn of(batch: &'b RecordBatch) -> Result<Self, Error> {
        Ok(Self {
            geographies: Numbered::new(batch, "geography", str::parse)?,
            models: Numbered::new(batch, "ward_model", str::parse)?,
            areas: Numbered::new(batch, "area", |text| Ok(AreaCode::read(text)))?,
            months: Numbered::new(batch, "month", str::parse)?,
            statuses: Numbered::new(batch, "status", str::parse)?,
            requests: numbers(batch, "requests")?,
        })
    }

    fn cell(&self, row: usize) -> Result<(Cell, i64), Error> {
        let geography = *self.geographies.needed(row)?;
        let model = self.models.get(row)?.copied();
        let area = self.areas.get(row)?.map(|code| code.area(geography, model)).transpose()?;
        let cell = Cell { geography, area, month: *self.months.needed(row)?, status: *self.statuses.needed(row)? };
        Ok((cell, self.requests.value(row)))
    }
}

/// A column of numbers into a list, whose texts have been read.
pub(super) struct Numbered<'b, T> {
    name: &'static str,
    numbers: &'b PrimitiveArray<Int32Type>,
    /// Not every text has to be one of the column's: where it has nulls, the reader may add an empty text.
    values: Vec<Result<T, ParseError>>,
}

impl<'b, T> Numbered<'b, T> {
    pub(super) fn new(
        batch: &'b RecordBatch,
        name: &'static str,
        read: impl Fn(&str) -> Result<T, ParseError>,
    ) -> Result<Self, Error> {
        let column = batch.column_by_name(name).and_then(|column| column.as_dictionary_opt::<Int32Type>());
        let column = column.ok_or(Error::Column(name))?;
        let texts = column.values().as_string_opt::<i32>().ok_or(Error::Column(name))?;
        let values = texts.iter().map(|text| read(text.unwrap_or_default())).collect();
        Ok(Self { name, numbers: column.keys(), values })
    }

    /// The same number is the same text.
    pub(super) fn number(&self, row: usize) -> Option<i32> {
        (!self.numbers.is_null(row)).then(|| self.numbers.value(row))
    }

    /// `None` where the column is null.
    pub(super) fn get(&self, row: usize) -> Result<Option<&T>, Error> {
        if self.numbers.is_null(row) {
            return Ok(None);
        }
        let value = self.values.get(self.numbers.value(row) as usize).ok_or_else(|| Error::Column(self.name))?;
        value.as_ref().map(Some).map_err(|error| Error::Value(error.clone()))
    }

    pub(super) fn needed(&self, row: usize) -> Result<&T, Error> {
        self.get(row)?.ok_or_else(|| Error::Column(self.name))
    }
}

fn type_uses_of(batch: &RecordBatch) -> Result<Vec<TypeUse>, Error> {
    let [types, labels, divisions, sections, first, last] =
        ["request_type", "label", "division", "section", "first_month", "last_month"].map(|name| texts(batch, name));
    let (types, labels, divisions, sections, first, last) = (types?, labels?, divisions?, sections?, first?, last?);
    let requests = numbers::<Int64Type>(batch, "requests")?;
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

pub(super) fn texts<'b>(batch: &'b RecordBatch, name: &'static str) -> Result<&'b StringArray, Error> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt()).ok_or(Error::Column(name))
}

pub(super) fn numbers<'b, T: ArrowPrimitiveType>(
    batch: &'b RecordBatch,
    name: &'static str,
) -> Result<&'b PrimitiveArray<T>, Error> {
    batch.column_by_name(name).and_then(|column| column.as_primitive_opt()).ok_or(Error::Column(name))
}

/// The marts of one release, held as the bytes that they are stored as: a release once loaded needs no lake any more.
pub struct Marts {
    months: MonthRange,
    /// In the order of [`super::ALL`].
    files: [Bytes; 4],
    metadata: ArrowReaderMetadata,
    totals: Arc<Series>,
    types: Vec<TypeUse>,
    hours: Hours,
}

impl Marts {
    /// Takes the marts in the order of [`super::ALL`]; `months` are all months of the release.
    pub fn open(months: MonthRange, marts: [Bytes; 4]) -> Result<Self, Error> {
        let [by_area_month, totals, types, hours] = marts.clone();
        let metadata = ArrowReaderMetadata::load(&by_area_month, of_cells())?;
        let totals = cell_rows(totals)?.map(|row| row.map(|(_, cell, requests)| (cell, requests)));
        let totals = totals.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            months,
            files: marts,
            metadata,
            totals: Arc::new(Series::new(months, &totals)),
            types: type_uses(types)?,
            hours: Hours::open(hours)?,
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

    /// The bytes of a mart.
    pub fn file(&self, name: &str) -> Option<Bytes> {
        super::ALL.iter().position(|mart| *mart == name).map(|at| self.files[at].clone())
    }

    /// Counts by hour of the week.
    pub fn hours(&self) -> &Hours {
        &self.hours
    }

    /// The other types of the release that one was renamed from or to, in the order of time.
    pub fn renames(&self, id: &TypeId) -> Vec<&TypeUse> {
        let others = ledger::renames(id).into_iter().filter(|other| other != id);
        let mut known: Vec<_> = others.filter_map(|other| self.request_type(other.as_str())).collect();
        known.sort_by_key(|used| (used.last_month, used.first_month));
        known
    }

    /// Counts of all types, by area.
    pub fn types_by_area(&self) -> Result<TypesByArea, Error> {
        TypesByArea::read(self.files[0].clone())
    }

    /// Counts of one type or of several together. Some milliseconds of CPU for each.
    pub fn series<'t>(&self, request_types: impl IntoIterator<Item = &'t str>) -> Result<Series, Error> {
        let mut cells = Vec::new();
        for request_type in request_types {
            self.read_cells(request_type, &mut cells)?;
        }
        Ok(Series::new(self.months, &cells))
    }

    /// Decodes the one or two row groups that can hold a type.
    fn read_cells(&self, request_type: &str, cells: &mut Vec<(Cell, i64)>) -> Result<(), Error> {
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        let groups = groups.filter(|(_, group)| may_hold(group, request_type)).map(|(index, _)| index).collect();
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(self.files[0].clone(), self.metadata.clone())
            .with_row_groups(groups)
            .with_batch_size(BATCH_ROWS)
            .build()?;
        for batch in reader {
            let batch = batch?;
            let types = Numbered::new(&batch, "request_type", |text| Ok(text == request_type))?;
            let is_wanted = |row: usize| types.needed(row).is_ok_and(|wanted| *wanted);
            // Types follow each other in the file.
            let Some(first) = (0..batch.num_rows()).find(|row| is_wanted(*row)) else { continue };
            let rows = first..(first..batch.num_rows()).find(|row| !is_wanted(*row)).unwrap_or(batch.num_rows());
            let columns = CellColumns::of(&batch)?;
            cells.extend(rows.map(|row| columns.cell(row)).collect::<Result<Vec<_>, _>>()?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marts::write::CellWriter;

    /// Row groups with their own dictionaries, and some where a column is nothing but nulls.
    #[test]
    fn what_is_written_is_read_back_whatever_lies_in_one_batch() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counts.parquet");
        let (first, last) = ("2010-01".parse::<Month>().unwrap(), "2026-12".parse::<Month>().unwrap());
        let months: Vec<Month> = MonthRange::new(first, last).unwrap().iter().collect();
        let area = |geography, model, code: &str| Some(Area::from_code(geography, model, code).unwrap());
        let (ward, fsa) = (Geography::Ward, Geography::Fsa);
        let areas = [
            (ward, None),
            (ward, area(ward, Some(WardModel::Wards44), "44")),
            (ward, area(ward, Some(WardModel::Wards25), "01")),
            (fsa, None),
            (fsa, area(fsa, None, "M9Z")),
        ];
        let mut rows = Vec::new();
        for request_type in 0..80 {
            let only_fsas = areas.iter().filter(|(geography, _)| request_type < 30 || *geography == fsa);
            for &(geography, area) in only_fsas {
                let statuses = months.iter().flat_map(|&month| Status::ALL.map(|status| (month, status)));
                rows.extend(statuses.map(|(month, status)| {
                    (format!("type-{request_type:02}"), Cell { geography, area, month, status })
                }));
            }
        }
        let mut writer = CellWriter::create(&path).unwrap();
        for (at, (request_type, cell)) in rows.iter().enumerate() {
            writer.push(request_type, CellCode::from(*cell), at as i64).unwrap();
        }
        writer.finish().unwrap();
        assert!(rows.len() > 4 * 64 * 1024);
        let mut read = cell_rows(std::fs::File::open(&path).unwrap()).unwrap();
        for (at, (request_type, cell)) in rows.iter().enumerate() {
            let (of, found, requests) = read.next().unwrap().unwrap();
            assert!(*of == **request_type && found == *cell && requests == at as i64, "row {at}");
        }
        assert!(read.next().is_none());
        let by_area = TypesByArea::read(std::fs::read(&path).unwrap().into()).unwrap();
        let sum = |of: &dyn Fn(&Cell) -> bool, id: &str| -> u64 {
            rows.iter().enumerate().filter(|(_, (t, cell))| t == id && of(cell)).map(|(at, _)| at as u64).sum()
        };
        let year: MonthRange = "2020-01..2020-12".parse().unwrap();
        let in_year = |cell: &Cell| year.first() <= cell.month && cell.month <= year.last();
        let ward = areas[2].1;
        let of_ward = by_area.requests(ward, year);
        assert_eq!(of_ward.len(), 30, "types that the ward has none of are left out");
        assert_eq!(of_ward["type-07"], sum(&|cell| cell.area == ward && in_year(cell), "type-07"));
        let of_city = sum(&|cell| cell.geography == Geography::Ward && in_year(cell), "type-29");
        assert_eq!(by_area.requests(None, year)["type-29"], of_city);
        assert!(by_area.requests(areas[1].1, year).is_empty(), "the earlier wards have no pages");
    }
}
