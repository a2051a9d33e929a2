//! The built-in demo source: three complete years of invented requests in the form of the City's files.
//!
//! With an empty lake and the City out of reach there is still something to show, and it goes through the same pipeline
//! as the real files. How many requests there are per month, type, ward and status follows published totals at about
//! 1:11 (the tables beside this file); seasons and hours are rough shapes, types do not depend on wards, and which
//! request is where and when is chance: a single row says nothing.
//!
//! The chance is seeded: the same version of the program writes the same bytes, so a demo release has a stable id too.
//!
//! Contains information licensed under the Open Government Licence – Toronto and the Statistics Canada Open Licence.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::ops::RangeInclusive;
use std::path::Path;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::domain::Month;

/// The years of the demo, all complete.
pub const YEARS: RangeInclusive<u16> = 2023..=2025;

const HEADER: &str = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,\
                      Intersection Street 2,Ward,Service Request Type,Division,Section\n";

/// Per 10,000 requests of 2022 to 2026, as published.
const STATUSES: [(&str, u32); 6] =
    [("Completed", 7620), ("Cancelled", 1076), ("In Progress", 552), ("New", 410), ("Closed", 208), ("Unknown", 134)];

/// Per 1,000 requests, from midnight: people report when they are up and the lines are staffed.
const HOURS: [u32; 24] = [3, 3, 1, 1, 1, 2, 11, 28, 67, 103, 110, 108, 95, 92, 89, 84, 69, 48, 34, 22, 12, 8, 6, 3];

/// Writes `SR2023.zip`, `SR2024.zip` and `SR2025.zip` into a folder, which is made if need be: 120,000 rows in all.
///
/// A file of the same name is replaced. After an error the file at work may be half written.
pub fn write(folder: &Path) -> io::Result<()> {
    let city = City::read()?;
    fs::create_dir_all(folder)?;
    YEARS.into_iter().try_for_each(|year| write_year(&city, folder, year))
}

/// One ZIP with one member. Its time stamp is fixed, so that the bytes depend on nothing but the tables.
fn write_year(city: &City, folder: &Path, year: u16) -> io::Result<()> {
    let file = File::create(folder.join(format!("SR{year}.zip")))?;
    let mut zip = ZipWriter::new(BufWriter::new(file));
    zip.start_file(format!("SR{year}.csv"), SimpleFileOptions::DEFAULT)?;
    zip.write_all(HEADER.as_bytes())?;
    for volume in city.months.iter().filter(|volume| volume.month.year() == year) {
        let text = city.rows(volume)?;
        zip.write_all(&encoding(year).encode(&text).0)?;
    }
    zip.finish()?.flush()
}

/// The City's files are UTF-8 to 2024 and Latin-1 in 2025; Windows-1252 is the same for its letters.
fn encoding(year: u16) -> &'static Encoding {
    if year < 2025 { UTF_8 } else { WINDOWS_1252 }
}

/// What is known about the requests of the city: the tables beside this file.
struct City {
    months: Vec<Volume>,
    requests: Vec<Request>,
    places: Urn<Place>,
    /// By ward; a row without a ward has no crossing.
    crossings: BTreeMap<String, Urn<Crossing>>,
}

#[derive(Deserialize)]
struct Volume {
    month: Month,
    requests: usize,
}

#[derive(Deserialize)]
struct Request {
    /// The first month under this name; none if it had it before the demo begins.
    first: Option<Month>,
    /// The last month under this name; none if it still has it.
    last: Option<Month>,
    season: Season,
    weight: u32,
    division: String,
    section: String,
    label: String,
}

#[derive(Deserialize)]
struct Place {
    ward: String,
    fsa: String,
    weight: u32,
}

#[derive(Deserialize)]
struct Crossing {
    ward: String,
    street_1: String,
    street_2: String,
}

/// In which months of the year a type is asked for.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Season {
    Even,
    Winter,
    Summer,
}

impl Season {
    /// How much more than its yearly mean a type has in a month; 10 is the mean.
    fn share(self, month: Month) -> u32 {
        let year = match self {
            Self::Even => [10; 12],
            Self::Winter => [31, 35, 19, 4, 0, 0, 0, 0, 0, 1, 7, 23],
            Self::Summer => [3, 3, 5, 9, 15, 17, 17, 15, 13, 11, 8, 4],
        };
        year[usize::from(month.month() - 1)]
    }
}

impl City {
    fn read() -> io::Result<Self> {
        let places = table::<Place>(include_str!("demo/places.csv"))?;
        let mut crossings = BTreeMap::<String, Vec<_>>::new();
        for crossing in table::<Crossing>(include_str!("demo/crossings.csv"))? {
            crossings.entry(crossing.ward.clone()).or_default().push((1, crossing));
        }
        Ok(Self {
            months: table(include_str!("demo/months.csv"))?,
            requests: table(include_str!("demo/requests.csv"))?,
            places: Urn::new(places.into_iter().map(|place| (place.weight, place)))?,
            crossings: crossings
                .into_iter()
                .map(|(ward, all)| Ok((ward, Urn::new(all)?)))
                .collect::<io::Result<_>>()?,
        })
    }

    /// The lines of a month in order of time. A month has its own seed: a change to one leaves the others as they are.
    fn rows(&self, volume: &Volume) -> io::Result<String> {
        let month = volume.month;
        let chance = &mut Chance(month.index() as u64);
        let requests = Urn::new(self.requests.iter().map(|request| (request.weight_in(month), request)))?;
        let statuses = statuses_of(month)?;
        let mut text = String::with_capacity(volume.requests * 160);
        for time in times(volume, chance)? {
            let request = requests.draw(chance);
            let place = self.places.draw(chance);
            let [fsa, street_1, street_2] = self.locate(request, place, chance);
            let (status, ward) = (statuses.draw(chance), &place.ward);
            let Request { label, division, section, .. } = request;
            // No value is quoted, not even one with a comma: that is how the City has published since 2021.
            push_time(&mut text, month, time);
            for value in [*status, fsa, street_1, street_2, ward, label, division, section] {
                text.push(',');
                text.push_str(value);
            }
            text.push('\n');
        }
        Ok(text)
    }

    /// The postal code and two streets; about 16 % of requests have the word `Intersection` and a crossing of the ward.
    fn locate<'c>(&'c self, request: &Request, place: &'c Place, chance: &mut Chance) -> [&'c str; 3] {
        match self.crossings.get(&place.ward) {
            Some(crossings) if chance.below(100) < request.at_crossings() => {
                let crossing = crossings.draw(chance);
                ["Intersection", &crossing.street_1, &crossing.street_2]
            }
            _ => [&place.fsa, "", ""],
        }
    }
}

impl Request {
    /// Its weight among all requests of a month; 0 when it has another name then.
    fn weight_in(&self, month: Month) -> u32 {
        let named = self.first.is_none_or(|first| first <= month) && self.last.is_none_or(|last| month <= last);
        if named { self.weight * self.season.share(month) } else { 0 }
    }

    /// Out of 100: what is wrong with a road has a crossing for its address, what is wrong with a bin has a house.
    fn at_crossings(&self) -> u64 {
        if self.division == "Transportation Services" { 50 } else { 6 }
    }
}

/// The statuses that a month's requests have when the last month has just been published: the later they were made, the
/// more of them are open still, up to four times as many as in old months.
fn statuses_of(month: Month) -> io::Result<Urn<&'static str>> {
    let published = usize::from(YEARS.end() + 1) * 12;
    let age = u32::try_from(published - month.index()).unwrap_or(u32::MAX);
    let weight = |status, weight| match status {
        "New" | "In Progress" => weight * (2 + 7_u32.saturating_sub(age)),
        _ => weight * 2,
    };
    Urn::new(STATUSES.map(|(status, base)| (weight(status, base), status)))
}

/// A moment of a month: day, hour, minute, second.
type Time = (u8, u8, u8, u8);

/// When the requests of a month are made, in order of time. Weekends have less than half of a working day's.
fn times(volume: &Volume, chance: &mut Chance) -> io::Result<Vec<Time>> {
    let days =
        Urn::new((1..=volume.month.days()).map(|day| (if is_weekend(volume.month, day) { 4 } else { 10 }, day)))?;
    let hours = Urn::new(HOURS.into_iter().zip(0..24))?;
    let mut times: Vec<Time> = (0..volume.requests)
        .map(|_| (*days.draw(chance), *hours.draw(chance), chance.below(60) as u8, chance.below(60) as u8))
        .collect();
    times.sort_unstable();
    Ok(times)
}

fn is_weekend(month: Month, day: u8) -> bool {
    use jiff::civil::{Date, Weekday};
    let date = Date::new(month.year() as i16, month.month() as i8, day as i8);
    date.is_ok_and(|date| matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday))
}

/// `YYYY-MM-DD HH:MM:SS.0000000`, seven digits though the City knows no fractions of a second.
fn push_time(text: &mut String, month: Month, (day, hour, minute, second): Time) {
    // Writing into a string cannot fail.
    let _ = write!(text, "{month}-{day:02} {hour:02}:{minute:02}:{second:02}.0000000");
}

/// Reads one of the tables: lines that begin with `#` tell where it is from.
fn table<T: DeserializeOwned>(text: &str) -> io::Result<Vec<T>> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(text.as_bytes());
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}

/// Things to draw from, with putting back, each as often as its weight says.
struct Urn<T> {
    things: Vec<T>,
    /// The sum of the weights up to and with each thing.
    upto: Vec<u64>,
    total: u64,
}

impl<T> Urn<T> {
    /// Things of weight 0 are left out; an error when there is nothing else, as one could not draw.
    fn new(weighted: impl IntoIterator<Item = (u32, T)>) -> io::Result<Self> {
        let mut urn = Self { things: Vec::new(), upto: Vec::new(), total: 0 };
        for (weight, thing) in weighted.into_iter().filter(|(weight, _)| *weight > 0) {
            urn.total += u64::from(weight);
            urn.things.push(thing);
            urn.upto.push(urn.total);
        }
        let empty =
            || io::Error::new(io::ErrorKind::InvalidData, "a table of the demo source has nothing to draw from");
        if urn.things.is_empty() { Err(empty()) } else { Ok(urn) }
    }

    fn draw(&self, chance: &mut Chance) -> &T {
        let ticket = chance.below(self.total);
        &self.things[self.upto.partition_point(|&upto| upto <= ticket)]
    }
}

/// `splitmix64`: a few lines whose numbers will never change, which no crate promises.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to below the limit, which is not 0.
    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Read;
    use std::sync::LazyLock;

    /// The CSV of each year, written once for all tests.
    static FILES: LazyLock<BTreeMap<u16, Vec<u8>>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path()).unwrap();
        YEARS.map(|year| (year, member(&folder.path().join(format!("SR{year}.zip")), year))).collect()
    });

    fn member(path: &Path, year: u16) -> Vec<u8> {
        let mut archive = zip::ZipArchive::new(File::open(path).unwrap()).unwrap();
        assert_eq!(archive.len(), 1);
        let mut bytes = Vec::new();
        archive.by_name(&format!("SR{year}.csv")).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// The rows of a year, split at every comma.
    fn rows(year: u16) -> Vec<Vec<String>> {
        let text = WINDOWS_1252.decode_without_bom_handling(&FILES[&year]).0;
        let lines = text.strip_prefix(HEADER).unwrap().lines();
        lines.map(|line| line.split(',').map(str::to_owned).collect()).collect()
    }

    fn all_rows() -> impl Iterator<Item = Vec<String>> {
        YEARS.flat_map(rows)
    }

    fn share(rows: &[Vec<String>], holds: impl Fn(&[String]) -> bool) -> f64 {
        rows.iter().filter(|row| holds(row)).count() as f64 / rows.len() as f64
    }

    #[test]
    fn two_runs_write_the_same_bytes() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let written = folders.each_ref().map(|folder| {
            write(&folder.path().join("new/folder")).unwrap();
            YEARS
                .map(|year| fs::read(folder.path().join(format!("new/folder/SR{year}.zip"))).unwrap())
                .collect::<Vec<_>>()
        });
        assert!(written[0] == written[1]);
    }

    #[test]
    fn a_year_has_a_small_share_of_the_published_rows_in_order_of_time() {
        let counts: Vec<_> = YEARS
            .map(|year| {
                let rows = rows(year);
                assert!(rows.is_sorted_by(|a, b| a[0] <= b[0]), "{year}");
                assert!(rows.iter().all(|row| row[0].starts_with(&format!("{year}-"))), "{year}");
                rows.len()
            })
            .collect();
        assert_eq!(counts, [37_662, 39_731, 45_479]);
    }

    #[test]
    fn a_month_has_its_share_of_the_published_rows() {
        let rows = rows(2025);
        let in_month = |month: &str| rows.iter().filter(|row| row[0].starts_with(month)).count();
        assert_eq!((in_month("2025-02"), in_month("2025-11")), (4882, 3048));
    }

    #[test]
    fn every_date_exists_and_has_seven_digits_of_a_second() {
        for row in all_rows() {
            assert_eq!(row[0].len(), 27, "{}", row[0]);
            assert!(row[0].ends_with(".0000000"));
            assert!(row[0][..19].parse::<jiff::civil::DateTime>().is_ok(), "{}", row[0]);
        }
    }

    #[test]
    fn only_the_documented_values_make_ten_fields() {
        let mut commas = BTreeSet::new();
        for row in all_rows().filter(|row| row.len() != 9) {
            assert_eq!(row.len(), 10, "{row:?}");
            let at = if row[7] == "Solid Waste Management Services" { 8 } else { 7 };
            commas.insert((row[0][..4].to_owned(), format!("{},{}", row[at], row[at + 1])));
        }
        let (parks, climate) = ("Parks, Forestry & Recreation", "Environment, Climate & Forestry");
        let transfer = "Transfer, Disposal & Operations";
        let expected = [
            ("2023", parks),
            ("2023", transfer),
            ("2024", parks),
            ("2024", transfer),
            ("2025", climate),
            ("2025", transfer),
        ];
        assert_eq!(commas, expected.map(|(year, value)| (year.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn nothing_is_quoted_and_lines_end_in_a_line_feed() {
        for bytes in FILES.values() {
            assert!(!bytes.contains(&b'"') && !bytes.contains(&b'\r'));
            assert_eq!(bytes.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn files_to_2024_are_utf_8_and_that_of_2025_is_latin_1() {
        assert!(std::str::from_utf8(&FILES[&2023]).unwrap().contains("CaféTO"));
        assert!(std::str::from_utf8(&FILES[&2024]).unwrap().contains("CaféTO"));
        assert!(std::str::from_utf8(&FILES[&2025]).is_err());
        assert!(FILES[&2025].windows(7).any(|bytes| bytes == b"Caf\xe9TO "));
    }

    #[test]
    fn every_row_has_a_ward_or_an_fsa_and_nearly_all_have_the_ward() {
        let mut wards = BTreeSet::new();
        let mut unknown = 0;
        for row in all_rows() {
            let ward = ward(&row[5]);
            let fsa = crate::domain::Fsa::new(row[2].as_bytes());
            assert!(fsa.is_some() || (row[2] == "Intersection" && ward.is_some()), "{row:?}");
            assert_eq!(row[3].is_empty(), fsa.is_some(), "{row:?}");
            unknown += usize::from(ward.is_none());
            wards.extend(ward.map(|_| row[5].clone()));
        }
        assert_eq!(wards.len(), 25);
        assert!((1..40).contains(&unknown), "{unknown}");
    }

    /// The number of one of the 25 wards by its published text.
    fn ward(text: &str) -> Option<u8> {
        assert!(text == "Unknown" || text.ends_with(')'), "{text}");
        let (_, number) = text.strip_suffix(')')?.rsplit_once(" (")?;
        Some(crate::domain::Ward::new(crate::domain::WardModel::Wards25, number.parse().unwrap()).unwrap().number())
    }

    #[test]
    fn shares_follow_the_published_ones() {
        let rows: Vec<_> = all_rows().collect();
        for (what, published, found) in [
            ("intersections", 0.16, share(&rows, |row| row[2] == "Intersection")),
            ("Toronto-Danforth", 0.059, share(&rows, |row| row[5] == "Toronto-Danforth (14)")),
            ("completed", 0.76, share(&rows, |row| row[1] == "Completed")),
            ("solid waste", 0.34, share(&rows, |row| row[7] == "Solid Waste Management Services")),
            ("ten fields", 0.075, share(&rows, |row| row.len() == 10)),
        ] {
            assert!((found / published - 1.0).abs() < 0.2, "{what}: {found:.3} for {published}");
        }
    }

    #[test]
    fn the_latest_requests_are_open_more_often() {
        let rows = rows(2025);
        let open = |month: &str| {
            let of_month: Vec<_> = rows.iter().filter(|row| row[0].starts_with(month)).cloned().collect();
            share(&of_month, |row| row[1] == "New" || row[1] == "In Progress")
        };
        assert!(open("2025-12") > 2.0 * open("2025-03"));
    }

    #[test]
    fn a_renamed_type_has_one_name_at_a_time() {
        let mut months = BTreeMap::<_, BTreeSet<_>>::new();
        for row in all_rows() {
            months.entry(row[6].clone()).or_default().insert(row[0][..7].to_owned());
        }
        let last = |label: &str| months[label].last().unwrap().as_str();
        let first = |label: &str| months[label].first().unwrap().as_str();
        assert_eq!(last("Road - Pot hole"), "2024-10");
        assert_eq!(first("Road Pothole / Road Damage"), "2024-11");
        assert!(months["Sidewalk Snow Clearing Required"].iter().all(|month| !month.ends_with("-07")));
    }
}
