//! An area by itself: where it stands, how it goes, what it asks for. Its page, its monthly report, and both as data.

use askama::Template;
use serde::Serialize;

use super::answer::{Answer, value_text};
use super::body::{Body, Caching};
use super::feed;
use super::layers::Layers;
use super::live::Live;
use super::site::Site;
use super::trend::{Point, Trend};
use super::view::View;
use super::week::Hours;
use super::words;
use crate::boundaries::BoundedArea;
use crate::choropleth::measure::thousands;
use crate::choropleth::{FEW_REQUESTS, Measure};
use crate::domain::{Area, Geography, Month, MonthRange, WardModel};

/// Request types that are listed.
const TYPES: usize = 15;
/// In a report, which has one page.
const TYPES_OF_REPORT: usize = 10;

/// An area and the months that are told about.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    /// Which area; never one of the earlier wards.
    pub area: Area,
    /// The last month; for a report, the month.
    pub month: Month,
    /// Whether it is the report of one month.
    pub report: bool,
}

/// The place of an area among all, by one measure in one period.
#[derive(Serialize)]
pub struct Standing {
    measure: &'static str,
    from: Month,
    to: Month,
    requests: u64,
    value: Option<f64>,
    rank: Option<usize>,
    of: usize,
    #[serde(skip)]
    text: String,
}

impl Standing {
    fn new(
        subject: Subject,
        months: MonthRange,
        measure: Measure,
        live: &Live,
        layers: &Layers,
    ) -> anyhow::Result<Self> {
        let view = View { measure, ..View::of(geography(subject.area), months, None) };
        let answer = Answer::new(view, live.marts.totals(), live, layers);
        let of = answer.values.iter().filter(|value| value.rank.is_some()).count();
        let value = answer.values.iter().find(|value| value.area == subject.area);
        let value = value.ok_or_else(|| anyhow::anyhow!("area {} is not drawn", subject.area))?;
        Ok(Self {
            measure: measure.as_str(),
            from: months.first(),
            to: months.last(),
            requests: value.requests,
            value: value.value,
            rank: value.rank,
            of,
            text: value_text(value, measure),
        })
    }

    fn place(&self) -> String {
        self.rank.map_or_else(|| "not ranked".to_owned(), |rank| format!("{} of {}", words::ordinal(rank), self.of))
    }
}

/// A request type in an area.
#[derive(Serialize)]
pub struct TypeRow<'a> {
    id: &'a str,
    label: &'a str,
    requests: u64,
    /// In the same months a year before, where these are in the data.
    year_before: Option<u64>,
    /// Per cent of the area's requests, and of the city's.
    share: f64,
    share_of_city: f64,
}

impl TypeRow<'_> {
    /// In per cent where that says something, or the number a year before.
    fn change(&self) -> String {
        match self.year_before {
            None => "–".to_owned(),
            Some(few) if few < FEW_REQUESTS => format!("from {few}"),
            Some(many) => Measure::Change.format((self.requests as f64 - many as f64) * 100.0 / many as f64),
        }
    }

    /// How much more often here than in the city: `1.4 times`.
    fn times(&self) -> String {
        if self.share_of_city > 0.0 { format!("{:.1}×", self.share / self.share_of_city) } else { "–".to_owned() }
    }
}

/// All that is said about an area.
#[derive(Serialize)]
pub struct Facts<'a> {
    release: &'a str,
    geography: Geography,
    area: String,
    name: String,
    population: Option<u32>,
    area_km2: f64,
    month: Standing,
    /// Change against the year before, where it can be told.
    change: Option<Standing>,
    /// The twelve months up to the month.
    year: Option<Standing>,
    types: Vec<TypeRow<'a>>,
    series: Vec<Point>,
    #[serde(skip)]
    trend: Trend,
    #[serde(skip)]
    types_period: MonthRange,
}

impl<'a> Facts<'a> {
    /// Of a subject.
    pub fn new(subject: Subject, live: &'a Live, layers: &Layers) -> anyhow::Result<Self> {
        let Subject { area, month, report } = subject;
        let bounded = bounded(area, layers).ok_or_else(|| anyhow::anyhow!("area {area} has no boundary"))?;
        let one = MonthRange::single(month);
        let view = View::of(geography(area), one, None);
        let year = twelve_months(month).filter(|&year| is_whole(&view, year, live));
        let standing = |months, measure| Standing::new(subject, months, measure, live, layers);
        let totals = live.marts.totals();
        let count = |months| totals.period(months, None).requests(geography(area), Some(area));
        let trend = Trend::new(live, all_months(area, live), month, count);
        let types_period = year.filter(|_| !report).unwrap_or(one);
        let many = if report { TYPES_OF_REPORT } else { TYPES };
        Ok(Self {
            release: live.release.release.as_str(),
            geography: geography(area),
            area: area.to_string(),
            name: words::name(bounded),
            population: bounded.population.map(|p| p.count),
            area_km2: bounded.area_km2,
            month: standing(one, Measure::Per1000)?,
            change: view.has_year_before(one, live).then(|| standing(one, Measure::Change)).transpose()?,
            year: year.map(|year| standing(year, Measure::Per1000)).transpose()?,
            types: types(area, types_period, &view, live, many)?,
            series: trend.points.clone(),
            trend,
            types_period,
        })
    }
}

impl Facts<'_> {
    /// `106,875 residents on 13.1 km²`.
    fn size(&self) -> String {
        let residents = self.population.map(|n| format!("{} residents on ", thousands(n.into())));
        format!("{}{:.1} km²", residents.unwrap_or_default(), self.area_km2)
    }
}

fn types<'a>(
    area: Area,
    months: MonthRange,
    view: &View,
    live: &'a Live,
    many: usize,
) -> anyhow::Result<Vec<TypeRow<'a>>> {
    let by_area = live.types_by_area()?;
    let (here, city) = (by_area.requests(Some(area), months), by_area.requests(None, months));
    let before = view.has_year_before(months, live).then(|| by_area.requests(Some(area), months.year_before()));
    let total = |of: &std::collections::BTreeMap<&str, u64>| of.values().sum::<u64>().max(1) as f64;
    let (all_here, all_city) = (total(&here), total(&city));
    let row = |(id, &requests): (&&str, &u64)| {
        let used = live.marts.request_type(id)?;
        Some(TypeRow {
            id: &used.request_type,
            label: &used.label,
            requests,
            year_before: before.as_ref().map(|before| before.get(id).copied().unwrap_or(0)),
            share: requests as f64 * 100.0 / all_here,
            share_of_city: city.get(id).copied().unwrap_or(0) as f64 * 100.0 / all_city,
        })
    };
    let mut rows: Vec<_> = here.iter().filter_map(row).collect();
    rows.sort_by(|a, b| b.requests.cmp(&a.requests).then(a.label.cmp(b.label)));
    rows.truncate(many);
    Ok(rows)
}

/// The geography of an area.
pub fn geography(area: Area) -> Geography {
    match area {
        Area::Ward(_) => Geography::Ward,
        Area::Fsa(_) => Geography::Fsa,
    }
}

/// An area with its boundary.
pub fn bounded(area: Area, layers: &Layers) -> Option<&BoundedArea> {
    let layer = layers.get(geography(area), WardModel::Wards25);
    layer.boundaries.areas.iter().find(|bounded| bounded.area == area)
}

/// The months of an area: a ward's are those of its set of wards.
fn all_months(area: Area, live: &Live) -> MonthRange {
    let of_wards = matches!(area, Area::Ward(_)).then(|| live.months_of(WardModel::Wards25)).flatten();
    of_wards.unwrap_or(live.release.months)
}

fn twelve_months(last: Month) -> Option<MonthRange> {
    MonthRange::new(last.year_before().next(), last)
}

fn is_whole(view: &View, months: MonthRange, live: &Live) -> bool {
    let same_areas = view.geography == Geography::Fsa || live.ward_model(months) == Some(WardModel::Wards25);
    months.first() >= live.release.months.first() && same_areas && !live.is_partial(months)
}

/// The last month of which an area can be told: complete, and of its set of wards.
pub fn last_month(area: Area, live: &Live) -> Option<Month> {
    let all = all_months(area, live);
    live.months().rfind(|&month| month <= live.release.complete_through && all.first() <= month)
}

/// Whether there can be a report of a month.
pub fn has_report(area: Area, month: Month, live: &Live) -> bool {
    let all = all_months(area, live);
    all.first() <= month && month <= live.release.complete_through && live.has(month)
}

#[derive(Template)]
#[template(path = "area.html")]
struct AreaPage<'a> {
    site: Site<'a>,
    week: Hours,
    word: &'static str,
    path: String,
    facts: Facts<'a>,
    /// Newest first.
    reports: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    site: Site<'a>,
    word: &'static str,
    path: String,
    month: String,
    canonical: String,
    facts: Facts<'a>,
    earlier: Option<String>,
    later: Option<String>,
}

/// Renders the page or the report of an area.
pub fn page(subject: Subject, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let (site, facts) = (Site::new(live, layers), Facts::new(subject, live, layers)?);
    let area = bounded(subject.area, layers);
    let path = area.and_then(words::path).unwrap_or_default();
    let word = words::area(geography(subject.area));
    let report = |month: Month| format!("{}/{month}", report_folder(subject.area));
    let there = |month: Month| has_report(subject.area, month, live).then(|| report(month));
    let html = if subject.report {
        let (earlier, later) = (there(subject.month.previous()), there(subject.month.next()));
        let (month, canonical) = (subject.month.long_name(), report(subject.month));
        ReportPage { site, word, path, month, canonical, facts, earlier, later }.render()?
    } else {
        let months = std::iter::successors(Some(subject.month), |month| Some(month.previous())).take(12);
        let reports = months.filter_map(|month| Some((there(month)?, month.long_name()))).collect();
        let week = Hours(live.marts.hours().of_area(geography(subject.area), Some(subject.area)));
        AreaPage { site, week, word, path, facts, reports }.render()?
    };
    Ok(Body::new("text/html; charset=utf-8", Caching::Live, html))
}

/// Renders the same as JSON.
pub fn json(subject: Subject, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    Ok(Body::new("application/json", Caching::Live, serde_json::to_vec(&Facts::new(subject, live, layers)?)?))
}

/// Renders its months as CSV.
pub fn csv(subject: Subject, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    Facts::new(subject, live, layers)?.trend.csv()
}

/// Renders the feed of its months, which links to the reports.
pub fn feed(subject: Subject, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let Facts { name, trend, .. } = Facts::new(subject, live, layers)?;
    let of = feed::Subject {
        title: format!("{} {name}", words::area(geography(subject.area))),
        path: bounded(subject.area, layers).and_then(words::path).unwrap_or_default(),
        reports: Some(report_folder(subject.area)),
    };
    feed::feed(&of, &trend, live)
}

/// Where the reports of an area are: `/wards/13`, `/fsas/M5V`.
pub fn report_folder(area: Area) -> String {
    match area {
        Area::Ward(ward) => format!("/wards/{}", ward.number()),
        Area::Fsa(fsa) => format!("/fsas/{fsa}"),
    }
}

fn percent(share: f64) -> String {
    Measure::Share.format(share)
}

fn number(n: u64) -> String {
    thousands(n)
}
