//! A store in memory that is slow, fails and loses answers, by chance.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};
use toronto311::lake::sha256;

/// Seeded chance.
pub struct Chance(fastrand::Rng);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// For somebody else.
    pub fn fork(&mut self) -> Self {
        Self(self.0.fork())
    }

    /// Both included.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0.u64(least..=most)
    }

    pub fn of(&mut self, share: f64) -> bool {
        self.0.f64() < share
    }
}

/// What was published, and what was wrong with it.
#[derive(Default)]
pub struct History(Mutex<Vec<Publication>>);

struct Publication {
    pointer: Value,
    accepted: u64,
    problem: Option<String>,
}

impl History {
    /// Holds the publications against what must be true of them; returns how many there were.
    pub fn check(&self, seed: u64, last_version: u64) -> usize {
        let publications = self.0.lock().unwrap();
        let mut runs = HashSet::new();
        let mut accepted = 0;
        for (at, publication) in publications.iter().enumerate() {
            let Publication { pointer, accepted: rows, problem } = publication;
            assert_eq!(*problem, None, "seed {seed}: {pointer}");
            assert_eq!(pointer["version"], at + 1, "seed {seed}: versions count the publications");
            assert!(runs.insert(pointer["run"].to_string()), "seed {seed}: a run published twice: {pointer}");
            assert!(accepted <= *rows, "seed {seed}: older files came back: {pointer}");
            accepted = *rows;
        }
        let of_last_run = last_version - publications.len() as u64;
        assert!(of_last_run <= 1, "seed {seed}: {of_last_run} publications are not in the history");
        publications.len()
    }
}

/// What one runner sees of the store. All runners share what is in it.
pub struct SimulatedStore {
    inner: Arc<InMemory>,
    history: Arc<History>,
    chance: Mutex<Chance>,
    /// The runner stands still until then: all that it does waits.
    paused_until: Mutex<Instant>,
    /// Share of operations that fail.
    density: f64,
}

impl SimulatedStore {
    pub fn new(inner: Arc<InMemory>, history: Arc<History>, chance: Chance, density: f64) -> Self {
        let paused_until = Mutex::new(Instant::now());
        Self { inner, history, chance: Mutex::new(chance), paused_until, density }
    }

    fn chance<T>(&self, take: impl FnOnce(&mut Chance) -> T) -> T {
        take(&mut self.chance.lock().unwrap())
    }

    /// Slow, paused, or failed before anything was done.
    async fn before(&self) -> Result<()> {
        let (slow, pause, fails) = self.chance(|chance| {
            let slow = if chance.of(0.1) { chance.between(1, 20_000) } else { 0 };
            let pause = if chance.of(self.density / 4.0) { chance.between(60, 600) } else { 0 };
            (slow, pause, chance.of(self.density))
        });
        sleep(Duration::from_millis(slow)).await;
        if pause > 0 {
            *self.paused_until.lock().unwrap() = Instant::now() + Duration::from_secs(pause);
        }
        loop {
            let until = *self.paused_until.lock().unwrap();
            if Instant::now() >= until {
                break;
            }
            sleep_until(until).await;
        }
        if fails { Err(failed("not done")) } else { Ok(()) }
    }

    /// Done, but the answer is lost.
    fn after<T>(&self, done: T) -> Result<T> {
        if self.chance(|chance| chance.of(self.density)) {
            Err(failed("done, but the answer is lost"))
        } else {
            Ok(done)
        }
    }

    /// Records a publication with what the store holds of its release at that moment.
    async fn published(&self, pointer: &PutPayload) {
        let bytes: bytes::Bytes = pointer.clone().into();
        let pointer: Value = serde_json::from_slice(&bytes).unwrap();
        let publication = match self.look(pointer["release"].as_str().unwrap()).await {
            Ok(accepted) => Publication { pointer, accepted, problem: None },
            Err(problem) => Publication { pointer, accepted: 0, problem: Some(problem) },
        };
        self.history.0.lock().unwrap().push(publication);
    }

    /// The accepted rows of a release whose objects are all there.
    async fn look(&self, release: &str) -> Result<u64, String> {
        let get = async |path: String| match self.inner.get(&Path::from(path.clone())).await {
            Ok(found) => found.bytes().await.map_err(|e| format!("{path}: {e}")),
            Err(error) => Err(format!("{path}: {error}")),
        };
        let record: Value = serde_json::from_slice(&get(format!("releases/{release}.json")).await?).unwrap();
        for (mart, expected) in record["marts"].as_object().unwrap() {
            let bytes = get(format!("marts/{release}/{mart}")).await?;
            if expected["sha256"] != sha256(&bytes) {
                return Err(format!("{mart} is not that of the record"));
            }
        }
        Ok(record["inputs"].as_array().unwrap().iter().map(|input| input["accepted"].as_u64().unwrap()).sum())
    }
}

fn failed(how: &str) -> object_store::Error {
    object_store::Error::Generic { store: "simulated", source: how.into() }
}

impl fmt::Debug for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedStore")
    }
}

impl fmt::Display for SimulatedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated store")
    }
}

#[async_trait]
impl ObjectStore for SimulatedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.before().await?;
        let put = self.inner.put_opts(location, payload.clone(), options).await?;
        if location.as_ref() == "current.json" {
            self.published(&payload).await;
        }
        self.after(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.before().await?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.before().await?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let fails = self.chance(|chance| chance.of(self.density));
        let listed = self.inner.list(prefix);
        if fails { futures::stream::once(async { Err(failed("not listed")) }).chain(listed).boxed() } else { listed }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
