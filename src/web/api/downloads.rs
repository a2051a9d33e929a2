//! `downloads`: the marts themselves, whole or by ranges, which is how DuckDB reads Parquet in place.

use axum::body::Body as Bytes;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_RANGE,
    RANGE,
};
use axum::http::{HeaderMap, Response as Answer, StatusCode};
use axum::response::Response;
use http_range_header::parse_range_header;

use super::super::body;
use super::super::error::Failure;
use super::super::live::Live;
use super::super::parameters::{BadParameter, Parameters};
use super::super::view::KEPT;

/// What Apache Parquet is registered as.
pub const PARQUET: &str = "application/vnd.apache.parquet";

/// Whether a query names the release, for resources that have no other parameter.
pub fn is_pinned(query: &str, live: &Live) -> Result<bool, Vec<BadParameter>> {
    let mut asked = Parameters::read(query, &["release"]);
    let named = asked.get("release").map(str::to_owned);
    if let Some(named) = named.as_ref().filter(|named| *named != live.release.release.as_str()) {
        asked.refuse("release", named, KEPT);
    }
    asked.end(Some(named.is_some()))
}

/// Sends a file of a release, whole or a range of it. Several ranges at once are answered with the whole, as RFC 9110
/// allows.
pub fn respond(file: &str, pinned: bool, live: &Live, headers: &HeaderMap) -> Result<Response, Failure> {
    let (Some(bytes), Some(mart)) = (live.marts.file(file), live.release.marts.get(file)) else {
        return Err(Failure::NotFound);
    };
    let tag = format!("\"{}\"", mart.sha256);
    // A range of another version is no use.
    let is_of_these = headers.get(IF_RANGE).is_none_or(|value| value.as_bytes() == tag.as_bytes());
    let caching = if pinned { "public, max-age=31536000, immutable" } else { "public, max-age=300" };
    let answer = Answer::builder()
        .header(ACCEPT_RANGES, "bytes")
        .header(ETAG, &tag)
        .header(CACHE_CONTROL, caching)
        .header(CONTENT_TYPE, PARQUET);
    let answered = if body::has(headers, &tag) {
        answer.status(StatusCode::NOT_MODIFIED).body(Bytes::empty())
    } else {
        match range(headers, bytes.len()).filter(|_| is_of_these) {
            None => answer
                .header(CONTENT_LENGTH, bytes.len())
                .header(
                    CONTENT_DISPOSITION,
                    format!("attachment; filename=\"toronto311-{}-{file}\"", live.release.release),
                )
                .body(bytes.into()),
            Some(Ok((from, to))) => answer
                .status(StatusCode::PARTIAL_CONTENT)
                .header(CONTENT_RANGE, format!("bytes {from}-{to}/{}", bytes.len()))
                .body(bytes.slice(from..to + 1).into()),
            Some(Err(())) => return Err(Failure::NoSuchRange(bytes.len())),
        }
    };
    answered.map_err(|error| Failure::Internal(error.into()))
}

/// First and last byte of the one range that is asked for; an error if there are no such bytes. What is no range at all
/// asks for the whole.
fn range(headers: &HeaderMap, length: usize) -> Option<Result<(usize, usize), ()>> {
    let parsed = parse_range_header(headers.get(RANGE)?.to_str().ok()?).ok()?;
    match parsed.validate(length as u64) {
        Ok(ranges) => match ranges.as_slice() {
            [one] => Some(Ok((*one.start() as usize, *one.end() as usize))),
            _ => None,
        },
        Err(_) => Some(Err(())),
    }
}
