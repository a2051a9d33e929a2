//! The compact form: TopoJSON, which has each border once, as steps on the grid, where GeoJSON has it once for each
//! side.

use std::collections::HashMap;

use geo::{LineString, Polygon};
use serde::Serialize;

use super::arcs::{Arc, arcs};
use super::grid::Point;
use super::layer::Layer;
use super::planar::Edge;
use super::write::{Head, Properties};
use super::{BoundedArea, Error};

/// A topology's members after those that it has in common with a collection of features.
#[derive(Serialize)]
struct Transform {
    scale: [f64; 2],
    translate: [f64; 2],
}

#[derive(Serialize)]
struct Geometry<'a, A: Serialize> {
    r#type: &'static str,
    id: &'a str,
    properties: Properties<'a>,
    arcs: A,
}

/// The text of a layer's file, with the same members and properties as its GeoJSON. `lines` are the borders of the
/// areas.
pub(super) fn topojson(layer: &Layer, areas: &[BoundedArea], lines: &[Edge]) -> Result<String, Error> {
    let arcs = arcs(lines);
    let starts = Starts::new(&arcs);
    let broken = || Error::Broken { path: layer.path.clone(), what: "a ring is not a row of borders" };
    let format = |error: serde_json::Error| Error::format(&layer.path, "TopoJSON")(error);
    let head = Head::new("Topology", layer, areas);
    let [west, south, ..] = head.bbox;
    let transform = Transform { scale: [Point::STEP; 2], translate: [west, south] };
    let origin = Point::near((west, south).into());
    let mut geometries = Vec::with_capacity(areas.len());
    for area in areas {
        let rings = area.geometry.iter().map(|polygon| starts.rings(polygon)).collect::<Option<Vec<_>>>();
        geometries.push(geometry(area, rings.ok_or_else(broken)?).map_err(format)?);
    }
    let arcs: Vec<String> = arcs.iter().map(|arc| steps(&arc.points, origin)).collect();
    let mut text = serde_json::to_string(&head).map_err(format)?;
    text.pop();
    text.push_str(",\"transform\":");
    text.push_str(&serde_json::to_string(&transform).map_err(format)?);
    let objects = format!(",\"objects\":{{{:?}:{{\"type\":\"GeometryCollection\",\"geometries\":[\n", layer.id());
    let (geometries, arcs) = (geometries.join(",\n"), arcs.join(",\n"));
    Ok(format!("{text}{objects}{geometries}\n]}}}},\"arcs\":[\n{arcs}\n]}}\n"))
}

fn geometry(area: &BoundedArea, mut polygons: Vec<Vec<Vec<i64>>>) -> Result<String, serde_json::Error> {
    let code = area.area.to_string();
    let (id, properties) = (code.as_str(), Properties::of(area, &code));
    match polygons.len() {
        1 => serde_json::to_string(&Geometry { r#type: "Polygon", id, properties, arcs: polygons.swap_remove(0) }),
        _ => serde_json::to_string(&Geometry { r#type: "MultiPolygon", id, properties, arcs: polygons }),
    }
}

/// The first point as it is from the origin, each other one from the point before it.
fn steps(points: &[Point], origin: Point) -> String {
    let before = std::iter::once(&origin).chain(points);
    let steps = before.zip(points).map(|(from, to)| format!("[{},{}]", to.x - from.x, to.y - from.y));
    format!("[{}]", steps.collect::<Vec<_>>().join(","))
}

/// By the first two points of each arc, in either direction: its number, complemented when backward, and how many edges
/// it has. No two arcs begin with the same edge.
struct Starts(HashMap<(Point, Point), (i64, usize)>);

impl Starts {
    fn new(arcs: &[Arc]) -> Self {
        let both = (0..).zip(arcs).flat_map(|(index, Arc { points, .. })| {
            let edges = points.len() - 1;
            let forward = ((points[0], points[1]), (index, edges));
            let backward = ((points[edges], points[edges - 1]), (!index, edges));
            [forward, backward]
        });
        Self(both.collect())
    }

    /// The arcs of a polygon's rings; `None` if a ring is not made of whole arcs.
    fn rings(&self, polygon: &Polygon<f64>) -> Option<Vec<Vec<i64>>> {
        std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(|ring| self.ring(ring)).collect()
    }

    fn ring(&self, ring: &LineString<f64>) -> Option<Vec<i64>> {
        let points: Vec<Point> = ring.coords().map(|&position| Point::near(position)).collect();
        let edges = points.len() - 1;
        let arc_at = |edge: usize| self.0.get(&(points[edge % edges], points[edge % edges + 1])).copied();
        let start = (0..edges).find(|&edge| arc_at(edge).is_some())?;
        let (mut at, mut row) = (start, Vec::new());
        while at < start + edges {
            let (index, length) = arc_at(at)?;
            row.push(index);
            at += length;
        }
        (at == start + edges).then_some(row)
    }
}
