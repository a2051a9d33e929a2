//! An answer that can be sent many times: the bytes, compressed once per encoding, with their validator and caching.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;

use super::assets::Asset;
use super::parts::Parts;
use crate::lake::sha256;

/// Header fields that an answer will have, with those that others add: room for all at once.
const HEADERS: usize = 16;

/// How long an answer may be kept without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// Of the live release: changes about once a month. Served stale while it is asked for anew, and when it can't be.
    Live,
    /// Of this moment: asked for anew each time.
    Moment,
    /// Never changes under its name.
    Immutable,
    /// Says where somebody is: kept nowhere.
    Never,
}

impl Caching {
    fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Live => "public, max-age=300, stale-while-revalidate=86400, stale-if-error=604800",
            Self::Moment => "no-cache",
            Self::Immutable => "public, max-age=31536000, immutable",
            Self::Never => "no-store",
        })
    }
}

/// Bytes with all that their headers need.
pub struct Body {
    content_type: &'static str,
    caching: Caching,
    /// Sent as sixteen digits of sixteen.
    tag: OnceLock<u64>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// As it was made.
    parts: Parts,
    /// In one piece, once it was asked for again.
    identity: OnceLock<Bytes>,
    br: OnceLock<Bytes>,
    /// As small as it gets; made once it was asked for again, while nobody waits.
    br_best: OnceLock<Bytes>,
    zstd: OnceLock<Bytes>,
    gzip: OnceLock<Bytes>,
    /// Whether it was sent as it is, not compressed.
    sent: AtomicBool,
    asked_again: AtomicBool,
}

/// Encodings that we send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Br,
    Zstd,
    Gzip,
    Identity,
}

impl Body {
    /// Compresses when first asked to.
    pub fn new(content_type: &'static str, caching: Caching, bytes: impl Into<Bytes>) -> Self {
        Self::of_parts(content_type, caching, bytes.into())
    }

    /// The same, perhaps in several parts.
    pub fn of_parts(content_type: &'static str, caching: Caching, parts: impl Into<Parts>) -> Self {
        Self {
            content_type,
            caching,
            tag: OnceLock::new(),
            headers: Vec::new(),
            parts: parts.into(),
            identity: OnceLock::new(),
            br: OnceLock::new(),
            br_best: OnceLock::new(),
            zstd: OnceLock::new(),
            gzip: OnceLock::new(),
            sent: AtomicBool::new(false),
            asked_again: AtomicBool::new(false),
        }
    }

    /// An asset, compressed at build time.
    pub fn of_asset(asset: &'static Asset, caching: Caching) -> Self {
        let body = Self::new(asset.content_type, caching, Bytes::from_static(asset.identity));
        body.br_best.get_or_init(|| Bytes::from_static(asset.br));
        body.gzip.get_or_init(|| Bytes::from_static(asset.gzip));
        body
    }

    /// An answer that is not made yet, to see whether the client has it.
    pub fn to_come() -> Self {
        Self::new("", Caching::Live, Bytes::new())
    }

    /// The same with a tag that says as much as a hash of the bytes would, and costs nothing.
    pub fn named(mut self, tag: u64, caching: Caching) -> Self {
        self.tag = tag.into();
        self.caching = caching;
        self
    }

    /// The same with the tag and the caching of another.
    pub fn named_as(self, other: &Self) -> Self {
        self.named(other.tag(), other.caching)
    }

    fn tag(&self) -> u64 {
        // Sixteen digits are a number.
        *self.tag.get_or_init(|| u64::from_str_radix(&sha256(&self.parts.whole())[..16], 16).unwrap_or_default())
    }

    /// Whether a request has this answer already, in the encoding that it accepts.
    pub fn is_known(&self, request: &HeaderMap) -> bool {
        request.contains_key(IF_NONE_MATCH) && has(request, &representation(self.tag(), Encoding::accepted(request)))
    }

    /// The same, to be asked for anew each time.
    pub fn of_moment(mut self) -> Self {
        self.caching = Caching::Moment;
        self
    }

    /// Adds a header.
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Bytes that it takes in memory once compressed, nearly.
    pub fn weight(&self) -> usize {
        self.parts.len() * 2
    }

    /// Whether the encoding that a request accepts is there already.
    pub fn is_ready(&self, request: &HeaderMap) -> bool {
        match Encoding::accepted(request) {
            Encoding::Br => self.br_best.get().or(self.br.get()).is_some(),
            Encoding::Zstd => self.zstd.get().is_some(),
            Encoding::Gzip => self.gzip.get().is_some(),
            Encoding::Identity => true,
        }
    }

    /// Whether compressing it better is worth its tenths of a second: it has been asked for again, and was not yet.
    pub fn deserves_best(&self) -> bool {
        self.br.get().is_some() && self.br_best.get().is_none() && self.asked_again.swap(true, Ordering::Relaxed)
    }

    /// Compresses as well as can be: a third smaller, at fifty times the work.
    pub fn compress_best(&self) {
        self.br_best.get_or_init(|| brotli(&self.parts.whole(), 11));
    }

    /// The answer to a request with these headers: in an encoding that it accepts, or 304.
    pub fn respond(&self, request: &HeaderMap) -> Response {
        let encoding = Encoding::accepted(request);
        let tag = representation(self.tag(), encoding);
        let not_modified = request.contains_key(IF_NONE_MATCH) && has(request, &tag);
        let mut response = Response::new(if not_modified { axum::body::Body::empty() } else { self.encoded(encoding) });
        let headers = response.headers_mut();
        headers.reserve(HEADERS);
        headers.insert(CACHE_CONTROL, self.caching.header());
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(ETAG, tag);
        }
        if not_modified {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if encoding != Encoding::Identity {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.as_str()));
        }
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
        response
    }

    fn encoded(&self, encoding: Encoding) -> axum::body::Body {
        let bytes = match encoding {
            Encoding::Br => {
                self.br_best.get().unwrap_or_else(|| self.br.get_or_init(|| brotli(&self.parts.whole(), 5)))
            }
            Encoding::Zstd => self.zstd.get_or_init(|| zstd(&self.parts.whole())),
            Encoding::Gzip => self.gzip.get_or_init(|| gzip(&self.parts.whole())),
            Encoding::Identity if self.parts.is_whole() || self.sent.swap(true, Ordering::Relaxed) => {
                self.identity.get_or_init(|| self.parts.whole())
            }
            Encoding::Identity => return self.parts.body(),
        };
        bytes.clone().into()
    }
}

/// One resource, several representations: a strong tag names the representation.
fn representation(tag: u64, encoding: Encoding) -> String {
    format!("\"{tag:016x}-{}\"", encoding.as_str())
}

impl Encoding {
    fn as_str(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// The smallest that the client takes; a weight of zero is a refusal.
    fn accepted(request: &HeaderMap) -> Self {
        let accepts = |coding: &str| {
            let values = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).any(|item| {
                let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
                let weight = parameters.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
                name.trim().eq_ignore_ascii_case(coding) && weight.is_none_or(|weight| weight > 0.0)
            })
        };
        [Self::Br, Self::Zstd, Self::Gzip]
            .into_iter()
            .find(|encoding| accepts(encoding.as_str()))
            .unwrap_or(Self::Identity)
    }
}

/// Whether a request says by `If-None-Match` that it has what a tag names.
pub fn has(request: &HeaderMap, tag: &str) -> bool {
    request.get_all(IF_NONE_MATCH).iter().any(|known| matches(known, tag))
}

/// Whether `If-None-Match` lists a tag. It compares weakly: proxies mark tags as weak.
fn matches(known: &HeaderValue, tag: &str) -> bool {
    let Ok(known) = known.to_str() else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// Quality 5 takes 1.4 ms for 60 KB and 11 takes 59 ms: too long for the one who waits for it.
fn brotli(bytes: &[u8], quality: i32) -> Bytes {
    let parameters = brotli::enc::BrotliEncoderParams { quality, ..Default::default() };
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = brotli::BrotliCompress(&mut &*bytes, &mut out, &parameters);
    out.into()
}

fn zstd(bytes: &[u8]) -> Bytes {
    zstd::bulk::compress(bytes, 6).unwrap_or_default().into()
}

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: axum::http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_client_chooses_the_encoding() {
        let accepted = |value| Encoding::accepted(&headers(ACCEPT_ENCODING, value));
        assert_eq!(accepted("gzip, deflate, br"), Encoding::Br);
        assert_eq!(accepted("gzip;q=0.5, br;q=0"), Encoding::Gzip);
        assert_eq!(accepted("zstd"), Encoding::Zstd);
        assert_eq!(accepted("deflate"), Encoding::Identity);
        assert_eq!(Encoding::accepted(&HeaderMap::new()), Encoding::Identity);
    }

    #[test]
    fn a_known_tag_is_not_sent_again_but_another_encoding_is() {
        let body = Body::new("text/plain", Caching::Live, "x".repeat(1000));
        let tag = body.respond(&HeaderMap::new()).headers()[ETAG].clone();
        assert_eq!(body.respond(&headers(IF_NONE_MATCH, tag.to_str().unwrap())).status(), StatusCode::NOT_MODIFIED);
        let weak = format!("\"other\", W/{}", tag.to_str().unwrap());
        assert_eq!(body.respond(&headers(IF_NONE_MATCH, &weak)).status(), StatusCode::NOT_MODIFIED);
        let mut gzip = headers(IF_NONE_MATCH, tag.to_str().unwrap());
        gzip.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(body.respond(&gzip).status(), StatusCode::OK);
    }
}
