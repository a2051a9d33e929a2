//! Finds the one CSV of a yearly file, which comes in a ZIP or plain.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::Problem;

/// The most that a CSV may inflate to, in bytes. A year has 75 MB; more than this is not one.
pub const INFLATED_LIMIT: u64 = 2 << 30;

/// How a ZIP begins: with an entry, or with its end when it has none.
const ZIP_MAGIC: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// Hands the CSV's bytes to `read`. What the file is decides its content and not its name: the City has published a ZIP
/// under a name that ends in `.csv`.
pub fn with_csv<T>(path: &Path, read: impl FnOnce(&mut dyn Read) -> Result<T, Problem>) -> Result<T, Problem> {
    let mut file = File::open(path).map_err(Problem::Open)?;
    if !begins_as_zip(&mut file).map_err(Problem::Open)? {
        return read(&mut Capped { inner: file, left: INFLATED_LIMIT });
    }
    let mut archive = zip::ZipArchive::new(file).map_err(Problem::Zip)?;
    let index = csv_member(&archive)?;
    let member = archive.by_index(index).map_err(Problem::Zip)?;
    read(&mut Capped { inner: member, left: INFLATED_LIMIT })
}

fn begins_as_zip(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(ZIP_MAGIC.contains(&start.as_slice()))
}

/// The index of the only `.csv` in a ZIP. Names are compared, never used as paths.
fn csv_member(archive: &zip::ZipArchive<File>) -> Result<usize, Problem> {
    let is_csv = |name: &str| name.to_ascii_lowercase().ends_with(".csv") && !name.starts_with("__MACOSX/");
    let names = archive.file_names().map(|name| name.map(Cow::into_owned)).collect::<Result<Vec<_>, _>>();
    let names = names.map_err(Problem::Zip)?;
    let csvs: Vec<usize> = (0..names.len()).filter(|&i| is_csv(&names[i])).collect();
    match *csvs {
        // Two members of one name are in the list once.
        [_] if archive.has_duplicate_names() => Err(Problem::SeveralCsvs(2)),
        [only] => Ok(only),
        [] => Err(Problem::NoCsv(names.iter().take(5).map(|name| name.escape_debug().to_string()).collect())),
        _ => Err(Problem::SeveralCsvs(csvs.len())),
    }
}

/// Ends with an error, not silently, when more comes than may.
struct Capped<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::FileTooLarge, format!("holds more than {INFLATED_LIMIT} bytes"))
        })?;
        Ok(n)
    }
}
