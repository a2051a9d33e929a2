//! The files in `geo/` are what they promise, and a build writes all of them or nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use geo::{
    Area as _, BooleanOps, BoundingRect, Contains, CoordsIter, GeodesicArea, LinesIter, Orient, Validation, Winding,
};
use serde_json::Value;
use toronto311::boundaries::{self, Boundaries, Error, Inputs, read};
use toronto311::domain::{Geography, WardModel};

const FILES: [(&str, usize); 3] = [("wards.geojson", 25), ("wards-44.geojson", 44), ("fsas.geojson", 96)];

pub fn geo_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("geo")
}

pub fn committed(file: &str) -> Boundaries {
    read(&fs::read(geo_folder().join(file)).unwrap()).unwrap()
}

fn json(file: &str) -> Value {
    serde_json::from_slice(&fs::read(geo_folder().join(file)).unwrap()).unwrap()
}

/// Positions as whole numbers, so that equal means equal.
fn edges(of: &Boundaries) -> Vec<[(i64, i64); 2]> {
    let grid = |c: geo::Coord<f64>| (step(c.x), step(c.y));
    of.areas.iter().flat_map(|a| a.geometry.lines_iter()).map(|line| [grid(line.start), grid(line.end)]).collect()
}

#[test]
fn each_file_has_all_areas_in_order_and_says_what_they_are() {
    for (file, count) in FILES {
        let read = committed(file);
        assert_eq!(read.areas.len(), count, "{file}");
        assert!(read.areas.is_sorted_by(|a, b| a.area < b.area), "{file}");
        let model = read.ward_model.map(WardModel::count).map_or(96, usize::from);
        assert_eq!((model, read.geography == Geography::Ward), (count, count != 96), "{file}");
        assert!(!read.attribution.is_empty(), "{file}");
    }
    let wards = committed("wards.geojson");
    assert_eq!((wards.areas[12].name.as_str(), wards.areas[12].area.to_string().as_str()), ("Toronto Centre", "13"));
}

#[test]
fn licences_are_said_in_the_words_that_are_asked_for() {
    let city = "Contains information licensed under the Open Government Licence – Toronto.";
    let statcan = |product: &str| {
        format!(
            "Adapted from Statistics Canada, {product}. This does not constitute an endorsement by Statistics Canada of this product."
        )
    };
    let census = statcan("Census of Population, 2021");
    let fsas = statcan("Forward Sortation Area Boundary File, 2016 Census");
    assert_eq!(committed("wards.geojson").attribution, [city, census.as_str()]);
    assert_eq!(committed("wards-44.geojson").attribution, [city]);
    assert_eq!(committed("fsas.geojson").attribution, [fsas.as_str(), city, census.as_str()]);
}

#[test]
fn each_file_follows_rfc_7946() {
    for (file, _) in FILES {
        let (value, read) = (json(file), committed(file));
        assert!(value.get("crs").is_none());
        for (feature, area) in value["features"].as_array().unwrap().iter().zip(&read.areas) {
            assert_eq!(feature["id"], feature["properties"]["code"]);
            for polygon in &area.geometry {
                assert!(polygon.exterior().is_ccw(), "{file} {}", area.area);
                assert!(polygon.interiors().iter().all(|hole| hole.is_cw()), "{file} {}", area.area);
            }
            assert!(area.geometry.is_valid(), "{file} {}", area.area);
            let bounds = area.geometry.bounding_rect().unwrap();
            assert_eq!(area.bbox, [bounds.min().x, bounds.min().y, bounds.max().x, bounds.max().y]);
        }
    }
}

/// Rings as whole steps of the grid, each from its smallest point, without the repeated last one.
type Rings = Vec<Vec<(i64, i64)>>;

fn ring(mut points: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    assert_eq!(points.first(), points.last());
    points.pop();
    let smallest = (0..points.len()).min_by_key(|&at| points[at]).unwrap();
    points.rotate_left(smallest);
    points
}

fn step(degrees: f64) -> i64 {
    (degrees * 1e5).round() as i64
}

/// Polygons of a geometry, each ring made by a function of what stands for it.
fn polygons(geometry: &Value, member: &str, ring_of: impl Fn(&Value) -> Vec<(i64, i64)>) -> Vec<Rings> {
    let rings = |polygon: &Value| polygon.as_array().unwrap().iter().map(&ring_of).map(ring).collect();
    match geometry["type"].as_str() {
        Some("Polygon") => vec![rings(&geometry[member])],
        _ => geometry[member].as_array().unwrap().iter().map(rings).collect(),
    }
}

/// The arcs of a topology, by the rules of its format.
fn arcs(topology: &Value) -> Vec<Vec<(i64, i64)>> {
    let [scale, translate] =
        ["scale", "translate"].map(|name| [0, 1].map(|axis| topology["transform"][name][axis].as_f64().unwrap()));
    let decoded = |arc: &Value| {
        let mut at = [0.0; 2];
        let positions = arc.as_array().unwrap().iter().map(|delta| {
            let place = [0, 1].map(|axis| {
                at[axis] += delta[axis].as_f64().unwrap();
                step(at[axis] * scale[axis] + translate[axis])
            });
            (place[0], place[1])
        });
        positions.collect()
    };
    topology["arcs"].as_array().unwrap().iter().map(decoded).collect()
}

#[test]
fn topojson_has_the_same_polygons_and_says_the_same_of_them() {
    for (file, _) in FILES {
        let (features, topology) = (json(file), json(&file.replace(".geojson", ".topojson")));
        for (name, value) in
            features.as_object().unwrap().iter().filter(|(name, _)| !["type", "features"].contains(&name.as_str()))
        {
            assert_eq!(topology[name], *value, "{file}: {name}");
        }
        let arcs = arcs(&topology);
        let mut used = std::collections::BTreeMap::new();
        let geometries = &topology["objects"][file.trim_end_matches(".geojson")]["geometries"];
        let features = features["features"].as_array().unwrap();
        assert_eq!(geometries.as_array().unwrap().len(), features.len(), "{file}");
        for (feature, geometry) in features.iter().zip(geometries.as_array().unwrap()) {
            assert_eq!((&feature["id"], &feature["properties"]), (&geometry["id"], &geometry["properties"]));
            let position = |p: &Value| (step(p[0].as_f64().unwrap()), step(p[1].as_f64().unwrap()));
            let meant = polygons(&feature["geometry"], "coordinates", |ring| {
                ring.as_array().unwrap().iter().map(position).collect()
            });
            let found = polygons(geometry, "arcs", |ring| stitched(ring, &arcs));
            assert_eq!(found, meant, "{file} {}", feature["id"]);
            numbers(&geometry["arcs"], &mut |number| *used.entry(number).or_insert(0) += 1);
        }
        assert!(used.values().all(|&times| times == 1), "{file}: each side of an arc is one area's");
        let sides = (0..arcs.len() as i64).map(|n| [n, !n].iter().filter(|&side| used.contains_key(side)).count());
        let sides: Vec<usize> = sides.collect();
        assert!(sides.iter().all(|&n| n > 0) && sides.contains(&2), "{file}: borders are shared");
    }
}

/// A ring of its arcs: each begins where the one before ended.
fn stitched(numbers: &Value, arcs: &[Vec<(i64, i64)>]) -> Vec<(i64, i64)> {
    let mut points: Vec<(i64, i64)> = Vec::new();
    for number in numbers.as_array().unwrap() {
        let number = number.as_i64().unwrap();
        let mut arc = arcs[if number < 0 { !number } else { number } as usize].clone();
        if number < 0 {
            arc.reverse();
        }
        if let Some(last) = points.pop() {
            assert_eq!(last, arc[0]);
        }
        points.extend(arc);
    }
    points
}

fn numbers(of: &Value, take: &mut impl FnMut(i64)) {
    match of {
        Value::Array(items) => items.iter().for_each(|item| numbers(item, take)),
        number => take(number.as_i64().unwrap()),
    }
}

#[test]
fn no_number_has_more_than_five_decimals() {
    for (file, _) in FILES {
        let text = fs::read_to_string(geo_folder().join(file)).unwrap();
        let decimals = text.split(['[', ']', ',', ':']).filter_map(|t| t.trim_end_matches('}').split_once('.'));
        let longest = decimals.filter(|(whole, _)| whole.parse::<i64>().is_ok()).map(|(_, d)| d.len()).max();
        assert_eq!(longest, Some(5), "{file}");
    }
}

#[test]
fn neighbours_share_their_borders_exactly() {
    for (file, _) in FILES {
        let all = edges(&committed(file));
        let once: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(once.len(), all.len(), "{file}: the same edge in the same direction belongs to two areas");
        let outline: Vec<_> = all.iter().filter(|[a, b]| !once.contains(&[*b, *a])).collect();
        // What has nobody on the other side must be the border of the whole: one closed line without a gap inside.
        let mut starts: Vec<_> = outline.iter().map(|[a, _]| *a).collect();
        let mut stops: Vec<_> = outline.iter().map(|[_, b]| *b).collect();
        starts.sort_unstable();
        stops.sort_unstable();
        assert_eq!(starts, stops, "{file}");
        let doubled: i64 = outline.iter().map(|[a, b]| a.0 * b.1 - b.0 * a.1).sum();
        let areas: f64 = committed(file).areas.iter().map(|a| a.geometry.unsigned_area()).sum();
        assert!((doubled as f64 / 2e10 - areas).abs() < 1e-9, "{file}: the outline holds more than the areas");
        let mut here = outline[0];
        for _ in 1..outline.len() {
            here = outline.iter().find(|[a, _]| *a == here[1]).unwrap();
        }
        assert_eq!(here[1], outline[0][0], "{file}: more than one outline means a gap");
    }
}

#[test]
fn areas_do_not_overlap() {
    for (file, _) in FILES {
        let areas = committed(file).areas;
        for (index, a) in areas.iter().enumerate() {
            let apart = |b: &boundaries::BoundedArea| {
                a.bbox[0] > b.bbox[2] || b.bbox[0] > a.bbox[2] || a.bbox[1] > b.bbox[3] || b.bbox[1] > a.bbox[3]
            };
            for b in areas[..index].iter().filter(|b| !apart(b)) {
                let overlap = a.geometry.intersection(&b.geometry).unsigned_area();
                // A square metre is 1e-10 square degrees; the intersection itself is computed to less than that.
                assert!(overlap < 1e-10, "{file}: {} and {} by {overlap}", a.area, b.area);
            }
        }
    }
}

#[test]
fn a_label_is_inside_its_area_and_found_there() {
    for (file, _) in FILES {
        let read = committed(file);
        for a in &read.areas {
            let [lon, lat] = a.label_point;
            assert!(a.geometry.contains(&geo::Point::new(lon, lat)), "{file} {}", a.area);
            assert_eq!(read.area_at(lon, lat).map(|found| found.area), Some(a.area));
        }
        assert!(read.area_at(-79.2, 43.5).is_none(), "in the lake");
    }
}

#[test]
fn populations_sum_to_those_of_the_sources() {
    let sum = |file| committed(file).areas.iter().filter_map(|a| a.population).map(|p| p.count).sum::<u32>();
    assert_eq!(sum("wards.geojson"), 2_761_290);
    // The census counted 2,794,323; M7A, which has 5 residents, is no area of the file.
    assert_eq!(sum("fsas.geojson"), 2_794_323 - 5);
    assert!(committed("fsas.geojson").areas.iter().all(|a| a.population.is_some_and(|p| p.census_year == 2021)));
    assert!(committed("wards-44.geojson").areas.iter().all(|a| a.population.is_none()));
}

#[test]
fn files_are_small_enough_to_draw_from() {
    for ((file, _), most) in FILES.into_iter().zip([12, 12, 22]) {
        let text = fs::read(geo_folder().join(file)).unwrap();
        let mut small = Vec::new();
        let settings = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
        brotli::BrotliCompress(&mut text.as_slice(), &mut small, &settings).unwrap();
        assert!(small.len() <= most * 1024, "{file}: {} bytes", small.len());
    }
}

/// The sources that the committed files come from.
fn shared(out: &Path) -> Inputs {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    Inputs {
        wards: data.join("geo/city-wards-25.ckan.geojson"),
        wards_44: data.join("geo/wards-44.icitw_wgs84.geojson"),
        fsas: data.join("geo/toronto_fsa_2016.geojson"),
        ward_population: data.join("census/ward_population_2021.csv"),
        fsa_population: data.join("census/fsa_population.csv"),
        tolerance_m: None,
        out: out.to_owned(),
    }
}

fn built(args: &Inputs, file: &str) -> Boundaries {
    boundaries::build(args).unwrap();
    read(&fs::read(args.out.join(file)).unwrap()).unwrap()
}

/// Metres from the borders of one to those of the other, area by area: the most of all points, both ways.
pub fn farthest_apart(one: &Boundaries, two: &Boundaries) -> f64 {
    assert_eq!(one.areas.len(), two.areas.len());
    let both = one.areas.iter().zip(&two.areas).flat_map(|(a, b)| [(a, b), (b, a)]);
    both.map(|(a, b)| farthest(a.geometry.coords_iter(), &b.geometry)).fold(0.0, f64::max)
}

/// Metres from the border of an area to the point that is farthest from it.
fn farthest(points: impl Iterator<Item = geo::Coord<f64>>, area: &geo::MultiPolygon<f64>) -> f64 {
    let lines: Vec<geo::Line> = area.lines_iter().collect();
    let nearest = |point| lines.iter().map(|line| metres_to(point, line)).fold(f64::INFINITY, f64::min);
    points.map(nearest).fold(0.0, f64::max)
}

#[test]
#[ignore = "needs ../shared"]
fn shared_committed_files_are_what_the_command_makes() {
    let out = tempfile::tempdir().unwrap();
    boundaries::build(&shared(out.path())).unwrap();
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        entries.collect::<BTreeSet<_>>()
    };
    assert_eq!(names(out.path()), names(&geo_folder()));
    for file in names(out.path()) {
        assert!(fs::read(out.path().join(&file)).unwrap() == fs::read(geo_folder().join(&file)).unwrap(), "{file}");
    }
}

#[test]
#[ignore = "needs ../shared"]
fn shared_shapefile_and_geojson_give_the_same_polygons() {
    let (from_geojson, from_shapefile) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut args = shared(from_shapefile.path());
    args.fsas = args.fsas.with_file_name("derived/toronto_fsa_2016_epsg3347.shp");
    let metres = farthest_apart(&built(&args, "fsas.geojson"), &built(&shared(from_geojson.path()), "fsas.geojson"));
    assert!(metres <= 1.0, "{metres} m");
}

#[test]
#[ignore = "needs ../shared"]
fn shared_ward_files_of_two_origins_agree() {
    let built_to = |tolerance_m| {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [one, mut two] = [&one, &two].map(|out| Inputs { tolerance_m, ..shared(out.path()) });
        two.wards = two.wards.with_file_name("wards-25.WARD_WGS84.geojson");
        (built(&one, "wards.geojson"), built(&two, "wards.geojson"))
    };
    let (one, two) = built_to(None);
    for (a, b) in one.areas.iter().zip(&two.areas) {
        assert_eq!((a.area, &a.name, a.population), (b.area, &b.name, b.population));
        assert!((a.area_km2 - b.area_km2).abs() < 0.002, "{}: {} and {}", a.area, a.area_km2, b.area_km2);
    }
    let (full_one, full_two) = built_to(Some(0.0));
    let (metres, sources) = (farthest_apart(&one, &two), farthest_apart(&full_one, &full_two));
    // The two editions themselves are up to 17.8 m apart.
    assert!(sources < 20.0, "{sources} m between the sources");
    assert!(metres <= 2.0 * one.tolerance_m + sources + 2.0, "{metres} m: more than two simplifications can differ");
}

#[test]
#[ignore = "needs ../shared"]
fn shared_wrong_input_leaves_the_folder_untouched() {
    let (out, wrong) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(out.path().join("wards.geojson"), "before").unwrap();
    let mut args = shared(out.path());
    args.fsa_population = wrong.path().join("none.csv");
    fs::write(&args.fsa_population, "fsa,census_year,population\nM1B,2021,65555\n").unwrap();
    assert!(matches!(boundaries::build(&args), Err(Error::Population { .. })));
    args = shared(out.path());
    std::mem::swap(&mut args.wards, &mut args.wards_44);
    assert!(matches!(boundaries::build(&args), Err(Error::Value { .. })));
    assert_eq!(fs::read_to_string(out.path().join("wards.geojson")).unwrap(), "before");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
}

/// A copy of a GeoJSON file with something done to it.
fn spoilt(from: &Path, folder: &Path, spoil: impl Fn(&mut Value)) -> PathBuf {
    let mut collection: Value = serde_json::from_slice(&fs::read(from).unwrap()).unwrap();
    spoil(&mut collection);
    let path = folder.join("spoilt.geojson");
    fs::write(&path, collection.to_string()).unwrap();
    path
}

/// Runs a build that must fail, and checks that the folder is as it was.
fn refused(inputs: &Inputs) -> Error {
    fs::write(inputs.out.join("wards.geojson"), "before").unwrap();
    let error = boundaries::build(inputs).unwrap_err();
    assert_eq!(fs::read_to_string(inputs.out.join("wards.geojson")).unwrap(), "before", "{error}");
    assert_eq!(fs::read_dir(&inputs.out).unwrap().count(), 1, "{error}");
    error
}

#[test]
#[ignore = "needs ../shared"]
fn shared_each_kind_of_bad_input_has_its_error_and_leaves_the_folder_untouched() {
    let (out, wrong) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let inputs = || shared(out.path());
    let wards = |spoil: &dyn Fn(&mut Value)| {
        let wards = spoilt(&inputs().wards, wrong.path(), spoil);
        refused(&Inputs { wards, ..inputs() })
    };
    let code = |feature: &Value| feature["properties"]["AREA_SHORT_CODE"].clone();
    let utm = serde_json::json!({"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::26917"}});
    assert!(matches!(wards(&|w| w["crs"] = utm.clone()), Error::Projection { .. }));
    let one_less = |w: &mut Value| drop(w["features"].as_array_mut().unwrap().pop());
    assert!(matches!(wards(&one_less), Error::Count { found: 24, .. }));
    let twice = |w: &mut Value| w["features"][0]["properties"]["AREA_SHORT_CODE"] = code(&w["features"][1]);
    assert!(matches!(wards(&twice), Error::Duplicate { .. }));
    let crossed = |w: &mut Value| {
        let mut ring = &mut w["features"][0]["geometry"]["coordinates"][0];
        if ring[0][0].is_array() {
            ring = &mut ring[0];
        }
        let quarter = ring.as_array().unwrap().len() / 4;
        ring.as_array_mut().unwrap().swap(quarter, 2 * quarter);
    };
    assert!(matches!(wards(&crossed), Error::Invalid { .. }));
    let fsas = inputs().fsas.with_file_name("lfsa000b16a_e.shp");
    assert!(matches!(refused(&Inputs { fsas, ..inputs() }), Error::MissingPart { extension: "shp", .. }));
}

/// Square metres on the ellipsoid.
fn square_metres<'a>(shapes: impl Iterator<Item = &'a geo::MultiPolygon>) -> f64 {
    // Sources have rings that turn the wrong way, which would be all of the Earth but the area.
    shapes.map(|shape| shape.orient(geo::orient::Direction::Default).geodesic_area_unsigned()).sum()
}

fn shapes(path: &Path) -> Vec<geo::MultiPolygon> {
    let collection: geojson::FeatureCollection = fs::read_to_string(path).unwrap().parse().unwrap();
    let shape = |feature: geojson::Feature| match feature.geometry.unwrap().value.try_into().unwrap() {
        geo::Geometry::Polygon(polygon) => polygon.into(),
        geo::Geometry::MultiPolygon(polygons) => polygons,
        other => panic!("{other:?}"),
    };
    collection.features.into_iter().map(shape).collect()
}

#[test]
#[ignore = "needs ../shared"]
fn shared_the_whole_of_each_set_is_as_large_as_in_its_source() {
    let inputs = shared(Path::new("unused"));
    let (wards, wards_44) = (shapes(&inputs.wards), shapes(&inputs.wards_44));
    let city = geo::unary_union(&wards);
    let fsas: Vec<_> = shapes(&inputs.fsas).iter().map(|fsa| fsa.intersection(&city)).collect();
    for ((file, _), source) in FILES.into_iter().zip([wards, wards_44, fsas]) {
        let set = committed(file);
        let (drawn, source) = (square_metres(set.areas.iter().map(|a| &a.geometry)), square_metres(source.iter()));
        assert!((drawn / source - 1.0).abs() < 0.0005, "{file}: {drawn} of {source} m²");
        let said: f64 = set.areas.iter().map(|a| a.area_km2 * 1e6).sum();
        assert!((said / source - 1.0).abs() < 0.0005, "{file}: {said} of {source} m²");
    }
}

#[test]
#[ignore = "needs ../shared"]
fn shared_residents_sum_to_those_of_the_tables() {
    let inputs = shared(Path::new("unused"));
    for (file, table, column) in
        [("wards.geojson", inputs.ward_population, "ward_number"), ("fsas.geojson", inputs.fsa_population, "fsa")]
    {
        let areas = committed(file).areas;
        let mut rows = csv::Reader::from_path(table).unwrap();
        let rows: Vec<std::collections::BTreeMap<String, String>> = rows.deserialize().map(Result::unwrap).collect();
        let of_2021 = rows.iter().filter(|row| row["census_year"] == "2021");
        let with_area = of_2021.filter(|row| areas.iter().any(|a| a.area.to_string() == row[column]));
        let sum: u32 = with_area.map(|row| row["population"].parse::<u32>().unwrap()).sum();
        assert_eq!(areas.iter().filter_map(|a| a.population).map(|p| p.count).sum::<u32>(), sum, "{file}");
        assert!(sum > 2_700_000);
    }
}

#[test]
#[ignore = "needs ../shared"]
fn shared_part_of_the_fsas_is_refused() {
    let (out, part) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut args = shared(out.path());
    let mut fsas: Value = serde_json::from_slice(&fs::read(&args.fsas).unwrap()).unwrap();
    fsas["features"].as_array_mut().unwrap().retain(|f| f["properties"]["CFSAUID"] != "M5V");
    args.fsas = part.path().join("fsas.geojson");
    fs::write(&args.fsas, fsas.to_string()).unwrap();
    let error = boundaries::build(&args).unwrap_err();
    assert!(error.to_string().contains("M5V"), "{error}");
}

#[test]
#[ignore = "needs ../shared"]
fn shared_simplified_borders_stay_near_those_of_the_source() {
    let source = shared(Path::new("unused")).wards;
    let source: Value = serde_json::from_slice(&fs::read(source).unwrap()).unwrap();
    let wards = committed("wards.geojson");
    for feature in source["features"].as_array().unwrap() {
        let code = feature["properties"]["AREA_SHORT_CODE"].as_u64().unwrap();
        let geometry: geojson::Geometry = serde_json::from_value(feature["geometry"].clone()).unwrap();
        let full = geo::Geometry::<f64>::try_from(geometry.value).unwrap();
        let metres = farthest(full.coords_iter(), &wards.areas[code as usize - 1].geometry);
        assert!(metres <= 40.0, "ward {code}: {metres} m");
    }
}

pub fn metres_to(point: geo::Coord<f64>, line: &geo::Line) -> f64 {
    let plane = |c: geo::Coord<f64>| ((c.x + 79.4) * 80_609.0, (c.y - 43.7) * 111_106.0);
    let ((px, py), (ax, ay), (bx, by)) = (plane(point), plane(line.start), plane(line.end));
    let t = (((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / ((bx - ax).powi(2) + (by - ay).powi(2))).clamp(0.0, 1.0);
    (px - ax - t * (bx - ax)).hypot(py - ay - t * (by - ay))
}
