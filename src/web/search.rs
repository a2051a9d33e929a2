//! The search field: wards, postal codes and FSAs, request types, by number or by words.

use askama::Template;

use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::parameters::{BadParameter, Parameters};
use super::site::Site;
use super::words;
use crate::boundaries::BoundedArea;
use crate::choropleth::measure::thousands;
use crate::domain::{Fsa, Geography, WardModel};
use crate::marts::TypeUse;

/// Types that are listed; more words find fewer.
const MOST_TYPES: usize = 50;
/// Longest text that is looked for.
const LONGEST: usize = 100;

/// What was found for a text.
pub struct Found {
    text: String,
    areas: Vec<Hit>,
    types: Vec<Hit>,
    more_types: usize,
}

struct Hit {
    path: String,
    name: String,
    /// What it is, or how often it occurs.
    note: String,
}

/// The text of `q=`; empty without.
pub fn text(query: &str) -> Result<String, Vec<BadParameter>> {
    let mut asked = Parameters::read(query, &["q"]);
    let text = asked.get("q").unwrap_or_default().trim().to_owned();
    if text.chars().count() > LONGEST {
        asked.refuse("q", &text, format!("at most {LONGEST} characters"));
    }
    asked.end(Some(text))
}

impl Found {
    /// Everything that a text names.
    pub fn new(text: String, live: &Live, layers: &Layers) -> Self {
        let words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut types: Vec<&TypeUse> = match words.as_slice() {
            [] => Vec::new(),
            words => live.marts.types().iter().filter(|used| has_all(&used.label, words)).collect(),
        };
        types.sort_by_key(|used| -used.requests);
        Self {
            areas: areas(&text, &words, layers).filter_map(area_hit).collect(),
            more_types: types.len().saturating_sub(MOST_TYPES),
            types: types.into_iter().take(MOST_TYPES).map(type_hit).collect(),
            text,
        }
    }

    /// Where the only thing that was found is.
    pub fn only(&self) -> Option<&str> {
        match (self.areas.as_slice(), self.types.as_slice()) {
            ([only], []) | ([], [only]) => Some(&only.path),
            _ => None,
        }
    }

    /// Renders the list.
    pub fn page(self, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
        let page = SearchPage { site: Site::new(live, layers), found: self };
        Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
    }
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage<'a> {
    site: Site<'a>,
    found: Found,
}

/// `13`, `ward 13`, `toronto centre`, `M5V`, `m5v 3a8`.
fn areas<'l>(text: &str, words: &'l [String], layers: &'l Layers) -> impl Iterator<Item = &'l BoundedArea> {
    let (fsa, number) = (fsa(text), number(words));
    let wards = layers.get(Geography::Ward, WardModel::Wards25).boundaries.areas.iter();
    let fsas = layers.get(Geography::Fsa, WardModel::Wards25).boundaries.areas.iter();
    wards.chain(fsas).filter(move |bounded| match bounded.area {
        crate::domain::Area::Fsa(of) => Some(of) == fsa,
        crate::domain::Area::Ward(ward) if number.is_some() => Some(ward.number()) == number,
        crate::domain::Area::Ward(_) => !words.is_empty() && has_all(&bounded.name, words),
    })
}

fn has_all(text: &str, words: &[String]) -> bool {
    let text = text.to_lowercase();
    let has = |word: &String| {
        let letters_of_word = letters(word);
        text.contains(word.as_str()) || !letters_of_word.is_empty() && letters(&text).contains(&letters_of_word)
    };
    words.iter().all(has)
}

/// A text without what stands between its letters: `Pot hole` is found by `pothole`.
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

fn number(words: &[String]) -> Option<u8> {
    match words {
        [number] => number.parse().ok(),
        [ward, number] if ward == "ward" => number.parse().ok(),
        _ => None,
    }
}

/// The FSA of a postal code, whole or its first half.
fn fsa(text: &str) -> Option<Fsa> {
    let code: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect::<String>().to_uppercase();
    let second_half = |rest: &[u8]| matches!(rest, [] | [b'0'..=b'9', b'A'..=b'Z', b'0'..=b'9']);
    let (first, rest) = code.as_bytes().split_at_checked(3)?;
    Fsa::new(first).filter(|_| second_half(rest))
}

fn area_hit(area: &BoundedArea) -> Option<Hit> {
    let note = match area.area {
        crate::domain::Area::Ward(_) => "ward",
        crate::domain::Area::Fsa(_) => "postal area",
    };
    Some(Hit { path: words::path(area)?, name: words::name(area), note: note.to_owned() })
}

fn type_hit(used: &TypeUse) -> Hit {
    let requests = thousands(used.requests.unsigned_abs());
    let note = format!("{requests} requests, {}", used.division);
    Hit { path: format!("/types/{}", used.request_type), name: used.label.clone(), note }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let layers = Layers::read(None).unwrap();
        let words: Vec<String> = text.to_lowercase().split_whitespace().map(str::to_owned).collect();
        areas(text, &words, &layers).map(words::name).collect()
    }

    #[test]
    fn areas_are_found_by_number_name_and_postal_code() {
        assert_eq!(names("13"), ["13 Toronto Centre"]);
        assert_eq!(names("Ward 4"), ["4 Parkdale-High Park"]);
        assert_eq!(names("york centre"), ["6 York Centre"]);
        assert_eq!(names("m5v"), ["M5V"]);
        assert_eq!(names("M5V 3A8"), ["M5V"]);
        assert!(
            names("M5V 3A").is_empty()
                && names("L4C").is_empty()
                && names("").is_empty()
                && names("ward 26").is_empty()
        );
        assert_eq!(names("scarborough").len(), 6);
    }
}
