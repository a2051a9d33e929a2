//! How far a run is: a bar on a terminal, a log line now and then otherwise.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::info;

/// Between two log lines of a run.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Bytes and rows so far. Ends its heartbeat when dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    rows: Arc<AtomicU64>,
    _stop: DropGuard,
}

impl Progress {
    /// Starts the heartbeat of a run.
    pub(super) fn start() -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}";
        bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
        let (rows, stop) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
        tokio::spawn(heartbeat(bar.clone(), rows.clone(), stop.clone()));
        Self { bar, rows, _stop: stop.drop_guard() }
    }

    /// Says what is being done.
    pub(super) fn say(&self, what: impl Into<String>) {
        let rows = self.rows.load(Ordering::Relaxed);
        let what = what.into();
        self.bar.set_message(if rows == 0 { what } else { format!("{what} · {rows} rows") });
    }

    /// There are more bytes to come.
    pub(super) fn expect(&self, bytes: u64) {
        self.bar.inc_length(bytes);
    }

    /// Bytes have come.
    pub(super) fn bytes(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Rows have been cleaned.
    pub(super) fn rows(&self, rows: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

async fn heartbeat(bar: ProgressBar, rows: Arc<AtomicU64>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        info!(
            bytes = bar.position(),
            bytes_total = bar.length(),
            rows = rows.load(Ordering::Relaxed),
            eta_s = bar.eta().as_secs(),
            "at work: {}",
            bar.message()
        );
    }
}
