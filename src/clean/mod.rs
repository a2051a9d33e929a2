//! A yearly file in, accepted and quarantined rows out.
//!
//! | in | out, in one folder |
//! |--|--|
//! | `SR<year>.zip` or `.csv` | `month=YYYY-MM/requests.parquet`: accepted rows, one file a month |
//! | | `quarantine.parquet`: the other rows, raw, with line number and reason |
//! | | `counts.parquet`, `hours.parquet`, `request_types.parquet`: partial counts, merged into marts |
//! | | `summary.json`: what was read and where it went; written last, so a folder without it is not complete |
//!
//! A look at the first lines tells the ward model; then one pass, line by line, in memory that does not grow with the
//! file. Every row that is not blank is accepted or quarantined, whatever its bytes: `read = accepted + quarantined`. The
//! result depends on the file, its year and this code only.
//!
//! A line is judged in this order: size, NUL, quotes, repeated header, width, date, type, area; the first break found is
//! its reason. Mistakes that are easy to make here: a year's file has rows of that year only, so a date elsewhere is a
//! break and never opens another month; a ward text that the contract does not know is no ward, but the row counts by its
//! FSA; `Intersection` is no FSA and no break either.

mod archive;
pub mod cell;
mod columns;
#[cfg(test)]
mod conservation;
pub mod contract;
pub mod counts;
mod duplicates;
mod era;
pub mod fields;
pub mod hours;
mod hybrid;
pub mod ledger;
mod lines;
pub mod parquet_file;
mod quarantine;
pub mod request_types;
mod requests;
mod row;
mod split;
mod summary;
mod vocabulary;
pub mod wards;

use std::fs;
use std::io::{self, Read};
use std::path::Path;

pub use contract::Reason;
pub use requests::SCHEMA as REQUESTS_SCHEMA;
pub use summary::Summary;

use crate::domain::WardModel;
use columns::Columns;
use duplicates::Duplicates;
use lines::Lines;
use quarantine::Quarantine;
use requests::RequestFiles;
use row::RowReader;

/// Names the code that made a cleaned folder: a hash over the sources of this module, the domain's words and the locked
/// dependencies. Files cleaned by other code are made again.
pub const CODE_VERSION: &str = env!("CLEAN_CODE_VERSION");

/// The file that is written last.
pub const SUMMARY: &str = "summary.json";
/// Partial counts by area, month, type and status.
pub const COUNTS: &str = "counts.parquet";
/// Partial counts by hour of the week.
pub const HOURS: &str = "hours.parquet";
/// Request types with their labels, divisions and sections.
pub const REQUEST_TYPES: &str = "request_types.parquet";
/// Rows that were not accepted.
pub const QUARANTINE: &str = "quarantine.parquet";

/// A file that could not be cleaned; nothing of it may be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct Error {
    /// The file's name.
    pub file: String,
    /// What is wrong.
    #[source]
    pub problem: Problem,
}

impl Error {
    /// Whether the file is at fault, and not this machine or this code.
    pub fn is_of_the_file(&self) -> bool {
        !matches!(self.problem, Problem::Open(_) | Problem::Write(_) | Problem::Parquet(_))
    }
}

/// What can stop a file.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It isn't there or may not be read.
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// The archive's directory or the member's header can't be read.
    #[error("is a truncated or damaged ZIP: {0}")]
    Zip(#[source] zip::result::ZipError),
    /// Holds these members, at most five of them named.
    #[error("is a ZIP without a CSV; it holds {}", if .0.is_empty() { "nothing".to_owned() } else { .0.join(", ") })]
    NoCsv(Vec<String>),
    /// It is not clear which of them is the year.
    #[error("is a ZIP with {0} CSVs, expected one")]
    SeveralCsvs(usize),
    /// Not even a header.
    #[error("is empty, expected a header with the columns of the data contract")]
    Empty,
    /// The contract's columns that the header lacks, and the header.
    #[error("lacks the column {}; its header is {header:?}", .missing.join(", "))]
    MissingColumns {
        /// Names as in the City's files.
        missing: Vec<&'static str>,
        /// The first 200 characters of the first line.
        header: String,
    },
    /// The header is right but for what stands between its names.
    #[error("has {0:?} between its columns, expected a comma")]
    Separator(char),
    /// Something else than request types is in their column.
    #[error("has more than {0} different request types with division and section")]
    TooManyTypes(usize),
    /// Broke off after the header: truncated, checksum wrong, too large.
    #[error("breaks off or is damaged after line {line}: {cause}")]
    Read {
        /// The last line that was read whole.
        line: u64,
        /// What the reader says.
        #[source]
        cause: io::Error,
    },
    /// The output can't be written.
    #[error("cleaned rows cannot be written: {0}")]
    Write(#[source] io::Error),
    /// Parquet could not be written.
    #[error("cleaned rows cannot be written: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

/// Cleans the file of one year into an existing, empty folder.
pub fn clean(path: &Path, year: u16, out: &Path) -> Result<Summary, Error> {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let wards = archive::with_csv(path, |csv| Ok(era::ward_model(csv, year)));
    let cleaned = wards.and_then(|wards| archive::with_csv(path, |csv| clean_csv(csv, &file, year, wards, out)));
    cleaned.map_err(|problem| Error { file, problem })
}

fn clean_csv(csv: &mut dyn Read, file: &str, year: u16, ward_model: WardModel, out: &Path) -> Result<Summary, Problem> {
    let mut lines = Lines::new(csv);
    let columns = read_header(&mut lines)?;
    let mut reader = RowReader::new(&columns, year, ward_model);
    let mut requests = RequestFiles::new(out, year)?;
    let mut quarantine = Quarantine::create(&out.join(QUARANTINE), file)?;
    let mut duplicates = Duplicates::default();
    let mut summary = Summary::new(file, year, &columns);
    while advance(&mut lines)? {
        let judged = reader.read(&lines);
        summary.read += u64::from(judged.is_some());
        match judged {
            Some(Ok(request)) => {
                summary.accept(&request);
                duplicates.see(request.created, lines.line());
                requests.add(&request, reader.vocabulary())?;
            }
            Some(Err(reason)) => {
                summary.quarantine(lines.number(), reason, lines.line());
                quarantine.add(lines.number(), reason, lines.line())?;
            }
            None => summary.blank_lines += 1,
        }
        if reader.vocabulary().is_full() {
            return Err(Problem::TooManyTypes(vocabulary::MOST_KINDS));
        }
    }
    let (counts, hours) = requests.finish(reader.vocabulary())?;
    counts.write(&out.join(COUNTS), reader.vocabulary())?;
    hours.write(&out.join(HOURS), reader.vocabulary())?;
    request_types::write(&out.join(REQUEST_TYPES), reader.vocabulary())?;
    quarantine.finish()?;
    summary.complete(duplicates.surplus, reader.unknown_statuses());
    let json = serde_json::to_vec_pretty(&summary).map_err(|e| Problem::Write(e.into()))?;
    fs::write(out.join(SUMMARY), json).map_err(Problem::Write)?;
    Ok(summary)
}

fn read_header(lines: &mut Lines<&mut dyn Read>) -> Result<Columns, Problem> {
    if !advance(lines)? {
        return Err(Problem::Empty);
    }
    let header = lines.line().strip_prefix(b"\xef\xbb\xbf").unwrap_or(lines.line());
    Columns::read(header).map_err(|missing| match columns::separator(header) {
        Some(separator) => Problem::Separator(separator),
        None => {
            Problem::MissingColumns { missing, header: String::from_utf8_lossy(header).chars().take(200).collect() }
        }
    })
}

fn advance(lines: &mut Lines<&mut dyn Read>) -> Result<bool, Problem> {
    let line = lines.number();
    lines.advance().map_err(|cause| Problem::Read { line, cause })
}
