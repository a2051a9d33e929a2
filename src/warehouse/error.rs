//! What BigQuery says when it does not do what it is asked to, and what follows from that.

use std::time::Duration;

use gcp_bigquery_client::error::BQError;
use gcp_bigquery_client::model::error_proto::ErrorProto;

use crate::lake;

/// A warehouse that could not be filled or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call was refused, or failed each time that it was tried.
    #[error("BigQuery: {what}: {refusal}{}", refusal.hint())]
    Call {
        /// What was to be done.
        what: String,
        /// What was said.
        refusal: Refusal,
    },
    /// A job ended without having done anything.
    #[error("BigQuery: job {job} failed: {refusal}")]
    Job {
        /// Its id.
        job: String,
        /// What was said.
        refusal: Refusal,
    },
    /// A job does not end.
    #[error("BigQuery: job {job} is not done after {} s", after.as_secs())]
    Late {
        /// Its id.
        job: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// What was asked for has not come in time.
    #[error("BigQuery: no answer within {} s", .0.as_secs())]
    Slow(Duration),
    /// The tables do not hold what the release says.
    #[error("BigQuery: {0}")]
    Differs(String),
    /// Rows or values that are not what was asked for.
    #[error("BigQuery: unexpected answer: {0}")]
    Answer(String),
    /// The lake could not be read or written.
    #[error(transparent)]
    Lake(#[from] lake::Error),
    /// The lake is in no bucket.
    #[error("BigQuery reads from Cloud Storage only: the lake has to be in a bucket")]
    NoBucket,
    /// Another run is changing the tables.
    #[error("another run changes the warehouse; run it again")]
    Superseded,
}

/// Why something was not done, in BigQuery's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}: {message}", code.map(|code| format!("{code} ")).unwrap_or_default())]
pub struct Refusal {
    /// The status of HTTP, where there was an answer that could be read.
    pub code: Option<i64>,
    /// A word: `accessDenied`, `quotaExceeded`.
    pub reason: String,
    /// For people.
    pub message: String,
}

/// What follows from a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// It may pass.
    Retry,
    /// What was to be made is there.
    Exists,
    /// What was asked for is not there.
    Absent,
    /// Trying again would give the same.
    Stop,
}

/// Reasons that pass by themselves. `quotaExceeded` is none: it lasts for hours.
const PASSING: [&str; 5] =
    ["backendError", "internalError", "jobBackendError", "jobInternalError", "rateLimitExceeded"];

/// Not a word of BigQuery, which has not been asked then.
const NO_CREDENTIALS: &str = "noCredentials";

impl Refusal {
    pub(super) fn next(&self) -> Next {
        match self.code {
            None if self.reason == NO_CREDENTIALS => Next::Stop,
            // No answer, or one that can't be read: what stands before the service says so when it is busy.
            None => Next::Retry,
            Some(_) if self.passes() => Next::Retry,
            Some(408 | 429 | 500..=599) => Next::Retry,
            Some(409) => Next::Exists,
            Some(404) => Next::Absent,
            Some(_) => Next::Stop,
        }
    }

    /// Whether the reason is one that passes by itself.
    pub(super) fn passes(&self) -> bool {
        PASSING.contains(&self.reason.as_str())
    }

    /// What to do about it, where that is known.
    fn hint(&self) -> &'static str {
        match (self.code, self.reason.as_str()) {
            (Some(401), _) => " (the credentials are not accepted)",
            (Some(403), "accessDenied") => {
                " (the account needs roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on the dataset, \
                 or roles/bigquery.dataViewer to serve only)"
            }
            (Some(403), "quotaExceeded") => " (the next refresh goes on where this one stopped)",
            _ => "",
        }
    }
}

impl From<BQError> for Refusal {
    fn from(error: BQError) -> Self {
        match error {
            BQError::ResponseError { error } => {
                let reason = error.error.errors.first().and_then(|first| first.get("reason")).cloned();
                let reason = reason.unwrap_or(error.error.status);
                Self { code: Some(error.error.code), reason, message: one_line(&error.error.message) }
            }
            // Of an answer that is no JSON, the client does not keep the status.
            BQError::RequestError(error) => {
                let reason = if error.is_timeout() { "timeout" } else { "noAnswer" };
                Self { code: None, reason: reason.to_owned(), message: with_causes(&error) }
            }
            // The only other word of the client's that holds a text of ours: see where the token comes from.
            BQError::ConnectionPoolError(message) => Self { code: None, reason: NO_CREDENTIALS.to_owned(), message },
            error => Self { code: None, reason: "noAnswer".to_owned(), message: one_line(&error.to_string()) },
        }
    }
}

impl From<&ErrorProto> for Refusal {
    fn from(error: &ErrorProto) -> Self {
        let text = |text: &Option<String>| one_line(text.as_deref().unwrap_or("unknown"));
        Self { code: None, reason: text(&error.reason), message: text(&error.message) }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|cause| one_line(&cause.to_string())).collect::<Vec<_>>().join(": ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: Option<i64>, reason: &str) -> Refusal {
        Refusal { code, reason: reason.to_owned(), message: String::new() }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_nothing_else() {
        for (code, reason) in [(429, "rateLimitExceeded"), (403, "rateLimitExceeded"), (500, ""), (503, "backendError")]
        {
            assert_eq!(refusal(Some(code), reason).next(), Next::Retry, "{code} {reason}");
        }
        assert_eq!(refusal(None, "timeout").next(), Next::Retry);
        for (code, reason) in [(400, "invalidQuery"), (401, "authError"), (403, "accessDenied"), (403, "quotaExceeded")]
        {
            assert_eq!(refusal(Some(code), reason).next(), Next::Stop, "{code} {reason}");
        }
        assert_eq!(refusal(Some(409), "duplicate").next(), Next::Exists);
        assert_eq!(refusal(Some(404), "notFound").next(), Next::Absent);
    }

    #[test]
    fn a_refusal_is_told_in_one_line() {
        let said = Refusal { message: one_line("Access\n denied"), ..refusal(Some(403), "accessDenied") };
        assert_eq!(said.to_string(), "403 accessDenied: Access denied");
    }
}
