//! Brings the sources from their publishers: the City's portal says where its wards are, Statistics Canada's address is
//! known. Both are asked by the client that fetches the requests, with its caps, its tries and its list of hosts, which
//! is longer by one here and nowhere else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Error;
use crate::source::{Patience, Resource, Source};

/// Hosts that may be asked besides the portal's own.
const HOSTS: [&str; 3] = ["www.toronto.ca", "opendata.toronto.ca", "www12.statcan.gc.ca"];

/// The files have 4 MB and 50 MB.
const PATIENCE: Patience =
    Patience { stall: Duration::from_secs(30), download: Duration::from_secs(1200), retry: Duration::from_secs(2) };

const PORTAL: &str = "https://ckan0.cf.opendata.inter.prod-toronto.ca";
const FSA_ZIP: &str = concat!(
    "https://www12.statcan.gc.ca/census-recensement/2011/geo/bound-limit/files-fichiers/2016/",
    "lfsa000b16a_e.zip"
);

/// Where the publishers are.
#[derive(Debug, clap::Args)]
pub(super) struct Addresses {
    /// With --fetch: the CKAN portal that has the package city-wards
    #[arg(long, value_name = "URL", conflicts_with_all = ["wards", "fsas"], default_value = PORTAL)]
    portal: String,
    /// With --fetch: the boundary file of forward sortation areas
    #[arg(long, value_name = "URL", conflicts_with_all = ["wards", "fsas"], default_value = FSA_ZIP)]
    fsa_zip: String,
}

/// Brings the wards and the FSAs into a folder.
pub(super) async fn fetch(from: &Addresses, folder: &Path) -> Result<(PathBuf, PathBuf), Error> {
    let source = Source::new(&from.portal, &HOSTS.map(str::to_owned), PATIENCE)?;
    let wards = source.wards().await?.ok_or_else(|| Error::NoPortal { portal: from.portal.clone() })?;
    let fsas = Resource { name: "FSA boundaries".to_owned(), location: from.fsa_zip.clone() };
    let wards = bring(&source, &wards, folder, "wards.geojson").await?;
    let fsas = bring(&source, &fsas, folder, "fsas.zip").await?;
    Ok((wards, fsas))
}

async fn bring(source: &Source, resource: &Resource, folder: &Path, otherwise: &str) -> Result<PathBuf, Error> {
    let path = folder.join(file_name(&resource.location).unwrap_or(otherwise));
    let look = source.look(resource).await?;
    source.download(resource, &look, &path, &|_| {}).await?;
    Ok(path)
}

/// The publisher's name of a file, by which the README in `geo/` calls it; `None` if it is not a plain one.
fn file_name(location: &str) -> Option<&str> {
    let name = location.rsplit('/').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let known = [".geojson", ".zip"].iter().any(|extension| name.ends_with(extension));
    (known && !name.starts_with('.') && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_called_as_its_publisher_calls_it_unless_that_is_no_plain_name() {
        assert_eq!(file_name("https://host/a/lfsa000b21a_e.zip"), Some("lfsa000b21a_e.zip"));
        assert_eq!(file_name("https://host/a/city-wards-data-4326.geojson"), Some("city-wards-data-4326.geojson"));
        for odd in ["https://host/", "https://host/..", "https://host/a%2f..zip", "https://host/get?file=a.zip"] {
            assert_eq!(file_name(odd), None, "{odd}");
        }
    }
}
