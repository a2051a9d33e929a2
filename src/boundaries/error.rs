//! What can be wrong with the input: which file, what was found, what is expected.

use std::path::PathBuf;

/// Why boundaries could not be built or read. Nothing has been written when one is returned by a build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A source can't be fetched.
    #[error(transparent)]
    Fetch(#[from] crate::source::Error),
    /// What should be a portal is a folder.
    #[error("{portal:?} is not the address of a portal; expected a URL such as https://host")]
    NoPortal {
        /// The setting.
        portal: String,
    },
    /// A shapefile without one of its companions.
    #[error("{}: no .{extension} beside it; a shapefile is .shp, .shx, .dbf and .prj together", path.display())]
    MissingPart {
        /// The .shp file or the archive.
        path: PathBuf,
        /// The extension that is missing.
        extension: &'static str,
    },
    /// Bytes that are not the format which the file's name promises.
    #[error("{}: not readable as {format}: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format expected.
        format: &'static str,
        /// What the parser said.
        reason: String,
    },
    /// A projection other than the known ones.
    #[error("{}: unknown projection {found:?}; expected EPSG:3347 (Statistics Canada Lambert), WGS 84 or NAD 83", path.display())]
    Projection {
        /// The .prj file or the file with a `crs` member.
        path: PathBuf,
        /// The start of what it says.
        found: String,
    },
    /// Coordinates that are not degrees, or are elsewhere.
    #[error("{}: area {area} has the position ({x}, {y}); expected degrees of longitude -79.8 to -78.9 and latitude 43.3 to 44.0 (Toronto in WGS 84)", path.display())]
    NotToronto {
        /// The file.
        path: PathBuf,
        /// The area's code.
        area: String,
        /// First coordinate.
        x: f64,
        /// Second coordinate.
        y: f64,
    },
    /// No known property names the area.
    #[error("{}: feature {feature} has no {expected}; its properties are {found}", path.display())]
    Properties {
        /// The file.
        path: PathBuf,
        /// Position in the file, from 1.
        feature: usize,
        /// The names understood.
        expected: &'static str,
        /// The names found.
        found: String,
    },
    /// A code or name that no area of this kind has.
    #[error("{}: feature {feature}: {found:?} is not {expected}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Position in the file, from 1.
        feature: usize,
        /// The value.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The wrong number of areas.
    #[error("{}: {found} areas; expected {expected}", path.display())]
    Count {
        /// The file.
        path: PathBuf,
        /// Areas found.
        found: usize,
        /// Areas expected.
        expected: String,
    },
    /// Two features with one code.
    #[error("{}: area {area} occurs twice; expected once", path.display())]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The code.
        area: String,
    },
    /// A polygon that crosses itself, or is none.
    #[error("{}: area {area} has an invalid polygon: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The code.
        area: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two areas that cover the same ground.
    #[error("{}: areas {first} and {second} overlap by {area_m2:.0} m² in one place; expected no overlap", path.display())]
    Overlap {
        /// The file.
        path: PathBuf,
        /// Code of the one.
        first: String,
        /// Code of the other.
        second: String,
        /// Square metres of the overlap.
        area_m2: f64,
    },
    /// Areas that leave much of the city to nobody: part of the file is missing.
    #[error("{}: {found_km2:.1} km² of the city belong to no area; expected at most {expected_km2} km²", path.display())]
    Uncovered {
        /// The file.
        path: PathBuf,
        /// Square kilometres without an area.
        found_km2: f64,
        /// The most that is accepted.
        expected_km2: f64,
    },
    /// An area without a row in the table of populations, or the reverse.
    #[error("{}: {found}; expected one row per area", path.display())]
    Population {
        /// The table.
        path: PathBuf,
        /// What is missing.
        found: String,
    },
    /// Bytes that are not one of the files in `geo/`.
    #[error("not a file of boundaries as `toronto311 boundaries build` writes them: {reason}")]
    Content {
        /// What is different.
        reason: String,
    },
    /// The result is not what this module promises; a bug here, not in the input.
    #[error("{}: boundaries came out wrong ({what}); nothing was written", path.display())]
    Broken {
        /// The source.
        path: PathBuf,
        /// Which promise.
        what: &'static str,
    },
}

impl Error {
    /// For `map_err` on a file operation.
    pub(super) fn file(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }

    /// For `map_err` on a parser.
    pub(super) fn format<E: std::fmt::Display>(path: &std::path::Path, format: &'static str) -> impl FnOnce(E) -> Self {
        let path = path.to_owned();
        move |error| Self::Format { path, format, reason: error.to_string() }
    }
}
