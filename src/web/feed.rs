//! Atom feeds: an entry for each complete month of an area or of a request type.

use askama::Template;

use super::body::{Body, Caching};
use super::live::Live;
use super::trend::{Point, Trend};
use crate::choropleth::measure::thousands;

/// Entries, the newest first.
const ENTRIES: usize = 24;

/// What a feed is of.
pub struct Subject {
    /// Its title.
    pub title: String,
    /// The path of its page.
    pub path: String,
    /// The folder of monthly reports; its page, where there are none.
    pub reports: Option<String>,
}

struct Entry {
    id: String,
    href: String,
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed<'a> {
    title: &'a str,
    path: &'a str,
    updated: String,
    entries: Vec<Entry>,
}

/// Renders a feed. A month that is restated keeps its id: readers show it once.
pub fn feed(subject: &Subject, trend: &Trend, live: &Live) -> anyhow::Result<Body> {
    let newest = trend.points.iter().rev().take(ENTRIES);
    let feed = Feed {
        title: &subject.title,
        path: &subject.path,
        updated: live.pointer.published_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        entries: newest.filter_map(|point| entry(subject, point)).collect(),
    };
    Ok(Body::new("application/atom+xml", Caching::Live, feed.render()?))
}

fn entry(subject: &Subject, point: &Point) -> Option<Entry> {
    let (path, month) = (&subject.path, point.month);
    let normal =
        point.normal.map(|(low, high)| format!(" Normal for the month: {} to {}.", thousands(low), thousands(high)));
    Some(Entry {
        id: format!("tag:toronto311,2026:{path}/{month}"),
        href: subject.reports.as_ref().map_or_else(|| path.clone(), |folder| format!("{folder}/{month}")),
        title: format!("{}: {} requests", month.long_name(), thousands(point.requests?)),
        text: format!(
            "{} had {} requests in {}.{}",
            subject.title,
            thousands(point.requests?),
            month.long_name(),
            normal.unwrap_or_default()
        ),
    })
}
