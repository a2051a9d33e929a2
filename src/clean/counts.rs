//! Partial counts: the accepted rows of one file by type, area, month and status.
//!
//! Small numbers, not words: `place` is a [`Place`], `month` the months since January of year 0, `status` the place in
//! [`Status::ALL`]. They are read once for each refresh, to be added up into marts, and nobody else asks them anything.

use std::path::Path;

use parquet::data_type::{Int32Type, Int64Type};

use super::Problem;
use super::cell::{CellCode, Place};
use super::parquet_file::{Encoder, ParquetFile, ROWS_PER_GROUP};
use super::vocabulary::Vocabulary;
use crate::domain::{Month, Status};

/// Ordered by type, then by the other three.
const SCHEMA: &str = "message partial_counts {
    required binary request_type (STRING);
    required int32 place;
    required int32 month;
    required int32 status;
    required int64 requests;
}";

/// Cells held before those that are the same are added up. A year has some 300,000.
const CELLS: usize = 1 << 20;

/// An accepted row, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// The type's number in the vocabulary.
    pub request_type: u32,
    /// The ward or none.
    pub ward: Place,
    /// The FSA or none.
    pub fsa: Place,
    /// The state.
    pub status: Status,
}

/// The counts of one file, by the type's number in the vocabulary (high half) and the cell's code (low half).
#[derive(Default)]
pub struct Counts {
    cells: Vec<(u64, u64)>,
    /// Those of the cells that are known to be in order and each there once.
    summed: usize,
    keys: Vec<u32>,
}

impl Counts {
    /// Counts rows of a month in both geographies. Many at a time: sorted, equal ones lie side by side, which costs half
    /// of looking each up.
    pub fn add(&mut self, month: Month, rows: impl Iterator<Item = Counted>) {
        self.keys.clear();
        for row in rows {
            let key = |place: Place| row.request_type << 12 | u32::from(place.number()) << 3 | row.status as u32;
            self.keys.extend([key(row.ward), key(row.fsa)]);
        }
        self.keys.sort_unstable();
        for equal in self.keys.chunk_by(|a, b| a == b) {
            let code = code_of(equal[0], month);
            self.cells.push((u64::from(equal[0] >> 12) << 32 | u64::from(code.number()), equal.len() as u64));
        }
        if self.cells.len() > CELLS.max(2 * self.summed) {
            self.sum();
        }
    }

    fn sum(&mut self) {
        self.cells.sort_unstable_by_key(|(key, _)| *key);
        self.cells.dedup_by(|next, sum| {
            let same = next.0 == sum.0;
            sum.1 += if same { next.1 } else { 0 };
            same
        });
        self.summed = self.cells.len();
    }

    /// Writes them ordered by type, then cell.
    pub fn write(mut self, path: &Path, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let ids = vocabulary.type_ids.all();
        let mut by_id: Vec<u32> = (0..ids.len() as u32).collect();
        by_id.sort_unstable_by_key(|&number| &ids[number as usize]);
        let mut rank = vec![0; ids.len()];
        by_id.iter().enumerate().for_each(|(at, &number)| rank[number as usize] = at as u64);
        for (key, _) in &mut self.cells {
            *key = rank[(*key >> 32) as usize] << 32 | *key & 0xffff_ffff;
        }
        self.sum();
        let (mut file, mut encoder) = (ParquetFile::create(path, SCHEMA)?, Encoder::new()?);
        for rows in self.cells.chunks(ROWS_PER_GROUP) {
            let codes = || rows.iter().map(|(key, _)| CellCode::from_number(*key as u32));
            let mut group = file.row_group(&mut encoder)?;
            group.texts(ids, rows.iter().map(|(key, _)| by_id[(*key >> 32) as usize]))?;
            group.numbers::<Int32Type>(codes().map(|code| i32::from(code.place().number())))?;
            group.numbers::<Int32Type>(codes().map(|code| i32::from(code.month_index())))?;
            group.numbers::<Int32Type>(codes().map(|code| code.status_index() as i32))?;
            group.numbers::<Int64Type>(rows.iter().map(|(_, requests)| *requests as i64))?;
            group.finish()?;
        }
        file.finish()
    }
}

/// The cell of a key as [`Counts::add`] makes them.
fn code_of(key: u32, month: Month) -> CellCode {
    CellCode::from_number((key >> 3 & 0x1ff) << 19 | (month.index() as u32) << 3 | key & 7)
}
