//! The parameters of a query by name, and what is wrong with them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use super::words;
use crate::domain::{Month, MonthRange};

/// The most problems that are reported of one query: enough for a person, and no way to a long answer.
const MOST_PROBLEMS: usize = 20;

/// A parameter that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BadParameter {
    /// Its name.
    pub param: String,
    /// What was given.
    pub value: String,
    /// What could have been.
    pub allowed: String,
    /// For people, a sentence that stands for the other two.
    #[serde(skip)]
    pub reason: Option<String>,
    /// Queries that are close to what was asked for and work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<String>,
}

impl BadParameter {
    /// The alternatives, with words for people.
    pub fn links(&self) -> impl Iterator<Item = (&str, String)> {
        self.alternatives.iter().map(|query| (query.as_str(), self.in_words(query)))
    }

    /// What a query differs in from what was asked for: the measure, the areas or the months, or else all that it says.
    fn in_words(&self, query: &str) -> String {
        let value = |wanted: &str| {
            form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
        };
        let month = |name| value(name).and_then(|month| month.parse::<Month>().ok());
        let months = month("month").map(MonthRange::single).or_else(|| MonthRange::new(month("from")?, month("to")?));
        match (value("geo").as_deref(), months) {
            _ if self.param == "measure" => "The same by another measure".to_owned(),
            (Some("fsa"), _) => "These months by postal area".to_owned(),
            (_, Some(months)) => words::period(months),
            _ => format!("/?{query}"),
        }
    }
}

/// A query's parameters. All problems are collected, so that they can be reported at once.
#[derive(Debug, Default)]
pub struct Parameters<'q> {
    given: BTreeMap<&'static str, Cow<'q, str>>,
    problems: Vec<BadParameter>,
}

impl<'q> Parameters<'q> {
    /// Reads a query string that may have these parameters, each once. Empty values are as good as absent ones: forms
    /// send them.
    pub fn read(query: &'q str, known: &[&'static str]) -> Self {
        let mut read = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match known.iter().find(|known| **known == name) {
                None if known.is_empty() => read.refuse(&name, &value, "no parameter"),
                None => read.refuse(&name, &value, format!("no parameter but {}", known.join(", "))),
                Some(_) if value.is_empty() => {}
                Some(known) if read.given.contains_key(known) => read.refuse(known, &value, "once only"),
                Some(known) => {
                    read.given.insert(known, value);
                }
            }
        }
        read
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|value| &**value)
    }

    /// The value of a parameter as what it stands for; a problem, and `None`, if it stands for nothing.
    pub fn word<T: FromStr>(&mut self, name: &'static str, allowed: impl FnOnce() -> String) -> Option<T> {
        let text = self.get(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            let text = text.to_owned();
            self.refuse(name, &text, allowed());
        }
        parsed
    }

    /// Adds a problem.
    pub fn refuse(&mut self, param: &str, value: &str, allowed: impl Into<String>) {
        let (param, value) = (cut(param), cut(value));
        self.report(BadParameter { param, value, allowed: allowed.into(), reason: None, alternatives: Vec::new() });
    }

    /// Adds a problem.
    pub fn report(&mut self, problem: BadParameter) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// What was made of the query, unless there is a problem. Where nothing was made, there has to be one.
    pub fn end<T>(self, made: Option<T>) -> Result<T, Vec<BadParameter>> {
        made.filter(|_| self.problems.is_empty()).ok_or(self.problems)
    }
}

/// For programs, which need not send what they don't mean as forms do: a parameter has a value.
pub fn refuse_empty(query: &str) -> Result<(), Vec<BadParameter>> {
    let mut asked = Parameters::default();
    for (name, _) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| value.is_empty()) {
        asked.refuse(&name, "", "a value, or no such parameter");
    }
    asked.end(Some(()))
}

/// For resources that take no parameters.
pub fn refuse_all(query: &str) -> Result<(), Vec<BadParameter>> {
    Parameters::read(query, &[]).end(Some(()))
}

/// What is said back of a value: enough to recognise it.
fn cut(text: &str) -> String {
    text.chars().take(100).collect()
}

impl Display for BadParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}: allowed is {}", self.param, self.value, self.allowed)
    }
}
