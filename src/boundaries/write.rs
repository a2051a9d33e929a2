//! The published form: GeoJSON (RFC 7946) with one area per line, so that a change of one area is a change of one line.

use std::fs;
use std::path::Path;

use geo::{BoundingRect, LineString, MultiPolygon, Polygon};
use serde::Serialize;
use serde_json::{Value, json};

use super::layer::Layer;
use super::{BoundedArea, Error};

/// A collection's members before its features, in this order; a topology has the same.
#[derive(Serialize)]
pub(super) struct Head<'a> {
    r#type: &'static str,
    pub(super) bbox: [f64; 4],
    geography: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ward_model: Option<&'static str>,
    valid_from: Option<&'static str>,
    valid_to: Option<&'static str>,
    attribution: &'a [String],
    source_sha256: &'a str,
    tolerance_m: f64,
}

#[derive(Serialize)]
struct Feature<'a> {
    r#type: &'static str,
    id: &'a str,
    bbox: [f64; 4],
    properties: Properties<'a>,
    geometry: Value,
}

/// What is said of an area besides its shape.
#[derive(Serialize)]
pub(super) struct Properties<'a> {
    code: &'a str,
    name: &'a str,
    area_km2: f64,
    population: Option<u32>,
    population_year: Option<u16>,
    label_point: [f64; 2],
}

impl<'a> Head<'a> {
    pub(super) fn new(r#type: &'static str, layer: &'a Layer, areas: &[BoundedArea]) -> Self {
        Self {
            r#type,
            bbox: bounds(areas.iter().flat_map(|a| &a.geometry)),
            geography: layer.geography().as_str(),
            ward_model: layer.model.map(|model| model.as_str()),
            valid_from: layer.valid.0,
            valid_to: layer.valid.1,
            attribution: &layer.attribution,
            source_sha256: &layer.source.sha256,
            tolerance_m: layer.tolerance_m,
        }
    }
}

impl<'a> Properties<'a> {
    pub(super) fn of(area: &'a BoundedArea, code: &'a str) -> Self {
        Self {
            code,
            name: &area.name,
            area_km2: area.area_km2,
            population: area.population.map(|p| p.count),
            population_year: area.population.map(|p| p.census_year),
            label_point: area.label_point,
        }
    }
}

/// The text of a layer's file; the same layer always gives the same bytes.
pub(super) fn geojson(layer: &Layer, areas: &[BoundedArea]) -> Result<String, serde_json::Error> {
    let features = areas.iter().map(feature).collect::<Result<Vec<_>, _>>()?;
    let mut text = serde_json::to_string(&Head::new("FeatureCollection", layer, areas))?;
    text.pop();
    text.push_str(",\"features\":[\n");
    text.push_str(&features.join(",\n"));
    text.push_str("\n]}\n");
    Ok(text)
}

fn feature(area: &BoundedArea) -> Result<String, serde_json::Error> {
    let code = area.area.to_string();
    serde_json::to_string(&Feature {
        r#type: "Feature",
        id: &code,
        bbox: area.bbox,
        properties: Properties::of(area, &code),
        geometry: match &area.geometry.0[..] {
            [polygon] => json!({"type": "Polygon", "coordinates": rings(polygon)}),
            polygons => {
                json!({"type": "MultiPolygon", "coordinates": polygons.iter().map(rings).collect::<Vec<_>>()})
            }
        },
    })
}

fn rings(polygon: &Polygon<f64>) -> Vec<Vec<[f64; 2]>> {
    let positions = |line: &LineString<f64>| line.coords().map(|c| [c.x, c.y]).collect();
    std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(positions).collect()
}

/// West, south, east, north.
pub(super) fn bounds<'a>(polygons: impl Iterator<Item = &'a Polygon<f64>>) -> [f64; 4] {
    let all = MultiPolygon(polygons.cloned().collect());
    all.bounding_rect().map_or([0.0; 4], |r| [r.min().x, r.min().y, r.max().x, r.max().y])
}

/// Writes all files of a build, or none: first under other names, then, when all are complete, under their own.
pub(super) fn files(folder: &Path, files: &[(String, String)]) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let partial = |name: &str| folder.join(format!(".{name}.partial"));
    let written =
        files.iter().try_for_each(|(name, text)| fs::write(partial(name), text).map_err(Error::file(&partial(name))));
    if let Err(error) = written {
        // What cannot be removed is hidden and overwritten by the next build.
        files.iter().for_each(|(name, _)| drop(fs::remove_file(partial(name))));
        return Err(error);
    }
    files
        .iter()
        .try_for_each(|(name, _)| fs::rename(partial(name), folder.join(name)).map_err(Error::file(&folder.join(name))))
}
