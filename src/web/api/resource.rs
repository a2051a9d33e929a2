//! The table of what there is.

use axum::http::HeaderMap;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::body::{Body, Caching};
use super::super::error::Failure;
use super::super::layers::Layers;
use super::super::live::Live;
use super::super::parameters::Parameters;
use super::super::status::{self, FreshnessAnswer, Pipeline, ReleaseRow};
use super::areas::{self, Set};
use super::counts::{self, COLUMNS};
use super::format::Format;
use super::list::{At, Envelope, List};
use super::locate::Located;
use super::rows::{self, Download, Hour, MonthRow, SeriesMonth, Type};
use super::{FIELDS, schema};
use crate::choropleth::{Measure, Method};
use crate::domain::{Geography, Status};
use crate::release::run::Run;

/// What can be asked for.
pub struct Resource {
    /// The last part of its address.
    pub name: &'static str,
    /// In a few words.
    pub summary: &'static str,
    /// In a paragraph.
    pub description: &'static str,
    /// The forms that it has, the usual one first.
    pub formats: &'static [Format],
    /// What may be in its query.
    pub parameters: &'static [Parameter],
    /// A query that has an answer in any release, the demo included.
    pub example: &'static str,
    /// Of its JSON.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// How it is made.
    pub make: Make,
}

/// How a resource is made.
#[derive(Clone, Copy)]
pub enum Make {
    /// Of a view and the columns that are wanted.
    View(fn(&Answer<'_>, Vec<&'static str>, &At<'_>) -> anyhow::Result<Body>),
    /// Months.
    Series,
    /// Hours of the week.
    Hours,
    /// Of the whole release.
    Release(fn(&Layers, &At<'_>) -> anyhow::Result<Body>),
    /// Of this moment.
    Moment(fn(&Live, &Pipeline) -> anyhow::Result<Body>),
    /// Of a place.
    Place,
}

/// A part of a query.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// A value that works.
    pub example: &'static str,
    schema: fn() -> Value,
}

impl Parameter {
    const fn new(name: &'static str, description: &'static str, example: &'static str, schema: fn() -> Value) -> Self {
        Self { name, description, example, schema }
    }

    /// The JSON Schema of its value.
    pub fn schema(&self) -> Value {
        (self.schema)()
    }
}

fn month() -> Value {
    json!({"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"})
}

fn area() -> Value {
    json!({"type": "string", "pattern": r"^(\d\d|M\d[A-Z])$"})
}

fn type_id() -> Value {
    json!({"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"})
}

const GEO: Parameter = Parameter::new(
    "geo",
    "Areas: wards or forward sortation areas. Wards without it.",
    "fsa",
    || json!({"type": "string", "enum": Geography::ALL.map(Geography::as_str)}),
);
const TYPE: Parameter =
    Parameter::new("type", "Id of a request type that `types` lists; all without it.", "road-pot-hole", type_id);
const RENAMES: Parameter = Parameter::new(
    "renames",
    "`joined`: with the requests that were made under another name of the type.",
    "joined",
    || json!({"type": "string", "enum": ["joined"]}),
);
const MONTH: Parameter = Parameter::new(
    "month",
    "One month that `months` lists. The last complete one without `month`, `from` and `to`.",
    "2024-03",
    month,
);
const FROM: Parameter = Parameter::new("from", "First month, in place of `month`.", "2024-01", month);
const TO: Parameter = Parameter::new("to", "Last month, in place of `month`.", "2024-12", month);
const STATUS: Parameter = Parameter::new(
    "status",
    "Status at the time of publication; any without it.",
    "completed",
    || json!({"type": "string", "enum": Status::ALL.map(Status::as_str)}),
);
const MEASURE: Parameter = Parameter::new(
    "measure",
    "What is compared between areas.",
    "count",
    || json!({"type": "string", "enum": Measure::ALL.map(Measure::as_str)}),
);
const CLASSES: Parameter = Parameter::new(
    "classes",
    "How the classes of the legend are made.",
    "equal",
    || json!({"type": "string", "enum": Method::ALL.map(Method::as_str)}),
);
const AREA: Parameter = Parameter::new("area", "Code of one area: `01` to `25`, or `M5V` with `geo=fsa`.", "10", area);
const RELEASE: Parameter = Parameter::new(
    "release",
    "Pins the answer to a release that `releases` lists: it never changes then.",
    "",
    || json!({"type": "string", "pattern": r"^\d{4}-\d{2}-[0-9a-f]{12}$"}),
);
const FIELDS_OF_COUNTS: Parameter =
    Parameter::new(FIELDS, "Columns to send, separated by commas; all without it.", "area,requests", || {
        let column = format!("({})", COLUMNS.join("|"));
        json!({"type": "string", "pattern": format!("^{column}(,{column})*$")})
    });
const BY: Parameter = Parameter::new(
    "by",
    "`area`: a row for each area and month.",
    "area",
    || json!({"type": "string", "enum": ["area"]}),
);
const LIMIT: Parameter = Parameter::new(
    "limit",
    "The most rows of a page.",
    "100",
    || json!({"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1_000}),
);
const CURSOR: Parameter = Parameter::new(
    "cursor",
    "Where a page begins: as given by `next`, not to be made up.",
    "",
    || json!({"type": "string", "pattern": r"^\d{4}-\d{2}-[0-9a-f]{12}\.\d{1,9}$"}),
);
const LAT: Parameter = Parameter::new(
    "lat",
    "Degrees of latitude, together with `lon`.",
    "43.6426",
    || json!({"type": "number", "minimum": -90, "maximum": 90}),
);
const LON: Parameter = Parameter::new(
    "lon",
    "Degrees of longitude, together with `lat`.",
    "-79.3871",
    || json!({"type": "number", "minimum": -180, "maximum": 180}),
);
const POSTAL: Parameter = Parameter::new(
    "postal",
    "A postal code or its first three characters, in place of `lat` and `lon`.",
    "M5V 3A8",
    || json!({"type": "string", "pattern": r"^[A-Z]\d[A-Z]( ?\d[A-Z]\d)?$"}),
);

const JSON: &[Format] = &[Format::Json];
const TABLE: &[Format] = &[Format::Json, Format::Csv, Format::CsvMetadata];

/// All that there is, in the order of the reference.
pub static RESOURCES: [Resource; 12] = [
    Resource {
        name: "choropleth",
        summary: "Areas with their values",
        description: "A GeoJSON feature collection: each area with its requests, value, rank and class, and a `legend` \
                      member to draw the same map with.",
        formats: &[Format::GeoJson, Format::Json],
        parameters: &[GEO, TYPE, RENAMES, MONTH, FROM, TO, STATUS, MEASURE, CLASSES, AREA, RELEASE],
        example: "geo=fsa&measure=count",
        schema: schema::choropleth,
        make: Make::View(choropleth),
    },
    Resource {
        name: "counts",
        summary: "The same without shapes",
        description: "A row for each area, the highest value first: the table beside the map.",
        formats: TABLE,
        parameters: &[GEO, TYPE, RENAMES, MONTH, FROM, TO, STATUS, MEASURE, CLASSES, AREA, RELEASE, FIELDS_OF_COUNTS],
        example: "fields=area%2Crequests",
        schema: schema::counts,
        make: Make::View(counts::render),
    },
    Resource {
        name: "series",
        summary: "Requests by month",
        description: "A row for each month: of the city, with `area` of one area, with `by=area` of each. Without months, \
                      all that there are; by ward, those since the wards were redrawn. Pages of 1,000 rows in JSON; \
                      CSV comes whole unless `limit` is given.",
        formats: TABLE,
        parameters: &[GEO, TYPE, RENAMES, MONTH, FROM, TO, STATUS, AREA, RELEASE, BY, LIMIT, CURSOR],
        example: "area=10",
        schema: |generator| generator.subschema_for::<Envelope<'_, SeriesMonth<'_>>>(),
        make: Make::Series,
    },
    Resource {
        name: "hours",
        summary: "Requests by hour of the week",
        description: "168 rows, of all months together: of the city, with `area` of one area, with `type` of one type.",
        formats: TABLE,
        parameters: &[GEO, TYPE, AREA, RELEASE],
        example: "geo=fsa&area=M5V",
        schema: |generator| generator.subschema_for::<Envelope<'_, Hour<'_>>>(),
        make: Make::Hours,
    },
    Resource {
        name: "types",
        summary: "Request types",
        description: "Their stable ids, labels, divisions and sections, when and how often they occur.",
        formats: TABLE,
        parameters: &[RELEASE],
        example: "",
        schema: |generator| generator.subschema_for::<Envelope<'_, Type<'_, Vec<&str>>>>(),
        make: Make::Release(types),
    },
    Resource {
        name: "months",
        summary: "Months",
        description: "Those that have requests, whether they are complete, and which wards they have.",
        formats: TABLE,
        parameters: &[RELEASE],
        example: "",
        schema: |generator| generator.subschema_for::<Envelope<'_, MonthRow>>(),
        make: Make::Release(|_, at| List::from(rows::months(at.live)).render(at)),
    },
    Resource {
        name: "areas",
        summary: "Sets of areas",
        description: "With links to their shapes as GeoJSON and TopoJSON.",
        formats: JSON,
        parameters: &[RELEASE],
        example: "",
        schema: |generator| generator.subschema_for::<Envelope<'_, Set<'_>>>(),
        make: Make::Release(|layers, at| List::from(areas::sets(layers)).render(at)),
    },
    Resource {
        name: "locate",
        summary: "The areas of a place",
        description: "Ward and postal area of a position, or the wards of a postal code. Kept in no cache and no log.",
        formats: JSON,
        parameters: &[LAT, LON, POSTAL],
        example: "lat=43.6426&lon=-79.3871",
        schema: |generator| generator.subschema_for::<Located<'_>>(),
        make: Make::Place,
    },
    Resource {
        name: "downloads",
        summary: "The marts as Parquet",
        description: "Files with all counts of the release. They answer to ranges, so DuckDB reads them in place.",
        formats: JSON,
        parameters: &[RELEASE],
        example: "",
        schema: |generator| generator.subschema_for::<Envelope<'_, Download<'_>>>(),
        make: Make::Release(|layers, at| List::from(rows::downloads(at.live, layers)).render(at)),
    },
    Resource {
        name: "releases",
        summary: "What each release changed",
        description: "The restatement log, newest first: late, vanished and moved rows by file and month.",
        formats: JSON,
        parameters: &[],
        example: "",
        schema: |generator| generator.subschema_for::<Envelope<'_, ReleaseRow<'_>>>(),
        make: Make::Moment(|live, pipeline| moment(live, "releases", status::releases(live, pipeline))),
    },
    Resource {
        name: "freshness",
        summary: "How old the data is",
        description: "When the files changed last, and when they are looked at next.",
        formats: JSON,
        parameters: &[],
        example: "",
        schema: |generator| generator.subschema_for::<FreshnessAnswer<'_>>(),
        make: Make::Moment(status::freshness),
    },
    Resource {
        name: "runs",
        summary: "What the refreshes did",
        description: "Step by step, newest first.",
        formats: JSON,
        parameters: &[],
        example: "",
        schema: |generator| generator.subschema_for::<Envelope<'_, Run>>(),
        make: Make::Moment(|live, pipeline| moment(live, "runs", pipeline.runs.clone())),
    },
];

impl Resource {
    /// The form that an address names by its suffix, else what `Accept` prefers.
    pub fn format(&self, suffix: Option<&str>, headers: &HeaderMap) -> Result<Format, Failure> {
        match suffix {
            Some(suffix) => {
                self.formats.iter().find(|format| format.suffix() == suffix).copied().ok_or(Failure::NotFound)
            }
            None => Format::accepted(self.formats, headers)
                .ok_or_else(|| Failure::NotAcceptable(self.formats.iter().map(|format| format.media_type()).collect())),
        }
    }

    /// The columns that a query asks for, in their order.
    pub fn fields(&self, asked: &mut Parameters<'_>) -> Vec<&'static str> {
        let Some(text) = asked.get(FIELDS).map(str::to_owned) else { return Vec::new() };
        let wanted: Vec<&str> = text.split(',').collect();
        if wanted.iter().any(|name| !COLUMNS.contains(name)) {
            asked.refuse(FIELDS, &text, format!("names with commas between, of {}", COLUMNS.join(", ")));
        }
        COLUMNS.into_iter().filter(|name| wanted.contains(name)).collect()
    }
}

fn choropleth(answer: &Answer<'_>, _: Vec<&'static str>, at: &At<'_>) -> anyhow::Result<Body> {
    let parts = answer.layer.fragments.join(&answer.values, &answer.legend, &answer.members(at.live))?;
    Ok(Body::of_parts(at.format.content_type(), Caching::Live, parts))
}

fn types(_: &Layers, at: &At<'_>) -> anyhow::Result<Body> {
    match at.format {
        Format::Csv => List::from(rows::types(at.live, |renames| renames.join(" "))).render(at),
        _ => List::from(rows::types(at.live, |renames| renames)).render(at),
    }
}

fn moment<T: serde::Serialize + schemars::JsonSchema>(
    live: &Live,
    name: &'static str,
    rows: Vec<T>,
) -> anyhow::Result<Body> {
    let body = List::from(rows).render(&At { live, name, query: "", format: Format::Json })?;
    Ok(body.of_moment())
}
