//! The rows of the lists: their columns are frozen for `v1`, more may be added behind them.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::layers::Layers;
use super::super::live::Live;
use crate::clean::fields::WEEKDAYS;
use crate::domain::{Area, Geography, Month, MonthRange, Status, WardModel};
use crate::marts::{Series, TypeUse, Week};

/// A row of `series`: one month, of the city or of an area.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SeriesMonth")]
pub struct SeriesMonth<'a> {
    /// The month.
    month: Month,
    /// Which set of areas; `null` for the whole city.
    geography: Option<Geography>,
    /// Which wards; `null` for FSAs and the city.
    ward_model: Option<WardModel>,
    /// Code of the area; `null` for the whole city.
    #[schemars(with = "Option<String>")]
    area: Option<Area>,
    /// Name of the area; `null` for the whole city.
    name: Option<&'a str>,
    /// Id of the request type; `null` for all.
    request_type: Option<&'a str>,
    /// Status at the time of publication; `null` for any.
    status: Option<Status>,
    /// Requests created in the month.
    requests: u64,
    /// Whether days of the month are missing from the data.
    partial: bool,
}

/// What a series is of.
pub struct Subject<'a> {
    /// An area with its name, or the city.
    pub area: Option<(Area, &'a str)>,
    /// The type, or all.
    pub request_type: Option<&'a str>,
    /// The status, or any.
    pub status: Option<Status>,
}

impl<'a> Subject<'a> {
    /// The row of a month.
    pub fn row(&self, month: Month, series: &Series, live: &Live) -> SeriesMonth<'a> {
        let months = MonthRange::single(month);
        let area = self.area.map(|(area, _)| area);
        let ward = match area {
            Some(Area::Ward(ward)) => Some(ward),
            _ => None,
        };
        let geography = area.map(|area| if matches!(area, Area::Ward(_)) { Geography::Ward } else { Geography::Fsa });
        SeriesMonth {
            month,
            geography,
            ward_model: ward.map(|ward| ward.model()),
            area,
            name: self.area.map(|(_, name)| name),
            request_type: self.request_type,
            status: self.status,
            requests: match geography {
                Some(geography) => series.period(months, self.status).requests(geography, area),
                None => series.all(months, self.status),
            },
            partial: live.is_partial(months),
        }
    }
}

/// A row of `hours`: an hour of the week, over all months of the release.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Hour")]
pub struct Hour<'a> {
    /// Day of the week, in the city's time.
    weekday: &'static str,
    /// Hour of the day, 0 to 23, in the city's time.
    hour: u8,
    /// Which set of areas; `null` for the whole city.
    geography: Option<Geography>,
    /// Code of the area; `null` for the whole city.
    #[schemars(with = "Option<String>")]
    area: Option<Area>,
    /// Id of the request type; `null` for all.
    request_type: Option<&'a str>,
    /// Requests created in this hour.
    requests: u64,
}

/// All 168, from Monday at midnight.
pub fn hours<'a>(week: &Week, area: Option<(Geography, Area)>, request_type: Option<&'a str>) -> Vec<Hour<'a>> {
    let row = |(at, &requests): (usize, &u64)| Hour {
        weekday: WEEKDAYS[at / 24],
        hour: (at % 24) as u8,
        geography: area.map(|(geography, _)| geography),
        area: area.map(|(_, area)| area),
        request_type,
        requests,
    };
    week.iter().enumerate().map(row).collect()
}

/// A row of `types`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Type")]
pub struct Type<'a, R> {
    /// Stable id.
    id: &'a str,
    /// As the City calls it.
    label: &'a str,
    /// Division in charge.
    division: &'a str,
    /// Section in charge.
    section: &'a str,
    /// First month with a request.
    first_month: Month,
    /// Last month with a request.
    last_month: Month,
    /// Requests in all months.
    requests: i64,
    /// Ids of the types that it was renamed from or to, in the order of time; in CSV with blanks between.
    renames: R,
}

/// All request types, by id.
pub fn types<'l, R>(live: &'l Live, renames: impl Fn(Vec<&'l str>) -> R) -> Vec<Type<'l, R>> {
    let others = |id: &str| {
        let others = id.parse().map(|id| live.marts.renames(&id)).unwrap_or_default();
        others.into_iter().map(|other| other.request_type.as_str()).collect()
    };
    let row = |used: &'l TypeUse| Type {
        id: &used.request_type,
        label: &used.label,
        division: &used.division,
        section: &used.section,
        first_month: used.first_month,
        last_month: used.last_month,
        requests: used.requests,
        renames: renames(others(&used.request_type)),
    };
    live.marts.types().iter().map(row).collect()
}

/// A row of `months`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Month")]
pub struct MonthRow {
    /// The month.
    month: Month,
    /// Requests created in it.
    requests: u64,
    /// Whether every day of it is in the data.
    complete: bool,
    /// The wards that its requests are counted in.
    ward_model: Option<WardModel>,
}

/// The months that have requests, in order.
pub fn months(live: &Live) -> Vec<MonthRow> {
    let totals = live.marts.totals();
    let row = |month| {
        let range = MonthRange::single(month);
        MonthRow {
            month,
            requests: totals.all(range, None),
            complete: !live.is_partial(range),
            ward_model: live.ward_model(range),
        }
    };
    live.months().map(row).collect()
}

/// A row of `downloads`: a mart as Parquet.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Download")]
pub struct Download<'a> {
    /// Name of the mart.
    mart: &'a str,
    /// Where these bytes are, of this release; ranges of them can be asked for.
    href: String,
    /// Its size.
    bytes: u64,
    /// Of its bytes, in hex.
    sha256: &'a str,
}

/// The marts of the release.
pub fn downloads<'l>(live: &'l Live, _: &Layers) -> Vec<Download<'l>> {
    let row = |(file, mart): (&'l String, &'l crate::release::Mart)| Download {
        mart: file.trim_end_matches(".parquet"),
        href: format!("/api/v1/downloads/{file}?release={}", live.release.release),
        bytes: mart.bytes,
        sha256: &mart.sha256,
    };
    live.release.marts.iter().map(row).collect()
}
