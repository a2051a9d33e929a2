//! Reads the sources into areas: a code, a name and polygons in degrees, each checked by itself.

use std::collections::BTreeSet;
use std::path::Path;

use geo::{Coord, CoordsIter, MultiPolygon, Validation};
use geojson::{FeatureCollection, JsonObject, JsonValue};
use sha2::{Digest, Sha256};

use super::noding::Ring;
use super::{Error, grid, planar, statcan};
use crate::domain::{Area, Fsa, Ward, WardModel};

/// Where Toronto's areas are, in degrees; FSAs reach some kilometres into the lake.
const LONGITUDES: std::ops::RangeInclusive<f64> = -79.8..=-78.9;
const LATITUDES: std::ops::RangeInclusive<f64> = 43.3..=44.0;

const CITY_CODES: [&str; 3] = ["AREA_SHORT_CODE", "AREA_S_CD", "SCODE_NAME"];
const CITY_NAMES: [&str; 2] = ["AREA_NAME", "NAME"];
const CITY_EXPECTED: &str =
    "code (AREA_SHORT_CODE, AREA_S_CD or SCODE_NAME) and name (AREA_NAME or NAME) of a ward, as text or number";

/// One file of areas, in the order of their codes.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) areas: Vec<SourceArea>,
    /// Of the file as it came, in hexadecimal.
    pub(super) sha256: String,
    /// Year of the census that the areas were drawn for; only for FSAs.
    pub(super) edition: u16,
}

/// An area as the source has it.
#[derive(Debug)]
pub(super) struct SourceArea {
    pub(super) area: Area,
    pub(super) name: String,
    pub(super) geometry: MultiPolygon<f64>,
}

/// Reads a GeoJSON file of the City with all wards of a model.
pub(super) fn wards(path: &Path, model: WardModel) -> Result<Source, Error> {
    let (features, sha256) = features(path)?;
    let mut areas = Vec::new();
    for (feature, (properties, geometry)) in features.into_iter().enumerate() {
        let value = |found: &str, expected| Error::Value {
            path: path.into(),
            feature: feature + 1,
            found: found.into(),
            expected,
        };
        let (code, name) = text(&properties, &CITY_CODES)
            .zip(text(&properties, &CITY_NAMES))
            .ok_or_else(|| unknown_properties(path, feature, CITY_EXPECTED, &properties))?;
        let ward = code.trim().parse().ok().and_then(|number| Ward::new(model, number));
        let area = ward.map(Area::Ward).ok_or_else(|| value(&code, number_expected(model)))?;
        // The 44-ward file writes `Scarborough East (44)`, the 25-ward files the name alone.
        let name = name.split('(').next().unwrap_or_default().trim().replace('\u{2019}', "'");
        if name.is_empty() {
            return Err(value(&name, "the name of a ward"));
        }
        areas.push(SourceArea { area, name, geometry });
    }
    let source = checked(path, Source { areas, sha256, edition: 0 })?;
    if source.areas.len() != usize::from(model.count()) {
        let expected = format!("the {model} wards");
        return Err(Error::Count { path: path.into(), found: source.areas.len(), expected });
    }
    Ok(source)
}

/// Reads Toronto's FSAs from GeoJSON, a shapefile or a ZIP archive with one; those of other cities are passed over.
pub(super) fn fsas(path: &Path) -> Result<Source, Error> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let source = match extension.as_str() {
        "shp" | "zip" => statcan::fsas(path)?,
        _ => geojson_fsas(path)?,
    };
    let source = checked(path, source)?;
    if source.areas.is_empty() {
        return Err(Error::Count { path: path.into(), found: 0, expected: "some FSAs of Toronto (M…)".into() });
    }
    Ok(source)
}

fn geojson_fsas(path: &Path) -> Result<Source, Error> {
    let (features, sha256) = features(path)?;
    let (mut areas, mut edition) = (Vec::new(), 2016);
    for (feature, (properties, geometry)) in features.into_iter().enumerate() {
        let code = text(&properties, &["CFSAUID"])
            .ok_or_else(|| unknown_properties(path, feature, "CFSAUID (the code of an FSA)", &properties))?;
        if let Some(fsa) = Fsa::new(code.trim().as_bytes()) {
            areas.push(SourceArea { area: Area::Fsa(fsa), name: fsa.to_string(), geometry });
        }
        edition = edition_of(text(&properties, &["DGUID"]).as_deref());
    }
    Ok(Source { areas, sha256, edition })
}

/// The census year at the start of a DGUID (`2021A0011M5V`); the files of 2016 have none yet.
pub(super) fn edition_of(dguid: Option<&str>) -> u16 {
    dguid.and_then(|id| id.get(..4)).and_then(|year| year.parse().ok()).unwrap_or(2016)
}

/// The whole file and its SHA-256.
pub(super) fn read_file(path: &Path) -> Result<(Vec<u8>, String), Error> {
    let bytes = std::fs::read(path).map_err(Error::file(path))?;
    let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((bytes, sha256))
}

type Features = Vec<(JsonObject, MultiPolygon<f64>)>;

fn features(path: &Path) -> Result<(Features, String), Error> {
    let (bytes, sha256) = read_file(path)?;
    let collection: FeatureCollection =
        serde_json::from_slice(&bytes).map_err(Error::format(path, "a GeoJSON FeatureCollection"))?;
    if let Some(crs) = collection.foreign_members.as_ref().and_then(|members| members.get("crs")) {
        let found = crs.to_string();
        if !["CRS84", "EPSG::4326", "EPSG:4326", "EPSG::4269"].iter().any(|known| found.contains(known)) {
            return Err(Error::Projection { path: path.into(), found });
        }
    }
    let features = collection.features.into_iter().enumerate().map(|(feature, found)| {
        let geometry = found.geometry.map(|g| geo::Geometry::<f64>::try_from(g.value));
        let geometry = match geometry {
            Some(Ok(geo::Geometry::Polygon(polygon))) => MultiPolygon(vec![polygon]),
            Some(Ok(geo::Geometry::MultiPolygon(polygons))) => polygons,
            Some(Err(error)) => return Err(Error::format(path, "GeoJSON")(error)),
            Some(Ok(_)) | None => {
                let expected = "a Polygon or a MultiPolygon";
                return Err(Error::Value {
                    path: path.into(),
                    feature: feature + 1,
                    found: "geometry".into(),
                    expected,
                });
            }
        };
        Ok((found.properties.unwrap_or_default(), geometry))
    });
    Ok((features.collect::<Result<_, _>>()?, sha256))
}

/// The first of the properties that is there, as text: `7`, `"07"` and `7.0` occur.
fn text(properties: &JsonObject, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| match properties.get(*name)? {
        JsonValue::String(text) => Some(text.clone()),
        JsonValue::Number(number) => number.as_f64().map(|n| n.to_string()),
        _ => None,
    })
}

fn unknown_properties(path: &Path, feature: usize, expected: &'static str, found: &JsonObject) -> Error {
    let found = found.keys().cloned().collect::<Vec<_>>().join(", ");
    Error::Properties { path: path.into(), feature: feature + 1, expected, found }
}

fn number_expected(model: WardModel) -> &'static str {
    match model {
        WardModel::Wards25 => "the number of a ward, 1 to 25",
        WardModel::Wards44 => "the number of a ward, 1 to 44",
    }
}

/// Sorts by code and checks what every source must be: one feature per code, in Toronto, valid polygons.
fn checked(path: &Path, mut source: Source) -> Result<Source, Error> {
    source.areas.sort_by_key(|a| a.area);
    let mut seen = BTreeSet::new();
    for SourceArea { area, geometry, .. } in &source.areas {
        if !seen.insert(*area) {
            return Err(Error::Duplicate { path: path.into(), area: area.to_string() });
        }
        let elsewhere = |c: &Coord<f64>| !LONGITUDES.contains(&c.x) || !LATITUDES.contains(&c.y);
        if let Some(Coord { x, y }) = geometry.coords_iter().find(elsewhere) {
            return Err(Error::NotToronto { path: path.into(), area: area.to_string(), x, y });
        }
        let invalid = |reason: String| Error::Invalid { path: path.into(), area: area.to_string(), reason };
        geometry.check_validation().map_err(|error| invalid(error.to_string()))?;
        if geometry.0.is_empty() {
            return Err(invalid("it is empty".into()));
        }
    }
    Ok(source)
}

/// The rings of an area on the grid, the area on the left of each: exteriors counter-clockwise, holes clockwise, however
/// the source has them (all files seen have them the other way round).
pub(super) fn rings(geometry: &MultiPolygon<f64>) -> Vec<Ring> {
    let oriented = |line: &geo::LineString<f64>, positive: bool| {
        let mut ring: Ring = line.coords().map(|&c| grid::Point::near(c)).collect();
        ring.dedup();
        if ring.len() > 1 && ring.first() == ring.last() {
            ring.pop();
        }
        if (planar::doubled_area(&ring) > 0) != positive {
            ring.reverse();
        }
        ring
    };
    let rings = geometry.iter().flat_map(|polygon| {
        let holes = polygon.interiors().iter().map(move |hole| oriented(hole, false));
        std::iter::once(oriented(polygon.exterior(), true)).chain(holes)
    });
    rings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A row of squares with the properties of each number, in degrees east of a corner in Toronto.
    fn squares(count: u32, properties: impl Fn(u32) -> JsonValue) -> JsonValue {
        let features = (1..=count).map(|n| {
            let (west, east) = (-79.6 + f64::from(n) * 0.01, -79.59 + f64::from(n) * 0.01);
            let ring = json!([[west, 43.6], [west, 43.7], [east, 43.7], [east, 43.6], [west, 43.6]]);
            json!({"type": "Feature", "properties": properties(n), "geometry": {"type": "Polygon", "coordinates": [ring]}})
        });
        json!({"type": "FeatureCollection", "features": features.collect::<Vec<_>>()})
    }

    fn city(n: u32) -> JsonValue {
        json!({"AREA_SHORT_CODE": n, "AREA_NAME": "York Centre"})
    }

    fn read(json: &JsonValue, model: WardModel) -> Result<Source, Error> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), json.to_string()).unwrap();
        wards(file.path(), model)
    }

    #[test]
    fn all_spellings_of_code_and_name_are_understood() {
        let older = |n: u32| json!({"AREA_S_CD": format!("{n:02}"), "AREA_NAME": "Toronto-St. Paul\u{2019}s"});
        let oldest = |n: u32| json!({"SCODE_NAME": n.to_string(), "NAME": format!("Scarborough East ({n})")});
        let names = |source: Source| (source.areas[3].area.to_string(), source.areas[3].name.clone());
        let read = |json, model| names(read(&json, model).unwrap());
        assert_eq!(read(squares(25, city), WardModel::Wards25), ("04".into(), "York Centre".into()));
        assert_eq!(read(squares(25, older), WardModel::Wards25), ("04".into(), "Toronto-St. Paul's".into()));
        assert_eq!(read(squares(44, oldest), WardModel::Wards44), ("04".into(), "Scarborough East".into()));
    }

    #[test]
    fn a_file_with_other_wards_is_refused() {
        assert!(matches!(read(&squares(24, city), WardModel::Wards25), Err(Error::Count { found: 24, .. })));
        assert!(matches!(read(&squares(25, city), WardModel::Wards44), Err(Error::Count { found: 25, .. })));
        assert!(matches!(read(&squares(44, city), WardModel::Wards25), Err(Error::Value { feature: 26, .. })));
        let twice = |n: u32| city(n.min(24));
        let error = read(&squares(25, twice), WardModel::Wards25).unwrap_err();
        assert!(matches!(&error, Error::Duplicate { area, .. } if area == "24"), "{error}");
    }

    #[test]
    fn unknown_properties_are_named_with_those_expected() {
        let error = read(&squares(25, |n| json!({"ward": n})), WardModel::Wards25).unwrap_err().to_string();
        assert!(error.contains("AREA_SHORT_CODE") && error.ends_with("its properties are ward"), "{error}");
    }

    #[test]
    fn metres_in_place_of_degrees_are_refused() {
        let mut json = squares(25, city);
        json["features"][6]["geometry"]["coordinates"][0][1] = json!([318_237.29, 4_844_000.0]);
        let error = read(&json, WardModel::Wards25).unwrap_err();
        assert!(matches!(&error, Error::NotToronto { area, .. } if area == "07"), "{error}");
        let mut json = squares(25, city);
        json["crs"] = json!({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2952"}});
        assert!(matches!(read(&json, WardModel::Wards25), Err(Error::Projection { .. })));
    }

    #[test]
    fn a_polygon_that_crosses_itself_is_refused() {
        let mut json = squares(25, city);
        json["features"][2]["geometry"]["coordinates"][0].as_array_mut().unwrap().swap(1, 2);
        let error = read(&json, WardModel::Wards25).unwrap_err();
        assert!(matches!(&error, Error::Invalid { area, .. } if area == "03"), "{error}");
    }

    #[test]
    fn what_is_not_geojson_is_said_so() {
        assert!(matches!(read(&json!({"type": "Topology"}), WardModel::Wards25), Err(Error::Format { .. })));
        let mut json = squares(25, city);
        json["features"][0]["geometry"] = json!({"type": "Point", "coordinates": [-79.4, 43.7]});
        assert!(matches!(read(&json, WardModel::Wards25), Err(Error::Value { feature: 1, .. })));
        assert!(matches!(wards(Path::new("no/such.geojson"), WardModel::Wards25), Err(Error::File { .. })));
    }

    #[test]
    fn fsas_of_other_cities_are_passed_over_and_the_edition_is_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let code = |n: u32| ["M5V", "L4C", "M1B"][n as usize - 1];
        let json = squares(3, |n| json!({"CFSAUID": code(n), "DGUID": format!("2021A0011{}", code(n))}));
        std::fs::write(file.path(), json.to_string()).unwrap();
        let source = fsas(file.path()).unwrap();
        let codes: Vec<String> = source.areas.iter().map(|a| a.area.to_string()).collect();
        assert_eq!((codes, source.edition), (vec!["M1B".into(), "M5V".into()], 2021));
    }

    #[test]
    fn rings_turn_so_that_the_area_is_on_their_left() {
        let source = read(&squares(25, city), WardModel::Wards25).unwrap();
        assert!(
            source.areas.iter().flat_map(|a| rings(&a.geometry)).all(|r| r.len() == 4 && planar::doubled_area(&r) > 0)
        );
    }
}
