//! Where every stored object is: the only place that knows a path.
//!
//! | key | holds | lifetime |
//! |--|--|--|
//! | `raw/SR<year>/<sha256>` | a yearly file as it came | for ever |
//! | `seen/<id>.json` | which bytes a URL gave under which ETag | for ever |
//! | `clean/<id>/…` | what `clean` made of a file; `summary.json` is written last | as the releases made of it |
//! | `jobs/<id>/…` | what a Spark job is made of: its script, the program that it runs | a day |
//! | `marts/<release>/<mart>.parquet` | the marts of a release | as the release |
//! | `releases/<release>.json` | what the release is made of; written after its marts | until pruned |
//! | `changes/<release>.json` | what differs from the release before | as the release |
//! | `runs/<run>.json` | what a refresh did, written by that refresh alone | the latest 500 |
//! | `state/lease.json` | which refresh is at work | swapped |
//! | `state/warehouse.json` | what the tables of the warehouse hold | swapped |
//! | `current.json` | which release is live | swapped |
//!
//! All that make up a release are named by their content and by the code that made them, so doing a step twice is
//! harmless: it writes the same bytes under the same name, or heals an object that was damaged. One that was damaged with
//! size and time as they were is found by `verify`, and made again once it has been removed. `current.json` and the lease
//! change hands by compare-and-set.
//!
//! A lake is a folder or a bucket of Cloud Storage. What a killed writer leaves of an upload in parts is in no listing
//! of a bucket; a lifecycle rule of the bucket removes it.

mod bucket;
mod folder;
mod key;
mod location;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as StorePath;
use object_store::{GetResult, ObjectStore, ObjectStoreExt, PutMode, PutOptions, UpdateVersion, WriteMultipart};
use sha2::{Digest, Sha256};
use tracing::warn;

pub use bucket::Bucket;
pub use key::{Key, Shelf};
pub use location::Location;

/// Files up to this size are written by one request, larger ones in parts of it, of which two are in memory.
const PART: usize = 8 << 20;

/// An object that a shelf holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its path within the shelf.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last written.
    pub modified: jiff::Timestamp,
    path: StorePath,
}

/// The state of an object at the moment it was read; changes with each write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation(UpdateVersion);

/// An object that could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("lake object {key}: {cause}")]
pub struct Error {
    /// The object's path in the lake.
    pub key: String,
    /// What the store or the local disk says.
    #[source]
    pub cause: Cause,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// All that the pipeline keeps.
#[derive(Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    place: Place,
}

/// What is known of the store besides what all stores can do.
#[derive(Clone)]
enum Place {
    /// It has no compare-and-set of its own.
    Folder(Arc<Path>),
    /// Other services of the cloud can read it.
    Bucket(Arc<Bucket>),
    Other,
}

impl Lake {
    /// Opens a lake. A folder is created if it is not there; of a bucket, nothing is asked yet.
    pub fn open(location: &Location) -> Result<Self, Error> {
        let opened = match location {
            Location::Folder(folder) => Self::open_folder(folder),
            Location::Bucket { name, prefix } => Self::open_bucket(name, prefix),
        };
        opened.map_err(|cause| Error { key: location.to_string(), cause })
    }

    fn open_folder(folder: &Path) -> Result<Self, Cause> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self { store: Arc::new(store), place: Place::Folder(folder.into()) })
    }

    fn open_bucket(name: &str, prefix: &str) -> Result<Self, Cause> {
        let (store, bucket) = bucket::open(name, prefix)?;
        Ok(Self { store, place: Place::Bucket(Arc::new(bucket)) })
    }

    /// A lake in a store that can update an object on the condition that it is what it was.
    pub fn on(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, place: Place::Other }
    }

    /// The bucket that it is in, if it is in one.
    pub fn bucket(&self) -> Option<&Bucket> {
        match &self.place {
            Place::Bucket(bucket) => Some(bucket),
            Place::Folder(_) | Place::Other => None,
        }
    }

    fn folder(&self) -> Option<&Arc<Path>> {
        match &self.place {
            Place::Folder(folder) => Some(folder),
            Place::Bucket(_) | Place::Other => None,
        }
    }

    /// The whole object; `None` when there is none.
    pub async fn get(&self, key: Key<'_>) -> Result<Option<Bytes>, Error> {
        match self.found(key).await? {
            Some(found) => found.bytes().await.map(Some).map_err(fails(key)),
            None => Ok(None),
        }
    }

    async fn found(&self, key: Key<'_>) -> Result<Option<GetResult>, Error> {
        match self.store.get(&path(key)).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if bucket::is_absent(&error) => Ok(None),
            Err(error) => Err(fails(key)(error)),
        }
    }

    /// The whole object and its state, for [`Lake::swap`].
    pub async fn get_with_generation(&self, key: Key<'_>) -> Result<Option<(Bytes, Generation)>, Error> {
        let Some(found) = self.found(key).await? else { return Ok(None) };
        let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let bytes = found.bytes().await.map_err(fails(key))?;
        let version = match self.folder() {
            Some(_) => UpdateVersion { e_tag: Some(sha256(&bytes)), version: None },
            None => version,
        };
        Ok(Some((bytes, Generation(version))))
    }

    /// The size of an object in bytes; `None` when there is none.
    pub async fn size(&self, key: Key<'_>) -> Result<Option<u64>, Error> {
        Ok(self.find(key).await?.map(|found| found.bytes))
    }

    /// What a list would say of an object; `None` when there is none.
    pub async fn find(&self, key: Key<'_>) -> Result<Option<Found>, Error> {
        match self.store.head(&path(key)).await {
            Ok(meta) => Ok(Some(found(meta))),
            Err(error) if bucket::is_absent(&error) => Ok(None),
            Err(error) => Err(fails(key)(error)),
        }
    }

    /// Puts an object in place if the one there is still `read`, or if there is none when `read` is `None`; returns its new
    /// state. `None` when it is not: somebody else wrote. After an error it may have been put or not.
    pub async fn swap(
        &self,
        key: Key<'_>,
        read: Option<&Generation>,
        bytes: impl Into<Bytes>,
    ) -> Result<Option<Generation>, Error> {
        let bytes = bytes.into();
        if let Some(folder) = self.folder() {
            let read = read.and_then(|read| read.0.e_tag.as_deref());
            let swapped = folder::swap(folder, &key.to_string(), read, &bytes).await.map_err(fails(key))?;
            let new = UpdateVersion { e_tag: Some(sha256(&bytes)), version: None };
            return Ok(swapped.then_some(Generation(new)));
        }
        let mode = read.map_or(PutMode::Create, |read| PutMode::Update(read.0.clone()));
        match self.store.put_opts(&path(key), bytes.into(), PutOptions::from(mode)).await {
            Ok(put) => Ok(Some(Generation(put.into()))),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(None),
            Err(error) => Err(fails(key)(error)),
        }
    }

    /// Writes an object from a local file; it appears whole or not at all, and a large one is not held in memory. One
    /// that exists is written again, which changes nothing unless it was damaged.
    pub async fn write_from_file(&self, key: Key<'_>, file: &Path) -> Result<(), Error> {
        let bytes = std::fs::metadata(file).map_err(fails(key))?.len();
        if bytes <= PART as u64 {
            return self.replace(key, std::fs::read(file).map_err(fails(key))?).await;
        }
        // The answer to the last request of an upload can be lost; asked again, the store knows of no such upload. Done
        // anew, it writes the same bytes.
        let Err(error) = self.upload(key, file).await else { return Ok(()) };
        warn!("an upload is begun anew: {error}");
        self.upload(key, file).await
    }

    async fn upload(&self, key: Key<'_>, file: &Path) -> Result<(), Error> {
        let mut local = std::fs::File::open(file).map_err(fails(key))?;
        let upload = self.store.put_multipart(&path(key)).await.map_err(fails(key))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
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

    /// Copies an object to a local file.
    pub async fn fetch(&self, key: Key<'_>, to: &Path) -> Result<(), Error> {
        use std::io::Write;
        let mut file = std::fs::File::create(to).map_err(fails(key))?;
        let mut stream = self.store.get(&path(key)).await.map_err(fails(key))?.into_stream();
        while let Some(chunk) = stream.next().await {
            file.write_all(&chunk.map_err(fails(key))?).map_err(fails(key))?;
        }
        Ok(())
    }

    /// What a shelf holds, by name.
    pub async fn list(&self, shelf: Shelf) -> Result<Vec<Found>, Error> {
        let prefix = StorePath::from(shelf.prefix());
        let fails =
            |error: object_store::Error| Error { key: format!("{prefix}/"), cause: bucket::explained(error.into()) };
        let mut found: Vec<Found> = self.store.list(Some(&prefix)).map_err(fails).map_ok(found).try_collect().await?;
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Removes what writers left behind that were killed at least `age` ago; only a folder has such remains. The caller
    /// holds the lease.
    pub async fn sweep(&self, age: Duration) -> Result<(), Error> {
        let Some(folder) = self.folder().cloned() else { return Ok(()) };
        let fails = |cause: Cause| Error { key: "remains of killed writers".to_owned(), cause };
        let swept = tokio::task::spawn_blocking(move || folder::sweep(&folder, age)).await;
        swept.map_err(|error| fails(error.into()))?.map_err(|error| fails(error.into()))
    }

    /// Removes an object. One that is gone already is no error.
    pub async fn remove(&self, key: Key<'_>) -> Result<(), Error> {
        self.remove_at(&path(key)).await
    }

    /// The same with an object that was listed.
    pub async fn delete(&self, found: &Found) -> Result<(), Error> {
        self.remove_at(&found.path).await
    }

    async fn remove_at(&self, path: &StorePath) -> Result<(), Error> {
        match self.store.delete(path).await {
            Ok(()) => Ok(()),
            Err(error) if bucket::is_absent(&error) => Ok(()),
            Err(error) => Err(Error { key: path.to_string(), cause: bucket::explained(error.into()) }),
        }
    }
}

fn found(meta: object_store::ObjectMeta) -> Found {
    let name = meta.location.as_ref().split_once('/').map_or("", |(_, name)| name).to_owned();
    let modified = meta.last_modified.timestamp_millis();
    Found {
        name,
        bytes: meta.size,
        modified: jiff::Timestamp::from_millisecond(modified).unwrap_or_default(),
        path: meta.location,
    }
}

/// The hash that objects are named by, in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two lower-case digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

fn path(key: Key<'_>) -> StorePath {
    StorePath::from(key.to_string())
}

fn fails<E: Into<Cause>>(key: Key<'_>) -> impl Fn(E) -> Error {
    move |error| Error { key: key.to_string(), cause: bucket::explained(error.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_created_once_and_only_the_pointer_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&Location::Folder(folder.path().into())).unwrap();
        let key = Key::Clean { id: "ab", file: "month=2024-01/requests.parquet" };
        assert_eq!(lake.get(key).await.unwrap(), None);
        assert!(lake.swap(key, None, "first").await.unwrap().is_some());
        assert!(lake.swap(key, None, "second").await.unwrap().is_none());
        assert_eq!(lake.get(key).await.unwrap().unwrap(), "first");
        assert!(folder.path().join("clean/ab/month=2024-01/requests.parquet").is_file());

        lake.replace(Key::Current, "a").await.unwrap();
        lake.replace(Key::Current, "b").await.unwrap();
        assert_eq!(lake.get(Key::Current).await.unwrap().unwrap(), "b");
    }

    /// The same on a folder, which we lock, and on a store that compares by itself.
    #[tokio::test]
    async fn a_swap_needs_the_generation_that_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let stores = [
            Lake::open(&Location::Folder(folder.path().into())).unwrap(),
            Lake::on(Arc::new(object_store::memory::InMemory::new())),
        ];
        for lake in stores {
            assert!(lake.swap(Key::Current, None, "a").await.unwrap().is_some());
            let (_, a) = lake.get_with_generation(Key::Current).await.unwrap().unwrap();
            assert!(lake.swap(Key::Current, Some(&a), "b").await.unwrap().is_some());
            assert!(lake.swap(Key::Current, Some(&a), "c").await.unwrap().is_none());
            assert_eq!(lake.get(Key::Current).await.unwrap().unwrap(), "b");
            assert!(lake.swap(Key::Lease, Some(&a), "d").await.unwrap().is_none(), "there is none");
        }
    }

    #[tokio::test]
    async fn what_a_killed_writer_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&Location::Folder(folder.path().into())).unwrap();
        lake.replace(Key::Run("a"), "a").await.unwrap();
        let left = folder.path().join("runs/a.json#1");
        std::fs::write(&left, "half").unwrap();
        lake.sweep(Duration::from_secs(60)).await.unwrap();
        assert!(left.exists(), "it may still be written");
        lake.sweep(Duration::ZERO).await.unwrap();
        assert!(!left.exists() && folder.path().join("runs/a.json").exists());
    }

    #[tokio::test]
    async fn a_shelf_lists_its_own_objects_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&Location::Folder(folder.path().into())).unwrap();
        for run in ["b", "a"] {
            lake.replace(Key::Run(run), run).await.unwrap();
        }
        lake.replace(Key::Current, "x").await.unwrap();
        let names = async || lake.list(Shelf::Runs).await.unwrap().into_iter().map(|f| f.name).collect::<Vec<_>>();
        assert_eq!(names().await, ["a.json", "b.json"]);
        let first = lake.list(Shelf::Runs).await.unwrap().remove(0);
        lake.delete(&first).await.unwrap();
        lake.delete(&first).await.unwrap();
        assert_eq!(names().await, ["b.json"]);
    }

    #[tokio::test]
    async fn a_file_goes_in_and_comes_out_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(&Location::Folder(folder.path().join("lake"))).unwrap();
        let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(folder.path().join("in"), &bytes).unwrap();
        let key = Key::Raw { resource: "SR2024", sha256: "00" };
        lake.write_from_file(key, &folder.path().join("in")).await.unwrap();
        lake.fetch(key, &folder.path().join("out")).await.unwrap();
        assert!(std::fs::read(folder.path().join("out")).unwrap() == bytes);
    }
}
