//! The areas that can be drawn, read once from the boundaries that the program carries.

use anyhow::Context;

use serde_json::json;

use super::assets;
use crate::boundaries::{self, Boundaries, BoundedArea};
use crate::choropleth::geojson::Fragments;
use crate::choropleth::json::members;
use crate::choropleth::svg::Shapes;
use crate::domain::{Geography, WardModel};

/// One set of areas with everything that depends on nothing but its boundaries.
pub struct Layer {
    /// Codes, names, populations.
    pub boundaries: Boundaries,
    /// For the page.
    pub shapes: Shapes,
    /// For the API.
    pub fragments: Fragments,
    /// For the API's tables, in the order of the areas.
    pub columns: Vec<Columns>,
}

/// What rows of an area always have, as members of JSON.
pub struct Columns {
    /// Code and name.
    pub name: String,
    /// Population and its year, square kilometres.
    pub size: String,
}

/// The sets of areas.
pub struct Layers {
    wards_25: Layer,
    wards_44: Layer,
    fsas: Layer,
    /// Where the public finds this server, if it was told; without a slash at the end.
    pub public_url: Option<String>,
}

impl Layers {
    /// Reads the embedded files.
    pub fn read(public_url: Option<String>) -> anyhow::Result<Self> {
        Ok(Self {
            wards_25: layer("wards.geojson")?,
            wards_44: layer("wards-44.geojson")?,
            fsas: layer("fsas.geojson")?,
            public_url,
        })
    }

    /// All sets of areas.
    pub fn all(&self) -> [&Layer; 3] {
        [&self.wards_25, &self.wards_44, &self.fsas]
    }

    /// The areas of a geography; for wards, of a model.
    pub fn get(&self, geography: Geography, model: WardModel) -> &Layer {
        match (geography, model) {
            (Geography::Fsa, _) => &self.fsas,
            (Geography::Ward, WardModel::Wards25) => &self.wards_25,
            (Geography::Ward, WardModel::Wards44) => &self.wards_44,
        }
    }

    /// Licence lines of all boundaries and populations, each once.
    pub fn attribution(&self) -> Vec<&str> {
        let mut lines: Vec<&str> = Vec::new();
        for layer in self.all() {
            for line in &layer.boundaries.attribution {
                if !lines.contains(&line.as_str()) {
                    lines.push(line);
                }
            }
        }
        lines
    }
}

impl Layer {
    /// Whether it has populations to divide by.
    pub fn has_population(&self) -> bool {
        self.boundaries.areas.iter().any(|area| area.population.is_some())
    }

    /// The census that most of its populations are of.
    pub fn census_year(&self) -> Option<u16> {
        self.boundaries.areas.iter().filter_map(|area| area.population).map(|p| p.census_year).max()
    }
}

fn layer(name: &str) -> anyhow::Result<Layer> {
    let boundaries = boundaries::read(assets::named(name).context("not embedded")?.identity)?;
    Ok(Layer {
        shapes: Shapes::new(&boundaries),
        fragments: Fragments::new(&boundaries)?,
        columns: boundaries.areas.iter().map(columns).collect::<Result<_, _>>()?,
        boundaries,
    })
}

fn columns(area: &BoundedArea) -> serde_json::Result<Columns> {
    let (count, year) = area.population.map(|population| (population.count, population.census_year)).unzip();
    Ok(Columns {
        name: members(&json!({"area": area.area, "name": area.name}))?,
        size: members(&json!({"population": count, "population_year": year, "area_km2": area.area_km2}))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_three_sets_of_areas_can_be_drawn() {
        let layers = Layers::read(None).unwrap();
        let sizes = [
            layers.get(Geography::Ward, WardModel::Wards25),
            layers.get(Geography::Ward, WardModel::Wards44),
            layers.get(Geography::Fsa, WardModel::Wards25),
        ]
        .map(|layer| (layer.boundaries.areas.len(), layer.shapes.paths.iter().all(|path| path.starts_with('M'))));
        assert_eq!(sizes, [(25, true), (44, true), (96, true)]);
    }
}
