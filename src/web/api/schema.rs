//! JSON Schema of words and of what is not made by `serde` alone. `schemars` knows the rest.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::super::answer::Members;
use super::counts::Count;
use super::list::Envelope;
use crate::choropleth::Legend;
use crate::domain::{Geography, Month, ReleaseId, RunId, Status, WardModel};

macro_rules! text {
    ($($name:ty: $schema:expr),+ $(,)?) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+};
}

text! {
    Month: json_schema!({"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"}),
    Geography: json_schema!({"type": "string", "enum": Geography::ALL.map(Geography::as_str)}),
    WardModel: json_schema!({"type": "string", "enum": [WardModel::Wards25.as_str(), WardModel::Wards44.as_str()]}),
    Status: json_schema!({"type": "string", "enum": Status::ALL.map(Status::as_str)}),
    ReleaseId: json_schema!({"type": "string", "pattern": r"^\d{4}-\d{2}-[0-9a-f]{12}$"}),
    RunId: json_schema!({"type": "string"}),
}

/// The feature collection of `choropleth`: members of the view and the legend beside those of RFC 7946.
pub fn choropleth(generator: &mut SchemaGenerator) -> Schema {
    let legend = generator.subschema_for::<Legend>();
    let members = <Members as JsonSchema>::json_schema(generator);
    let mut properties = members.get("properties").cloned().unwrap_or_default();
    let mut required: Vec<Value> = members.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let own = json!({
        "type": {"const": "FeatureCollection"},
        "bbox": bbox(),
        "legend": legend,
        "features": {"type": "array", "items": feature()},
    });
    required.extend(["type", "bbox", "legend", "features"].map(Value::from));
    if let (Some(properties), Value::Object(own)) = (properties.as_object_mut(), own) {
        properties.extend(own);
    }
    json_schema!({"type": "object", "properties": properties, "required": required})
}

/// The rows of `counts`, of which a query may choose columns.
pub fn counts(generator: &mut SchemaGenerator) -> Schema {
    let list = generator.subschema_for::<Envelope<'_, Count<'_>>>();
    if let Some(count) = generator.definitions_mut().get_mut("Count").and_then(Value::as_object_mut) {
        count.remove("required");
    }
    list
}

fn bbox() -> Value {
    json!({"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4})
}

fn feature() -> Value {
    json!({
        "type": "object",
        "required": ["type", "id", "bbox", "geometry", "properties"],
        "properties": {
            "type": {"const": "Feature"},
            "id": {"type": "string", "description": "Code of the area."},
            "bbox": bbox(),
            "geometry": {
                "type": "object",
                "required": ["type", "coordinates"],
                "properties": {"type": {"const": "MultiPolygon"}, "coordinates": {"type": "array"}},
            },
            "properties": {
                "type": "object",
                "required": ["code", "name", "area_km2", "population", "requests", "value", "rank", "class", "state"],
                "properties": {
                    "code": {"type": "string"},
                    "name": {"type": "string"},
                    "area_km2": {"type": "number"},
                    "population": {"type": ["integer", "null"]},
                    "population_year": {"type": ["integer", "null"]},
                    "requests": {"type": "integer", "minimum": 0},
                    "base": {"type": "integer", "minimum": 0, "description": "What the measure compares with."},
                    "value": {"type": ["number", "null"]},
                    "rank": {"type": ["integer", "null"], "minimum": 1},
                    "class": {"type": ["integer", "null"], "minimum": 0, "maximum": 4},
                    "state": {"enum": ["value", "zero", "no_data", "unstable"]},
                    "colour": {"type": ["string", "null"], "pattern": "^#[0-9a-f]{6}$"},
                },
            },
        },
    })
}
