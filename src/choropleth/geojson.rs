//! The joined GeoJSON (RFC 7946). Geometry never changes, so it is serialised once and the values are put in between.

use geojson::Geometry;
use serde::Serialize;

use super::{AreaValue, Legend};
use crate::boundaries::{Boundaries, BoundedArea};

/// Each area's geometry and constant properties as text.
pub struct Fragments {
    bbox: String,
    areas: Vec<Fragment>,
}

struct Fragment {
    /// From the feature's start to its `properties`, open for more.
    head: String,
}

/// Properties that depend on the view.
#[derive(Serialize)]
struct Values {
    requests: u64,
    /// For the measures that compare: with what.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<u64>,
    value: Option<f64>,
    rank: Option<usize>,
    class: Option<usize>,
    state: super::State,
    colour: Option<&'static str>,
}

impl Fragments {
    /// Serialises the geometry of every area.
    pub fn new(boundaries: &Boundaries) -> Result<Self, serde_json::Error> {
        Ok(Self {
            bbox: serde_json::to_string(&boundaries.bbox)?,
            areas: boundaries.areas.iter().map(fragment).collect::<Result<_, _>>()?,
        })
    }

    /// A feature collection with values in the order of the areas. `members` are the collection's other members: an
    /// object that is not empty.
    pub fn join(
        &self,
        values: &[AreaValue],
        legend: &Legend,
        members: &impl Serialize,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let members = serde_json::to_vec(members)?;
        let mut out = Vec::with_capacity(self.areas.iter().map(|area| area.head.len() + 128).sum::<usize>() + 2048);
        out.extend_from_slice(br#"{"type":"FeatureCollection","bbox":"#);
        out.extend_from_slice(self.bbox.as_bytes());
        out.push(b',');
        out.extend_from_slice(&members[1..members.len() - 1]);
        out.extend_from_slice(br#","legend":"#);
        serde_json::to_writer(&mut out, legend)?;
        out.extend_from_slice(br#","features":["#);
        for (n, (area, value)) in self.areas.iter().zip(values).enumerate() {
            if n > 0 {
                out.push(b',');
            }
            let colour = value.class.and_then(|class| legend.classes.get(class)).map(|swatch| swatch.colour.hex);
            let AreaValue { requests, base, value, rank, class, state, .. } = *value;
            out.extend_from_slice(area.head.as_bytes());
            // Its brace becomes the comma behind the constant properties.
            let opened = out.len();
            serde_json::to_writer(&mut out, &Values { requests, base, value, rank, class, state, colour })?;
            out[opened] = b',';
            out.push(b'}');
        }
        out.extend_from_slice(b"]}");
        Ok(out)
    }
}

fn fragment(area: &BoundedArea) -> Result<Fragment, serde_json::Error> {
    #[derive(Serialize)]
    struct Constant<'a> {
        code: String,
        name: &'a str,
        area_km2: f64,
        population: Option<u32>,
        population_year: Option<u16>,
    }
    let constant = Constant {
        code: area.area.to_string(),
        name: &area.name,
        area_km2: area.area_km2,
        population: area.population.map(|p| p.count),
        population_year: area.population.map(|p| p.census_year),
    };
    let constant = serde_json::to_string(&constant)?;
    Ok(Fragment {
        head: format!(
            r#"{{"type":"Feature","id":{},"bbox":{},"geometry":{},"properties":{}"#,
            serde_json::to_string(&area.area.to_string())?,
            serde_json::to_string(&area.bbox)?,
            serde_json::to_string(&Geometry::from(&area.geometry))?,
            constant.trim_end_matches('}'),
        ),
    })
}
