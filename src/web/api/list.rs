//! Rows in an envelope of JSON, or as CSV with a sidecar that says what its columns mean.

use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, LINK};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::super::body::{Body, Caching};
use super::super::live::Live;
use super::format::Format;
use crate::choropleth::json::Text;
use crate::domain::Month;

/// What a row of `counts` takes in JSON, and a little more: memory that need not grow is not copied.
const ROW_BYTES: usize = 384;

/// What is around the rows, nearly.
const ENVELOPE_BYTES: usize = 512;

/// What every list is in.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct Envelope<'a, T> {
    /// The release that all rows are from.
    release: &'a str,
    /// The last month of which every day is in the data.
    complete_through: Month,
    /// Rows that there are.
    number_matched: usize,
    /// Rows that are here.
    number_returned: usize,
    /// Where the next rows are; `null` behind the last.
    next: Option<&'a str>,
    /// The rows.
    rows: Vec<T>,
}

/// Rows to be sent in some form.
pub struct List<T> {
    /// Those of this page.
    pub rows: Vec<T>,
    /// With those of other pages.
    pub matched: usize,
    /// The address of the next page.
    pub next: Option<String>,
    /// Columns to send; all where none is named.
    pub fields: Vec<&'static str>,
}

impl<T> From<Vec<T>> for List<T> {
    fn from(rows: Vec<T>) -> Self {
        Self { matched: rows.len(), rows, next: None, fields: Vec::new() }
    }
}

/// Where a list is asked for.
pub struct At<'a> {
    /// The release.
    pub live: &'a Live,
    /// The resource.
    pub name: &'static str,
    /// Its query in the normal form.
    pub query: &'a str,
    /// The form.
    pub format: Format,
}

impl<T: Serialize + JsonSchema> List<T> {
    /// In the form that is asked for.
    pub fn render(self, at: &At<'_>) -> anyhow::Result<Body> {
        let next = self.next.clone();
        let body = match at.format {
            Format::Csv => self.csv(at)?,
            Format::CsvMetadata => Body::new(at.format.content_type(), Caching::Live, metadata::<T>(at, &self.fields)?),
            Format::Json | Format::GeoJson => Body::new(Format::Json.content_type(), Caching::Live, self.json(at)?),
        };
        let links = next.map(|next| format!("<{next}>; rel=\"next\"")).into_iter();
        let described = (at.format == Format::Csv).then(|| {
            format!("<{}>; rel=\"describedby\"; type=\"application/csvm+json\"", address(at, Format::CsvMetadata))
        });
        let links: Vec<String> = links.chain(described).collect();
        Ok(match HeaderValue::from_str(&links.join(", ")) {
            Ok(links_header) if !links.is_empty() => body.with(LINK, links_header),
            _ => body,
        })
    }

    fn json(self, at: &At<'_>) -> anyhow::Result<Vec<u8>> {
        if self.fields.is_empty() {
            return Ok(serde_json::to_vec(&envelope(at, self.matched, self.next.as_deref(), self.rows))?);
        }
        let chosen = |row: &T| {
            let mut row: Map<String, Value> = serde_json::from_value(serde_json::to_value(row)?)?;
            row.retain(|name, _| self.fields.contains(&name.as_str()));
            Ok(row)
        };
        let rows = self.rows.iter().map(chosen).collect::<Result<Vec<_>, serde_json::Error>>()?;
        Ok(serde_json::to_vec(&envelope(at, self.matched, self.next.as_deref(), rows))?)
    }

    fn csv(self, at: &At<'_>) -> anyhow::Result<Body> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        for row in &self.rows {
            writer.serialize(row)?;
        }
        let written = writer.into_inner()?;
        let csv = for_spreadsheets(&written, &self.fields)?;
        let disposition = format!("attachment; filename=\"{}\"", file_name(at));
        let disposition = HeaderValue::from_str(&disposition)?;
        Ok(Body::new(at.format.content_type(), Caching::Live, csv).with(CONTENT_DISPOSITION, disposition))
    }
}

/// A list in JSON whose rows, with commas between, are text: so many, all on one page.
pub fn of_text(
    at: &At<'_>,
    number: usize,
    write_rows: impl FnOnce(&mut Text) -> serde_json::Result<()>,
) -> anyhow::Result<Body> {
    let mut json = Text::with_capacity(ENVELOPE_BYTES + number * ROW_BYTES);
    let around = Envelope { number_returned: number, ..envelope::<()>(at, number, None, Vec::new()) };
    // Its rows are last: they are opened here, and closed below.
    json.value(&around)?.strip("]}");
    write_rows(&mut json)?;
    json.put("]}");
    Ok(Body::new(Format::Json.content_type(), Caching::Live, json.into_bytes()))
}

fn envelope<'a, T>(at: &'a At<'_>, matched: usize, next: Option<&'a str>, rows: Vec<T>) -> Envelope<'a, T> {
    Envelope {
        release: at.live.release.release.as_str(),
        complete_through: at.live.release.complete_through,
        number_matched: matched,
        number_returned: rows.len(),
        next,
        rows,
    }
}

/// The chosen columns, and no cell that a spreadsheet would run: texts that begin like a formula get an apostrophe, as
/// OWASP advises.
fn for_spreadsheets(written: &[u8], fields: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(written);
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let mut chosen: Option<Vec<usize>> = None;
    for record in reader.records() {
        let record = record?;
        let chosen = chosen.get_or_insert_with(|| {
            let wanted = |name: &str| fields.is_empty() || fields.contains(&name);
            record.iter().enumerate().filter(|(_, name)| wanted(name)).map(|(at, _)| at).collect()
        });
        writer.write_record(chosen.iter().filter_map(|&at| record.get(at)).map(inert))?;
    }
    Ok(writer.into_inner()?)
}

fn inert(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if is_formula { format!("'{cell}") } else { cell.to_owned() }
}

/// The same list in another form.
fn address(at: &At<'_>, format: Format) -> String {
    let question = if at.query.is_empty() { "" } else { "?" };
    format!("/api/v1/{}.{}{question}{}", at.name, format.suffix(), at.query)
}

/// Says what was asked for: `toronto311-counts-geo-fsa-month-2026-09.csv`.
fn file_name(at: &At<'_>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let query: String = at.query.chars().map(plain).take(120).collect();
    let release = at.live.release.release.as_str();
    let query = if query.is_empty() { release.to_owned() } else { query };
    format!("toronto311-{}-{query}.csv", at.name)
}

/// CSV on the Web: the columns with their types and meanings, from the schema of the rows.
fn metadata<T: JsonSchema>(at: &At<'_>, fields: &[&str]) -> anyhow::Result<Vec<u8>> {
    let schema = SchemaGenerator::default().into_root_schema_for::<T>();
    let properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let wanted = |name: &str| fields.is_empty() || fields.contains(&name);
    let columns: Vec<Value> = properties
        .iter()
        .filter(|(name, _)| wanted(name))
        .map(|(name, schema)| json!({"name": name, "titles": name, "datatype": datatype(schema), "dc:description": schema["description"]}))
        .collect();
    let metadata = json!({
        "@context": "http://www.w3.org/ns/csvw",
        "url": address(at, Format::Csv),
        "dc:title": format!("Toronto 311 requests: {}", at.name),
        "dc:license": "https://open.toronto.ca/open-data-licence/",
        "dialect": {"lineTerminators": ["\r\n"]},
        "tableSchema": {"columns": columns},
    });
    Ok(serde_json::to_vec_pretty(&metadata)?)
}

fn datatype(schema: &Value) -> &'static str {
    let is = |name: &str| match &schema["type"] {
        Value::String(one) => one == name,
        Value::Array(all) => all.iter().any(|one| one == name),
        _ => false,
    };
    match ["integer", "number", "boolean"].map(is) {
        [true, ..] => "integer",
        [_, true, _] => "number",
        [.., true] => "boolean",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_texts() {
        for (cell, sent) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-2+3", "'-2+3"),
            ("\tx", "'\tx"),
            ("-2.5", "-2.5"),
            ("Noise", "Noise"),
            ("", ""),
        ] {
            assert_eq!(inert(cell), sent);
        }
        let written = b"a,b\r\n=x,\"1,2\"\r\n";
        assert_eq!(for_spreadsheets(written, &[]).unwrap(), b"a,b\r\n'=x,\"1,2\"\r\n");
        assert_eq!(for_spreadsheets(written, &["b"]).unwrap(), b"b\r\n\"1,2\"\r\n");
    }
}
