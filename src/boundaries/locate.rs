//! Which area a place is in, and how much of one area lies in others.

use geo::{Area as _, BooleanOps, Intersects, Point};

use super::{Boundaries, BoundedArea};

/// Less than this part of an area is no overlap: one border, drawn twice by two offices.
const LEAST_SHARE: f64 = 0.01;

impl Boundaries {
    /// The area at a position in degrees; `None` outside all. A position on a border is in the area with the smaller
    /// code.
    ///
    /// Nobody falls between: neighbours have the same points, and on which side of a line a point is, is computed
    /// exactly. There is no index: the boxes leave two or three areas, and looking at their hundred sides takes
    /// microseconds.
    pub fn area_at(&self, lon: f64, lat: f64) -> Option<&BoundedArea> {
        let within =
            |[west, south, east, north]: [f64; 4]| (west..=east).contains(&lon) && (south..=north).contains(&lat);
        self.areas.iter().find(|a| within(a.bbox) && a.geometry.intersects(&Point::new(lon, lat)))
    }

    /// The areas that an area of another set lies in, by position, with the part of it (0 to 1) that is in each; the
    /// largest first. Takes about a millisecond.
    pub fn shares_of(&self, area: &BoundedArea) -> Vec<(usize, f64)> {
        let near = self.areas.iter().enumerate().filter(|(_, other)| overlap(area.bbox, other.bbox));
        // Degrees are as good as metres for a ratio of areas at one place.
        let share = |other: &BoundedArea| {
            area.geometry.intersection(&other.geometry).unsigned_area() / area.geometry.unsigned_area()
        };
        let mut shares: Vec<(usize, f64)> = near.map(|(at, other)| (at, share(other))).collect();
        shares.retain(|&(_, share)| share >= LEAST_SHARE);
        shares.sort_by(|p, q| q.1.total_cmp(&p.1));
        shares
    }
}

fn overlap(p: [f64; 4], q: [f64; 4]) -> bool {
    p[0] <= q[2] && q[0] <= p[2] && p[1] <= q[3] && q[1] <= p[3]
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    /// Two squares side by side, and one above both, in an order that is not that of their codes on the map.
    fn squares() -> Boundaries {
        let feature = |code: &str, west: i32, south: i32, east: i32, north: i32| {
            format!(
                r#"{{"type":"Feature","id":"{code}","bbox":[{west},{south},{east},{north}],"properties":{{"code":"{code}",
                "name":"{code}","area_km2":1,"population":null,"population_year":null,"label_point":[0,0]}},"geometry":
                {{"type":"Polygon","coordinates":[[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],
                [{west},{south}]]]}}}}"#
            )
        };
        let features = [feature("M1B", 4, 0, 8, 4), feature("M1C", 0, 0, 4, 4), feature("M1E", 0, 4, 8, 8)].join(",");
        let text = format!(
            r#"{{"bbox":[0,0,8,8],"geography":"fsa","valid_from":null,"valid_to":null,"attribution":[],"tolerance_m":1,
            "features":[{features}]}}"#
        );
        read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_place_on_a_border_is_in_the_area_with_the_smaller_code_and_in_no_other() {
        let squares = squares();
        let at = |lon: f64, lat: f64| squares.area_at(lon, lat).map(|a| a.name.as_str());
        assert_eq!([at(1.0, 1.0), at(5.0, 1.0), at(5.0, 5.0)], [Some("M1C"), Some("M1B"), Some("M1E")]);
        assert_eq!([at(4.0, 1.0), at(1.0, 4.0), at(4.0, 4.0), at(0.0, 0.0)], ["M1B", "M1C", "M1B", "M1C"].map(Some));
        assert_eq!([at(-0.1, 1.0), at(8.1, 1.0), at(f64::NAN, 1.0)], [None; 3]);
    }

    #[test]
    fn shares_are_parts_of_the_area_and_slivers_are_none() {
        let squares = squares();
        let mut area = squares.areas[0].clone();
        area.bbox = [3.0, 1.0, 7.0, 4.02];
        area.geometry = geo::Rect::new((3.0, 1.0), (7.0, 4.02)).to_polygon().into();
        let shares = squares.shares_of(&area);
        assert_eq!(shares.iter().map(|s| s.0).collect::<Vec<_>>(), [0, 1]);
        assert!((shares[0].1 - 9.0 / 12.08).abs() < 1e-6 && (shares[1].1 - 3.0 / 12.08).abs() < 1e-6, "{shares:?}");
    }
}
