//! Where to write an area's name: the place inside it that is farthest from its border.

use geo::{BoundingRect, Contains, LinesIter, MultiPolygon, Polygon};

use super::grid::Point;

/// Places tried along each side of the first look.
const FIRST_LOOK: i64 = 24;

/// A point of the grid inside the largest polygon, far from its border; `None` when no point of the grid is inside.
pub(super) fn label_point(geometry: &MultiPolygon<f64>) -> Option<Point> {
    // The largest comes first.
    let polygon = geometry.0.first()?;
    let bounds = polygon.bounding_rect()?;
    let (low, high) = (Point::near(bounds.min()), Point::near(bounds.max()));
    let (width, height) = (high.x - low.x, high.y - low.y);
    let first_look = (1..FIRST_LOOK)
        .flat_map(|i| (1..FIRST_LOOK).map(move |j| (i, j)))
        .map(|(i, j)| Point { x: low.x + width * i / FIRST_LOOK, y: low.y + height * j / FIRST_LOOK });
    let border: Vec<(Point, Point)> =
        polygon.lines_iter().map(|line| (Point::near(line.start), Point::near(line.end))).collect();
    let mut best = first_look.filter_map(|p| rate(polygon, &border, p)).max_by(|p, q| p.0.total_cmp(&q.0))?;
    let mut step = width.max(height) / FIRST_LOOK;
    while step > 0 {
        let around = [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, 1), (-1, 1), (1, -1)];
        let around = around.map(|(x, y)| Point { x: best.1.x + x * step, y: best.1.y + y * step });
        let better = around.into_iter().filter_map(|p| rate(polygon, &border, p)).max_by(|p, q| p.0.total_cmp(&q.0));
        match better {
            Some(better) if better.0 > best.0 => best = better,
            _ => step /= 2,
        }
    }
    Some(best.1)
}

/// Metres to the border, with the point; `None` outside.
fn rate(polygon: &Polygon<f64>, border: &[(Point, Point)], point: Point) -> Option<(f64, Point)> {
    let inside = polygon.contains(&geo::Point::from(point.degrees()));
    let metres = || border.iter().map(|&(a, b)| point.metres_to_segment(a, b)).fold(f64::INFINITY, f64::min);
    inside.then(|| (metres(), point))
}

#[cfg(test)]
mod tests {
    use super::*;
    use geo::polygon;

    #[test]
    fn the_name_of_a_bent_area_is_written_in_its_widest_part() {
        let bent = polygon![(x: 0.0, y: 0.0), (x: 0.1, y: 0.0), (x: 0.1, y: 0.01), (x: 0.04, y: 0.01), (x: 0.04, y: 0.05), (x: 0.0, y: 0.05)];
        let point = label_point(&MultiPolygon(vec![bent.clone()])).unwrap().degrees();
        assert!(bent.contains(&geo::Point::from(point)));
        assert!(point.x < 0.04 && (0.015..0.035).contains(&point.y), "{point:?}");
    }
}
