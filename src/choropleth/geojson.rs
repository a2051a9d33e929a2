//! The joined GeoJSON (RFC 7946). Geometry never changes, so it is serialised once and the values are put in between.

use std::sync::Arc;

use geojson::Geometry;
use serde::Serialize;
use serde_json::json;

use super::json::{Text, members};
use super::{AreaValue, Legend};
use crate::boundaries::{Boundaries, BoundedArea};

/// What the values of an area take, nearly.
const VALUES_BYTES: usize = 160;

/// What never changes of the areas, as text.
pub struct Fragments {
    bbox: String,
    /// Each area from its feature's start to its constant properties, open for more.
    areas: Arc<[String]>,
}

/// A feature collection, in which what never changes is not copied.
pub struct Joined {
    /// What is said of one view.
    pub text: Vec<u8>,
    /// Where in it each area belongs.
    pub ends: Vec<usize>,
    /// What never changes of the areas.
    pub areas: Arc<[String]>,
}

impl Fragments {
    /// Serialises the geometry of every area.
    pub fn new(boundaries: &Boundaries) -> Result<Self, serde_json::Error> {
        Ok(Self {
            bbox: serde_json::to_string(&boundaries.bbox)?,
            areas: boundaries.areas.iter().map(fragment).collect::<Result<_, _>>()?,
        })
    }

    /// A feature collection with values in the order of the areas. `of_view` has the collection's other members: an object
    /// that is not empty.
    pub fn join(
        &self,
        values: &[AreaValue],
        legend: &Legend,
        of_view: &impl Serialize,
    ) -> Result<Joined, serde_json::Error> {
        let mut json = Text::with_capacity(2048 + values.len() * VALUES_BYTES);
        json.put(r#"{"type":"FeatureCollection","bbox":"#).put(&self.bbox).members(of_view)?;
        json.put(r#","legend":"#).value(legend)?.put(r#","features":["#);
        let mut ends = Vec::with_capacity(values.len());
        for (n, value) in values.iter().enumerate() {
            json.put(if n == 0 { "" } else { "," });
            ends.push(json.end());
            let colour = value.class.and_then(|class| legend.classes.get(class)).map(|swatch| swatch.colour.hex);
            let AreaValue { requests, base, value, rank, class, state, .. } = *value;
            json.put(r#","requests":"#).value(&requests)?;
            if base.is_some() {
                json.put(r#","base":"#).value(&base)?;
            }
            json.put(r#","value":"#)
                .value(&value)?
                .put(r#","rank":"#)
                .value(&rank)?
                .put(r#","class":"#)
                .value(&class)?;
            json.put(r#","state":"#).value(&state)?.put(r#","colour":"#).value(&colour)?.put("}}");
        }
        json.put("]}");
        Ok(Joined { text: json.into_bytes(), ends, areas: self.areas.clone() })
    }
}

fn fragment(area: &BoundedArea) -> Result<String, serde_json::Error> {
    let (count, year) = area.population.map(|population| (population.count, population.census_year)).unzip();
    let properties = json!({
        "code": area.area,
        "name": area.name,
        "area_km2": area.area_km2,
        "population": count,
        "population_year": year,
    });
    Ok(format!(
        r#"{{"type":"Feature","id":{},"bbox":{},"geometry":{},"properties":{{{}"#,
        serde_json::to_string(&area.area)?,
        serde_json::to_string(&area.bbox)?,
        serde_json::to_string(&Geometry::from(&area.geometry))?,
        members(&properties)?,
    ))
}
