//! Answers that are not what was asked for: a page for people, `application/problem+json` (RFC 9457) for programs.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use super::parameters::BadParameter;

/// Bytes of path and query that are read. The longest normal form of a view has some 200.
pub const LONGEST_ADDRESS: usize = 2048;

/// Why a request is not answered.
#[derive(Debug)]
pub enum Failure {
    /// The query can't be used.
    BadParameters(Vec<BadParameter>),
    /// No such path.
    NotFound,
    /// The resource has none of the forms that the client takes, but these.
    NotAcceptable(Vec<&'static str>),
    /// Path and query are longer than any of ours.
    TooLong,
    /// This client has asked too often; it may ask again after some seconds.
    TooMany(u64),
    /// More requests are at work than this server can do at a time, or this one took too long.
    Busy,
    /// The path is there, but not for this method.
    MethodNotAllowed,
    /// The header fields are more than any reader needs.
    HeadersTooLarge,
    /// A body came with a request that only reads.
    BodyNotWanted,
    /// The file has this many bytes, and none in the range that is asked for.
    NoSuchRange(usize),
    /// No release has been loaded yet.
    NotReady,
    /// Our fault; the cause is for the log.
    Internal(anyhow::Error),
}

impl Failure {
    /// The answer for a request to a path.
    pub fn respond(self, path: &str) -> Response {
        if let Self::Internal(error) = &self {
            tracing::error!(path, "request failed: {error:#}");
        }
        let wait = match &self {
            Self::TooMany(seconds) => Some(*seconds),
            Self::Busy => Some(1),
            Self::NotReady => Some(2),
            _ => None,
        };
        let whole = if let Self::NoSuchRange(bytes) = self { Some(format!("bytes */{bytes}")) } else { None };
        let problem = Problem::new(self);
        let status = problem.status;
        let (content_type, body) = if is_for_programs(path) { problem.json(path) } else { problem.page() };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = wait {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Some(whole) = whole.and_then(|whole| HeaderValue::try_from(whole).ok()) {
            headers.insert(CONTENT_RANGE, whole);
        }
        response
    }
}

/// Pages have forms for programs, too.
fn is_for_programs(path: &str) -> bool {
    path.starts_with("/api/") || [".json", ".geojson", ".csv"].iter().any(|ending| path.ends_with(ending))
}

/// `application/problem+json`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemJson {
    /// Where this kind of problem is explained.
    r#type: String,
    /// What kind of problem it is.
    title: &'static str,
    /// As in the status line.
    status: u16,
    /// What is wrong, and what would be right.
    detail: String,
    /// The path that was asked for.
    instance: String,
    /// Each parameter that can't be used.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<BadParameter>,
}

/// What is said about a failure, in either form.
struct Problem {
    status: StatusCode,
    title: &'static str,
    detail: String,
    errors: Vec<BadParameter>,
}

impl Problem {
    fn new(failure: Failure) -> Self {
        let (status, title, detail) = match &failure {
            Failure::BadParameters(errors) => {
                let sentences: Vec<_> = errors.iter().map(ToString::to_string).collect();
                (StatusCode::BAD_REQUEST, "This address has values that cannot be shown", sentences.join("; "))
            }
            Failure::NotFound => (
                StatusCode::NOT_FOUND,
                "There is nothing at this address",
                "The map is at /, and what programs can ask for at /api.".to_owned(),
            ),
            Failure::NotAcceptable(media_types) => (
                StatusCode::NOT_ACCEPTABLE,
                "There is no such form of this",
                format!("Accept may be {}.", media_types.join(", ")),
            ),
            Failure::TooLong => (
                StatusCode::URI_TOO_LONG,
                "This address is too long",
                format!("Path and query may have {LONGEST_ADDRESS} bytes together."),
            ),
            Failure::TooMany(seconds) => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many requests",
                format!("Please wait {seconds} s. For all numbers at once there are /api/v1/downloads."),
            ),
            Failure::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "The server is busy", "Please try again in a second.".to_owned())
            }
            Failure::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "This address can only be read", "Use GET or HEAD.".to_owned())
            }
            Failure::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The header of this request is too large",
                "All fields together may have 16384 bytes.".to_owned(),
            ),
            Failure::BodyNotWanted => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "This address takes no body",
                "Everything that can be asked for is in the address.".to_owned(),
            ),
            Failure::NoSuchRange(bytes) => {
                (StatusCode::RANGE_NOT_SATISFIABLE, "There are no such bytes", format!("The file has {bytes} bytes."))
            }
            Failure::NotReady => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The map is being prepared",
                "The first release is being built. This takes some seconds.".to_owned(),
            ),
            Failure::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on our side",
                "It has been logged. Please try again later.".to_owned(),
            ),
        };
        let errors = if let Failure::BadParameters(errors) = failure { errors } else { Vec::new() };
        Self { status, title, detail, errors }
    }

    fn json(self, path: &str) -> (&'static str, Vec<u8>) {
        let status = self.status.as_u16();
        let json = ProblemJson {
            r#type: format!("/api#problem-{status}"),
            title: self.title,
            status,
            detail: self.detail,
            instance: path.chars().take(200).collect(),
            errors: self.errors,
        };
        // Texts and numbers always serialise.
        ("application/problem+json", serde_json::to_vec(&json).unwrap_or_default())
    }

    fn page(self) -> (&'static str, Vec<u8>) {
        #[derive(Template)]
        #[template(path = "error.html")]
        struct Page<'a> {
            title: &'a str,
            detail: &'a str,
            errors: &'a [BadParameter],
            waiting: bool,
        }
        let detail = if self.errors.is_empty() { self.detail.as_str() } else { "" };
        let waiting = self.status == StatusCode::SERVICE_UNAVAILABLE;
        let page = Page { title: self.title, detail, errors: &self.errors, waiting };
        ("text/html; charset=utf-8", page.render().unwrap_or_else(|_| self.title.to_owned()).into_bytes())
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}
