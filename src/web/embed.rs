//! The map in a frame of another page: drawn, without a script, with a link back.

use std::sync::Arc;

use askama::Template;

use super::answer::Answer;
use super::body::{Body, Caching};
use super::layers::Layers;
use super::live::Live;
use super::page::{Drawing, hatched};
use super::parameters::BadParameter;
use super::respond::Asked;
use super::site::Site;
use super::values::{LegendPart, Row, rows};
use super::view::View;
use super::words;
use crate::choropleth::measure::thousands;
use crate::marts::Series;

/// Like that of the other pages, but that anybody may frame it, and that it has neither scripts nor forms.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
                          form-action 'none'; frame-ancestors *";

/// Parts that can be left out, by `legend=off` and `title=off`.
const OPTIONS: [&str; 2] = ["legend", "title"];

/// A view in a frame.
pub struct Embed {
    /// What it shows.
    pub view: View,
    /// Whether legend and title are shown.
    legend: bool,
    title: bool,
}

impl Embed {
    /// Reads a query: that of a view, and options. Also returns what the page is kept as.
    pub fn parse(query: &str, live: Arc<Live>, layers: &Layers) -> Result<(Self, Asked), Vec<BadParameter>> {
        let (options, of_view): (Vec<_>, Vec<_>) = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .partition(|(name, _)| OPTIONS.contains(&name.as_str()));
        let is_off = |name: &str| options.iter().any(|(option, _)| option == name);
        let bad = options.iter().filter(|(_, value)| value != "off").map(|(param, value)| BadParameter {
            param: param.clone(),
            value: value.chars().take(100).collect(),
            allowed: "off".to_owned(),
            reason: None,
            alternatives: Vec::new(),
        });
        let mut bad: Vec<_> = bad.take(OPTIONS.len()).collect();
        let of_view = form_urlencoded::Serializer::new(String::new()).extend_pairs(of_view).finish();
        match View::parse(&of_view, &live, layers) {
            Ok(view) if bad.is_empty() => {
                let (legend, title) = (!is_off("legend"), !is_off("title"));
                let key = format!("/embed?{} {legend} {title}", view.query(&live, layers));
                let asked = Asked { key, pinned: view.pinned, live };
                Ok((Self { view, legend, title }, asked))
            }
            Ok(_) => Err(bad),
            Err(problems) => {
                bad.extend(problems);
                Err(bad)
            }
        }
    }

    /// Renders the page.
    pub fn page(self, series: Arc<Series>, live: &Live, layers: &Layers) -> anyhow::Result<Body> {
        let answer = Answer::new(self.view, series, live, layers);
        let view = &answer.view;
        let page = EmbedPage {
            site: Site::new(live, layers),
            heading: self.title.then(|| words::heading(view, live)),
            period: words::period(view.months),
            title: words::title(view, live),
            total: thousands(answer.total),
            legend: if self.legend { Some(LegendPart::new(&answer).render()?) } else { None },
            query: view.query(live, layers),
            rows: rows(&answer),
            drawing: Drawing::new(&answer),
            unit: view.measure.unit(),
        };
        Ok(Body::new("text/html; charset=utf-8", Caching::Live, page.render()?))
    }
}

#[derive(Template)]
#[template(path = "embed.html")]
struct EmbedPage<'a> {
    site: Site<'a>,
    heading: Option<String>,
    period: String,
    title: String,
    total: String,
    legend: Option<String>,
    query: String,
    rows: Vec<Row>,
    drawing: Drawing<'a>,
    unit: &'static str,
}
