//! The URL as a value: what a page or an answer of the API shows. Parsed once, printed in one normal form.

use form_urlencoded::Serializer;

use super::layers::{Layer, Layers};
use super::live::Live;
use super::parameters::{BadParameter, Parameters};
use crate::choropleth::{Measure, Method};
use crate::domain::{Area, Geography, Month, MonthRange, Status, TypeId, WardModel};

/// Names of all parameters, in their normal order.
const PARAMETERS: [&str; 11] =
    ["geo", "type", "renames", "month", "from", "to", "status", "measure", "classes", "area", "release"];

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
    /// `classes`: how they are made.
    pub classes: Method,
    /// `area`: one that is pointed out.
    pub area: Option<Area>,
    /// `release`: the address is of this release and of no later one.
    pub pinned: bool,
}

impl View {
    /// Reads a query string. Empty values are as good as absent ones: forms send them. All problems are reported at once.
    pub fn parse(query: &str, live: &Live, layers: &Layers) -> Result<Self, Vec<BadParameter>> {
        let (view, ()) = Self::parse_with(Parameters::read(query, &PARAMETERS), Period::Latest, live, layers, |_| ())?;
        Ok(view)
    }

    /// Makes a view of parameters that have been read, and `more` of those that are no view's.
    pub fn parse_with<T>(
        asked: Parameters<'_>,
        period: Period,
        live: &Live,
        layers: &Layers,
        more: impl FnOnce(&mut Parameters<'_>) -> T,
    ) -> Result<(Self, T), Vec<BadParameter>> {
        let mut parser = Parser { asked, period, live, layers };
        let view = parser.view();
        let more = more(&mut parser.asked);
        parser.asked.end(Some((view, more)))
    }

    /// Today's areas and all that is counted in them, or one type of it, per resident.
    pub fn of(geography: Geography, months: MonthRange, request_type: Option<TypeId>) -> Self {
        Self {
            geography,
            ward_model: WardModel::Wards25,
            request_type,
            joined: false,
            months,
            status: None,
            measure: Measure::Per1000,
            classes: Method::default(),
            area: None,
            pinned: false,
        }
    }

    /// The measures that its areas and months have.
    pub fn measures(&self, live: &Live, layers: &Layers) -> Vec<Measure> {
        let has = |measure: &Measure| self.lacks(*measure, live, layers).is_none();
        Measure::ALL.into_iter().filter(has).collect()
    }

    /// Why there is no such measure of these areas and months, if there is none.
    fn lacks(&self, measure: Measure, live: &Live, layers: &Layers) -> Option<&'static str> {
        match measure {
            Measure::Per1000 if !self.layer(layers).has_population() => {
                Some("no census counts residents by these 44 wards")
            }
            Measure::Change if !self.has_year_before(self.months, live) => Some(
                "change is of complete months whose year before is in the data, too, and by ward has the same wards",
            ),
            _ => None,
        }
    }

    /// Whether the change of these months against a year before can be told.
    pub fn has_year_before(&self, months: MonthRange, live: &Live) -> bool {
        let before = months.year_before();
        let same_areas = self.geography == Geography::Fsa || live.ward_model(before) == live.ward_model(months);
        before.first() >= live.release.months.first()
            && same_areas
            && !live.is_partial(months)
            && live.missing(before).next().is_none()
    }

    /// The areas that it draws.
    pub fn layer<'l>(&self, layers: &'l Layers) -> &'l Layer {
        layers.get(self.geography, self.ward_model)
    }

    /// The normal form: parameters in order, defaults left out. Empty for the default view.
    pub fn query(&self, live: &Live, layers: &Layers) -> String {
        self.query_in(Period::Latest, live, layers)
    }

    /// The same where another period is the default.
    pub fn query_in(&self, period: Period, live: &Live, layers: &Layers) -> String {
        let mut query = Serializer::new(String::with_capacity(NORMAL_BYTES));
        let mut put = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        };
        let default_months = period.default_months(self.geography, live);
        let non_default_months = (self.months != default_months).then_some(self.months);
        put("geo", (self.geography != Geography::Ward).then(|| self.geography.as_str()));
        put("type", self.request_type.as_ref().map(TypeId::as_str));
        put("renames", self.joined.then_some(JOINED));
        match non_default_months {
            Some(months) if months.months() == 1 => put("month", Some(&months.first().to_string())),
            Some(months) => {
                put("from", Some(&months.first().to_string()));
                put("to", Some(&months.last().to_string()));
            }
            None => {}
        }
        put("status", self.status.map(Status::as_str));
        put("measure", (self.measure != default_measure(self.layer(layers))).then(|| self.measure.as_str()));
        put("classes", (self.classes != Method::default()).then(|| self.classes.as_str()));
        put("area", self.area.map(|area| area.to_string()).as_deref());
        put("release", self.pinned.then(|| live.release.release.as_str()));
        query.finish()
    }
}

/// What a query in normal form takes, nearly.
const NORMAL_BYTES: usize = 160;

/// What `release` may be.
pub const KEPT: &str = "a release that /api/v1/releases lists";

/// The value of `renames`.
const JOINED: &str = "joined";

/// What an address means that names no months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// The last complete month.
    Latest,
    /// All of the release.
    All,
    /// All that have today's areas.
    AllOfAreas,
}

impl Period {
    fn default_months(self, geography: Geography, live: &Live) -> MonthRange {
        let all = live.release.months;
        match (self, geography) {
            (Self::Latest, _) => MonthRange::single(live.release.complete_through.max(all.first())),
            (Self::AllOfAreas, Geography::Ward) => live.months_of(WardModel::Wards25).unwrap_or(all),
            (Self::All, _) | (Self::AllOfAreas, Geography::Fsa) => all,
        }
    }
}

/// Per resident where residents are known: there is no census for the 44 wards.
pub fn default_measure(layer: &Layer) -> Measure {
    if layer.has_population() { Measure::Per1000 } else { Measure::PerKm2 }
}

struct Parser<'a> {
    asked: Parameters<'a>,
    period: Period,
    live: &'a Live,
    layers: &'a Layers,
}

impl Parser<'_> {
    fn view(&mut self) -> View {
        let geography = self.asked.word("geo", || "ward or fsa".to_owned()).unwrap_or(Geography::Ward);
        let request_type = self.request_type();
        let joined = self.joined(request_type.as_ref());
        let months = self.months(geography);
        let status = self.asked.word("status", || Status::ALL.map(Status::as_str).join(", "));
        let measure = self.asked.word("measure", || Measure::ALL.map(Measure::as_str).join(", "));
        let classes = self.asked.word("classes", || Method::ALL.map(Method::as_str).join(", ")).unwrap_or_default();
        let pinned = self.pinned();
        let model = self.live.ward_model(months);
        let ward_model = model.unwrap_or(WardModel::Wards25);
        let mut view =
            View { ward_model, joined, status, classes, pinned, ..View::of(geography, months, request_type) };
        if model.is_none() && geography == Geography::Ward && self.period != Period::All {
            self.refuse_two_models(&view, measure);
        }
        view.measure = self.measure(measure, &view);
        view.area = self.area(view.layer(self.layers));
        view
    }

    fn request_type(&mut self) -> Option<TypeId> {
        let text = self.asked.get("type")?.to_owned();
        let known = text.parse().ok().filter(|id: &TypeId| self.live.marts.request_type(id.as_str()).is_some());
        if known.is_none() {
            self.asked.refuse("type", &text, "an id listed by /api/v1/types");
        }
        known
    }

    /// Without other names there is nothing to join, and one view is to have one address.
    fn joined(&mut self, request_type: Option<&TypeId>) -> bool {
        match self.asked.get("renames") {
            None => false,
            Some(JOINED) => request_type.is_some_and(|id| !self.live.marts.renames(id).is_empty()),
            Some(other) => {
                let other = other.to_owned();
                self.asked.refuse("renames", &other, JOINED);
                false
            }
        }
    }

    fn months(&mut self, geography: Geography) -> MonthRange {
        let default = self.period.default_months(geography, self.live);
        let [month, from, to] = ["month", "from", "to"].map(|name| self.month(name));
        if self.asked.get("month").is_some() {
            for name in ["from", "to"] {
                if let Some(value) = self.asked.get(name).map(str::to_owned) {
                    self.asked.refuse(name, &value, "month alone, or from and to without month");
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
            self.asked.refuse("to", &to.to_string(), format!("a month that is not before {from}"));
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
        let allowed =
            || format!("a month from {} to {} that /api/v1/months lists, as YYYY-MM", all.first(), all.last());
        let month: Month = self.asked.word(name, allowed)?;
        let known = self.live.has(month);
        if !known {
            self.asked.refuse(name, &month.to_string(), allowed());
        }
        known.then_some(month)
    }

    fn measure(&mut self, measure: Option<Measure>, view: &View) -> Measure {
        let Some(measure) = measure else { return default_measure(view.layer(self.layers)) };
        if let Some(reason) = view.lacks(measure, self.live, self.layers) {
            let others = view.measures(self.live, self.layers).into_iter().map(Measure::as_str);
            let allowed = format!("{}: {reason}", others.collect::<Vec<_>>().join(", "));
            let by_default = View { measure: default_measure(view.layer(self.layers)), ..view.clone() };
            self.asked.report(BadParameter {
                param: "measure".to_owned(),
                value: measure.to_string(),
                allowed,
                reason: Some(format!("{}: {reason}.", measure.label())),
                alternatives: vec![by_default.query(self.live, self.layers)],
            });
        }
        measure
    }

    fn area(&mut self, layer: &Layer) -> Option<Area> {
        let code = self.asked.get("area")?.to_owned();
        let areas = &layer.boundaries.areas;
        let area = areas.iter().map(|bounded| bounded.area).find(|area| area.to_string() == code);
        if let (None, [first, .., last]) = (area, areas.as_slice()) {
            self.asked.refuse("area", &code, format!("a code of these areas, {} to {}", first.area, last.area));
        }
        area
    }

    /// An address that names a release shows that one or says that it can't.
    fn pinned(&mut self) -> bool {
        let Some(named) = self.asked.get("release").map(str::to_owned) else { return false };
        if named != self.live.release.release.as_str() {
            self.asked.refuse("release", &named, KEPT);
        }
        true
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
            let kept = measure.filter(|&measure| view.lacks(measure, self.live, self.layers).is_none());
            let measure = kept.unwrap_or(default_measure(view.layer(self.layers)));
            View { measure, ..view }.query(self.live, self.layers)
        };
        let alternatives = halves.into_iter().chain([fsas]).map(query).collect();
        self.asked.report(BadParameter {
            param: "from".to_owned(),
            value: view.months.to_string(),
            allowed: format!("{}, or geo=fsa: the wards were redrawn in between", named.join(" or ")),
            reason: Some("The wards were redrawn in between: their numbers say nothing about the new ones.".to_owned()),
            alternatives,
        });
    }
}
