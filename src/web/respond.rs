//! From a request to an answer that is kept: its release, its name, what the client has already.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, anyhow};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use tokio::sync::Semaphore;

use super::app::App;
use super::body::{Body, Caching};
use super::error::Failure;
use super::layers::Layers;
use super::live::Live;
use super::parameters::refuse_all;
use super::status::Pipeline;
use super::view::View;
use crate::marts::Series;

/// Names the program that answers: a new version of it never says "not modified" to what an old one sent.
const PROGRAM_VERSION: &str = env!("PROGRAM_VERSION");

/// One answer at a time is compressed as well as can be.
static COMPRESSING: Semaphore = Semaphore::const_new(1);

/// How often answers were there already.
#[derive(Debug, Default)]
pub struct Figures {
    /// Sent from memory.
    pub hits: AtomicU64,
    /// Made.
    pub misses: AtomicU64,
    /// Not sent: the client had them.
    pub not_modified: AtomicU64,
}

impl Figures {
    /// How often, by what became of the request.
    pub fn read(&self) -> [(&'static str, u64); 3] {
        [("hit", &self.hits), ("miss", &self.misses), ("not_modified", &self.not_modified)]
            .map(|(result, figure)| (result, figure.load(Ordering::Relaxed)))
    }
}

/// An answer that is asked for.
pub struct Asked {
    /// Of which release.
    pub live: Arc<Live>,
    /// Path and normal query: its name in the cache.
    pub key: String,
    /// Whether the address names the release.
    pub pinned: bool,
}

impl Asked {
    /// Release, code, address and where the site is said to be decide every byte.
    fn tag(&self, public_url: Option<&str>) -> u64 {
        let mut hasher = DefaultHasher::new();
        (PROGRAM_VERSION, self.live.release.release.as_str(), &self.key, public_url).hash(&mut hasher);
        hasher.finish()
    }

    fn caching(&self) -> Caching {
        if self.pinned { Caching::Immutable } else { Caching::Live }
    }
}

/// Answers, from memory if it was asked for before; what the client has already is not even made.
///
/// Those who ask for the same wait together until it is made once.
pub async fn answer(
    app: &App,
    asked: Asked,
    headers: &HeaderMap,
    make: impl Future<Output = anyhow::Result<Body>>,
) -> Result<Response, Failure> {
    let to_come = to_come(app, &asked);
    if to_come.is_known(headers) {
        return Ok(not_modified(app, &to_come, headers));
    }
    // The cache holds it in several places on its way, and would copy all of it each time.
    let make = Box::pin(async { Ok(Arc::new(make.await?.named_as(&to_come))) });
    let entry = asked.live.answers.entry(asked.key).or_try_insert_with(make).await;
    let entry = entry.map_err(|error: Arc<anyhow::Error>| Failure::Internal(anyhow!("{error:#}")))?;
    count(if entry.is_fresh() { &app.figures.misses } else { &app.figures.hits });
    send(entry.into_value(), headers).await
}

/// The same of what takes microseconds to make: less than to see to it that nobody else makes it, too.
pub async fn answer_quickly(
    app: &App,
    asked: Asked,
    headers: &HeaderMap,
    make: impl Future<Output = anyhow::Result<Body>>,
) -> Result<Response, Failure> {
    let to_come = to_come(app, &asked);
    if to_come.is_known(headers) {
        return Ok(not_modified(app, &to_come, headers));
    }
    let answers = &asked.live.answers;
    if let Some(kept) = answers.get(&asked.key).await {
        count(&app.figures.hits);
        return send(kept, headers).await;
    }
    let made = Arc::new(make.await?.named_as(&to_come));
    count(&app.figures.misses);
    // Those who waited for the same counts send the same body, or each would be compressed.
    if let Some(kept) = answers.get(&asked.key).await {
        return send(kept, headers).await;
    }
    answers.insert(asked.key, made.clone()).await;
    send(made, headers).await
}

/// The answer's name and caching, before it is made.
fn to_come(app: &App, asked: &Asked) -> Body {
    Body::to_come().named(asked.tag(app.layers.public_url.as_deref()), asked.caching())
}

fn not_modified(app: &App, to_come: &Body, headers: &HeaderMap) -> Response {
    count(&app.figures.not_modified);
    to_come.respond(headers)
}

/// Sends an answer that was found in memory, in an encoding that is ready.
pub fn again(app: &App, body: &Arc<Body>, headers: &HeaderMap) -> Response {
    count(&app.figures.hits);
    send_ready(body, headers)
}

fn count(figure: &AtomicU64) {
    figure.fetch_add(1, Ordering::Relaxed);
}

/// Sends an answer. The first to ask for an encoding waits for the compression, and only they.
async fn send(body: Arc<Body>, headers: &HeaderMap) -> Result<Response, Failure> {
    if body.is_ready(headers) {
        return Ok(send_ready(&body, headers));
    }
    let headers = headers.clone();
    let sent = tokio::task::spawn_blocking(move || body.respond(&headers)).await;
    Ok(sent.context("compressing panicked")?)
}

fn send_ready(body: &Arc<Body>, headers: &HeaderMap) -> Response {
    if body.deserves_best()
        && let Ok(turn) = COMPRESSING.try_acquire()
    {
        let body = body.clone();
        tokio::task::spawn_blocking(move || {
            body.compress_best();
            drop(turn);
        });
    }
    body.respond(headers)
}

/// Renders a view with its counts.
pub type MakeView = fn(View, Arc<Series>, &Live, &Layers) -> anyhow::Result<Body>;

/// Renders a view once its counts are there, which may come from far.
pub async fn render(view: View, live: &Arc<Live>, layers: &Layers, make: MakeView) -> anyhow::Result<Body> {
    let series = live.series(view.request_type.as_ref(), view.joined).await?;
    make(view, series, live, layers)
}

/// Answers an address that takes a view.
pub async fn view(app: Arc<App>, uri: Uri, headers: HeaderMap, make: MakeView) -> Response {
    let query = uri.query().unwrap_or_default();
    let answer = async {
        let live = app.live_of(query).await?;
        let view = View::parse(query, &live, &app.layers).map_err(Failure::BadParameters)?;
        let key = [uri.path(), &view.query(&live, &app.layers)].join("?");
        let asked = Asked { live: live.clone(), key, pinned: view.pinned };
        answer(&app, asked, &headers, render(view, &live, &app.layers, make)).await
    };
    answer.await.unwrap_or_else(|failure: Failure| failure.respond(uri.path()))
}

/// Answers an address that takes no parameters.
pub async fn fixed(
    app: Arc<App>,
    uri: Uri,
    headers: HeaderMap,
    make: fn(&Live, &Layers) -> anyhow::Result<Body>,
) -> Response {
    let answer = async {
        refuse_all(uri.query().unwrap_or_default()).map_err(Failure::BadParameters)?;
        let live = app.live()?;
        let asked = Asked { live: live.clone(), key: uri.path().to_owned(), pinned: false };
        answer(&app, asked, &headers, async { make(&live, &app.layers) }).await
    };
    answer.await.unwrap_or_else(|failure: Failure| failure.respond(uri.path()))
}

/// Answers an address whose content changes while a release is live: small, and not kept.
pub fn of_moment(
    app: &App,
    uri: &Uri,
    headers: &HeaderMap,
    make: fn(&Live, &Pipeline) -> anyhow::Result<Body>,
) -> Response {
    let body = || {
        refuse_all(uri.query().unwrap_or_default()).map_err(Failure::BadParameters)?;
        make(&*app.live()?, &app.pipeline()).map_err(Failure::Internal)
    };
    body().map_or_else(|failure: Failure| failure.respond(uri.path()), |body| body.respond(headers))
}
