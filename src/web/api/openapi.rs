//! OpenAPI 3.1, made of the table that requests are answered by.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::super::body::{Body, Caching};
use super::super::error::ProblemJson;
use super::super::layers::Layers;
use super::super::live::Live;
use super::format::Format;
use super::resource::{Make, Parameter, RESOURCES, Resource};
use super::{areas, downloads};
use crate::marts;

/// Of files alone that answer to ranges.
const NO_SUCH_RANGE: &str = "416";

/// Refusals, which any resource may answer with but for the one of ranges.
pub const REFUSALS: &[(&str, &str)] = &[
    ("400", "Parameters that can't be used; `errors` names each, and what is allowed."),
    ("404", "No such resource."),
    ("405", "Not a method for reading."),
    ("406", "None of the forms that `Accept` asks for."),
    ("413", "A body, where everything is said by the address."),
    ("414", "Longer than any address that has an answer."),
    (NO_SUCH_RANGE, "A range that the file does not have; `Content-Range` says how long it is."),
    ("429", "Asked too often; `Retry-After` says when to ask again."),
    ("431", "Header fields that are longer than any reader needs."),
    ("500", "Our fault. It has been logged."),
    ("503", "Being prepared or busy; `Retry-After` says when to ask again."),
];

/// `openapi.json`.
pub fn document(_: &Live, _: &Layers) -> anyhow::Result<Body> {
    Ok(Body::new("application/vnd.oai.openapi+json;version=3.1", Caching::Live, serde_json::to_vec(&openapi())?))
}

fn openapi() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut generator = settings.with(|s| s.definitions_path = "/components/schemas".into()).into_generator();
    let mut paths = Map::new();
    for resource in &RESOURCES {
        let schema = (resource.schema)(&mut generator).to_value();
        let all = resource.formats.iter().copied();
        let whole = operation(resource, resource.name.to_owned(), all.clone(), &schema, "");
        paths.insert(format!("/api/v1/{}", resource.name), json!({"get": whole}));
        for format in all {
            let suffix = format.suffix();
            let id = format!("{}_{}", resource.name, suffix.replace(['.', '-'], "_"));
            let of = operation(resource, id, std::iter::once(format), &schema, &format!(" as {}", format.media_type()));
            paths.insert(format!("/api/v1/{}.{suffix}", resource.name), json!({"get": of}));
        }
    }
    paths.insert("/api/v1/areas/{file}".to_owned(), json!({"get": area_file()}));
    paths.insert("/api/v1/downloads/{file}".to_owned(), json!({"get": mart_file()}));
    paths.insert("/api/v1/openapi.json".to_owned(), json!({"get": itself()}));
    let problem = generator.subschema_for::<ProblemJson>().to_value();
    json!({
        "openapi": "3.1.0",
        "info": info(),
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "parameters": parameters(),
            "responses": refusals(&problem),
        },
    })
}

fn info() -> Value {
    json!({
        "title": "Toronto 311 requests",
        "version": "1.0.0",
        "summary": "What residents ask the City of Toronto for, by ward and postal area, month and type.",
        "description": "Anonymous and readable from any origin. Within `v1`, members, columns, parameters and values may be \
                        added; none is removed or changes its meaning. What is to go is announced a year ahead by the \
                        headers `Deprecation` and `Sunset`.",
        "license": {
            "name": "Open Government Licence – Toronto",
            "url": "https://open.toronto.ca/open-data-licence/",
        },
    })
}

fn operation(
    resource: &Resource,
    id: String,
    formats: impl Iterator<Item = Format>,
    schema: &Value,
    form: &str,
) -> Value {
    let mut responses: BTreeMap<&str, Value> = BTreeMap::new();
    responses.insert("200", success(resource, formats, schema));
    if !matches!(resource.make, Make::Place) {
        responses.insert("304", json!({"description": "The client has this answer already."}));
    }
    for (status, _) in REFUSALS.iter().filter(|(status, _)| *status != NO_SUCH_RANGE) {
        responses.insert(status, refusal(status));
    }
    let parameter = |parameter: &Parameter| json!({"$ref": format!("#/components/parameters/{}", parameter.name)});
    json!({
        "operationId": id,
        "summary": format!("{}{form}", resource.summary),
        "description": resource.description,
        "parameters": resource.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": responses,
    })
}

fn success(resource: &Resource, formats: impl Iterator<Item = Format>, schema: &Value) -> Value {
    let content: Map<String, Value> = formats
        .map(|format| {
            let media = match format {
                Format::Json | Format::GeoJson => json!({"schema": schema}),
                Format::Csv => json!({"schema": {"type": "string"}}),
                Format::CsvMetadata => json!({"schema": {"type": "object", "required": ["@context", "tableSchema"]}}),
            };
            (format.media_type().to_owned(), media)
        })
        .collect();
    json!({
        "description": resource.summary,
        "headers": {
            "ETag": {"description": "Names these bytes.", "schema": {"type": "string"}},
            "Link": {"description": "The next page, or what the columns mean.", "schema": {"type": "string"}},
        },
        "content": content,
    })
}

fn refusal(status: &str) -> Value {
    json!({"$ref": format!("#/components/responses/{status}")})
}

fn area_file() -> Value {
    let shapes = json!({"schema": {"type": "object", "required": ["type"]}});
    let content = json!({"application/geo+json": shapes, "application/json": shapes});
    let responses = json!({"200": {"description": "The shapes.", "content": content}});
    let description =
        "GeoJSON or TopoJSON, by the ending. `areas` also lists addresses of these files that never change.";
    file("area_file", "The shapes of a set of areas", description, &areas::names(), &[], responses)
}

fn mart_file() -> Value {
    let content = json!({downloads::PARQUET: {}});
    let mut responses = json!({
        "200": {"description": "The whole file.", "content": content},
        "206": {"description": "The range that `Range` asks for.", "content": content},
    });
    responses[NO_SUCH_RANGE] = refusal(NO_SUCH_RANGE);
    let description = "Parquet, whole or the range of bytes that the header field `Range` asks for.";
    let release = json!({"$ref": "#/components/parameters/release"});
    file("mart_file", "A mart", description, &marts::ALL, &[release], responses)
}

/// A resource that is a file of one of these names.
fn file(id: &str, summary: &str, description: &str, names: &[&str], more: &[Value], mut responses: Value) -> Value {
    for status in ["400", "404", "405", "413", "414", "429", "431", "500", "503"] {
        responses[status] = refusal(status);
    }
    responses["304"] = json!({"description": "The client has this file already."});
    let name = json!({
        "name": "file",
        "in": "path",
        "required": true,
        "description": "Name of the file.",
        "schema": {"type": "string", "enum": names},
    });
    let parameters: Vec<&Value> = std::iter::once(&name).chain(more).collect();
    json!({
        "operationId": id,
        "summary": summary,
        "description": description,
        "parameters": parameters,
        "responses": responses,
    })
}

fn itself() -> Value {
    let content = json!({"application/vnd.oai.openapi+json": {"schema": {"type": "object"}}});
    let mut responses = json!({"200": {"description": "OpenAPI 3.1", "content": content}});
    for status in ["400", "405", "414", "429", "503"] {
        responses[status] = refusal(status);
    }
    json!({"operationId": "openapi", "summary": "This description", "parameters": [], "responses": responses})
}

fn parameters() -> Map<String, Value> {
    let all = RESOURCES.iter().flat_map(|resource| resource.parameters);
    let described = all.map(|parameter| {
        let mut described = json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "schema": parameter.schema(),
        });
        if !parameter.example.is_empty() {
            described["example"] = match parameter.schema()["type"].as_str() {
                Some("number" | "integer") => serde_json::from_str(parameter.example).unwrap_or_default(),
                _ => json!(parameter.example),
            };
        }
        (parameter.name.to_owned(), described)
    });
    described.collect()
}

fn refusals(problem: &Value) -> Map<String, Value> {
    let refusal = |&(status, description): &(&str, &str)| {
        let mut refusal = json!({
            "description": description,
            "content": {"application/problem+json": {"schema": problem}},
        });
        if ["429", "503"].contains(&status) {
            refusal["headers"] = json!({"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}});
        }
        (status.to_owned(), refusal)
    };
    REFUSALS.iter().map(refusal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_to_something() {
        let document = openapi();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        assert!(document["components"]["schemas"].as_object().unwrap().len() > 10);
    }
}
