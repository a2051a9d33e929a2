//! Which of the two ward models a file was written with. Only `Etobicoke North (01)` needs it, the one
//! text that is a ward of both.

use std::io::Read;

use super::lines::Lines;
use super::read_header;
use super::row::RowReader;
use crate::domain::WardModel;

/// The first year whose file, as published since 2025, has the 25 wards throughout.
const FIRST_YEAR_OF_25: u16 = 2018;

/// The number of the ward whose text is in both models.
const AMBIGUOUS: u8 = 1;

/// Lines that are looked at: hours of a year. A model is used by whole files, so more would say nothing else.
const LINES: usize = 1000;

/// The model of most wards at the beginning of a file. Where none is told, or nothing can be read, the year decides:
/// 2018 was first published with the 44 wards, and then again with the 25.
pub fn ward_model(csv: &mut dyn Read, year: u16) -> WardModel {
    let by_year = if year >= FIRST_YEAR_OF_25 { WardModel::Wards25 } else { WardModel::Wards44 };
    let [of_44, of_25] = tally(csv, year, by_year);
    match of_44.cmp(&of_25) {
        std::cmp::Ordering::Greater => WardModel::Wards44,
        std::cmp::Ordering::Less => WardModel::Wards25,
        std::cmp::Ordering::Equal => by_year,
    }
}

/// Rows with a ward of either model, without those whose text is in both.
fn tally(csv: &mut dyn Read, year: u16, by_year: WardModel) -> [u32; 2] {
    let mut tally = [0; 2];
    let mut lines = Lines::new(csv);
    // What is wrong here is said by who reads all of the file.
    let Ok(columns) = read_header(&mut lines) else { return tally };
    let mut reader = RowReader::new(&columns, year, by_year);
    for _ in 0..LINES {
        if !lines.advance().unwrap_or(false) {
            break;
        }
        let ward = reader.read(&lines).and_then(|judged| judged.ok()?.ward);
        if let Some(ward) = ward.filter(|ward| ward.number() != AMBIGUOUS) {
            tally[ward.model() as usize] += 1;
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(year: u16, wards: &[&str]) -> u8 {
        let mut csv =
            "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,\
                       Service Request Type,Division,Section\n"
                .to_owned();
        for ward in wards {
            csv.push_str(&format!("{year}-01-02 03:04:05.0000000,New,M4C,,,{ward},Noise,MLS,Bylaw\n"));
        }
        ward_model(&mut csv.as_bytes(), year).count()
    }

    #[test]
    fn the_other_wards_of_a_file_tell_its_model() {
        assert_eq!(model(2018, &["Etobicoke North (01)", "Davenport (18)"]), 44);
        assert_eq!(model(2018, &["Davenport (09)", "Etobicoke North (01)"]), 25);
        assert_eq!(model(2016, &["Davenport (09)", "Davenport (09)", "Davenport (18)"]), 25, "real forestry rows");
    }

    #[test]
    fn where_they_tell_nothing_the_year_does() {
        for wards in [&["Etobicoke North (01)", "Unknown"][..], &["Davenport (09)", "Davenport (18)"], &[]] {
            assert_eq!((model(2017, wards), model(2018, wards)), (44, 25), "{wards:?}");
        }
        assert_eq!(ward_model(&mut &b"\x00 no header"[..], 2020), WardModel::Wards25);
    }
}
