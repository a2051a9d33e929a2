//! Counts of accepted rows: by area, month, type and status, and by type, division and section.
//!
//! A file's partial counts and the marts of a release have the same columns, so a mart is the sum of its inputs' counts.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
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

/// A [`Cell`] in one word: hashing and sorting it is a tenth of the work. Ordered as cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellCode(u32);

/// Numbers of places: no ward, 44 wards, 25 wards, no FSA, FSAs.
const WARDS_25: u32 = 45;
const NO_FSA: u32 = 70;

impl CellCode {
    /// Places are below 512, months below 65,536, statuses below 8.
    fn new(place: u32, month: Month, status: Status) -> Self {
        Self(place << 19 | (month.index() as u32) << 3 | status as u32)
    }

    fn place(self) -> u32 {
        self.0 >> 19
    }

    fn month_index(self) -> u16 {
        (self.0 >> 3) as u16
    }

    fn status_index(self) -> usize {
        (self.0 & 7) as usize
    }

    /// The cell that it stands for.
    pub fn cell(self) -> Option<Cell> {
        let place = self.place();
        let ward = |model, first: u32| Ward::new(model, (place - first) as u8).map(Area::Ward);
        let (geography, area) = match place {
            0 => (Geography::Ward, None),
            1..WARDS_25 => (Geography::Ward, ward(WardModel::Wards44, 0)),
            WARDS_25..NO_FSA => (Geography::Ward, ward(WardModel::Wards25, WARDS_25 - 1)),
            NO_FSA => (Geography::Fsa, None),
            _ => (Geography::Fsa, Fsa::from_index((place - NO_FSA - 1) as u16).map(Area::Fsa)),
        };
        let month = Month::from_index(self.month_index())?;
        Some(Cell { geography, area, month, status: *Status::ALL.get(self.status_index())? })
    }
}

impl From<Cell> for CellCode {
    fn from(cell: Cell) -> Self {
        let place = match (cell.geography, cell.area) {
            (_, Some(Area::Ward(ward))) => ward_place(ward),
            (_, Some(Area::Fsa(fsa))) => fsa_place(fsa),
            (Geography::Ward, None) => 0,
            (Geography::Fsa, None) => NO_FSA,
        };
        Self::new(place, cell.month, cell.status)
    }
}

fn ward_place(ward: Ward) -> u32 {
    match ward.model() {
        WardModel::Wards44 => u32::from(ward.number()),
        WardModel::Wards25 => WARDS_25 - 1 + u32::from(ward.number()),
    }
}

fn fsa_place(fsa: Fsa) -> u32 {
    NO_FSA + 1 + u32::from(fsa.index())
}

/// The counts of one file, by the type's number in the vocabulary (high half) and the cell's code (low half).
#[derive(Default)]
pub struct Counts {
    cells: HashMap<u64, i64>,
}

impl Counts {
    /// Counts an accepted row in both geographies.
    pub fn add(&mut self, request: &Request<'_>) {
        for place in [request.ward.map_or(0, ward_place), request.fsa.map_or(NO_FSA, fsa_place)] {
            let code = CellCode::new(place, request.month, request.status);
            *self.cells.entry(u64::from(request.kind.request_type) << 32 | u64::from(code.0)).or_default() += 1;
        }
    }

    /// Writes them ordered by type, then cell.
    pub fn write(self, path: &Path, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let ids = vocabulary.type_ids.all();
        let mut by_id: Vec<usize> = (0..ids.len()).collect();
        by_id.sort_unstable_by_key(|&number| &ids[number]);
        let mut rank = vec![0; ids.len()];
        by_id.iter().enumerate().for_each(|(at, &number)| rank[number] = at as u64);
        let ranked = |(key, requests): (u64, i64)| (rank[(key >> 32) as usize] << 32 | key & 0xffff_ffff, requests);
        let mut rows: Vec<(u64, i64)> = self.cells.into_iter().map(ranked).collect();
        rows.sort_unstable();
        let mut writer = CellWriter::create(path)?;
        for (key, requests) in rows {
            writer.push(&ids[by_id[(key >> 32) as usize]], CellCode(key as u32), requests)?;
        }
        writer.finish()
    }
}

const BATCH: usize = 8192;

type TextColumn = StringDictionaryBuilder<Int32Type>;

fn text(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)), nullable)
}

/// The columns of counts: `request_type, geography, ward_model, area, month, status, requests`.
pub fn cell_schema() -> Schema {
    let texts = [
        ("request_type", false),
        ("geography", false),
        ("ward_model", true),
        ("area", true),
        ("month", false),
        ("status", false),
    ];
    let mut columns: Vec<Field> = texts.map(|(name, nullable)| text(name, nullable)).into();
    columns.push(Field::new("requests", DataType::Int64, false));
    Schema::new(columns)
}

/// Writes rows of counts. Texts are numbers into lists until the file is written.
pub struct CellWriter {
    file: ParquetFile,
    /// The types of the rows that are held.
    types: Vec<String>,
    /// The months met, by their number.
    months: Vec<Month>,
    month_numbers: HashMap<u16, i32>,
    fixed: [ArrayRef; 4],
    type_column: Vec<i32>,
    columns: [Vec<Option<i32>>; 5],
    requests: Vec<i64>,
}

impl CellWriter {
    /// Creates or empties the file.
    pub fn create(path: &Path) -> Result<Self, Problem> {
        let wards = (1..=WardModel::Wards44.count()).map(|number| format!("{number:02}"));
        let fsas = (0..).map_while(Fsa::from_index).map(|fsa| fsa.to_string());
        let fixed = [
            Geography::ALL.map(|geography| geography.to_string()).to_vec(),
            [WardModel::Wards44, WardModel::Wards25].map(|model| model.to_string()).to_vec(),
            wards.chain(fsas).collect(),
            Status::ALL.map(|status| status.to_string()).to_vec(),
        ];
        Ok(Self {
            file: ParquetFile::create(path, cell_schema())?,
            types: Vec::new(),
            months: Vec::new(),
            month_numbers: HashMap::new(),
            fixed: fixed.map(|values| Arc::new(StringArray::from(values)) as ArrayRef),
            type_column: Vec::with_capacity(BATCH),
            columns: Default::default(),
            requests: Vec::with_capacity(BATCH),
        })
    }

    /// Appends a row; the caller keeps the order.
    pub fn push(&mut self, request_type: &str, code: CellCode, requests: i64) -> Result<(), Problem> {
        if self.types.last().is_none_or(|last| last != request_type) {
            self.types.push(request_type.to_owned());
        }
        self.type_column.push(self.types.len() as i32 - 1);
        let place = code.place();
        let (geography, model, area) = match place {
            0 => (Geography::Ward, None, None),
            1..WARDS_25 => (Geography::Ward, Some(0), Some(place - 1)),
            WARDS_25..NO_FSA => (Geography::Ward, Some(1), Some(place - WARDS_25)),
            NO_FSA => (Geography::Fsa, None, None),
            _ => (Geography::Fsa, None, Some(place - NO_FSA - 1 + u32::from(WardModel::Wards44.count()))),
        };
        let row = [
            Some(geography as i32),
            model,
            area.map(|area| area as i32),
            Some(self.month_number(code.month_index())),
            Some(code.status_index() as i32),
        ];
        self.columns.iter_mut().zip(row).for_each(|(column, number)| column.push(number));
        self.requests.push(requests);
        if self.requests.len() == BATCH { self.flush() } else { Ok(()) }
    }

    fn month_number(&mut self, index: u16) -> i32 {
        let months = &mut self.months;
        *self.month_numbers.entry(index).or_insert_with(|| {
            months.extend(Month::from_index(index));
            months.len() as i32 - 1
        })
    }

    fn flush(&mut self) -> Result<(), Problem> {
        let texts = |texts: Vec<String>| Arc::new(StringArray::from(texts)) as ArrayRef;
        let [geographies, models, areas, statuses] = self.fixed.clone();
        let months = texts(self.months.iter().map(Month::to_string).collect());
        let types = std::mem::take(&mut self.type_column);
        let mut arrays = vec![dictionary(types.into(), texts(std::mem::take(&mut self.types)))?];
        for (column, values) in self.columns.iter_mut().zip([geographies, models, areas, months, statuses]) {
            arrays.push(dictionary(std::mem::take(column).into(), values)?);
        }
        arrays.push(Arc::new(Int64Array::from(std::mem::take(&mut self.requests))));
        self.file.write(&RecordBatch::try_new(self.file.schema(), arrays)?)
    }

    /// Completes the file.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.flush()?;
        self.file.finish()
    }
}

/// A column of numbers into a list of texts.
pub(super) fn dictionary(numbers: Int32Array, values: ArrayRef) -> Result<ArrayRef, Problem> {
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(numbers, values)?))
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
    fn every_cell_has_a_code_of_its_own_in_the_same_order() {
        let month = "2024-05".parse().unwrap();
        let codes = (0..NO_FSA + 1 + 260).map(|place| CellCode::new(place, month, Status::New));
        let cells: Vec<Cell> = codes.clone().map(|code| code.cell().unwrap()).collect();
        assert!(cells.is_sorted_by(|a, b| a < b));
        assert!(cells.iter().map(|&cell| CellCode::from(cell)).eq(codes));
        let next = Cell { month: Month::next(month), ..cells[3] };
        let other = Cell { status: Status::Unknown, ..cells[3] };
        assert!(CellCode::from(cells[3]) < CellCode::from(other) && CellCode::from(other) < CellCode::from(next));
    }
}
