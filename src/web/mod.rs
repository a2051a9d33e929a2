//! The web server: `GET` a view, get a page, GeoJSON or JSON, all from the release in memory.
//!
//! A request is parsed once into a view, answered from the live release and kept, with its compressed forms, under its
//! normalised query. Nothing here writes data: releases appear in the lake, and [`serve`] switches to them.

mod answer;
mod api;
mod app;
mod area;
mod assets;
mod body;
mod controls;
mod data;
mod embed;
mod error;
mod feed;
mod front;
mod history;
mod layers;
mod limits;
mod listen;
mod live;
mod months;
mod page;
mod pages;
mod parameters;
mod parts;
mod picture;
mod request_type;
mod respond;
mod search;
mod security;
mod series;
mod site;
mod status;
mod traffic;
mod trend;
mod types;
mod values;
mod view;
mod week;
mod words;

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::anyhow;
use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::config::Serve;
use crate::lake::Lake;
pub use api::respond as resource;
pub use app::App;
use error::Failure;
use front::{Front, pass};
use limits::{Limits, limit};
use respond::Asked;
use view::View;

/// Serves until it is told to stop. Listens at once; until a release is in the lake it answers 503.
pub async fn serve(settings: &Serve, lake: Lake, stop: CancellationToken) -> anyhow::Result<()> {
    let app = Arc::new(App::new(settings, lake)?);
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, settings.port))
        .await
        .map_err(|error| anyhow!("cannot listen on port {}: {error}", settings.port))?;
    info!(port = listener.local_addr()?.port(), "listening");
    let (follower, schedule, every) = (app.clone(), settings.refresh, settings.reload_seconds);
    tokio::spawn(async move { follower.follow(schedule, every).await });

    let limits = Limits::new(settings.rate_limit, settings.trusted_proxies);
    let router = TowerToHyperService::new(router(app.clone(), limits.clone()));
    listen::serve(listener, Arc::new(Front { app, limits, router }), listen::Limits::default(), stop).await;
    Ok(())
}

fn router(app: Arc<App>, limits: Arc<Limits>) -> Router {
    let fair = middleware::from_fn_with_state(limits, limit);
    let pages = Router::new()
        .route("/", get(map))
        .merge(pages::routes())
        .route("/data", get(data))
        .route("/status", get(status_page))
        .route("/api", get(reference))
        .route("/metrics", get(metrics))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(fair.clone());
    Router::new()
        .route("/assets/{name}", get(asset))
        // Browsers ask for it beside whatever is no page of ours.
        .route("/favicon.ico", get(async || Redirect::temporary(assets::path("icon.svg"))))
        .route("/health/live", get(async || "live\n"))
        .route("/health/ready", get(ready))
        .merge(pages)
        .nest("/api/v1", api::router().layer(fair).layer(api::open()))
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(app)
        .layer(middleware::from_fn(pass))
}

async fn not_found(OriginalUri(uri): OriginalUri) -> Response {
    Failure::NotFound.respond(uri.path())
}

async fn method_not_allowed(OriginalUri(uri): OriginalUri) -> Response {
    Failure::MethodNotAllowed.respond(uri.path())
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
    let asked = uri.query().unwrap_or_default();
    let answer = async {
        let live = app.live_of(asked).await?;
        let view = View::parse(asked, &live, &app.layers).map_err(Failure::BadParameters)?;
        let query = view.query(&live, &app.layers);
        if query != asked {
            return Ok(redirect(&query));
        }
        let kept = Asked { live: live.clone(), key: format!("/?{query}"), pinned: view.pinned };
        respond::answer(&app, kept, &headers, respond::render(view, &live, &app.layers, page::map)).await
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

async fn data(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    respond::fixed(app, uri, headers, data::page).await
}

async fn reference(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    respond::fixed(app, uri, headers, api::page).await
}

async fn status_page(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    respond::of_moment(&app, &uri, &headers, status::page)
}

async fn metrics(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let body = status::metrics(app.known().as_deref(), &app);
    body.map_or_else(|error| Failure::Internal(error).respond(uri.path()), |body| body.respond(&headers))
}
