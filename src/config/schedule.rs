//! When the background refresh runs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;

/// The longest wait after a run that failed.
const AFTER_FAILURE: Duration = Duration::from_secs(3600);

/// A schedule: `off`, a time of the day in UTC (`09:17`), or a pause (`6h`, `30s`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// No background refresh.
    Off,
    /// Once a day. UTC has no hour that is skipped or repeated.
    Daily(Time),
    /// With this pause after each end.
    Every(Duration),
}

impl Schedule {
    /// How long to wait for the next run after one that ended now; `None` when there is none. What failed is tried again
    /// within the hour.
    pub fn wait(self, now: Timestamp, failed: bool) -> Option<Duration> {
        let longest = if failed { AFTER_FAILURE } else { Duration::MAX };
        match self {
            Self::Off => None,
            Self::Every(pause) => Some(pause.min(longest)),
            Self::Daily(time) => Some(until(time, now).min(longest)),
        }
    }
}

/// Until it is this time in UTC; a whole day when it is now.
fn until(time: Time, now: Timestamp) -> Duration {
    let day = 24 * 3600;
    let of_day = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60;
    let seconds = (of_day - now.as_second()).rem_euclid(day);
    Duration::from_secs(if seconds == 0 { day } else { seconds }.unsigned_abs())
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Daily(time) => write!(f, "{:02}:{:02}", time.hour(), time.minute()),
            Self::Every(pause) => write!(f, "{}s", pause.as_secs()),
        }
    }
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?} is not off, a time of the day in UTC like 09:17 or a pause like 6h");
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Some((hour, minute)) = text.split_once(':') {
            let time = hour.parse().ok().zip(minute.parse().ok()).and_then(|(h, m)| Time::new(h, m, 0, 0).ok());
            return time.map(Self::Daily).ok_or_else(expected);
        }
        let pause: jiff::SignedDuration = text.parse().map_err(|_| expected())?;
        let pause = Duration::try_from(pause).map_err(|_| expected())?;
        if pause < Duration::from_secs(1) { Err(expected()) } else { Ok(Self::Every(pause)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_prints_what_it_parses_and_refuses_the_rest() {
        for text in ["off", "09:17", "30s"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        assert_eq!("6h".parse(), Ok(Schedule::Every(Duration::from_secs(6 * 3600))));
        for bad in ["", "25:00", "9", "0s", "-1h", "daily"] {
            assert!(bad.parse::<Schedule>().unwrap_err().contains("09:17"), "{bad}");
        }
    }

    #[test]
    fn the_next_run_is_today_or_tomorrow_also_on_days_that_clocks_change() {
        let wait =
            |now: &str| "09:17".parse::<Schedule>().unwrap().wait(now.parse().unwrap(), false).unwrap().as_secs();
        assert_eq!(wait("2026-11-25T09:16:00Z"), 60);
        assert_eq!(wait("2026-11-25T09:17:00Z"), 86_400);
        assert_eq!(wait("2026-03-08T09:18:00Z"), 86_340);
        assert_eq!(wait("2026-12-31T23:17:00Z"), 10 * 3600);
    }

    #[test]
    fn what_failed_is_tried_again_within_the_hour() {
        let wait = |schedule: &str, failed| {
            let wait = schedule.parse::<Schedule>().unwrap().wait("2026-11-25T09:18:00Z".parse().unwrap(), failed);
            wait.map(|wait| wait.as_secs())
        };
        assert_eq!(
            (wait("09:17", true), wait("6h", true), wait("6h", false)),
            (Some(3600), Some(3600), Some(6 * 3600))
        );
        assert_eq!((wait("30s", true), wait("off", true)), (Some(30), None));
    }
}
