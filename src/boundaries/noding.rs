//! Makes lines meet only at points that all of them have: snap rounding on the grid.
//!
//! Every point of every ring, and every place where two segments cross (rounded to the grid), is hot. A segment that
//! passes within half a step of a hot point is led through it. This settles T-junctions (the point of one area on the
//! edge of its neighbour), crossings, and slivers thinner than a step; wider slivers stay and become faces of their own,
//! which [`super::faces`] gives to a neighbour.

use std::cmp::{max, min};
use std::collections::{BTreeMap, BTreeSet};

use super::grid::{Cells, Point, cross};

/// A closed line without the repeated last point.
pub(super) type Ring = Vec<Point>;

type Segment = (Point, Point);

/// Rounds after which lines that still cross are given up; real files need two.
const MOST_ROUNDS: usize = 12;

/// Leads all rings through all hot points. `None` if that does not settle, which no input is known to cause.
pub(super) fn node(mut rings: Vec<Ring>) -> Option<Vec<Ring>> {
    for _ in 0..MOST_ROUNDS {
        let chains = reroute(&segments(&rings));
        let next: Vec<Ring> = rings.iter().map(|ring| lead(ring, &chains)).collect();
        if next == rings {
            return Some(rings);
        }
        rings = next;
    }
    None
}

/// Whether no two segments cross and none touches another except at an end of both.
pub(super) fn is_noded(segments: &[Segment]) -> bool {
    let cells = Cells::new(segments.iter().map(|&(a, b)| [a, b]));
    segments.iter().all(|&(a, b)| {
        let ends = [a, b];
        cells.near(&ends).all(|other| {
            let (c, d) = segments[other];
            crossing((a, b), (c, d)).is_none() && !lies_inside(a, (c, d)) && !lies_inside(b, (c, d))
        })
    })
}

fn lies_inside(point: Point, (a, b): Segment) -> bool {
    let boxed = |low: i64, high: i64, at: i64| min(low, high) <= at && at <= max(low, high);
    let in_box = boxed(a.x, b.x, point.x) && boxed(a.y, b.y, point.y);
    point != a && point != b && in_box && cross(a, b, point) == 0
}

/// Consecutive points of a closed line.
pub(super) fn sides(ring: &[Point]) -> impl Iterator<Item = Segment> {
    ring.iter().copied().zip(ring.iter().copied().cycle().skip(1)).filter(|(a, b)| a != b)
}

/// Each segment once, whatever its direction, so that all areas which use it get the same points.
fn segments(rings: &[Ring]) -> Vec<Segment> {
    let all: BTreeSet<Segment> = rings.iter().flat_map(|r| sides(r)).map(|(a, b)| (min(a, b), max(a, b))).collect();
    all.into_iter().collect()
}

fn lead(ring: &Ring, chains: &BTreeMap<Segment, Vec<Point>>) -> Ring {
    let mut led = Vec::with_capacity(ring.len());
    for (a, b) in sides(ring) {
        led.push(a);
        let between = chains.get(&(min(a, b), max(a, b))).map_or(&[][..], Vec::as_slice);
        if a < b {
            led.extend(between);
        } else {
            led.extend(between.iter().rev());
        }
    }
    led
}

/// For each segment the hot points to pass on the way, in order.
fn reroute(segments: &[Segment]) -> BTreeMap<Segment, Vec<Point>> {
    let cells = Cells::new(segments.iter().map(|&(a, b)| [a, b]));
    let hot = hot_points(segments, &cells);
    let mut chains: BTreeMap<Segment, Vec<Point>> = segments.iter().map(|&segment| (segment, Vec::new())).collect();
    for point in hot {
        let passing: BTreeSet<usize> = cells.near(&[point]).collect();
        for segment in passing.into_iter().map(|i| segments[i]).filter(|&segment| passes(segment, point)) {
            chains.entry(segment).or_default().push(point);
        }
    }
    for (&(a, b), points) in &mut chains {
        points.sort_by_key(|p| ((p.x - a.x) * (b.x - a.x) + (p.y - a.y) * (b.y - a.y), *p));
    }
    chains
}

fn hot_points(segments: &[Segment], cells: &Cells) -> BTreeSet<Point> {
    let mut hot: BTreeSet<Point> = segments.iter().flat_map(|&(a, b)| [a, b]).collect();
    for (index, &(a, b)) in segments.iter().enumerate() {
        let ends = [a, b];
        let others = cells.near(&ends).filter(|&other| other > index);
        hot.extend(others.filter_map(|other| crossing((a, b), segments[other])));
    }
    hot
}

/// Where two segments cross inside both, rounded to the grid.
fn crossing((a, b): Segment, (c, d): Segment) -> Option<Point> {
    let (from_a, from_b) = (cross(c, d, a), cross(c, d, b));
    let (from_c, from_d) = (cross(a, b, c), cross(a, b, d));
    let opposite = |p: i64, q: i64| p.signum() * q.signum() < 0;
    if !opposite(from_a, from_b) || !opposite(from_c, from_d) {
        return None;
    }
    let whole = (from_a - from_b).abs();
    let part = |low: i64, high: i64| low + (2 * from_a.abs() * (high - low) + whole).div_euclid(2 * whole);
    Some(Point { x: part(a.x, b.x), y: part(a.y, b.y) })
}

/// Whether the segment goes through the square of one step around the point, which is not one of its ends.
fn passes((a, b): Segment, point: Point) -> bool {
    let double = |p: Point| Point { x: 2 * p.x, y: 2 * p.y };
    let (p, q, centre) = (double(a), double(b), double(point));
    let between = |low: i64, high: i64, at: i64| min(low, high) <= at + 1 && at - 1 <= max(low, high);
    if point == a || point == b || !between(p.x, q.x, centre.x) || !between(p.y, q.y, centre.y) {
        return false;
    }
    let corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)].map(|(x, y)| Point { x: centre.x + x, y: centre.y + y });
    let sides = corners.map(|corner| cross(p, q, corner));
    sides.iter().any(|&s| s <= 0) && sides.iter().any(|&s| s >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[(i64, i64)]) -> Ring {
        points.iter().map(|&(x, y)| Point { x, y }).collect()
    }

    #[test]
    fn a_point_on_the_edge_of_a_neighbour_becomes_a_point_of_the_neighbour() {
        let left = ring(&[(0, 0), (10, 0), (10, 10), (0, 10)]);
        let right = ring(&[(10, 0), (20, 0), (20, 10), (10, 10), (10, 4)]);
        let noded = node(vec![left, right]).unwrap();
        assert_eq!(noded[0], ring(&[(0, 0), (10, 0), (10, 4), (10, 10), (0, 10)]));
    }

    #[test]
    fn lines_that_cross_get_the_same_point_there() {
        let one = ring(&[(0, 0), (100, 0), (100, 50), (0, 51)]);
        let two = ring(&[(40, -20), (61, -20), (60, 90), (40, 90)]);
        let noded = node(vec![one, two]).unwrap();
        let sides: Vec<Segment> = noded.iter().flat_map(|r| sides(r)).collect();
        assert!(is_noded(&sides));
        let shared: BTreeSet<Point> = noded[0].iter().copied().filter(|p| noded[1].contains(p)).collect();
        assert_eq!(shared.len(), 4);
    }

    #[test]
    fn a_line_half_a_step_away_from_a_point_is_led_through_it() {
        let slanted = ring(&[(0, 0), (1000, 1), (0, 500)]);
        let below = ring(&[(400, 0), (400, -50), (500, -50)]);
        let noded = node(vec![slanted, below]).unwrap();
        assert_eq!(noded[0][1], Point { x: 400, y: 0 });
        assert!(!is_noded(&[
            (Point { x: 0, y: 0 }, Point { x: 9, y: 9 }),
            (Point { x: 0, y: 9 }, Point { x: 9, y: 0 })
        ]));
    }
}
