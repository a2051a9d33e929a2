//! All counts of one request type, ready for any range of months.

use crate::clean::cell::Cell;
use crate::domain::{Area, Geography, MonthRange, Status};

/// Counts as running sums over the months, so that a range costs one subtraction whatever its length.
#[derive(Debug)]
pub struct Series {
    months: MonthRange,
    /// What the columns of every plane are; sorted. An area of `None` is the requests without one.
    slots: Vec<(Geography, Option<Area>)>,
    total: Plane,
    by_status: Vec<(Status, Plane)>,
}

/// Row `m`, column `s`: requests of slot `s` before month `m`. One row more than there are months.
#[derive(Debug, Clone)]
struct Plane(Vec<u32>);

impl Series {
    /// From cells in any order. Cells outside `months` are left out.
    pub fn new(months: MonthRange, cells: Vec<(Cell, i64)>) -> Self {
        let mut slots: Vec<_> = cells.iter().map(|(cell, _)| (cell.geography, cell.area)).collect();
        slots.sort_unstable();
        slots.dedup();
        let mut statuses: Vec<_> = cells.iter().map(|(cell, _)| cell.status).collect();
        statuses.sort_unstable();
        statuses.dedup();
        let mut series = Self { months, total: Plane::empty(months, slots.len()), slots, by_status: Vec::new() };
        series.by_status = statuses.into_iter().map(|status| (status, series.total.clone())).collect();
        for (cell, requests) in cells {
            series.add(cell, requests);
        }
        let width = series.slots.len();
        series.total.accumulate(width);
        series.by_status.iter_mut().for_each(|(_, plane)| plane.accumulate(width));
        series
    }

    fn add(&mut self, cell: Cell, requests: i64) {
        let (Some(slot), true) = (
            self.slot(cell.geography, cell.area),
            self.months.first() <= cell.month && cell.month <= self.months.last(),
        ) else {
            return;
        };
        // Written to the row after its month: running sums hold what came before a month.
        let at = (cell.month.index() - self.months.first().index() + 1) * self.slots.len() + slot;
        let requests = u32::try_from(requests).unwrap_or(u32::MAX);
        self.total.0[at] = self.total.0[at].saturating_add(requests);
        if let Some((_, plane)) = self.by_status.iter_mut().find(|(status, _)| *status == cell.status) {
            plane.0[at] = plane.0[at].saturating_add(requests);
        }
    }

    fn slot(&self, geography: Geography, area: Option<Area>) -> Option<usize> {
        self.slots.binary_search(&(geography, area)).ok()
    }

    /// Requests of an area (`None`: those without an area in that geography) in whole months, of one status or of all.
    pub fn requests(
        &self,
        geography: Geography,
        area: Option<Area>,
        months: MonthRange,
        status: Option<Status>,
    ) -> u64 {
        match (self.slot(geography, area), self.plane(status)) {
            (Some(slot), Some(plane)) => plane.between(self.rows(months), self.slots.len(), slot),
            _ => 0,
        }
    }

    /// Requests of all areas of a geography that are wanted; `None` is asked about, too.
    pub fn sum(
        &self,
        geography: Geography,
        months: MonthRange,
        status: Option<Status>,
        wanted: impl Fn(Option<Area>) -> bool,
    ) -> u64 {
        let Some(plane) = self.plane(status) else { return 0 };
        let rows = self.rows(months);
        let slots = self.slots.iter().enumerate().filter(|(_, (of, area))| *of == geography && wanted(*area));
        slots.map(|(slot, _)| plane.between(rows, self.slots.len(), slot)).sum()
    }

    /// Requests with and without an area: every accepted row is counted in each geography.
    pub fn all(&self, months: MonthRange, status: Option<Status>) -> u64 {
        self.sum(Geography::Ward, months, status, |_| true)
    }

    /// All months that it has counts for.
    pub fn months(&self) -> MonthRange {
        self.months
    }

    fn plane(&self, status: Option<Status>) -> Option<&Plane> {
        match status {
            None => Some(&self.total),
            Some(status) => self.by_status.iter().find(|(s, _)| *s == status).map(|(_, plane)| plane),
        }
    }

    /// The rows of the running sums before and after a range, cut to the months that there are.
    fn rows(&self, months: MonthRange) -> (usize, usize) {
        let row = |index: usize| index.saturating_sub(self.months.first().index()).min(self.months.months());
        (row(months.first().index()), row(months.last().index() + 1))
    }

    /// Bytes that it takes in memory, nearly.
    pub fn weight(&self) -> usize {
        (1 + self.by_status.len()) * self.total.0.len() * size_of::<u32>()
    }
}

impl Plane {
    fn empty(months: MonthRange, width: usize) -> Self {
        Self(vec![0; (months.months() + 1) * width])
    }

    fn accumulate(&mut self, width: usize) {
        for at in width..self.0.len() {
            self.0[at] = self.0[at].saturating_add(self.0[at - width]);
        }
    }

    fn between(&self, (before, after): (usize, usize), width: usize, slot: usize) -> u64 {
        u64::from(self.0[after * width + slot].saturating_sub(self.0[before * width + slot]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Fsa, Ward, WardModel};

    fn range(text: &str) -> MonthRange {
        text.parse().unwrap()
    }

    fn cell(area: Option<Area>, month: &str, status: Status) -> Cell {
        let geography = if matches!(area, Some(Area::Fsa(_))) { Geography::Fsa } else { Geography::Ward };
        Cell { geography, area, month: month.parse().unwrap(), status }
    }

    #[test]
    fn any_range_is_the_sum_of_its_months() {
        let ward = Ward::new(WardModel::Wards25, 4).map(Area::Ward);
        let fsa = Fsa::new(b"M5V").map(Area::Fsa);
        let series = Series::new(
            range("2023-11..2024-02"),
            vec![
                (cell(ward, "2023-11", Status::New), 1),
                (cell(ward, "2024-02", Status::New), 20),
                (cell(ward, "2024-02", Status::Closed), 300),
                (cell(fsa, "2024-01", Status::New), 7),
                (cell(None, "2024-01", Status::New), 5),
            ],
        );
        let wards = |months, status| series.requests(Geography::Ward, ward, range(months), status);
        assert_eq!(wards("2023-11..2024-02", None), 321);
        assert_eq!(wards("2023-12..2024-02", Some(Status::New)), 20);
        assert_eq!(wards("2023-11", None), 1);
        assert_eq!(wards("2023-12..2024-01", None), 0);
        assert_eq!(wards("2020-01..2030-01", None), 321, "months without data add nothing");
        assert_eq!(wards("2024-02", Some(Status::Unknown)), 0);
        assert_eq!(series.requests(Geography::Fsa, fsa, range("2024-01"), None), 7);
        assert_eq!(series.requests(Geography::Ward, None, range("2024-01"), None), 5);
        assert_eq!(series.all(range("2023-11..2024-02"), None), 326);
    }
}
