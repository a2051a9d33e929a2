//! A view filled with numbers.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::history::{Counting, classes};
use super::layers::{Layer, Layers};
use super::live::Live;
use super::view::View;
use crate::choropleth::{self, AreaValue, Legend, Measure};
use crate::domain::{Area, Geography, Month, Status, TypeId, WardModel};
use crate::marts::Series;

/// Everything that is said about a view, for pages and API alike.
pub struct Answer<'a> {
    /// What was asked for.
    pub view: View,
    /// The areas.
    pub layer: &'a Layer,
    /// One an area, in the order of the layer.
    pub values: Vec<AreaValue>,
    /// Classes and colours.
    pub legend: Legend,
    /// Why the colours could mislead.
    pub warnings: Vec<String>,
    /// The counts that it was made of.
    pub series: Arc<Series>,
    /// Requests in the view, on the map or not.
    pub total: u64,
    /// Requests in the view that are not on the map: without an area of this kind, or in one that has no boundary.
    pub not_mapped: u64,
}

impl<'a> Answer<'a> {
    /// Counts, joins and classifies, by the counts of the view's type.
    pub fn new(view: View, series: Arc<Series>, live: &Live, layers: &'a Layers) -> Self {
        let layer = view.layer(layers);
        let counting = Counting::new(&view, series, live);
        let classes = classes(&view, layer, live, &counting);
        let counted = counting.period(view.months);
        let values = choropleth::join(&layer.boundaries.areas, |area| counted.counts(area), view.measure, &classes);
        let total = counting.series.all(view.months, view.status);
        let mapped: u64 = values.iter().map(|value| value.requests).sum();
        Self {
            legend: Legend::new(&classes, view.measure, view.classes),
            warnings: warnings(&view, &values),
            values,
            layer,
            total,
            not_mapped: total - mapped,
            series: counting.series,
            view,
        }
    }

    /// The areas by value, the highest first and those without one last; by code where equal.
    pub fn ranked(&self) -> Vec<(usize, &AreaValue)> {
        let mut order: Vec<_> = self.values.iter().enumerate().collect();
        order.sort_unstable_by(|(_, a), (_, b)| {
            let value = |v: &AreaValue| v.value.unwrap_or(f64::NEG_INFINITY);
            value(b).total_cmp(&value(a)).then(a.area.cmp(&b.area))
        });
        order
    }

    /// Members that name the view in the API.
    pub fn members<'m>(&'m self, live: &'m Live) -> Members<'m> {
        Members {
            release: live.release.release.as_str(),
            complete_through: live.release.complete_through,
            geography: self.view.geography,
            ward_model: (self.view.geography == Geography::Ward).then_some(self.view.ward_model),
            request_type: self.view.request_type.as_ref().map(TypeId::as_str),
            renames: self.view.joined.then_some("joined"),
            from: self.view.months.first(),
            to: self.view.months.last(),
            partial: live.is_partial(self.view.months),
            status: self.view.status,
            measure: self.view.measure.as_str(),
            area: self.view.area,
            warnings: &self.warnings,
            total: self.total,
            not_mapped: self.not_mapped,
        }
    }
}

/// What a view is of, in the API's words.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Members<'a> {
    /// The release that all numbers are from.
    release: &'a str,
    /// The last month of which every day is in the data.
    complete_through: Month,
    /// Which set of areas.
    geography: Geography,
    /// Which wards; `null` for FSAs.
    ward_model: Option<WardModel>,
    /// Id of the request type; `null` for all.
    request_type: Option<&'a str>,
    /// `joined`, if requests under other names of the type are counted, too.
    renames: Option<&'static str>,
    /// First month.
    from: Month,
    /// Last month.
    to: Month,
    /// Whether days of these months are missing from the data.
    partial: bool,
    /// Status at the time of publication; `null` for any.
    status: Option<Status>,
    /// What is compared.
    measure: &'static str,
    /// Code of the area that is pointed out.
    #[schemars(with = "Option<String>")]
    area: Option<Area>,
    /// Why the colours could mislead.
    warnings: &'a [String],
    /// Requests of the view.
    total: u64,
    /// Of these, requests that are in none of the areas.
    not_mapped: u64,
}

fn warnings(view: &View, values: &[AreaValue]) -> Vec<String> {
    if view.measure == Measure::Share && view.request_type.is_none() && view.status.is_none() {
        return vec!["This is the share of all in all: choose a request type or a status.".to_owned()];
    }
    choropleth::warnings(values)
}

/// A value for people; a dash where there is none.
pub fn value_text(value: &AreaValue, measure: Measure) -> String {
    value.value.map_or_else(|| "–".to_owned(), |number| measure.format(number))
}
