//! The three sets of areas that a build makes: what each is called, comes from, and must say about itself.

use std::path::PathBuf;

use super::source::{self, Source};
use super::{Error, Inputs, census, set_id};
use crate::domain::{Geography, WardModel};

/// Farthest that a border may move, in metres: as small as files of 12 KB (wards) and 22 KB (FSAs) after brotli allow.
/// At the scale of the whole city a pixel is 40 m or more.
const WARDS_25_TOLERANCE_M: f64 = 6.5;
const WARDS_44_TOLERANCE_M: f64 = 9.0;
const FSAS_TOLERANCE_M: f64 = 9.0;

const CITY_LICENCE: &str = "Contains information licensed under the Open Government Licence – Toronto.";

/// A set of areas to be made.
pub(super) struct Layer {
    pub(super) model: Option<WardModel>,
    /// First and last day, `YYYY-MM-DD`.
    pub(super) valid: (Option<&'static str>, Option<&'static str>),
    pub(super) dataset: String,
    pub(super) publisher: &'static str,
    pub(super) attribution: Vec<String>,
    pub(super) tolerance_m: f64,
    pub(super) path: PathBuf,
    pub(super) source: Source,
    pub(super) populations: census::Table,
}

impl Layer {
    /// What its files are called.
    pub(super) fn id(&self) -> &'static str {
        set_id(self.model)
    }

    pub(super) fn geography(&self) -> Geography {
        if self.model.is_some() { Geography::Ward } else { Geography::Fsa }
    }
}

/// The 25 wards with their populations.
pub(super) fn wards_25(inputs: &Inputs) -> Result<Layer, Error> {
    let source = source::wards(&inputs.wards, WardModel::Wards25)?;
    let populations = census::read(&inputs.ward_population, "ward_number")?;
    census::check(&inputs.ward_population, &populations, &source.areas)?;
    Ok(Layer {
        model: Some(WardModel::Wards25),
        valid: (Some("2018-12-01"), None),
        dataset: "City Wards (25-Ward Model); populations: Ward Profiles (25-Ward Model)".into(),
        publisher: "City of Toronto, Open Data",
        attribution: [vec![CITY_LICENCE.into()], census_licences(&populations)].concat(),
        tolerance_m: inputs.tolerance_m.unwrap_or(WARDS_25_TOLERANCE_M),
        path: inputs.wards.clone(),
        source,
        populations,
    })
}

/// The 44 wards, for months before 2018; no census was counted by them here.
pub(super) fn wards_44(inputs: &Inputs) -> Result<Layer, Error> {
    Ok(Layer {
        model: Some(WardModel::Wards44),
        valid: (Some("2000-12-01"), Some("2018-11-30")),
        dataset: "City Wards (44-Ward Model), edition of May 2010".into(),
        publisher: "City of Toronto, Open Data",
        attribution: vec![CITY_LICENCE.into()],
        tolerance_m: inputs.tolerance_m.unwrap_or(WARDS_44_TOLERANCE_M),
        path: inputs.wards_44.clone(),
        source: source::wards(&inputs.wards_44, WardModel::Wards44)?,
        populations: census::Table::default(),
    })
}

/// The FSAs with their populations.
pub(super) fn fsas(inputs: &Inputs) -> Result<Layer, Error> {
    let source = source::fsas(&inputs.fsas)?;
    let mut populations = census::read(&inputs.fsa_population, "fsa")?;
    census::check(&inputs.fsa_population, &populations, &source.areas)?;
    populations.of.retain(|code, _| source.areas.iter().any(|a| a.area.to_string() == *code));
    let product = format!("Forward Sortation Area Boundary File, {} Census", source.edition);
    // The clip makes the City's wards a source of these shapes too.
    let licences = vec![statcan_licence(&product), CITY_LICENCE.into()];
    Ok(Layer {
        model: None,
        valid: (None, None),
        dataset: format!("{product}, clipped to the outline of the City Wards; populations: Census of Population"),
        publisher: "Statistics Canada",
        attribution: [licences, census_licences(&populations)].concat(),
        tolerance_m: inputs.tolerance_m.unwrap_or(FSAS_TOLERANCE_M),
        path: inputs.fsas.clone(),
        source,
        populations,
    })
}

fn statcan_licence(product: &str) -> String {
    format!(
        "Adapted from Statistics Canada, {product}. This does not constitute an endorsement by Statistics Canada of this \
         product."
    )
}

fn census_licences(populations: &census::Table) -> Vec<String> {
    let mut years: Vec<u16> = populations.of.values().map(|p| p.census_year).collect();
    years.sort_unstable();
    years.dedup();
    years.into_iter().map(|year| statcan_licence(&format!("Census of Population, {year}"))).collect()
}
