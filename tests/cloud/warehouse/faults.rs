//! What BigQuery can do wrong, one case each, and how a refresh must end.
//!
//! Each case starts with the first edition live in the lake, nothing in BigQuery, and a City that publishes the second. Something
//! breaks; the program runs; it must end as the case says. Then nothing is broken any more, the program runs again, and
//! must arrive where one arrives that never saw trouble.

use super::InWarehouse;
use crate::bigquery::{Fault, How};
use crate::many::for_all;

/// How a refresh with a fault must end.
enum End {
    /// With the release of an undisturbed lake.
    Published,
    /// The whole run fails, with this in the error; the release that was live stays.
    Failed(&'static str),
}

/// One way to go wrong.
struct Case {
    name: &'static str,
    fault: Fault,
    end: End,
}

const ALWAYS: usize = usize::MAX;

/// Calls go wrong from the first on whose path or body has this in it.
fn case(name: &'static str, method: &'static str, part: &'static str, times: usize, how: How, end: End) -> Case {
    Case { name, fault: Fault { method, part, after: 0, times, how }, end }
}

fn cases() -> Vec<Case> {
    use End::{Failed, Published};
    use How::{AnswerLost, Done, JobFails, Page, Refused};
    vec![
        case("401", "GET", "", ALWAYS, Refused(401, "authError"), Failed("the credentials are not accepted")),
        case("403 for jobs", "POST", "/jobs", ALWAYS, Refused(403, "accessDenied"), Failed("roles/bigquery.jobUser")),
        case("403 for a load", "POST", "\"load\"", ALWAYS, Refused(403, "accessDenied"), Failed("roles/bigquery")),
        case("no dataset", "GET", "/datasets/city", ALWAYS, Refused(404, "notFound"), Failed("dataset project-")),
        case("quota exceeded", "POST", "\"load\"", ALWAYS, Refused(403, "quotaExceeded"), Failed("quotaExceeded")),
        case("429 for jobs", "POST", "/jobs", 3, Refused(429, "rateLimitExceeded"), Published),
        case("403 that is a 429", "POST", "\"load\"", 2, Refused(403, "rateLimitExceeded"), Published),
        case("429 for ever", "POST", "\"load\"", ALWAYS, Refused(429, "rateLimitExceeded"), Failed("429")),
        case("503 before a load", "POST", "\"load\"", 3, Refused(503, "backendError"), Published),
        case("500 after a load", "POST", "\"load\"", 1, Done(500), Published),
        case("502 after a mart", "POST", "destinationTable", 2, Done(502), Published),
        case("503 after a look at a job", "GET", "/jobs/", 3, Done(503), Published),
        case("503 for ever", "POST", "destinationTable", ALWAYS, Refused(503, "backendError"), Failed("503")),
        case("a page in place of a job", "GET", "/jobs/", 2, Page(503), Published),
        case("pages for ever", "GET", "/queries/", ALWAYS, Page(503), Failed("noAnswer")),
        case("the answer about a load is lost", "POST", "\"load\"", 1, AnswerLost, Published),
        case("the answer about a mart is lost", "POST", "destinationTable", 1, AnswerLost, Published),
        case("the answer about a result is lost", "GET", "/queries/", 1, AnswerLost, Published),
        case("a load that fails once", "POST", "\"load\"", 1, JobFails("backendError"), Published),
        case("a mart that fails once", "POST", "destinationTable", 1, JobFails("jobInternalError"), Published),
        case("loads that fail", "POST", "\"load\"", ALWAYS, JobFails("backendError"), Failed("backendError")),
        case("columns that do not fit", "POST", "\"load\"", 1, JobFails("invalid"), Failed("invalid: injected")),
        case(
            "a mart that can't be made",
            "POST",
            "destinationTable",
            1,
            JobFails("invalidQuery"),
            Failed("invalidQuery"),
        ),
        case(
            "a query that costs too much",
            "POST",
            "_check_",
            1,
            Refused(400, "bytesBilledLimitExceeded"),
            Failed("bytes"),
        ),
        case("marts that can't be dropped", "DELETE", "", ALWAYS, Refused(403, "accessDenied"), Published),
    ]
}

impl Case {
    fn check(&self) {
        let (city, it) = InWarehouse::not_filled();
        let before = it.lake.current();
        it.bigquery.fault(self.fault.clone());
        let run = it.lake.refresh(&city, &["--keep", "1"]);
        assert!(!run.stderr.contains("panicked") && !run.stderr.contains("ya29."), "{run:#?}");
        it.bigquery.forget();
        match self.end {
            End::Published => it.arrived(&run),
            End::Failed(why) => {
                assert_eq!((run.code, run.errors.len()), (Some(1), 1), "{run:#?}");
                let error = &run.errors[0];
                assert!(error.starts_with("error: BigQuery: ") && error.contains(why), "expected {why:?}: {run:#?}");
                assert_eq!(it.lake.current()["release"], before["release"]);
                assert_eq!(it.lake.verify().code, Some(0), "what is live is whole");
            }
        }
        it.arrived(&it.lake.refresh(&city, &[]));
    }
}

#[test]
fn each_fault_of_bigquery_ends_as_it_must() {
    let cases = cases();
    let failures = for_all(&cases, Case::check, |case| case.name.to_owned());
    assert!(failures.is_empty(), "{} of {} cases failed: {}", failures.len(), cases.len(), failures.concat());
}
