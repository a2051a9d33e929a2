//! Style sheets, scripts and the files of areas, embedded and compressed when the program is built. Their names hold a
//! hash of their content, so a browser may keep them for ever.

use std::sync::LazyLock;

use super::body::{Body, Caching};

/// A file that the program carries.
pub struct Asset {
    /// Name without the hash.
    pub name: &'static str,
    /// Path in URLs, with the hash.
    pub path: &'static str,
    /// Media type.
    pub content_type: &'static str,
    /// As it is.
    pub identity: &'static [u8],
    /// Brotli.
    pub br: &'static [u8],
    /// Gzip.
    pub gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

static HASHED: LazyLock<Vec<Body>> = LazyLock::new(|| bodies(Caching::Immutable));
static LATEST: LazyLock<Vec<Body>> = LazyLock::new(|| bodies(Caching::Live));

fn bodies(caching: Caching) -> Vec<Body> {
    ASSETS.iter().map(|asset| Body::of_asset(asset, caching)).collect()
}

/// The asset at a path.
pub(crate) fn body(path: &str) -> Option<&'static Body> {
    ASSETS.iter().position(|asset| asset.path == path).map(|at| &HASHED[at])
}

/// The asset of a name without a hash, for an address where another may be tomorrow.
pub(crate) fn latest(name: &str) -> Option<&'static Body> {
    ASSETS.iter().position(|asset| asset.name == name).map(|at| &LATEST[at])
}

/// The path of an asset, for the pages' heads.
pub(crate) fn path(name: &str) -> &'static str {
    named(name).map_or("", |asset| asset.path)
}

/// The asset of a name without a hash.
pub(crate) fn named(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}
