//! Borders as lines: edges strung together between the places where borders meet. What is simplified is an arc, and
//! what two neighbours share in TopoJSON is one.

use std::collections::BTreeMap;

use super::grid::Point;
use super::planar::{Edge, Label};

/// A border between two places where borders meet, or a closed one (first and last point are equal).
pub(super) struct Arc {
    pub(super) points: Vec<Point>,
    pub(super) left: Label,
    pub(super) right: Label,
}

/// All borders of a set of areas, each once.
pub(super) fn arcs(edges: &[Edge]) -> Vec<Arc> {
    let mut at: BTreeMap<Point, Vec<usize>> = BTreeMap::new();
    for (index, edge) in edges.iter().enumerate() {
        at.entry(edge.from).or_default().push(index);
        at.entry(edge.to).or_default().push(index);
    }
    let mut used = vec![false; edges.len()];
    let junctions = at.iter().filter(|(_, touching)| touching.len() != 2);
    // Closed borders that meet no other come last, each from its first point: an extreme one, which is worth keeping.
    let starts: Vec<Point> = junctions.chain(&at).map(|(&point, _)| point).collect();
    let mut arcs = Vec::new();
    for start in starts {
        for &first in &at[&start] {
            if !used[first] {
                arcs.push(follow(edges, &at, &mut used, start, first));
            }
        }
    }
    arcs
}

fn follow(edges: &[Edge], at: &BTreeMap<Point, Vec<usize>>, used: &mut [bool], start: Point, first: usize) -> Arc {
    let forward = edges[first].from == start;
    let (left, right) = (edges[first].left, edges[first].right);
    let (left, right) = if forward { (left, right) } else { (right, left) };
    let mut arc = Arc { points: vec![start], left, right };
    let mut edge = first;
    loop {
        used[edge] = true;
        let here = arc.points[arc.points.len() - 1];
        let there = if edges[edge].from == here { edges[edge].to } else { edges[edge].from };
        arc.points.push(there);
        match at[&there].iter().find(|&&next| !used[next]) {
            Some(&next) if at[&there].len() == 2 => edge = next,
            _ => return arc,
        }
    }
}
