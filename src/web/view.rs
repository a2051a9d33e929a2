//! The URL as a value: what a page or an answer of the API shows. Parsed once, printed in one normal form.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::str::FromStr;

use form_urlencoded::Serializer;
use serde::Serialize;

use super::layers::{Layer, Layers};
use super::live::Live;
use crate::choropleth::Measure;
use crate::domain::{Geography, Month, MonthRange, Status, TypeId, WardModel};

/// Names of all parameters, in their normal order.
const PARAMETERS: [&str; 8] = ["geo", "type", "renames", "month", "from", "to", "status", "measure"];

/// The most problems that are reported of one query: enough for a person, and no way to a long answer.
const MOST_PROBLEMS: usize = 20;

/// What is shown. Every view that exists can be drawn: its months are in the release and have one set of areas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// `geo`: wards or FSAs.
    pub geography: Geography,
    /// The wards of its months.
    pub ward_model: WardModel,
    /// `type`: one request type, or all.
    pub request_type: Option<TypeId>,
    /// `renames=joined`: with the requests that had another name of the type.
    pub joined: bool,
    /// `month`, or `from` and `to`.
    pub months: MonthRange,
    /// `status`: one status, or all.
    pub status: Option<Status>,
    /// `measure`.
    pub measure: Measure,
}

/// A parameter that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadParameter {
    /// Its name.
    pub param: String,
    /// What was given.
    pub value: String,
    /// What could have been.
    pub allowed: String,
    /// Queries that are close to what was asked for and work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<String>,
}

impl View {
    /// Reads a query string. Empty values are as good as absent ones: forms send them. All problems are reported at once.
    pub fn parse(query: &str, live: &Live, layers: &Layers) -> Result<Self, Vec<BadParameter>> {
        Parser { problems: Vec::new(), given: BTreeMap::new(), live, layers }.view(query)
    }

    /// The areas that it draws.
    pub fn layer<'l>(&self, layers: &'l Layers) -> &'l Layer {
        layers.get(self.geography, self.ward_model)
    }

    /// The normal form: parameters in order, defaults left out. Empty for the default view.
    pub fn query(&self, live: &Live, layers: &Layers) -> String {
        let mut query = Serializer::new(String::new());
        let mut put = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                query.append_pair(name, &value);
            }
        };
        let non_default_months = (self.months != default_months(live)).then_some(self.months);
        put("geo", (self.geography != Geography::Ward).then(|| self.geography.to_string()));
        put("type", self.request_type.as_ref().map(TypeId::to_string));
        put("renames", self.joined.then(|| JOINED.to_owned()));
        match non_default_months {
            Some(months) if months.months() == 1 => put("month", Some(months.first().to_string())),
            Some(months) => {
                put("from", Some(months.first().to_string()));
                put("to", Some(months.last().to_string()));
            }
            None => {}
        }
        put("status", self.status.map(|status| status.to_string()));
        put("measure", (self.measure != default_measure(self.layer(layers))).then(|| self.measure.to_string()));
        query.finish()
    }
}

/// The value of `renames`.
const JOINED: &str = "joined";

/// The last complete month.
fn default_months(live: &Live) -> MonthRange {
    MonthRange::single(live.release.complete_through.max(live.release.months.first()))
}

/// Per resident where residents are known: there is no census for the 44 wards.
pub fn default_measure(layer: &Layer) -> Measure {
    if layer.has_population() { Measure::Per1000 } else { Measure::PerKm2 }
}

struct Parser<'a> {
    problems: Vec<BadParameter>,
    given: BTreeMap<&'static str, String>,
    live: &'a Live,
    layers: &'a Layers,
}

impl Parser<'_> {
    fn view(mut self, query: &str) -> Result<View, Vec<BadParameter>> {
        self.collect(query);
        let geography = self.word("geo", "ward or fsa").unwrap_or(Geography::Ward);
        let request_type = self.request_type();
        let joined = self.joined(request_type.as_ref());
        let months = self.months(geography);
        let statuses = Status::ALL.map(Status::as_str).join(", ");
        let status = self.word("status", &statuses);
        let measure = self.word("measure", &Measure::ALL.map(Measure::as_str).join(", "));
        let model = self.live.ward_model(months);
        let ward_model = model.unwrap_or(WardModel::Wards25);
        let mut view = View { geography, ward_model, request_type, joined, months, status, measure: Measure::Per1000 };
        if model.is_none() && geography == Geography::Ward {
            self.refuse_two_models(&view, measure);
        }
        view.measure = self.measure(measure, view.layer(self.layers));
        if self.problems.is_empty() { Ok(view) } else { Err(self.problems) }
    }

    fn collect(&mut self, query: &str) {
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match PARAMETERS.into_iter().find(|known| *known == name) {
                None => self.refuse(&name, &value, format!("no parameter but {}", PARAMETERS.join(", "))),
                Some(_) if value.is_empty() => {}
                Some(known) if self.given.contains_key(known) => self.refuse(known, &value, "once only"),
                Some(known) => {
                    self.given.insert(known, value.into_owned());
                }
            }
        }
    }

    fn refuse(&mut self, param: &str, value: &str, allowed: impl Into<String>) {
        if self.problems.len() == MOST_PROBLEMS {
            return;
        }
        let (param, value) = (cut(param), cut(value));
        self.problems.push(BadParameter { param, value, allowed: allowed.into(), alternatives: Vec::new() });
    }

    fn word<T: FromStr>(&mut self, name: &'static str, allowed: &str) -> Option<T> {
        let text = self.given.get(name)?.clone();
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.refuse(name, &text, allowed);
        }
        parsed
    }

    fn request_type(&mut self) -> Option<TypeId> {
        let text = self.given.get("type")?.clone();
        let known = text.parse().ok().filter(|id: &TypeId| self.live.marts.request_type(id.as_str()).is_some());
        if known.is_none() {
            self.refuse("type", &text, "an id listed by /api/v1/types");
        }
        known
    }

    /// Without other names there is nothing to join, and one view is to have one address.
    fn joined(&mut self, request_type: Option<&TypeId>) -> bool {
        match self.given.get("renames").map(String::as_str) {
            None => false,
            Some(JOINED) => request_type.is_some_and(|id| !self.live.marts.renames(id).is_empty()),
            Some(other) => {
                let other = other.to_owned();
                self.refuse("renames", &other, JOINED);
                false
            }
        }
    }

    fn months(&mut self, geography: Geography) -> MonthRange {
        let default = default_months(self.live);
        let [month, from, to] = ["month", "from", "to"].map(|name| self.month(name));
        if self.given.contains_key("month") {
            for name in ["from", "to"] {
                if let Some(value) = self.given.get(name).cloned() {
                    self.refuse(name, &value, "month alone, or from and to without month");
                }
            }
            return month.map_or(default, MonthRange::single);
        }
        if from.is_none() && to.is_none() {
            return default;
        }
        let to = to.unwrap_or_else(|| default.last().max(from.unwrap_or(default.last())));
        let from = from.unwrap_or_else(|| self.first_month(geography, to));
        MonthRange::new(from, to).unwrap_or_else(|| {
            self.refuse("to", &to.to_string(), format!("a month that is not before {from}"));
            default
        })
    }

    /// The first month whose areas are those of a later one.
    fn first_month(&self, geography: Geography, to: Month) -> Month {
        let all = self.live.release.months;
        match geography {
            Geography::Fsa => all.first(),
            Geography::Ward => {
                let model = self.live.ward_model(MonthRange::single(to));
                model.and_then(|model| self.live.months_of(model)).unwrap_or(all).first()
            }
        }
    }

    fn month(&mut self, name: &'static str) -> Option<Month> {
        let all = self.live.release.months;
        let allowed = format!("a month from {} to {} that /api/v1/months lists, as YYYY-MM", all.first(), all.last());
        let month: Month = self.word(name, &allowed)?;
        let known = self.live.has(month);
        if !known {
            self.refuse(name, &month.to_string(), allowed);
        }
        known.then_some(month)
    }

    fn measure(&mut self, measure: Option<Measure>, layer: &Layer) -> Measure {
        if measure == Some(Measure::Per1000) && !layer.has_population() {
            self.refuse("measure", "per_1000", "count or per_km2: no census counts residents by these 44 wards");
        }
        measure.unwrap_or(default_measure(layer))
    }

    /// Wards were redrawn: numbers of one model say nothing about the areas of the other. Both halves are offered, and
    /// FSAs, which were not.
    fn refuse_two_models(&mut self, view: &View, measure: Option<Measure>) {
        let half = |ward_model| {
            let months = self.live.months_of(ward_model)?;
            let first = months.first().max(view.months.first());
            let last = self.live.months().rfind(|&m| m <= months.last().min(view.months.last()))?;
            Some(View { ward_model, months: MonthRange::new(first, last)?, ..view.clone() })
        };
        let halves: Vec<View> = [WardModel::Wards44, WardModel::Wards25].into_iter().filter_map(half).collect();
        let named: Vec<_> = halves.iter().map(|half| format!("{} ({} wards)", half.months, half.ward_model)).collect();
        let fsas = View { geography: Geography::Fsa, ..view.clone() };
        let query = |view: View| {
            let layer = view.layer(self.layers);
            let kept = measure.filter(|&m| m != Measure::Per1000 || layer.has_population());
            View { measure: kept.unwrap_or(default_measure(layer)), ..view }.query(self.live, self.layers)
        };
        let alternatives = halves.into_iter().chain([fsas]).map(query).collect();
        self.problems.push(BadParameter {
            param: "from".to_owned(),
            value: view.months.to_string(),
            allowed: format!("{}, or geo=fsa: the wards were redrawn in between", named.join(" or ")),
            alternatives,
        });
    }
}

/// For resources that take no parameters.
pub fn refuse_all(query: &str) -> Result<(), Vec<BadParameter>> {
    let refuse = |(name, value): (std::borrow::Cow<'_, str>, std::borrow::Cow<'_, str>)| BadParameter {
        param: cut(&name),
        value: cut(&value),
        allowed: "no parameter".to_owned(),
        alternatives: Vec::new(),
    };
    let problems: Vec<_> = form_urlencoded::parse(query.as_bytes()).map(refuse).take(MOST_PROBLEMS).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems) }
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
