//! What to do after a failure: try again, and when, or not.

use std::time::Duration;

/// How often something is tried at most.
pub(super) const TRIES: u32 = 6;

/// The longest that is waited by our own choice.
const CAP: Duration = Duration::from_secs(120);

/// A request that failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// What was found.
    pub finding: String,
    /// What follows from it.
    pub next: Next,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It may pass: the network, a server that is busy. A server can say how long to wait.
    Retry(Option<Duration>),
    /// Trying again would give the same.
    Stop,
}

impl Failure {
    pub(super) fn stop(finding: impl Into<String>) -> Self {
        Self { finding: finding.into(), next: Next::Stop }
    }

    pub(super) fn retry(finding: impl Into<String>) -> Self {
        Self { finding: finding.into(), next: Next::Retry(None) }
    }
}

/// How long to wait after a try that failed, the first being 0. Twice as long each time and a random part of that, so that
/// many clients that failed together do not come back together; never sooner than the server asks.
pub(super) fn delay(base: Duration, attempt: u32, asked: Option<Duration>, chance: f64) -> Duration {
    let longest = base.saturating_mul(2_u32.saturating_pow(attempt)).min(CAP);
    longest.mul_f64(chance).max(asked.unwrap_or_default())
}

/// What a `Retry-After` header asks for: seconds, or a date.
pub(super) fn retry_after(header: &str, now: jiff::Timestamp) -> Option<Duration> {
    if let Ok(seconds) = header.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(header).ok()?.timestamp();
    Some(Duration::from_secs(u64::try_from(date.as_second() - now.as_second()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_random_within_a_bound_that_doubles() {
        let base = Duration::from_secs(2);
        let mut random = fastrand::Rng::with_seed(311);
        for _ in 0..10_000 {
            for attempt in 0..40 {
                let bound = (2.0 * 2_f64.powi(attempt)).min(120.0);
                let waited = delay(base, attempt as u32, None, random.f64()).as_secs_f64();
                assert!((0.0..=bound).contains(&waited), "{attempt}: {waited}");
            }
        }
        assert_eq!(delay(base, 3, None, 0.5), Duration::from_secs(8));
    }

    #[test]
    fn a_server_is_given_the_time_that_it_asks_for() {
        assert_eq!(delay(Duration::from_secs(2), 0, Some(Duration::from_secs(5)), 0.9), Duration::from_secs(5));
        let now: jiff::Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        assert_eq!(retry_after("5", now), Some(Duration::from_secs(5)));
        assert_eq!(retry_after("Wed, 25 Nov 2026 12:01:00 GMT", now), Some(Duration::from_secs(60)));
        assert_eq!(retry_after("Wed, 25 Nov 2026 11:01:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
    }
}
