//! Routes of the pages and of what can be taken away from them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::app::App;
use super::area::{self, Subject};
use super::body::Body;
use super::embed::{self, Embed};
use super::error::Failure;
use super::layers::Layers;
use super::live::Live;
use super::parameters::refuse_all;
use super::respond::{self, Asked};
use super::search::{self, Found};
use super::{api, months, picture, request_type, types, values, words};
use crate::domain::{Area, Fsa, Month, TypeId, Ward, WardModel};
use crate::marts::Series;

/// All of them.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/values", get(values_only))
        .route("/map.{suffix}", get(map_as).layer(api::open()))
        .route("/embed", get(embedded))
        .route("/months", get(side_by_side))
        .route("/search", get(search))
        .route("/types", get(types_page))
        .route("/types.json", get(types_list))
        .route("/types/{type}", get(one_type))
        .route("/wards/{ward}", get(ward))
        .route("/wards/{ward}/{month}", get(ward_report))
        .route("/fsas/{fsa}", get(fsa))
        .route("/fsas/{fsa}/{month}", get(fsa_report))
}

/// In which form a page is asked for, by the end of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Json,
    Csv,
    Atom,
}

impl Form {
    /// The name of a thing without the ending of its form; `None` for endings that there are not.
    fn of(name: &str) -> Option<(&str, Self)> {
        match name.rsplit_once('.') {
            None => Some((name, Self::Html)),
            Some((name, ending)) => {
                let form = [Self::Json, Self::Csv, Self::Atom].into_iter().find(|form| form.ending() == ending);
                Some((name, form?))
            }
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Html => "",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Atom => "atom",
        }
    }
}

/// The map for frames in other pages: the one page that others may frame.
async fn embedded(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let body = async {
        let query = uri.query().unwrap_or_default();
        let live = app.live_of(query).await?;
        let (embed, asked) = Embed::parse(query, live.clone(), &app.layers).map_err(Failure::BadParameters)?;
        let making = async {
            let series = live.series(embed.view.request_type.as_ref(), embed.view.joined).await?;
            embed.page(series, &live, &app.layers)
        };
        respond::answer(&app, asked, &headers, making).await
    };
    let mut response = body.await.unwrap_or_else(|failure: Failure| failure.respond(uri.path()));
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(embed::POLICY));
    response
}

async fn values_only(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    respond::view(app, uri, headers, values::body).await
}

async fn side_by_side(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    respond::view(app, uri, headers, months::page).await
}

/// The view of the map as a picture, as numbers with their shapes, or as the table.
async fn map_as(
    State(app): State<Arc<App>>,
    Path(suffix): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    match suffix.as_str() {
        "svg" => respond::view(app, uri, headers, picture::svg).await,
        "png" => respond::view(app, uri, headers, picture::png).await,
        "geojson" => api::respond(&app, "choropleth.geojson", &uri, &headers).await,
        suffix => api::respond(&app, &format!("counts.{suffix}"), &uri, &headers).await,
    }
}

async fn types_page(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    respond::fixed(app, uri, headers, types::page).await
}

async fn types_list(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    respond::fixed(app, uri, headers, types::list).await
}

async fn one_type(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let find = |live: &Live, _: &Layers| {
        let (name, form) = Form::of(&name)?;
        let id: TypeId = name.parse().ok().filter(|id: &TypeId| live.marts.request_type(id.as_str()).is_some())?;
        Some((id, form))
    };
    let make = |(id, form), series, live: &Live, layers: &Layers| match form {
        Form::Html => request_type::page(id, series, live, layers),
        Form::Json => request_type::json(id, series, live, layers),
        Form::Csv => request_type::csv(id, series, live, layers),
        Form::Atom => request_type::feed(id, series, live, layers),
    };
    page_of(app, uri, headers, find, |(id, _)| Some(id.clone()), make).await
}

async fn ward(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let Some((name, form)) = Form::of(&name) else { return Failure::NotFound.respond(uri.path()) };
    let path = ward_of(name).and_then(|ward| area::bounded(ward, &app.layers)).and_then(words::path);
    match path {
        Some(path) if path.strip_prefix("/wards/") != Some(name) => {
            let dot = if form == Form::Html { "" } else { "." };
            moved(&format!("{path}{dot}{}", form.ending()))
        }
        _ => one_area(app, uri, headers, ward_of(name), None, form).await,
    }
}

/// The number is the key; the name is for people and may change.
fn ward_of(name: &str) -> Option<Area> {
    let number = name.split_once('-').map_or(name, |(number, _)| number);
    let is_plain = !number.starts_with(['0', '+']);
    Ward::new(WardModel::Wards25, number.parse().ok().filter(|_| is_plain)?).map(Area::Ward)
}

async fn fsa(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let Some((name, form)) = Form::of(&name) else { return Failure::NotFound.respond(uri.path()) };
    one_area(app, uri, headers, Fsa::new(name.as_bytes()).map(Area::Fsa), None, form).await
}

async fn ward_report(
    State(app): State<Arc<App>>,
    Path((ward, month)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let Some((month, form)) = Form::of(&month) else { return Failure::NotFound.respond(uri.path()) };
    let ward = ward_of(&ward).filter(|_| !ward.contains('-'));
    one_area(app, uri, headers, ward, Some(month), form).await
}

async fn fsa_report(
    State(app): State<Arc<App>>,
    Path((fsa, month)): Path<(String, String)>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Response {
    let Some((month, form)) = Form::of(&month) else { return Failure::NotFound.respond(uri.path()) };
    one_area(app, uri, headers, Fsa::new(fsa.as_bytes()).map(Area::Fsa), Some(month), form).await
}

/// The page of an area or, with a month, its report.
async fn one_area(
    app: Arc<App>,
    uri: Uri,
    headers: HeaderMap,
    area: Option<Area>,
    month: Option<&str>,
    form: Form,
) -> Response {
    let find = |live: &Live, layers: &Layers| {
        let area = area.filter(|area| area::bounded(*area, layers).is_some())?;
        let month = match month {
            None => area::last_month(area, live)?,
            Some(month) => month.parse().ok().filter(|month: &Month| area::has_report(area, *month, live))?,
        };
        Some(Subject { area, month, report: uri.path().matches('/').count() == 3 })
    };
    let make = move |subject, _, live: &Live, layers: &Layers| match form {
        Form::Html => area::page(subject, live, layers),
        Form::Json => area::json(subject, live, layers),
        Form::Csv => area::csv(subject, live, layers),
        Form::Atom => area::feed(subject, live, layers),
    };
    page_of(app, uri.clone(), headers, find, |_| None, make).await
}

/// Answers with the page of what a path names, if there is such a thing, by the counts of a type or of all.
async fn page_of<T: Send + 'static>(
    app: Arc<App>,
    uri: Uri,
    headers: HeaderMap,
    find: impl FnOnce(&Live, &Layers) -> Option<T>,
    counts_of: fn(&T) -> Option<TypeId>,
    make: impl FnOnce(T, Arc<Series>, &Live, &Layers) -> anyhow::Result<Body> + Send + 'static,
) -> Response {
    let body = async {
        refuse_all(uri.query().unwrap_or_default()).map_err(Failure::BadParameters)?;
        let live = app.live()?;
        let thing = find(&live, &app.layers).ok_or(Failure::NotFound)?;
        let asked = Asked { live: live.clone(), key: uri.path().to_owned(), pinned: false };
        let of = app.clone();
        let making = async move {
            let series = live.series(counts_of(&thing).as_ref(), false).await?;
            // Reading the types of all areas, which the first page of a release does, takes too long for this thread.
            tokio::task::spawn_blocking(move || make(thing, series, &live, &of.layers)).await?
        };
        respond::answer(&app, asked, &headers, making).await
    };
    body.await.unwrap_or_else(|failure: Failure| failure.respond(uri.path()))
}

async fn search(State(app): State<Arc<App>>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let body = || {
        let text = search::text(uri.query().unwrap_or("")).map_err(Failure::BadParameters)?;
        let live = app.live()?;
        let found = Found::new(text, &live, &app.layers);
        if let Some(path) = found.only() {
            return Ok(to(StatusCode::SEE_OTHER, path));
        }
        Ok(found.page(&live, &app.layers).map_err(Failure::Internal)?.respond(&headers))
    };
    body().unwrap_or_else(|failure: Failure| failure.respond(uri.path()))
}

/// To the address that a thing has for good.
fn moved(path: &str) -> Response {
    to(StatusCode::PERMANENT_REDIRECT, path)
}

fn to(status: StatusCode, path: &str) -> Response {
    // Paths of ours hold nothing but letters, digits, hyphens and dots; slugs of other scripts are escaped.
    let escaped: String = path.bytes().map(escape).collect();
    let location = HeaderValue::from_str(&escaped).unwrap_or(HeaderValue::from_static("/"));
    (status, [(LOCATION, location)]).into_response()
}

fn escape(byte: u8) -> String {
    if byte.is_ascii_graphic() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}
