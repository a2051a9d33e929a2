//! Natural breaks (Jenks 1967, by Fisher's exact method of 1958): the classes whose values differ least from their mean.
//!
//! The best start of the last class never moves down when a value is added at the end, so each table of the dynamic
//! programme is filled by halving: n log n steps a class.

/// The first value of each class but the lowest, of values in ascending order. Equal values are never split.
pub(super) fn breaks(sorted: &[f64], classes: usize) -> Vec<f64> {
    let values = Values::new(sorted);
    let classes = classes.min(values.distinct.len());
    let mut spreads: Vec<f64> = (0..=values.distinct.len()).map(|end| values.spread(0, end)).collect();
    let mut starts: Vec<Vec<usize>> = Vec::new();
    for class in 1..classes {
        let ends = spreads.len();
        let mut table = Table { values: &values, before: &spreads, spreads: vec![0.0; ends], starts: vec![0; ends] };
        // The highest class ends with the values, and nowhere else.
        let first_end = if class + 1 == classes { ends - 1 } else { 0 };
        table.fill(first_end, ends, 0, ends - 1);
        starts.push(table.starts);
        spreads = table.spreads;
    }
    let mut end = values.distinct.len();
    let mut breaks: Vec<f64> = Vec::new();
    for starts in starts.iter().rev() {
        end = starts[end];
        breaks.extend(values.distinct.get(end).filter(|_| end > 0));
    }
    breaks.reverse();
    breaks.dedup();
    breaks
}

/// Distinct values with running sums over all that are equal to them.
struct Values {
    distinct: Vec<f64>,
    /// Before each distinct value: how many, their sum, the sum of their squares. Counted from the middle of all values,
    /// or the squares would drown the differences.
    sums: Vec<[f64; 3]>,
}

impl Values {
    fn new(sorted: &[f64]) -> Self {
        let middle = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        let mut values = Self { distinct: Vec::new(), sums: vec![[0.0; 3]] };
        for equal in sorted.chunk_by(|a, b| a == b) {
            let (many, from_middle) = (equal.len() as f64, equal[0] - middle);
            let [n, sum, squares] = values.sums[values.distinct.len()];
            values.sums.push([n + many, sum + many * from_middle, squares + many * from_middle * from_middle]);
            values.distinct.push(equal[0]);
        }
        values
    }

    /// The sum of squared distances from the mean, of the distinct values from one place to before another.
    fn spread(&self, from: usize, to: usize) -> f64 {
        let [n, sum, squares] = std::array::from_fn(|i| self.sums[to][i] - self.sums[from][i]);
        if n == 0.0 { 0.0 } else { (squares - sum * sum / n).max(0.0) }
    }
}

/// For each number of values: the least spread with one class more, and where its last class starts.
struct Table<'v> {
    values: &'v Values,
    before: &'v [f64],
    spreads: Vec<f64>,
    starts: Vec<usize>,
}

impl Table<'_> {
    /// Fills the ends from `low` to before `high`, whose last classes start at `first` to `last`.
    fn fill(&mut self, low: usize, high: usize, first: usize, last: usize) {
        if low >= high {
            return;
        }
        let end = low.midpoint(high);
        let (mut best, mut at) = (f64::INFINITY, first);
        for start in first..=last.min(end) {
            let spread = self.before[start] + self.values.spread(start, end);
            if spread < best {
                (best, at) = (spread, start);
            }
        }
        (self.spreads[end], self.starts[end]) = (best, at);
        self.fill(low, end, first, at);
        self.fill(end + 1, high, at, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_are_in_the_gaps() {
        assert_eq!(breaks(&[1.0, 1.1, 1.2, 8.0, 8.1, 20.0, 20.5, 21.0], 3), [8.0, 20.0]);
        assert_eq!(breaks(&[3.0, 3.0, 3.0], 5), [] as [f64; 0]);
        assert_eq!(breaks(&[1.0, 2.0, 2.0], 5), [2.0]);
        assert_eq!(breaks(&[], 5), [] as [f64; 0]);
    }

    /// All ways to cut, one by one.
    fn least_spread(values: &Values, from: usize, classes: usize) -> f64 {
        let end = values.distinct.len();
        if classes == 1 {
            return values.spread(from, end);
        }
        let cuts = from + 1..=end + 1 - classes;
        cuts.map(|cut| values.spread(from, cut) + least_spread(values, cut, classes - 1)).fold(f64::INFINITY, f64::min)
    }

    proptest::proptest! {
        #[test]
        fn no_other_cut_has_less_spread(mut values in proptest::collection::vec(0u32..60, 6..14)) {
            values.sort_unstable();
            let sorted: Vec<f64> = values.into_iter().map(f64::from).collect();
            let values = Values::new(&sorted);
            let classes = 4.min(values.distinct.len());
            let mut ends: Vec<usize> =
                breaks(&sorted, 4).iter().map(|at| values.distinct.iter().position(|v| v == at).unwrap()).collect();
            ends.push(values.distinct.len());
            let spread: f64 = ends.iter().scan(0, |from, &to| Some(values.spread(std::mem::replace(from, to), to))).sum();
            proptest::prop_assert!((spread - least_spread(&values, 0, classes)).abs() < 1e-6);
        }
    }
}
