//! A view as a picture that stands alone: SVG to print or to edit, PNG for posts and previews of links.
//!
//! It has the size that previews have, its own colours and, as PNG, its own font: a server has none.

use std::sync::{Arc, LazyLock};

use anyhow::Context;
use askama::Template;
use resvg::{tiny_skia, usvg};

use super::answer::{Answer, value_text};
use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::values::class_name;
use super::view::View;
use super::words;
use crate::choropleth::measure::thousands;
use crate::choropleth::{AreaValue, Colour, DIVERGING, SEQUENTIAL};
use crate::domain::Geography;
use crate::marts::Series;
use crate::release::Origin;

/// Width and height: what previews of links show whole.
const SIZE: (u32, u32) = (1200, 630);
/// Where the map goes, and how large it may be.
const MAP_AT: (f64, f64) = (40.0, 150.0);
const MAP_SIZE: (f64, f64) = (740.0, 430.0);
/// Characters of the title in a line, and lines.
const TITLE: (usize, usize) = (54, 2);

static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(include_bytes!(concat!(env!("OUT_DIR"), "/Inter_400Regular.ttf")).to_vec());
    fonts.load_font_data(include_bytes!(concat!(env!("OUT_DIR"), "/Inter_600SemiBold.ttf")).to_vec());
    fonts.set_sans_serif_family("Inter");
    Arc::new(fonts)
});

/// An area, drawn.
struct Shape<'a> {
    path: &'a str,
    fill: String,
    selected: bool,
}

/// A line of the legend.
struct Key {
    fill: String,
    label: String,
}

#[derive(Template)]
#[template(path = "picture.svg")]
struct Picture<'a> {
    size: (u32, u32),
    title: Vec<String>,
    summary: String,
    map: String,
    shapes: Vec<Shape<'a>>,
    numbers: Vec<(String, (i64, i64))>,
    measure: &'static str,
    keys: Vec<Key>,
    source: String,
}

/// Renders `/map.svg`.
pub fn svg(view: View, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let svg = Picture::of(&Answer::new(view, series, live, layers), live).render()?;
    Ok(Body::new("image/svg+xml", Caching::Live, svg))
}

/// Renders `/map.png`: some tens of milliseconds, in which this thread answers nobody else.
pub fn png(view: View, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
    let svg = Picture::of(&Answer::new(view, series, live, layers), live).render()?;
    tokio::task::block_in_place(|| drawn(&svg))
}

fn drawn(svg: &str) -> anyhow::Result<Body> {
    let options = usvg::Options { fontdb: FONTS.clone(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options)?;
    let mut pixels = tiny_skia::Pixmap::new(SIZE.0, SIZE.1).context("no memory for a picture")?;
    resvg::render(&tree, tiny_skia::Transform::identity(), &mut pixels.as_mut());
    Ok(Body::new("image/png", Caching::Live, pixels.encode_png()?))
}

impl<'a> Picture<'a> {
    fn of(answer: &'a Answer<'_>, live: &Live) -> Self {
        let (view, shapes) = (&answer.view, &answer.layer.shapes);
        let (width, height) = (f64::from(shapes.size.0), f64::from(shapes.size.1));
        let scale = (MAP_SIZE.0 / width).min(MAP_SIZE.1 / height);
        let shape = |(value, path): (&AreaValue, &'a String)| Shape {
            path,
            fill: fill(class_name(value, &answer.legend)),
            selected: view.area == Some(value.area),
        };
        let number = |(value, at): (&AreaValue, &(i64, i64))| {
            (view.geography == Geography::Ward)
                .then(|| (value.area.to_string().trim_start_matches('0').to_owned(), *at))
        };
        let source = if live.release.origin == Origin::Demo {
            "Demo data: the requests are invented"
        } else {
            "Contains information licensed under the Open Government Licence – Toronto"
        };
        Self {
            size: SIZE,
            title: wrapped(&words::heading(view, live)),
            summary: summary(answer),
            map: format!("translate({} {}) scale({scale:.5})", MAP_AT.0, MAP_AT.1),
            shapes: answer.values.iter().zip(&shapes.paths).map(shape).collect(),
            numbers: answer.values.iter().zip(&shapes.label_points).filter_map(number).collect(),
            measure: view.measure.choice(),
            keys: keys(answer),
            source: format!("{source} · toronto311, release {}", live.release.release),
        }
    }

    /// Colours with the pattern of unstable values on them.
    fn hatched(&self) -> impl Iterator<Item = &'static Colour> {
        SEQUENTIAL.iter().chain(&DIVERGING)
    }
}

fn keys(answer: &Answer<'_>) -> Vec<Key> {
    let classes = answer.legend.classes.iter();
    let classes = classes.map(|swatch| Key { fill: swatch.colour.hex.to_owned(), label: swatch.label.clone() });
    let states = words::states(answer.view.measure).into_iter();
    classes.chain(states.map(|(name, label)| Key { fill: fill(name), label })).collect()
}

/// The paint of a class of the style sheet.
fn fill(class: &str) -> String {
    let colour = SEQUENTIAL.iter().chain(&DIVERGING).find(|colour| colour.name == class);
    match (colour, class) {
        (Some(colour), _) => colour.hex.to_owned(),
        (None, "zero") => "#ffffff".to_owned(),
        (None, pattern) => format!("url(#{pattern})"),
    }
}

/// The period and the number of requests; of the area that is pointed out, what the map says of it.
fn summary(answer: &Answer<'_>) -> String {
    let (view, layer) = (&answer.view, answer.layer);
    let period = words::period(view.months);
    let chosen = layer.boundaries.areas.iter().zip(&answer.values).find(|(_, value)| Some(value.area) == view.area);
    match chosen {
        None => format!("{period} · {} requests by {}", thousands(answer.total), words::area(view.geography)),
        Some((area, value)) => {
            let ranked = answer.values.iter().filter(|value| value.rank.is_some()).count();
            let place = value.rank.map(|rank| format!(", {} of {ranked}", words::ordinal(rank))).unwrap_or_default();
            let (name, text) = (words::name(area), value_text(value, view.measure));
            format!("{period} · {name}: {text} {}{place}", view.measure.unit())
        }
    }
}

/// A title in lines, cut where there are too many.
fn wrapped(title: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in title.split_whitespace() {
        let word: String = word.chars().take(TITLE.0).collect();
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = word,
            Some(line) if line.chars().count() + 1 + word.chars().count() <= TITLE.0 => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    if lines.len() > TITLE.1 {
        lines.truncate(TITLE.1);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_titles_are_wrapped_and_cut() {
        assert_eq!(wrapped("Noise"), ["Noise"]);
        assert_eq!(wrapped("")[0], "");
        let long = wrapped(&"word ".repeat(60));
        assert_eq!(long.len(), 2);
        assert!(long[1].ends_with('…') && long.iter().all(|line| line.chars().count() <= TITLE.0 + 1));
        assert_eq!(wrapped(&"x".repeat(500))[0].len(), TITLE.0);
    }
}
