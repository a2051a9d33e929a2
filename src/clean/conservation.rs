//! What holds whatever a file's bytes are: every row ends in exactly one place, in the account and in what is written.
//! The fuzz targets use this too.

use std::fs::{self, File};
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Row, RowAccessor};

use crate::clean::cell::Place;
use crate::clean::{self, Error, Summary};
use crate::domain::Geography;

/// The header of the City's files.
pub const HEADER: &[u8] = b"Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,\
    Intersection Street 2,Ward,Service Request Type,Division,Section";

/// Cleans a file of 2024. It must be refused with a sentence or conserved; anything else panics.
pub fn check(name: &str, file: &[u8]) -> Result<Summary, Error> {
    // In memory where the system offers it: on a disk, thousands of small folders take most of the time.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let (path, out) = (folder.path().join(name), folder.path().join("out"));
    fs::write(&path, file).unwrap();
    fs::create_dir(&out).unwrap();
    let cleaned = clean::clean(&path, 2024, &out);
    match &cleaned {
        Ok(summary) => assert_conserved(summary, &out),
        Err(error) => {
            assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}");
            assert!(!out.join(clean::SUMMARY).exists(), "what was not read to its end looks complete");
        }
    }
    if let Some(body) = file.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix(b"\n")) {
        let summary = cleaned.as_ref().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((summary.read, summary.blank_lines), lines(body), "rows and blank lines");
    }
    cleaned
}

/// Rows and blank lines, as any editor shows them.
fn lines(body: &[u8]) -> (u64, u64) {
    let lines: Vec<_> = body.strip_suffix(b"\n").unwrap_or(body).split(|byte| *byte == b'\n').collect();
    let lines = if body.is_empty() { &[] } else { &lines[..] };
    let blank = lines.iter().filter(|line| line.len() <= 8192 && line.trim_ascii().is_empty()).count();
    ((lines.len() - blank) as u64, blank as u64)
}

fn assert_conserved(summary: &Summary, out: &Path) {
    assert_eq!(summary.read, summary.accepted + summary.quarantined());
    assert_eq!(summary.accepted, summary.months.values().sum::<u64>());
    assert!(summary.repaired <= summary.accepted && summary.duplicates <= summary.accepted);
    for (month, accepted) in &summary.months {
        let file = out.join(format!("month={month}/requests.parquet"));
        assert_eq!(row_count(&file), *accepted, "{month}");
    }
    let months = fs::read_dir(out).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(months, summary.months.len(), "months with a file");
    assert_eq!(row_count(&out.join(clean::QUARANTINE)), summary.quarantined());
    let (mut by_ward, mut by_fsa) = (0, 0);
    for row in rows(&out.join(clean::COUNTS)) {
        let place = Place::new(row.get_int(1).unwrap() as u16).unwrap();
        let of_geography = if place.geography() == Geography::Ward { &mut by_ward } else { &mut by_fsa };
        *of_geography += row.get_long(4).unwrap() as u64;
    }
    let by_hour: i64 = rows(&out.join(clean::HOURS)).map(|row| row.get_long(3).unwrap()).sum();
    assert_eq!(by_hour as u64, 3 * summary.accepted, "by the hours of wards, FSAs and types");
    let by_type: i64 = rows(&out.join(clean::REQUEST_TYPES)).map(|row| row.get_long(6).unwrap()).sum();
    assert_eq!((by_ward, by_fsa, by_type as u64), (summary.accepted, summary.accepted, summary.accepted));
}

fn open(path: &Path) -> SerializedFileReader<File> {
    SerializedFileReader::new(File::open(path).unwrap()).unwrap()
}

fn row_count(path: &Path) -> u64 {
    open(path).metadata().file_metadata().num_rows() as u64
}

/// The rows of a Parquet file, read without Arrow.
fn rows(path: &Path) -> impl Iterator<Item = Row> {
    open(path).into_iter().map(Result::unwrap)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{Index, select};
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

    use super::*;

    /// Lines of all eras, of one month: a file is written for each.
    const GOOD: &[u8] = b"\"2024-01-02 00:38:26.0000000\",\"Closed\",\"M1K\",\"\",\"\",\"York Centre (06)\",\"Noise\",\"MLS\",\"District\"
2024-01-02 07:08:09.0000000,In-progress,Intersection,Leslie St,Finch Ave E,Don Valley North (17),Tree  Pruning,Parks, Forestry & Recreation,Forestry
2024-01-02 07:08:09.0000000,In-progress,Intersection,Leslie St,Finch Ave E,Don Valley North (17),Tree  Pruning,Parks, Forestry & Recreation,Forestry

2024-01-28 23:59:59,New,m4c,,,Unknown,Caf\xe9TO,Solid Waste Management Services,Transfer, Disposal & Operations\r
2024-01-31 23:59:59.0000000,Unknown,Intersection,O\x92Connor Dr,,Unknown,Noise|| Loud,Environment, Climate & Forestry,Forestry
";

    #[derive(Debug, Clone)]
    enum Mutation {
        Flip(Index, u8),
        Insert(Index, &'static [u8]),
        Delete(Index, usize),
        Duplicate(Index, usize),
        Cut(Index),
    }

    impl Mutation {
        fn any() -> impl Strategy<Value = Self> {
            let at = any::<Index>;
            let tokens: [&[u8]; 12] = [
                b"\"",
                b",",
                b"\n",
                b"\r",
                b"\r\n",
                b"\0",
                b"\xef\xbb\xbf",
                b"\xff",
                b" ",
                b"||",
                HEADER,
                &[b' '; 9000],
            ];
            prop_oneof![
                4 => (at(), any::<u8>()).prop_map(|(at, bits)| Self::Flip(at, bits)),
                4 => (at(), select(tokens.to_vec())).prop_map(|(at, token)| Self::Insert(at, token)),
                2 => (at(), 1..40usize).prop_map(|(at, length)| Self::Delete(at, length)),
                2 => (at(), 1..400usize).prop_map(|(at, length)| Self::Duplicate(at, length)),
                1 => at().prop_map(Self::Cut),
            ]
        }

        fn of(self, bytes: &mut Vec<u8>) {
            let index = |at: Index| at.index(bytes.len() + 1);
            let end = |from: usize, length: usize| (from + length).min(bytes.len());
            match self {
                Self::Flip(at, bits) => {
                    let at = index(at);
                    bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= bits);
                }
                Self::Insert(at, token) => drop(bytes.splice(index(at)..index(at), token.iter().copied())),
                Self::Delete(at, length) => drop(bytes.drain(index(at)..end(index(at), length))),
                Self::Duplicate(at, length) => {
                    let piece = bytes[index(at)..end(index(at), length)].to_vec();
                    drop(bytes.splice(index(at)..index(at), piece));
                }
                Self::Cut(at) => bytes.truncate(index(at)),
            }
        }
    }

    /// Shown as text when a test fails.
    struct Bytes(Vec<u8>);

    impl std::fmt::Debug for Bytes {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "b\"{}\"", self.0.escape_ascii())
        }
    }

    /// The same cases on every run.
    fn holds<S: Strategy>(cases: u32, of: S, test: impl Fn(S::Value)) {
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let tested = runner.run(&of, |value| {
            test(value);
            Ok(())
        });
        tested.unwrap_or_else(|found| panic!("{found}"));
    }

    fn mutated(original: &[u8]) -> impl Strategy<Value = Bytes> {
        vec(Mutation::any(), 1..6).prop_map(|mutations| {
            let mut bytes = original.to_vec();
            mutations.into_iter().for_each(|mutation| mutation.of(&mut bytes));
            Bytes(bytes)
        })
    }

    fn below_header(body: &[u8]) -> Vec<u8> {
        [HEADER, b"\n", body].concat()
    }

    #[test]
    fn the_lines_to_mutate_are_good() {
        let summary = check("SR2024.csv", &below_header(GOOD)).unwrap();
        assert_eq!((summary.read, summary.accepted, summary.repaired, summary.duplicates), (5, 4, 3, 1));
    }

    #[test]
    fn rows_of_any_bytes_are_conserved() {
        holds(500, vec(any::<u8>(), 0..2000), |body| drop(check("SR2024.csv", &below_header(&body)).unwrap()));
    }

    #[test]
    fn ten_thousand_mutated_files_are_conserved() {
        holds(10_000, mutated(GOOD), |Bytes(body)| drop(check("SR2024.csv", &below_header(&body)).unwrap()));
    }

    #[test]
    fn files_with_a_mutated_header_are_refused_or_conserved() {
        holds(500, mutated(HEADER), |Bytes(header)| drop(check("SR2024.csv", &[&header[..], b"\n", GOOD].concat())));
    }

    #[test]
    fn mutated_zips_are_refused_or_conserved() {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file("SR2024.csv", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&below_header(GOOD)).unwrap();
        let zip = zip.finish().unwrap().into_inner();
        assert_eq!(check("SR2024.zip", &zip).unwrap().read, 5);
        holds(2000, mutated(&zip), |Bytes(file)| drop(check("SR2024.zip", &file)));
    }
}
