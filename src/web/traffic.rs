//! What the server did, request by request: a log line each, and counts by route for `/metrics`.
//!
//! A route is the pattern that matched, so neither the lines' `route` nor the labels grow with what is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use axum::response::Response;
use tracing::info;

use super::api::locate;
use super::app::App;
use crate::telemetry;

/// Upper bounds of the classes of durations, in seconds. The objectives are at 0.1 (data) and 0.25 (pages).
const BUCKETS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// The route of a request that no pattern matches.
pub const UNMATCHED: &str = "unmatched";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest address in a log line, in bytes.
const LOGGED_URL: usize = 256;

/// Requests since the start, by class of status and route.
#[derive(Default)]
pub struct Traffic(Mutex<BTreeMap<&'static str, BTreeMap<String, Histogram>>>);

#[derive(Default, Clone)]
struct Histogram {
    /// Within each bound and not within the one before.
    buckets: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

impl Traffic {
    fn count(&self, route: &str, class: &'static str, took: Duration) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let routes = all.entry(class).or_default();
        let histogram = match routes.get_mut(route) {
            Some(histogram) => histogram,
            None => routes.entry(route.to_owned()).or_default(),
        };
        let seconds = took.as_secs_f64();
        if let Some(at) = BUCKETS.iter().position(|&bound| seconds <= bound) {
            histogram.buckets[at] += 1;
        }
        histogram.count += 1;
        histogram.sum += took;
    }
}

impl fmt::Display for Traffic {
    /// In Prometheus' text format.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let name = "toronto311_http_request_duration_seconds";
        writeln!(f, "# HELP {name} Requests by route, class of status and time until the head of the answer.")?;
        writeln!(f, "# TYPE {name} histogram")?;
        for (class, route, histogram) in all.iter().flat_map(|(class, of)| of.iter().map(move |(r, h)| (class, r, h))) {
            let labels = format!("route=\"{route}\",status=\"{class}\"");
            let mut within = 0;
            for (bound, count) in BUCKETS.iter().zip(histogram.buckets) {
                within += count;
                writeln!(f, "{name}_bucket{{{labels},le=\"{bound}\"}} {within}")?;
            }
            writeln!(f, "{name}_bucket{{{labels},le=\"+Inf\"}} {}", histogram.count)?;
            writeln!(f, "{name}_sum{{{labels}}} {}", histogram.sum.as_secs_f64())?;
            writeln!(f, "{name}_count{{{labels}}} {}", histogram.count)?;
        }
        Ok(())
    }
}

/// What is noted of a request before it is answered.
pub struct Noted {
    started: Instant,
    method: Method,
    url: String,
    trace: Option<Trace>,
}

impl Noted {
    /// Of a request that has just come.
    pub fn of<B>(request: &Request<B>) -> Self {
        Self {
            started: Instant::now(),
            method: request.method().clone(),
            url: logged(request.uri()),
            trace: Trace::of(request.headers()),
        }
    }

    /// Logs and counts the request to a route, and gives its answer an id by which its line is found.
    pub fn answered(self, app: &App, route: &str, response: &mut Response) {
        let (took, status) = (self.started.elapsed(), response.status());
        let class = class(status.as_u16());
        app.traffic.count(route, class, took);
        let live = app.known();
        let trace_name = self.trace.as_ref().map(|trace| trace.name(app.trace_project.as_deref()));
        let request_id = format!("{:016x}", fastrand::u64(..));
        info!(
            target: telemetry::REQUEST,
            {
                "httpRequest.requestMethod" = self.method.as_str(),
                "httpRequest.requestUrl" = self.url,
                "httpRequest.status" = status.as_u16(),
                "httpRequest.latency" = format!("{:.6}s", took.as_secs_f64()),
                route,
                status_class = class,
                duration_ms = took.as_micros() as f64 / 1000.0,
                release = live.as_deref().map(|live| live.release.release.as_str()),
                request_id,
                "logging.googleapis.com/trace" = trace_name,
                "logging.googleapis.com/spanId" = self.trace.and_then(|trace| trace.span),
            },
            "request"
        );
        if let Ok(id) = HeaderValue::try_from(request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
    }
}

/// What is logged of an address: not all of a long one, and no place of a person.
fn logged(uri: &Uri) -> String {
    let path_and_query =
        if uri.path().starts_with(locate::PATH) { uri.path() } else { uri.path_and_query().map_or("", |u| u.as_str()) };
    path_and_query[..path_and_query.floor_char_boundary(LOGGED_URL)].to_owned()
}

fn class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

/// The trace that a request belongs to.
struct Trace {
    id: String,
    span: Option<String>,
}

impl Trace {
    /// From W3C's header, or else from Google's older one. What is not of their form is nobody's trace.
    fn of(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let hex = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(parent) = text("traceparent") {
            let mut parts = parent.split('-').skip(1);
            let (id, span) = (parts.next()?, parts.next()?);
            return (hex(id, 32) && hex(span, 16)).then(|| Self { id: id.to_owned(), span: Some(span.to_owned()) });
        }
        let (id, rest) = text("x-cloud-trace-context")?.split_once('/')?;
        let span: Option<u64> = rest.split(';').next().and_then(|span| span.parse().ok());
        hex(id, 32).then(|| Self { id: id.to_owned(), span: span.map(|span| format!("{span:016x}")) })
    }

    /// As Cloud Logging wants it.
    fn name(&self, project: Option<&str>) -> String {
        project.map_or_else(|| self.id.clone(), |project| format!("projects/{project}/traces/{}", self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(name: &'static str, value: &str) -> Option<(String, Option<String>)> {
        let headers = HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())]);
        Trace::of(&headers).map(|trace| (trace.name(Some("map")), trace.span))
    }

    #[test]
    fn both_headers_name_a_trace_and_nonsense_names_none() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let known = Some((format!("projects/map/traces/{id}"), Some("00f067aa0ba902b7".to_owned())));
        assert_eq!(trace("traceparent", &format!("00-{id}-00f067aa0ba902b7-01")), known);
        assert_eq!(trace("x-cloud-trace-context", &format!("{id}/67667974448284343;o=1")), known);
        assert_eq!(trace("traceparent", "00-\"},{\"severity\":\"ALERT-00f067aa0ba902b7-01"), None);
        assert_eq!(trace("x-cloud-trace-context", id), None);
    }

    #[test]
    fn durations_are_counted_in_every_bucket_that_holds_them() {
        let traffic = Traffic::default();
        for millis in [1, 2, 30, 9000] {
            traffic.count("/", "2xx", Duration::from_millis(millis));
        }
        let text = traffic.to_string();
        for (bound, within) in [("0.001", 1), ("0.0025", 2), ("0.025", 2), ("0.05", 3), ("5", 3), ("+Inf", 4)] {
            let line = format!("_bucket{{route=\"/\",status=\"2xx\",le=\"{bound}\"}} {within}\n");
            assert!(text.contains(&line), "{line}{text}");
        }
    }

    #[test]
    fn a_place_is_not_logged_and_a_long_address_not_to_its_end() {
        assert_eq!(logged(&"/api/v1/locate?lat=43.6".parse().unwrap()), "/api/v1/locate");
        assert_eq!(logged(&format!("/?type={}", "x".repeat(900)).parse().unwrap()).len(), LOGGED_URL);
    }
}
