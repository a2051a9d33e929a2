//! How often a client may ask.

use std::num::NonZeroU32;
use std::str::FromStr;

/// A number of requests a second, or any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(Option<NonZeroU32>);

impl RateLimit {
    /// Requests a second; `None` for any number.
    pub fn per_second(self) -> Option<NonZeroU32> {
        self.0
    }
}

impl FromStr for RateLimit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self(None)),
            rate => match rate.parse() {
                Ok(rate) => Ok(Self(Some(rate))),
                Err(_) => Err("expected a whole number of requests a second above 0, or off".to_owned()),
            },
        }
    }
}
