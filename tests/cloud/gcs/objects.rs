//! What requests do to objects, which are files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::city::etag;
use crate::city::server::{Answer, Request};
use crate::lake::files_below;

/// Names in one answer to a list. Google has a thousand; so few that lists go over several answers in tests.
const PAGE: usize = 50;

/// The least that a part of an upload has, but for the last.
const PART: usize = 5 << 20;

/// An object, but for its bytes.
#[derive(Clone)]
struct Meta {
    generation: u64,
    etag: String,
    bytes: u64,
    modified: SystemTime,
}

struct Upload {
    path: String,
    parts: BTreeMap<u32, Vec<u8>>,
}

pub struct Objects {
    root: PathBuf,
    known: HashMap<String, Meta>,
    uploads: HashMap<String, Upload>,
    last_generation: u64,
}

/// `bucket/key` of a request.
pub fn path(request: &Request) -> String {
    let path = request.target.split('?').next().unwrap_or_default().trim_start_matches('/');
    // Everything but letters and digits comes as %XX, so it reads like a form.
    form_urlencoded::parse(path.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}

fn query(request: &Request) -> HashMap<String, String> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

pub fn error(status: u16, code: &str) -> Answer {
    xml(status, &format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>"))
}

fn xml(status: u16, body: &str) -> Answer {
    let body = format!("<?xml version='1.0' encoding='UTF-8'?>{body}");
    Answer::new(status, "application/xml; charset=UTF-8", body.into_bytes())
}

impl Objects {
    pub fn in_folder(root: &Path) -> Self {
        Self { root: root.to_owned(), known: HashMap::new(), uploads: HashMap::new(), last_generation: 0 }
    }

    pub fn create_bucket(&self, name: &str) {
        fs::create_dir_all(self.root.join(name)).unwrap();
    }

    /// Makes the object of a request go away.
    pub fn lose(&mut self, request: &Request) {
        let _ = fs::remove_file(self.root.join(path(request)));
    }

    /// Makes the object of a request another generation.
    pub fn touch(&mut self, request: &Request) {
        self.known.remove(&path(request));
    }

    pub fn answer(&mut self, request: &Request) -> Answer {
        let (path, query) = (path(request), query(request));
        let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
        if bucket.is_empty() || !self.root.join(bucket).is_dir() {
            return error(404, "NoSuchBucket");
        }
        if key.is_empty() {
            return self.list(bucket, &query);
        }
        let found = self.look(&path);
        if let Some(wanted) = request.header("x-goog-if-generation-match") {
            let generation = found.as_ref().map_or(0, |meta| meta.generation);
            if wanted != generation.to_string() {
                return error(412, "PreconditionFailed");
            }
        }
        match (request.method.as_str(), query.get("uploadId")) {
            ("GET" | "HEAD", _) => {
                found.map_or_else(|| error(404, "NoSuchKey"), |meta| self.read(request, &path, &meta))
            }
            ("PUT", None) => self.put(&path, &request.body),
            ("PUT", Some(id)) => self.put_part(&path, id, &query, &request.body),
            ("POST", None) if query.contains_key("uploads") => self.begin_upload(path),
            ("POST", Some(id)) => self.end_upload(&path, id, &String::from_utf8_lossy(&request.body)),
            ("DELETE", Some(id)) => self.uploads.remove(id).map_or_else(|| error(404, "NoSuchUpload"), |_| empty()),
            ("DELETE", None) if found.is_none() => error(404, "NoSuchKey"),
            ("DELETE", None) => {
                fs::remove_file(self.root.join(&path)).unwrap();
                empty()
            }
            _ => error(405, "MethodNotAllowed"),
        }
    }

    /// A file that others wrote or changed is an object of a new generation.
    fn look(&mut self, path: &str) -> Option<Meta> {
        let file = self.root.join(path);
        let found = fs::metadata(&file).ok().filter(fs::Metadata::is_file)?;
        let (bytes, modified) = (found.len(), found.modified().unwrap());
        if let Some(known) = self.known.get(path).filter(|known| known.bytes == bytes && known.modified == modified) {
            return Some(known.clone());
        }
        let etag = etag(&fs::read(file).unwrap());
        let meta = Meta { generation: self.next_generation(), etag, bytes, modified };
        self.known.insert(path.to_owned(), meta.clone());
        Some(meta)
    }

    fn next_generation(&mut self) -> u64 {
        let now = u64::try_from(Timestamp::now().as_microsecond()).unwrap();
        self.last_generation = now.max(self.last_generation + 1);
        self.last_generation
    }

    fn read(&self, request: &Request, path: &str, meta: &Meta) -> Answer {
        if request.header("if-match").is_some_and(|wanted| wanted != meta.etag) {
            return error(412, "PreconditionFailed");
        }
        let whole = fs::read(self.root.join(path)).unwrap();
        let mut answer = Answer::new(200, "application/octet-stream", whole);
        answer.set("ETag", &meta.etag);
        answer.set("x-goog-generation", meta.generation.to_string());
        let modified = Timestamp::try_from(meta.modified).unwrap();
        answer.set("Last-Modified", DateTimePrinter::new().timestamp_to_rfc9110_string(&modified).unwrap());
        if let Some(start) = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split('-').next()) {
            let (start, end): (usize, usize) = (start.parse().unwrap(), answer.body.len());
            answer.body = answer.body[start..].to_vec().into();
            answer.status = 206;
            answer.set("Content-Range", format!("bytes {start}-{}/{end}", end - 1));
        }
        answer
    }

    /// Whole or not at all.
    fn store(&mut self, path: &str, bytes: &[u8]) -> Meta {
        let (file, next) = (self.root.join(path), self.root.join(".next"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&next, bytes).unwrap();
        fs::rename(&next, &file).unwrap();
        // Two writes of as many bytes within a tick of the clock are two generations all the same.
        self.known.remove(path);
        self.look(path).unwrap()
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Answer {
        stored(xml(200, ""), &self.store(path, bytes))
    }

    fn begin_upload(&mut self, path: String) -> Answer {
        let id = format!("upload-{}", self.next_generation());
        self.uploads.insert(id.clone(), Upload { path: path.clone(), parts: BTreeMap::new() });
        let names = format!("<Bucket>b</Bucket><Key>{path}</Key><UploadId>{id}</UploadId>");
        xml(200, &format!("<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>"))
    }

    fn put_part(&mut self, path: &str, id: &str, query: &HashMap<String, String>, bytes: &[u8]) -> Answer {
        let Some(upload) = self.uploads.get_mut(id).filter(|upload| upload.path == path) else {
            return error(404, "NoSuchUpload");
        };
        upload.parts.insert(query["partNumber"].parse().unwrap(), bytes.to_vec());
        let mut answer = empty();
        answer.status = 200;
        answer.set("ETag", etag(bytes));
        answer
    }

    fn end_upload(&mut self, path: &str, id: &str, manifest: &str) -> Answer {
        let Some(upload) = self.uploads.remove(id) else { return error(404, "NoSuchUpload") };
        let parts: Vec<Vec<u8>> = upload.parts.into_values().collect();
        if parts.iter().rev().skip(1).any(|part| part.len() < PART) {
            return error(400, "EntityTooSmall");
        }
        if parts.is_empty() || parts.iter().any(|part| !manifest.contains(etag(part).trim_matches('"'))) {
            return error(400, "InvalidPart");
        }
        let meta = self.store(path, &parts.concat());
        let names = format!("<Bucket>b</Bucket><Key>{path}</Key><ETag>{}</ETag>", meta.etag);
        stored(xml(200, &format!("<CompleteMultipartUploadResult>{names}</CompleteMultipartUploadResult>")), &meta)
    }

    fn list(&mut self, bucket: &str, query: &HashMap<String, String>) -> Answer {
        let given = |name: &str| query.get(name).map_or("", String::as_str);
        let after = given("continuation-token").max(given("start-after"));
        let names: BTreeSet<String> = files_below(&self.root.join(bucket)).into_iter().collect();
        let mut names = names.into_iter().filter(|name| name.starts_with(given("prefix")) && name.as_str() > after);
        let (mut contents, mut last) = (String::new(), String::new());
        for name in names.by_ref().take(PAGE) {
            let Some(Meta { generation, etag, bytes, modified }) = self.look(&format!("{bucket}/{name}")) else {
                continue;
            };
            let modified = Timestamp::try_from(modified).unwrap();
            contents.push_str(&format!(
                "<Contents><Key>{name}</Key><Generation>{generation}</Generation><LastModified>{modified:.3}</LastModified>\
                 <ETag>{etag}</ETag><Size>{bytes}</Size></Contents>"
            ));
            last = name;
        }
        let more = names.next().is_some();
        let next = if more { format!("<NextContinuationToken>{last}</NextContinuationToken>") } else { String::new() };
        let result = format!("<Name>{bucket}</Name><IsTruncated>{more}</IsTruncated>{next}{contents}");
        xml(200, &format!("<ListBucketResult>{result}</ListBucketResult>"))
    }
}

fn empty() -> Answer {
    Answer::new(204, "text/html; charset=UTF-8", Vec::new())
}

fn stored(mut answer: Answer, meta: &Meta) -> Answer {
    answer.set("ETag", &meta.etag);
    answer.set("x-goog-generation", meta.generation.to_string());
    answer
}
