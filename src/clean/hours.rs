//! Partial counts by hour of the week: of each area over all types, and of each type over the whole city.
//!
//! Not of each type in each area: those are as many cells as by month, for pictures of a handful of requests an hour.

use std::path::Path;

use parquet::data_type::{Int32Type, Int64Type};

use super::Problem;
use super::cell::Place;
use super::parquet_file::{Encoder, NONE, ParquetFile};
use super::vocabulary::Vocabulary;

/// Hours of a week, from Monday at midnight.
pub const HOURS: usize = 7 * 24;

/// Requests in each hour of the week.
pub type Week = [u32; HOURS];

/// A row is of a type or of a place; the other is null or -1.
const SCHEMA: &str = "message partial_hours {
    optional binary request_type (STRING);
    required int32 place;
    required int32 hour_of_week;
    required int64 requests;
}";

/// The counts of one file.
pub struct Hours {
    of_place: Vec<Week>,
    /// By the type's number in the vocabulary.
    of_type: Vec<Week>,
}

impl Default for Hours {
    /// Of a file without rows.
    fn default() -> Self {
        Self { of_place: vec![[0; HOURS]; usize::from(Place::COUNT)], of_type: Vec::new() }
    }
}

impl Hours {
    /// Counts a row of a type, in both geographies.
    pub fn add(&mut self, request_type: u32, places: [Place; 2], hour_of_week: usize) {
        let request_type = request_type as usize;
        if self.of_type.len() <= request_type {
            self.of_type.resize(request_type + 1, [0; HOURS]);
        }
        self.of_type[request_type][hour_of_week] += 1;
        for place in places {
            self.of_place[usize::from(place.number())][hour_of_week] += 1;
        }
    }

    /// Writes the places in order, then the types by id.
    pub fn write(&self, path: &Path, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let ids = vocabulary.type_ids.all();
        let mut by_id: Vec<u32> = (0..self.of_type.len() as u32).collect();
        by_id.sort_unstable_by_key(|&number| &ids[number as usize]);
        let places = (0i32..).zip(&self.of_place).flat_map(|(place, week)| rows(NONE, place, week));
        let types = by_id.iter().flat_map(|&number| rows(number, -1, &self.of_type[number as usize]));
        let rows: Vec<Row> = places.chain(types).collect();
        let (mut file, mut encoder) = (ParquetFile::create(path, SCHEMA)?, Encoder::new()?);
        let mut group = file.row_group(&mut encoder)?;
        group.texts(ids, rows.iter().map(|row| row.request_type))?;
        group.numbers::<Int32Type>(rows.iter().map(|row| row.place))?;
        group.numbers::<Int32Type>(rows.iter().map(|row| row.hour_of_week))?;
        group.numbers::<Int64Type>(rows.iter().map(|row| row.requests))?;
        group.finish()?;
        file.finish()
    }
}

struct Row {
    request_type: u32,
    place: i32,
    hour_of_week: i32,
    requests: i64,
}

/// Those of a week that are not zero.
fn rows(request_type: u32, place: i32, week: &Week) -> impl Iterator<Item = Row> {
    let hours = (0i32..).zip(week).filter(|(_, requests)| **requests > 0);
    hours.map(move |(hour_of_week, &requests)| Row { request_type, place, hour_of_week, requests: requests.into() })
}
