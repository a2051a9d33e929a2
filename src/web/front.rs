//! What happens to every request, whatever it asks for: it is noted, refused if it is out of bounds, answered from memory if
//! it can be, and its answer gets the headers of all. One layer and not five, as each is copied for each request.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use anyhow::anyhow;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;

use super::app::App;
use super::error::Failure;
use super::limits::Limits;
use super::traffic::Noted;
use super::{api, respond, security};

/// What it takes to answer without a handler.
pub struct Front {
    /// What all requests share.
    pub app: Arc<App>,
    /// Those of the handlers.
    pub limits: Arc<Limits>,
}

/// Answers a request or has it answered.
pub async fn pass(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let noted = Noted::of(&request);
    let mut response = match security::excess(&request) {
        Some(failure) => failure.respond(request.uri().path()),
        None => AssertUnwindSafe(front.answer(request, next))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Failure::Internal(anyhow!("a handler panicked")).respond("/api/")),
    };
    security::add_headers(response.headers_mut());
    noted.answered(&front.app, &mut response);
    response
}

impl Front {
    /// Most of what is asked for is in memory. It needs none of what a handler has around it, which would cost a fifth of
    /// the answer.
    async fn answer(&self, request: Request, next: Next) -> Response {
        let kept = match (self.app.known(), kept_as(&request)) {
            (Some(live), Some(name)) => live.answers.get(&name).await,
            _ => None,
        };
        let Some(body) = kept.filter(|body| body.is_ready(request.headers())) else { return next.run(request).await };
        let mut response = match self.limits.admit(&request) {
            Ok(()) => respond::again(&self.app, &body, request.headers()),
            Err(failure) => failure.respond(request.uri().path()),
        };
        if route(&request) == api::RESOURCE {
            api::complete(request.uri(), response.headers_mut());
        }
        response
    }
}

/// The name under which an answer is kept once it was made, of what is asked for all the time: so an address that is such
/// a name need not be read.
fn kept_as(request: &Request) -> Option<String> {
    let uri = request.uri();
    match route(request) {
        _ if !matches!(*request.method(), Method::GET | Method::HEAD) => None,
        "/" | "/values" => Some([uri.path(), uri.query().unwrap_or_default()].join("?")),
        api::RESOURCE => api::kept_as(uri, request.headers()),
        _ => None,
    }
}

fn route(request: &Request) -> &str {
    request.extensions().get().map_or("", MatchedPath::as_str)
}
