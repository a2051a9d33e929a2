//! HTTP/1.1 over plain sockets, one thread a connection, so that every way of breaking it is under control.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::tls::Identity;

/// How often a waiting thread looks whether the server still runs.
const TICK: Duration = Duration::from_millis(20);

/// What the client asked for. Names of headers are in lower case.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: BTreeMap<String, String>,
    pub body: Arc<Vec<u8>>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Framing {
    /// `Content-Length`, as it is.
    Length,
    /// `Content-Length`, whatever the body has.
    Claimed(usize),
    /// Pieces with their length.
    Chunked,
    /// Nothing: it ends with the connection.
    UntilClose,
}

/// What happens on the wire.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delivery {
    /// All of it, at once.
    Whole,
    /// The body without a header: no HTTP at all.
    Headless,
    /// Nothing, not even a header, then this.
    Nothing(Then),
    /// So many bytes of the body, then this.
    Cut(usize, Then),
    /// So many bytes at a time with a pause after each.
    Drip(usize, Duration),
    /// The body over and over until so many bytes were sent.
    Repeated(u64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Then {
    /// RST.
    Reset,
    /// FIN.
    Finish,
    /// Silence, with the connection open.
    Silence,
}

/// What is sent back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Arc<Vec<u8>>,
    /// Whether conditions and ranges of the request apply.
    pub negotiable: bool,
    pub framing: Framing,
    pub delivery: Delivery,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self {
            status,
            headers: vec![("Content-Type", content_type.to_owned())],
            body: Arc::new(body),
            negotiable: false,
            framing: Framing::Length,
            delivery: Delivery::Whole,
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Sets a header in place of one of that name.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
    }

    pub fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| *known != name);
    }

    /// Becomes another answer without validators: a page of a proxy or of an overloaded server.
    pub fn become_page(&mut self, status: u16, title: &str) {
        let page = format!("<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>");
        *self = Self::new(status, "text/html; charset=utf-8", page.into_bytes());
    }
}

/// Runs until it is dropped.
pub struct Server {
    port: u16,
    stopped: Arc<AtomicBool>,
}

/// What a server does with a request; returns the answer and is then told how many bytes of its body were sent.
pub trait Site: Send + Sync + 'static {
    fn answer(&self, request: &Request) -> (usize, Answer);
    fn sent(&self, n: usize, body_bytes: u64);
}

impl Server {
    /// On a free port of 127.0.0.1.
    pub fn start(site: Arc<dyn Site>, identity: Option<Identity>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&stopped);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let (site, stop, identity) = (Arc::clone(&site), Arc::clone(&stop), identity.clone());
                // A client that goes away is an error here and none of the test.
                std::thread::spawn(move || connection.and_then(|tcp| talk(tcp, &*site, &stop, identity)));
            }
        });
        Self { port, stopped }
    }

    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// Answers the requests of one connection.
fn talk(tcp: TcpStream, site: &dyn Site, stop: &AtomicBool, identity: Option<Identity>) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(TICK))?;
    tcp.set_write_timeout(Some(Duration::from_secs(10)))?;
    let control = tcp.try_clone()?;
    let mut wire: Box<dyn Wire> = match identity {
        None => Box::new(tcp),
        Some(identity) => Box::new(identity.accept(tcp)?),
    };
    let mut held = Vec::new();
    while let Some(request) = read_request(&mut *wire, &mut held, stop)? {
        let (n, answer) = site.answer(&request);
        let mut body = Counted { wire: &mut *wire, bytes: 0 };
        let went_on = send(&mut body, &control, &request, &answer, stop);
        site.sent(n, body.bytes);
        if !went_on? {
            break;
        }
    }
    Ok(())
}

/// Plain or encrypted.
trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// `None` when the client has nothing more to ask.
fn read_request(wire: &mut dyn Wire, held: &mut Vec<u8>, stop: &AtomicBool) -> io::Result<Option<Request>> {
    let end = loop {
        if let Some(end) = memchr::memmem::find(held, b"\r\n\r\n") {
            break end;
        }
        if !read_more(wire, held, stop)? {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&held[..end]).into_owned();
    held.drain(..end + 4);
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, target) = (word(), word());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    let headers: BTreeMap<String, String> = headers.collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    while held.len() < length {
        if !read_more(wire, held, stop)? {
            return Ok(None);
        }
    }
    let body = Arc::new(held.drain(..length).collect());
    Ok(Some(Request { method, target, headers, body }))
}

/// `false` at the end.
fn read_more(wire: &mut dyn Wire, held: &mut Vec<u8>, stop: &AtomicBool) -> io::Result<bool> {
    let mut piece = [0; 16 << 10];
    loop {
        match wire.read(&mut piece) {
            Ok(n) => {
                held.extend_from_slice(&piece[..n]);
                return Ok(n > 0);
            }
            Err(error) if is_timeout(&error) && !stop.load(Ordering::Relaxed) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Counts the bytes of the body that the socket took.
struct Counted<'w> {
    wire: &'w mut dyn Wire,
    bytes: u64,
}

impl Counted<'_> {
    fn head(&mut self, text: &str) -> io::Result<()> {
        self.wire.write_all(text.as_bytes())?;
        self.wire.flush()
    }

    fn body(&mut self, bytes: &[u8], framing: Framing) -> io::Result<()> {
        if framing == Framing::Chunked && !bytes.is_empty() {
            self.wire.write_all(format!("{:x}\r\n", bytes.len()).as_bytes())?;
            self.wire.write_all(bytes)?;
            self.wire.write_all(b"\r\n")?;
        } else {
            self.wire.write_all(bytes)?;
        }
        self.wire.flush()?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Whether the connection can be used again.
fn send(
    out: &mut Counted<'_>,
    control: &TcpStream,
    request: &Request,
    answer: &Answer,
    stop: &AtomicBool,
) -> io::Result<bool> {
    match answer.delivery {
        Delivery::Nothing(then) => return end(control, then, stop),
        Delivery::Headless => {
            out.body(&answer.body, Framing::UntilClose)?;
            return end(control, Then::Finish, stop);
        }
        _ => {}
    }
    out.head(&head(answer))?;
    if request.method == "HEAD" || answer.status == 304 {
        return Ok(true);
    }
    let (body, framing) = (answer.body.as_slice(), answer.framing);
    match answer.delivery {
        Delivery::Cut(at, then) => {
            out.body(&body[..at.min(body.len())], framing)?;
            return end(control, then, stop);
        }
        Delivery::Drip(bytes, pause) => {
            for piece in body.chunks(bytes) {
                out.body(piece, framing)?;
                if !wait(pause, stop) {
                    return Ok(false);
                }
            }
        }
        Delivery::Repeated(total) => {
            while out.bytes < total && !stop.load(Ordering::Relaxed) {
                out.body(body, framing)?;
            }
        }
        Delivery::Whole | Delivery::Nothing(_) | Delivery::Headless => out.body(body, framing)?,
    }
    match framing {
        Framing::Chunked => out.head("0\r\n\r\n").map(|()| true),
        Framing::Length => Ok(true),
        // What was claimed is not what was sent: nobody knows where the next answer would begin.
        Framing::Claimed(_) | Framing::UntilClose => end(control, Then::Finish, stop),
    }
}

fn head(answer: &Answer) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", answer.status, reason(answer.status));
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match answer.framing {
        Framing::Length => head.push_str(&format!("Content-Length: {}\r\n", answer.body.len())),
        Framing::Claimed(bytes) => head.push_str(&format!("Content-Length: {bytes}\r\n")),
        Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
        Framing::UntilClose => head.push_str("Connection: close\r\n"),
    }
    head + "\r\n"
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        304 => "Not Modified",
        404 => "Not Found",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Other",
    }
}

fn end(control: &TcpStream, then: Then, stop: &AtomicBool) -> io::Result<bool> {
    match then {
        Then::Finish => control.shutdown(Shutdown::Write)?,
        Then::Silence => while wait(TICK, stop) && !is_gone(control) {},
        Then::Reset => {
            // What was sent before shall arrive before.
            std::thread::sleep(TICK);
            SockRef::from(control).set_linger(Some(Duration::ZERO))?;
        }
    }
    Ok(false)
}

/// Whether the client has closed the connection.
fn is_gone(control: &TcpStream) -> bool {
    match control.peek(&mut [0]) {
        Ok(bytes) => bytes == 0,
        Err(error) => !is_timeout(&error),
    }
}

/// `false` when the server was stopped meanwhile.
fn wait(time: Duration, stop: &AtomicBool) -> bool {
    let until = Instant::now() + time;
    while Instant::now() < until && !stop.load(Ordering::Relaxed) {
        std::thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
    }
    !stop.load(Ordering::Relaxed)
}

/// A port that answers with RST, as long as the socket is kept.
pub fn closed_port() -> (socket2::Socket, u16) {
    let socket = bound();
    let port = port_of(&socket);
    (socket, port)
}

/// A port on which connections are neither taken nor refused, as long as the sockets are kept.
pub fn deaf_port() -> (Vec<socket2::Socket>, u16) {
    let listener = bound();
    // No room for waiting connections: one fits in, and from then on the kernel drops what asks.
    listener.listen(0).unwrap();
    let port = port_of(&listener);
    let address = (Ipv4Addr::LOCALHOST, port).into();
    let mut kept = vec![listener];
    while let Ok(taken) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        kept.push(taken.into());
    }
    (kept, port)
}

fn bound() -> socket2::Socket {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket
}

fn port_of(socket: &socket2::Socket) -> u16 {
    socket.local_addr().unwrap().as_socket().unwrap().port()
}
