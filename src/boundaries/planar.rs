//! Edges that meet only at their ends, and the faces between them: walks around faces, and polygons made from walks.

use std::collections::BTreeMap;

use geo::{Contains, InteriorPoint, LineString, MultiPolygon, Polygon};

use super::grid::{Point, cross};

/// An area by its position in the source, or nothing: lake, neighbouring city, gap.
pub(super) type Label = Option<usize>;

/// A piece of border. `left` and `right` are what lies there when going from `from` to `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: Point,
    pub(super) to: Point,
    pub(super) left: Label,
    pub(super) right: Label,
}

/// One direction of an edge: `2 * edge` goes from its `from`, `2 * edge + 1` from its `to`.
pub(super) type Half = usize;

/// The ends of a half edge.
pub(super) fn ends(edges: &[(Point, Point)], half: Half) -> (Point, Point) {
    let (from, to) = edges[half / 2];
    if half.is_multiple_of(2) { (from, to) } else { (to, from) }
}

/// All walks that keep one face on the left. The one around a face from inside is counter-clockwise, the ones around the
/// islands in it (and around everything) are clockwise. Edges must be distinct and not cross.
pub(super) fn walks(edges: &[(Point, Point)]) -> Vec<Vec<Half>> {
    let mut leaving: BTreeMap<Point, Vec<Half>> = BTreeMap::new();
    for half in 0..2 * edges.len() {
        leaving.entry(ends(edges, half).0).or_default().push(half);
    }
    let mut next = vec![0; 2 * edges.len()];
    for (&centre, star) in &mut leaving {
        star.sort_by(|&p, &q| by_angle(centre, ends(edges, p).1, ends(edges, q).1));
        for (position, &half) in star.iter().enumerate() {
            // Arriving against `half`, the sharpest turn to the right of it keeps the same face on the left.
            next[half ^ 1] = star[(position + star.len() - 1) % star.len()];
        }
    }
    let mut seen = vec![false; next.len()];
    let mut walks = Vec::new();
    for start in 0..next.len() {
        let mut walk = Vec::new();
        let mut half = start;
        while !seen[half] {
            seen[half] = true;
            walk.push(half);
            half = next[half];
        }
        if !walk.is_empty() {
            walks.push(walk);
        }
    }
    walks
}

/// Counter-clockwise from due east, exactly.
fn by_angle(centre: Point, p: Point, q: Point) -> std::cmp::Ordering {
    let lower = |to: Point| to.y < centre.y || (to.y == centre.y && to.x < centre.x);
    lower(p).cmp(&lower(q)).then_with(|| 0.cmp(&cross(centre, p, q)))
}

/// Twice the area inside a closed line in steps; negative when clockwise.
pub(super) fn doubled_area(ring: &[Point]) -> i64 {
    let Some(&origin) = ring.first() else { return 0 };
    ring.windows(2).map(|side| cross(origin, side[0], side[1])).sum()
}

/// The polygons of each of `count` areas, in degrees, exteriors counter-clockwise, each ring from its first point in
/// order. A ring that touches itself is split there, so that all polygons are valid.
pub(super) fn polygons(edges: &[Edge], count: usize) -> Vec<MultiPolygon<f64>> {
    let lines: Vec<(Point, Point)> = edges.iter().map(|e| (e.from, e.to)).collect();
    let mut rings: Vec<Vec<Vec<Point>>> = vec![Vec::new(); count];
    for walk in walks(&lines) {
        let edge = edges[walk[0] / 2];
        let label = if walk[0].is_multiple_of(2) { edge.left } else { edge.right };
        if let Some(area) = label {
            let points: Vec<Point> = walk.iter().map(|&half| ends(&lines, half).0).collect();
            rings[area].extend(split(&points));
        }
    }
    rings.into_iter().map(nest).collect()
}

/// Cuts a walk into rings that visit no point twice.
fn split(walk: &[Point]) -> Vec<Vec<Point>> {
    let (mut rings, mut path): (Vec<Vec<Point>>, Vec<Point>) = (Vec::new(), Vec::new());
    for &point in walk {
        if let Some(earlier) = path.iter().position(|&p| p == point) {
            rings.push(path.split_off(earlier));
        }
        path.push(point);
    }
    rings.push(path);
    rings.retain(|ring| doubled_area(ring) != 0);
    rings
}

/// Puts the holes (clockwise rings) into the smallest exterior around them.
fn nest(mut rings: Vec<Vec<Point>>) -> MultiPolygon<f64> {
    for ring in &mut rings {
        let first = (0..ring.len()).min_by_key(|&i| ring[i]).unwrap_or(0);
        ring.rotate_left(first);
    }
    rings.sort_by_key(|ring| (doubled_area(ring), ring.first().copied()));
    let (holes, exteriors): (Vec<_>, Vec<_>) = rings.into_iter().partition(|ring| doubled_area(ring) < 0);
    let line = |ring: &Vec<Point>| LineString::from_iter(ring.iter().map(|p| p.degrees()));
    let mut polygons: Vec<Polygon<f64>> = exteriors.iter().map(|ring| Polygon::new(line(ring), vec![])).collect();
    for hole in &holes {
        let hole = Polygon::new(line(hole), vec![]);
        let around = hole.interior_point().and_then(|inside| polygons.iter_mut().find(|p| p.contains(&inside)));
        if let Some(polygon) = around {
            polygon.interiors_push(hole.exterior().clone());
        }
    }
    // The largest part first: it is the one that a reader of the file looks for.
    polygons.reverse();
    MultiPolygon(polygons)
}

#[cfg(test)]
mod tests {
    use super::super::noding::sides;
    use super::*;
    use geo::{Area, Validation};

    fn ring(points: &[(i64, i64)]) -> Vec<Point> {
        points.iter().map(|&(x, y)| Point { x, y }).collect()
    }

    fn border(ring: &[Point], left: Label, right: Label) -> Vec<Edge> {
        sides(ring).map(|(from, to)| Edge { from, to, left, right }).collect()
    }

    #[test]
    fn every_walk_keeps_its_face_on_the_left() {
        let lines: Vec<_> = sides(&ring(&[(0, 0), (4, 0), (4, 4), (0, 4)])).collect();
        let lines = [lines, vec![(Point { x: 0, y: 0 }, Point { x: 4, y: 4 })]].concat();
        let mut areas: Vec<i64> = walks(&lines)
            .iter()
            .map(|walk| doubled_area(&walk.iter().map(|&h| ends(&lines, h).0).collect::<Vec<_>>()))
            .collect();
        areas.sort_unstable();
        assert_eq!(areas, [-32, 16, 16]);
    }

    #[test]
    fn an_area_inside_another_is_a_hole_of_it() {
        let outer = border(&ring(&[(0, 0), (900, 0), (900, 900), (0, 900)]), Some(0), None);
        let inner = border(&ring(&[(300, 300), (600, 300), (600, 600), (300, 600)]), Some(1), Some(0));
        let areas = polygons(&[outer, inner].concat(), 2);
        assert_eq!((areas[0].0[0].interiors().len(), areas[1].0[0].interiors().len()), (1, 0));
        assert!((areas[0].unsigned_area() * 1e10 - 720_000.0).abs() < 1e-3);
    }

    #[test]
    fn a_hole_that_touches_the_outside_gives_a_valid_polygon() {
        let outer = border(&ring(&[(0, 0), (900, 0), (900, 900), (0, 900)]), Some(0), None);
        let inner = border(&ring(&[(0, 0), (600, 300), (300, 600)]), Some(1), Some(0));
        let areas = polygons(&[outer, inner].concat(), 2);
        assert!(areas.iter().all(Validation::is_valid));
        assert_eq!(areas[0].0[0].interiors().len(), 1);
    }
}
