//! Which area each face belongs to: overlaps, gaps, slivers and the clip are all decided here, once for both sides.
//!
//! 1. All rings go through [`super::noding`]; what is left are edges that meet only at their ends, and faces.
//! 2. An area covers a face when its rings wind around it. A clip outline is one more area, whose cover is required.
//! 3. A face covered twice goes to the first of its areas; a face too small or too thin to be meant goes to the
//!    neighbour (the outside counts as one) with the longest border along it. A gap that opens to the outside is a part of
//!    the outside, like an inlet of the shore, and stays.
//!
//! Easy mistake: clipping each area by itself. The point where a shared border meets the shore would then be computed
//! twice and differ in the last digit; here it is one point of one graph.

use std::collections::BTreeMap;

use super::grid::{Point, cross, square_metres};
use super::noding::{Ring, node, sides};
use super::planar::{Edge, Label, doubled_area, ends, walks};

/// A face smaller than this is an error of digitising or an islet, not a place: 45 m by 45 m. The smallest real part of
/// an area is ten times as large (the piece of M6R inside M6P, 19,953 m²).
pub(super) const SLIVER_M2: f64 = 2_000.0;
/// Nor is one thinner than this on average (twice its area by its perimeter), however long.
pub(super) const SLIVER_WIDTH_M: f64 = 3.0;

/// The borders between areas, and what the source left open.
pub(super) struct Faces {
    /// Distinct edges with different areas on both sides.
    pub(super) edges: Vec<Edge>,
    /// Square metres inside the clip outline that no area covers.
    pub(super) uncovered_m2: f64,
}

/// Why the plane could not be divided.
#[derive(Debug)]
pub(super) enum Problem {
    /// Two areas, by position, cover the same face.
    Overlap { areas: (usize, usize), area_m2: f64 },
    /// Putting the lines on the grid did not come to an end.
    Unsettled,
}

type Windings = BTreeMap<usize, i64>;

/// Divides the plane between areas, given as rings with the area on their left. With a clip (rings of the same kind),
/// only what is inside it belongs to anyone. Areas that overlap by more than a sliver are a problem.
pub(super) fn divide(areas: &[Vec<Ring>], clip: &[Ring]) -> Result<Faces, Problem> {
    let graph = Graph::new(areas, clip)?;
    let mut labels = vec![None; graph.walks.len()];
    let mut uncovered_m2 = 0.0;
    for face in graph.regions(&graph.faces_by_number()) {
        let mut covering = graph.covering(&graph.walks[face.walks[0]]);
        let inside = clip.is_empty() || covering.pop_if(|&mut last| last == areas.len()).is_some();
        if let [first, second, ..] = covering[..]
            && face.area_m2 > SLIVER_M2
        {
            return Err(Problem::Overlap { areas: (first, second), area_m2: face.area_m2 });
        }
        if inside && !clip.is_empty() && covering.is_empty() {
            uncovered_m2 += face.area_m2;
        }
        face.walks.iter().for_each(|&walk| labels[walk] = covering.first().copied().filter(|_| inside));
    }
    graph.merge_slivers(&mut labels);
    Ok(Faces { edges: graph.borders(&labels), uncovered_m2 })
}

struct Graph {
    edges: Vec<(Point, Point)>,
    /// How often each area winds along an edge, from its first to its second point.
    windings: Vec<Windings>,
    walks: Vec<Vec<usize>>,
    /// The walk that each half edge is in.
    walk_of: Vec<usize>,
    /// For each walk another of the same face, or itself: chains of these end at one walk per face.
    face: Vec<usize>,
}

impl Graph {
    fn new(areas: &[Vec<Ring>], clip: &[Ring]) -> Result<Self, Problem> {
        let all = areas.iter().map(Vec::as_slice).chain([clip]).enumerate();
        let (owners, rings): (Vec<usize>, Vec<Ring>) =
            all.flat_map(|(owner, rings)| rings.iter().map(move |ring| (owner, ring.clone()))).unzip();
        let noded = node(rings).ok_or(Problem::Unsettled)?;
        let mut along: BTreeMap<(Point, Point), Windings> = BTreeMap::new();
        for (owner, ring) in owners.into_iter().zip(&noded) {
            for (a, b) in sides(ring) {
                let (edge, turn) = if a < b { ((a, b), 1) } else { ((b, a), -1) };
                *along.entry(edge).or_default().entry(owner).or_default() += turn;
            }
        }
        // An edge that one area uses both ways is a spike that closed when it was put on the grid.
        for windings in along.values_mut() {
            windings.retain(|_, turns| *turns != 0);
        }
        along.retain(|_, windings| !windings.is_empty());
        let (edges, windings): (Vec<_>, Vec<_>) = along.into_iter().unzip();
        let walks = walks(&edges);
        let mut walk_of = vec![0; 2 * edges.len()];
        for (index, walk) in walks.iter().enumerate() {
            walk.iter().for_each(|&half| walk_of[half] = index);
        }
        let mut graph = Self { edges, windings, face: (0..walks.len()).collect(), walks, walk_of };
        graph.join_islands();
        Ok(graph)
    }

    /// Joins the walk around each island from outside to a walk of the face in which the island lies: the first thing to
    /// the east of its easternmost point. Without this a moat around an area would be nobody's neighbour.
    fn join_islands(&mut self) {
        let mut open_sea = None;
        for index in 0..self.walks.len() {
            if self.doubled_area(&self.walks[index]) > 0 {
                continue;
            }
            let points = self.walks[index].iter().map(|&half| ends(&self.edges, half).0);
            let Some(east) = points.max() else { continue };
            let beyond = self.first_east_of(east).map(|half| self.walk_of[half]);
            let other = beyond.unwrap_or_else(|| *open_sea.get_or_insert(index));
            join(&mut self.face, index, other);
        }
    }

    /// The half edge that one meets first when going east from a point, looking back at it from its left.
    fn first_east_of(&self, point: Point) -> Option<usize> {
        let ahead = self.edges.iter().enumerate().filter_map(|(index, &(a, b))| {
            let upward = b.y > a.y;
            let (low, high) = if upward { (a, b) } else { (b, a) };
            let met = low.y <= point.y && point.y < high.y && cross(low, high, point) > 0;
            // Half a step farther north no two edges meet, so that the order is plain.
            let slope = (high.x - low.x) as f64 / (high.y - low.y) as f64;
            let x = low.x as f64 + slope * ((point.y - low.y) as f64 + 0.5);
            met.then_some((x, 2 * index + usize::from(!upward)))
        });
        ahead.min_by(|p, q| p.0.total_cmp(&q.0)).map(|(_, half)| half)
    }

    fn doubled_area(&self, walk: &[usize]) -> i64 {
        doubled_area(&walk.iter().map(|&half| ends(&self.edges, half).0).collect::<Vec<_>>())
    }

    /// The areas that wind around the face on the left of a walk, in order. Looks east from the middle of one of its
    /// edges and counts the edges crossed.
    fn covering(&self, walk: &[usize]) -> Vec<usize> {
        let level = |&&half: &&usize| self.edges[half / 2].0.y == self.edges[half / 2].1.y;
        let Some(&start) = walk.iter().find(|half| !level(half)) else { return Vec::new() };
        let (from, to) = ends(&self.edges, start);
        // Doubled, so that the middle is on the grid too.
        let middle = Point { x: from.x + to.x, y: from.y + to.y };
        let double = |p: Point| Point { x: 2 * p.x, y: 2 * p.y };
        let mut turns = Windings::new();
        for (index, (&(a, b), windings)) in self.edges.iter().zip(&self.windings).enumerate() {
            let upward = b.y > a.y;
            let (low, high) = if upward { (double(a), double(b)) } else { (double(b), double(a)) };
            if low.y > middle.y || high.y <= middle.y {
                continue;
            }
            // The edge we stand on is ahead of us exactly when its left side, where the face is, looks west.
            let ahead = if index == start / 2 { to.y > from.y } else { cross(low, high, middle) > 0 };
            if ahead {
                for (&area, &turn) in windings {
                    *turns.entry(area).or_default() += if upward { turn } else { -turn };
                }
            }
        }
        turns.into_iter().filter(|&(_, turns)| turns > 0).map(|(area, _)| area).collect()
    }

    fn sides_of(&self, edge: usize, labels: &[Label]) -> (Label, Label) {
        (labels[self.walk_of[2 * edge]], labels[self.walk_of[2 * edge + 1]])
    }

    /// Gives slivers away, smallest first, until there are none. Each round leaves fewer regions, so it ends.
    fn merge_slivers(&self, labels: &mut [Label]) {
        loop {
            let regions = self.regions(labels);
            let mut slivers: Vec<&Region> = regions.iter().filter(|region| region.is_sliver()).collect();
            if slivers.is_empty() {
                return;
            }
            slivers.sort_by(|p, q| p.area_m2.total_cmp(&q.area_m2));
            let mut changed = vec![false; labels.len()];
            for sliver in slivers {
                // Its neighbours were computed before this round: if one has just changed, wait for the next.
                if !sliver.neighbours.keys().any(|&(_, walk)| changed[walk]) {
                    let label = sliver.longest_neighbour();
                    for &walk in &sliver.walks {
                        labels[walk] = label;
                        changed[walk] = true;
                    }
                }
            }
        }
    }

    /// A different label for each face, so that every face is a region.
    fn faces_by_number(&self) -> Vec<Label> {
        let mut root = self.face.clone();
        (0..root.len()).map(|walk| Some(find(&mut root, walk))).collect()
    }

    /// Faces of one label that hang together, with what lies around them.
    fn regions(&self, labels: &[Label]) -> Vec<Region> {
        let mut root = self.face.clone();
        for edge in 0..self.edges.len() {
            let (left, right) = self.sides_of(edge, labels);
            if left == right {
                join(&mut root, self.walk_of[2 * edge], self.walk_of[2 * edge + 1]);
            }
        }
        let mut regions: BTreeMap<usize, Region> = BTreeMap::new();
        for (index, walk) in self.walks.iter().enumerate() {
            let region = regions.entry(find(&mut root, index)).or_default();
            region.walks.push(index);
            region.area_m2 += square_metres(self.doubled_area(walk));
            for &half in walk {
                let beyond = self.walk_of[half ^ 1];
                if labels[beyond] != labels[index] {
                    let (from, to) = ends(&self.edges, half);
                    *region.neighbours.entry((labels[beyond], beyond)).or_default() += from.metres_to(to);
                }
            }
        }
        regions.into_values().collect()
    }

    fn borders(&self, labels: &[Label]) -> Vec<Edge> {
        let edges = self.edges.iter().enumerate().map(|(index, &(from, to))| {
            let (left, right) = self.sides_of(index, labels);
            Edge { from, to, left, right }
        });
        edges.filter(|edge| edge.left != edge.right).collect()
    }
}

#[derive(Default)]
struct Region {
    walks: Vec<usize>,
    area_m2: f64,
    /// Metres of border with each label and walk on the other side.
    neighbours: BTreeMap<(Label, usize), f64>,
}

impl Region {
    /// The outside has a negative area, and is none.
    fn is_sliver(&self) -> bool {
        let perimeter: f64 = self.neighbours.values().sum();
        let thin = 2.0 * self.area_m2 < SLIVER_WIDTH_M * perimeter;
        self.area_m2 > 0.0 && perimeter > 0.0 && (self.area_m2 < SLIVER_M2 || thin)
    }

    fn longest_neighbour(&self) -> Label {
        let mut metres: BTreeMap<Label, f64> = BTreeMap::new();
        for (&(label, _), length) in &self.neighbours {
            *metres.entry(label).or_default() += length;
        }
        metres.into_iter().max_by(|p, q| p.1.total_cmp(&q.1)).and_then(|(label, _)| label)
    }
}

fn join(root: &mut [usize], p: usize, q: usize) {
    let (p, q) = (find(root, p), find(root, q));
    root[p.max(q)] = p.min(q);
}

fn find(root: &mut [usize], mut index: usize) -> usize {
    while root[index] != index {
        root[index] = root[root[index]];
        index = root[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::super::planar::polygons;
    use super::*;
    use geo::Area;

    fn square(x: i64, y: i64, width: i64, height: i64) -> Ring {
        [(x, y), (x + width, y), (x + width, y + height), (x, y + height)].map(|(x, y)| Point { x, y }).to_vec()
    }

    /// Areas of the polygons in square steps.
    fn areas(faces: &Faces, count: usize) -> Vec<f64> {
        polygons(&faces.edges, count).iter().map(|p| (p.unsigned_area() * 1e10).round()).collect()
    }

    #[test]
    fn a_thin_gap_between_neighbours_is_closed() {
        let faces = divide(&[vec![square(0, 0, 500, 500)], vec![square(502, 0, 500, 500)]], &[]).unwrap();
        assert_eq!(areas(&faces, 2), [250_000.0, 250_000.0], "open at both ends: it is outside, not a gap");
        let closed = [square(0, 0, 500, 500), square(502, 0, 500, 500), square(0, -500, 1002, 500)];
        let cap = square(0, 500, 1002, 500);
        let all: Vec<Vec<Ring>> = closed.into_iter().chain([cap]).map(|ring| vec![ring]).collect();
        let faces = divide(&all, &[]).unwrap();
        assert_eq!(areas(&faces, 4).iter().sum::<f64>(), 1002.0 * 1500.0);
        assert!(faces.edges.iter().filter(|e| e.left.is_none() || e.right.is_none()).count() < 12);
    }

    #[test]
    fn a_thin_overlap_goes_to_the_first_and_a_wide_one_is_an_error() {
        let faces = divide(&[vec![square(0, 0, 500, 500)], vec![square(498, 0, 502, 500)]], &[]).unwrap();
        assert_eq!(areas(&faces, 2), [250_000.0, 250_000.0]);
        let wide = divide(&[vec![square(0, 0, 500, 500)], vec![square(400, 0, 600, 500)]], &[]);
        assert!(matches!(wide, Err(Problem::Overlap { areas: (0, 1), .. })));
    }

    #[test]
    fn clipped_neighbours_share_the_point_on_the_shore() {
        let slanted = vec![Point { x: 0, y: 1000 }, Point { x: 2000, y: 1337 }, Point { x: 2000, y: 3000 }];
        let clip = [[slanted, vec![Point { x: 0, y: 3000 }]].concat()];
        let faces = divide(&[vec![square(0, 0, 777, 2000)], vec![square(777, 0, 900, 2000)]], &clip).unwrap();
        let shared: Vec<&Edge> = faces.edges.iter().filter(|e| e.left.is_some() && e.right.is_some()).collect();
        assert_eq!(shared.len(), 1);
        assert_eq!(shared[0].from.min(shared[0].to), Point { x: 777, y: 1131 });
        assert!(faces.uncovered_m2 > 1e6, "what is north of both and what is east of the second");
    }

    #[test]
    fn a_moat_around_an_area_is_closed() {
        let hole: Ring = square(398, 398, 204, 204).into_iter().rev().collect();
        let faces = divide(&[vec![square(0, 0, 1000, 1000), hole], vec![square(400, 400, 200, 200)]], &[]).unwrap();
        assert_eq!(areas(&faces, 2).iter().sum::<f64>(), 1e6);
        assert_eq!(faces.edges.len(), 8);
    }

    #[test]
    fn an_islet_goes_and_an_island_stays() {
        let area = vec![square(0, 0, 500, 500), square(600, 0, 40, 40), square(700, 0, 100, 100)];
        assert_eq!(areas(&divide(&[area], &[]).unwrap(), 1), [260_000.0]);
    }
}
