//! Where a lake is: what the setting says.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A folder, or a bucket of Cloud Storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// On the local disk, or on one that looks like it.
    Folder(PathBuf),
    /// `gs://bucket/prefix`.
    Bucket {
        /// Its name.
        name: String,
        /// What all names of objects begin with, without `/` at either end; empty for the whole bucket.
        prefix: String,
    },
}

impl Location {
    /// Whether it is in a bucket.
    pub fn is_bucket(&self) -> bool {
        matches!(self, Self::Bucket { .. })
    }
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return if text.is_empty() { Err(expected()) } else { Ok(Self::Folder(text.into())) };
        };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        if scheme != "gs" || !is_bucket_name(name) || !is_prefix(prefix) {
            return Err(expected());
        }
        Ok(Self::Bucket { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Bucket { name, prefix } if prefix.is_empty() => write!(f, "gs://{name}"),
            Self::Bucket { name, prefix } => write!(f, "gs://{name}/{prefix}"),
        }
    }
}

fn expected() -> String {
    "expected a folder or gs://bucket/prefix, with letters, digits and .-_= in the prefix".to_owned()
}

fn is_bucket_name(name: &str) -> bool {
    name.len() >= 3 && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
}

/// Narrower than what Cloud Storage takes: no name that a folder could not have, and no wildcard of BigQuery.
fn is_prefix(prefix: &str) -> bool {
    let is_segment = |segment: &str| {
        !segment.trim_matches('.').is_empty()
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_=".contains(&b))
    };
    prefix.is_empty() || prefix.split('/').all(is_segment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_any_text_without_a_scheme() {
        for folder in ["lake", "/data/lake", "./a b", "gs:"] {
            assert_eq!(folder.parse(), Ok(Location::Folder(folder.into())));
        }
    }

    #[test]
    fn a_bucket_may_have_a_prefix() {
        let bucket = |name: &str, prefix: &str| Ok(Location::Bucket { name: name.into(), prefix: prefix.into() });
        assert_eq!("gs://lake".parse(), bucket("lake", ""));
        assert_eq!("gs://lake/".parse(), bucket("lake", ""));
        assert_eq!("gs://my-lake.org/a/b=1/".parse(), bucket("my-lake.org", "a/b=1"));
        assert_eq!("gs://lake/a".parse::<Location>().map(|it| it.to_string()), Ok("gs://lake/a".to_owned()));
        assert_eq!("gs://lake/".parse::<Location>().map(|it| it.to_string()), Ok("gs://lake".to_owned()));
    }

    #[test]
    fn other_addresses_are_refused() {
        for wrong in
            ["", "s3://lake", "https://lake", "gs://", "gs://Lake", "gs://lake//a", "gs://lake/../a", "gs://lake/*"]
        {
            assert!(wrong.parse::<Location>().is_err(), "{wrong}");
        }
    }
}
