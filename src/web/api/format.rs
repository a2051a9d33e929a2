//! The forms in which a resource can be had: by the suffix of its address, else by `Accept`.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// A form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An object, or a list in its envelope.
    Json,
    /// RFC 7946.
    GeoJson,
    /// RFC 4180, with a header.
    Csv,
    /// What the columns of the CSV mean: W3C's CSV on the Web.
    CsvMetadata,
}

impl Format {
    /// What follows the resource's name and a dot.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::GeoJson => "geojson",
            Self::Csv => "csv",
            Self::CsvMetadata => "csv-metadata.json",
        }
    }

    /// The media type, without parameters.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::GeoJson => "application/geo+json",
            Self::Csv => "text/csv",
            Self::CsvMetadata => "application/csvm+json",
        }
    }

    /// The header.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            other => other.media_type(),
        }
    }

    /// The one that a client likes best of those that there are; the first where it does not care, `None` where it takes
    /// none of them.
    pub fn accepted(formats: &[Self], headers: &HeaderMap) -> Option<Self> {
        let mut ranges = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
        if ranges.peek().is_none() {
            return formats.first().copied();
        }
        let ranges: Vec<Range<'_>> = ranges.flat_map(|value| value.split(',')).map(Range::read).collect();
        let quality = |format: &Format| {
            let matching =
                ranges.iter().filter_map(|range| Some((range.precision(format.media_type())?, range.quality)));
            matching.max_by_key(|(precision, _)| *precision).map_or(0.0, |(_, quality)| quality)
        };
        // Where several are liked as much, the first: `max_by` would take the last.
        let best = formats.iter().rev().max_by(|a, b| quality(a).total_cmp(&quality(b)))?;
        (quality(best) > 0.0).then_some(*best)
    }
}

/// An item of `Accept`.
struct Range<'h> {
    media_type: &'h str,
    quality: f32,
}

impl<'h> Range<'h> {
    fn read(item: &'h str) -> Self {
        let mut parts = item.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        Self { media_type, quality: quality.and_then(|q| q.parse().ok()).unwrap_or(1.0) }
    }

    /// How exactly it names a media type, if it does.
    fn precision(&self, media_type: &str) -> Option<u8> {
        let (kind, _) = media_type.split_once('/')?;
        match self.media_type.split_once('/')? {
            ("*", "*") => Some(0),
            (of, "*") if of.eq_ignore_ascii_case(kind) => Some(1),
            _ => self.media_type.eq_ignore_ascii_case(media_type).then_some(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_form_that_is_liked_best_is_sent() {
        let formats = [Format::Json, Format::Csv];
        let accepted = |accept: &str| {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(accept).unwrap())]);
            Format::accepted(&formats, &headers)
        };
        assert_eq!(Format::accepted(&formats, &HeaderMap::new()), Some(Format::Json));
        assert_eq!(accepted("*/*"), Some(Format::Json));
        assert_eq!(accepted("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Format::Json));
        assert_eq!(accepted("text/csv"), Some(Format::Csv));
        assert_eq!(accepted("application/json;q=0.5, TEXT/*"), Some(Format::Csv));
        assert_eq!(accepted("*/*, application/json;q=0"), Some(Format::Csv));
        assert_eq!(accepted("text/html"), None);
        assert_eq!(accepted("nonsense"), None);
    }
}
