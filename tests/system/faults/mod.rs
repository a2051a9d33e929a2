//! What the City can do wrong, one case each, and how a refresh must end.
//!
//! Each case starts with a lake in which the first edition is live, and a City that publishes the second. The case
//! breaks something; the program runs; it must end as the case says, and leave a lake in which everything holds. Then
//! the City is as it should be, the program runs again, and must arrive at the very release of a lake that never saw
//! trouble.

mod archives;
mod catalogue;
mod http;
mod kills;
mod lake;
mod process;
mod rows;
mod stand_in;

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Value, json};

use crate::city::tls::Certificate;
use crate::city::{City, Edition, FILE};
use crate::many::for_all;
use lake::{Lake, Run};

/// How a refresh with a fault must end.
enum End {
    /// With the release of an undisturbed lake.
    Published,
    /// With the tables of an undisturbed lake, from another file.
    SameTables,
    /// With another file: so many more rows accepted than in the undisturbed one, so many in quarantine.
    Rows(i64, &'static [(&'static str, u64)]),
    /// With the release that was live. The City has the first edition in such a case.
    NoChange,
    /// The file of 2025 is held, with this in the error; the release stays.
    Held(&'static str),
    /// The whole run fails, with this in the error; the release stays.
    Failed(&'static str),
}

/// One way to go wrong.
struct Case {
    name: &'static str,
    end: End,
    /// Breaks something.
    change: fn(&City),
    flags: &'static [&'static str],
    /// For the run after the fault.
    then_flags: &'static [&'static str],
    /// What the City shows of itself; plain HTTP without.
    certificate: Option<Certificate>,
    /// What is given as `--source`.
    source: fn(&City) -> String,
    /// What else must be seen afterwards.
    also: fn(&Seen<'_>),
}

/// What there is to look at after the run with the fault.
struct Seen<'s> {
    city: &'s City,
    lake: &'s Lake,
    run: &'s Run,
}

fn case(name: &'static str, end: End, change: fn(&City)) -> Case {
    Case { name, end, change, flags: &[], then_flags: &[], certificate: None, source: City::url, also: |_| {} }
}

impl Case {
    fn flags(self, flags: &'static [&'static str]) -> Self {
        Self { flags, ..self }
    }

    fn then_flags(self, then_flags: &'static [&'static str]) -> Self {
        Self { then_flags, ..self }
    }

    fn over_tls(self, certificate: Certificate) -> Self {
        Self { certificate: Some(certificate), ..self }
    }

    fn source(self, source: fn(&City) -> String) -> Self {
        Self { source, ..self }
    }

    fn also(self, also: fn(&Seen<'_>)) -> Self {
        Self { also, ..self }
    }

    fn check(&self) {
        let before = &*undisturbed(Edition::First);
        let lake = before.copy();
        let city = City::start_with(self.certificate);
        if !matches!(self.end, End::NoChange) {
            city.publish(Edition::Second);
        }
        (self.change)(&city);
        let run = one_run(&lake, |lake| lake.refresh_from(&(self.source)(&city), self.flags));
        self.check_end(before, &lake, &run);
        (self.also)(&Seen { city: &city, lake: &lake, run: &run });

        let city = self.mended(city);
        let run = one_run(&lake, |lake| lake.refresh(&city, self.then_flags));
        arrived(&lake, &run);
    }

    /// The City as it should be; another one where it can't be mended.
    fn mended(&self, city: City) -> City {
        let city = if self.certificate.is_none_or(|it| it == Certificate::Good) { city } else { City::start() };
        city.publish(Edition::Second);
        city
    }

    fn check_end(&self, before: &Lake, lake: &Lake, run: &Run) {
        let good = undisturbed(Edition::Second);
        match self.end {
            End::Published => {
                assert_eq!((run.code, run.published()), (Some(0), good.current()["release"].as_str()), "{run:#?}");
                assert!(lake.marts() == good.marts(), "other tables than those of an undisturbed lake");
            }
            End::SameTables => {
                assert!(run.code == Some(0) && run.published().is_some(), "{run:#?}");
                assert!(lake.marts() == good.marts(), "other tables than those of an undisturbed lake");
            }
            End::Rows(more, quarantined) => {
                assert!(run.code == Some(0) && run.published().is_some(), "{run:#?}");
                let (input, undisturbed) = (lake.input(2025), good.input(2025));
                let accepted = |input: &Value| input["accepted"].as_i64().unwrap();
                assert_eq!(accepted(&input), accepted(&undisturbed) + more, "{input:#}");
                let expected: serde_json::Map<_, _> =
                    quarantined.iter().map(|(reason, rows)| ((*reason).to_owned(), json!(rows))).collect();
                assert_eq!(input["quarantined"], Value::Object(expected), "{input:#}");
            }
            End::NoChange => {
                assert_eq!((run.code, run.no_change()), (Some(0), before.current()["release"].as_str()), "{run:#?}");
                assert_eq!(lake.current(), before.current());
            }
            End::Held(why) => {
                failed_with_one_line(run, "error: SR2025: ", why);
                assert_eq!(lake.current(), before.current());
                let held = &last_run(before, lake)["held"];
                assert!(held.as_array().is_some_and(|held| held.len() == 1) && held[0]["year"] == 2025, "{held}");
            }
            End::Failed(why) => {
                failed_with_one_line(run, "error: ", why);
                assert_eq!(lake.current(), before.current());
            }
        }
    }
}

fn failed_with_one_line(run: &Run, start: &str, why: &str) {
    assert_eq!((run.code, run.errors.len()), (Some(1), 1), "{run:#?}");
    assert!(run.errors[0].starts_with(start) && run.errors[0].contains(why), "expected {why:?}: {run:#?}");
}

/// The record of a run that another lake, from which this one was copied, does not have.
fn last_run(before: &Lake, lake: &Lake) -> Value {
    let known = before.runs();
    lake.runs().into_iter().find(|(name, _)| !known.contains_key(name)).map(|(_, run)| run).unwrap()
}

/// Runs the program and checks what must hold whatever happened.
fn one_run(lake: &Lake, run: impl FnOnce(&Lake) -> Run) -> Run {
    let (pointer, runs) = (lake.current(), lake.runs());
    let run = run(lake);
    assert!(!run.stderr.contains("panicked"), "{run:#?}");
    assert_eq!(lake.problems(), [""; 0], "{run:#?}");

    let (now, published) = (lake.current(), run.published().is_some());
    let version = |pointer: &Value| pointer["version"].as_u64().unwrap_or_default();
    assert_eq!(version(&now), version(&pointer) + u64::from(published), "{run:#?}");
    assert!(published || now == pointer, "{run:#?}");

    let new: Vec<_> = lake.runs().into_iter().filter(|(name, _)| !runs.contains_key(name)).collect();
    assert_eq!(new.len(), 1, "one record a run: {run:#?}");
    assert_record_matches(&new[0].1, &run);
    run
}

fn assert_record_matches(record: &Value, run: &Run) {
    let outcome = record["outcome"].as_str().unwrap_or_default();
    let said = run.said.split(' ').next().unwrap_or_default();
    let held = record["held"].as_array().map_or(0, Vec::len);
    let expected = if run.code == Some(1) && said.is_empty() { "failed" } else { said };
    assert_eq!((outcome, record["ended_at"].is_string()), (expected, true), "{record:#} {run:#?}");
    assert!(run.code != Some(0) || held == 0, "{record:#} {run:#?}");
}

/// The lake is where one is that never saw trouble.
fn arrived(lake: &Lake, run: &Run) {
    let good = undisturbed(Edition::Second);
    assert_eq!(run.code, Some(0), "{run:#?}");
    assert_eq!(run.published().or(run.no_change()), good.current()["release"].as_str(), "{run:#?}");
    assert!(lake.marts() == good.marts(), "other tables than those of an undisturbed lake");
}

/// A lake in which this edition is live, after nothing but good runs. All tests that run at once share it.
fn undisturbed(edition: Edition) -> Arc<Lake> {
    static LAKES: [Mutex<Weak<Lake>>; 2] = [const { Mutex::new(Weak::new()) }; 2];
    let mut known = LAKES[edition as usize].lock().unwrap_or_else(PoisonError::into_inner);
    known.upgrade().unwrap_or_else(|| {
        let city = City::start();
        city.publish(edition);
        let lake = Arc::new(Lake::new());
        let run = one_run(&lake, |lake| lake.refresh(&city, &[]));
        assert!(run.published().is_some(), "{run:#?}");
        *known = Arc::downgrade(&lake);
        lake
    })
}

/// Checks all cases of a table, several at a time, and reports all that fail.
fn check(cases: &[Case]) {
    // Made once, not by each case.
    let _shared = [undisturbed(Edition::First), undisturbed(Edition::Second)];
    let failures = for_all(cases, Case::check, |case| case.name.to_owned());
    assert!(failures.is_empty(), "{} of {} cases failed: {}", failures.len(), cases.len(), failures.concat());
}

impl Seen<'_> {
    /// How often the file of 2025 was asked for.
    fn downloads(&self) -> usize {
        self.city.requests("GET", FILE).len()
    }

    /// The run did not take longer than this.
    fn within(&self, seconds: u64) {
        assert!(self.run.took < Duration::from_secs(seconds), "{:#?}", self.run);
    }
}

#[test]
fn each_way_of_serving_wrongly_ends_as_it_must() {
    check(&http::cases());
}

#[test]
fn each_wrong_catalogue_ends_as_it_must() {
    check(&catalogue::cases());
}

#[test]
fn each_wrong_archive_ends_as_it_must() {
    check(&archives::cases());
}

#[test]
fn each_wrong_row_or_header_ends_as_it_must() {
    check(&rows::cases());
}
