//! How far a run is: a bar on a terminal, a log line now and then otherwise.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::info;

/// Between two log lines of a run.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Between two looks of the bar.
const REDRAW: Duration = Duration::from_millis(100);

/// Bytes and rows so far. Ends its heartbeat when dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    bytes: AtomicU64,
    rows: AtomicU64,
    _stop: DropGuard,
}

impl Progress {
    /// Starts the heartbeat of a run.
    pub(super) fn start() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = "{bar:30} {percent:>3} %  {elapsed} + {eta}  {wide_msg}";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        if terminal {
            bar.enable_steady_tick(REDRAW);
        }
        let stop = CancellationToken::new();
        tokio::spawn(heartbeat(bar.clone(), stop.clone()));
        Self { bar, bytes: AtomicU64::default(), rows: AtomicU64::default(), _stop: stop.drop_guard() }
    }

    /// Says what is being done.
    pub(super) fn say(&self, what: impl std::fmt::Display) {
        let (bytes, rows) = (self.bytes.load(Ordering::Relaxed), self.rows.load(Ordering::Relaxed));
        self.bar.set_message(format!("{what} · {} read · {} rows", HumanBytes(bytes), HumanCount(rows)));
    }

    /// There are more bytes to come: each counts once when it is fetched and once when it is cleaned.
    pub(super) fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// Bytes have come from the source.
    pub(super) fn fetched(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
    }

    /// A file has been cleaned.
    pub(super) fn cleaned(&self, bytes: u64, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bar.inc(bytes);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

async fn heartbeat(bar: ProgressBar, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        let percent = bar.position() * 100 / bar.length().unwrap_or_default().max(1);
        info!(percent, eta_s = bar.eta().as_secs(), "at work: {}", bar.message());
    }
}
