//! Accepted rows: as Parquet, one file a month, and counted.
//!
//! Until a row group is written, a row is a few numbers, most of them into a list of texts.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use parquet::data_type::{Int32Type, Int64Type};

use super::Problem;
use super::cell::{Place, area_codes};
use super::counts::{Counted, Counts};
use super::fields::{Season, WEEKDAYS};
use super::hours::Hours;
use super::parquet_file::{Encoder, NONE, ParquetFile, ROWS_PER_GROUP};
use super::row::Request;
use super::vocabulary::{Kind, Texts, Vocabulary};
use crate::domain::{Month, Status, WardModel};

/// Rows of all months held until a row group is written: a busy month.
const ROWS_HELD: usize = ROWS_PER_GROUP;

/// Bytes of street names held, should they be longer than any street's.
const STREET_BYTES: usize = 4 << 20;

/// The columns of accepted rows, in the language of Parquet.
pub const SCHEMA: &str = "message requests {
    required int64 creation_date (TIMESTAMP(MICROS, false));
    required int32 hour (INTEGER(8, true));
    required binary month (STRING);
    required binary season (STRING);
    required binary weekday (STRING);
    required binary status (STRING);
    optional binary ward_model (STRING);
    optional binary ward (STRING);
    optional binary fsa (STRING);
    optional binary intersection_street_1 (STRING);
    optional binary intersection_street_2 (STRING);
    required binary request_type (STRING);
    required binary request_type_label (STRING);
    required binary division (STRING);
    required binary section (STRING);
}";

/// The files of one year.
pub struct RequestFiles {
    folder: PathBuf,
    months: [Option<MonthFile>; 12],
    rows_held: usize,
    streets: Texts,
    area_codes: Vec<String>,
    encoder: Encoder,
    counts: Counts,
    hours: Hours,
}

struct MonthFile {
    month: Month,
    parquet: ParquetFile,
    rows: Vec<Row>,
}

/// A row of a known month.
struct Row {
    /// Civil time in microseconds, as if it were UTC, which is what a timestamp without a zone means in Parquet.
    created: i64,
    /// Into the vocabulary.
    kind: u32,
    /// Into the names met.
    streets: [u32; 2],
    ward: Place,
    fsa: Place,
    status: Status,
}

impl RequestFiles {
    /// Files are created when their month has its first row.
    pub fn new(folder: &Path, year: u16) -> Result<Self, Problem> {
        Ok(Self {
            folder: folder.to_owned(),
            months: Default::default(),
            rows_held: 0,
            streets: Texts::default(),
            area_codes: area_codes(),
            encoder: Encoder::new()?,
            counts: Counts::new(year),
            hours: Hours::default(),
        })
    }

    /// Takes an accepted row.
    pub fn add(&mut self, request: &Request<'_>, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let row = Row {
            created: TimeZone::UTC.to_timestamp(request.created).map_or(0, |t| t.as_microsecond()),
            kind: request.kind,
            streets: [&request.street_1, &request.street_2].map(|street| self.street(street)),
            ward: Place::of_ward(request.ward),
            fsa: Place::of_fsa(request.fsa),
            status: request.status,
        };
        let slot = &mut self.months[usize::from(request.month.month() - 1)];
        let file = match slot {
            Some(file) => file,
            None => slot.insert(MonthFile::create(&self.folder, request.month)?),
        };
        file.rows.push(row);
        self.rows_held += 1;
        if self.streets.bytes() > STREET_BYTES {
            return self.write_all(vocabulary);
        }
        if self.rows_held >= ROWS_HELD { self.write_largest(vocabulary) } else { Ok(()) }
    }

    fn street(&mut self, name: &str) -> u32 {
        if name.is_empty() { NONE } else { self.streets.id(name) }
    }

    /// In a file ordered by time, this is a whole month.
    fn write_largest(&mut self, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let rows = |at: &usize| self.months[*at].as_ref().map_or(0, |file| file.rows.len());
        let most = (0..self.months.len()).max_by_key(rows).unwrap_or_default();
        self.write(most, vocabulary)
    }

    /// After this, no row needs a street's number any more.
    fn write_all(&mut self, vocabulary: &Vocabulary) -> Result<(), Problem> {
        (0..self.months.len()).try_for_each(|at| self.write(at, vocabulary))?;
        self.streets = Texts::default();
        Ok(())
    }

    fn write(&mut self, at: usize, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let Some(file) = self.months[at].as_mut().filter(|file| !file.rows.is_empty()) else { return Ok(()) };
        self.counts.add(file.month, file.rows.iter().map(|row| row.counted(vocabulary)));
        for row in &file.rows {
            self.hours.add(row.counted(vocabulary).request_type, [row.ward, row.fsa], row.hour_of_week());
        }
        file.write(&self.streets, &self.area_codes, vocabulary, &mut self.encoder)?;
        // Freed, not kept: in a file ordered by time, a month that was written has hardly a row to come.
        self.rows_held -= std::mem::take(&mut file.rows).len();
        Ok(())
    }

    /// Writes what is held, completes every file, and returns the counts.
    pub fn finish(mut self, vocabulary: &Vocabulary) -> Result<(Counts, Hours), Problem> {
        self.write_all(vocabulary)?;
        self.months.into_iter().flatten().try_for_each(|file| file.parquet.finish())?;
        Ok((self.counts, self.hours))
    }
}

impl MonthFile {
    fn create(folder: &Path, month: Month) -> Result<Self, Problem> {
        let folder = folder.join(format!("month={month}"));
        std::fs::create_dir_all(&folder).map_err(Problem::Write)?;
        let parquet = ParquetFile::create(&folder.join("requests.parquet"), SCHEMA)?;
        Ok(Self { month, parquet, rows: Vec::new() })
    }

    fn write(
        &mut self,
        streets: &Texts,
        area_codes: &[String],
        vocabulary: &Vocabulary,
        encoder: &mut Encoder,
    ) -> Result<(), Problem> {
        let rows = self.rows.iter();
        let kinds = |of: fn(Kind) -> u32| self.rows.iter().map(move |row| of(vocabulary.get(row.kind)));
        let always = || std::iter::repeat_n(0, self.rows.len());
        let models = [WardModel::Wards44, WardModel::Wards25].map(WardModel::as_str);
        let mut group = self.parquet.row_group(encoder)?;
        group.numbers::<Int64Type>(rows.clone().map(|row| row.created))?;
        group.numbers::<Int32Type>(rows.clone().map(Row::hour))?;
        group.texts(&[self.month.to_string()], always())?;
        group.texts(&[Season::of(self.month).as_str()], always())?;
        group.texts(&WEEKDAYS, rows.clone().map(Row::weekday))?;
        group.texts(&Status::ALL.map(Status::as_str), rows.clone().map(|row| row.status as u32))?;
        group.texts(&models, rows.clone().map(|row| row.ward.ward_model().map_or(NONE, |model| model as u32)))?;
        group.texts(area_codes, rows.clone().map(|row| row.ward.area_code().unwrap_or(NONE)))?;
        group.texts(area_codes, rows.clone().map(|row| row.fsa.area_code().unwrap_or(NONE)))?;
        group.texts(streets.all(), rows.clone().map(|row| row.streets[0]))?;
        group.texts(streets.all(), rows.clone().map(|row| row.streets[1]))?;
        group.texts(vocabulary.type_ids.all(), kinds(|kind| kind.request_type))?;
        group.texts(vocabulary.labels.all(), kinds(|kind| kind.label))?;
        group.texts(vocabulary.divisions.all(), kinds(|kind| kind.division))?;
        group.texts(vocabulary.sections.all(), kinds(|kind| kind.section))?;
        group.finish()
    }
}

const HOUR: i64 = 3600 * 1_000_000;
const DAY: i64 = 24 * HOUR;

impl Row {
    fn hour(&self) -> i32 {
        (self.created.rem_euclid(DAY) / HOUR) as i32
    }

    /// From Monday; 1970 began on a Thursday.
    fn weekday(&self) -> u32 {
        (self.created.div_euclid(DAY) + 3).rem_euclid(7) as u32
    }

    fn hour_of_week(&self) -> usize {
        self.weekday() as usize * 24 + self.hour() as usize
    }

    fn counted(&self, vocabulary: &Vocabulary) -> Counted {
        let request_type = vocabulary.get(self.kind).request_type;
        Counted { request_type, ward: self.ward, fsa: self.fsa, status: self.status }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;

    use super::*;

    #[test]
    fn hour_and_weekday_follow_from_the_microseconds() {
        for text in ["1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "2024-02-29T13:00:00", "0003-01-01T05:06:07"]
        {
            let created: DateTime = text.parse().unwrap();
            let row = Row {
                created: TimeZone::UTC.to_timestamp(created).unwrap().as_microsecond(),
                kind: 0,
                streets: [NONE; 2],
                ward: Place::of_ward(None),
                fsa: Place::of_fsa(None),
                status: Status::New,
            };
            let weekday = created.weekday().to_monday_zero_offset();
            assert_eq!((row.hour(), row.weekday()), (i32::from(created.hour()), weekday as u32), "{text}");
        }
    }
}
