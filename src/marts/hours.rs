//! Requests by hour of the week: the mart, and the same in memory.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use arrow_array::types::{Int8Type, Int32Type as ArrowInt32, Int64Type as ArrowInt64};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::data_type::{Int32Type, Int64Type};
use parquet::file::reader::ChunkReader;

use super::build::{Error as BuildError, read};
use super::read::{BATCH_ROWS, Error, Numbered, as_dictionaries, numbers, texts};
use super::{ALL_TYPES, REQUESTS_BY_HOUR};
use crate::clean::cell::{Place, area_codes};
use crate::clean::fields::WEEKDAYS;
use crate::clean::hours::HOURS;
use crate::clean::parquet_file::{Encoder, NONE, ParquetFile};
use crate::domain::{Area, Geography, ParseError, WardModel};

/// Requests in each hour of the week, from Monday at midnight.
pub type Week = [u64; HOURS];

const SCHEMA: &str = "message requests_by_hour {
    required binary request_type (STRING);
    required binary geography (STRING);
    optional binary ward_model (STRING);
    optional binary area (STRING);
    required binary weekday (STRING);
    required int32 hour (INTEGER(8, true));
    required int64 requests;
}";

/// The geography of the rows that are of one type.
const CITY: &str = "city";

/// What a week is of, in the order of the mart: all types in a place, or, without a place, one type in the whole city.
type Subject = (String, Option<Place>);

/// Adds up the partial counts of all files and writes the mart.
pub(super) fn build(partials: impl Iterator<Item = PathBuf>, out: &Path) -> Result<(), BuildError> {
    let mut weeks = BTreeMap::new();
    for path in partials {
        read(&path, |file| {
            let mut batches = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
            batches.try_for_each(|batch| add(&batch?, &mut weeks))
        })?;
    }
    Ok(write(&weeks, &out.join(REQUESTS_BY_HOUR))?)
}

/// Rows of one subject stand together, so it is looked up once for all of them.
fn add(batch: &RecordBatch, weeks: &mut BTreeMap<Subject, Week>) -> Result<(), Error> {
    let request_types = texts(batch, "request_type")?;
    let [places, hours] = ["place", "hour_of_week"].map(|name| numbers::<ArrowInt32>(batch, name));
    let (places, hours) = (places?.values(), hours?.values());
    let requests = numbers::<ArrowInt64>(batch, "requests")?.values();
    let subject_at = |row: usize| (request_types.is_valid(row).then(|| request_types.value(row)), places[row]);
    let mut start = 0;
    while start < batch.num_rows() {
        let of = subject_at(start);
        let end = (start..batch.num_rows()).find(|&row| subject_at(row) != of).unwrap_or(batch.num_rows());
        let week = weeks.entry(subject(of)?).or_insert([0; HOURS]);
        for row in start..end {
            let hour = usize::try_from(hours[row]).ok().and_then(|hour| week.get_mut(hour));
            *hour.ok_or(Error::Column("hour_of_week"))? += requests[row].unsigned_abs();
        }
        start = end;
    }
    Ok(())
}

fn subject((request_type, place): (Option<&str>, i32)) -> Result<Subject, Error> {
    let place = || u16::try_from(place).ok().and_then(Place::new).ok_or(Error::Column("place"));
    match request_type {
        Some(request_type) => Ok((request_type.to_owned(), None)),
        None => Ok((ALL_TYPES.to_owned(), Some(place()?))),
    }
}

fn write(weeks: &BTreeMap<Subject, Week>, path: &Path) -> Result<(), crate::clean::Problem> {
    let subjects: Vec<&Subject> = weeks.keys().collect();
    let of_week = |(number, week): (usize, &Week)| {
        let hours: Vec<_> = week.iter().enumerate().filter(|(_, n)| **n > 0).map(|(h, &n)| (number, h, n)).collect();
        hours
    };
    let rows: Vec<(usize, usize, u64)> = weeks.values().enumerate().flat_map(of_week).collect();
    let places = || rows.iter().map(|&(subject, ..)| subjects[subject].1);
    let request_types: Vec<&str> = subjects.iter().map(|(request_type, _)| request_type.as_str()).collect();
    let geographies = [Geography::ALL.map(Geography::as_str).as_slice(), &[CITY]].concat();
    let models = [WardModel::Wards44, WardModel::Wards25].map(WardModel::as_str);
    let city = Geography::ALL.len() as u32;
    let model = |place: Place| place.ward_model().map(|model| model as u32);
    let (mut file, mut encoder) = (ParquetFile::create(path, SCHEMA)?, Encoder::new()?);
    let mut group = file.row_group(&mut encoder)?;
    group.texts(&request_types, rows.iter().map(|&(subject, ..)| subject as u32))?;
    group.texts(&geographies, places().map(|place| place.map_or(city, |place| place.geography() as u32)))?;
    group.texts(&models, places().map(|place| place.and_then(model).unwrap_or(NONE)))?;
    group.texts(&area_codes(), places().map(|place| place.and_then(Place::area_code).unwrap_or(NONE)))?;
    group.texts(&WEEKDAYS, rows.iter().map(|&(_, hour, _)| hour as u32 / 24))?;
    group.numbers::<Int32Type>(rows.iter().map(|&(_, hour, _)| hour as i32 % 24))?;
    group.numbers::<Int64Type>(rows.iter().map(|&(.., requests)| requests as i64))?;
    group.finish()?;
    file.finish()
}

/// The mart in memory.
#[derive(Debug, Default)]
pub struct Hours {
    of_area: HashMap<(Geography, Option<Area>), Week>,
    of_type: HashMap<String, Week>,
}

impl Hours {
    /// Reads the mart.
    pub fn open(file: impl ChunkReader + 'static) -> Result<Self, Error> {
        let mut hours = Self::default();
        let texts =
            [("request_type", false), ("geography", false), ("ward_model", true), ("area", true), ("weekday", false)];
        let options = as_dictionaries(&texts, &[("hour", DataType::Int8), ("requests", DataType::Int64)]);
        let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
        for batch in reader.with_batch_size(BATCH_ROWS).build()? {
            hours.add(&batch?)?;
        }
        Ok(hours)
    }

    /// Rows of one subject stand together, so it is looked up once for all of them.
    fn add(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let request_types = Numbered::new(batch, "request_type", |text| Ok(text.to_owned()))?;
        let geographies = Numbered::new(batch, "geography", |text| Ok(text.to_owned()))?;
        let models = Numbered::new(batch, "ward_model", str::parse)?;
        let areas = Numbered::new(batch, "area", |text| Ok(text.to_owned()))?;
        let weekdays = Numbered::new(batch, "weekday", weekday)?;
        let hours = numbers::<Int8Type>(batch, "hour")?.values();
        let requests = numbers::<ArrowInt64>(batch, "requests")?.values();
        let subject_at =
            |row| (request_types.number(row), geographies.number(row), models.number(row), areas.number(row));
        let mut start = 0;
        while start < batch.num_rows() {
            let of = subject_at(start);
            let end = (start..batch.num_rows()).find(|&row| subject_at(row) != of).unwrap_or(batch.num_rows());
            let week = match geographies.needed(start)?.as_str() {
                CITY => self.of_type.entry(request_types.needed(start)?.clone()).or_insert([0; HOURS]),
                geography => {
                    let (geography, model) = (geography.parse()?, models.get(start)?.copied());
                    let read = |code: &String| {
                        Area::from_code(geography, model, code).ok_or_else(|| Error::Area(code.clone()))
                    };
                    let area = areas.get(start)?.map(read).transpose()?;
                    self.of_area.entry((geography, area)).or_insert([0; HOURS])
                }
            };
            for row in start..end {
                let hour = usize::try_from(hours[row]).ok().filter(|hour| *hour < 24).ok_or(Error::Column("hour"))?;
                week[weekdays.needed(row)? * 24 + hour] += requests[row].unsigned_abs();
            }
            start = end;
        }
        Ok(())
    }

    /// Requests of all types in an area (`None`: of those without an area in that geography).
    pub fn of_area(&self, geography: Geography, area: Option<Area>) -> Week {
        self.of_area.get(&(geography, area)).copied().unwrap_or([0; HOURS])
    }

    /// Requests of a type in the whole city.
    pub fn of_type(&self, request_type: &str) -> Week {
        self.of_type.get(request_type).copied().unwrap_or([0; HOURS])
    }

    /// All requests.
    pub fn of_city(&self) -> Week {
        let weeks = self.of_area.iter().filter(|((geography, _), _)| *geography == Geography::Ward);
        weeks.fold([0; HOURS], |sum, (_, week)| std::array::from_fn(|hour| sum[hour] + week[hour]))
    }
}

/// Which day of the week, from Monday.
fn weekday(name: &str) -> Result<usize, ParseError> {
    let known = WEEKDAYS.iter().position(|weekday| *weekday == name);
    known.ok_or_else(|| ParseError { value: name.to_owned(), expected: "a day of the week" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clean;
    use crate::domain::{Fsa, Ward};

    const HEADER: &str = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,\
                          Intersection Street 2,Ward,Service Request Type,Division,Section";

    /// Cleans a file of two rows and returns where its partial counts by hour are.
    fn cleaned(folder: &Path, year: u16, rows: [&str; 2]) -> PathBuf {
        let file = folder.join(format!("SR{year}.csv"));
        std::fs::write(&file, [HEADER, rows[0], rows[1], ""].join("\n")).unwrap();
        let out = folder.join(year.to_string());
        std::fs::create_dir(&out).unwrap();
        clean::clean(&file, year, &out).unwrap();
        out.join(clean::HOURS)
    }

    #[test]
    fn hours_of_several_years_are_added_up_by_area_and_by_type() {
        let folder = tempfile::tempdir().unwrap();
        // A Monday at midnight, a Sunday at 23 o'clock; the same hours another year.
        let partials = [
            cleaned(
                folder.path(),
                2024,
                [
                    "2024-01-01 00:59:59.0000000,New,M5V,,,Spadina-Fort York (10),Noise,MLS,Noise",
                    "2024-01-07 23:00:00.0000000,New,Intersection,A,B,Spadina-Fort York (10),Potholes,TS,Roads",
                ],
            ),
            cleaned(
                folder.path(),
                2025,
                [
                    "2025-01-06 00:00:00.0000000,New,M5V,,,Toronto Centre (13),Noise,MLS,Noise",
                    "2025-01-05 23:59:00.0000000,New,M4C,,,Spadina-Fort York (10),Noise,MLS,Noise",
                ],
            ),
        ];
        build(partials.into_iter(), folder.path()).unwrap();
        let hours = Hours::open(std::fs::File::open(folder.path().join(REQUESTS_BY_HOUR)).unwrap()).unwrap();
        let edges = |week: Week| (week[0], week[HOURS - 1], week.iter().sum::<u64>());
        let ward = |number| Ward::new(WardModel::Wards25, number).map(Area::Ward);
        assert_eq!(edges(hours.of_city()), (2, 2, 4));
        assert_eq!(edges(hours.of_area(Geography::Ward, ward(10))), (1, 2, 3));
        assert_eq!(edges(hours.of_area(Geography::Ward, ward(13))), (1, 0, 1));
        assert_eq!(edges(hours.of_area(Geography::Ward, ward(1))), (0, 0, 0));
        assert_eq!(edges(hours.of_area(Geography::Fsa, Fsa::new(b"M5V").map(Area::Fsa))), (2, 0, 2));
        assert_eq!(edges(hours.of_area(Geography::Fsa, None)), (0, 1, 1));
        assert_eq!(edges(hours.of_type("noise")), (2, 1, 3));
        assert_eq!(edges(hours.of_type("potholes")), (0, 1, 1));
    }
}
