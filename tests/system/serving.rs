//! What holds for every answer of the server, and how it begins and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::program::{Answer, Server, serve};

const HEADERS: [(&str, &str); 7] = [
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
         object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
    ),
    ("permissions-policy", "geolocation=(self), camera=(), microphone=(), display-capture=(), usb=(), payment=()"),
    ("x-content-type-options", "nosniff"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "cross-origin"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
];

fn demo() -> (tempfile::TempDir, Server) {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::start_with(lake.path(), &["--refresh", "off"]);
    (lake, server)
}

/// One answer of each status that the server has, and of each kind of resource.
fn answers(server: &Server) -> Vec<(u16, Answer)> {
    let long = format!("/?type={}", "x".repeat(4096));
    let wide = [("x-wide", "y".repeat(5000)), ("x-wider", "y".repeat(12_000))];
    let wide: Vec<_> = wide.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let tag = server.get("/api/v1/counts").header("etag").to_owned();
    let page = server.get("/").body;
    let script = page.split('"').find(|text| text.starts_with("/assets/map-")).unwrap();
    let paths = [
        "/",
        "/data",
        "/status",
        "/metrics",
        script,
        "/health/live",
        "/health/ready",
        "/api/v1/choropleth",
        "/api/v1/counts?geo=fsa",
        "/api/v1/types",
        "/api/v1/months",
        "/api/v1/areas",
        "/api/v1/areas/wards.geojson",
        "/api/v1/locate?postal=M5V",
        "/api/v1/freshness",
        "/api/v1/releases",
        "/api/v1/runs",
    ];
    let mut all: Vec<_> = paths.iter().map(|path| (200, server.get(path))).collect();
    all.push((303, server.get("/?geo=ward")));
    all.push((304, server.get_with("/api/v1/counts", &[("if-none-match", &tag)])));
    for prefix in ["/", "/api/v1/counts"] {
        all.push((400, server.get(&format!("{prefix}?geo=moon"))));
        all.push((405, server.ask("POST", prefix, &[])));
        all.push((431, server.get_with(prefix, &wide)));
    }
    all.extend(
        ["/x", "/api/x", "/assets/x", "/api/v1/areas/x", "/api/v1/counts/x.css"].map(|path| (404, server.get(path))),
    );
    all.push((414, server.get(&long)));
    all
}

#[test]
fn every_answer_of_every_status_carries_the_security_headers() {
    let (_lake, server) = demo();
    let answers = answers(&server);
    let seen: BTreeSet<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(seen, [200, 303, 304, 400, 404, 405, 414, 431].into());
    for (status, answer) in &answers {
        assert_eq!(answer.status, *status, "{}", answer.body);
        for (name, value) in HEADERS {
            assert_eq!(answer.header(name), value, "{name} of {status}");
        }
        assert_eq!(answer.header("x-request-id").len(), 16);
        assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("server"));
    }
}

#[test]
fn a_body_that_nobody_asked_for_is_refused_with_the_same_headers() {
    let (_lake, server) = demo();
    for body in ["content-length: 3\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream
            .write_all(format!("GET /api/v1/counts HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{body}").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("application/problem+json"), "{answer}");
        HEADERS.iter().for_each(|(name, value)| assert!(answer.contains(&format!("{name}: {value}\r\n")), "{name}"));
    }
    let counted = "toronto311_http_request_duration_seconds_count{route=\"/api/v1/{resource}\",status=\"4xx\"} 2\n";
    assert!(server.get("/metrics").body.contains(counted), "what is refused has its route, too");
}

#[test]
fn errors_are_not_stored_and_all_that_is_asked_for_says_what_it_is() {
    let (_lake, server) = demo();
    for (status, answer) in answers(&server) {
        if status >= 400 {
            assert_eq!(answer.header("cache-control"), "no-store", "{status}");
        }
        let content_type = answer.header("content-type");
        let has_charset = !content_type.starts_with("text/") || content_type.contains("charset=utf-8");
        assert!((300..400).contains(&status) || (!content_type.is_empty() && has_charset), "{status} {content_type}");
    }
}

#[test]
fn before_the_first_release_the_server_answers_503_with_the_same_headers() {
    let lake = tempfile::tempdir().unwrap();
    // Not a lake that could be read: no demo can be built in it.
    std::fs::write(lake.path().join("current.json"), "{").unwrap();
    let server = Server::start_only(serve(lake.path(), &["--refresh", "off"]));
    for path in ["/", "/api/v1/counts", "/health/ready"] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("cache-control")), (503, "no-store"));
        assert_eq!(answer.header("retry-after"), "2");
        HEADERS.iter().for_each(|(name, value)| assert_eq!(answer.header(name), *value));
    }
    assert_eq!(server.get("/health/live").status, 200);
}

#[test]
fn what_a_request_says_of_its_host_is_nowhere_in_the_answer() {
    let (_lake, server) = demo();
    for name in ["host", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "x-original-url", "forwarded"] {
        for path in ["/", "/?geo=ward", "/?geo=moon", "/api/v1/areas", "/x"] {
            let answer = server.get_with(path, &[(name, "evil.example")]);
            let headers = format!("{:?}", answer.headers);
            assert!(!answer.body.contains("evil.example") && !headers.contains("evil.example"), "{name} {path}");
        }
    }
}

#[test]
fn each_request_is_a_line_in_the_log_with_the_names_of_cloud_logging() {
    let lake = tempfile::tempdir().unwrap();
    let arguments = ["--refresh", "off", "--trace-project", "map"];
    let server = Server::start_with(lake.path(), &arguments);
    let trace = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
    let answer = server.get_with("/api/v1/areas/wards.geojson", &[("traceparent", trace)]);
    server.get("/nowhere?a=%0a%22}");
    server.get("/api/v1/locate?lat=43.6532&lon=-79.3832");
    let of_requests = || server.log().into_iter().filter(|line| line["message"] == "request").collect::<Vec<_>>();
    // The log is read by a thread of its own.
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while of_requests().last().is_none_or(|line| line["route"] != "/api/v1/{resource}") {
        assert!(std::time::Instant::now() < until, "no line of the last request: {:?}", of_requests().last());
        std::thread::sleep(Duration::from_millis(10));
    }
    let requests = of_requests();
    let [known, unknown, place] = &requests[requests.len() - 3..] else { panic!("{requests:?}") };
    assert_eq!((&known["severity"], &known["route"]), (&"INFO".into(), &"/api/v1/areas/{file}".into()));
    let http = &known["httpRequest"];
    assert_eq!((&http["requestMethod"], &http["status"]), (&"GET".into(), &200.into()));
    assert_eq!(http["requestUrl"], "/api/v1/areas/wards.geojson");
    assert!(http["latency"].as_str().unwrap().ends_with('s') && known["duration_ms"].is_f64());
    assert_eq!((&known["status_class"], &known["request_id"]), (&"2xx".into(), &answer.header("x-request-id").into()));
    assert_eq!(known["release"], server.get("/api/v1/freshness").json()["release"]);
    assert_eq!(known["logging.googleapis.com/trace"], "projects/map/traces/0af7651916cd43dd8448eb211c80319c");
    assert_eq!(known["logging.googleapis.com/spanId"], "00f067aa0ba902b7");
    assert_eq!((&unknown["route"], &unknown["status_class"]), (&"unmatched".into(), &"4xx".into()));
    assert!(!place.to_string().contains("43.6532"), "{place}");
}

#[test]
fn labels_of_metrics_do_not_grow_with_what_is_asked_for() {
    let (_lake, server) = demo();
    let lines = || server.get("/metrics").body.lines().count();
    for path in ["/a", "/api/a", "/api/v1/areas/a", "/assets/a", "/?geo=a", "/metrics"] {
        server.get(path);
    }
    let before = lines();
    for n in 0..200 {
        for path in ["/", "/api/", "/api/v1/areas/", "/assets/", "/?geo="] {
            server.get(&format!("{path}{n}"));
        }
    }
    assert_eq!(lines(), before);
    let metrics = server.get("/metrics").body;
    let counted = "toronto311_http_request_duration_seconds_count{route=\"/assets/{name}\",status=\"4xx\"} 201\n";
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn a_server_whose_lake_and_source_are_gone_goes_on_answering_from_memory() {
    let lake = tempfile::tempdir().unwrap();
    drop(Server::start(lake.path()));
    let source = ["--source", "http://127.0.0.1:9", "--allowed-hosts", "127.0.0.1", "--retry-seconds", "0.01"];
    let server = Server::start_with(lake.path(), &[&source[..], &["--reload-seconds", "0.05"]].concat());
    let before = server.get("/api/v1/counts");
    // The end of a run may still be written into it.
    while std::fs::remove_dir_all(lake.path()).is_err() {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(server.get("/api/v1/counts?geo=fsa").status, 200);
    assert!(server.get("/api/v1/counts").body == before.body);
    assert_eq!(server.get("/health/ready").status, 200);
}

/// What became of the requests of a client.
#[derive(Default)]
struct Tally {
    answered: u64,
    /// Connected and not answered whole.
    dropped: Vec<String>,
}

/// Asks until told to stop or nobody listens any more; keeps its connection while the server does.
fn ask_on(address: &str, enough: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    let mut kept: Option<TcpStream> = None;
    while !enough.load(Ordering::Relaxed) {
        let is_new = kept.is_none();
        let Some(mut stream) = kept.take().or_else(|| TcpStream::connect(address).ok()) else { return tally };
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        match ask(&mut stream) {
            Ok(close) => {
                tally.answered += 1;
                kept = (!close).then_some(stream);
            }
            // Between the server's last look at the system's queue and the end of the queue, the system accepts for it: such
            // a connection was never the server's. It is known by being reset, unused, as the last one that could be made.
            Err(error) if is_new && error.contains("reset") && TcpStream::connect(address).is_err() => return tally,
            Err(error) => tally.dropped.push(error),
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    tally
}

/// One request; whether the answer says that its connection closes.
fn ask(stream: &mut TcpStream) -> Result<bool, String> {
    stream.write_all(b"GET /api/v1/counts?geo=fsa HTTP/1.1\r\nhost: a\r\n\r\n").map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    let mut chunk = [0; 16 << 10];
    loop {
        let n = stream.read(&mut chunk).map_err(|error| error.to_string())?;
        if n == 0 {
            return Err(format!("closed after {} bytes", all.len()));
        }
        all.extend_from_slice(&chunk[..n]);
        let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse::<usize>().unwrap();
        if all.len() == end + 4 + length {
            return Ok(head.contains("connection: close"));
        }
    }
}

/// Twenty times in `make sigterm`, a few times otherwise.
#[test]
fn told_to_stop_under_load_it_ends_in_time_and_drops_no_request() {
    let rounds = std::env::var("ROUNDS").map_or(2, |rounds| rounds.parse().unwrap());
    let lake = tempfile::tempdir().unwrap();
    for round in 0..rounds {
        let mut server = Server::start_with(lake.path(), &["--refresh", "off"]);
        let (address, enough) = (server.address().to_owned(), Arc::new(AtomicBool::new(false)));
        let clients: Vec<_> = (0..8)
            .map(|_| {
                let (address, enough) = (address.clone(), enough.clone());
                std::thread::spawn(move || ask_on(&address, &enough))
            })
            .collect();
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(server.stop(), Some(0));
        enough.store(true, Ordering::Relaxed);
        let tallies: Vec<Tally> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        let dropped: Vec<_> = tallies.iter().flat_map(|tally| &tally.dropped).collect();
        assert!(dropped.is_empty(), "round {round}: {dropped:?}");
        let answered: u64 = tallies.iter().map(|tally| tally.answered).sum();
        println!("round {round}: {answered} answered, none dropped");
        // The log is read by a thread of its own.
        let lines = || server.log().iter().filter(|line| line["message"] == "request").count() as u64;
        let until = std::time::Instant::now() + Duration::from_secs(30);
        while lines() < answered {
            assert!(std::time::Instant::now() < until, "round {round}: only {} lines for {answered} answers", lines());
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(answered > 100, "{answered}");
    }
}

#[test]
fn an_answer_from_memory_is_that_which_was_made() {
    let (_lake, server) = demo();
    let headers = |answer: &Answer| {
        let of_each = ["x-request-id", "date"];
        let names = answer.headers.keys().filter(|name| !of_each.contains(&name.as_str()));
        names.map(|name| (name.to_string(), answer.header(name.as_str()).to_owned())).collect::<BTreeMap<_, _>>()
    };
    let hits = || {
        let metrics = server.get("/metrics").body;
        let line = metrics.lines().find(|line| line.contains("result=\"hit\"")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let paths =
        ["/", "/?geo=fsa", "/values", "/api/v1/counts", "/api/v1/counts.csv", "/api/v1/choropleth", "/api/v1/types"];
    for path in paths {
        let before = hits();
        let made = server.get(path);
        let head = server.ask("HEAD", path, &[]);
        let again = server.get(path);
        assert_eq!((made.status, head.status, again.status, hits() - before), (200, 200, 200, 2), "{path}");
        assert_eq!((headers(&made), &made.body), (headers(&again), &again.body), "{path}");
        assert_eq!((headers(&made), ""), (headers(&head), head.body.as_str()), "{path}");
        let changed = server.get_with(path, &[("if-none-match", made.header("etag"))]);
        assert_eq!((changed.status, changed.header("vary")), (304, made.header("vary")), "{path}");
        assert_eq!(server.ask("POST", path, &[]).status, 405, "{path}");
    }
    assert_eq!(server.get_with("/api/v1/counts", &[("accept", "text/csv")]).body, server.get(paths[4]).body);
}
