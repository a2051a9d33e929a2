//! What every request has to keep to and what every answer carries, whatever it is.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request};
use http_body::Body;

use super::error::{Failure, LONGEST_ADDRESS};

/// Everything comes from this server; Leaflet sets styles by script, which needs no exception.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

/// Of what a browser could give, these pages ask for the position, when somebody presses a button, and nothing else.
const PERMISSIONS: &str = "geolocation=(self), camera=(), microphone=(), display-capture=(), usb=(), payment=()";

/// For answers that do not say otherwise. Browsers heed the first only over TLS. All is public and without cookies, so other
/// sites may show and read it, errors included; the last lets a base map know the site that asks, which some require.
const HEADERS: [(HeaderName, &str); 8] = [
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (HeaderName::from_static("permissions-policy"), PERMISSIONS),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (REFERRER_POLICY, "strict-origin-when-cross-origin"),
];

/// Names and values of the header fields together.
const HEADER_BYTES: usize = 16 << 10;

/// Adds the headers.
pub fn add_headers(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// What no reader of this site sends, if a request has it.
pub fn excess<B: Body>(request: &Request<B>) -> Option<Failure> {
    let address = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    let headers: usize = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    match () {
        () if address > LONGEST_ADDRESS => Some(Failure::TooLong),
        () if headers > HEADER_BYTES => Some(Failure::HeadersTooLarge),
        // Other methods are refused as such.
        () if reads && !request.body().is_end_stream() => Some(Failure::BodyNotWanted),
        () => None,
    }
}
