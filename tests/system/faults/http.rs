//! The network and HTTP.

use std::time::Duration;

use super::End::{Failed, Held, NoChange, Published, SameTables};
use super::{Case, Seen, case};
use crate::city::server::{Answer, Delivery, Framing, Then, closed_port, deaf_port};
use crate::city::tls::Certificate;
use crate::city::{City, FILE, METADATA, files};

/// All tries of one file.
const TRIES: usize = 6;

pub fn cases() -> Vec<Case> {
    [connections(), certificates(), silence(), lengths(), redirects(), statuses(), contents(), resumption()]
        .into_iter()
        .flatten()
        .collect()
}

fn connections() -> Vec<Case> {
    vec![
        case("the file's host has no address", Held("can't be reached"), |city| {
            city.change_resource(|file| file["url"] = "https://city.invalid/sr2025.zip".into());
        })
        .flags(&["--allowed-hosts", "city.invalid"]),
        case("the source has no address", Failed("city.invalid"), |_| {})
            .source(|_| "https://city.invalid".to_owned())
            .flags(&["--allowed-hosts", "city.invalid"]),
        case("the file's port is closed", Held(""), |city| {
            let (socket, port) = closed_port();
            city.keep(socket);
            move_file(city, &format!("http://127.0.0.1:{port}"));
        }),
        case("the source's port is closed", Failed(""), |_| {}).source(|city| {
            let (socket, port) = closed_port();
            city.keep(socket);
            format!("http://127.0.0.1:{port}")
        }),
        case("the file's port takes no connection", Held(""), |city| {
            let (sockets, port) = deaf_port();
            city.keep(sockets);
            move_file(city, &format!("http://127.0.0.1:{port}"));
        })
        .also(|seen| seen.within(12)),
        case("the source's port takes no connection", Failed(""), |_| {})
            .source(|city| {
                let (sockets, port) = deaf_port();
                city.keep(sockets);
                format!("http://127.0.0.1:{port}")
            })
            .also(|seen| seen.within(12)),
        case("reset before the header, twice", Published, |city| {
            city.fault_times(FILE, &["GET"], 2, |_, answer| answer.delivery = Delivery::Nothing(Then::Reset));
        }),
        case("closed before the header, twice", Published, |city| {
            city.fault_times(FILE, &["GET"], 2, |_, answer| answer.delivery = Delivery::Nothing(Then::Finish));
        }),
        case("the catalogue's connection is reset, twice", Published, |city| {
            city.fault_times(METADATA, &["GET"], 2, |_, answer| answer.delivery = Delivery::Nothing(Then::Reset));
        }),
        case("always reset", Held(""), |city| {
            city.fault(FILE, |_, answer| answer.delivery = Delivery::Nothing(Then::Reset));
        })
        .also(|seen| assert_eq!(seen.downloads(), TRIES)),
    ]
}

fn certificates() -> Vec<Case> {
    vec![
        case("a good certificate", Published, |_| {}).over_tls(Certificate::Good),
        case("the source's certificate is expired", Failed("certificate"), |_| {}).over_tls(Certificate::Expired),
        case("the source's certificate is for another host", Failed("certificate"), |_| {})
            .over_tls(Certificate::OtherHost),
        case("nobody vouches for the source's certificate", Failed("certificate"), |_| {})
            .over_tls(Certificate::SelfSigned),
        case("the file's certificate is expired", Held("certificate"), |city| {
            file_of_another(city, Certificate::Expired);
        }),
        case("the file's certificate is for another host", Held("certificate"), |city| {
            file_of_another(city, Certificate::OtherHost);
        }),
        case("TLS where plain HTTP is spoken", Held(""), |city| {
            move_file(city, &city.url().replace("http://", "https://"));
        }),
    ]
}

fn silence() -> Vec<Case> {
    vec![
        case("silence before the header, once", Published, |city| {
            city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Nothing(Then::Silence));
        }),
        case("silence before the header, always", Held(""), |city| {
            city.fault(FILE, |_, answer| answer.delivery = Delivery::Nothing(Then::Silence));
        })
        .also(|seen| seen.within(12)),
        case("silence of the catalogue, once", Published, |city| {
            city.fault_times(METADATA, &["GET"], 1, |_, answer| answer.delivery = Delivery::Nothing(Then::Silence));
        }),
        case("silence of the catalogue, always", Failed(""), |city| {
            city.fault(METADATA, |_, answer| answer.delivery = Delivery::Cut(100, Then::Silence));
        })
        .also(|seen| seen.within(15)),
        case("silence in the body, once", Published, |city| {
            city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Cut(1000, Then::Silence));
        })
        .also(resumed),
        case("silence to HEAD", Published, |city| {
            city.fault_times(FILE, &["HEAD"], usize::MAX, |_, answer| {
                answer.delivery = Delivery::Nothing(Then::Silence);
            });
        })
        .flags(&["--stall-seconds", "0.3"]),
        case("never silent for long, but never done", Held(""), |city| {
            city.fault(FILE, |_, answer| answer.delivery = Delivery::Drip(1, Duration::from_millis(100)));
        })
        .flags(&["--download-seconds", "2"])
        .also(|seen| seen.within(6)),
        case("a catalogue that is never done", Failed(""), |city| {
            city.fault(METADATA, |_, answer| answer.delivery = Delivery::Drip(1, Duration::from_millis(100)));
        })
        .flags(&["--download-seconds", "2"])
        .also(|seen| seen.within(6)),
    ]
}

fn lengths() -> Vec<Case> {
    vec![
        case("reset in the body, once", Published, |city| {
            city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Cut(1000, Then::Reset));
        })
        .also(resumed),
        case("closed before the length is reached, once", Published, |city| {
            city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Cut(1000, Then::Finish));
        })
        .also(resumed),
        case("closed before the length is reached, always at the start", Held(""), |city| {
            city.fault(FILE, |_, answer| answer.delivery = Delivery::Cut(10, Then::Finish));
        })
        .also(|seen| assert_eq!(seen.downloads(), TRIES)),
        case("chunks", Published, |city| city.fault(FILE, |_, answer| answer.framing = Framing::Chunked)),
        case("chunks without their end, once", Published, |city| {
            city.fault_times(FILE, &["GET"], 1, |_, answer| {
                answer.framing = Framing::Chunked;
                answer.delivery = Delivery::Cut(1000, Then::Finish);
            });
        }),
        case("a catalogue in chunks without their end, once", Published, |city| {
            city.fault_times(METADATA, &["GET"], 1, |_, answer| {
                answer.framing = Framing::Chunked;
                answer.delivery = Delivery::Cut(1000, Then::Finish);
            });
        }),
        case("more bytes than the length", Held("6 tries"), |city| {
            city.fault(FILE, |_, answer| answer.framing = Framing::Claimed(answer.body.len() - 10));
        }),
        case("something else after the file", Published, |city| {
            city.fault(FILE, |_, answer| {
                answer.framing = Framing::Claimed(answer.body.len());
                let more = [answer.body.as_slice(), b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nevil"].concat();
                answer.body = more.into();
            });
        }),
        case("no length", Published, |city| city.fault(FILE, |_, answer| answer.framing = Framing::UntilClose)),
        case("no length, cut", Published, |city| {
            city.fault(FILE, |_, answer| {
                answer.framing = Framing::UntilClose;
                answer.delivery = Delivery::Cut(1000, Then::Finish);
            });
        }),
        case("a CSV without a length, cut at the end of a row", SameTables, |city| {
            city.change_zip(<[u8]>::to_vec);
            city.fault(FILE, |_, answer| {
                answer.framing = Framing::UntilClose;
                let row = memchr::memrchr(b'\n', &answer.body[..answer.body.len() - 500]).unwrap();
                answer.delivery = Delivery::Cut(row + 1, Then::Finish);
            });
        }),
        case("no length and no end", Held("512"), |city| {
            city.fault(FILE, |_, answer| {
                answer.framing = Framing::UntilClose;
                answer.body = vec![0; 1 << 20].into();
                answer.delivery = Delivery::Repeated(1 << 30);
            });
        })
        .flags(&["--download-seconds", "60"])
        .also(|seen| assert_eq!(seen.downloads(), 1, "no use in asking again")),
        case("a length beyond all measure", Held("512"), |city| {
            city.fault(FILE, |_, answer| answer.framing = Framing::Claimed(600_000_000));
        })
        .also(|seen| seen.within(5)),
        case("a catalogue without end", Failed("10 MB"), |city| {
            city.fault(METADATA, |_, answer| {
                answer.framing = Framing::UntilClose;
                answer.body = vec![b' '; 1 << 20].into();
                answer.delivery = Delivery::Repeated(1 << 30);
            });
        }),
        case("a header without end", Held(""), |city| {
            city.fault(FILE, |_, answer| answer.set("X-Fill", "x".repeat(20 << 20)));
        }),
        case("no HTTP", Held(""), |city| city.fault(FILE, |_, answer| answer.delivery = Delivery::Headless)),
    ]
}

fn redirects() -> Vec<Case> {
    vec![
        case("moved on the same host", Published, |city| redirect(city, 301, 1, |path| path.to_owned())),
        case("three times moved", Published, |city| redirect(city, 302, 3, |path| path.to_owned())),
        case("four times moved", Held(""), |city| redirect(city, 307, 4, |path| path.to_owned())),
        case("moved in a circle", Held(""), |city| redirect(city, 302, usize::MAX, |path| path.to_owned()))
            .also(|seen| seen.within(5)),
        case("moved to a host that is not allowed", Held("elsewhere.example"), |city| {
            redirect(city, 302, usize::MAX, |path| format!("https://elsewhere.example{path}"));
        })
        .also(|seen| seen.within(3)),
        case("moved from HTTPS to HTTP", Held("http"), |city| {
            redirect(city, 302, usize::MAX, |path| format!("http://city.invalid{path}"));
        })
        .flags(&["--allowed-hosts", "city.invalid"])
        .also(|seen| seen.within(3)),
        case("moved with a secret to a host that is not allowed", Held("elsewhere.example"), |city| {
            redirect(city, 302, usize::MAX, |path| format!("https://elsewhere.example{path}?token=a-secret"));
        })
        .also(keeps_the_secret),
        case("moved with a secret to nowhere", Held(""), |city| {
            redirect(city, 302, usize::MAX, |_| "http://[/?token=a-secret".to_owned());
        })
        .also(keeps_the_secret),
        case("moved to a file of this machine", Held("file:"), |city| {
            redirect(city, 302, usize::MAX, |_| "file:///etc/passwd".to_owned());
        }),
        case("moved to the metadata of a cloud", Held("169.254.169.254"), |city| {
            redirect(city, 302, usize::MAX, |_| "http://169.254.169.254/latest/meta-data/".to_owned());
        })
        .also(|seen| seen.within(3)),
        case("moved, not said where", Held(""), |city| city.fault(FILE, |_, answer| answer.become_page(302, "Moved"))),
    ]
}

fn statuses() -> Vec<Case> {
    vec![
        case("429 with a second to wait", Published, |city| busy_once(city, "1"))
            .also(|seen| assert!(pause(seen) >= Duration::from_millis(950), "{:?}", pause(seen))),
        case("503 with a date to wait for", Published, |city| {
            let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
            let at = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap();
            busy_once(city, &at);
        })
        .also(|seen| assert!(pause(seen) >= Duration::from_millis(500), "{:?}", pause(seen))),
        case("429 for an hour", Held("429"), |city| {
            city.fault(FILE, |_, answer| {
                answer.become_page(429, "Too many requests");
                answer.set("Retry-After", "3600");
            });
        })
        .also(|seen| {
            seen.within(3);
            assert_eq!(seen.downloads(), 1);
        }),
        case("429 until the end of time", Held("429"), |city| {
            city.fault(FILE, |_, answer| {
                answer.become_page(429, "Too many requests");
                answer.set("Retry-After", u64::MAX.to_string());
            });
        }),
        case("503 with nonsense to wait for", Published, |city| busy_once(city, "-1 (soon)")),
        case("500 twice", Published, |city| {
            city.fault_times(FILE, &["GET"], 2, |_, answer| answer.become_page(500, "Internal error"));
        }),
        case("500 of the catalogue, twice", Published, |city| {
            city.fault_times(METADATA, &["GET"], 2, |_, answer| answer.become_page(500, "Internal error"));
        }),
        case("503 always", Held("503"), |city| city.fault(FILE, |_, answer| answer.become_page(503, "Maintenance")))
            .also(|seen| assert_eq!(seen.downloads(), TRIES)),
        case("503 of the catalogue always", Failed("503"), |city| {
            city.fault(METADATA, |_, answer| answer.become_page(503, "Maintenance"));
        })
        .also(|seen| assert_eq!(seen.city.requests("GET", METADATA).len(), TRIES)),
        case("404", Held("404"), |city| city.fault(FILE, |_, answer| answer.become_page(404, "Not found")))
            .also(|seen| assert_eq!(seen.downloads(), 1, "no use in asking again")),
        case("403", Held("403"), |city| city.fault(FILE, |_, answer| answer.become_page(403, "Forbidden")))
            .also(|seen| assert_eq!(seen.downloads(), 1, "no use in asking again")),
        case("HEAD is forbidden", Published, |city| {
            city.fault_times(FILE, &["HEAD"], usize::MAX, |_, answer| answer.become_page(403, "Forbidden"));
        }),
        case("HEAD is not allowed", Published, |city| {
            city.fault_times(FILE, &["HEAD"], usize::MAX, |_, answer| answer.become_page(405, "Not allowed"));
        }),
        case("HEAD fails", Published, |city| {
            city.fault_times(FILE, &["HEAD"], usize::MAX, |_, answer| answer.become_page(503, "Maintenance"));
        }),
        case("not modified, though nobody asked", Held("304"), |city| {
            city.fault(FILE, |_, answer| *answer = Answer::new(304, "text/plain", Vec::new()));
        }),
        case("a part, though nobody asked", Held("range"), |city| {
            city.fault(FILE, |_, answer| {
                answer.status = 206;
                answer.set("Content-Range", format!("bytes 0-99/{}", answer.body.len()));
                (answer.body, answer.negotiable) = (answer.body[..100].to_vec().into(), false);
            });
        }),
        case("no content", Held(""), |city| {
            city.fault(FILE, |_, answer| *answer = Answer::new(204, "text/plain", Vec::new()));
        }),
    ]
}

fn contents() -> Vec<Case> {
    vec![
        case("a page in place of the file", Held(""), |city| {
            city.fault(FILE, |_, answer| answer.become_page(200, "Request rejected"));
        }),
        case("a page in place of the catalogue", Failed(""), |city| {
            city.fault(METADATA, |_, answer| answer.become_page(200, "Request rejected"));
        }),
        case("the file under a wrong content type", Published, |city| {
            city.fault_times(FILE, &["GET", "HEAD"], usize::MAX, |_, answer| answer.set("Content-Type", "text/html"));
        }),
        case("a compressed answer", Held("encoded"), |city| {
            city.fault(FILE, |_, answer| encoded(answer, &answer.body.clone()));
        }),
        case("a compressed bomb", Held("encoded"), |city| {
            city.fault(FILE, |_, answer| encoded(answer, &vec![0; 64 << 20]));
        }),
        case("a compressed catalogue", Failed(""), |city| {
            city.fault(METADATA, |_, answer| encoded(answer, &answer.body.clone()));
        }),
        case("the file of yesterday, from a proxy", NoChange, |city| {
            city.change_resource(|file| file["last_modified"] = "2025-04-08T14:03:12.123456".into());
        }),
        case("the file of yesterday under a new ETag", NoChange, |city| {
            city.fault_times(FILE, &["GET", "HEAD"], usize::MAX, |_, answer| answer.set("ETag", "\"of today\""));
        })
        .also(|seen| assert_eq!(seen.downloads(), 1)),
        case("nothing new", NoChange, |_| {}),
        case("another file under an old date", Published, |city| {
            city.fault_times(FILE, &["GET", "HEAD"], usize::MAX, |_, answer| {
                answer.set("Last-Modified", "Sat, 08 Mar 2025 14:03:12 GMT");
            });
        }),
        case("no validators at all", Published, |city| {
            city.fault_times(FILE, &["GET", "HEAD"], usize::MAX, |_, answer| {
                answer.remove("ETag");
                answer.remove("Last-Modified");
            });
        }),
    ]
}

/// The first answer breaks off after 1,000 bytes; what comes then differs.
fn resumption() -> Vec<Case> {
    fn broken(city: &City) {
        city.fault_times(FILE, &["GET"], 1, |_, answer| answer.delivery = Delivery::Cut(1000, Then::Reset));
    }
    vec![
        case("the file changes in the middle", Published, |city| {
            let other = files::zip(&[("SR2025.csv", &[b'x'; 5000])]);
            city.fault_times(FILE, &["GET"], 1, move |_, answer| {
                answer.set("ETag", crate::city::etag(&other));
                answer.body = other.clone().into();
                answer.delivery = Delivery::Cut(100, Then::Reset);
            });
        }),
        case("a part of another file", Published, |city| {
            broken(city);
            city.fault_times(FILE, &["GET"], 1, |request, answer| {
                let of_ours = request.header("if-range").unwrap_or_default().to_owned();
                let other = vec![b'x'; answer.body.len()];
                answer.status = 206;
                answer.set("Content-Range", format!("bytes 1000-{}/{}", other.len() - 1, other.len()));
                answer.set("ETag", format!("\"not {}\"", of_ours.trim_matches('"')));
                (answer.body, answer.negotiable) = (other[1000..].to_vec().into(), false);
            });
        }),
        case("another part than the one asked for", Published, |city| {
            broken(city);
            city.fault_times(FILE, &["GET"], 1, |_, answer| {
                answer.status = 206;
                answer.set("Content-Range", format!("bytes 900-{}/{}", answer.body.len() - 1, answer.body.len()));
                (answer.body, answer.negotiable) = (answer.body[900..].to_vec().into(), false);
            });
        }),
        case("a part that does not say which", Published, |city| {
            broken(city);
            city.fault_times(FILE, &["GET"], 1, |_, answer| {
                (answer.status, answer.negotiable) = (206, false);
                answer.body = answer.body[900..].to_vec().into();
            });
        }),
        case("ranges are ignored", Published, |city| {
            broken(city);
            city.fault(FILE, |_, answer| answer.negotiable = false);
        }),
        case("a weak ETag is good for no range", Published, |city| {
            city.fault_times(FILE, &["GET"], 1, |_, answer| {
                weaken(answer);
                answer.delivery = Delivery::Cut(1000, Then::Reset);
            });
            city.fault_times(FILE, &["GET", "HEAD"], usize::MAX, |_, answer| weaken(answer));
        })
        .also(|seen| {
            let ranges =
                seen.city.requests("GET", FILE).iter().filter(|get| get.request.header("range").is_some()).count();
            assert_eq!(ranges, 0);
        }),
        case("nothing after the part that is there", Published, |city| {
            broken(city);
            city.fault_times(FILE, &["GET"], 1, |_, answer| {
                answer.become_page(416, "Range not satisfiable");
            });
        }),
    ]
}

/// The bytes that were there were not sent again.
fn resumed(seen: &Seen<'_>) {
    let gets = seen.city.requests("GET", FILE);
    assert_eq!(gets.iter().map(|get| get.status).collect::<Vec<_>>(), [200, 206]);
    assert!(gets[1].request.header("if-range").is_some());
    let sent: u64 = gets.iter().map(|get| get.sent).sum();
    assert!(sent < gets[1].sent + 1100, "{sent} bytes");
}

/// Signed addresses must not get into logs.
pub fn keeps_the_secret(seen: &Seen<'_>) {
    let records = format!("{:?} {}", seen.lake.runs(), seen.run.stderr);
    assert!(!records.contains("a-secret"), "{records}");
}

fn move_file(city: &City, base: &str) {
    let url = city.file_url().replace(&city.url(), base);
    city.change_resource(|file| file["url"] = url.into());
}

/// Publishes the file of another server, which has all files of the City.
fn file_of_another(city: &City, certificate: Certificate) {
    let other = City::start_with(Some(certificate));
    other.publish(crate::city::Edition::Second);
    move_file(city, &other.url());
    city.keep(other);
}

/// Sends the first so many requests for the file elsewhere. Each hop is another address: only a circle repeats one.
fn redirect(city: &City, status: u16, times: usize, to: fn(&str) -> String) {
    city.fault_times(FILE, &["GET", "HEAD"], usize::MAX, move |request, answer| {
        let hop = request.target.split_once("?hop=").map_or(0, |(_, hop)| hop.parse().unwrap());
        if hop < times {
            let path = request.target.split('?').next().unwrap();
            answer.become_page(status, "Moved");
            answer.set("Location", format!("{}?hop={}", to(path), (hop + 1) % 10));
        }
    });
}

fn busy_once(city: &City, retry_after: &str) {
    let retry_after = retry_after.to_owned();
    city.fault_times(FILE, &["GET"], 1, move |_, answer| {
        answer.become_page(429, "Too many requests");
        answer.set("Retry-After", retry_after.clone());
    });
}

/// Between the first two requests for the file.
fn pause(seen: &Seen<'_>) -> Duration {
    let gets = seen.city.requests("GET", FILE);
    gets[1].at - gets[0].at
}

fn weaken(answer: &mut Answer) {
    let tag = format!("W/{}", answer.header("ETag").unwrap_or_default());
    answer.set("ETag", tag);
}

fn encoded(answer: &mut Answer, bytes: &[u8]) {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    answer.body = gzip.finish().unwrap().into();
    answer.set("Content-Encoding", "gzip");
}
