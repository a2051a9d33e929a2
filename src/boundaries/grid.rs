//! Points as whole numbers: the grid of the published files, 5 decimals of a degree.
//!
//! Coordinates are put on the grid once, before any geometry is computed, and never leave it: simplification only drops
//! points. So what is checked is what is published, every test of sides and crossings is exact in `i64` (two points of
//! the city differ by less than 2^17, so a cross product needs 36 bits), and no rounding can follow that would make two
//! lines cross. One step is 0.81 m east and 1.11 m north.

use std::collections::HashMap;

use geo::Coord;

/// Steps of the grid in a degree.
const STEPS: f64 = 1e5;
/// Metres in one step to the east and to the north, on WGS84 at 43.7° N; right to 0.3 % anywhere in the city.
const METRES: (f64, f64) = (0.80609, 1.11106);
/// Steps along one side of a cell of [`Cells`]: some 200 m, a few times the longest usual segment.
const CELL: i64 = 256;

/// Longitude (`x`) and latitude (`y`) in 1/100,000 of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Point {
    pub(super) x: i64,
    pub(super) y: i64,
}

impl Point {
    /// One step of the grid, in degrees.
    pub(super) const STEP: f64 = 1.0 / STEPS;

    /// The point of the grid that is nearest to a position in degrees.
    pub(super) fn near(position: Coord<f64>) -> Self {
        Self { x: (position.x * STEPS).round() as i64, y: (position.y * STEPS).round() as i64 }
    }

    /// In degrees; prints with at most 5 decimals.
    pub(super) fn degrees(self) -> Coord<f64> {
        Coord { x: self.x as f64 / STEPS, y: self.y as f64 / STEPS }
    }

    /// Metres from another point.
    pub(super) fn metres_to(self, other: Self) -> f64 {
        length(self.metres_from(other))
    }

    /// Metres from the nearest point of the segment `a` to `b`.
    pub(super) fn metres_to_segment(self, a: Self, b: Self) -> f64 {
        let (dx, dy) = b.metres_from(a);
        let (px, py) = self.metres_from(a);
        let length2 = dx * dx + dy * dy;
        let t = if length2 > 0.0 { ((px * dx + py * dy) / length2).clamp(0.0, 1.0) } else { 0.0 };
        length((px - t * dx, py - t * dy))
    }

    fn metres_from(self, origin: Self) -> (f64, f64) {
        ((self.x - origin.x) as f64 * METRES.0, (self.y - origin.y) as f64 * METRES.1)
    }
}

/// Not `hypot`, whose last digit depends on the platform: the same sources must give the same bytes everywhere.
fn length((x, y): (f64, f64)) -> f64 {
    (x * x + y * y).sqrt()
}

/// Twice the area of the triangle in steps; positive when `c` is to the left of the way from `a` to `b`.
pub(super) fn cross(a: Point, b: Point, c: Point) -> i64 {
    (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
}

/// Square metres of twice an area in steps, as sums of [`cross`] give it.
pub(super) fn square_metres(doubled: i64) -> f64 {
    doubled as f64 / 2.0 * METRES.0 * METRES.1
}

/// Where things are, in square cells: finds what may be near without looking at everything.
pub(super) struct Cells(HashMap<(i64, i64), Vec<usize>>);

impl Cells {
    /// Enters each item in all cells that the box around its points touches.
    pub(super) fn new<const N: usize>(items: impl Iterator<Item = [Point; N]>) -> Self {
        let mut cells: HashMap<_, Vec<usize>> = HashMap::new();
        for (index, points) in items.enumerate() {
            for cell in covered(&points) {
                cells.entry(cell).or_default().push(index);
            }
        }
        Self(cells)
    }

    /// Indices of the items that may touch the box around the points; one may come more than once.
    pub(super) fn near(&self, points: &[Point]) -> impl Iterator<Item = usize> {
        covered(points).flat_map(|cell| self.0.get(&cell).into_iter().flatten().copied())
    }
}

fn covered(points: &[Point]) -> impl Iterator<Item = (i64, i64)> + use<> {
    let range = |of: fn(&Point) -> i64| {
        // One step of margin, because a point half a step away from a line counts as on it.
        let low = points.iter().map(of).min().unwrap_or(0) - 1;
        let high = points.iter().map(of).max().unwrap_or(-1) + 1;
        low.div_euclid(CELL)..=high.div_euclid(CELL)
    };
    let ys = range(|p| p.y);
    range(|p| p.x).flat_map(move |x| ys.clone().map(move |y| (x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_prints_with_five_decimals_and_reads_back() {
        let point = Point::near(Coord { x: -79.380_004_9, y: 43.65 });
        assert_eq!(point, Point { x: -7_938_000, y: 4_365_000 });
        assert_eq!(format!("{} {}", point.degrees().x, point.degrees().y), "-79.38 43.65");
        assert_eq!(Point::near(point.degrees()), point);
    }

    #[test]
    fn distances_are_in_metres() {
        let (a, b) = (Point { x: 0, y: 0 }, Point { x: 1000, y: 0 });
        assert!((a.metres_to(b) - 806.09).abs() < 1e-6);
        assert!((Point { x: 500, y: 10 }.metres_to_segment(a, b) - 11.1106).abs() < 1e-6);
        assert!((Point { x: 2000, y: 0 }.metres_to_segment(a, b) - 806.09).abs() < 1e-6, "past the end");
    }
}
