//! How old the data is: the City republishes monthly, so a source that stands still means that somebody has to look.

use jiff::Timestamp;

/// Days without a changed file after which we wonder: a month and some days of grace.
pub const WARN_DAYS: i64 = 35;

/// Days without a changed file after which something is broken.
pub const ALERT_DAYS: i64 = 45;

/// What to think of the age of the inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// As it should be.
    Fresh,
    /// From [`WARN_DAYS`] on.
    Late,
    /// From [`ALERT_DAYS`] on.
    Stale,
}

impl Freshness {
    /// As in answers of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Late => "late",
            Self::Stale => "stale",
        }
    }

    /// Of inputs that changed last at a moment.
    pub fn of(inputs_changed_at: Timestamp, now: Timestamp) -> Self {
        let day = 24 * 3600;
        match age_seconds(inputs_changed_at, now) {
            age if age >= ALERT_DAYS * day => Self::Stale,
            age if age >= WARN_DAYS * day => Self::Late,
            _ => Self::Fresh,
        }
    }
}

/// Seconds since a moment; a moment to come counts as now.
pub fn age_seconds(since: Timestamp, now: Timestamp) -> i64 {
    (now.as_second() - since.as_second()).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_late_after_35_days_and_stale_after_45_to_the_second() {
        let then: Timestamp = "2026-10-08T14:00:00Z".parse().unwrap();
        let after = |seconds: i64| Freshness::of(then, Timestamp::from_second(then.as_second() + seconds).unwrap());
        let (warn, alert) = (WARN_DAYS * 86_400, ALERT_DAYS * 86_400);
        assert_eq!([after(-60), after(0), after(warn - 1)], [Freshness::Fresh; 3]);
        assert_eq!([after(warn), after(alert - 1)], [Freshness::Late; 2]);
        assert_eq!([after(alert), after(10 * alert)], [Freshness::Stale; 2]);
    }
}
