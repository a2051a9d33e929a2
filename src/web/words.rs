//! What pages say about views and areas: the same words on every page, picture and feed.

use super::answer::Answer;
use super::live::Live;
use super::view::View;
use crate::boundaries::BoundedArea;
use crate::choropleth::measure::thousands;
use crate::choropleth::{FEW_REQUESTS, FEW_RESIDENTS, Measure};
use crate::domain::{Area, Geography, Month, MonthRange, TypeId, WardModel};

/// A kind of area.
pub fn area(geography: Geography) -> &'static str {
    match geography {
        Geography::Ward => "Ward",
        Geography::Fsa => "FSA",
    }
}

/// The name of an area: `13 Toronto Centre`, `M5V`.
pub fn name(area: &BoundedArea) -> String {
    match area.area {
        Area::Ward(ward) => format!("{} {}", ward.number(), area.name),
        Area::Fsa(fsa) => fsa.to_string(),
    }
}

/// The page of an area: `/wards/13-toronto-centre`, `/fsas/M5V`. The City's earlier wards have none.
pub fn path(area: &BoundedArea) -> Option<String> {
    match area.area {
        Area::Ward(ward) if ward.model() == WardModel::Wards25 => {
            let slug = TypeId::of_label(&area.name).map(|slug| format!("-{slug}")).unwrap_or_default();
            Some(format!("/wards/{}{slug}", ward.number()))
        }
        Area::Ward(_) => None,
        Area::Fsa(fsa) => Some(format!("/fsas/{fsa}")),
    }
}

/// What a view is of: a type, or all.
pub fn heading(view: &View, live: &Live) -> String {
    let used = view.request_type.as_ref().and_then(|id| live.marts.request_type(id.as_str()));
    used.map_or_else(|| "All 311 requests".to_owned(), |used| used.label.clone())
}

/// The title of a view's page.
pub fn title(view: &View, live: &Live) -> String {
    format!("{} by {}, {}", heading(view, live), area(view.geography), period(view.months))
}

/// `September 2026`, `June 2025 to September 2026`.
pub fn period(months: MonthRange) -> String {
    match months.months() {
        1 => months.first().long_name(),
        _ => format!("{} to {}", months.first().long_name(), months.last().long_name()),
    }
}

/// What a period lacks.
pub fn partial(months: MonthRange, live: &Live) -> Option<String> {
    let missing: Vec<_> = live.missing(months).map(Month::long_name).collect();
    match missing.as_slice() {
        [] if live.is_partial(months) => Some("incomplete: the City’s data end within this period".to_owned()),
        [] => None,
        [one] => Some(format!("incomplete: there are no data for {one}")),
        [first, .., last] => Some(format!("incomplete: months between {first} and {last} have no data")),
    }
}

/// How many requests of a view are not on its map, and why.
pub fn not_mapped(answer: &Answer<'_>) -> Option<String> {
    let reason = match answer.view.geography {
        Geography::Ward => "their ward is not known, or is one of the City’s other set of wards",
        Geography::Fsa => {
            "they were reported at an intersection, so without a postal code, or in one that is not an area"
        }
    };
    let many = thousands(answer.not_mapped);
    (answer.not_mapped > 0).then(|| format!("{many} of them are not on this map: {reason}."))
}

/// The other names of a view's type, with the months of their first and last requests.
pub fn renames(view: &View, live: &Live) -> Option<String> {
    let others = live.marts.renames(view.request_type.as_ref()?);
    let name = |used: &&crate::marts::TypeUse| format!("{} ({} to {})", used.label, used.first_month, used.last_month);
    let names: Vec<_> = others.iter().map(name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The states besides the classes that a map of a measure can have: how each is drawn, and what it says.
pub fn states(measure: Measure) -> Vec<(&'static str, String)> {
    let unstable = |few: String| ("hc2", format!("unstable: {few}"));
    let residents = thousands(FEW_RESIDENTS.into());
    let few = format!("under {FEW_REQUESTS} requests");
    match measure {
        Measure::Count => vec![("zero", "no requests".to_owned())],
        Measure::Per1000 => vec![
            unstable(format!("{few} or {residents} residents")),
            ("zero", "no requests".to_owned()),
            ("no_data", "no residents counted".to_owned()),
        ],
        Measure::PerKm2 => vec![unstable(few), ("zero", "no requests".to_owned())],
        Measure::Share => vec![
            unstable(few),
            ("zero", "none of its requests".to_owned()),
            ("no_data", "no requests at all".to_owned()),
        ],
        Measure::Change => {
            vec![("hd3", format!("unstable: {few} a year before")), ("no_data", "none a year before".to_owned())]
        }
    }
}

/// What the values of a map are divided by.
pub fn denominator(answer: &Answer<'_>) -> Option<String> {
    let view = &answer.view;
    match view.measure {
        Measure::Per1000 => Some(format!("Residents as counted by the {} census.", answer.layer.census_year()?)),
        Measure::Change => Some(format!("Compared with {}.", period(view.months.year_before()))),
        Measure::Share => Some("Out of all requests from the same area in these months.".to_owned()),
        Measure::Count | Measure::PerKm2 => None,
    }
}

/// `1st`, `2nd`, `3rd`, `4th`.
pub fn ordinal(n: usize) -> String {
    let suffix = match (n % 10, n % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{n}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_written_as_they_are_spoken() {
        let written = [1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111].map(ordinal).join(" ");
        assert_eq!(written, "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 103rd 111th");
    }
}
