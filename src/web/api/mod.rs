//! `/api/v1`: the same numbers as the pages, for programs. Anonymous, readable from any origin.
//!
//! Everything that there is, is a row of [`RESOURCES`]: it is what requests are answered by, what OpenAPI describes and
//! what the page at `/api` shows.

mod areas;
mod counts;
mod downloads;
mod format;
mod list;
pub mod locate;
mod openapi;
mod query;
mod reference;
mod resource;
mod rows;
mod schema;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::header::{
    ACCESS_CONTROL_EXPOSE_HEADERS, HeaderName, HeaderValue, IF_NONE_MATCH, IF_RANGE, RANGE, VARY,
};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::get;
use tower_http::cors::{Any, CorsLayer};

use super::answer::Answer;
use super::app::App;
use super::error::Failure;
use super::live::Live;
use super::parameters::{Parameters, refuse_all, refuse_empty};
use super::respond::{Asked, answer, answer_quickly};
use super::view::{Period, View};
use format::Format;
use list::At;
use query::{HoursQuery, SeriesQuery};
pub use reference::page;
use resource::{Make, RESOURCES, Resource};

/// The parameter of `counts` that chooses columns.
const FIELDS: &str = "fields";

/// What all addresses here begin with.
const ROOT: &str = "/api/v1/";

/// The route of all resources.
pub const RESOURCE: &str = "/api/v1/{resource}";

/// What scripts of other origins may read of an answer's header.
const EXPOSED: &str = "etag,link,retry-after,accept-ranges,content-range,content-disposition";

/// Read by pages of any origin, errors included.
pub fn open() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers([IF_NONE_MATCH, IF_RANGE, RANGE])
        .expose_headers(EXPOSED.split(',').map(HeaderName::from_static).collect::<Vec<_>>())
        .max_age(Duration::from_secs(86_400))
}

/// Everything under `/api/v1`.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/areas/{file}", get(areas_file))
        .route("/downloads/{file}", get(download))
        .route("/{resource}", get(resource))
        .fallback(super::not_found)
        .method_not_allowed_fallback(super::method_not_allowed)
}

async fn openapi(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    super::respond::fixed(app, uri, headers, openapi::document).await
}

async fn areas_file(Path(name): Path<String>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let body = || {
        refuse_all(uri.query().unwrap_or("")).map_err(Failure::BadParameters)?;
        areas::file(&name).ok_or(Failure::NotFound)
    };
    body().map_or_else(|failure| failure.respond(uri.path()), |body| body.respond(&headers))
}

async fn download(
    State(app): State<Arc<App>>,
    Path(file): Path<String>,
    OriginalUri(uri): OriginalUri,
    method: Method,
    mut headers: HeaderMap,
) -> Response {
    // There are no ranges but for GET (RFC 9110, 14.2).
    if method == Method::HEAD {
        headers.remove(RANGE);
    }
    let answer = async {
        let query = uri.query().unwrap_or_default();
        refuse_empty(query).map_err(Failure::BadParameters)?;
        let live = app.live_of(query).await?;
        let pinned = downloads::is_pinned(query, &live).map_err(Failure::BadParameters)?;
        downloads::respond(&file, pinned, &live, &headers)
    };
    answer.await.unwrap_or_else(|failure: Failure| failure.respond(uri.path()))
}

async fn resource(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    respond(&app, &name, &uri, &headers).await
}

/// Answers with a resource, whose name may have a suffix, by the query of an address.
pub async fn respond(app: &App, name: &str, uri: &Uri, headers: &HeaderMap) -> Response {
    let (name, suffix) = name_and_suffix(name);
    let answered = async {
        refuse_empty(uri.query().unwrap_or_default()).map_err(Failure::BadParameters)?;
        let resource = RESOURCES.iter().find(|resource| resource.name == name).ok_or(Failure::NotFound)?;
        let format = resource.format(suffix, headers)?;
        Asking { app, resource, format, uri, headers }.answer().await
    };
    let mut response = answered.await.unwrap_or_else(|failure: Failure| failure.respond(uri.path()));
    vary(suffix, response.headers_mut());
    response
}

/// Without a suffix, `Accept` decides as well.
fn vary(suffix: Option<&str>, headers: &mut HeaderMap) {
    if suffix.is_none() {
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    }
}

/// The name under which the answer to an address of [`RESOURCE`] is kept once it was made.
pub fn kept_as(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let (name, suffix) = name_and_suffix(uri.path().strip_prefix(ROOT)?);
    let resource = RESOURCES.iter().find(|resource| resource.name == name)?;
    let format = resource.format(suffix, headers).ok()?;
    Some(key(resource, format, uri.query().unwrap_or_default()))
}

/// Adds to an answer from memory what it has when it is made.
pub fn complete(uri: &Uri, headers: &mut HeaderMap) {
    let (_, suffix) = name_and_suffix(uri.path());
    vary(suffix, headers);
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}

fn name_and_suffix(name: &str) -> (&str, Option<&str>) {
    name.split_once('.').map_or((name, None), |(name, suffix)| (name, Some(suffix)))
}

/// The address with its suffix: one name for what is the same.
fn key(resource: &Resource, format: Format, query: &str) -> String {
    [ROOT, resource.name, ".", format.suffix(), "?", query].concat()
}

/// A request for a resource in some form.
struct Asking<'a> {
    app: &'a App,
    resource: &'static Resource,
    format: Format,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl Asking<'_> {
    async fn answer(&self) -> Result<Response, Failure> {
        match self.resource.make {
            Make::Moment(make) => {
                refuse_all(self.query()).map_err(Failure::BadParameters)?;
                Ok(make(&*self.app.live()?, &self.app.pipeline()).map_err(Failure::Internal)?.respond(self.headers))
            }
            Make::Place => {
                let place = locate::Place::parse(self.query()).map_err(Failure::BadParameters)?;
                let body = locate::answer(&place, &self.app.layers).map_err(Failure::Internal)?;
                Ok(body.respond(self.headers))
            }
            _ => self.make().await,
        }
    }

    /// Of a release: kept.
    async fn make(&self) -> Result<Response, Failure> {
        let live = self.app.live_of(self.query()).await?;
        let (live, layers) = (&live, &self.app.layers);
        match self.resource.make {
            Make::View(make) => {
                let (view, fields) = self.view(live)?;
                let mut query = view.query(live, layers);
                if !fields.is_empty() {
                    query.push_str(if query.is_empty() { "" } else { "&" });
                    query.push_str(&format!("{FIELDS}={}", fields.join("%2C")));
                }
                let body = async {
                    let series = live.series(view.request_type.as_ref(), view.joined).await?;
                    let answer = Answer::new(view.clone(), series, live, layers);
                    make(&answer, fields, &self.at(live, &query))
                };
                answer_quickly(self.app, self.asked(live, &query, view.pinned), self.headers, body).await
            }
            Make::Series => {
                let asked = SeriesQuery::parse(self.query(), live, layers).map_err(Failure::BadParameters)?;
                let query = asked.query(live, layers);
                let body = async {
                    let series = live.series(asked.view.request_type.as_ref(), asked.view.joined).await?;
                    asked.list(&series, live, layers, self.format == Format::Csv).render(&self.at(live, &query))
                };
                answer(self.app, self.asked(live, &query, asked.view.pinned), self.headers, body).await
            }
            Make::Hours => {
                let asked = HoursQuery::parse(self.query(), live, layers).map_err(Failure::BadParameters)?;
                let query = asked.0.query(live, layers);
                let body = async { list::List::from(asked.rows(live)).render(&self.at(live, &query)) };
                answer(self.app, self.asked(live, &query, asked.0.pinned), self.headers, body).await
            }
            Make::Release(make) => {
                let pinned = downloads::is_pinned(self.query(), live).map_err(Failure::BadParameters)?;
                let query = if pinned { format!("release={}", live.release.release) } else { String::new() };
                let body = async { make(layers, &self.at(live, &query)) };
                answer(self.app, self.asked(live, &query, pinned), self.headers, body).await
            }
            Make::Moment(_) | Make::Place => Err(Failure::NotFound),
        }
    }

    /// The view, and the columns that are wanted of it.
    fn view(&self, live: &Live) -> Result<(View, Vec<&'static str>), Failure> {
        let known: Vec<&'static str> = self.resource.parameters.iter().map(|parameter| parameter.name).collect();
        let asked = Parameters::read(self.query(), &known);
        let fields = |asked: &mut Parameters| self.resource.fields(asked);
        View::parse_with(asked, Period::Latest, live, &self.app.layers, fields).map_err(Failure::BadParameters)
    }

    fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    fn asked(&self, live: &Arc<Live>, query: &str, pinned: bool) -> Asked {
        Asked { live: live.clone(), key: key(self.resource, self.format, query), pinned }
    }

    fn at<'l>(&self, live: &'l Live, query: &'l str) -> At<'l> {
        At { live, name: self.resource.name, query, format: self.format }
    }
}
