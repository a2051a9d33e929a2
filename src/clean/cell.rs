//! What a count is of, and the small numbers that stand for it.

use crate::domain::{Area, Fsa, Geography, Month, Status, Ward, WardModel};

/// What a count is of, besides the request type. Ordered as the rows of a mart are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Every accepted row is counted once in each geography.
    pub geography: Geography,
    /// None for rows that have no area in this geography.
    pub area: Option<Area>,
    /// Month of creation.
    pub month: Month,
    /// State at the time of publication.
    pub status: Status,
}

impl Cell {
    /// The ward model of its area; none for FSAs and for rows without a ward.
    pub fn ward_model(&self) -> Option<WardModel> {
        match self.area {
            Some(Area::Ward(ward)) => Some(ward.model()),
            _ => None,
        }
    }
}

/// A geography with an area of it or none, as a number: 0 no ward, 1 to 44 and 45 to 69 the wards of either model, 70
/// no FSA, 71 to 330 the FSAs. Ordered as these are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u16);

const WARDS_25: u16 = 45;
const NO_FSA: u16 = 70;

impl Place {
    /// How many there are.
    pub const COUNT: u16 = NO_FSA + 1 + Fsa::COUNT;

    /// Where a row with this ward is counted.
    pub fn of_ward(ward: Option<Ward>) -> Self {
        Self(ward.map_or(0, |ward| match ward.model() {
            WardModel::Wards44 => u16::from(ward.number()),
            WardModel::Wards25 => WARDS_25 - 1 + u16::from(ward.number()),
        }))
    }

    /// Where a row with this FSA is counted.
    pub fn of_fsa(fsa: Option<Fsa>) -> Self {
        Self(fsa.map_or(NO_FSA, |fsa| NO_FSA + 1 + fsa.index()))
    }

    /// From its number.
    pub fn new(number: u16) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// Its number, below [`Place::COUNT`].
    pub fn number(self) -> u16 {
        self.0
    }

    /// The geography that it is of.
    pub fn geography(self) -> Geography {
        if self.0 < NO_FSA { Geography::Ward } else { Geography::Fsa }
    }

    /// The ward model that it is of, unless it is no ward.
    pub fn ward_model(self) -> Option<WardModel> {
        match self.0 {
            1..WARDS_25 => Some(WardModel::Wards44),
            WARDS_25..NO_FSA => Some(WardModel::Wards25),
            _ => None,
        }
    }

    /// Where its area's code is in [`area_codes`].
    pub fn area_code(self) -> Option<u32> {
        let codes = match self.0 {
            0 | NO_FSA => return None,
            1..WARDS_25 => self.0 - 1,
            WARDS_25..NO_FSA => self.0 - WARDS_25,
            _ => self.0 - NO_FSA - 1 + u16::from(WardModel::Wards44.count()),
        };
        Some(u32::from(codes))
    }

    fn area(self) -> Option<Area> {
        let ward = |model, first: u16| Ward::new(model, (self.0 - first) as u8).map(Area::Ward);
        match self.0 {
            0 | NO_FSA => None,
            1..WARDS_25 => ward(WardModel::Wards44, 0),
            WARDS_25..NO_FSA => ward(WardModel::Wards25, WARDS_25 - 1),
            _ => Fsa::from_index(self.0 - NO_FSA - 1).map(Area::Fsa),
        }
    }
}

/// The codes of all areas: of wards, whichever model, then of FSAs.
pub fn area_codes() -> Vec<String> {
    let wards = (1..=WardModel::Wards44.count()).map(|number| format!("{number:02}"));
    wards.chain((0..).map_while(Fsa::from_index).map(|fsa| fsa.to_string())).collect()
}

/// A [`Cell`] in one word: sorting it is a tenth of the work. Ordered as cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellCode(u32);

impl CellCode {
    /// Places are below 512, months below 65,536, statuses below 8.
    pub fn new(place: Place, month: Month, status: Status) -> Self {
        Self(u32::from(place.0) << 19 | (month.index() as u32) << 3 | status as u32)
    }

    /// Of which place.
    pub fn place(self) -> Place {
        Place((self.0 >> 19) as u16)
    }

    /// The index of its month.
    pub fn month_index(self) -> u16 {
        (self.0 >> 3) as u16
    }

    /// The place of its status in [`Status::ALL`].
    pub fn status_index(self) -> u32 {
        self.0 & 7
    }

    /// The cell that it stands for.
    pub fn cell(self) -> Option<Cell> {
        let (geography, area) = (self.place().geography(), self.place().area());
        let month = Month::from_index(self.month_index())?;
        Some(Cell { geography, area, month, status: *Status::ALL.get(self.status_index() as usize)? })
    }
}

impl From<Cell> for CellCode {
    fn from(cell: Cell) -> Self {
        let place = match (cell.geography, cell.area) {
            (_, Some(Area::Ward(ward))) => Place::of_ward(Some(ward)),
            (_, Some(Area::Fsa(fsa))) => Place::of_fsa(Some(fsa)),
            (Geography::Ward, None) => Place::of_ward(None),
            (Geography::Fsa, None) => Place::of_fsa(None),
        };
        Self::new(place, cell.month, cell.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_has_a_code_of_its_own_in_the_same_order() {
        let month = "2024-05".parse().unwrap();
        let codes = (0..Place::COUNT).map(|number| CellCode::new(Place::new(number).unwrap(), month, Status::New));
        let cells: Vec<Cell> = codes.clone().map(|code| code.cell().unwrap()).collect();
        assert!(cells.is_sorted_by(|a, b| a < b));
        assert!(cells.iter().map(|&cell| CellCode::from(cell)).eq(codes));
        assert_eq!(Place::new(Place::COUNT), None);
        let next = Cell { month: Month::next(month), ..cells[3] };
        let other = Cell { status: Status::Unknown, ..cells[3] };
        assert!(CellCode::from(cells[3]) < CellCode::from(other) && CellCode::from(other) < CellCode::from(next));
    }

    #[test]
    fn a_place_knows_the_code_of_its_area() {
        let codes = area_codes();
        for number in 0..Place::COUNT {
            let place = Place::new(number).unwrap();
            let code = place.area_code().map(|at| codes[at as usize].clone());
            assert_eq!(code, place.area().map(|area| area.to_string()));
        }
    }
}
