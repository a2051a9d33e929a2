//! Style sheets and scripts, embedded and compressed when the program is built. Their names hold a hash of their content,
//! so a browser may keep them for ever.

use std::sync::LazyLock;

use super::body::Body;

/// A file that the pages load.
pub(crate) struct Asset {
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

static BODIES: LazyLock<Vec<Body>> = LazyLock::new(|| ASSETS.iter().map(Body::of_asset).collect());

/// The asset at a path.
pub(crate) fn body(path: &str) -> Option<&'static Body> {
    ASSETS.iter().position(|asset| asset.path == path).map(|at| &BODIES[at])
}

/// The path of an asset, for the pages' heads.
pub(crate) fn path(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path)
}
