//! Log lines: pretty on a terminal, JSON otherwise, always on standard error.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::config::LogFormat;

/// Starts logging for the whole process; the filter has been checked with the settings.
pub fn start(format: LogFormat, filter: &str) {
    let json = match format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Pretty => false,
        LogFormat::Json => true,
    };
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = if json { layer.json().flatten_event(true).boxed() } else { layer.with_target(false).boxed() };
    let filter: Targets = filter.parse().unwrap_or_default();
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
}
