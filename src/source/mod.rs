//! Finds the yearly files: in a folder, or written by the built-in demo.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

pub mod demo;

/// A yearly file on the local disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YearFile {
    /// From its name.
    pub year: u16,
    /// ZIP or CSV.
    pub path: PathBuf,
}

/// A folder without usable yearly files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not there, or not a folder.
    #[error("source folder {}: {cause}", .folder.display())]
    Folder {
        /// As given.
        folder: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// Nothing that looks like a yearly file.
    #[error("source folder {} has no yearly file, in it or in its resources/; expected names like SR2024.zip or SR2024.csv", .0.display())]
    Empty(PathBuf),
    /// Two files claim one year.
    #[error("source folder has two files for {year}: {} and {}", .first.display(), .second.display())]
    TwoFiles {
        /// The year in question.
        year: u16,
        /// The one found first.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

/// The yearly files of a folder and of its `resources/`, in the order of the years. Other files are left alone.
pub fn year_files(folder: &Path) -> Result<Vec<YearFile>, Error> {
    let fails = |cause| Error::Folder { folder: folder.to_owned(), cause };
    let mut names = list(folder).map_err(fails)?;
    let resources = folder.join("resources");
    if resources.is_dir() {
        names.extend(list(&resources).map_err(fails)?);
    }
    names.sort();
    let mut years: BTreeMap<u16, PathBuf> = BTreeMap::new();
    for path in names {
        let Some(year) = year_of(&path) else { continue };
        if let Some(first) = years.get(&year) {
            return Err(Error::TwoFiles { year, first: first.clone(), second: path });
        }
        years.insert(year, path);
    }
    if years.is_empty() {
        return Err(Error::Empty(folder.to_owned()));
    }
    Ok(years.into_iter().map(|(year, path)| YearFile { year, path }).collect())
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// The year that a file's name says: `SR2024.zip`, `sr2024.csv`, `sr-2024.zip`.
pub fn year_of(path: &Path) -> Option<u16> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let stem = name.strip_suffix(".zip").or_else(|| name.strip_suffix(".csv"))?;
    let digits = stem.strip_prefix("sr")?.trim_start_matches(['-', '_', ' ']);
    (digits.len() == 4).then(|| digits.parse().ok())?.filter(|year| (2000..3000).contains(year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn yearly_files_are_found_in_the_folder_and_in_its_resources() {
        let folder =
            folder(&["SR2024.zip", "resources/sr2023.csv", "package_show.json", "truth/SR2020.zip", "SR20.zip"]);
        let years: Vec<_> = year_files(folder.path()).unwrap().into_iter().map(|file| file.year).collect();
        assert_eq!(years, [2023, 2024]);
    }

    #[test]
    fn a_folder_that_is_not_usable_is_named_with_the_reason() {
        let message = |folder: &Path| year_files(folder).unwrap_err().to_string();
        assert!(message(Path::new("/nowhere")).contains("/nowhere: No such file"));
        assert!(message(folder(&["readme.xlsx"]).path()).contains("SR2024.zip"));
        assert!(message(folder(&["SR2024.zip", "sr2024.csv"]).path()).contains("two files for 2024"));
    }
}
