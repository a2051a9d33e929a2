//! All counts of one request type, ready for any range of months.

use crate::clean::cell::Cell;
use crate::domain::{Area, Fsa, Geography, Month, MonthRange, Status, WardModel};

/// No column.
const NONE: u16 = u16::MAX;

/// Counts as running sums over the months, so that a range costs one subtraction whatever its length.
#[derive(Debug)]
pub struct Series {
    months: MonthRange,
    /// Of each kind of places the column of each place: a type does not occur in all FSAs.
    columns: [Vec<u16>; Kind::ALL.len()],
    total: Plane,
    by_status: Vec<(Status, Plane)>,
}

impl Series {
    /// From cells in any order. Cells outside `months` are left out.
    pub fn new(months: MonthRange, cells: &[(Cell, i64)]) -> Self {
        let columns = Kind::ALL.map(|kind| columns(kind, cells));
        let mut statuses: Vec<_> = cells.iter().map(|(cell, _)| cell.status).collect();
        statuses.sort_unstable();
        statuses.dedup();
        let mut plane = PlaneBuilder::new(months, &columns);
        let mut of = |status: Option<Status>| {
            for (cell, requests) in cells.iter().filter(|(cell, _)| status.is_none_or(|wanted| cell.status == wanted)) {
                plane.add(&columns, cell, *requests);
            }
            plane.take()
        };
        let total = of(None);
        let by_status = statuses.into_iter().map(|status| (status, of(Some(status)))).collect();
        Self { months, columns, total, by_status }
    }

    /// In whole months, of one status or of all.
    pub fn period(&self, months: MonthRange, status: Option<Status>) -> Period<'_> {
        let plane = match status {
            None => Some(&self.total),
            Some(status) => self.by_status.iter().find(|(s, _)| *s == status).map(|(_, plane)| plane),
        };
        let before = |month: Month| month.index().saturating_sub(self.months.first().index());
        Period { columns: &self.columns, plane, from: before(months.first()), to: before(months.last().next()) }
    }

    /// Requests with and without an area: every accepted row is counted in each geography.
    pub fn all(&self, months: MonthRange, status: Option<Status>) -> u64 {
        self.period(months, status).of(Kind::City, 0)
    }

    /// All months that it has counts for.
    pub fn months(&self) -> MonthRange {
        self.months
    }

    /// Bytes that it takes in memory, nearly.
    pub fn weight(&self) -> usize {
        let planes = self.by_status.iter().map(|(_, plane)| plane).chain([&self.total]);
        let columns: usize = self.columns.iter().map(Vec::len).sum();
        planes.map(Plane::weight).sum::<usize>() + columns * size_of::<u16>()
    }
}

/// Counts of some months.
#[derive(Debug, Clone, Copy)]
pub struct Period<'a> {
    columns: &'a [Vec<u16>; Kind::ALL.len()],
    /// None where nothing has the status.
    plane: Option<&'a Plane>,
    /// Months before the first, counted from the first of the series.
    from: usize,
    /// Months through the last.
    to: usize,
}

impl<'a> Period<'a> {
    /// The same of one set of areas, where many are asked for.
    pub fn areas(self, geography: Geography, ward_model: WardModel) -> AreaCounts<'a> {
        let kind = Kind::of(geography, ward_model);
        let rows = self.plane.map(|plane| [self.from, self.to].map(|months| plane.tables[kind as usize].row(months)));
        AreaCounts { kind, columns: &self.columns[kind as usize], rows }
    }

    /// Requests of an area; `None`: those without an area in that geography.
    pub fn requests(&self, geography: Geography, area: Option<Area>) -> u64 {
        let (kind, number) = place(geography, area);
        self.of(kind, number)
    }

    fn of(&self, kind: Kind, number: usize) -> u64 {
        match (self.plane, self.columns[kind as usize].get(number)) {
            (Some(plane), Some(&column)) if column != NONE => {
                plane.tables[kind as usize].between(usize::from(column), self.from, self.to)
            }
            _ => 0,
        }
    }
}

/// Counts of some months in one set of areas.
#[derive(Debug, Clone, Copy)]
pub struct AreaCounts<'a> {
    kind: Kind,
    columns: &'a [u16],
    /// Before the months and through them.
    rows: Option<[Row<'a>; 2]>,
}

impl AreaCounts<'_> {
    /// Requests of an area; none of one that is not in the set.
    #[inline]
    pub fn requests(&self, area: Area) -> u64 {
        let (kind, number) = place_of(area);
        match (self.rows, self.columns.get(number)) {
            (Some([before, through]), Some(&column)) if column != NONE && kind == self.kind => {
                let column = usize::from(column);
                u64::from(through.get(column).saturating_sub(before.get(column)))
            }
            _ => 0,
        }
    }
}

/// Places that are counted in the same months: wards were redrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    City,
    /// Requests without a ward, and without an FSA.
    Nowhere,
    Wards44,
    Wards25,
    Fsas,
}

impl Kind {
    const ALL: [Self; 5] = [Self::City, Self::Nowhere, Self::Wards44, Self::Wards25, Self::Fsas];

    fn of(geography: Geography, ward_model: WardModel) -> Self {
        match (geography, ward_model) {
            (Geography::Ward, WardModel::Wards44) => Self::Wards44,
            (Geography::Ward, WardModel::Wards25) => Self::Wards25,
            (Geography::Fsa, _) => Self::Fsas,
        }
    }

    /// How many there can be.
    fn places(self) -> usize {
        match self {
            Self::City => 1,
            Self::Nowhere => 2,
            Self::Wards44 => 44,
            Self::Wards25 => 25,
            Self::Fsas => usize::from(Fsa::COUNT),
        }
    }
}

/// The kind of a place, and its number in it.
fn place(geography: Geography, area: Option<Area>) -> (Kind, usize) {
    match (area, geography) {
        (None, Geography::Ward) => (Kind::Nowhere, 0),
        (None, Geography::Fsa) => (Kind::Nowhere, 1),
        (Some(area), _) => place_of(area),
    }
}

fn place_of(area: Area) -> (Kind, usize) {
    match area {
        Area::Ward(ward) => (Kind::of(Geography::Ward, ward.model()), usize::from(ward.number()) - 1),
        Area::Fsa(fsa) => (Kind::Fsas, usize::from(fsa.index())),
    }
}

/// Numbers the places of a kind in which there are requests.
fn columns(kind: Kind, cells: &[(Cell, i64)]) -> Vec<u16> {
    let mut columns = vec![NONE; kind.places()];
    if kind == Kind::City {
        columns[0] = 0;
    }
    for (of, number) in cells.iter().map(|(cell, _)| place(cell.geography, cell.area)) {
        if of == kind {
            columns[number] = 0;
        }
    }
    for (column, occurs) in columns.iter_mut().filter(|column| **column != NONE).enumerate() {
        *occurs = column as u16;
    }
    columns
}

/// Of each kind of places its counts.
#[derive(Debug)]
struct Plane {
    tables: [Table; Kind::ALL.len()],
}

impl Plane {
    fn weight(&self) -> usize {
        self.tables.iter().map(|table| table.sums.weight()).sum()
    }
}

/// Running sums, month by month: what is asked for together lies together. From the first month in which there is a
/// request to the last: most types, and most statuses of a type, occur in some years only.
#[derive(Debug)]
struct Table {
    width: usize,
    /// Months before the first that has requests.
    first: usize,
    /// Months from the first to the last that has requests.
    length: usize,
    /// Of each column before the first month, then through each.
    sums: Sums,
}

impl Table {
    /// Requests in the months from the one to before the other.
    fn between(&self, column: usize, from: usize, to: usize) -> u64 {
        u64::from(self.row(to).get(column).saturating_sub(self.row(from).get(column)))
    }

    /// The sums through so many months.
    fn row(&self, months: usize) -> Row<'_> {
        let start = months.saturating_sub(self.first).min(self.length) * self.width;
        match &self.sums {
            Sums::Small(sums) => Row::Small(&sums[start..start + self.width]),
            Sums::Large(sums) => Row::Large(&sums[start..start + self.width]),
        }
    }
}

/// Of each column the sum.
#[derive(Debug, Clone, Copy)]
enum Row<'a> {
    Small(&'a [u16]),
    Large(&'a [u32]),
}

impl Row<'_> {
    fn get(self, column: usize) -> u32 {
        match self {
            Self::Small(sums) => u32::from(sums[column]),
            Self::Large(sums) => sums[column],
        }
    }
}

/// In half of the bytes where all are small: those of a single type nearly always are.
#[derive(Debug)]
enum Sums {
    Small(Box<[u16]>),
    Large(Box<[u32]>),
}

impl Sums {
    /// In no more memory than they need: much of what the server takes are these.
    fn new(sums: Vec<u32>) -> Self {
        let are_small = sums.iter().all(|&sum| sum <= u32::from(u16::MAX));
        if are_small { Self::Small(sums.iter().map(|&sum| sum as u16).collect()) } else { Self::Large(sums.into()) }
    }

    fn weight(&self) -> usize {
        match self {
            Self::Small(sums) => sums.len() * size_of::<u16>(),
            Self::Large(sums) => sums.len() * size_of::<u32>(),
        }
    }
}

/// All months of all places, to be filled, packed, and filled again.
struct PlaneBuilder {
    months: MonthRange,
    tables: [TableBuilder; Kind::ALL.len()],
}

/// Requests, month by month.
struct TableBuilder {
    width: usize,
    requests: Vec<u32>,
}

impl PlaneBuilder {
    fn new(months: MonthRange, columns: &[Vec<u16>; Kind::ALL.len()]) -> Self {
        let table = |columns: &Vec<u16>| {
            let width = columns.iter().filter(|column| **column != NONE).count();
            TableBuilder { width, requests: vec![0; months.months() * width] }
        };
        Self { months, tables: columns.each_ref().map(table) }
    }

    fn add(&mut self, columns: &[Vec<u16>; Kind::ALL.len()], cell: &Cell, requests: i64) {
        if cell.month < self.months.first() || self.months.last() < cell.month {
            return;
        }
        let month = cell.month.index() - self.months.first().index();
        let mut add = |kind: Kind, number: usize| {
            let table = &mut self.tables[kind as usize];
            let sum = &mut table.requests[month * table.width + usize::from(columns[kind as usize][number])];
            *sum = sum.saturating_add(u32::try_from(requests).unwrap_or(u32::MAX));
        };
        let (kind, number) = place(cell.geography, cell.area);
        add(kind, number);
        if cell.geography == Geography::Ward {
            add(Kind::City, 0);
        }
    }

    fn take(&mut self) -> Plane {
        Plane { tables: self.tables.each_mut().map(TableBuilder::take) }
    }
}

impl TableBuilder {
    fn take(&mut self) -> Table {
        let width = self.width;
        let first = self.requests.iter().position(|requests| *requests > 0).map_or(0, |at| at / width);
        let end = self.requests.iter().rposition(|requests| *requests > 0).map_or(first, |at| at / width + 1);
        let mut sums = Vec::with_capacity((end - first + 1) * width);
        sums.resize(width, 0);
        for (at, requests) in self.requests[first * width..end * width].iter().enumerate() {
            sums.push(requests.saturating_add(sums[at]));
        }
        self.requests.fill(0);
        Table { width, first, length: end - first, sums: Sums::new(sums) }
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
        let requests = |geography, area, months, status| series.period(range(months), status).requests(geography, area);
        let wards = |months, status| requests(Geography::Ward, ward, months, status);
        assert_eq!(wards("2023-11..2024-02", None), 321);
        assert_eq!(wards("2023-12..2024-02", Some(Status::New)), 20);
        assert_eq!(wards("2023-11", None), 1);
        assert_eq!(wards("2023-12..2024-01", None), 0);
        assert_eq!(wards("2020-01..2030-01", None), 321, "months without data add nothing");
        assert_eq!(wards("2024-02", Some(Status::Unknown)), 0);
        assert_eq!(requests(Geography::Fsa, fsa, "2024-01", None), 7);
        let all = series.period(range("2023-11..2024-02"), None);
        let of = |geography, model, area: Option<Area>| all.areas(geography, model).requests(area.unwrap());
        assert_eq!(of(Geography::Ward, WardModel::Wards25, ward), 321);
        assert_eq!(of(Geography::Fsa, WardModel::Wards25, fsa), 7);
        assert_eq!(of(Geography::Ward, WardModel::Wards44, ward), 0, "another set of areas");
        assert_eq!(requests(Geography::Ward, None, "2024-01", None), 5);
        assert_eq!(series.all(range("2023-11..2024-02"), None), 326);
    }
}
