//! `counts`: the table beside the map. Its columns are frozen for `v1`, more may be added behind them.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::answer::Answer;
use super::super::body::Body;
use super::super::live::Live;
use super::format::Format;
use super::list::{self, At, List};
use crate::choropleth::json::{Text, members};
use crate::choropleth::{AreaValue, State};
use crate::domain::{Area, Geography, Month, Status, WardModel};

/// A row of `counts`: one area in the whole period.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Count")]
pub struct Count<'a> {
    /// Which set of areas.
    geography: Geography,
    /// Which wards; `null` for FSAs.
    ward_model: Option<WardModel>,
    /// Code of the area: the ward's number in two digits, or the FSA.
    #[schemars(with = "String")]
    area: Area,
    /// Name of the ward; the code of an FSA.
    name: &'a str,
    /// Id of the request type; `null` for all.
    request_type: Option<&'a str>,
    /// First month.
    from: Month,
    /// Last month.
    to: Month,
    /// Status at the time of publication; `null` for any.
    status: Option<Status>,
    /// Requests created in these months.
    requests: u64,
    /// What the measure compares them with: all requests for `share`, those of the same months a year before for `change`.
    base: Option<u64>,
    /// Residents.
    population: Option<u32>,
    /// Census that counted the residents.
    population_year: Option<u16>,
    /// Square kilometres.
    area_km2: f64,
    /// Name of the measure.
    measure: &'static str,
    /// The measure's value; `null` where there is nothing to divide by.
    value: Option<f64>,
    /// From 1 for the highest value; `null` where the value is unstable or missing, or zero beside unstable ones.
    rank: Option<usize>,
    /// Index into the classes of the legend; `null` for zero and no data.
    class: Option<usize>,
    /// How to read the value.
    state: State,
    /// Whether days of these months are missing from the data.
    partial: bool,
}

/// The columns of `counts`, in their order.
pub const COLUMNS: [&str; 19] = [
    "geography",
    "ward_model",
    "area",
    "name",
    "request_type",
    "from",
    "to",
    "status",
    "requests",
    "base",
    "population",
    "population_year",
    "area_km2",
    "measure",
    "value",
    "rank",
    "class",
    "state",
    "partial",
];

/// The list in the form that is asked for, with the columns that are wanted.
pub fn render(answer: &Answer<'_>, fields: Vec<&'static str>, at: &At<'_>) -> anyhow::Result<Body> {
    if at.format == Format::Json && fields.is_empty() {
        return list::of_text(at, answer.values.len(), |json| write_rows(answer, at.live, json));
    }
    List { fields, ..rows(answer, at.live).into() }.render(at)
}

/// The areas in the order of the table beside the map.
fn rows<'a>(answer: &'a Answer<'_>, live: &Live) -> Vec<Count<'a>> {
    let view = &answer.view;
    let partial = live.is_partial(view.months);
    let row = |(at, value): (usize, &AreaValue)| {
        let area = &answer.layer.boundaries.areas[at];
        Count {
            geography: view.geography,
            ward_model: (view.geography == Geography::Ward).then_some(view.ward_model),
            area: area.area,
            name: &area.name,
            request_type: view.request_type.as_ref().map(|id| id.as_str()),
            from: view.months.first(),
            to: view.months.last(),
            status: view.status,
            requests: value.requests,
            base: value.base,
            population: area.population.map(|p| p.count),
            population_year: area.population.map(|p| p.census_year),
            area_km2: area.area_km2,
            measure: view.measure.as_str(),
            value: value.value,
            rank: value.rank,
            class: value.class,
            state: value.state,
            partial,
        }
    };
    answer.ranked().into_iter().map(row).collect()
}

/// What rows begin with.
#[derive(Serialize)]
struct Areas {
    geography: Geography,
    ward_model: Option<WardModel>,
}

/// What rows have behind the area.
#[derive(Serialize)]
struct Shared<'a> {
    request_type: Option<&'a str>,
    from: Month,
    to: Month,
    status: Option<Status>,
}

/// The same rows as JSON, byte for byte: what all of them share is written once, what an area always has when the program
/// starts.
fn write_rows(answer: &Answer<'_>, live: &Live, json: &mut Text) -> serde_json::Result<()> {
    let view = &answer.view;
    let ward_model = (view.geography == Geography::Ward).then_some(view.ward_model);
    let areas = members(&Areas { geography: view.geography, ward_model })?;
    let asked = members(&Shared {
        request_type: view.request_type.as_ref().map(|id| id.as_str()),
        from: view.months.first(),
        to: view.months.last(),
        status: view.status,
    })?;
    let measure = view.measure.as_str();
    let partial = live.is_partial(view.months);
    for (n, (at, value)) in answer.ranked().into_iter().enumerate() {
        let area = &answer.layer.columns[at];
        let AreaValue { requests, base, value, rank, class, state, .. } = *value;
        json.put(if n == 0 { "{" } else { ",{" }).put(&areas).put(",").put(&area.name).put(",").put(&asked);
        json.put(r#","requests":"#).value(&requests)?.put(r#","base":"#).value(&base)?;
        json.put(",").put(&area.size).put(r#","measure":"#).value(&measure)?;
        json.put(r#","value":"#).value(&value)?.put(r#","rank":"#).value(&rank)?.put(r#","class":"#).value(&class)?;
        json.put(r#","state":"#).value(&state)?.put(r#","partial":"#).value(&partial)?.put("}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use schemars::SchemaGenerator;

    use super::*;

    #[test]
    fn the_columns_that_can_be_chosen_are_those_of_the_rows() {
        let schema = SchemaGenerator::default().into_root_schema_for::<Count<'_>>();
        let names: Vec<&String> = schema.get("properties").unwrap().as_object().unwrap().keys().collect();
        assert_eq!(names, COLUMNS.iter().collect::<Vec<_>>());
    }
}
