//! What holds a file that could be read: too many bad rows, or months that shrank or grew beyond belief.

use std::fmt::Write;

use crate::clean::Summary;
use crate::domain::Month;
use crate::release::Input;
use crate::release::run::{Guard, Held};

/// How much of a published month may be gone.
const MOST_LOST: f64 = 0.20;

/// How much more a published month may have.
const MOST_GAINED: f64 = 0.50;

/// A difference of fewer rows than this proves nothing.
const FEWEST_ROWS: u64 = 50;

/// Holds a file with more rows in quarantine for one reason than `budget` per cent.
pub(super) fn quarantine_budget(summary: &Summary, budget: f64) -> Result<(), Held> {
    let Some(reason) = summary.over_budget(budget) else { return Ok(()) };
    let rows = summary.quarantined.get(&reason).copied().unwrap_or_default();
    let example = summary.examples.get(&reason).map_or("", String::as_str);
    let most = budget * reason.budget_factor();
    let Summary { file, year, read, .. } = summary;
    let message = format!(
        "{file}: {rows} of {read} rows are {}, more than {most} %; the first is {example}; if the file is right, run \
         refresh --accept {year}",
        reason.as_str()
    );
    Err(Held { year: *year, guard: Guard::QuarantineBudget, message })
}

/// Holds a file in which a month that is live has far fewer rows, or far more if it was complete.
pub(super) fn volume(summary: &Summary, live: &Input, complete_through: Month) -> Result<(), Held> {
    let mut findings = String::new();
    for (&month, &before) in &live.summary.months {
        let now = summary.months.get(&month).copied().unwrap_or_default();
        if is_incredible(before, now, month <= complete_through) {
            // Writing to a String does not fail.
            let _ = write!(
                findings,
                "{}{month} has {now} rows, {before} before",
                if findings.is_empty() { "" } else { "; " }
            );
        }
    }
    if findings.is_empty() {
        return Ok(());
    }
    let Summary { file, year, .. } = summary;
    let message = format!(
        "{file}: {findings}; expected at most {:.0} % fewer and {:.0} % more; if the file is right, run refresh --accept \
         {year}",
        MOST_LOST * 100.0,
        MOST_GAINED * 100.0
    );
    Err(Held { year: *year, guard: Guard::Volume, message })
}

fn is_incredible(before: u64, now: u64, was_complete: bool) -> bool {
    let (old, new) = (before as f64, now as f64);
    let lost = new < old * (1.0 - MOST_LOST);
    let gained = was_complete && new > old * (1.0 + MOST_GAINED);
    before.abs_diff(now) >= FEWEST_ROWS && (lost || gained)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_may_lose_a_fifth_and_gain_a_half() {
        assert!(!is_incredible(1000, 800, true));
        assert!(is_incredible(1000, 799, true));
        assert!(!is_incredible(1000, 1500, true));
        assert!(is_incredible(1000, 1501, true));
    }

    #[test]
    fn a_month_that_was_not_complete_may_grow_but_not_shrink() {
        assert!(!is_incredible(1000, 9000, false));
        assert!(is_incredible(1000, 799, false));
    }

    #[test]
    fn a_handful_of_rows_proves_nothing() {
        assert!(!is_incredible(60, 11, true));
        assert!(is_incredible(60, 10, true));
    }
}
