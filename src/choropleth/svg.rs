//! Areas as SVG paths, in the Web Mercator projection that Leaflet has too, so that the drawing fits a slippy map.

use std::fmt::Write;

use geo::{Coord, LineString, MultiPolygon};

use crate::boundaries::Boundaries;

/// Width of the drawing in its own units. One is 11 m on the ground: finer than the boundaries are.
const WIDTH: f64 = 4000.0;

/// What lies around the city, to see at a glance where it is: where its name goes, in degrees, and whether it is water.
const AROUND: [(&str, f64, f64, bool); 4] = [
    ("Lake Ontario", -79.43, 43.596, true),
    ("Mississauga", -79.605, 43.597, false),
    ("Vaughan", -79.55, 43.803, false),
    ("Markham", -79.36, 43.848, false),
];

/// A name beside the areas.
pub struct Name {
    /// As it is written.
    pub text: &'static str,
    /// Its middle.
    pub at: (i64, i64),
    /// Names of water are in italics on maps.
    pub is_water: bool,
}

/// The outlines of a set of areas, ready to be put into a page.
pub struct Shapes {
    /// Width and height in drawing units.
    pub size: (u32, u32),
    /// What it covers: west, south, east, north in degrees.
    pub bbox: [f64; 4],
    /// The `d` of each area's path, in the order of the areas.
    pub paths: Vec<String>,
    /// Where each area's label goes, within the area.
    pub label_points: Vec<(i64, i64)>,
    /// What lies around the areas.
    pub around: Vec<Name>,
}

impl Shapes {
    /// Projects and writes all areas.
    pub fn new(boundaries: &Boundaries) -> Self {
        let [west, south, east, north] = boundaries.bbox;
        let scale = WIDTH / (east - west);
        let (top, bottom) = (mercator(north), mercator(south));
        let project =
            |at: Coord| (((at.x - west) * scale).round() as i64, ((top - mercator(at.y)) * scale).round() as i64);
        Self {
            size: (WIDTH as u32, ((top - bottom) * scale).ceil() as u32),
            bbox: boundaries.bbox,
            paths: boundaries.areas.iter().map(|area| path(&area.geometry, project)).collect(),
            label_points: boundaries.areas.iter().map(|area| project(Coord::from(area.label_point))).collect(),
            around: AROUND.map(|(text, x, y, is_water)| Name { text, at: project(Coord { x, y }), is_water }).into(),
        }
    }
}

/// Latitude on the Mercator scale, in degrees as long as those of longitude.
fn mercator(latitude: f64) -> f64 {
    let half = latitude.to_radians() / 2.0;
    (std::f64::consts::FRAC_PI_4 + half).tan().ln().to_degrees()
}

/// Relative whole-number steps: a third of the bytes of absolute coordinates.
fn path(geometry: &MultiPolygon, project: impl Fn(Coord) -> (i64, i64)) -> String {
    let mut d = String::new();
    for polygon in geometry {
        ring(&mut d, polygon.exterior(), &project);
        polygon.interiors().iter().for_each(|hole| ring(&mut d, hole, &project));
    }
    d
}

fn ring(d: &mut String, ring: &LineString, project: impl Fn(Coord) -> (i64, i64)) {
    // A closed ring repeats its first point; the `z` does that here.
    let mut points = ring.0.iter().take(ring.0.len().saturating_sub(1)).map(|&at| project(at));
    let Some((x, y)) = points.next() else { return };
    // Writing to a String does not fail.
    let _ = write!(d, "M{x} {y}l");
    let (mut last, mut first) = ((x, y), true);
    for (x, y) in points {
        let (dx, dy) = (x - last.0, y - last.1);
        if (dx, dy) == (0, 0) {
            continue;
        }
        let _ = write!(d, "{}{dx}{}{dy}", separator(dx, first), separator(dy, false));
        (last, first) = ((x, y), false);
    }
    d.push('z');
}

/// A minus sign separates numbers by itself.
fn separator(number: i64, first: bool) -> &'static str {
    if number < 0 || first { "" } else { " " }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::polygon;

    #[test]
    fn a_path_is_relative_and_drops_steps_of_nothing() {
        let square = polygon![(x: 0., y: 0.), (x: 5., y: 0.), (x: 5., y: 0.2), (x: 5., y: -5.), (x: 0., y: 0.)];
        let d = path(&MultiPolygon(vec![square]), |at| (at.x.round() as i64, at.y.round() as i64));
        assert_eq!(d, "M0 0l5 0 0-5z");
    }

    #[test]
    fn mercator_stretches_towards_the_pole() {
        assert!(mercator(0.0).abs() < 1e-9);
        assert!((mercator(43.7) - 48.681).abs() < 0.001);
    }
}
