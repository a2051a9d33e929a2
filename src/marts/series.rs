//! All counts of one request type, ready for any range of months.

use crate::clean::cell::Cell;
use crate::domain::{Area, Fsa, Geography, Month, MonthRange, Status, WardModel};

/// Columns that there can be: requests without a ward, without an FSA, and of each ward and FSA.
const PLACES: usize = 2 + 44 + 25 + Fsa::COUNT as usize;

/// No column.
const NONE: u16 = u16::MAX;

/// Counts as running sums over the months, so that a range costs one subtraction whatever its length.
#[derive(Debug)]
pub struct Series {
    months: MonthRange,
    /// What the columns of every plane are; sorted. An area of `None` is the requests without one.
    slots: Vec<(Geography, Option<Area>)>,
    /// The column of each place, to be looked up without a search: an answer asks some ten thousand times.
    columns: Vec<u16>,
    total: Plane,
    by_status: Vec<(Status, Plane)>,
}

impl Series {
    /// From cells in any order. Cells outside `months` are left out.
    pub fn new(months: MonthRange, cells: &[(Cell, i64)]) -> Self {
        let mut slots: Vec<_> = cells.iter().map(|(cell, _)| (cell.geography, cell.area)).collect();
        slots.sort_unstable();
        slots.dedup();
        let mut columns = vec![NONE; PLACES];
        for (slot, &(geography, area)) in slots.iter().enumerate() {
            columns[place(geography, area)] = slot as u16;
        }
        let mut statuses: Vec<_> = cells.iter().map(|(cell, _)| cell.status).collect();
        statuses.sort_unstable();
        statuses.dedup();
        let mut plane = PlaneBuilder::new(months, slots.len());
        let mut of = |status: Option<Status>| {
            for (cell, requests) in cells.iter().filter(|(cell, _)| status.is_none_or(|wanted| cell.status == wanted)) {
                plane.add(columns[place(cell.geography, cell.area)], cell.month, *requests);
            }
            plane.take()
        };
        let total = of(None);
        let by_status = statuses.into_iter().map(|status| (status, of(Some(status)))).collect();
        Self { months, slots, columns, total, by_status }
    }

    fn slot(&self, geography: Geography, area: Option<Area>) -> Option<usize> {
        let column = self.columns[place(geography, area)];
        (column != NONE).then_some(usize::from(column))
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
            (Some(slot), Some(plane)) => plane.between(slot, self.rows(months)),
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
        slots.map(|(slot, _)| plane.between(slot, rows)).sum()
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

    /// The months before and through a range, counted from the first and cut to those that there are.
    fn rows(&self, months: MonthRange) -> (usize, usize) {
        let row = |index: usize| index.saturating_sub(self.months.first().index()).min(self.months.months());
        (row(months.first().index()), row(months.last().index() + 1))
    }

    /// Bytes that it takes in memory, nearly.
    pub fn weight(&self) -> usize {
        let planes = self.by_status.iter().map(|(_, plane)| plane).chain([&self.total]);
        planes.map(Plane::weight).sum::<usize>() + self.columns.len() * size_of::<u16>()
    }
}

/// Where a column is noted.
fn place(geography: Geography, area: Option<Area>) -> usize {
    match (area, geography) {
        (None, Geography::Ward) => 0,
        (None, Geography::Fsa) => 1,
        (Some(Area::Ward(ward)), _) if ward.model() == WardModel::Wards44 => 1 + usize::from(ward.number()),
        (Some(Area::Ward(ward)), _) => 1 + 44 + usize::from(ward.number()),
        (Some(Area::Fsa(fsa)), _) => 2 + 44 + 25 + usize::from(fsa.index()),
    }
}

/// Of each slot the running sum through each month, from the first month in which there is a request to the last: most
/// types, and most statuses of a type, occur in some years only.
#[derive(Debug)]
struct Plane {
    columns: Vec<Column>,
    sums: Sums,
}

/// In half of the bytes where all are small: those of a single type nearly always are.
#[derive(Debug)]
enum Sums {
    Small(Vec<u16>),
    Large(Vec<u32>),
}

impl Sums {
    fn new(sums: Vec<u32>) -> Self {
        let small: Result<Vec<u16>, _> = sums.iter().map(|&sum| u16::try_from(sum)).collect();
        small.map_or_else(|_| Self::Large(sums), Self::Small)
    }

    fn get(&self, at: usize) -> u32 {
        match self {
            Self::Small(sums) => u32::from(sums[at]),
            Self::Large(sums) => sums[at],
        }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Small(sums) => sums.len() * size_of::<u16>(),
            Self::Large(sums) => sums.len() * size_of::<u32>(),
        }
    }
}

/// Where the sums of a slot are.
#[derive(Debug, Clone, Copy)]
struct Column {
    at: u32,
    /// Months before the first sum.
    first: u16,
    length: u16,
}

impl Plane {
    /// Requests of a slot in the months from the one to before the other.
    fn between(&self, slot: usize, (from, to): (usize, usize)) -> u64 {
        let column = self.columns[slot];
        u64::from(self.before(column, to).saturating_sub(self.before(column, from)))
    }

    /// Requests before a month.
    fn before(&self, column: Column, month: usize) -> u32 {
        let months = month.saturating_sub(usize::from(column.first)).min(usize::from(column.length));
        if months == 0 { 0 } else { self.sums.get(column.at as usize + months - 1) }
    }

    fn weight(&self) -> usize {
        self.columns.len() * size_of::<Column>() + self.sums.weight()
    }
}

/// All months of all slots, to be filled, packed, and filled again.
struct PlaneBuilder {
    months: MonthRange,
    /// Slot by slot.
    requests: Vec<u32>,
}

impl PlaneBuilder {
    fn new(months: MonthRange, slots: usize) -> Self {
        Self { months, requests: vec![0; months.months() * slots] }
    }

    fn add(&mut self, slot: u16, month: Month, requests: i64) {
        if self.months.first() <= month && month <= self.months.last() {
            let at = usize::from(slot) * self.months.months() + month.index() - self.months.first().index();
            self.requests[at] = self.requests[at].saturating_add(u32::try_from(requests).unwrap_or(u32::MAX));
        }
    }

    fn take(&mut self) -> Plane {
        let (mut columns, mut sums) = (Vec::new(), Vec::new());
        for months in self.requests.chunks_exact_mut(self.months.months()) {
            let first = months.iter().position(|requests| *requests > 0).unwrap_or(0);
            let length = months.iter().rposition(|requests| *requests > 0).map_or(0, |last| last + 1 - first);
            columns.push(Column { at: sums.len() as u32, first: first as u16, length: length as u16 });
            sums.extend(months[first..first + length].iter().scan(0u32, |sum, requests| {
                *sum = sum.saturating_add(*requests);
                Some(*sum)
            }));
            months.fill(0);
        }
        Plane { columns, sums: Sums::new(sums) }
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
            &[
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
