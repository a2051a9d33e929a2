//! A stand-in for Cloud Storage on 127.0.0.1: its XML API as far as the program uses it, its metadata server, and ways
//! of going wrong.
//!
//! Objects are plain files `root/bucket/key`, so that stand-ins of other services see the same bytes, and what those
//! write is seen here. What it does not have: other accounts than one, versions of the past, the JSON API.

mod objects;

use std::sync::{Arc, Mutex, MutexGuard};

use crate::city::server::{Answer, Delivery, Request, Server, Site, Then};
use crate::city::tls::{Certificate, Identity};
use objects::Objects;

/// What a request must bear, as the metadata server tells.
pub const TOKEN: &str = "ya29.stand-in";

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum How {
    /// It is answered with this status and not carried out.
    Refused(u16),
    /// It is carried out and answered with this status all the same.
    Done(u16),
    /// It is carried out, and the connection breaks before the answer.
    AnswerLost,
    /// It is taken, and nothing is ever said.
    Silent,
    /// What is read has another last byte than what was written.
    OtherByte,
    /// The object is gone just before.
    Vanished,
    /// Somebody else has written the object just before.
    Overtaken,
    /// There is no bucket.
    NoBucket,
}

/// Which requests go wrong, and how.
#[derive(Debug, Clone)]
pub struct Fault {
    pub method: &'static str,
    /// A part of the object's path, or of the query.
    pub path: &'static str,
    /// So many go well before.
    pub after: usize,
    /// So many go wrong then.
    pub times: usize,
    pub how: How,
}

/// A request as it was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    pub method: String,
    /// With the bucket, and with the query.
    pub target: String,
    pub status: u16,
}

/// What is done when so many requests have come.
struct Trap {
    request: usize,
    /// Before it is carried out, or before it is answered.
    before: bool,
    spring: Box<dyn FnOnce() + Send>,
}

struct State {
    objects: Objects,
    faults: Vec<Fault>,
    trap: Option<Trap>,
    log: Vec<Logged>,
    tokens: usize,
    /// Requests that went wrong.
    faulty: usize,
}

/// The service, running.
pub struct Gcs {
    state: Arc<Mutex<State>>,
    server: Server,
    /// The same over TLS.
    encrypted: Option<Server>,
}

impl Gcs {
    /// Over the folders of `root`, each of which is a bucket.
    pub fn start(root: &std::path::Path) -> Self {
        let objects = Objects::in_folder(root);
        let state = State { objects, faults: Vec::new(), trap: None, log: Vec::new(), tokens: 0, faulty: 0 };
        let state = Arc::new(Mutex::new(state));
        let server = Server::start(Arc::new(Service(Arc::clone(&state))), None);
        Self { state, server, encrypted: None }
    }

    /// From now on programs are told to use TLS.
    pub fn encrypt(&mut self) {
        let service = Arc::new(Service(Arc::clone(&self.state)));
        self.encrypted = Some(Server::start(service, Some(Identity::new(Certificate::Good))));
    }

    /// Makes a bucket; without one, all is refused.
    pub fn create_bucket(&self, name: &str) {
        self.state().objects.create_bucket(name);
    }

    /// What tells a program to use this and not Google's.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let address = format!("127.0.0.1:{}", self.server.port());
        // A certificate is for a name.
        let encrypted = self.encrypted.as_ref().map(|server| format!("https://localhost:{}", server.port()));
        let base = encrypted.unwrap_or_else(|| format!("http://{address}"));
        vec![("GOOGLE_BASE_URL", base), ("GCE_METADATA_HOST", address)]
    }

    pub fn fault(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Does something when the request of this number has come, the first being 1.
    pub fn at_request(&self, request: usize, before: bool, spring: impl FnOnce() + Send + 'static) {
        self.state().trap = Some(Trap { request, before, spring: Box::new(spring) });
    }

    /// From now on all goes well and is counted anew.
    pub fn forget(&self) {
        let mut state = self.state();
        state.faults.clear();
        state.trap = None;
        state.log.clear();
        state.faulty = 0;
    }

    /// All requests for objects.
    pub fn requests(&self) -> Vec<Logged> {
        self.state().log.clone()
    }

    /// How many requests went wrong.
    pub fn faulty(&self) -> usize {
        self.state().faulty
    }

    /// How often the metadata server was asked for a token.
    pub fn tokens(&self) -> usize {
        self.state().tokens
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

struct Service(Arc<Mutex<State>>);

impl Site for Service {
    fn answer(&self, request: &Request) -> (usize, Answer) {
        let mut state = self.0.lock().unwrap();
        if request.target.starts_with("/computeMetadata/") {
            state.tokens += 1;
            return (0, token(request));
        }
        let n = state.log.len();
        let target = request.target.clone();
        state.log.push(Logged { method: request.method.clone(), target, status: 0 });
        state.spring(n + 1, true);
        let answer = state.faulty(request);
        state.log[n].status = answer.status;
        state.spring(n + 1, false);
        (n, answer)
    }

    fn sent(&self, _: usize, _: u64) {}
}

impl State {
    fn spring(&mut self, request: usize, before: bool) {
        if let Some(trap) = self.trap.take_if(|trap| trap.request == request && trap.before == before) {
            (trap.spring)();
        }
    }

    fn faulty(&mut self, request: &Request) -> Answer {
        match self.take_fault(request) {
            None => self.honest(request),
            Some(How::Refused(status)) => objects::error(status, "Injected"),
            Some(How::Done(status)) => {
                self.honest(request);
                objects::error(status, "Injected")
            }
            Some(How::AnswerLost) => Answer { delivery: Delivery::Nothing(Then::Reset), ..self.honest(request) },
            Some(How::Silent) => Answer { delivery: Delivery::Nothing(Then::Silence), ..objects::error(503, "Silent") },
            Some(How::OtherByte) => {
                let mut answer = self.honest(request);
                if let Some(last) = Arc::make_mut(&mut answer.body).last_mut() {
                    *last ^= 1;
                }
                answer
            }
            Some(How::Vanished) => {
                self.objects.lose(request);
                self.honest(request)
            }
            Some(How::Overtaken) => {
                self.objects.touch(request);
                self.honest(request)
            }
            Some(How::NoBucket) => objects::error(404, "NoSuchBucket"),
        }
    }

    fn take_fault(&mut self, request: &Request) -> Option<How> {
        let of_path = |part| objects::path(request).contains(part) || request.target.contains(part);
        let is_meant = |fault: &&mut Fault| fault.times > 0 && fault.method == request.method && of_path(fault.path);
        let fault = self.faults.iter_mut().find(is_meant)?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        fault.times -= 1;
        self.faulty += 1;
        Some(fault.how)
    }

    fn honest(&mut self, request: &Request) -> Answer {
        if request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return objects::error(401, "AuthenticationRequired");
        }
        self.objects.answer(request)
    }
}

fn token(request: &Request) -> Answer {
    if request.header("metadata-flavor") != Some("Google") {
        return Answer::new(403, "text/plain", Vec::new());
    }
    let token = serde_json::json!({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"});
    Answer::new(200, "application/json", token.to_string().into_bytes())
}
