//! Accepted rows as Parquet, one file a month.
//!
//! Columns that repeat are written from numbers into a list of their values, so a row costs a few integers until the
//! file is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, Int8Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use jiff::tz::TimeZone;

use super::Problem;
use super::counts::dictionary;
use super::fields::Season;
use super::parquet_file::ParquetFile;
use super::row::Request;
use super::vocabulary::{Texts, Vocabulary};
use crate::domain::{Month, Status, WardModel};

/// Rows held for a month before they are handed to the Parquet writer.
const BATCH: usize = 8192;

/// Encoded rows of all months held until a row group is written: a busy month.
const ROWS_HELD: usize = 48 * 1024;

/// Bytes of street names held for a month, should they be longer than any street's.
const STREET_BYTES: usize = 1 << 20;

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Columns that are numbers into a list, in the order of [`schema`] between `creation_date` and the streets.
const CODED: [(&str, bool); 7] = [
    ("month", false),
    ("season", false),
    ("weekday", false),
    ("status", false),
    ("ward_model", true),
    ("ward", true),
    ("fsa", true),
];

/// The four columns of [`super::vocabulary::Kind`].
const KIND: [&str; 4] = ["request_type", "request_type_label", "division", "section"];

fn schema() -> Schema {
    let text = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let mut fields = vec![
        Field::new("creation_date", DataType::Timestamp(TimeUnit::Microsecond, None), false),
        Field::new("hour", DataType::Int8, false),
    ];
    fields.extend(CODED.map(|(name, nullable)| Field::new(name, text(), nullable)));
    fields.extend(["intersection_street_1", "intersection_street_2"].map(|n| Field::new(n, DataType::Utf8, true)));
    fields.extend(KIND.map(|name| Field::new(name, text(), false)));
    Schema::new(fields)
}

/// The files of one year.
pub struct RequestFiles {
    folder: PathBuf,
    values: [ArrayRef; CODED.len()],
    texts: KindTexts,
    months: [Option<MonthFile>; 12],
}

impl RequestFiles {
    /// Files are created when their month has its first row.
    pub fn new(folder: &Path, year: u16) -> Self {
        let months: Vec<_> = (1..=12).filter_map(|month| Month::new(year, month)).map(|m| m.to_string()).collect();
        let wards = (1..=WardModel::Wards44.count()).map(|number| format!("{number:02}")).collect();
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let values = [
            months,
            words(&Season::ALL.map(Season::as_str)),
            words(&WEEKDAYS),
            words(&Status::ALL.map(Status::as_str)),
            words(&[WardModel::Wards44.as_str(), WardModel::Wards25.as_str()]),
            wards,
            fsa_values(),
        ];
        Self {
            folder: folder.to_owned(),
            values: values.map(strings),
            texts: KindTexts::default(),
            months: Default::default(),
        }
    }

    /// Takes an accepted row.
    pub fn add(&mut self, request: &Request<'_>, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let slot = &mut self.months[usize::from(request.month.month() - 1)];
        let file = match slot {
            Some(file) => file,
            None => slot.insert(MonthFile::create(&self.folder, request.month)?),
        };
        file.push(request);
        if file.is_full() {
            file.flush(&self.values, &self.texts.of(vocabulary))?;
            self.end_a_row_group()?;
        }
        Ok(())
    }

    /// Keeps few rows in memory over all months: where there are too many, those of the month with the most are written.
    /// In a file ordered by time, that is a whole month.
    fn end_a_row_group(&mut self) -> Result<(), Problem> {
        let open = self.months.iter_mut().flatten();
        if open.map(|file| file.parquet.rows_held()).sum::<usize>() <= ROWS_HELD {
            return Ok(());
        }
        let most = self.months.iter_mut().flatten().max_by_key(|file| file.parquet.rows_held());
        most.map_or(Ok(()), |file| file.parquet.end_row_group())
    }

    /// Writes what is held and completes every file.
    pub fn finish(mut self, vocabulary: &Vocabulary) -> Result<(), Problem> {
        let texts = self.texts.of(vocabulary);
        for mut file in self.months.into_iter().flatten() {
            file.flush(&self.values, &texts)?;
            file.parquet.finish()?;
        }
        Ok(())
    }
}

struct MonthFile {
    parquet: ParquetFile,
    created: Vec<i64>,
    hour: Vec<i8>,
    coded: [Vec<Option<i32>>; CODED.len()],
    street_1: StringBuilder,
    street_2: StringBuilder,
    kind: [Vec<i32>; KIND.len()],
}

impl MonthFile {
    fn create(folder: &Path, month: Month) -> Result<Self, Problem> {
        let folder = folder.join(format!("month={month}"));
        std::fs::create_dir_all(&folder).map_err(Problem::Write)?;
        Ok(Self {
            parquet: ParquetFile::create(&folder.join("requests.parquet"), schema())?,
            created: Vec::with_capacity(BATCH),
            hour: Vec::with_capacity(BATCH),
            coded: Default::default(),
            street_1: StringBuilder::new(),
            street_2: StringBuilder::new(),
            kind: Default::default(),
        })
    }

    fn push(&mut self, request: &Request<'_>) {
        // Civil time is stored as if it were UTC, which is what a timestamp without a zone means in Parquet.
        self.created.push(TimeZone::UTC.to_timestamp(request.created).map_or(0, |t| t.as_microsecond()));
        self.hour.push(request.created.hour());
        let weekday = i32::from(request.created.weekday().to_monday_zero_offset());
        let codes = [
            Some(i32::from(request.month.month()) - 1),
            Some(Season::of(request.month) as i32),
            Some(weekday),
            Some(request.status as i32),
            request.ward.map(|ward| ward.model() as i32),
            request.ward.map(|ward| i32::from(ward.number()) - 1),
            request.fsa.map(|fsa| i32::from(fsa.index())),
        ];
        for (column, code) in self.coded.iter_mut().zip(codes) {
            column.push(code);
        }
        self.street_1.append_option(Some(&request.street_1).filter(|street| !street.is_empty()));
        self.street_2.append_option(Some(&request.street_2).filter(|street| !street.is_empty()));
        let kind = request.kind;
        for (column, code) in self.kind.iter_mut().zip([kind.request_type, kind.label, kind.division, kind.section]) {
            column.push(code as i32);
        }
    }

    fn is_full(&self) -> bool {
        let streets = self.street_1.values_slice().len() + self.street_2.values_slice().len();
        self.created.len() == BATCH || streets > STREET_BYTES
    }

    fn flush(&mut self, values: &[ArrayRef; CODED.len()], texts: &[ArrayRef; KIND.len()]) -> Result<(), Problem> {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(TimestampMicrosecondArray::from(std::mem::take(&mut self.created))),
            Arc::new(Int8Array::from(std::mem::take(&mut self.hour))),
        ];
        for (codes, values) in self.coded.iter_mut().zip(values) {
            columns.push(dictionary(Int32Array::from(std::mem::take(codes)), values.clone())?);
        }
        columns.push(Arc::new(self.street_1.finish()));
        columns.push(Arc::new(self.street_2.finish()));
        for (codes, texts) in self.kind.iter_mut().zip(texts) {
            columns.push(dictionary(Int32Array::from(std::mem::take(codes)), texts.clone())?);
        }
        let batch = RecordBatch::try_new(self.parquet.schema(), columns)?;
        self.parquet.write(&batch)
    }
}

fn strings(values: Vec<String>) -> ArrayRef {
    Arc::new(StringArray::from(values))
}

/// The texts of the four columns of a kind, copied only when there are new ones.
#[derive(Default)]
struct KindTexts(Option<[ArrayRef; KIND.len()]>);

impl KindTexts {
    fn of(&mut self, vocabulary: &Vocabulary) -> [ArrayRef; KIND.len()] {
        let all =
            [&vocabulary.type_ids, &vocabulary.labels, &vocabulary.divisions, &vocabulary.sections].map(Texts::all);
        let known =
            self.0.take().filter(|known| known.iter().zip(all).all(|(array, texts)| array.len() == texts.len()));
        let copy = |texts: &[String]| Arc::new(StringArray::from_iter_values(texts)) as ArrayRef;
        self.0.insert(known.unwrap_or_else(|| all.map(copy))).clone()
    }
}

fn fsa_values() -> Vec<String> {
    ('0'..='9').flat_map(|digit| ('A'..='Z').map(move |letter| format!("M{digit}{letter}"))).collect()
}
