//! The request types of a file or of a release: how each is called, who is in charge of it, when and how often it occurs.

use std::path::Path;

use parquet::data_type::Int64Type;

use super::Problem;
use super::parquet_file::{Encoder, ParquetFile};
use super::vocabulary::{Texts, Vocabulary};
use crate::domain::Month;

const SCHEMA: &str = "message request_types {
    required binary request_type (STRING);
    required binary label (STRING);
    required binary division (STRING);
    required binary section (STRING);
    required binary first_month (STRING);
    required binary last_month (STRING);
    required int64 requests;
}";

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
pub(super) fn write(path: &Path, vocabulary: &Vocabulary) -> Result<(), Problem> {
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

/// Writes rows as they come.
pub fn write_type_uses(path: &Path, uses: impl Iterator<Item = TypeUse>) -> Result<(), Problem> {
    let mut texts: [Texts; 6] = Default::default();
    let mut columns: [Vec<u32>; 6] = Default::default();
    let mut requests = Vec::new();
    for used in uses {
        let months = [used.first_month.to_string(), used.last_month.to_string()];
        let values = [&used.request_type, &used.label, &used.division, &used.section, &months[0], &months[1]];
        for ((column, texts), value) in columns.iter_mut().zip(&mut texts).zip(values) {
            column.push(texts.id(value));
        }
        requests.push(used.requests);
    }
    let (mut file, mut encoder) = (ParquetFile::create(path, SCHEMA)?, Encoder::new()?);
    let mut group = file.row_group(&mut encoder)?;
    for (column, texts) in columns.into_iter().zip(&texts) {
        group.texts(texts.all(), column.into_iter())?;
    }
    group.numbers::<Int64Type>(requests.into_iter())?;
    group.finish()?;
    file.finish()
}
