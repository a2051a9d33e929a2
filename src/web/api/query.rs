//! What is asked of `series` and `hours`: a view's areas, type and status, but of many months or of none.

use super::super::layers::Layers;
use super::super::live::Live;
use super::super::parameters::{BadParameter, Parameters};
use super::super::view::{Period, View};
use super::list::List;
use super::rows::{Hour, SeriesMonth, Subject, hours};
use crate::domain::{Area, Geography};
use crate::marts::{Series, Week};

/// Rows of a page of `series` unless another number is asked for.
const LIMIT: usize = 1_000;

/// The most rows of a page.
const MOST: usize = 10_000;

/// Parameters of `series` besides those of a view.
const OF_SERIES: [&str; 3] = ["by", "limit", "cursor"];

/// Parameters of a view that `series` has.
pub const SERIES: [&str; 9] = ["geo", "type", "renames", "month", "from", "to", "status", "area", "release"];

/// Parameters of a view that `hours` has.
pub const HOURS: [&str; 4] = ["geo", "type", "area", "release"];

/// `series`: months of the city, of an area, or of each area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesQuery {
    /// Areas, type, status, months.
    pub view: View,
    /// `by=area`: of each area.
    by_area: bool,
    /// `limit`: rows of a page.
    limit: usize,
    /// `cursor`: rows before this page.
    skip: usize,
}

impl SeriesQuery {
    /// Reads a query string. Without months, all are meant that have these areas.
    pub fn parse(query: &str, live: &Live, layers: &Layers) -> Result<Self, Vec<BadParameter>> {
        let known: Vec<_> = SERIES.into_iter().chain(OF_SERIES).collect();
        let asked = Parameters::read(query, &known);
        let of_areas = asked.get("by").is_some() || asked.get("area").is_some();
        let period = if of_areas { Period::AllOfAreas } else { Period::All };
        let (view, (by_area, limit, skip)) = View::parse_with(asked, period, live, layers, |asked| {
            (by_area(asked), limit(asked).unwrap_or(LIMIT), cursor(asked, live).unwrap_or_default())
        })?;
        Ok(Self { view, by_area, limit, skip })
    }

    /// The normal form.
    pub fn query(&self, live: &Live, layers: &Layers) -> String {
        let mut query =
            self.view.query_in(if self.of_areas() { Period::AllOfAreas } else { Period::All }, live, layers);
        let mut put = |name: &str, value: String| {
            let and = if query.is_empty() { "" } else { "&" };
            query.push_str(&format!("{and}{name}={value}"));
        };
        if self.by_area {
            put("by", "area".to_owned());
        }
        if self.limit != LIMIT {
            put("limit", self.limit.to_string());
        }
        if self.skip > 0 {
            put("cursor", self.cursor(live, self.skip));
        }
        query
    }

    fn of_areas(&self) -> bool {
        self.by_area || self.view.area.is_some()
    }

    /// A place in one release's rows says nothing about another's.
    fn cursor(&self, live: &Live, skip: usize) -> String {
        format!("{}.{skip}", live.release.release)
    }

    /// The rows of a page, month by month within an area. CSV has no pages unless they are asked for.
    pub fn list<'a>(&'a self, series: &Series, live: &'a Live, layers: &'a Layers, all: bool) -> List<SeriesMonth<'a>> {
        let areas = &self.view.layer(layers).boundaries.areas;
        let chosen = areas.iter().filter(|area| self.by_area || self.view.area == Some(area.area));
        let mut subjects: Vec<_> = chosen.map(|area| Some((area.area, area.name.as_str()))).collect();
        if !self.of_areas() {
            subjects.push(None);
        }
        let request_type = self.view.request_type.as_ref().map(|id| id.as_str());
        let months: Vec<_> = self.view.months.iter().filter(|&month| live.has(month)).collect();
        let matched = subjects.len() * months.len();
        let limit = if all && self.limit == LIMIT { matched } else { self.limit };
        let row = |at: usize| {
            let area = subjects[at / months.len()];
            Subject { area, request_type, status: self.view.status }.row(months[at % months.len()], series, live)
        };
        let end = (self.skip + limit).min(matched);
        let next = (end < matched).then(|| {
            let mut next = Self { skip: end, ..self.clone() };
            // A release may come between two pages.
            next.view.pinned = true;
            format!("/api/v1/series?{}", next.query(live, layers))
        });
        List { rows: (self.skip..end).map(row).collect(), matched, next, fields: Vec::new() }
    }
}

fn by_area(asked: &mut Parameters<'_>) -> bool {
    match asked.get("by").map(str::to_owned).as_deref() {
        None => false,
        Some("area") if asked.get("area").is_none() => true,
        Some("area") => {
            asked.refuse("by", "area", "area alone, or by=area without area");
            false
        }
        Some(other) => {
            asked.refuse("by", other, "area");
            false
        }
    }
}

fn limit(asked: &mut Parameters<'_>) -> Option<usize> {
    let allowed = || format!("a number from 1 to {MOST}");
    let limit: usize = asked.word("limit", allowed)?;
    let fits = (1..=MOST).contains(&limit);
    if !fits {
        asked.refuse("limit", &limit.to_string(), allowed());
    }
    fits.then_some(limit)
}

fn cursor(asked: &mut Parameters<'_>, live: &Live) -> Option<usize> {
    let text = asked.get("cursor")?.to_owned();
    let place = text.rsplit_once('.').filter(|(release, _)| *release == live.release.release.as_str());
    let place = place.and_then(|(_, skip)| skip.parse().ok()).filter(|skip| *skip < 1 << 32);
    if place.is_none() {
        asked.refuse("cursor", &text, "what `next` of the page before says, of the same release");
    }
    place
}

/// `hours`: of the city, of an area over all types, or of a type over the whole city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoursQuery(pub View);

impl HoursQuery {
    /// Reads a query string.
    pub fn parse(query: &str, live: &Live, layers: &Layers) -> Result<Self, Vec<BadParameter>> {
        let asked = Parameters::read(query, &HOURS);
        let (view, ()) = View::parse_with(asked, Period::Latest, live, layers, |asked| {
            if let (Some(area), Some(_)) = (asked.get("area").map(str::to_owned), asked.get("type")) {
                asked.refuse("area", &area, "area or type: hours are counted of each alone");
            }
        })?;
        Ok(Self(view))
    }

    /// The rows.
    pub fn rows<'a>(&'a self, live: &Live) -> Vec<Hour<'a>> {
        let View { geography, area, ref request_type, .. } = self.0;
        let counted = live.marts.hours();
        let (week, of): (Week, Option<(Geography, Area)>) = match (area, request_type) {
            (Some(area), _) => (counted.of_area(geography, Some(area)), Some((geography, area))),
            (None, Some(id)) => (counted.of_type(id.as_str()), None),
            (None, None) => (counted.of_city(), None),
        };
        hours(&week, of, request_type.as_ref().map(|id| id.as_str()))
    }
}
