//! The web server: `GET` a view, get a page, GeoJSON or JSON, all from the release in memory.
//!
//! A request is parsed once into a view, answered from the live release and kept, with its compressed forms, under its
//! normalised query. Nothing here writes data: releases appear in the lake, and [`serve`] switches to them.

mod answer;
mod api;
mod area;
mod areas;
mod assets;
mod body;
mod controls;
mod data;
mod embed;
mod error;
mod feed;
mod layers;
mod live;
mod locate;
mod months;
mod page;
mod pages;
mod parameters;
mod picture;
mod request_type;
mod search;
mod site;
mod status;
mod table;
mod trend;
mod types;
mod values;
mod view;
mod words;

use std::net::Ipv4Addr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use axum::Router;
use axum::extract::{OriginalUri, Path, Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, ETAG, IF_NONE_MATCH, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{Any, CorsLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tracing::{error, info};

use crate::config::{Schedule, Serve};
use crate::lake::Lake;
use body::Body;
use error::Failure;
use layers::Layers;
use live::Live;
use parameters::refuse_all;
use status::Pipeline;
use view::View;

/// Everything comes from this server; Leaflet sets styles by script, which needs no exception.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/// Of what a browser could give, these pages ask for the position, when somebody presses a button, and nothing else.
const PERMISSIONS: &str = "geolocation=(self), camera=(), microphone=(), display-capture=(), usb=(), payment=()";
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// How long open requests may take to finish once the server is told to stop. Cloud Run kills it after ten seconds.
const DRAIN: Duration = Duration::from_secs(6);

/// Between looks for the first release.
const FIRST: Duration = Duration::from_millis(100);

/// What all requests share.
struct App {
    layers: Layers,
    live: RwLock<Option<Arc<Live>>>,
    pipeline: RwLock<Arc<Pipeline>>,
}

impl App {
    fn new(settings: &Serve) -> anyhow::Result<Self> {
        let mut layers = Layers::read()?;
        layers.public_url.clone_from(&settings.public_url);
        Ok(Self { layers, live: RwLock::new(None), pipeline: RwLock::default() })
    }

    /// The release of this moment. A request takes it once, so no answer mixes two.
    fn live(&self) -> Result<Arc<Live>, Failure> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Failure::NotReady)
    }

    fn known(&self) -> Option<Arc<Live>> {
        self.live().ok()
    }

    fn pipeline(&self) -> Arc<Pipeline> {
        self.pipeline.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn switch(&self, live: Live) {
        info!(release = %live.release.release, months = %live.release.months, "serving");
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(live));
    }
}

/// Serves until it is told to stop. Listens at once; until a release is in the lake it answers 503.
pub async fn serve(settings: &Serve, lake: Lake, stop: CancellationToken) -> anyhow::Result<()> {
    let app = Arc::new(App::new(settings)?);
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, settings.port))
        .await
        .map_err(|error| anyhow!("cannot listen on port {}: {error}", settings.port))?;
    info!(port = listener.local_addr()?.port(), "listening");
    let every = settings.reload_seconds;
    tokio::spawn(follow(app.clone(), lake, settings.cache_mb, settings.refresh, every));

    let server = axum::serve(listener, router(app)).with_graceful_shutdown(stop.clone().cancelled_owned());
    let drained = async {
        stop.cancelled().await;
        info!("stopping");
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server => ended?,
        () = drained => info!("requests still open after {DRAIN:?} are cut"),
    }
    Ok(())
}

/// Reads what the refreshes say and switches to each release that the lake points to, so that a request needs nothing but
/// memory. What can't be loaded is logged, and what was known before stays.
async fn follow(app: Arc<App>, lake: Lake, cache_mb: u64, schedule: Schedule, every: Duration) {
    loop {
        match Pipeline::read(&lake, schedule).await {
            Ok(read) => *app.pipeline.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read),
            Err(error) => error!("records of runs not read: {error:#}"),
        }
        let known = app.known();
        let wait = match Live::load(&lake, known.as_deref(), cache_mb).await {
            Ok(Some(live)) => {
                app.switch(live);
                every
            }
            // The first release is awaited by people, the next ones are not.
            Ok(None) => known.map_or(FIRST, |_| every),
            Err(error) => {
                error!("release not loaded: {error:#}");
                every
            }
        };
        tokio::time::sleep(wait).await;
    }
}

fn router(app: Arc<App>) -> Router {
    let constant = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    // Read by pages of any origin, errors included.
    let open = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([IF_NONE_MATCH])
        .expose_headers([ETAG])
        .max_age(Duration::from_secs(86_400));
    let api = Router::new()
        .route("/v1/choropleth", get(choropleth))
        .route("/v1/counts", get(counts))
        .route("/v1/types", get(types))
        .route("/v1/months", get(months))
        .route("/v1/areas", get(areas))
        .route("/v1/areas/{file}", get(areas_file))
        .route("/v1/locate", get(locate))
        .route("/v1/freshness", get(freshness))
        .route("/v1/releases", get(releases))
        .route("/v1/runs", get(runs))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(open.clone());
    Router::new()
        .route("/", get(map))
        .merge(pages::routes())
        .route("/data", get(data))
        .route("/status", get(status_page))
        .route("/metrics", get(metrics))
        .route("/assets/{name}", get(asset))
        .route("/health/live", get(async || "live\n"))
        .route("/health/ready", get(ready))
        .merge(Router::new().route("/map.json", get(counts)).route("/map.geojson", get(choropleth)).layer(open.clone()))
        .merge(pages::data_routes().layer(open))
        .nest("/api", api)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app)
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Failure::Internal(anyhow!("a handler panicked")).respond("/api/")
        }))
        .layer(constant(CONTENT_SECURITY_POLICY, POLICY))
        .layer(constant(PERMISSIONS_POLICY, PERMISSIONS))
        .layer(constant(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(constant(REFERRER_POLICY, "strict-origin-when-cross-origin"))
        .layer(middleware::from_fn(log))
}

async fn not_found(OriginalUri(uri): OriginalUri) -> Response {
    Failure::NotFound.respond(uri.path())
}

async fn method_not_allowed(OriginalUri(uri): OriginalUri) -> Response {
    Failure::MethodNotAllowed.respond(uri.path())
}

async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    let (path, status) = (uri.path(), response.status().as_u16());
    let query = uri.query().filter(|_| path != locate::PATH);
    info!(%method, path, query, status, duration_us = started.elapsed().as_micros() as u64, "request");
    response
}

async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.live() {
        Ok(_) => "ready\n".into_response(),
        Err(failure) => failure.respond("/health/ready"),
    }
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("/assets/{name}");
    assets::body(&path).map_or_else(|| Failure::NotFound.respond(&path), |body| body.respond(&headers))
}

async fn map(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    let answer = async {
        let live = app.live()?;
        let view = View::parse(uri.query().unwrap_or(""), &live, &app.layers).map_err(Failure::BadParameters)?;
        let query = view.query(&live, &app.layers);
        if query != uri.query().unwrap_or("") {
            return Ok(redirect(&query));
        }
        let make = |live: &Live, layers: &Layers| page::map(view, live, layers);
        let body = answer(&app, live, format!("/?{query}"), make).await?;
        respond(body, headers).await
    };
    answer.await.unwrap_or_else(|failure: Failure| failure.respond("/"))
}

/// To the normal form of a query, so that what people copy from the address bar is short, and one view has one address.
fn redirect(query: &str) -> Response {
    let location = if query.is_empty() { "/".to_owned() } else { format!("/?{query}") };
    // Normal forms hold nothing but letters, digits and the marks of a query.
    let location = HeaderValue::from_str(&location).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

async fn choropleth(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    view_answer(app, uri, headers, api::choropleth).await
}

async fn counts(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    view_answer(app, uri, headers, api::counts).await
}

async fn types(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    fixed_answer(app, uri, headers, |live, _| api::types(live)).await
}

async fn months(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    fixed_answer(app, uri, headers, |live, _| api::months(live)).await
}

async fn areas(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    fixed_answer(app, uri, headers, areas::sets).await
}

async fn areas_file(Path(name): Path<String>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let body = || {
        refuse_all(uri.query().unwrap_or("")).map_err(Failure::BadParameters)?;
        areas::file(&name).ok_or(Failure::NotFound)
    };
    body().map_or_else(|failure| failure.respond(uri.path()), |body| body.respond(&headers))
}

async fn locate(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let body = || {
        let place = locate::Place::parse(uri.query().unwrap_or("")).map_err(Failure::BadParameters)?;
        locate::answer(&place, &app.layers).map_err(Failure::Internal)
    };
    body().map_or_else(|failure: Failure| failure.respond(uri.path()), |body| body.respond(&headers))
}

/// Answers a resource of the API that takes a view.
async fn view_answer(
    app: Arc<App>,
    uri: Uri,
    headers: HeaderMap,
    make: fn(View, &Live, &Layers) -> anyhow::Result<Body>,
) -> Response {
    let body = async {
        let live = app.live()?;
        let view = View::parse(uri.query().unwrap_or(""), &live, &app.layers).map_err(Failure::BadParameters)?;
        let key = format!("{}?{}", uri.path(), view.query(&live, &app.layers));
        let body = answer(&app, live, key, move |live, layers| make(view, live, layers)).await?;
        respond(body, headers).await
    };
    body.await.unwrap_or_else(|failure: Failure| failure.respond(uri.path()))
}

async fn data(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    fixed_answer(app, uri, headers, data::page).await
}

async fn status_page(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    answer_of_moment(&app, &uri, headers, status::page)
}

async fn freshness(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    answer_of_moment(&app, &uri, headers, status::freshness)
}

async fn releases(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    answer_of_moment(&app, &uri, headers, api::releases)
}

async fn runs(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    answer_of_moment(&app, &uri, headers, api::runs)
}

async fn metrics(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let body = status::metrics(app.known().as_deref(), &app.pipeline());
    body.map_or_else(|error| Failure::Internal(error).respond(uri.path()), |body| body.respond(&headers))
}

/// Answers a resource that changes while a release is live: small, and not kept.
fn answer_of_moment(
    app: &App,
    uri: &Uri,
    headers: HeaderMap,
    make: fn(&Live, &Pipeline) -> anyhow::Result<Body>,
) -> Response {
    let body = || {
        refuse_all(uri.query().unwrap_or("")).map_err(Failure::BadParameters)?;
        make(&*app.live()?, &app.pipeline()).map_err(Failure::Internal)
    };
    body().map_or_else(|failure: Failure| failure.respond(uri.path()), |body| body.respond(&headers))
}

/// Answers a resource that takes no parameters.
async fn fixed_answer(
    app: Arc<App>,
    uri: Uri,
    headers: HeaderMap,
    make: fn(&Live, &Layers) -> anyhow::Result<Body>,
) -> Response {
    let body = async {
        refuse_all(uri.query().unwrap_or("")).map_err(Failure::BadParameters)?;
        let body = answer(&app, app.live()?, uri.path().to_owned(), make).await?;
        respond(body, headers).await
    };
    body.await.unwrap_or_else(|failure: Failure| failure.respond(uri.path()))
}

/// Sends an answer. The first to ask for an encoding waits for the compression, and only they.
async fn respond(body: Arc<Body>, headers: HeaderMap) -> Result<Response, Failure> {
    if body.is_ready(&headers) {
        return Ok(body.respond(&headers));
    }
    let sent = tokio::task::spawn_blocking(move || body.respond(&headers)).await;
    Ok(sent.context("compressing panicked")?)
}

/// The kept answer, or a new one. Making one takes milliseconds of CPU, so it is done away from the other requests.
async fn answer(
    app: &Arc<App>,
    live: Arc<Live>,
    key: String,
    make: impl FnOnce(&Live, &Layers) -> anyhow::Result<Body> + Send + 'static,
) -> Result<Arc<Body>, Failure> {
    let (app, of) = (app.clone(), live.clone());
    let make = async move {
        let made = tokio::task::spawn_blocking(move || make(&of, &app.layers)).await;
        Ok(Arc::new(made.context("answering panicked")??))
    };
    live.answers
        .try_get_with(key, make)
        .await
        .map_err(|error: Arc<anyhow::Error>| Failure::Internal(anyhow::anyhow!("{error:#}")))
}
