//! Partial counts: the accepted rows of one file by type, area, month and status.
//!
//! Small numbers, not words: `place` is a [`Place`], `month` the months since January of year 0, `status` the place in
//! [`Status::ALL`]. They are read once for each refresh, to be added up into marts, and nobody else asks them anything.

use std::path::Path;

use parquet::data_type::{Int32Type, Int64Type};

use super::Problem;
use super::cell::Place;
use super::parquet_file::{Encoder, ParquetFile, ROWS_PER_GROUP};
use super::vocabulary::{MOST_KINDS, Vocabulary};
use crate::domain::{Month, Status};

/// Ordered by type, then by the other three.
const SCHEMA: &str = "message partial_counts {
    required binary request_type (STRING);
    required int32 place;
    required int32 month;
    required int32 status;
    required int64 requests;
}";

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

/// What rows of one year are counted by, in 31 bits: type, place, month, status. Ordered as these are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key(u32);

const TYPE: u32 = 16;
const PLACE: u32 = 7;
const MONTH: u32 = 3;

// A type has 15 bits, a place 9, a month of the year 4, a status 3.
const _: () = assert!(MOST_KINDS < 1 << 15 && Place::COUNT <= 1 << 9 && Status::ALL.len() <= 1 << 3);

impl Key {
    fn new(request_type: u32, place: Place, month: Month, status: Status) -> Self {
        let month = u32::from(month.month()) - 1;
        Self(request_type << TYPE | u32::from(place.number()) << PLACE | month << MONTH | status as u32)
    }

    fn request_type(self) -> u32 {
        self.0 >> TYPE
    }

    fn with_type(self, request_type: u32) -> Self {
        Self(request_type << TYPE | self.0 & ((1 << TYPE) - 1))
    }

    fn place(self) -> i32 {
        (self.0 >> PLACE & 0x1ff) as i32
    }

    fn month_of_year(self) -> i32 {
        (self.0 >> MONTH & 0xf) as i32
    }

    fn status(self) -> i32 {
        (self.0 & 7) as i32
    }
}

/// A key with its rows. In one word it is sorted fastest: many are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Count(u64);

impl Count {
    fn new(key: Key, requests: u64) -> Self {
        Self(u64::from(key.0) << 32 | requests)
    }

    fn key(self) -> Key {
        Key((self.0 >> 32) as u32)
    }

    fn with_type(self, request_type: u32) -> Self {
        Self::new(self.key().with_type(request_type), self.requests())
    }

    /// A file has less than 2^32 rows.
    fn requests(self) -> u64 {
        self.0 & 0xffff_ffff
    }
}

/// The counts of one file.
pub struct Counts {
    year: u16,
    /// Of each month, in order and each once.
    months: [Vec<Count>; 12],
    keys: Vec<Key>,
}

impl Counts {
    /// Of a year without rows.
    pub fn new(year: u16) -> Self {
        Self { year, months: Default::default(), keys: Vec::new() }
    }

    /// Counts rows of a month in both geographies. Many at a time: sorted, equal ones lie side by side, which costs less
    /// than to look each up.
    pub fn add(&mut self, month: Month, rows: impl Iterator<Item = Counted>) {
        self.keys.clear();
        for row in rows {
            self.keys.extend([row.ward, row.fsa].map(|place| Key::new(row.request_type, place, month, row.status)));
        }
        self.keys.sort_unstable();
        let counts = &mut self.months[usize::from(month.month()) - 1];
        counts.extend(self.keys.chunk_by(|a, b| a == b).map(|equal| Count::new(equal[0], equal.len() as u64)));
        counts.sort_unstable();
        counts.dedup_by(|next, sum| {
            let same = next.key() == sum.key();
            sum.0 += if same { next.requests() } else { 0 };
            same
        });
        counts.shrink_to_fit();
    }

    /// Writes them ordered by type, then as the columns are.
    pub fn write(mut self, path: &Path, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let ids = vocabulary.type_ids.all();
        let mut by_id: Vec<u32> = (0..ids.len() as u32).collect();
        by_id.sort_unstable_by_key(|&number| &ids[number as usize]);
        let mut rank = vec![0; ids.len()];
        by_id.iter().enumerate().for_each(|(at, &number)| rank[number as usize] = at as u32);
        for counts in &mut self.months {
            counts.iter_mut().for_each(|count| *count = count.with_type(rank[count.key().request_type() as usize]));
            counts.sort_unstable();
        }
        let first_month = i32::from(self.year) * 12;
        let (mut file, mut encoder) = (ParquetFile::create(path, SCHEMA)?, Encoder::new()?);
        let (mut merged, mut counts) = (merge(&self.months), Vec::with_capacity(ROWS_PER_GROUP));
        loop {
            counts.clear();
            counts.extend(merged.by_ref().take(ROWS_PER_GROUP));
            if counts.is_empty() {
                return file.finish();
            }
            let keys = counts.iter().map(|count| count.key());
            let mut group = file.row_group(&mut encoder)?;
            group.texts(ids, keys.clone().map(|key| by_id[key.request_type() as usize]))?;
            group.numbers::<Int32Type>(keys.clone().map(Key::place))?;
            group.numbers::<Int32Type>(keys.clone().map(|key| first_month + key.month_of_year()))?;
            group.numbers::<Int32Type>(keys.clone().map(Key::status))?;
            group.numbers::<Int64Type>(counts.iter().map(|count| count.requests() as i64))?;
            group.finish()?;
        }
    }
}

/// The counts of all months in one order; no two have the same key. Memory for them once more is what sorting would take.
fn merge(months: &[Vec<Count>; 12]) -> impl Iterator<Item = Count> {
    let mut months = months.each_ref().map(|counts| counts.iter().copied().peekable());
    std::iter::from_fn(move || {
        let heads = months.iter_mut().enumerate().filter_map(|(at, month)| Some((*month.peek()?, at)));
        let (_, at) = heads.min()?;
        months[at].next()
    })
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::SerializedFileReader;
    use parquet::record::RowAccessor;

    use super::*;

    #[test]
    fn rows_added_at_different_times_are_one_cell() {
        let mut vocabulary = Vocabulary::default();
        let [b, a] = [b"b", b"a"].map(|label| {
            let kind = vocabulary.kind(label, b"", b"").unwrap();
            vocabulary.get(kind).request_type
        });
        let (ward, fsa) = (Place::of_ward(None), Place::of_fsa(None));
        let row = |request_type| Counted { request_type, ward, fsa, status: Status::New };
        let mut counts = Counts::new(2024);
        let month = |text: &str| text.parse().unwrap();
        counts.add(month("2024-12"), [row(a), row(b)].into_iter());
        counts.add(month("2024-01"), [row(b)].into_iter());
        counts.add(month("2024-12"), [row(b), row(b)].into_iter());
        let file = tempfile::NamedTempFile::new().unwrap();
        counts.write(file.path(), &vocabulary).unwrap();
        let rows = SerializedFileReader::new(file.reopen().unwrap()).unwrap().into_iter().map(|row| {
            let row = row.unwrap();
            let numbers = [1, 2, 3].map(|column| row.get_int(column).unwrap());
            (row.get_string(0).unwrap().clone(), numbers, row.get_long(4).unwrap())
        });
        let (december, status) = (2024 * 12 + 11, Status::New as i32);
        let cell = |id: &str, place: Place, month, requests| {
            (id.to_owned(), [i32::from(place.number()), month, status], requests)
        };
        let expected = [
            cell("a", ward, december, 1),
            cell("a", fsa, december, 1),
            cell("b", ward, 2024 * 12, 1),
            cell("b", ward, december, 3),
            cell("b", fsa, 2024 * 12, 1),
            cell("b", fsa, december, 3),
        ];
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    }
}
