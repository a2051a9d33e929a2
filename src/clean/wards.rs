//! Ward names as the City writes them: `Name (NN)`, decided by name *and* number, never by the bare number.
//!
//! Numbers 1 to 25 occur in both models, and 16 names do; together they leave one pair that is in both, `Etobicoke North
//! (01)`, which the model of the whole file decides.

use crate::domain::{Ward, WardModel};

const WARDS_25: [&str; 25] = [
    "Etobicoke North",
    "Etobicoke Centre",
    "Etobicoke-Lakeshore",
    "Parkdale-High Park",
    "York South-Weston",
    "York Centre",
    "Humber River-Black Creek",
    "Eglinton-Lawrence",
    "Davenport",
    "Spadina-Fort York",
    "University-Rosedale",
    "Toronto-St. Paul's",
    "Toronto Centre",
    "Toronto-Danforth",
    "Don Valley West",
    "Don Valley East",
    "Don Valley North",
    "Willowdale",
    "Beaches-East York",
    "Scarborough Southwest",
    "Scarborough Centre",
    "Scarborough-Agincourt",
    "Scarborough North",
    "Scarborough-Guildwood",
    "Scarborough-Rouge Park",
];

/// Each of these names is two wards, `2n - 1` and `2n`.
const PAIRS_44: [&str; 22] = [
    "Etobicoke North",
    "Etobicoke Centre",
    "Etobicoke-Lakeshore",
    "York West",
    "York Centre",
    "York South-Weston",
    "Parkdale-High Park",
    "Eglinton-Lawrence",
    "Davenport",
    "Trinity-Spadina",
    "St. Paul's",
    "Willowdale",
    "Don Valley West",
    "Toronto Centre-Rosedale",
    "Toronto-Danforth",
    "Beaches-East York",
    "Don Valley East",
    "Scarborough Southwest",
    "Scarborough Centre",
    "Scarborough-Agincourt",
    "Scarborough-Rouge River",
    "Scarborough East",
];

/// Reads `Name (NN)` in a file of a model; `None` when no ward of either model has that name and number.
///
/// Tolerates case, blanks around the parts, a missing leading zero and a curly apostrophe, as other publications of the
/// City have them.
pub fn parse(text: &str, of_file: WardModel) -> Option<Ward> {
    let (name, number) = text.trim().strip_suffix(')')?.rsplit_once('(')?;
    let number: u8 = number.trim().parse().ok()?;
    let name = name.trim().replace('\u{2019}', "'");
    [of_file, WardModel::Wards25, WardModel::Wards44]
        .into_iter()
        .filter_map(|model| Ward::new(model, number))
        .find(|&ward| name_of(ward).eq_ignore_ascii_case(&name))
}

fn name_of(ward: Ward) -> &'static str {
    let index = usize::from(ward.number() - 1);
    match ward.model() {
        WardModel::Wards25 => WARDS_25[index],
        WardModel::Wards44 => PAIRS_44[index / 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use WardModel::{Wards25, Wards44};

    fn ward(text: &str, of_file: WardModel) -> Option<(u8, u8)> {
        parse(text, of_file).map(|w| (w.model().count(), w.number()))
    }

    #[test]
    fn name_and_number_decide_the_model() {
        for of_file in [Wards25, Wards44] {
            assert_eq!(ward("Davenport (18)", of_file), Some((44, 18)));
            assert_eq!(ward("Davenport (09)", of_file), Some((25, 9)));
            assert_eq!(ward("St. Paul's (22)", of_file), Some((44, 22)));
            assert_eq!(ward("Scarborough-Rouge Park (25)", of_file), Some((25, 25)));
        }
    }

    #[test]
    fn one_pair_alone_is_in_both_models_and_goes_by_the_file() {
        let texts = |model: WardModel| (1..=model.count()).filter_map(move |number| Ward::new(model, number));
        for ward in texts(Wards25).chain(texts(Wards44)) {
            let text = format!("{} ({:02})", name_of(ward), ward.number());
            let read = [Wards25, Wards44].map(|of_file| parse(&text, of_file).unwrap());
            assert_eq!(read[0] != read[1], text == "Etobicoke North (01)", "{text}");
        }
        assert_eq!(ward("Etobicoke North (01)", Wards44), Some((44, 1)));
        assert_eq!(ward("Etobicoke North (01)", Wards25), Some((25, 1)));
    }

    #[test]
    fn spellings_of_other_publications_are_understood() {
        for text in ["York Centre (6)", " york centre  (06) ", "York Centre( 6 )"] {
            assert_eq!(ward(text, Wards25), Some((25, 6)), "{text}");
        }
        assert_eq!(ward("Toronto-St. Paul\u{2019}s (12)", Wards25), Some((25, 12)));
    }

    #[test]
    fn a_number_or_a_name_alone_is_no_ward() {
        for text in ["25", "(07)", "Toronto", "Nowhere (99)", "Ward 25", "Davenport (08)", "Unknown", "", "(", ")"] {
            assert_eq!(ward(text, Wards25), None, "{text}");
        }
    }
}
