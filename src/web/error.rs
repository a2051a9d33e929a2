//! Answers that are not what was asked for: a page for people, `application/problem+json` (RFC 9457) under `/api`.

use askama::Template;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::parameters::BadParameter;

/// Why a request is not answered.
#[derive(Debug)]
pub enum Failure {
    /// The query can't be used.
    BadParameters(Vec<BadParameter>),
    /// No such path.
    NotFound,
    /// The path is there, but not for this method.
    MethodNotAllowed,
    /// Path and query are longer than any of ours.
    UriTooLong,
    /// The header fields are more than any reader needs.
    HeadersTooLarge,
    /// A body came with a request that only reads.
    BodyNotWanted,
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
        let problem = Problem::new(self);
        let status = problem.status;
        let is_api = path.starts_with("/api/");
        let (content_type, body) = if is_api { problem.json() } else { problem.page() };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
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
            Failure::NotFound => (StatusCode::NOT_FOUND, "There is nothing at this address", String::new()),
            Failure::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "This address can only be read", "Use GET or HEAD.".to_owned())
            }
            Failure::UriTooLong => (
                StatusCode::URI_TOO_LONG,
                "This address is too long",
                "Path and query may have 2048 bytes together.".to_owned(),
            ),
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

    fn json(self) -> (&'static str, Vec<u8>) {
        #[derive(Serialize)]
        struct Json {
            r#type: &'static str,
            title: &'static str,
            status: u16,
            detail: String,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            errors: Vec<BadParameter>,
        }
        let json = Json {
            r#type: "about:blank",
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail,
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
