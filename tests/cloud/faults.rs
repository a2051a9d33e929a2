//! What the storage of a cloud can do wrong, one case each, and how a refresh must end.
//!
//! Each case starts with a bucket in which the first edition is live, and a City that publishes the second. Something
//! breaks; the program runs; it must end as the case says. Then nothing is broken any more, the program runs again, and
//! must arrive at the very release of a lake that never saw trouble.

use std::fs;

use crate::city::Edition;
use crate::gcs::{Fault, How};
use crate::in_bucket::{InBucket, arrived, undisturbed};
use crate::lake::Run;
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
    end: End,
    breaks: Breaks,
}

enum Breaks {
    Requests(Fault),
    /// An object is garbage.
    Object(&'static str),
}

const ALWAYS: usize = usize::MAX;

/// Requests go wrong from the first on.
fn case(name: &'static str, method: &'static str, path: &'static str, times: usize, how: How, end: End) -> Case {
    Case { name, end, breaks: Breaks::Requests(Fault { method, path, after: 0, times, how }) }
}

fn cases() -> Vec<Case> {
    use End::{Failed, Published};
    use How::{AnswerLost, Done, NoBucket, OtherByte, Overtaken, Refused, Vanished};
    let garbage = |name, object| Case { name, end: Published, breaks: Breaks::Object(object) };
    vec![
        case("401", "GET", "", ALWAYS, Refused(401), Failed("the credentials are not accepted")),
        case("403 for writes", "PUT", "", ALWAYS, Refused(403), Failed("roles/storage.objectUser")),
        case("403 for the new file", "PUT", "raw/SR2025", ALWAYS, Refused(403), Failed("roles/storage.objectUser")),
        case("403 for the pointer", "PUT", "current.json", ALWAYS, Refused(403), Failed("roles/storage.objectUser")),
        case("no bucket", "GET", "", ALWAYS, NoBucket, Failed("there is no such bucket")),
        case("412 for one's own pointer", "PUT", "current.json", 1, Done(503), Published),
        case("412 for one's own lease", "PUT", "lease.json", 1, Done(503), Published),
        case("412 for somebody else's pointer", "PUT", "current.json", 1, Overtaken, Published),
        case("412 for somebody else's lease", "PUT", "lease.json", 1, Overtaken, Published),
        case(
            "overtaken each time",
            "PUT",
            "current.json",
            ALWAYS,
            Overtaken,
            Failed("another run published meanwhile"),
        ),
        case("429 for the pointer", "PUT", "current.json", 3, Refused(429), Published),
        case("429 for the record of the run", "PUT", "runs/", 3, Refused(429), Published),
        case("429 for ever", "PUT", "clean/", ALWAYS, Refused(429), Failed("429")),
        case("503 before a write", "PUT", "clean/", 3, Refused(503), Published),
        case("503 before a read", "GET", "clean/", 3, Refused(503), Published),
        case("503 before a list", "GET", "list-type", 2, Refused(503), Published),
        case("500 after a cleaned file", "PUT", "clean/", 2, Done(500), Published),
        case("502 after a mart", "PUT", "marts/", 2, Done(502), Published),
        case("503 after a record", "PUT", "releases/", 1, Done(503), Published),
        case("503 for ever", "PUT", "marts/", ALWAYS, Refused(503), Failed("503")),
        case("503 after the pointer, for ever", "PUT", "current.json", ALWAYS, Done(503), Published),
        case("the answer about the pointer is lost", "PUT", "current.json", 1, AnswerLost, Published),
        case("the answer about the lease is lost", "PUT", "lease.json", 1, AnswerLost, Published),
        case("the answer about a mart is lost", "PUT", "marts/", 1, AnswerLost, Published),
        case("the answer about a read is lost", "GET", "marts/", 1, AnswerLost, Published),
        case(
            "another mart is read back",
            "GET",
            "totals_by",
            ALWAYS,
            OtherByte,
            Failed("read back, lake object marts/"),
        ),
        case("a mart is gone when it is read back", "HEAD", "totals_by", 1, Vanished, Failed("is missing")),
        case("counts are gone when they are merged", "GET", "counts.parquet", 1, Vanished, Published),
        case("types are gone when they are merged", "GET", "clean/", 1, Vanished, Published).after(3),
        case("an account of rows is gone", "GET", "summary.json", 1, Vanished, Published),
        case("a live mart is gone", "GET", "request_types", 1, Vanished, Published),
        garbage("a lease that is garbage", "state/lease.json"),
        garbage("a pointer that is garbage", "current.json"),
    ]
}

impl Case {
    /// So many go well before.
    fn after(mut self, after: usize) -> Self {
        if let Breaks::Requests(fault) = &mut self.breaks {
            fault.after = after;
        }
        self
    }

    fn check(&self) {
        let (city, InBucket { lake, gcs }) = InBucket::behind();
        let before = lake.current();
        match &self.breaks {
            Breaks::Requests(fault) => gcs.fault(fault.clone()),
            Breaks::Object(name) => fs::write(lake.path().join(name), "{").unwrap(),
        }
        let run = lake.refresh(&city, &[]);
        assert!(!run.stderr.contains("panicked") && !run.stderr.contains("ya29."), "{run:#?}");
        gcs.forget();
        match self.end {
            End::Published => arrived(&lake, &run),
            End::Failed(why) => {
                failed_with_one_line(&run, why);
                assert_eq!(lake.current()["release"], before["release"]);
                assert_eq!(lake.verify().code, Some(0), "what is live is whole");
            }
        }
        arrived(&lake, &lake.refresh(&city, &[]));
    }
}

fn failed_with_one_line(run: &Run, why: &str) {
    assert_eq!((run.code, run.errors.len()), (Some(1), 1), "{run:#?}");
    assert!(run.errors[0].starts_with("error: ") && run.errors[0].contains(why), "expected {why:?}: {run:#?}");
}

#[test]
fn each_fault_of_the_storage_ends_as_it_must() {
    let _shared = [undisturbed(Edition::First), undisturbed(Edition::Second)];
    let cases = cases();
    let failures = for_all(&cases, Case::check, |case| case.name.to_owned());
    assert!(failures.is_empty(), "{} of {} cases failed: {}", failures.len(), cases.len(), failures.concat());
}
