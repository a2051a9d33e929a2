//! Reads the published files back; all that the web server needs of this module.

use geo::MultiPolygon;
use serde::Deserialize;

use super::{Boundaries, BoundedArea, Error, Population};
use crate::domain::{Area, Geography, WardModel};

#[derive(Deserialize)]
struct Collection {
    geography: Geography,
    ward_model: Option<WardModel>,
    valid_from: Option<String>,
    valid_to: Option<String>,
    attribution: Vec<String>,
    tolerance_m: f64,
    bbox: [f64; 4],
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    bbox: [f64; 4],
    properties: Properties,
    geometry: geojson::Geometry,
}

#[derive(Deserialize)]
struct Properties {
    code: String,
    name: String,
    area_km2: f64,
    population: Option<u32>,
    population_year: Option<u16>,
    label_point: [f64; 2],
}

/// Reads one of the files that a build writes. Fails with [`Error::Content`] on anything else.
pub fn read(geojson: &[u8]) -> Result<Boundaries, Error> {
    let wrong = |reason: String| Error::Content { reason };
    let file: Collection = serde_json::from_slice(geojson).map_err(|error| wrong(error.to_string()))?;
    let areas = file.features.into_iter().map(|Feature { bbox, properties: p, geometry }| {
        let area = Area::from_code(file.geography, file.ward_model, &p.code)
            .ok_or_else(|| wrong(format!("no {} has the code {:?}", file.geography, p.code)))?;
        let geometry = match geo::Geometry::<f64>::try_from(geometry.value) {
            Ok(geo::Geometry::Polygon(polygon)) => MultiPolygon(vec![polygon]),
            Ok(geo::Geometry::MultiPolygon(polygons)) => polygons,
            _ => return Err(wrong(format!("area {area} has no polygon"))),
        };
        let population =
            p.population.zip(p.population_year).map(|(count, census_year)| Population { count, census_year });
        let (name, area_km2, label_point) = (p.name, p.area_km2, p.label_point);
        Ok(BoundedArea { area, name, area_km2, population, label_point, bbox, geometry })
    });
    Ok(Boundaries {
        geography: file.geography,
        ward_model: file.ward_model,
        valid_from: file.valid_from,
        valid_to: file.valid_to,
        attribution: file.attribution,
        tolerance_m: file.tolerance_m,
        bbox: file.bbox,
        areas: areas.collect::<Result<_, Error>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"type":"FeatureCollection","bbox":[0,0,1,1],"geography":"fsa","valid_from":null,"valid_to":null,
        "attribution":["Someone."],"source_sha256":"00","tolerance_m":1,"features":[
        {"type":"Feature","id":"M5V","bbox":[0,0,1,1],"properties":{"code":"M5V","name":"M5V","area_km2":1.5,
        "population":7,"population_year":2021,"label_point":[0.5,0.5]},
        "geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]}}]}"#;

    #[test]
    fn a_file_reads_back() {
        let read = read(FILE.as_bytes()).unwrap();
        assert_eq!(read.areas[0].population, Some(Population { count: 7, census_year: 2021 }));
        assert_eq!((read.set_id(), read.valid_from, read.tolerance_m), ("fsas", None, 1.0));
    }

    #[test]
    fn a_code_of_another_geography_is_an_error() {
        for (from, to) in [("\"M5V\",\"name", "\"L4C\",\"name"), ("\"fsa\"", "\"ward\""), ("\"Polygon\"", "\"Point\"")]
        {
            assert!(matches!(super::read(FILE.replace(from, to).as_bytes()), Err(Error::Content { .. })), "{to}");
        }
    }
}
