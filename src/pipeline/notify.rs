//! Tells somebody: a POST to an address of the operator's choice when a run failed, and when one is well again.

use std::time::Duration;

use tracing::warn;

use crate::release::run::Run;
use crate::source;

/// For one try.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tries, with the pauses before them.
const PAUSES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(2), Duration::from_secs(10)];

/// What is worth telling, after a run and given the one before it.
fn event(before: Option<&Run>, run: &Run) -> Option<&'static str> {
    let bad = run.needs_attention();
    let was_bad = before.is_some_and(Run::needs_attention);
    match (was_bad, bad) {
        (_, true) => Some("failure"),
        (true, false) if run.outcome.is_some() => Some("recovery"),
        _ => None,
    }
}

/// Posts `{"event": "failure" | "recovery", "run": …}` if there is something to tell. A message that does not arrive is
/// logged and forgotten: the run has ended as it has.
pub(super) async fn notify(webhook: &str, before: Option<&Run>, run: &Run) {
    let Some(event) = event(before, run) else { return };
    let body = serde_json::json!({ "event": event, "run": run }).to_string();
    let mut finding = String::new();
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        match post(webhook, &body).await {
            Ok(()) => return,
            Err(error) => finding = error.without_url().to_string(),
        }
    }
    warn!("the webhook was not told of the {event}: {finding}");
}

async fn post(webhook: &str, body: &str) -> Result<(), reqwest::Error> {
    let client = source::client().timeout(PATIENCE).build()?;
    let request = client.post(webhook).header("content-type", "application/json").body(body.to_owned());
    request.send().await?.error_for_status()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RunId;
    use crate::release::run::{Guard, Held, Outcome};

    fn run(outcome: Outcome, held: bool) -> Run {
        let now: jiff::Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        let held = held.then(|| Held { year: 2024, guard: Guard::Volume, message: String::new() });
        Run {
            run: RunId::new(now, 1),
            version: String::new(),
            source: String::new(),
            started_at: now,
            ended_at: Some(now),
            outcome: Some(outcome),
            release: None,
            message: None,
            held: held.into_iter().collect(),
            warnings: Vec::new(),
            steps: Vec::new(),
        }
    }

    #[test]
    fn failures_are_told_each_time_and_recoveries_once() {
        let (good, failed) = (run(Outcome::NoChange, false), run(Outcome::Failed, false));
        assert_eq!(event(None, &good), None);
        assert_eq!(event(Some(&good), &failed), Some("failure"));
        assert_eq!(event(Some(&failed), &failed), Some("failure"));
        assert_eq!(event(Some(&failed), &good), Some("recovery"));
        assert_eq!(event(Some(&good), &good), None);
    }

    #[test]
    fn a_file_that_is_held_is_a_failure_even_if_the_rest_was_published() {
        let (held, good) = (run(Outcome::Published, true), run(Outcome::Published, false));
        assert_eq!(event(Some(&good), &held), Some("failure"));
        assert_eq!(event(Some(&held), &good), Some("recovery"));
    }
}
