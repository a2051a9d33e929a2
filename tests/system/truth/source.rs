//! Sources with their ground truth, written by code that shares nothing with ours.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub fn shared(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path)
}

/// A folder with yearly files and what was meant by their lines.
pub struct Source(tempfile::TempDir);

impl Source {
    /// Look-alikes of the City's files: all years at full size, unless the arguments say otherwise.
    pub fn published(arguments: &[&str]) -> Self {
        Self::written_by("source-standin/publish.py", arguments)
    }

    /// The recovered real forestry rows.
    pub fn forestry() -> Self {
        Self::written_by("source-standin/real_forestry.py", &[])
    }

    fn written_by(script: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("python3");
        command.arg(shared(script)).arg(folder.path()).args(arguments).stdout(Stdio::null());
        assert!(command.status().unwrap().success());
        Self(folder)
    }

    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Hands over the rows of a file of the truth; none when there is no such file.
    pub fn each_of(&self, name: &str, mut take: impl FnMut(&csv::StringRecord)) {
        let Ok(file) = File::open(self.folder().join("truth").join(name)) else { return };
        let text: Box<dyn std::io::Read> =
            if name.ends_with(".gz") { Box::new(flate2::read::GzDecoder::new(file)) } else { Box::new(file) };
        let mut reader = csv::Reader::from_reader(text);
        let mut row = csv::StringRecord::new();
        while reader.read_record(&mut row).unwrap() {
            take(&row);
        }
    }

    /// The rows of a small file of the truth, by the names of its columns.
    pub fn rows_of(&self, name: &str) -> Vec<std::collections::BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.folder().join("truth").join(name)).unwrap();
        reader.deserialize().collect::<Result<_, _>>().unwrap()
    }
}

/// What the contract makes of a line with one thing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Accepted as meant, in the geographies that it has.
    Kept,
    /// Quarantined for this reason.
    Aside(&'static str),
    /// Quarantined as `date_outside_file` or `future_date`, whichever side of the file's year it is on.
    OtherYear,
    /// Counted as a blank line.
    Blank,
}

impl Fate {
    pub fn of(category: &str) -> Self {
        match category {
            "ward_blank" | "ward_unlisted" | "ward_spelling" | "fsa_blank" | "fsa_other_city" | "fsa_lower"
            | "fsa_padded" | "type_spaced" | "status_new" | "wrong_encoding" | "cp1252_byte" => Self::Kept,
            "date_other_year" | "date_future" => Self::OtherYear,
            "date_unparseable" | "date_us" => Self::Aside("bad_date"),
            "type_blank" => Self::Aside("bad_type"),
            "short_line" | "long_line" | "comma_elsewhere" => Self::Aside("bad_width"),
            "quote_open" => Self::Aside("bad_quote"),
            "header_again" => Self::Aside("repeated_header"),
            "nul_byte" => Self::Aside("bad_encoding"),
            "huge_line" => Self::Aside("oversized"),
            "blank_line" => Self::Blank,
            _ => panic!("the contract says nothing of {category}"),
        }
    }
}
