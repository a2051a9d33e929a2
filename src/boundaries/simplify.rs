//! Fewer points for the same borders: each border is simplified once, for both of its sides.
//!
//! Which points each border can do with at the least is a shortest path over all lines that are near enough to the
//! points that they skip (Imai and Iri). At the same size borders are a quarter nearer to their source than by Douglas
//! and Peucker's choice. All other points go one by one, the one whose loss moves the border least first, as long as
//! * no point of the source ends up farther than the tolerance from the line that replaces it, so the tolerance bounds
//!   the Hausdorff distance of the border, both ways;
//! * no other point lies in the triangle that is cut off, so no line can come to cross or touch another;
//! * the new line is not there already, so no area collapses.
//!
//! Points where three or more borders meet always stay. A border that may not lose a point keeps it: there is nothing
//! to repair afterwards. Where that leaves half of a long line, which may be up to twice the tolerance off, everything
//! is done again without that line.

use std::cmp::{Reverse, max, min};
use std::collections::{BinaryHeap, HashSet};

use super::arcs::{Arc, arcs};
use super::grid::{Cells, Point, cross};
use super::planar::Edge;

/// Ends in a row that are too far off, after which no longer line is looked for.
const PATIENCE: usize = 100;

/// The borders with fewer points, and the farthest that a point of the source is from them, in metres.
pub(super) fn simplify(edges: &[Edge], tolerance_m: f64) -> (Vec<Edge>, f64) {
    let mut lines = Lines::new(arcs(edges));
    let mut shortcuts = lines.shortcuts(tolerance_m);
    loop {
        lines.take(&shortcuts, tolerance_m);
        let count = shortcuts.len();
        shortcuts.retain(|&shortcut| lines.deviation_along(shortcut) <= tolerance_m);
        if shortcuts.len() == count {
            break;
        }
        lines = Lines::new(arcs(edges));
    }
    lines.allowed_m.fill(tolerance_m);
    while lines.thin_out() {}
    lines.finish()
}

/// Two points of an arc that a line may join, by position; what lies between goes.
type Shortcut = (usize, usize);

/// The fewest lines from the first to the last of some points, each near enough to those that it skips.
fn fewest(points: &[Point], tolerance_m: f64) -> Vec<Shortcut> {
    // Of as many lines, those that are off by less in all, in millimetres.
    let mut best: Vec<(usize, i64, usize)> = vec![(usize::MAX, 0, 0); points.len()];
    best[0] = (0, 0, 0);
    for from in 0..points.len() - 1 {
        let (lines, off, _) = best[from];
        let mut misses = 0;
        for to in from + 1..points.len() {
            match deviation_within(&points[from..=to], tolerance_m) {
                Some(more) => {
                    best[to] = best[to].min((lines + 1, off + (more * 1e3) as i64, from));
                    misses = 0;
                }
                None => misses += 1,
            }
            if misses == PATIENCE {
                break;
            }
        }
    }
    let mut path = Vec::new();
    let mut to = points.len() - 1;
    while to > 0 {
        path.push((best[to].2, to));
        to = best[to].2;
    }
    path
}

/// Metres from the line between the first and the last of some points to the farthest of them; `None` beyond a
/// tolerance.
fn deviation_within(points: &[Point], tolerance_m: f64) -> Option<f64> {
    let (a, b) = (points[0], points[points.len() - 1]);
    // A closed border joined to itself would be nothing.
    let mut between = points[1..points.len() - 1].iter().map(|p| p.metres_to_segment(a, b));
    let farthest = between.try_fold(0.0, |most, metres| (metres <= tolerance_m).then_some(f64::max(most, metres)));
    farthest.filter(|_| a != b)
}

/// All points of all arcs in one row; `before` and `after` skip the ones that went.
struct Lines {
    arcs: Vec<Arc>,
    points: Vec<Point>,
    before: Vec<usize>,
    after: Vec<usize>,
    state: Vec<State>,
    cells: Cells,
    /// The lines there are now, each from its smaller point.
    drawn: HashSet<(Point, Point)>,
    /// How far the border may move for each point to go, in metres.
    allowed_m: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// First or last of its arc.
    End,
    Kept,
    Gone,
}

/// What may go next: millimetres that the border moves, the point, and the points beside it when that was computed.
type Candidate = Reverse<(i64, usize, usize, usize)>;

impl Lines {
    fn new(arcs: Vec<Arc>) -> Self {
        let points: Vec<Point> = arcs.iter().flat_map(|arc| arc.points.iter().copied()).collect();
        let mut state = vec![State::Kept; points.len()];
        let mut start = 0;
        for arc in &arcs {
            state[start] = State::End;
            start += arc.points.len();
            state[start - 1] = State::End;
        }
        let drawn = arcs.iter().flat_map(|arc| arc.points.windows(2)).map(|w| (min(w[0], w[1]), max(w[0], w[1])));
        Self {
            drawn: drawn.collect(),
            cells: Cells::new(points.iter().map(|&p| [p])),
            before: (0..points.len()).map(|i| i.saturating_sub(1)).collect(),
            after: (1..=points.len()).collect(),
            allowed_m: vec![-1.0; points.len()],
            arcs,
            points,
            state,
        }
    }

    /// The fewest lines of each arc that skip something.
    fn shortcuts(&self, tolerance_m: f64) -> Vec<Shortcut> {
        let (mut start, mut all) = (0, Vec::new());
        for arc in &self.arcs {
            let lines = fewest(&arc.points, tolerance_m).into_iter().filter(|(from, to)| to - from > 1);
            all.extend(lines.map(|(from, to)| (start + from, start + to)));
            start += arc.points.len();
        }
        all
    }

    /// Takes out what shortcuts skip. On the way there lines are off by more than at its end: points near one line are
    /// as a rule no farther than twice as much from a line between two of them.
    fn take(&mut self, shortcuts: &[Shortcut], tolerance_m: f64) {
        for &(from, to) in shortcuts {
            self.allowed_m[from + 1..to].fill(2.0 * tolerance_m);
        }
        while self.thin_out() {}
    }

    /// The farthest that a point is from the lines that are drawn between two points now.
    fn deviation_along(&self, (first, last): Shortcut) -> f64 {
        let mut here = first;
        let lines = std::iter::from_fn(|| {
            let from = here;
            here = self.after[from];
            (from < last).then_some((from, here))
        });
        lines.map(|(from, to)| self.deviation(from, to)).fold(0.0, f64::max)
    }

    /// Takes out every point that may go; `false` when none could. A point that was in the way of another may have gone
    /// by the end, hence the rounds.
    fn thin_out(&mut self) -> bool {
        let mut queue: BinaryHeap<Candidate> = (0..self.points.len()).filter_map(|i| self.candidate(i)).collect();
        let mut any = false;
        while let Some(candidate) = queue.pop() {
            let Reverse((_, index, before, after)) = candidate;
            let current =
                self.state[index] == State::Kept && (self.before[index], self.after[index]) == (before, after);
            if !current || !self.may_go(index) {
                continue;
            }
            self.remove(index);
            any = true;
            queue.extend([before, after].into_iter().filter_map(|i| self.candidate(i)));
        }
        any
    }

    fn candidate(&self, index: usize) -> Option<Candidate> {
        if self.state[index] != State::Kept {
            return None;
        }
        let (before, after) = (self.before[index], self.after[index]);
        let moved_m = self.deviation(before, after);
        (moved_m <= self.allowed_m[index]).then_some(Reverse(((moved_m * 1e3) as i64, index, before, after)))
    }

    fn may_go(&self, index: usize) -> bool {
        let (before, after) = (self.before[index], self.after[index]);
        let (a, b, c) = (self.points[before], self.points[index], self.points[after]);
        a != c
            && !self.drawn.contains(&(min(a, c), max(a, c)))
            && !self.cells.near(&[a, b, c]).any(|other| {
                let p = self.points[other];
                self.state[other] != State::Gone && p != a && p != b && p != c && in_triangle(p, [a, b, c])
            })
    }

    /// Metres from the line between two points of an arc to the farthest point of the source between them.
    fn deviation(&self, first: usize, last: usize) -> f64 {
        let (a, b) = (self.points[first], self.points[last]);
        self.points[first + 1..last].iter().map(|p| p.metres_to_segment(a, b)).fold(0.0, f64::max)
    }

    fn remove(&mut self, index: usize) {
        let (before, after) = (self.before[index], self.after[index]);
        let (a, b, c) = (self.points[before], self.points[index], self.points[after]);
        self.drawn.remove(&(min(a, b), max(a, b)));
        self.drawn.remove(&(min(b, c), max(b, c)));
        self.drawn.insert((min(a, c), max(a, c)));
        self.state[index] = State::Gone;
        self.after[before] = after;
        self.before[after] = before;
    }

    fn finish(self) -> (Vec<Edge>, f64) {
        let (mut edges, mut farthest_m) = (Vec::new(), 0.0);
        let mut start = 0;
        for arc in &self.arcs {
            let end = start + arc.points.len();
            let mut here = start;
            while self.after[here] < end {
                let there = self.after[here];
                farthest_m = f64::max(farthest_m, self.deviation(here, there));
                let (from, to) = (self.points[here], self.points[there]);
                edges.push(Edge { from, to, left: arc.left, right: arc.right });
                here = there;
            }
            start = end;
        }
        (edges, farthest_m)
    }
}

/// Inside or on the border of it.
fn in_triangle(p: Point, [a, b, c]: [Point; 3]) -> bool {
    let sides = [cross(a, b, p), cross(b, c, p), cross(c, a, p)];
    let flat = sides.iter().all(|&s| s == 0);
    let within = |of: fn(Point) -> i64| {
        let (low, high) = (of(a).min(of(b)).min(of(c)), of(a).max(of(b)).max(of(c)));
        (low..=high).contains(&of(p))
    };
    let one_side = sides.iter().all(|&s| s >= 0) || sides.iter().all(|&s| s <= 0);
    // Three points in a line have no inside: then the box decides whether a fourth one in that line is between them.
    one_side && (!flat || (within(|p| p.x) && within(|p| p.y)))
}

#[cfg(test)]
mod tests {
    use super::super::noding::{is_noded, sides};
    use super::super::planar::Label;
    use super::*;

    fn points(all: &[(i64, i64)]) -> Vec<Point> {
        all.iter().map(|&(x, y)| Point { x, y }).collect()
    }

    fn chain(all: &[(i64, i64)], left: Label, right: Label) -> Vec<Edge> {
        points(all).windows(2).map(|w| Edge { from: w[0], to: w[1], left, right }).collect()
    }

    fn closed(all: &[(i64, i64)]) -> Vec<Edge> {
        sides(&points(all)).map(|(from, to)| Edge { from, to, left: Some(0), right: None }).collect()
    }

    fn lines(edges: &[Edge]) -> Vec<(Point, Point)> {
        edges.iter().map(|e| (e.from, e.to)).collect()
    }

    #[test]
    fn points_within_the_tolerance_go_and_those_beyond_stay() {
        let wavy = [(0, 0), (100, 5), (200, 0), (300, 30), (400, 0), (400, 400), (0, 400)];
        let (edges, deviation) = simplify(&closed(&wavy), 10.0);
        let kept: Vec<i64> = edges.iter().map(|e| e.from.x).collect();
        assert!(!kept.contains(&100) && kept.contains(&300), "{kept:?}");
        assert!(deviation > 5.0 && deviation <= 10.0);
    }

    #[test]
    fn the_points_that_are_left_are_the_fewest_that_there_can_be() {
        let wavy = [(0, 0), (300, 14), (500, 2), (600, 0), (700, -2), (900, -14), (1200, 0)];
        let count = fewest(&points(&wavy), 12.0).len();
        let all = 0..1u32 << 5;
        let possible = all.filter_map(|chosen| {
            let kept = (1..6).filter(|i| chosen & (1 << (i - 1)) != 0);
            let ends: Vec<usize> = std::iter::once(0).chain(kept).chain([6]).collect();
            let near = |w: &[usize]| deviation_within(&points(&wavy[w[0]..=w[1]]), 12.0).is_some();
            ends.windows(2).all(near).then_some(ends.len() - 1)
        });
        assert_eq!(Some(count), possible.min());
    }

    #[test]
    fn a_line_is_not_pulled_across_a_point_of_another() {
        let bay = chain(&[(0, 0), (500, 20), (1000, 0)], Some(0), None);
        let islet = closed(&[(490, 5), (510, 5), (500, 12)]);
        let rest = chain(&[(1000, 0), (500, -900), (0, 0)], Some(0), None);
        let (edges, _) = simplify(&[bay, islet, rest].concat(), 100.0);
        assert!(edges.iter().any(|e| e.to == Point { x: 500, y: 20 }), "the bay around the islet stays");
        assert!(is_noded(&lines(&edges)));
    }

    #[test]
    fn neither_a_ring_nor_a_strip_between_two_borders_collapses() {
        let (edges, _) = simplify(&closed(&[(0, 0), (9, 0), (9, 9), (0, 9)]), 1000.0);
        assert_eq!(edges.len(), 3);
        let upper = chain(&[(0, 0), (50, 3), (100, 0)], Some(0), Some(1));
        let lower = chain(&[(0, 0), (50, -3), (100, 0)], Some(1), Some(2));
        let frame = chain(&[(100, 0), (50, 900), (0, 0), (50, -900), (100, 0)], Some(0), None);
        let (edges, _) = simplify(&[upper, lower, frame].concat(), 1000.0);
        let between = edges.iter().filter(|e| e.left == Some(1) || e.right == Some(1)).count();
        assert!(between >= 3, "{edges:?}");
    }

    #[test]
    fn a_junction_stays_however_little_it_matters() {
        let west = chain(&[(0, 0), (500, 1)], Some(0), Some(1));
        let east = chain(&[(500, 1), (1000, 0)], Some(0), Some(2));
        let south = chain(&[(500, 1), (500, -800)], Some(2), Some(1));
        let (edges, _) = simplify(&[west, east, south].concat(), 1000.0);
        assert_eq!(edges.iter().filter(|e| [e.from, e.to].contains(&Point { x: 500, y: 1 })).count(), 3);
    }
}
