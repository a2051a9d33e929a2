//! Log lines: pretty on a terminal, JSON otherwise, always on standard error.
//!
//! JSON has Cloud Logging's names: `time`, `severity`, `message`; a field `httpRequest.status` is `status` in an object
//! `httpRequest`. Any collector reads it, and Google's needs no parser.

use std::fmt;
use std::io::IsTerminal;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use crate::config::LogFormat;

/// Longest text of a field, in bytes: what a line says may come from outside.
const LONGEST: usize = 2048;

/// Starts logging for the whole process; the filter has been checked with the settings.
pub fn start(format: LogFormat, filter: &str) {
    let json = match format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Pretty => false,
        LogFormat::Json => true,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = if json { layer.event_format(JsonLine).boxed() } else { layer.with_target(false).boxed() };
    let filter: Targets = filter.parse().unwrap_or_default();
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
}

/// One object a line.
struct JsonLine;

impl<S: Subscriber + for<'a> LookupSpan<'a>, N: for<'a> FormatFields<'a> + 'static> FormatEvent<S, N> for JsonLine {
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = fields.0;
        line.insert("time".to_owned(), Timestamp::now().to_string().into());
        line.insert("severity".to_owned(), severity(*event.metadata().level()).into());
        line.entry("target").or_insert_with(|| event.metadata().target().into());
        writeln!(writer, "{}", Value::Object(line))
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

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: Value) {
        match field.name().split_once('.') {
            Some(("httpRequest", name)) => {
                let object = self.0.entry("httpRequest").or_insert_with(|| Map::new().into());
                object[name] = value;
            }
            // Of lines of libraries that use the older interface, the target; where they were compiled is nobody's business.
            Some(("log", "target")) => {
                self.0.insert("target".to_owned(), value);
            }
            Some(("log", _)) => {}
            _ => {
                self.0.insert(field.name().to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, cut(value).into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, cut(&format!("{value:?}")).into());
    }
}

/// The beginning of a text that is too long for a line.
fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default();
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

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
