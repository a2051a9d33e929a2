//! Asking servers that are slow, wrong or gone.

use std::error::Error as _;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use reqwest::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName, IF_RANGE,
    LAST_MODIFIED, LOCATION, RANGE, RETRY_AFTER,
};
use reqwest::{Client, ClientBuilder, Method, Response, StatusCode, Url, redirect};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep, timeout};
use tracing::warn;

use super::address::{Addresses, shown};
use super::retry::{Failure, Next, TRIES, delay, retry_after};
use super::{Downloaded, Error, Look, Patience, Validator};

/// The most that a file may have on the wire, in bytes; a year has 10 MB.
const FILE_LIMIT: u64 = 512 << 20;

/// The most that an answer of the portal may have, in bytes; it has 20 kB.
const ANSWER_LIMIT: usize = 10 << 20;

/// How often an answer may lead elsewhere.
const REDIRECTS: usize = 3;

/// The beginning of any HTTP client of this program.
pub fn client() -> ClientBuilder {
    // rustls wants to be told which cryptography to use. A second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().user_agent(concat!("toronto311/", env!("CARGO_PKG_VERSION")))
}

/// A client that keeps to the allowed addresses.
pub(super) struct Http {
    client: Client,
    addresses: Addresses,
    patience: Patience,
}

impl Http {
    pub(super) fn new(addresses: Addresses, patience: Patience) -> Result<Self, Error> {
        let client = client()
            .connect_timeout(patience.stall)
            .redirect(redirect::Policy::none())
            .dns_resolver(std::sync::Arc::new(addresses.resolver()))
            .build()
            .map_err(|error| Error(format!("HTTP client: {}", last_cause(&error))))?;
        Ok(Self { client, addresses, patience })
    }

    pub(super) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// A whole answer of the portal.
    pub(super) async fn get(&self, url: &Url) -> Result<Vec<u8>, Error> {
        self.retrying(async |_| {
            let mut response = self.send(Method::GET, url, HeaderMap::new()).await?;
            ok(&response)?;
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk(&mut response).await? {
                body.extend_from_slice(&chunk);
                if body.len() > ANSWER_LIMIT {
                    return Err(Failure::stop(format!("its answer has more than {} MB", ANSWER_LIMIT >> 20)));
                }
            }
            Ok(body)
        })
        .await
    }

    /// What the server says of a file without sending it, which may be nothing: signed addresses and some proxies
    /// answer nothing but GET. Whether the file can be had is for the download to find out.
    pub(super) async fn look(&self, url: &Url) -> Look {
        let answered =
            self.send(Method::HEAD, url, HeaderMap::new()).await.ok().filter(|response| ok(response).is_ok());
        answered.map_or_else(Look::default, |response| Look {
            bytes: content_length(response.headers()),
            validator: validator(response.headers()),
        })
    }

    /// A file to the local disk. A body that breaks off is asked for from there on, if the server says that it is still
    /// the same file; else from the start.
    pub(super) async fn download(
        &self,
        url: &Url,
        look: &Look,
        to: &Path,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Downloaded, Error> {
        let file = File::create(to).map_err(|e| Error(format!("{}: {e}", to.display())))?;
        let mut partial = Partial { file, bytes: 0, hash: Sha256::new(), validator: None, can_resume: false };
        let partial = &mut partial;
        self.retrying(async |_| self.receive(url, look, partial, progress).await).await?;
        let hash = std::mem::take(&mut partial.hash);
        Ok(Downloaded { bytes: partial.bytes, sha256: hex(hash), validator: partial.validator.take() })
    }

    async fn receive(
        &self,
        url: &Url,
        look: &Look,
        partial: &mut Partial,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Failure> {
        let mut response = self.send(Method::GET, url, partial.resume()).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            partial.start_over()?;
            return Err(Failure::retry("it does not have the range that we lack"));
        }
        ok(&response)?;
        if response.content_length().is_some_and(|bytes| bytes > FILE_LIMIT) {
            return Err(Failure::stop(format!("it has more than {} MB", FILE_LIMIT >> 20)));
        }
        if response.headers().contains_key(CONTENT_ENCODING) {
            return Err(Failure::stop("its answer is encoded, which was not asked for"));
        }
        if !partial.continues(&response) {
            if response.status() == StatusCode::PARTIAL_CONTENT {
                partial.start_over()?;
                return Err(Failure::retry("it sent another range than the one asked for"));
            }
            partial.start_over()?;
            partial.validator = validator(response.headers());
            let ranges = response.headers().get(ACCEPT_RANGES).is_some_and(|unit| unit == "bytes");
            partial.can_resume = ranges && partial.validator.as_ref().is_some_and(|v| v.etag.is_some());
        }
        while let Some(chunk) = self.chunk(&mut response).await? {
            partial.write(&chunk)?;
            progress(chunk.len() as u64);
        }
        partial.is_all_of(look)
    }

    /// Tries until it works, until it is no use or until the time for it is up.
    async fn retrying<T>(&self, mut try_once: impl AsyncFnMut(u32) -> Result<T, Failure>) -> Result<T, Error> {
        let until = Instant::now() + self.patience.download;
        for attempt in 0.. {
            let tried = tokio::time::timeout_at(until, try_once(attempt)).await;
            let failure = match tried {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(failure)) => failure,
                Err(_) => return Err(Error(format!("it took longer than {:?}", self.patience.download))),
            };
            let Next::Retry(asked) = failure.next else { return Err(Error(failure.finding)) };
            let wait = delay(self.patience.retry, attempt, asked, fastrand::f64());
            if attempt + 1 == TRIES || wait > until.saturating_duration_since(Instant::now()) {
                return Err(Error(format!("{} ({} tries)", failure.finding, attempt + 1)));
            }
            warn!(attempt = attempt + 1, wait_ms = wait.as_millis() as u64, "{}; trying again", failure.finding);
            sleep(wait).await;
        }
        Err(Error("it was not tried".to_owned()))
    }

    /// The final answer to a request, after redirects, each of which is checked.
    async fn send(&self, method: Method, url: &Url, headers: HeaderMap) -> Result<Response, Failure> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            self.addresses.check(&url).map_err(Failure::stop)?;
            let request = self.client.request(method.clone(), url.clone()).headers(headers.clone()).send();
            let response = match timeout(self.patience.stall, request).await {
                Ok(answered) => answered.map_err(|error| self.failure(&error))?,
                Err(_) => return Err(silent(self.patience.stall)),
            };
            if !response.status().is_redirection() || response.status() == StatusCode::NOT_MODIFIED {
                return Ok(response);
            }
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
            url = url.join(to).map_err(|error| Failure::stop(format!("it redirects to what is no URL: {error}")))?;
        }
        Err(Failure::stop(format!("it redirects more than {REDIRECTS} times")))
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<bytes::Bytes>, Failure> {
        match timeout(self.patience.stall, response.chunk()).await {
            Ok(chunk) => chunk.map_err(|error| self.failure(&error)),
            Err(_) => Err(silent(self.patience.stall)),
        }
    }

    fn failure(&self, error: &reqwest::Error) -> Failure {
        let causes = causes(error);
        if let Some(problem) = causes.iter().find_map(|cause| certificate_problem(*cause)) {
            return Failure::stop(format!("its certificate is not good: {problem}"));
        }
        let refused = |cause: &&&(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
        };
        if let Some(cause) = causes.iter().find(refused) {
            return Failure::stop(cause.to_string());
        }
        let finding = last_cause(error);
        let host = error.url().and_then(Url::host_str).unwrap_or("it");
        Failure::retry(if error.is_connect() { format!("{host} can't be reached: {finding}") } else { finding })
    }
}

/// The last cause says what happened, the first ones only that something did.
fn last_cause(error: &reqwest::Error) -> String {
    causes(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// From the outside in.
fn causes(error: &reqwest::Error) -> Vec<&(dyn std::error::Error + 'static)> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause);
        next = cause.source();
    }
    causes
}

fn certificate_problem(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    let tls = |error: &(dyn std::error::Error + 'static)| match error.downcast_ref() {
        Some(rustls::Error::InvalidCertificate(problem)) => Some(problem.to_string()),
        _ => None,
    };
    // An io::Error hands out the cause of its own error and not the error itself.
    let inner = cause.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
    tls(cause).or_else(|| inner.and_then(|error| tls(error)))
}

fn silent(after: Duration) -> Failure {
    Failure::retry(format!("it was silent for {after:?}"))
}

/// Whether an answer is what was asked for.
fn ok(response: &Response) -> Result<(), Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    let finding = format!("{} answers {status}", shown(response.url()));
    let busy =
        status.is_server_error() || [StatusCode::TOO_MANY_REQUESTS, StatusCode::REQUEST_TIMEOUT].contains(&status);
    if !busy {
        return Err(Failure::stop(finding));
    }
    let asked = text(response.headers(), RETRY_AFTER).and_then(|text| retry_after(&text, jiff::Timestamp::now()));
    Err(Failure { finding, next: Next::Retry(asked) })
}

/// By what the same bytes are known again: a strong ETag, else date and size together.
fn validator(headers: &HeaderMap) -> Option<Validator> {
    let etag = text(headers, ETAG).filter(|etag| etag.starts_with('"'));
    let bytes = content_length(headers);
    let last_modified = text(headers, LAST_MODIFIED);
    match (&etag, &last_modified, bytes) {
        (Some(_), ..) | (None, Some(_), Some(_)) => Some(Validator { etag, last_modified, bytes }),
        _ => None,
    }
}

/// The header itself: of an answer without a body the client knows no length.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH)?.parse().ok()
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

/// In lower-case digits.
pub(super) fn hex(hash: Sha256) -> String {
    use std::fmt::Write;
    hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// What has come of a file.
struct Partial {
    file: File,
    bytes: u64,
    hash: Sha256,
    validator: Option<Validator>,
    /// The server sends ranges and names the file's state by a strong ETag.
    can_resume: bool,
}

impl Partial {
    /// Headers that ask for the rest.
    fn resume(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let etag = self.validator.as_ref().and_then(|validator| validator.etag.as_ref());
        let etag = etag.filter(|_| self.can_resume && self.bytes > 0).and_then(|etag| etag.parse().ok());
        if let (Some(etag), Ok(range)) = (etag, format!("bytes={}-", self.bytes).parse()) {
            headers.insert(IF_RANGE, etag);
            headers.insert(RANGE, range);
        }
        headers
    }

    /// Whether an answer is the rest of what is here.
    fn continues(&self, response: &Response) -> bool {
        let headers = response.headers();
        let starts = format!("bytes {}-", self.bytes);
        response.status() == StatusCode::PARTIAL_CONTENT
            && self.bytes > 0
            && text(headers, CONTENT_RANGE).is_some_and(|range| range.starts_with(&starts))
            && text(headers, ETAG) == self.validator.as_ref().and_then(|validator| validator.etag.clone())
    }

    /// An answer that says no length ends with its connection, whole or not: then the answer to HEAD tells.
    fn is_all_of(&self, look: &Look) -> Result<(), Failure> {
        let etag = |validator: &Option<Validator>| validator.as_ref().and_then(|validator| validator.etag.clone());
        let same = etag(&self.validator).is_some() && etag(&self.validator) == etag(&look.validator);
        match look.bytes {
            Some(bytes) if same && bytes != self.bytes => {
                Err(Failure::retry(format!("it broke off after {} of {bytes} bytes", self.bytes)))
            }
            _ => Ok(()),
        }
    }

    fn start_over(&mut self) -> Result<(), Failure> {
        self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0))).map_err(disk)?;
        (self.bytes, self.hash) = (0, Sha256::new());
        Ok(())
    }

    fn write(&mut self, chunk: &[u8]) -> Result<(), Failure> {
        self.bytes += chunk.len() as u64;
        if self.bytes > FILE_LIMIT {
            return Err(Failure::stop(format!("it has more than {} MB", FILE_LIMIT >> 20)));
        }
        self.hash.update(chunk);
        self.file.write_all(chunk).map_err(disk)
    }
}

fn disk(error: std::io::Error) -> Failure {
    Failure::stop(format!("it can't be written to the local disk: {error}"))
}
