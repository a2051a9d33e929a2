//! Where every stored object is: the only place that knows a path.
//!
//! | key | holds | lifetime |
//! |--|--|--|
//! | `raw/SR<year>/<sha256>` | a yearly file as it came | for ever |
//! | `clean/<id>/…` | what `clean` made of it; `summary.json` is written last | until cleaned by newer code |
//! | `marts/<release>/<mart>.parquet` | the marts of a release | as the release |
//! | `releases/<release>.json` | what the release is made of; written after its marts | until pruned |
//! | `current.json` | which release is live | the only object that is ever replaced |
//!
//! All but the last are named by their content and by the code that made them, so doing a step twice is harmless: it
//! writes the same bytes under the same name, or heals an object that was damaged.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, WriteMultipart};

use sha2::{Digest, Sha256};

use crate::domain::ReleaseId;

/// An object of the lake.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// A yearly file as it came.
    Raw {
        /// The year that it is about.
        year: u16,
        /// Of the file's bytes, in hex.
        sha256: &'a str,
    },
    /// A file of a cleaned folder.
    Clean {
        /// Hash of input and code.
        id: &'a str,
        /// Path within the folder, with `/`.
        file: &'a str,
    },
    /// A mart of a release.
    Mart {
        /// The release that it belongs to.
        release: &'a ReleaseId,
        /// Name with extension.
        file: &'a str,
    },
    /// The record of a release.
    Release(&'a ReleaseId),
    /// The pointer to the live release.
    Current,
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw { year, sha256 } => write!(f, "raw/SR{year}/{sha256}"),
            Self::Clean { id, file } => write!(f, "clean/{id}/{file}"),
            Self::Mart { release, file } => write!(f, "marts/{release}/{file}"),
            Self::Release(release) => write!(f, "releases/{release}.json"),
            Self::Current => f.write_str("current.json"),
        }
    }
}

/// An object that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("lake object {key}: {cause}")]
pub struct Error {
    /// The object's path in the lake.
    pub key: String,
    /// What the store or the local disk says.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

/// A folder that holds all that the pipeline keeps.
#[derive(Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
}

impl Lake {
    /// Opens a lake in a folder, which is created if it is not there.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let open = || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
            std::fs::create_dir_all(folder)?;
            Ok(LocalFileSystem::new_with_prefix(folder)?)
        };
        let store = open().map_err(|cause| Error { key: folder.display().to_string(), cause })?;
        Ok(Self { store: Arc::new(store) })
    }

    /// The whole object; `None` when there is none.
    pub async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>, Error> {
        match self.store.get(&path(key)).await {
            Ok(found) => Ok(Some(found.bytes().await.map_err(fails(key))?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fails(key)(error)),
        }
    }

    /// The size of an object in bytes; `None` when there is none.
    pub async fn size(&self, key: Key<'_>) -> Result<Option<u64>, Error> {
        match self.store.head(&path(key)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(fails(key)(error)),
        }
    }

    /// Creates an object; `false` and unchanged when there is one.
    pub async fn create(&self, key: Key<'_>, bytes: impl Into<Bytes>) -> Result<bool, Error> {
        let options = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&path(key), bytes.into().into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(fails(key)(error)),
        }
    }

    /// Writes an object from a local file without holding it in memory; it appears whole or not at all. One that exists
    /// is written again, which changes nothing unless it was damaged.
    pub async fn write_from_file(&self, key: Key<'_>, file: &Path) -> Result<(), Error> {
        let mut local = std::fs::File::open(file).map_err(fails(key))?;
        let mut upload = WriteMultipart::new(self.store.put_multipart(&path(key)).await.map_err(fails(key))?);
        let mut chunk = vec![0; 1 << 20];
        loop {
            let n = local.read(&mut chunk).map_err(fails(key))?;
            if n == 0 {
                break;
            }
            upload.wait_for_capacity(1).await.map_err(fails(key))?;
            upload.write(&chunk[..n]);
        }
        upload.finish().await.map_err(fails(key))?;
        Ok(())
    }

    /// Puts an object in place of what is there.
    pub async fn replace(&self, key: Key<'_>, bytes: impl Into<Bytes>) -> Result<(), Error> {
        self.store.put(&path(key), bytes.into().into()).await.map_err(fails(key))?;
        Ok(())
    }

    /// Copies an object to a local file of a folder and returns the file's path.
    pub async fn fetch(&self, key: Key<'_>, folder: &Path, name: &str) -> Result<PathBuf, Error> {
        use futures::StreamExt;
        use std::io::Write;
        let target = folder.join(name);
        let mut file = std::fs::File::create(&target).map_err(fails(key))?;
        let mut stream = self.store.get(&path(key)).await.map_err(fails(key))?.into_stream();
        while let Some(chunk) = stream.next().await {
            file.write_all(&chunk.map_err(fails(key))?).map_err(fails(key))?;
        }
        Ok(target)
    }
}

/// The hash that objects are named by, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two lower-case digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn path(key: Key<'_>) -> StorePath {
    StorePath::from(key.to_string())
}

fn fails<E: Into<Box<dyn std::error::Error + Send + Sync>>>(key: Key<'_>) -> impl Fn(E) -> Error {
    move |cause| Error { key: key.to_string(), cause: cause.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_created_once_and_only_the_pointer_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        let key = Key::Clean { id: "ab", file: "month=2024-01/requests.parquet" };
        assert_eq!(lake.get(key).await.unwrap(), None);
        assert!(lake.create(key, "first").await.unwrap());
        assert!(!lake.create(key, "second").await.unwrap());
        assert_eq!(lake.get(key).await.unwrap().unwrap(), "first");
        assert!(folder.path().join("clean/ab/month=2024-01/requests.parquet").is_file());

        lake.replace(Key::Current, "a").await.unwrap();
        lake.replace(Key::Current, "b").await.unwrap();
        assert_eq!(lake.get(Key::Current).await.unwrap().unwrap(), "b");
    }

    #[tokio::test]
    async fn a_file_goes_in_and_comes_out_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&folder.path().join("lake")).unwrap();
        let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(folder.path().join("in"), &bytes).unwrap();
        let key = Key::Raw { year: 2024, sha256: "00" };
        lake.write_from_file(key, &folder.path().join("in")).await.unwrap();
        let out = lake.fetch(key, folder.path(), "out").await.unwrap();
        assert!(std::fs::read(out).unwrap() == bytes);
    }
}
