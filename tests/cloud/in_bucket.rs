//! A lake in a bucket of the stand-in, with a City to fill it from.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use toronto311::lake::sha256;

use crate::city::{City, Edition};
use crate::gcs::Gcs;
use crate::lake::{Lake, Run, copy_folder, files_below};

/// What is given as `--lake`.
pub const ADDRESS: &str = "gs://toronto/lake";

pub struct InBucket {
    pub lake: Lake,
    pub gcs: Gcs,
}

impl InBucket {
    /// Empty.
    pub fn new() -> Self {
        let mut lake = Lake::new();
        let gcs = Gcs::start(lake.root());
        gcs.create_bucket("toronto");
        lake.is_in_bucket(ADDRESS, gcs.environment());
        Self { lake, gcs }
    }

    /// With the objects of another lake.
    pub fn copy_of(other: &Lake) -> Self {
        let copy = Self::new();
        copy_folder(&other.path(), &copy.lake.path());
        let _ = fs::remove_file(copy.lake.path().join(".lock"));
        copy
    }

    /// A lake in which the first edition is live, and a City that publishes the second.
    pub fn behind() -> (City, Self) {
        let city = City::start();
        city.publish(Edition::Second);
        (city, Self::copy_of(&undisturbed(Edition::First)))
    }
}

/// A lake in a folder in which this edition is live, after nothing but good runs. All tests that run at once share it.
pub fn undisturbed(edition: Edition) -> Arc<Lake> {
    static LAKES: [Mutex<Weak<Lake>>; 2] = [const { Mutex::new(Weak::new()) }; 2];
    let mut known = LAKES[edition as usize].lock().unwrap_or_else(PoisonError::into_inner);
    known.upgrade().unwrap_or_else(|| {
        let city = City::start();
        city.publish(edition);
        let lake = Arc::new(Lake::new());
        let run = lake.refresh(&city, &[]);
        assert!(run.published().is_some(), "{run:#?}");
        *known = Arc::downgrade(&lake);
        lake
    })
}

/// The lake is where one is that never saw trouble.
pub fn arrived(lake: &Lake, run: &Run) {
    let good = undisturbed(Edition::Second);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(run.published().or(run.no_change()), good.current()["release"].as_str(), "{run:#?}");
    assert!(lake.marts() == good.marts(), "other tables than those of an undisturbed lake");
    assert_eq!(lake.problems(), [""; 0], "{run:#?}");
}

/// By name, the hashes of all objects that are named by their content: no times, nothing of a run.
pub fn content(lake: &Lake) -> BTreeMap<String, String> {
    let is_content =
        |name: &String| ["raw/", "clean/", "marts/", "releases/"].iter().any(|shelf| name.starts_with(shelf));
    let names = files_below(&lake.path()).into_iter().filter(is_content);
    names.map(|name| (name.clone(), sha256(&fs::read(lake.path().join(name)).unwrap()))).collect()
}
