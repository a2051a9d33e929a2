//! `geo/README.md`: where each file comes from and how to make it again.

use super::layer::Layer;
use super::{LayerReport, faces};

/// The text for a folder with these layers.
pub(super) fn readme(layers: &[Layer], reports: &[LayerReport]) -> String {
    let mut text = HEAD.to_owned();
    for (layer, report) in layers.iter().zip(reports) {
        let (from, to) = layer.valid;
        let valid = match (from, to) {
            (Some(from), Some(to)) => format!("{from} to {to}"),
            (Some(from), None) => format!("since {from}"),
            _ => format!("as drawn for the census of {}", layer.source.edition),
        };
        let name = layer.path.file_name().unwrap_or_default().display();
        text.push_str(&format!("\n## {}\n\n| | |\n|--|--|\n", layer.id()));
        let mut row = |name: &str, value: String| text.push_str(&format!("| {name} | {value} |\n"));
        row("areas", layer.source.areas.len().to_string());
        let (id, (geojson, topojson)) = (layer.id(), report.bytes);
        row("files", format!("`{id}.geojson` of {geojson} bytes, `{id}.topojson` of {topojson} bytes"));
        row("dataset", layer.dataset.clone());
        row("publisher", layer.publisher.into());
        row("valid", valid);
        row("source", format!("`{name}`, sha256 `{}`", layer.source.sha256));
        if !layer.populations.sha256.is_empty() {
            row("populations", format!("sha256 `{}`", layer.populations.sha256));
        }
        row("tolerance", format!("{} m; the farthest is {:.1} m", layer.tolerance_m, report.deviation_m));
        layer.attribution.iter().for_each(|line| row("licence", line.clone()));
    }
    let (area, width) = (faces::SLIVER_M2, faces::SLIVER_WIDTH_M);
    text + &TAIL.replace("{area}", &area.to_string()).replace("{width}", &width.to_string())
}

const HEAD: &str = "# Boundaries

Written by `toronto311 boundaries build`; do not edit. Each set of areas comes as GeoJSON, WGS 84 with 5 decimals, one area
per line, and as TopoJSON, the same polygons in two fifths of the bytes: a border is there once, as steps of 0.00001 degrees.
The members `geography`, `ward_model`, `valid_from`, `valid_to`, `attribution`, `source_sha256` and `tolerance_m` are ours,
and so are the properties: `code`, `name`, `area_km2` (geodesic, before simplification), `population` and `population_year`
(null where no census was counted by these areas) and `label_point` (inside the area, far from its border).

Populations of wards come from the City's Ward Profiles (25-Ward Model), those of FSAs from the census counts. Their sums
differ (rounding and base), so the two are not to be mixed in one ranking.
";

const TAIL: &str = "
## How they are made

Positions are put on a grid of 0.00001 degrees (about 1 m), lines are made to meet only at common points, FSAs are cut along
the outline of the 25 wards (the shore), and every border is simplified once for both of its sides, so neighbours share
their borders exactly. No point of a source border is farther than the tolerance (and the 1 m of the grid) from the
simplified one. Pieces, gaps and overlaps of less than {area} m², or less than {width} m wide, go to the neighbour with the
longest common border; islets of that size go.

## Rebuild

    toronto311 boundaries build --wards WARDS.geojson --wards-44 WARDS_44.geojson --fsas FSAS.zip \\
        --ward-population WARDS.csv --fsa-population FSAS.csv --out geo

* `--wards`: \"City Wards\" of Open Data Toronto, GeoJSON in WGS 84.
* `--wards-44`: the wards before December 2018, GeoJSON in WGS 84.
* `--fsas`: Statistics Canada's cartographic boundary file of forward sortation areas (`lfsa000b16a_e.zip` or
  `lfsa000b21a_e.zip`, or the `.shp` in it beside its `.shx`, `.dbf` and `.prj`), or a GeoJSON made from it.
* `--ward-population`: CSV with `ward_number`, `census_year`, `population`; `--fsa-population`: with `fsa` in place of
  `ward_number`. The newest census of each area counts.

With `--fetch` in place of `--wards` and `--fsas`, these two are fetched from the City's portal and from Statistics Canada.
The same sources give the same bytes.
";
