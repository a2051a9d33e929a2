//! Accepts connections and bounds each: how many there are, how long a head may take, how large it is, how long one lives.
//!
//! `axum::serve` gives hyper no timer, so that none of its time-outs ever fires; hence this loop. HTTP/1 only: that is what
//! Cloud Run speaks to a container, and what everything else can.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::{CONNECTION, CONTENT_LENGTH};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::Response;
use futures::FutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

/// Bytes of a head after which hyper answers 431 by itself; what [`super::security::excess`] refuses is far smaller.
const HEAD_BYTES: usize = 32 << 10;

/// Header fields of a request.
const HEADERS: usize = 64;

/// What a connection may take, and how the server parts from all of them.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open at once. Those that come on top wait in the system's queue.
    pub connections: usize,
    /// For a head to come whole, from the moment that one is awaited; so an idle connection is closed after it, too.
    pub head: Duration,
    /// After which a connection gets no further request.
    pub age: Duration,
    /// For the rest of the request at work on a connection that has reached its age: a slow reader is cut then.
    pub rest: Duration,
    /// After the word to stop, for which connections are taken as before, and once more for which requests are; each answer
    /// closes its connection.
    pub linger: Duration,
    /// After that, for requests at work.
    pub drain: Duration,
}

impl Default for Limits {
    /// The end takes six seconds at most: Cloud Run kills ten after the word.
    fn default() -> Self {
        Self {
            connections: 4096,
            head: Duration::from_secs(10),
            age: Duration::from_secs(60),
            rest: Duration::from_secs(120),
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(4),
        }
    }
}

/// Answers the requests of clients.
pub trait Respond: Clone + Send + 'static {
    /// Answers one.
    fn respond(self, request: Request<Incoming>, peer: SocketAddr) -> impl Future<Output = Response> + Send;
}

/// Serves until it is told to stop and all requests are answered, or time is up.
pub async fn serve<R: Respond>(listener: TcpListener, respond: R, limits: Limits, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(limits.connections.min(files_allowed() / 2)));
    let (open, drain) = (TaskTracker::new(), CancellationToken::new());
    let mut last_call = pin!(async {
        stop.cancelled().await;
        info!("stopping");
        sleep(limits.linger).await;
    });
    let take = |(stream, peer), slot| {
        let (respond, stop, drain) = (respond.clone(), stop.clone(), drain.clone());
        open.spawn(async move {
            converse(stream, peer, respond, limits, stop, drain).await;
            drop(slot);
        });
    };
    loop {
        // A slot is never closed.
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        tokio::select! {
            () = last_call.as_mut() => break,
            accepted = accept(&listener) => take(accepted, slot),
        }
    }
    // Whoever is in the queue of the system has been told that we are there.
    while let (Some(accepted), Ok(slot)) = (accept(&listener).now_or_never(), slots.clone().try_acquire_owned()) {
        take(accepted, slot);
    }
    drop(listener);
    open.close();
    // To close a connection at once that has just been made would drop the request that is on its way.
    let _ = timeout(limits.linger, open.wait()).await;
    drain.cancel();
    if timeout(limits.drain, open.wait()).await.is_err() {
        info!(connections = open.len(), "requests still open after {:?} are cut", limits.drain);
    }
}

/// The next connection. Where none can be had, for lack of files or memory, there is one again when others have ended.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                warn!("no connection accepted: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Answers the requests of a connection. Its end is nobody's error: clients go away.
///
/// While stopping, and once it is old, it tells the client with each answer to use another connection, so that none is
/// closed under a request.
async fn converse<R: Respond>(
    stream: TcpStream,
    peer: SocketAddr,
    respond: R,
    limits: Limits,
    stop: CancellationToken,
    drain: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let old = CancellationToken::new();
    let last = old.clone();
    let service = service_fn(move |request| {
        let (answer, stop, last) = (respond.clone().respond(request, peer), stop.clone(), last.clone());
        async move {
            let mut response = answer.await;
            if response.status() == StatusCode::NOT_MODIFIED {
                // Of an answer to HEAD, axum says how long its body is: here, that of nothing.
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            if stop.is_cancelled() || last.is_cancelled() {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        () = drain.cancelled() => {}
        () = sleep(limits.age) => {
            // To close it at once could cross a request that is on its way: its next answer closes it.
            old.cancel();
            tokio::select! {
                _ = connection.as_mut() => return,
                () = drain.cancelled() => {}
                () = sleep(limits.head) => {}
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.rest, connection).await;
}

/// Raises the number of files that this process may open as far as it may itself, and returns it.
fn files_allowed() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).is_ok();
    let allowed = if raised { limit.maximum } else { limit.current };
    allowed.and_then(|files| files.try_into().ok()).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::Router;
    use axum::routing::get;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const QUICK: Limits = Limits {
        connections: 8,
        head: Duration::from_millis(200),
        age: Duration::from_secs(60),
        rest: Duration::from_millis(200),
        linger: Duration::ZERO,
        drain: Duration::from_secs(20),
    };

    impl Respond for Router {
        async fn respond(self, request: Request<Incoming>, _: SocketAddr) -> Response {
            let Ok(response) = TowerToHyperService::new(self).call(request).await;
            response
        }
    }

    /// A server whose `/slow` takes as long as a test waits, and whose `/large` is larger than any buffer.
    async fn server(limits: Limits) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>, Arc<Semaphore>) {
        let (stop, go) = (CancellationToken::new(), Arc::new(Semaphore::new(0)));
        let waits = go.clone();
        let slow = get(async move || waits.acquire().await.map(|_| "slow").unwrap_or_default());
        let router = Router::new()
            .route("/", get(async || "quick"))
            .route("/slow", slow)
            .route("/large", get(async || vec![0u8; 64 << 20]));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (address, stop.clone(), tokio::spawn(serve(listener, router, limits, stop)), go)
    }

    /// Sends text and reads until the server closes.
    async fn talk(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut all = Vec::new();
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut all).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    #[tokio::test]
    async fn a_head_that_does_not_come_ends_the_connection_and_so_does_silence_after_an_answer() {
        let (address, ..) = server(QUICK).await;
        assert_eq!(talk(address, "").await, "");
        assert_eq!(talk(address, "GET / HTTP/1.1\r\nhost: a\r\nx-slow: ").await, "");
        assert!(talk(address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.ends_with("quick"));
    }

    #[tokio::test]
    async fn a_head_of_many_fields_or_bytes_is_refused() {
        let (address, ..) = server(QUICK).await;
        let fields = "x: y\r\n".repeat(HEADERS + 1);
        assert!(talk(address, &format!("GET / HTTP/1.1\r\n{fields}\r\n")).await.starts_with("HTTP/1.1 431"));
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(2 * HEAD_BYTES));
        assert!(talk(address, &long).await.starts_with("HTTP/1.1 431"));
    }

    #[tokio::test]
    async fn a_reader_that_takes_its_time_is_cut() {
        let (address, ..) = server(Limits { age: Duration::from_millis(50), ..QUICK }).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        assert!(!all.is_empty() && all.len() < 64 << 20, "{} bytes came", all.len());
    }

    #[tokio::test]
    async fn more_connections_than_there_are_slots_wait_for_their_turn() {
        let (address, _, _, go) = server(Limits { connections: 2, head: Duration::from_secs(20), ..QUICK }).await;
        let ask = "GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        let asked: Vec<_> = (0..6).map(|_| tokio::spawn(talk(address, ask))).collect();
        sleep(Duration::from_millis(100)).await;
        go.add_permits(1);
        for answer in asked {
            assert!(answer.await.unwrap().ends_with("slow"));
        }
    }

    #[tokio::test]
    async fn told_to_stop_it_answers_what_is_at_work_and_closes_what_is_idle() {
        let (address, stop, served, go) = server(Limits { head: Duration::from_secs(20), ..QUICK }).await;
        let at_work = tokio::spawn(talk(address, "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n"));
        let idle = tokio::spawn(talk(address, "GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
        sleep(Duration::from_millis(100)).await;
        stop.cancel();
        assert!(idle.await.unwrap().ends_with("quick"));
        assert!(TcpStream::connect(address).await.is_err());
        go.add_permits(1);
        let answer = at_work.await.unwrap();
        assert!(answer.contains("connection: close") && answer.ends_with("slow"), "{answer}");
        served.await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_never_ends_does_not_keep_the_server() {
        let (address, stop, served, _go) = server(Limits { drain: Duration::from_millis(50), ..QUICK }).await;
        let at_work = tokio::spawn(talk(address, "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n"));
        sleep(Duration::from_millis(50)).await;
        stop.cancel();
        served.await.unwrap();
        at_work.abort();
    }
}
