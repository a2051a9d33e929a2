//! BigQuery beside a lake in a bucket: what a refresh puts there, whoever dies where and whatever goes wrong, and what is
//! served from it.

mod faults;
mod kills;
mod rows;
mod serving;
mod shared;
mod tables;

use std::sync::Arc;

use crate::bigquery::BigQuery;
use crate::city::{City, Edition};
use crate::gcs::Gcs;
use crate::in_bucket::{ADDRESS, InBucket, undisturbed};
use crate::lake::{Lake, Run};

/// A lake in a bucket with BigQuery beside it.
struct InWarehouse {
    lake: Lake,
    bigquery: BigQuery,
    _gcs: Gcs,
}

impl InWarehouse {
    /// Empty.
    fn new() -> Self {
        Self::beside(InBucket::new())
    }

    /// An empty dataset beside a lake.
    fn beside(InBucket { mut lake, gcs }: InBucket) -> Self {
        let bigquery = BigQuery::start(&lake.root().join("toronto"));
        lake.is_in_bucket(ADDRESS, [gcs.environment(), bigquery.environment()].concat());
        Self { lake, bigquery, _gcs: gcs }
    }

    /// The first edition is live in the lake, BigQuery is empty, and the City publishes the second.
    fn not_filled() -> (City, Self) {
        let (city, in_bucket) = InBucket::behind();
        (city, Self::beside(in_bucket))
    }

    /// The first edition is live and in BigQuery; the City publishes the second.
    fn behind() -> (City, Self) {
        let (city, it) = (City::start(), Self::new());
        let run = it.lake.refresh(&city, &[]);
        assert!(run.published().is_some(), "{run:#?}");
        city.publish(Edition::Second);
        it.bigquery.forget();
        (city, it)
    }

    /// All is where it is when nothing ever went wrong.
    fn arrived(&self, run: &Run) {
        let good: Arc<Lake> = undisturbed(Edition::Second);
        assert_eq!(run.code, Some(0), "{run:#?}");
        assert_eq!(run.published().or(run.no_change()), good.current()["release"].as_str(), "{run:#?}");
        rows::assert_same(&self.lake, &self.bigquery);
        assert_eq!(self.lake.problems(), [""; 0], "{run:#?}");
    }

    /// How many jobs of a kind have been started since the last look at the calls.
    fn jobs(&self, kind: &str) -> usize {
        self.bigquery.calls().iter().filter(|call| call.starts(kind) && call.status == 200).count()
    }
}
