//! Yearly files in a folder.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::{Downloaded, Error, Listing, Resource};

/// The yearly files of a folder and of its `resources/`. Other files are left alone.
pub(super) fn list(folder: &Path) -> Result<Listing, Error> {
    let fails = |cause: io::Error| Error(format!("source folder {}: {cause}", folder.display()));
    let mut paths = paths_in(folder).map_err(fails)?;
    let resources = folder.join("resources");
    if resources.is_dir() {
        paths.extend(paths_in(&resources).map_err(fails)?);
    }
    paths.sort();
    let mut listing = Listing::default();
    for path in paths {
        let Some(year) = year_of(&path) else { continue };
        let found = Resource { name: format!("SR{year}"), location: path.to_string_lossy().into_owned() };
        let entry = match listing.years.remove(&year) {
            None => Ok(found),
            Some(Ok(first)) => Err(Error(format!(
                "SR{year}: the source folder has two files for {year}, {} and {}; remove one",
                first.location, found.location
            ))),
            Some(Err(error)) => Err(error),
        };
        listing.years.insert(year, entry);
    }
    if listing.years.is_empty() {
        return Err(Error(format!(
            "source folder {} has no yearly file, in it or in its resources/; expected names like SR2024.zip or \
             SR2024.csv",
            folder.display()
        )));
    }
    Ok(listing)
}

fn paths_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

/// The year that a file's name says: `SR2024.zip`, `sr2024.csv`, `sr-2024.zip`, `311-service-requests-2018.zip`.
pub fn year_of(path: &Path) -> Option<u16> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let stem = name.strip_suffix(".zip").or_else(|| name.strip_suffix(".csv"))?;
    let rest = stem.strip_prefix("sr").or_else(|| stem.strip_prefix("311-service-requests"))?;
    let digits = rest.trim_start_matches(['-', '_', ' ']);
    (digits.len() == 4).then(|| digits.parse().ok())?.filter(|year| (2000..3000).contains(year))
}

/// A copy of our own: what is hashed, kept and cleaned is the same even if someone writes to the source meanwhile.
pub(super) fn copy(resource: &Resource, to: &Path, progress: &dyn Fn(u64)) -> Result<Downloaded, Error> {
    let fails = |cause: io::Error| Error(format!("{}: {}: {cause}", resource.name, resource.location));
    let mut from = File::open(&resource.location).map_err(fails)?;
    let mut to = File::create(to).map_err(fails)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let n = from.read(&mut chunk).map_err(fails)?;
        if n == 0 {
            break;
        }
        hash.update(&chunk[..n]);
        to.write_all(&chunk[..n]).map_err(fails)?;
        bytes += n as u64;
        progress(n as u64);
    }
    Ok(Downloaded { bytes, sha256: super::http::hex(hash), validator: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn yearly_files_are_found_in_the_folder_and_in_its_resources() {
        let folder =
            folder(&["SR2024.zip", "resources/sr2023.csv", "package_show.json", "truth/SR2020.zip", "SR20.zip"]);
        let years: Vec<_> = list(folder.path()).unwrap().years.into_keys().collect();
        assert_eq!(years, [2023, 2024]);
    }

    #[test]
    fn a_folder_that_is_not_usable_is_named_with_the_reason() {
        let message = |folder: &Path| list(folder).unwrap_err().to_string();
        assert!(message(Path::new("/nowhere")).contains("/nowhere: No such file"));
        assert!(message(folder(&["readme.xlsx"]).path()).contains("SR2024.zip"));
    }

    #[test]
    fn two_files_for_a_year_leave_that_year_alone() {
        let folder = folder(&["SR2024.zip", "sr2024.csv", "SR2023.zip"]);
        let years = list(folder.path()).unwrap().years;
        assert!(years[&2023].is_ok());
        assert!(years[&2024].as_ref().unwrap_err().to_string().contains("two files for 2024"));
    }
}
