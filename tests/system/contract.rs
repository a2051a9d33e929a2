//! The API against its own description, and that against what was promised.

use serde_json::{Value, json};

use crate::program::{Answer, Server, serve};

/// What `v1` promises: may grow, and loses nothing. Renewed after additions by
/// `curl localhost:8080/api/v1/openapi.json | python3 -m json.tool --no-ensure-ascii > tests/system/openapi.json`.
const PROMISED: &str = include_str!("openapi.json");

fn demo() -> (Server, tempfile::TempDir) {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::of(serve(lake.path(), &["--refresh", "off"]));
    (server, lake)
}

/// The description, with the schema that it has for an address's answer of some status and media type.
struct Description(Value);

impl Description {
    fn promised() -> Self {
        Self(serde_json::from_str(PROMISED).unwrap())
    }

    fn paths(&self) -> Vec<String> {
        self.0["paths"].as_object().unwrap().keys().cloned().collect()
    }

    /// The addresses of a path: with each name of a file where it has one.
    fn addresses(&self, path: &str) -> Vec<String> {
        let parameters = self.0["paths"][path]["get"]["parameters"].as_array().unwrap();
        match parameters.iter().find(|parameter| parameter["in"] == "path") {
            None => vec![path.to_owned()],
            Some(parameter) => {
                let names = parameter["schema"]["enum"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
                names.map(|name| path.replace("{file}", name)).collect()
            }
        }
    }

    /// Holds an answer against the description: its status, media type and content are there.
    fn assert_holds(&self, path: &str, answer: &Answer) {
        let responses = &self.0["paths"][path]["get"]["responses"];
        let response = &responses[answer.status.to_string()];
        let response = match response["$ref"].as_str() {
            Some(reference) => self.0.pointer(reference.trim_start_matches('#')).unwrap(),
            None => response,
        };
        assert!(response.is_object(), "{path}: {} is not described", answer.status);
        let media_type = answer.header("content-type").split(';').next().unwrap();
        let media = &response["content"][media_type];
        assert!(media.is_object(), "{path}: {media_type} is not described for {}", answer.status);
        if media_type.ends_with("json") {
            let errors = self.errors(&media["schema"], &answer.json());
            assert!(errors.is_empty(), "{path}: {errors:?}");
        }
    }

    /// What is wrong with an instance of a schema, whose references are to the whole description.
    fn errors(&self, schema: &Value, instance: &Value) -> Vec<String> {
        let mut whole = self.0.clone();
        whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
        whole.as_object_mut().unwrap().extend(schema.as_object().unwrap().clone());
        let validator = jsonschema::validator_for(&whole).unwrap();
        validator.iter_errors(instance).map(|error| format!("{error} at {}", error.instance_path())).collect()
    }
}

/// Whether everything of one description is in another, which may have more.
fn lost(at: &str, promised: &Value, served: &Value, losses: &mut Vec<String>) {
    match (promised, served) {
        (Value::Object(promised), Value::Object(served)) => {
            for (name, value) in
                promised.iter().filter(|(name, _)| !["description", "summary"].contains(&name.as_str()))
            {
                match served.get(name) {
                    Some(found) => lost(&format!("{at}/{name}"), value, found, losses),
                    None => losses.push(format!("{at}/{name}")),
                }
            }
        }
        // Lists of words, of required members, of parameters: the order says nothing.
        (Value::Array(promised), Value::Array(served)) => {
            losses.extend(promised.iter().filter(|item| !served.contains(item)).map(|item| format!("{at}: {item}")));
        }
        _ if promised == served => {}
        // A list of columns that can be chosen grows with the columns.
        _ if at.ends_with("fields/schema/pattern") => {}
        _ => losses.push(format!("{at}: {promised} became {served}")),
    }
}

#[test]
fn what_v1_promised_is_there() {
    let (server, _lake) = demo();
    let mut losses = Vec::new();
    lost("", &Description::promised().0, &server.get("/api/v1/openapi.json").json(), &mut losses);
    assert!(losses.is_empty(), "lost from v1: {losses:#?}");
}

#[test]
fn every_address_answers_its_example_as_described() {
    let (server, _lake) = demo();
    let description = Description::promised();
    let page = server.get("/api").body.replace("&#38;", "&");
    let mut answered = 0;
    for path in description.paths() {
        let resource = path.trim_start_matches("/api/v1/").split('.').next().unwrap();
        let is_file = path.ends_with("/{file}");
        let example = page.split(&format!("href=\"/api/v1/{resource}?")).nth(1).and_then(|rest| rest.split('"').next());
        let queries = [Some(""), example.filter(|_| !is_file)]
            .into_iter()
            .flatten()
            .filter(|query| resource != "locate" || !query.is_empty());
        for query in queries {
            for address in description.addresses(&path) {
                let answer = server.get(&format!("{address}?{query}"));
                assert_eq!(answer.status, 200, "{address}?{query}: {}", answer.body);
                description.assert_holds(&path, &answer);
                answered += 1;
            }
        }
    }
    assert!(answered > 40, "{answered}");
}

#[test]
fn every_parameter_has_an_example_that_works() {
    let (server, _lake) = demo();
    let description = Description::promised();
    let live = server.get("/api/v1/freshness").json()["release"].as_str().unwrap().to_owned();
    for path in description.paths() {
        let parameters = description.0["paths"][&path]["get"]["parameters"].as_array().unwrap();
        for parameter in parameters.iter().filter(|parameter| parameter["in"] != "path") {
            let parameter = description.0.pointer(parameter["$ref"].as_str().unwrap().trim_start_matches('#')).unwrap();
            let value = match (parameter["name"].as_str().unwrap(), &parameter["example"]) {
                ("release", _) => live.clone(),
                ("cursor", _) => format!("{live}.12"),
                (_, Value::String(text)) => text.clone(),
                (_, other) => other.to_string(),
            };
            let with = match parameter["name"].as_str().unwrap() {
                "renames" => "&type=road-pot-hole",
                "lat" => "&lon=-79.3871",
                "lon" => "&lat=43.6426",
                _ => "",
            };
            let query = format!("{}={}{with}", parameter["name"].as_str().unwrap(), value.replace(' ', "%20"));
            let address = description.addresses(&path).remove(0);
            let answer = server.get(&format!("{address}?{query}"));
            assert_eq!(answer.status, 200, "{address}?{query}: {}", answer.body);
            description.assert_holds(&path, &answer);
        }
    }
}

#[test]
fn every_refusal_is_a_problem_that_says_what_is_allowed() {
    let (server, _lake) = demo();
    let description = Description::promised();
    let long = format!("/api/v1/counts?type={}", "a".repeat(5000));
    for (method, address, accept, status) in [
        ("GET", "/api/v1/counts?geo=parish", "*/*", 400),
        ("GET", "/api/v1/counts?geo=fsa&geo=ward", "*/*", 400),
        ("GET", "/api/v1/counts?colour=red", "*/*", 400),
        ("GET", "/api/v1/counts?status=", "*/*", 400),
        ("GET", "/api/v1/counts?month=2024-03&from=2024-01", "*/*", 400),
        ("GET", "/api/v1/counts?fields=area,secret", "*/*", 400),
        ("GET", "/api/v1/counts?release=2020-01-000000000000", "*/*", 400),
        ("GET", "/api/v1/series?limit=0", "*/*", 400),
        ("GET", "/api/v1/series?by=area&area=10", "*/*", 400),
        ("GET", "/api/v1/series?cursor=2020-01-000000000000.5", "*/*", 400),
        ("GET", "/api/v1/hours?area=10&type=noise", "*/*", 400),
        ("GET", "/api/v1/locate?lat=43.6", "*/*", 400),
        ("GET", "/api/v1/months?month=2024-01", "*/*", 400),
        ("GET", "/api/v1/counts.xml", "*/*", 404),
        ("GET", "/api/v1/parishes", "*/*", 404),
        ("GET", "/api/v1/downloads/nothing.parquet", "*/*", 404),
        ("GET", "/api/v1/downloads/request_types.parquet?release=", "*/*", 400),
        // Pages have forms for programs.
        ("GET", "/map.json?geo=parish", "*/*", 400),
        ("GET", "/wards/99.json", "*/*", 404),
        ("POST", "/map.csv", "*/*", 405),
        ("POST", "/api/v1/counts", "*/*", 405),
        ("DELETE", "/api/v1/downloads/request_types.parquet", "*/*", 405),
        ("GET", "/api/v1/counts", "text/html", 406),
        ("GET", "/api/v1/choropleth", "text/csv", 406),
        ("GET", &long, "*/*", 414),
    ] {
        let answer = server.ask(method, address, &[("accept", accept)]);
        assert_eq!(answer.status, status, "{address}: {}", answer.body);
        let problem = answer.json();
        assert_eq!(answer.header("content-type"), "application/problem+json", "{address}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        let errors = description.errors(&json!({"$ref": "#/components/schemas/Problem"}), &problem);
        assert!(errors.is_empty(), "{address}: {errors:?}");
        assert_eq!((&problem["status"], &problem["type"]), (&json!(status), &json!(format!("/api#problem-{status}"))));
        assert_eq!(problem["instance"], address.split('?').next().unwrap());
        assert_eq!(answer.header("cache-control"), "no-store");
        let errors = problem["errors"].as_array().map_or(0, Vec::len);
        assert_eq!(errors > 0, status == 400, "{problem}");
        assert!(server.get("/api").body.contains(&format!("id=\"problem-{status}\"")), "{status} is not explained");
        if status == 405 {
            assert_eq!(answer.header("allow"), "GET,HEAD");
        }
    }
}

#[test]
fn who_asks_too_often_is_told_when_to_ask_again_and_nobody_else_is() {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::of(serve(lake.path(), &["--refresh", "off", "--rate-limit", "1", "--trusted-proxies", "1"]));
    let ask = |client: &str| server.get_with("/api/v1/months", &[("x-forwarded-for", client)]);
    let answers: Vec<Answer> = (0..30).map(|_| ask("203.0.113.7")).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("a burst is ten");
    assert!(answers.iter().filter(|answer| answer.status == 200).count() >= 10);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(refused.json()["status"], 429);
    assert_eq!(refused.header("access-control-allow-origin"), "*");
    assert!(refused.header("access-control-expose-headers").contains("retry-after"));
    assert_eq!(ask("203.0.113.8").status, 200, "another client");
    assert_eq!(ask("203.0.113.8, 203.0.113.7").status, 429, "the nearest hop counts, not what was sent along");
    assert_eq!(server.get_with("/health/ready", &[("x-forwarded-for", "203.0.113.7")]).status, 200);
}

#[test]
fn pages_of_a_series_add_up_to_its_csv() {
    let (server, _lake) = demo();
    let mut rows = Vec::new();
    let mut next = Some("/api/v1/series?by=area&limit=350&geo=fsa".to_owned());
    while let Some(address) = next {
        let answer = server.get(&address);
        let json = answer.json();
        next = json["next"].as_str().map(str::to_owned);
        let pinned = format!("release={}", json["release"].as_str().unwrap());
        assert!(next.as_ref().is_none_or(|next| next.contains(&pinned)), "a release may come between two pages");
        assert_eq!(answer.header("link").contains("rel=\"next\""), next.is_some());
        assert_eq!(json["number_returned"], json["rows"].as_array().unwrap().len());
        rows.extend(json["rows"].as_array().unwrap().clone());
        if next.is_none() {
            assert_eq!(json["number_matched"], rows.len());
        }
    }
    assert_eq!(rows.len(), 96 * 36);
    let csv = server.get("/api/v1/series.csv?by=area&geo=fsa").body;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), rows.len());
    for (record, row) in records.iter().zip(&rows) {
        for (name, text) in header.iter().zip(record) {
            let value = match &row[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(text, value, "{name}");
        }
    }
    let city: u64 = server.get("/api/v1/series").json()["rows"].as_array().unwrap().iter().map(requests).sum();
    let months = server.get("/api/v1/months").json();
    assert_eq!(city, months["rows"].as_array().unwrap().iter().map(requests).sum::<u64>());
}

fn requests(row: &Value) -> u64 {
    row["requests"].as_u64().unwrap()
}

#[test]
fn hours_of_all_areas_and_of_all_types_are_all_requests() {
    let (server, _lake) = demo();
    let sum = |query: &str| {
        let json = server.get(&format!("/api/v1/hours?{query}")).json();
        assert_eq!(json["number_returned"], 168);
        json["rows"].as_array().unwrap().iter().map(requests).sum::<u64>()
    };
    let types = server.get("/api/v1/types").json();
    let by_type: u64 =
        types["rows"].as_array().unwrap().iter().map(|row| sum(&format!("type={}", row["id"].as_str().unwrap()))).sum();
    assert_eq!(by_type, sum(""));
    let whole = server.get("/api/v1/choropleth?from=2023-01&to=2025-12").json();
    let by_ward: u64 = (1..=25).map(|ward| sum(&format!("area={ward:02}"))).sum();
    assert_eq!(
        (sum(""), by_ward),
        (whole["total"].as_u64().unwrap(), whole["total"].as_u64().unwrap() - whole["not_mapped"].as_u64().unwrap())
    );
}

#[test]
fn an_address_that_names_a_release_may_be_kept_for_ever() {
    let (server, _lake) = demo();
    let live = server.get("/api/v1/freshness").json()["release"].as_str().unwrap().to_owned();
    let pinned = server.get(&format!("/api/v1/counts?release={live}"));
    assert_eq!(pinned.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(pinned.json()["rows"], server.get("/api/v1/counts").json()["rows"]);
    let moving = server.get("/api/v1/counts");
    assert!(moving.header("cache-control").contains("stale-while-revalidate=86400, stale-if-error=604800"));
}

#[test]
fn one_answer_has_one_name_whatever_the_order_of_its_query() {
    let (server, _lake) = demo();
    let tag = |address: &str| server.get(address).header("etag").to_owned();
    let normal = tag("/api/v1/counts?geo=fsa&measure=count");
    assert_eq!(tag("/api/v1/counts?measure=count&geo=fsa"), normal);
    assert_eq!(tag("/api/v1/counts.json?measure=count&geo=fsa"), normal);
    assert_ne!(tag("/api/v1/counts.csv?measure=count&geo=fsa"), normal);
    let known = server.get_with("/api/v1/counts?measure=count&geo=fsa", &[("if-none-match", &normal)]);
    assert_eq!((known.status, known.body.as_str()), (304, ""));
    // Known before it was ever made: the tag follows from the address.
    let never_made = "/api/v1/counts?geo=fsa&month=2024-07&status=closed";
    let (other, _other_lake) = demo();
    assert_eq!(server.get_with(never_made, &[("if-none-match", other.get(never_made).header("etag"))]).status, 304);
    let head = server.ask("HEAD", "/api/v1/counts?geo=fsa&measure=count", &[]);
    assert_eq!((head.status, head.header("etag"), head.body.len()), (200, normal.as_str(), 0));
    assert!(head.header("content-length").parse::<usize>().unwrap() > 1000);
}

#[test]
fn a_map_is_the_same_made_kept_and_asked_for_by_head() {
    let (server, _lake) = demo();
    for map in ["/api/v1/choropleth?month=2024-05", "/api/v1/choropleth?geo=fsa&month=2024-05&measure=share"] {
        let [made, again, kept] = [0, 1, 2].map(|_| server.get(map));
        assert!(made.json()["features"].is_array());
        assert!(made.body == again.body && made.body == kept.body, "{map}");
        for answer in [&made, &again, &kept, &server.ask("HEAD", map, &[])] {
            assert_eq!(answer.header("content-length"), made.body.len().to_string(), "{map}");
        }
    }
}

#[test]
fn answers_are_compressed_as_the_client_likes() {
    let (server, _lake) = demo();
    let length = |encoding: &str| {
        let answer = server.get_with("/api/v1/choropleth", &[("accept-encoding", encoding)]);
        assert_eq!(answer.header("content-encoding"), if encoding == "identity" { "" } else { encoding });
        answer.header("content-length").parse::<usize>().unwrap()
    };
    let [plain, gzip, zstd] = ["identity", "gzip", "zstd"].map(length);
    assert!(gzip < plain / 2 && zstd < plain / 2);
    // Asked for again, it is compressed as well as can be, while nobody waits.
    let first = length("br");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while length("br") >= first {
        assert!(std::time::Instant::now() < until, "never compressed better than {first}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(length("br") <= 12 << 10, "{} bytes", length("br"));
}

#[test]
fn parts_of_a_mart_are_the_parts_of_the_whole() {
    let (server, lake) = demo();
    let path = "/api/v1/downloads/requests_by_hour.parquet";
    let listed = server.get("/api/v1/downloads").json();
    let listed =
        listed["rows"].as_array().unwrap().iter().find(|row| row["mart"] == "requests_by_hour").unwrap().clone();
    let whole = server.get(path);
    assert_eq!((whole.status, whole.header("accept-ranges")), (200, "bytes"));
    let release = server.get("/api/v1/freshness").json()["release"].as_str().unwrap().to_owned();
    assert_eq!(listed["href"], format!("{path}?release={release}"), "the size and the hash are of this release");
    let file = std::fs::read(lake.path().join(format!("marts/{release}/requests_by_hour.parquet"))).unwrap();
    assert_eq!(
        (whole.header("content-length"), listed["bytes"].as_u64().unwrap()),
        (file.len().to_string().as_str(), file.len() as u64)
    );
    assert_eq!(whole.header("etag"), format!("\"{}\"", listed["sha256"].as_str().unwrap()));
    let part = |range: &str, tag: &str| server.get_with(path, &[("range", range), ("if-range", tag)]);
    let tail = part("bytes=-8", whole.header("etag"));
    assert!(tail.status == 206 && tail.body.ends_with("PAR1"), "{tail:?}");
    assert_eq!(tail.header("content-range"), format!("bytes {}-{}/{}", file.len() - 8, file.len() - 1, file.len()));
    assert_eq!(part("bytes=0-3", whole.header("etag")).body, "PAR1");
    assert_eq!(part("bytes=0-3", "\"another\"").status, 200, "a part of another version is no use");
    let beyond = part(&format!("bytes={}-", file.len()), whole.header("etag"));
    assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{}", file.len()).as_str()));
    assert_eq!(
        (beyond.header("content-type"), beyond.header("cache-control")),
        ("application/problem+json", "no-store")
    );
    let head = server.ask("HEAD", path, &[("range", "bytes=0-3")]);
    assert_eq!((head.status, head.header("content-length")), (200, file.len().to_string().as_str()));
}

#[test]
fn what_a_client_has_is_not_sent_again_however_it_says_so() {
    let (server, _lake) = demo();
    for path in ["/api/v1/counts", "/api/v1/downloads/request_types.parquet", "/api/v1/areas/wards.geojson", "/data"] {
        let tag = server.get(path).header("etag").to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            for method in ["GET", "HEAD"] {
                let answer = server.ask(method, path, &[("if-none-match", &known)]);
                assert_eq!((answer.status, answer.header("content-length")), (304, ""), "{method} {path}: {known}");
            }
        }
        assert_eq!(server.get_with(path, &[("if-none-match", "\"x\"")]).status, 200, "{path}");
    }
}
