//! Log lines: pretty on a terminal, JSON otherwise, always on standard error.
//!
//! JSON has Cloud Logging's names: `time`, `severity`, `message`; a field `httpRequest.status` is `status` in an object
//! `httpRequest`. Any collector reads it, and Google's needs no parser.

mod blocks;

use std::borrow::Cow;
use std::fmt;
use std::io::IsTerminal;

use jiff::Timestamp;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use self::blocks::Blocks;
use crate::config::LogFormat;

/// Target of the lines that requests leave. There are many, so they are written in blocks, up to a tenth of a second
/// late; all others are written at once, after those that wait.
pub const REQUEST: &str = "request";

/// Longest text of a field, in bytes: what a line says may come from outside.
const LONGEST: usize = 2048;

/// Lines that wait are written when it goes.
#[must_use = "it is kept until the process ends"]
pub struct Logging(&'static Blocks);

impl Drop for Logging {
    fn drop(&mut self) {
        self.0.write();
    }
}

/// Starts logging for the whole process; the filter has been checked with the settings.
pub fn start(format: LogFormat, filter: &str) -> Logging {
    let json = match format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Pretty => false,
        LogFormat::Json => true,
    };
    let blocks = Blocks::start();
    let layer = tracing_subscriber::fmt::layer().with_writer(blocks);
    let layer = if json { layer.event_format(JsonLine).boxed() } else { layer.with_target(false).boxed() };
    let filter: Targets = filter.parse().unwrap_or_default();
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    Logging(blocks)
}

/// One object a line.
struct JsonLine;

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for JsonLine {
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        put(&mut line.fields, "time", &Timestamp::now());
        put(&mut line.fields, "severity", severity(*event.metadata().level()));
        if !line.has_target {
            put(&mut line.fields, "target", event.metadata().target());
        }
        // JSON is UTF-8.
        let text = |json| str::from_utf8(json).unwrap_or_default();
        match line.http_request.as_slice() {
            [] => writeln!(writer, "{{{}}}", text(&line.fields)),
            request => writeln!(writer, "{{{},\"httpRequest\":{{{}}}}}", text(&line.fields), text(request)),
        }
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        _ => "DEBUG",
    }
}

/// Members of a line's object, as JSON: a map in between would be half of the cost of a request.
#[derive(Default)]
struct Line {
    fields: Vec<u8>,
    /// Of the object `httpRequest`.
    http_request: Vec<u8>,
    has_target: bool,
}

impl Line {
    fn set<T: Serialize + ?Sized>(&mut self, field: &Field, value: &T) {
        match field.name().split_once('.') {
            Some(("httpRequest", name)) => put(&mut self.http_request, name, value),
            // Of lines of libraries that use the older interface, the target; where they were compiled is nobody's business.
            Some(("log", "target")) => self.set_target(value),
            Some(("log", _)) => {}
            _ if field.name() == "target" => self.set_target(value),
            _ => put(&mut self.fields, field.name(), value),
        }
    }

    fn set_target<T: Serialize + ?Sized>(&mut self, value: &T) {
        if !std::mem::replace(&mut self.has_target, true) {
            put(&mut self.fields, "target", value);
        }
    }
}

fn put<T: Serialize + ?Sized>(members: &mut Vec<u8>, name: &str, value: &T) {
    if !members.is_empty() {
        members.push(b',');
    }
    // Names come from our source: nothing in them has to be escaped.
    members.push(b'"');
    members.extend_from_slice(name.as_bytes());
    members.extend_from_slice(b"\":");
    // Writing to memory does not fail, and all these values have a form in JSON.
    let _ = serde_json::to_writer(&mut *members, value);
}

impl Visit for Line {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, &value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, &value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, &*cut(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, &*cut(&format!("{value:?}")));
    }
}

/// The beginning of a text that is too long for a line.
fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(LONGEST)]).into()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    /// What is logged meanwhile, one value a line.
    fn lines(log: impl FnOnce()) -> Vec<Value> {
        #[derive(Clone, Default)]
        struct Buffer(Arc<Mutex<Vec<u8>>>);
        impl io::Write for Buffer {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).event_format(JsonLine);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_has_the_names_of_cloud_logging() {
        let line = &lines(|| {
            tracing::warn!("httpRequest.status" = 404u16, "httpRequest.requestUrl" = "/x", rows = 3, "it {}", "is");
        })[0];
        assert_eq!(
            (&line["severity"], &line["message"], &line["rows"]),
            (&"WARNING".into(), &"it is".into(), &3.into())
        );
        assert_eq!(line["httpRequest"], serde_json::json!({ "status": 404, "requestUrl": "/x" }));
        assert!(line["time"].as_str().unwrap().parse::<Timestamp>().is_ok());
    }

    #[test]
    fn what_comes_from_outside_stays_within_its_line_and_is_cut() {
        let hostile = format!("\n{{\"severity\":\"ALERT\"}}\r\n\u{1b}[2J\u{2028}{}", "é".repeat(LONGEST));
        let all = lines(|| tracing::info!(url = hostile, "request"));
        assert_eq!((all.len(), &all[0]["severity"]), (1, &"INFO".into()));
        let url = all[0]["url"].as_str().unwrap();
        assert!(hostile.starts_with(url.trim_end_matches('…')) && url.len() <= LONGEST + '…'.len_utf8());
    }
}
