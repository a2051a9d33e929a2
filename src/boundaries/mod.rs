//! Areas on the map: from the sources' files to the small ones in `geo/`, and back into memory.
//!
//! In come the City's wards (25 and 44, GeoJSON), Statistics Canada's FSAs (GeoJSON or shapefile) and two tables of
//! populations; out go three sets of areas, each as GeoJSON and as TopoJSON, and a README, all or none. The steps, in
//! order:
//!
//! | step | module |
//! |--|--|
//! | fetch the sources, if told to | `command`, `fetch` |
//! | read and check each area by itself | `layer`, `source`, `statcan`, `census` |
//! | put points on the grid of the output | `grid` |
//! | make lines meet only at common points | `noding` |
//! | give each face to one area; clip FSAs to the outline of the wards | `faces` |
//! | simplify each border once | `simplify` |
//! | make polygons of borders, find places for names | `planar`, `label` |
//! | check, then write | `write`, `topojson`, `readme` |
//!
//! `read` and `locate` are what the web server needs of all this.
//!
//! Easy mistakes: rounding *after* simplifying makes lines cross; simplifying polygons instead of borders opens gaps;
//! the sources' rings run clockwise, which RFC 7946 forbids and some map libraries take for "everything but this area".

mod arcs;
mod census;
mod command;
mod error;
mod faces;
mod fetch;
mod grid;
mod label;
mod layer;
mod locate;
mod noding;
mod planar;
mod read;
mod readme;
mod simplify;
mod source;
mod statcan;
mod topojson;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};

use geo::{CoordsIter, GeodesicArea, MultiPolygon, Validation};

pub use self::command::{BuildArgs, run};
pub use self::error::Error;
use self::grid::Point;
use self::layer::Layer;
use self::noding::Ring;
use self::planar::Edge;
pub use self::read::read;
use self::source::SourceArea;
use crate::domain::{Area, Geography, WardModel};

/// City without an FSA that is normal, in km²: shore and city limits are drawn differently, 0.8 in the files of 2016.
const MOST_UNCOVERED_KM2: f64 = 5.0;

/// Areas of one kind, as read from a file in `geo/`.
#[derive(Debug, Clone)]
pub struct Boundaries {
    /// Wards or FSAs.
    pub geography: Geography,
    /// Which wards; `None` for FSAs.
    pub ward_model: Option<WardModel>,
    /// The first day on which these are the City's areas, `YYYY-MM-DD`, where there is one.
    pub valid_from: Option<String>,
    /// The last one.
    pub valid_to: Option<String>,
    /// Farthest that a border was moved when it was simplified, in metres.
    pub tolerance_m: f64,
    /// The licence lines to show wherever these areas or their populations are shown.
    pub attribution: Vec<String>,
    /// West, south, east, north, in degrees.
    pub bbox: [f64; 4],
    /// In the order of their codes.
    pub areas: Vec<BoundedArea>,
}

/// An area with its shape and what is known about it.
#[derive(Debug, Clone)]
pub struct BoundedArea {
    /// Which area.
    pub area: Area,
    /// A ward's name without its number; an FSA's code.
    pub name: String,
    /// Square kilometres before simplification.
    pub area_km2: f64,
    /// Residents, where a census was counted by these areas.
    pub population: Option<Population>,
    /// Longitude and latitude of a place inside, far from the border.
    pub label_point: [f64; 2],
    /// West, south, east, north, in degrees.
    pub bbox: [f64; 4],
    /// Longitudes and latitudes; exteriors counter-clockwise, the largest part first.
    pub geometry: MultiPolygon<f64>,
}

/// Residents on the day of a census.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Population {
    /// How many.
    pub count: u32,
    /// Which census.
    pub census_year: u16,
}

/// The sources of a build and where its files go.
#[derive(Debug)]
pub struct Inputs {
    /// The City's 25 wards.
    pub wards: PathBuf,
    /// The City's 44 wards before December 2018.
    pub wards_44: PathBuf,
    /// Statistics Canada's FSAs.
    pub fsas: PathBuf,
    /// Populations of the 25 wards.
    pub ward_population: PathBuf,
    /// Populations of the FSAs.
    pub fsa_population: PathBuf,
    /// Farthest that borders may move, in metres, if not as far as each set has it by itself.
    pub tolerance_m: Option<f64>,
    /// The folder to write.
    pub out: PathBuf,
}

/// What a set of areas is called, in files and in the API.
fn set_id(model: Option<WardModel>) -> &'static str {
    match model {
        Some(WardModel::Wards25) => "wards",
        Some(WardModel::Wards44) => "wards-44",
        None => "fsas",
    }
}

impl Boundaries {
    /// What this set of areas is called: `wards`, `wards-44`, `fsas`.
    pub fn set_id(&self) -> &'static str {
        set_id(self.ward_model)
    }
}

/// What a build did, a line per set of areas.
#[derive(Debug)]
pub struct Report(Vec<LayerReport>);

#[derive(Debug)]
struct LayerReport {
    set: &'static str,
    areas: usize,
    points: (usize, usize),
    /// Of the GeoJSON and of the TopoJSON.
    bytes: (usize, usize),
    deviation_m: f64,
    area_change_percent: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "set       areas   points: source   here   .geojson   .topojson   farthest m   area change %")?;
        for r in &self.0 {
            let ((before, after), (geojson, topojson)) = (r.points, r.bytes);
            let (set, areas, metres, change) = (r.set, r.areas, r.deviation_m, r.area_change_percent);
            write!(f, "{set:<10}{areas:>5}{before:>17}{after:>7}{geojson:>11}{topojson:>12}")?;
            writeln!(f, "{metres:>13.1}{change:>16.4}")?;
        }
        Ok(())
    }
}

/// Reads the sources and writes the folder, or returns the first problem and writes nothing.
pub fn build(inputs: &Inputs) -> Result<Report, Error> {
    let layers = [layer::wards_25(inputs)?, layer::wards_44(inputs)?, layer::fsas(inputs)?];
    let outline = outline(&layers[0])?;
    let (mut files, mut reports) = (Vec::new(), Vec::new());
    for (layer, clip) in layers.iter().zip([&[][..], &[], &outline]) {
        let made = made(layer, clip)?;
        files.push((format!("{}.geojson", layer.id()), made.geojson));
        files.push((format!("{}.topojson", layer.id()), made.topojson));
        reports.push(made.report);
    }
    files.push(("README.md".to_owned(), readme::readme(&layers, &reports)));
    write::files(&inputs.out, &files)?;
    Ok(Report(reports))
}

/// The border of all areas together, with them on its left.
fn outline(layer: &Layer) -> Result<Vec<Ring>, Error> {
    let whole = borders(layer, &[])?.into_iter().filter(|edge| edge.left.is_none() || edge.right.is_none());
    let whole: Vec<Edge> = whole.map(|e| Edge { left: e.left.map(|_| 0), right: e.right.map(|_| 0), ..e }).collect();
    Ok(planar::polygons(&whole, 1).iter().flat_map(source::rings).collect())
}

/// The borders between a layer's areas, on the grid, not yet simplified.
fn borders(layer: &Layer, clip: &[Ring]) -> Result<Vec<Edge>, Error> {
    let path = || layer.path.clone();
    let code = |index: usize| layer.source.areas[index].area.to_string();
    let rings: Vec<Vec<Ring>> = layer.source.areas.iter().map(|a| source::rings(&a.geometry)).collect();
    let faces = faces::divide(&rings, clip).map_err(|problem| match problem {
        faces::Problem::Overlap { areas: (first, second), area_m2 } => {
            Error::Overlap { path: path(), first: code(first), second: code(second), area_m2 }
        }
        faces::Problem::Unsettled => Error::Broken { path: path(), what: "lines still cross on the grid" },
    })?;
    let found_km2 = faces.uncovered_m2 / 1e6;
    if found_km2 > MOST_UNCOVERED_KM2 {
        return Err(Error::Uncovered { path: path(), found_km2, expected_km2: MOST_UNCOVERED_KM2 });
    }
    Ok(faces.edges)
}

/// The texts of a layer's files, and what became of its areas on the way.
struct Made {
    geojson: String,
    topojson: String,
    report: LayerReport,
}

fn made(layer: &Layer, clip: &[Ring]) -> Result<Made, Error> {
    let count = layer.source.areas.len();
    let borders = borders(layer, clip)?;
    let (lines, deviation_m) = simplify::simplify(&borders, layer.tolerance_m);
    let (full, drawn) = (planar::polygons(&borders, count), planar::polygons(&lines, count));
    check(&layer.path, &lines, &full, &drawn)?;
    let label = |g: &MultiPolygon<f64>| {
        label::label_point(g).ok_or(Error::Broken { path: layer.path.clone(), what: "an area has no inside" })
    };
    let mut areas = Vec::with_capacity(count);
    for (area, (full, geometry)) in layer.source.areas.iter().zip(full.iter().zip(drawn)) {
        areas.push(bounded(layer, area, full, label(&geometry)?, geometry));
    }
    let geojson = write::geojson(layer, &areas).map_err(Error::format(&layer.path, "GeoJSON"))?;
    let topojson = topojson::topojson(layer, &areas, &lines)?;
    let km2 = |shapes: &mut dyn Iterator<Item = &MultiPolygon<f64>>| shapes.map(km2).sum::<f64>();
    let (before, after) = (km2(&mut full.iter()), km2(&mut areas.iter().map(|a| &a.geometry)));
    let report = LayerReport {
        set: layer.id(),
        areas: count,
        points: (
            layer.source.areas.iter().map(|a| a.geometry.coords_count()).sum(),
            areas.iter().map(|a| a.geometry.coords_count()).sum(),
        ),
        bytes: (geojson.len(), topojson.len()),
        deviation_m,
        area_change_percent: (after / before - 1.0) * 100.0,
    };
    Ok(Made { geojson, topojson, report })
}

fn bounded(
    layer: &Layer,
    source: &SourceArea,
    full: &MultiPolygon<f64>,
    label: Point,
    geometry: MultiPolygon<f64>,
) -> BoundedArea {
    let label = label.degrees();
    BoundedArea {
        area: source.area,
        name: source.name.clone(),
        area_km2: (km2(full) * 1e3).round() / 1e3,
        population: layer.populations.of.get(&source.area.to_string()).copied(),
        label_point: [label.x, label.y],
        bbox: write::bounds(geometry.iter()),
        geometry,
    }
}

fn km2(geometry: &MultiPolygon<f64>) -> f64 {
    geometry.geodesic_area_unsigned() / 1e6
}

/// Holds the result against what is promised, before anything is written.
fn check(path: &Path, lines: &[Edge], full: &[MultiPolygon<f64>], drawn: &[MultiPolygon<f64>]) -> Result<(), Error> {
    let broken = |what| Err(Error::Broken { path: path.into(), what });
    let segments: Vec<_> = lines.iter().map(|e| (e.from, e.to)).collect();
    if !noding::is_noded(&segments) {
        return broken("two lines touch or cross");
    }
    if drawn.iter().any(|g| g.0.is_empty() || !g.is_valid()) {
        return broken("an area has no or no valid polygon");
    }
    let parts = |g: &MultiPolygon<f64>| (g.0.len(), g.iter().map(|p| p.interiors().len()).sum::<usize>());
    if full.iter().map(parts).ne(drawn.iter().map(parts)) {
        return broken("an area lost a part or a hole");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Fsa;
    use geo::{Area as _, LineString, Polygon};
    use proptest::prelude::*;

    /// FSAs M1A, M1B … of rings on the grid, which starts at the corner of the city here.
    fn layer(rings: Vec<Vec<(i64, i64)>>) -> Layer {
        let degrees = |(x, y): (i64, i64)| Point { x: x - 7_950_000, y: y + 4_365_000 }.degrees();
        let area = |(index, ring): (usize, Vec<(i64, i64)>)| SourceArea {
            area: Area::Fsa(Fsa::new(&[b'M', b'1', b'A' + index as u8]).unwrap()),
            name: String::new(),
            geometry: Polygon::new(LineString::from_iter(ring.into_iter().map(degrees)), vec![]).into(),
        };
        let areas = rings.into_iter().enumerate().map(area).collect();
        Layer {
            model: None,
            valid: (None, None),
            dataset: String::new(),
            publisher: "",
            attribution: vec![],
            tolerance_m: 20.0,
            path: "fsas.shp".into(),
            source: source::Source { areas, sha256: String::new(), edition: 2021 },
            populations: census::Table::default(),
        }
    }

    fn square(x: i64, y: i64, side: i64) -> Vec<(i64, i64)> {
        vec![(x, y), (x + side, y), (x + side, y + side), (x, y + side)]
    }

    #[test]
    fn areas_that_overlap_are_named() {
        let error =
            made(&layer(vec![square(0, 0, 500), square(700, 0, 500), square(1000, 0, 500)]), &[]).err().unwrap();
        assert!(matches!(&error, Error::Overlap { first, second, .. } if first == "M1B" && second == "M1C"), "{error}");
    }

    #[test]
    fn a_city_without_areas_is_refused() {
        let layer = layer(vec![square(0, 0, 500)]);
        let city = source::rings(&self::layer(vec![square(0, 0, 5000)]).source.areas[0].geometry);
        let error = made(&layer, &city).err().unwrap();
        assert!(matches!(error, Error::Uncovered { found_km2, .. } if (22.0..23.0).contains(&found_km2)), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

        /// Every area has its own copy of each corner and of points between, up to two steps off.
        #[test]
        fn areas_digitised_apart_fit_together(off in prop::collection::vec(-2i64..=2, 9 * 24)) {
            let mut off = off.into_iter();
            let mut rings = Vec::new();
            for (column, row) in (0..9).map(|i| (i % 3, i / 3)) {
                let mut ring = Vec::new();
                let corners = square(column * 400, row * 400, 400);
                for (i, (x, y)) in corners.iter().enumerate() {
                    let (to_x, to_y) = corners[(i + 1) % 4];
                    ring.extend((0..3).map(|k| (x + (to_x - x) * k / 3, y + (to_y - y) * k / 3)));
                }
                rings.push(ring.into_iter().map(|(x, y)| (x + off.next().unwrap(), y + off.next().unwrap())).collect());
            }
            let Made { geojson, report, .. } = made(&layer(rings), &[]).unwrap();
            let areas = read(geojson.as_bytes()).unwrap().areas;
            let total: f64 = areas.iter().map(|a| a.geometry.unsigned_area() * 1e10).sum();
            prop_assert!((total - 1_440_000.0).abs() < 4.0 * 1200.0 * 4.0, "{}", total);
            prop_assert!(report.deviation_m <= 20.0);
            prop_assert_eq!(gaps(&areas), 0);
        }
    }

    /// How many places inside belong to nobody. A gap that is open to the outside is none of them.
    fn gaps(areas: &[BoundedArea]) -> usize {
        let rings = areas.iter().flat_map(|a| source::rings(&a.geometry));
        let sides: std::collections::BTreeSet<_> = rings.flat_map(|r| noding::sides(&r).collect::<Vec<_>>()).collect();
        let outline = sides.iter().filter(|(a, b)| !sides.contains(&(*b, *a)));
        let edges: Vec<Edge> = outline.map(|&(from, to)| Edge { from, to, left: Some(0), right: None }).collect();
        planar::polygons(&edges, 1)[0].iter().map(|p| p.interiors().len()).sum()
    }
}
