//! Being told to stop: Ctrl-C, and SIGTERM, after which Cloud Run kills in ten seconds.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::error;

/// Cancelled once the process is told to stop.
pub fn stop() -> CancellationToken {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        told_to_stop().await;
        told.cancel();
    });
    stop
}

async fn told_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = interrupt => {}
            _ = terminate.recv() => {}
        },
        Err(error) => {
            error!("SIGTERM is not handled: {error}");
            let _ = interrupt.await;
        }
    }
}
