//! `areas`: the sets of areas that counts are by, and their shapes, for maps that others draw.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::assets::{self, Asset};
use super::super::body::Body;
use super::super::layers::{Layer, Layers};
use crate::domain::{Geography, WardModel};

/// Where the files of areas are.
const FOLDER: &str = "/api/v1/areas";

/// A row of `areas`: one set.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AreaSet")]
pub struct Set<'a> {
    /// Name of its files.
    id: &'static str,
    /// What kind of areas.
    geography: Geography,
    /// Which wards; `null` for FSAs.
    ward_model: Option<WardModel>,
    /// First day on which they were in force, if that is known.
    valid_from: Option<&'a str>,
    /// Last day on which they were in force, if they no longer are.
    valid_to: Option<&'a str>,
    /// How many.
    areas: usize,
    /// West, south, east, north, in degrees.
    bbox: [f64; 4],
    /// How far borders are from the source at most, in metres.
    tolerance_m: f64,
    /// Lines to show beside them.
    attribution: &'a [String],
    /// Their files.
    links: Vec<Link>,
}

/// As in OGC API; the relations are those of RFC 5829 and RFC 7089.
#[derive(Serialize, JsonSchema)]
struct Link {
    /// `latest-version` for the file of this moment, `memento` for what it will always have been.
    rel: &'static str,
    /// Media type.
    r#type: &'static str,
    /// Format.
    title: &'static str,
    /// Address.
    href: String,
    /// Bytes.
    length: usize,
}

/// The sets, with links to their files.
pub fn sets(layers: &Layers) -> Vec<Set<'_>> {
    layers.all().into_iter().map(set).collect()
}

/// The files that there are.
pub fn names() -> Vec<&'static str> {
    assets::ASSETS.iter().filter(|asset| is_of_areas(asset)).map(|asset| asset.name).collect()
}

fn is_of_areas(asset: &Asset) -> bool {
    asset.path.starts_with(FOLDER)
}

/// A file, under its own name or under that of its content.
///
/// Its own name is answered with the file and a tag, not with a redirect to the other name: `fetch`, QGIS and
/// spreadsheets all get the shapes by one request, and by an empty 304 after the first five minutes. Who wants to ask
/// once a year takes the other address from the list.
pub fn file(name: &str) -> Option<&'static Body> {
    assets::named(name).filter(|asset| is_of_areas(asset)).and_then(|asset| assets::latest(asset.name)).or_else(|| {
        let path = format!("{FOLDER}/{name}");
        assets::body(&path)
    })
}

fn set(layer: &Layer) -> Set<'_> {
    let of = &layer.boundaries;
    Set {
        id: of.set_id(),
        geography: of.geography,
        ward_model: of.ward_model,
        valid_from: of.valid_from.as_deref(),
        valid_to: of.valid_to.as_deref(),
        areas: of.areas.len(),
        bbox: of.bbox,
        tolerance_m: of.tolerance_m,
        attribution: &of.attribution,
        links: [("GeoJSON", "geojson"), ("TopoJSON", "topojson")]
            .into_iter()
            .flat_map(|(title, extension)| links(title, &format!("{}.{extension}", of.set_id())))
            .collect(),
    }
}

/// To a file of this moment, and to what it will always have been.
fn links(title: &'static str, name: &str) -> Vec<Link> {
    let Some(asset) = assets::named(name) else { return Vec::new() };
    let link = |rel, href| Link { rel, r#type: asset.content_type, title, href, length: asset.identity.len() };
    vec![link("latest-version", format!("{FOLDER}/{name}")), link("memento", asset.path.to_owned())]
}
