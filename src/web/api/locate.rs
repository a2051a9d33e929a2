//! `locate`: the ward and the postal area of a position, or the wards of a postal code.
//!
//! Where somebody is, is nobody else's business: answers are kept nowhere, and the log leaves these queries out.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::body::{Body, Caching};
use super::super::layers::Layers;
use super::super::parameters::{BadParameter, Parameters};
use crate::boundaries::{Boundaries, BoundedArea};
use crate::domain::{Area, Fsa, Geography, WardModel};

/// Where this resource is.
pub const PATH: &str = "/api/v1/locate";

const LATITUDES: &str = "degrees of latitude, -90 to 90, together with lon";
const LONGITUDES: &str = "degrees of longitude, -180 to 180, together with lat";
const POSTAL_CODES: &str = "a postal code such as M5V 3A8, or its first three characters";

/// What was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// `lat` and `lon`, in degrees.
    Position {
        /// North of the equator.
        lat: f64,
        /// East of Greenwich.
        lon: f64,
    },
    /// `postal`: the first three characters of a postal code, which may be another city's.
    Postal(String),
}

impl Place {
    /// Reads a query string. All problems are reported at once.
    pub fn parse(query: &str) -> Result<Self, Vec<BadParameter>> {
        let mut asked = Parameters::read(query, &["lat", "lon", "postal"]);
        let (lat, lon) = (degrees(&mut asked, "lat", 90.0, LATITUDES), degrees(&mut asked, "lon", 180.0, LONGITUDES));
        let position = lat.zip(lon).map(|(lat, lon)| Self::Position { lat, lon });
        let place = match asked.get("postal").map(str::to_owned) {
            Some(text) => {
                refuse_position(&mut asked);
                postal(&mut asked, &text)
            }
            None => {
                refuse_half(&mut asked);
                position
            }
        };
        asked.end(place)
    }
}

/// A number of degrees. `NaN` is a number to the parser, but in no range.
fn degrees(asked: &mut Parameters<'_>, name: &'static str, most: f64, allowed: &str) -> Option<f64> {
    let degrees: f64 = asked.word(name, || allowed.to_owned())?;
    let fits = (-most..=most).contains(&degrees);
    if !fits {
        asked.refuse(name, &degrees.to_string(), allowed);
    }
    fits.then_some(degrees)
}

/// The first three characters, in capitals.
fn postal(asked: &mut Parameters<'_>, text: &str) -> Option<Place> {
    let capitals = text.trim().to_ascii_uppercase();
    let parts = capitals.split_at_checked(3).map(|(area, rest)| (area, rest.trim_start()));
    let is = |text: &str, form: &str| {
        let fits = |(c, f): (char, char)| if f == '0' { c.is_ascii_digit() } else { c.is_ascii_uppercase() };
        text.len() == form.len() && text.chars().zip(form.chars()).all(fits)
    };
    let found = parts.filter(|(area, rest)| is(area, "A0A") && (rest.is_empty() || is(rest, "0A0")));
    if found.is_none() {
        asked.refuse("postal", text, POSTAL_CODES);
    }
    found.map(|(area, _)| Place::Postal(area.to_owned()))
}

/// Two places may be two different ones.
fn refuse_position(asked: &mut Parameters<'_>) {
    for name in ["lat", "lon"] {
        if let Some(value) = asked.get(name).map(str::to_owned) {
            asked.refuse(name, &value, "postal alone, or lat and lon without postal");
        }
    }
}

fn refuse_half(asked: &mut Parameters<'_>) {
    for (name, allowed) in [("lat", LATITUDES), ("lon", LONGITUDES)] {
        if asked.get(name).is_none() {
            asked.refuse(name, "", format!("{allowed}; or postal"));
        }
    }
}

/// The answer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Located")]
#[serde(untagged)]
pub enum Located<'a> {
    /// Of a position.
    Position {
        /// As asked.
        lat: f64,
        /// As asked.
        lon: f64,
        /// Whether it is in a ward.
        in_city: bool,
        /// Of the 25 wards.
        ward: Option<WardAnswer<'a>>,
        /// Of the 44 wards, for months before 2018.
        former_ward: Option<WardAnswer<'a>>,
        /// On the shore and the city limits, a ward without a postal area occurs: they are drawn by different offices.
        fsa: Option<FsaAnswer>,
    },
    /// Of a postal code.
    Postal {
        /// Its first three characters.
        postal: &'a str,
        /// Whether it is one of Toronto's.
        in_city: bool,
        /// The postal area.
        fsa: FsaAnswer,
        /// The wards that it lies in, the largest part first.
        wards: Vec<WardAnswer<'a>>,
    },
}

/// A ward of one of the two models.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LocatedWard")]
pub struct WardAnswer<'a> {
    /// Its number in two digits.
    code: String,
    /// Its name.
    name: &'a str,
    /// Which wards.
    ward_model: Option<WardModel>,
    /// The part of the postal area that is in the ward.
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
}

/// A postal area. Some have no polygon: they belong to a single building or to post-office boxes.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LocatedFsa")]
pub struct FsaAnswer {
    /// Its three characters.
    code: String,
    /// Whether its shape is known.
    has_polygon: bool,
}

/// Answers with a place's areas. A place outside the city has none, which is an answer.
pub fn answer(place: &Place, layers: &Layers) -> anyhow::Result<Body> {
    let located = match place {
        Place::Position { lat, lon } => position(*lat, *lon, layers),
        Place::Postal(area) => of_postal_code(area, layers),
    };
    Ok(Body::new("application/json", Caching::Never, serde_json::to_vec(&located)?))
}

fn position(lat: f64, lon: f64, layers: &Layers) -> Located<'_> {
    let find = |model| layers.get(Geography::Ward, model).boundaries.area_at(lon, lat);
    let (ward, former) = (find(WardModel::Wards25), find(WardModel::Wards44));
    let fsa = fsas(layers).area_at(lon, lat);
    Located::Position {
        lat,
        lon,
        in_city: ward.is_some(),
        ward: ward.map(|area| ward_answer(area, None)),
        former_ward: former.map(|area| ward_answer(area, None)),
        fsa: fsa.map(|area| FsaAnswer { code: area.area.to_string(), has_polygon: true }),
    }
}

fn of_postal_code<'a>(postal: &'a str, layers: &'a Layers) -> Located<'a> {
    // Postal codes that begin with M are Toronto's, whether or not they have a polygon.
    let fsa = Fsa::new(postal.as_bytes()).map(Area::Fsa);
    let area = fsas(layers).areas.iter().find(|area| Some(area.area) == fsa);
    let wards = &layers.get(Geography::Ward, WardModel::Wards25).boundaries;
    let shares = area.map(|area| wards.shares_of(area)).unwrap_or_default();
    let ward = |(at, share): (usize, f64)| ward_answer(&wards.areas[at], Some((share * 1e3).round() / 1e3));
    Located::Postal {
        postal,
        in_city: fsa.is_some(),
        fsa: FsaAnswer { code: postal.to_owned(), has_polygon: area.is_some() },
        wards: shares.into_iter().map(ward).collect(),
    }
}

fn fsas(layers: &Layers) -> &Boundaries {
    &layers.get(Geography::Fsa, WardModel::Wards25).boundaries
}

fn ward_answer(area: &BoundedArea, share: Option<f64>) -> WardAnswer<'_> {
    let ward_model = match area.area {
        Area::Ward(ward) => Some(ward.model()),
        Area::Fsa(_) => None,
    };
    WardAnswer { code: area.area.to_string(), name: &area.name, ward_model, share }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_postal_code_is_read_in_any_case_with_or_without_a_blank() {
        for query in ["postal=M5V", "postal=m5v", "postal=M5V3A8", "postal=m5v+3a8", "postal=%20M5V%203A8+&lat="] {
            assert_eq!(Place::parse(query), Ok(Place::Postal("M5V".to_owned())), "{query}");
        }
    }

    #[test]
    fn a_place_that_is_none_is_refused_by_parameter() {
        for (query, expected) in [
            ("", "lat,lon"),
            ("lat=43.7", "lon"),
            ("lon=-79.4", "lat"),
            ("lat=200&lon=-79.4", "lat"),
            ("lat=43.7&lon=-180.1", "lon"),
            ("lat=NaN&lon=inf", "lat,lon"),
            ("lat=43,7&lon=-79.4", "lat"),
            ("lat=43.7&lon=-79.4&lat=43.8", "lat"),
            ("lat=43.7&lon=-79.4&postal=M5V", "lat,lon"),
            ("postal=M5V&lat=43.7", "lat"),
            ("postal=5MV", "postal"),
            ("postal=M5V3A", "postal"),
            ("postal=M5V-3A8", "postal"),
            ("postal=M5%C3%89", "postal"),
            ("lat=43.7&lon=-79.4&zoom=3", "zoom"),
        ] {
            let problems = Place::parse(query).unwrap_err();
            let mut params: Vec<_> = problems.iter().map(|problem| problem.param.as_str()).collect();
            params.dedup();
            assert_eq!(params.join(","), expected, "{query}");
        }
    }

    fn json(query: &str, layers: &Layers) -> serde_json::Value {
        let place = Place::parse(query).unwrap();
        let located = match &place {
            Place::Position { lat, lon } => position(*lat, *lon, layers),
            Place::Postal(postal) => of_postal_code(postal, layers),
        };
        serde_json::to_value(located).unwrap()
    }

    #[test]
    fn every_postal_area_is_in_wards_that_make_up_nearly_all_of_it() {
        let layers = Layers::read(None).unwrap();
        for area in &fsas(&layers).areas {
            let answer = json(&format!("postal={}", area.area), &layers);
            let sum: f64 = answer["wards"].as_array().unwrap().iter().map(|w| w["share"].as_f64().unwrap()).sum();
            assert!((0.96..=1.002).contains(&sum), "{}: {sum}", area.area);
        }
    }

    #[test]
    #[ignore = "prints times"]
    fn times_of_positions_and_postal_codes() {
        let layers = Layers::read(None).unwrap();
        let mut random = fastrand::Rng::with_seed(311);
        let places: Vec<_> =
            (0..100_000).map(|_| (43.55 + 0.33 * random.f64(), -79.65 + 0.55 * random.f64())).collect();
        let started = Instant::now();
        let inside = places.iter().filter(|(lat, lon)| {
            let json = serde_json::to_vec(&position(*lat, *lon, &layers)).unwrap();
            json.windows(14).any(|w| w == b"\"in_city\":true")
        });
        let inside = inside.count();
        let each = started.elapsed() / 100_000;
        println!("a position, three sets of areas, with its JSON: {each:?}; {inside} of 100,000 in the city");
        let started = Instant::now();
        let boundaries = &layers.get(Geography::Ward, WardModel::Wards25).boundaries;
        let found = places.iter().filter(|(lat, lon)| boundaries.area_at(*lon, *lat).is_some()).count();
        println!("the ward of a position: {:?}; {found} found", started.elapsed() / 100_000);
        let started = Instant::now();
        let json = |postal: &str| serde_json::to_vec(&of_postal_code(postal, &layers)).unwrap();
        let all = fsas(&layers).areas.iter().map(|area| json(&area.area.to_string()).len());
        let bytes: usize = all.sum();
        println!("a postal code: {:?}; {bytes} bytes of all 96", started.elapsed() / 96);
    }
}
