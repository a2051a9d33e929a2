//! Which area a place is in: held against counting crossings over the committed polygons, and asked over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use geo::{Coord, CoordsIter, Line, LinesIter};
use toronto311::boundaries::{Boundaries, BoundedArea};

use crate::boundaries::{committed, metres_to};
use crate::program::Server;

const SETS: [&str; 3] = ["wards.geojson", "wards-44.geojson", "fsas.geojson"];

/// Places all over a box of degrees.
fn places([west, south, east, north]: [f64; 4], count: usize) -> Vec<Coord> {
    let mut random = fastrand::Rng::with_seed(311);
    let mut part = || random.f64();
    (0..count).map(|_| Coord { x: west + part() * (east - west), y: south + part() * (north - south) }).collect()
}

/// Whether an odd number of lines is crossed on the way east.
fn is_inside<'a>(lines: impl Iterator<Item = &'a Line>, at: Coord) -> bool {
    let crossed = |line: &&Line| {
        let (a, b) = (line.start, line.end);
        (a.y > at.y) != (b.y > at.y) && at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x)
    };
    lines.filter(crossed).count() % 2 == 1
}

fn lines(area: &BoundedArea) -> Vec<Line> {
    area.geometry.lines_iter().collect()
}

/// What has an area on one side only.
fn outline(set: &Boundaries) -> Vec<Line> {
    let key = |c: Coord| (c.x.to_bits(), c.y.to_bits());
    let all: Vec<Line> = set.areas.iter().flat_map(lines).collect();
    let directed: BTreeSet<_> = all.iter().map(|line| (key(line.start), key(line.end))).collect();
    all.into_iter().filter(|line| !directed.contains(&(key(line.end), key(line.start)))).collect()
}

#[test]
fn random_places_are_where_counting_crossings_says_and_nobody_in_the_city_is_without() {
    for set in SETS.map(committed) {
        let areas: Vec<Vec<Line>> = set.areas.iter().map(lines).collect();
        let outline = outline(&set);
        let [west, south, east, north] = set.bbox;
        for at in places([west - 0.02, south - 0.02, east + 0.02, north + 0.02], 20_000) {
            let around: Vec<_> =
                set.areas.iter().zip(&areas).filter(|(_, lines)| is_inside(lines.iter(), at)).map(|(a, _)| a).collect();
            assert!(around.len() <= 1, "{at:?}");
            assert_eq!(set.area_at(at.x, at.y).map(|a| a.area), around.first().map(|a| a.area), "{at:?}");
            assert_eq!(is_inside(outline.iter(), at), !around.is_empty(), "{at:?}");
        }
    }
}

#[test]
fn a_corner_and_a_place_on_a_border_are_in_the_first_of_the_areas_that_have_it() {
    for set in SETS.map(committed) {
        let mut first = BTreeMap::new();
        for area in &set.areas {
            let level = area.geometry.lines_iter().filter(|line| line.dx() == 0.0 || line.dy() == 0.0);
            // Halfway along a line due north or east is on it to the last digit; along others it need not be.
            let halfway = level.map(|line| (line.start + line.end) / 2.0);
            for place in area.geometry.coords_iter().chain(halfway) {
                first.entry((place.x.to_bits(), place.y.to_bits())).or_insert((place, area.area));
            }
        }
        assert!(first.len() > 1000);
        for (place, area) in first.into_values() {
            assert_eq!(set.area_at(place.x, place.y).map(|a| a.area), Some(area), "{place:?}");
        }
    }
}

#[test]
#[ignore = "needs ../shared"]
fn shared_only_on_the_shore_and_the_city_limits_is_a_place_in_a_ward_without_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/geo/city-wards-25.ckan.geojson");
    let source: geojson::FeatureCollection = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let polygons: Vec<geo::Geometry> =
        source.features.into_iter().map(|f| f.geometry.unwrap().value.try_into().unwrap()).collect();
    let wards = committed("wards.geojson");
    let outline = outline(&wards);
    // The corners of the source are where a simplified border is farthest from it.
    let corners = polygons.iter().flat_map(CoordsIter::coords_iter);
    let without: Vec<Coord> = corners.filter(|at| wards.area_at(at.x, at.y).is_none()).collect();
    assert!(without.len() > 1000, "half of the corners of the outline are expected outside of the simplified one");
    for corner in without {
        let metres = outline.iter().map(|line| metres_to(corner, line)).fold(f64::INFINITY, f64::min);
        assert!(metres <= wards.tolerance_m + 1.0, "{corner:?}: {metres} m");
    }
}

#[test]
fn a_position_is_answered_with_its_areas_and_outside_the_city_is_an_answer() {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::start(lake.path());
    let answer = server.get("/api/v1/locate?lat=43.645&lon=-79.395");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!((answer.header("cache-control"), answer.header("access-control-allow-origin")), ("no-store", "*"));
    assert_eq!(
        answer.json(),
        serde_json::json!({
            "lat": 43.645, "lon": -79.395, "in_city": true,
            "ward": {"code": "10", "name": "Spadina-Fort York", "ward_model": "25"},
            "former_ward": {"code": "20", "name": "Trinity-Spadina", "ward_model": "44"},
            "fsa": {"code": "M5V", "has_polygon": true},
        })
    );
    for query in ["lat=43.6777&lon=-79.6248", "lat=-43.645&lon=79.395", "lat=90&lon=180"] {
        let answer = server.get(&format!("/api/v1/locate?{query}"));
        assert_eq!((answer.status, &answer.json()["in_city"]), (200, &false.into()), "{query}");
        assert!(["ward", "former_ward", "fsa"].iter().all(|name| answer.json()[name].is_null()), "{query}");
    }
}

#[test]
fn a_postal_code_is_answered_with_its_wards() {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::start(lake.path());
    let answer = server.get("/api/v1/locate?postal=m5v+3a8").json();
    assert_eq!((&answer["postal"], &answer["in_city"]), (&"M5V".into(), &true.into()));
    assert_eq!(answer["fsa"], serde_json::json!({"code": "M5V", "has_polygon": true}));
    assert_eq!(answer["wards"][0]["code"], "10");
    assert!(answer["wards"][0]["share"].as_f64().unwrap() > 0.5);
    assert_eq!(server.get("/api/v1/locate?postal=M5V3A8").json(), answer);
    let without = server.get("/api/v1/locate?postal=M7A").json();
    assert_eq!((&without["in_city"], &without["fsa"]["has_polygon"]), (&true.into(), &false.into()));
    let elsewhere = server.get("/api/v1/locate?postal=L4C+1A1").json();
    assert_eq!((&elsewhere["in_city"], &elsewhere["wards"]), (&false.into(), &serde_json::json!([])));
}

#[test]
fn what_is_no_place_is_400_with_what_is_one() {
    let lake = tempfile::tempdir().unwrap();
    let server = Server::start(lake.path());
    for (query, param, value) in [
        ("lat=200&lon=-79.4", "lat", "200"),
        ("lat=43.7", "lon", ""),
        ("postal=12345", "postal", "12345"),
        ("lat=43.7&lon=-79.4&postal=M5V", "lat", "43.7"),
        ("place=CN+Tower&lat=43.7&lon=-79.4", "place", "CN Tower"),
    ] {
        let answer = server.get(&format!("/api/v1/locate?{query}"));
        assert_eq!((answer.status, answer.header("content-type")), (400, "application/problem+json"), "{query}");
        let error = &answer.json()["errors"][0];
        assert_eq!((&error["param"], &error["value"]), (&param.into(), &value.into()), "{query}");
        assert!(!error["allowed"].as_str().unwrap().is_empty());
    }
}
