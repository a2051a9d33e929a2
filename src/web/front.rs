//! What happens to every request, whatever it asks for: it is noted, answered from memory if it can be, refused if it is out
//! of bounds, and its answer gets the headers of all. Most of it in front of the router and in no layer of it: what is in
//! memory needs no route, and a layer is copied for each request.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use anyhow::anyhow;
use axum::Router;
use axum::extract::{ConnectInfo, MatchedPath};
use axum::http::{Method, Request};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use super::app::App;
use super::body::Body;
use super::error::Failure;
use super::limits::Limits;
use super::listen::Respond;
use super::traffic::{Noted, UNMATCHED};
use super::{api, respond, security};

/// What it takes to answer with and without a handler.
pub struct Front {
    /// What all requests share.
    pub app: Arc<App>,
    /// Those of the handlers.
    pub limits: Arc<Limits>,
    /// The handlers.
    pub router: TowerToHyperService<Router>,
}

/// Answers or has answered.
impl Respond for Arc<Front> {
    async fn respond(self, request: Request<Incoming>, peer: SocketAddr) -> Response {
        let noted = Noted::of(&request);
        let kept = if security::excess(&request).is_none() { self.kept(&request).await } else { None };
        let (route, mut response) = match kept {
            Some((route, body)) => (Some(route), self.again(&request, peer, route, &body)),
            None => (None, self.handled(request, peer).await),
        };
        security::add_headers(response.headers_mut());
        let matched = response.extensions_mut().remove::<Option<MatchedPath>>().flatten();
        let route = route.or(matched.as_ref().map(MatchedPath::as_str)).unwrap_or(UNMATCHED);
        noted.answered(&self.app, route, &mut response);
        response
    }
}

impl Front {
    /// What was made before, in an encoding that is ready, and its route. Most of what is asked for is.
    async fn kept(&self, request: &Request<Incoming>) -> Option<(&'static str, Arc<Body>)> {
        let (route, name) = kept_as(request)?;
        let body = self.app.known()?.answers.get(&name).await?;
        body.is_ready(request.headers()).then_some((route, body))
    }

    fn again(&self, request: &Request<Incoming>, peer: SocketAddr, route: &str, body: &Arc<Body>) -> Response {
        let mut response = match self.limits.admit(request.headers(), Some(peer)) {
            Ok(()) => respond::again(&self.app, body, request.headers()),
            Err(failure) => failure.respond(request.uri().path()),
        };
        if route == api::RESOURCE {
            api::complete(request.uri(), response.headers_mut());
        }
        response
    }

    async fn handled(&self, mut request: Request<Incoming>, peer: SocketAddr) -> Response {
        request.extensions_mut().insert(ConnectInfo(peer));
        let Ok(response) = self.router.call(request).await;
        response
    }
}

/// What happens to every request for a handler: it is refused if it is out of bounds, a panic is an answer, and the front is
/// told the route.
pub async fn pass(route: Option<MatchedPath>, request: axum::extract::Request, next: Next) -> Response {
    let mut response = match security::excess(&request) {
        Some(failure) => failure.respond(request.uri().path()),
        None => AssertUnwindSafe(next.run(request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Failure::Internal(anyhow!("a handler panicked")).respond("/api/")),
    };
    response.extensions_mut().insert(route);
    response
}

/// Of what is asked for all the time its route, and the name under which an answer is kept once it was made: an address
/// that is such a name need not be read.
fn kept_as<B>(request: &Request<B>) -> Option<(&'static str, String)> {
    let uri = request.uri();
    let route = match uri.path() {
        _ if !matches!(*request.method(), Method::GET | Method::HEAD) => return None,
        "/" => "/",
        "/values" => "/values",
        _ => return Some((api::RESOURCE, api::kept_as(uri, request.headers())?)),
    };
    Some((route, [route, uri.query().unwrap_or_default()].join("?")))
}
