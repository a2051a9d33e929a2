//! What every page of a release says about it, in its footer.

use super::layers::Layers;
use super::live::Live;
use crate::release::Origin;

/// The frame of a page.
pub struct Site<'a> {
    /// Whether the requests are invented.
    pub demo: bool,
    /// The release.
    pub release: &'a str,
    /// Its last complete month.
    pub complete_through: String,
    /// When it was published.
    pub published: String,
    /// Licence lines.
    pub attribution: Vec<&'a str>,
}

impl<'a> Site<'a> {
    /// Of a release.
    pub fn new(live: &'a Live, layers: &'a Layers) -> Self {
        Self {
            demo: live.release.origin == Origin::Demo,
            release: live.release.release.as_str(),
            complete_through: live.release.complete_through.long_name(),
            published: live.pointer.published_at.strftime("%-d %B %Y").to_string(),
            attribution: layers.attribution(),
        }
    }
}
