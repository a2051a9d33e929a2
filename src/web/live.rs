//! The release that is being served, in memory, so that a request needs nothing else.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use super::body::Body;
use super::series::Reader;
use crate::domain::{Area, Geography, Month, MonthRange, ReleaseId, TypeId, Ward, WardModel};
use crate::lake::{self, Key, Lake};
use crate::marts::{self, Marts, Series, TypeUse, TypesByArea};
use crate::release::pointer::{self, Current};
use crate::release::{self, Release};

/// Types that are read ahead: of those that still occur, the most frequent. They are a quarter of all requests.
const WARMED: usize = 12;

/// A release with its marts and with what has been made of them.
pub struct Live {
    /// The record.
    pub release: Release,
    /// What pointed to it.
    pub pointer: Current,
    /// Its counts.
    pub marts: Marts,
    /// Months within the release's that have no row: no file was published, or it lacks them.
    missing: Vec<Month>,
    /// The first month whose wards are mostly those of the 25-ward model; months before it have 44.
    first_month_of_25: Option<Month>,
    /// By type, and whether its renames are in it. Those that miss together are read once.
    series: moka::future::Cache<(TypeId, bool), Arc<Series>>,
    reader: Arc<Reader>,
    /// Made when first asked for.
    types_by_area: Mutex<Option<Arc<TypesByArea>>>,
    /// Rendered answers by path and normalised query. Those that take long are made once, however many wait.
    pub answers: moka::future::Cache<String, Arc<Body>>,
}

impl Live {
    /// Loads the lake's live release unless it is the one that is known already; `None` then and in an empty lake.
    pub async fn load(
        lake: &Lake,
        known: Option<&Live>,
        cache_mb: u64,
        reader: &Arc<Reader>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(current) = pointer::current(lake).await? else { return Ok(None) };
        if known.is_some_and(|known| known.release.release == current.release) {
            return Ok(None);
        }
        let id = current.release.clone();
        Ok(Some(Self::load_release(lake, current, &id, cache_mb, reader).await?))
    }

    /// Loads a release, which need not be the one that is pointed to.
    pub async fn load_release(
        lake: &Lake,
        pointer: Current,
        id: &ReleaseId,
        cache_mb: u64,
        reader: &Arc<Reader>,
    ) -> anyhow::Result<Self> {
        let missing = || anyhow::anyhow!("the lake has no record of release {id}");
        let release = release::load(lake, id).await?.ok_or_else(missing)?;
        let mut files: [bytes::Bytes; marts::ALL.len()] = Default::default();
        for (bytes, file) in files.iter_mut().zip(marts::ALL) {
            *bytes = mart(lake, &release, file).await?;
        }
        let marts = Marts::open(release.months, files)?;
        Ok(Self::new(release, pointer, marts, cache_mb << 20, reader.clone()))
    }

    fn new(release: Release, pointer: Current, marts: Marts, cache_bytes: u64, reader: Arc<Reader>) -> Self {
        let weight = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        let totals = marts.totals();
        // Counts take some milliseconds to read, an answer of them some microseconds to make.
        let answers_bytes = cache_bytes / 4;
        Self {
            missing: totals.months().iter().filter(|&m| totals.all(MonthRange::single(m), None) == 0).collect(),
            first_month_of_25: first_month_of_25(&totals),
            series: moka::future::Cache::builder()
                .weigher(move |_, series: &Arc<Series>| weight(series.weight()))
                // A type that is new here is wanted more than one that was wanted often: reading it takes long.
                .eviction_policy(moka::policy::EvictionPolicy::lru())
                .max_capacity(cache_bytes - answers_bytes)
                .build(),
            types_by_area: Mutex::default(),
            answers: moka::future::Cache::builder()
                .weigher(move |key: &String, body: &Arc<Body>| weight(key.len() + body.weight()))
                .max_capacity(answers_bytes)
                .build(),
            release,
            pointer,
            marts,
            reader,
        }
    }

    /// The counts of a type, alone or with those that it was renamed from and to; without a type, of all.
    pub async fn series(self: &Arc<Self>, request_type: Option<&TypeId>, joined: bool) -> anyhow::Result<Arc<Series>> {
        let Some(id) = request_type else { return Ok(self.marts.totals()) };
        let key = (id.clone(), joined);
        if let Some(series) = self.series.get(&key).await {
            return Ok(series);
        }
        let read = async {
            let renames = if joined { self.marts.renames(id) } else { Vec::new() };
            let types = std::iter::once(id.as_str()).chain(renames.iter().map(|used| used.request_type.as_str()));
            self.reader.series(self.clone(), types.map(str::to_owned).collect()).await.map(Arc::new)
        };
        let series = Box::pin(self.series.try_get_with(key, read)).await;
        series.map_err(|error: Arc<anyhow::Error>| anyhow::anyhow!("{error:#}"))
    }

    /// Reads the types that most people ask for before they do. From the lake, it would be no faster than when asked.
    pub async fn warm(self: Arc<Self>) {
        if !self.reader.has_warehouse() {
            return;
        }
        let mut types: Vec<&TypeUse> = self.marts.types().iter().collect();
        types.sort_by_key(|used| std::cmp::Reverse((used.last_month, used.requests)));
        for used in types.into_iter().take(WARMED) {
            let Ok(id) = used.request_type.parse() else { continue };
            if let Err(error) = self.series(Some(&id), false).await {
                warn!(%id, "not read ahead: {error:#}");
            }
        }
    }

    /// The counts of all types by area. Those who ask first wait together until they are made.
    pub fn types_by_area(&self) -> anyhow::Result<Arc<TypesByArea>> {
        let mut made = self.types_by_area.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*made {
            return Ok(made.clone());
        }
        let new = Arc::new(self.marts.types_by_area()?);
        *made = Some(new.clone());
        Ok(new)
    }

    /// The months that have rows, in order.
    pub fn months(&self) -> impl DoubleEndedIterator<Item = Month> {
        self.release.months.iter().filter(|month| !self.missing.contains(month))
    }

    /// Whether a month has rows.
    pub fn has(&self, month: Month) -> bool {
        self.months().any(|known| known == month)
    }

    /// The months without rows in a range.
    pub fn missing(&self, months: MonthRange) -> impl Iterator<Item = Month> {
        self.missing.iter().copied().filter(move |&month| months.first() <= month && month <= months.last())
    }

    /// The months of a ward model; `None` when it has none.
    pub fn months_of(&self, model: WardModel) -> Option<MonthRange> {
        let all = self.release.months;
        match (model, self.first_month_of_25) {
            (WardModel::Wards25, Some(first)) => MonthRange::new(first, all.last()),
            (WardModel::Wards25, None) => None,
            (WardModel::Wards44, Some(first)) => MonthRange::new(all.first(), first.previous()),
            (WardModel::Wards44, None) => Some(all),
        }
    }

    /// The one model of all months of a range; `None` when the wards changed within it.
    pub fn ward_model(&self, months: MonthRange) -> Option<WardModel> {
        match self.first_month_of_25 {
            Some(first) if months.first() >= first => Some(WardModel::Wards25),
            Some(first) if months.last() >= first => None,
            _ => Some(WardModel::Wards44),
        }
    }

    /// Whether days of these months are missing from the data, as far as can be known.
    pub fn is_partial(&self, months: MonthRange) -> bool {
        months.last() > self.release.complete_through || self.missing(months).next().is_some()
    }
}

/// The bytes of a mart, which must be those that the release names.
async fn mart(lake: &Lake, release: &Release, file: &str) -> anyhow::Result<bytes::Bytes> {
    let key = Key::Mart { release: &release.release, file };
    let bytes = lake.get(key).await?.ok_or_else(|| anyhow::anyhow!("lake object {key} is missing"))?;
    let expected = release.marts.get(file).map(|mart| mart.sha256.as_str());
    anyhow::ensure!(
        expected == Some(&lake::sha256(&bytes)),
        "lake object {key} is damaged: its hash is not that of its release"
    );
    Ok(bytes)
}

/// The source's files say which wards they have, not the calendar: the first month with more requests in the 25 wards
/// than in the 44.
fn first_month_of_25(totals: &Series) -> Option<Month> {
    let requests = |month, model| {
        let period = totals.period(MonthRange::single(month), None);
        let wards = (1..=WardModel::count(model)).filter_map(|number| Ward::new(model, number));
        wards.map(|ward| period.requests(Geography::Ward, Some(Area::Ward(ward)))).sum::<u64>()
    };
    let (wards_25, wards_44) = (WardModel::Wards25, WardModel::Wards44);
    let first = totals.months().iter().find(|&month| requests(month, wards_25) > requests(month, wards_44));
    // Without a single ward, today's are drawn.
    let has_44 = totals.months().iter().any(|month| requests(month, wards_44) > 0);
    first.or_else(|| (!has_44).then(|| totals.months().first()))
}
