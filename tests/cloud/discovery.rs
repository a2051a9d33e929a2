//! Google's own description of a REST API, against which requests are held.
//!
//! `make test-cloud` installs the descriptions from PyPI, with the client that is generated from them.

use std::path::PathBuf;

use serde_json::Value;

pub struct Discovery(Value);

impl Discovery {
    /// Such as `dataproc.v1`.
    pub fn of(api: &str) -> Self {
        let library = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/cloud/venv-spark/lib");
        let python = std::fs::read_dir(&library).unwrap_or_else(|_| panic!("`make test-cloud` makes {library:?}"));
        let python = python.map(|entry| entry.unwrap().path()).next().unwrap();
        let documents = python.join("site-packages/googleapiclient/discovery_cache/documents");
        Self(serde_json::from_slice(&std::fs::read(documents.join(format!("{api}.json"))).unwrap()).unwrap())
    }

    /// What is wrong with a call of a method: its parameters in the query, its body.
    pub fn problems(&self, method: &str, query: &[(String, String)], body: &Value) -> Vec<String> {
        let method = self.method(method);
        let is_known = |name: &str| method["parameters"][name]["location"] == "query";
        let mut problems: Vec<String> =
            query.iter().filter(|(name, _)| !is_known(name)).map(|(name, _)| format!("no parameter {name}")).collect();
        self.check(&method["request"], body, "body", &mut problems);
        problems
    }

    /// Of `projects.locations.batches.create`, the resources one in the other and the method.
    fn method(&self, name: &str) -> &Value {
        let (resources, method) = name.rsplit_once('.').unwrap();
        let resource = resources.split('.').fold(&self.0, |in_, name| &in_["resources"][name]);
        let method = &resource["methods"][method];
        assert!(method.is_object(), "no method {name}");
        method
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            return self.check(&self.0["schemas"][name], value, at, problems);
        }
        if schema["readOnly"] == true {
            problems.push(format!("{at} is for answers only"));
        }
        let is_one_of = |allowed: &Value| allowed.as_array().is_none_or(|allowed| allowed.contains(value));
        let fits = match schema["type"].as_str().unwrap() {
            "string" => value.is_string() && is_one_of(&schema["enum"]),
            "boolean" => value.is_boolean(),
            "integer" | "number" => value.is_number(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            "any" => true,
            other => panic!("{at}: a type {other}"),
        };
        if !fits {
            problems.push(format!("{at} is {value}, expected {}", schema["type"]));
        }
        for item in value.as_array().into_iter().flatten() {
            self.check(&schema["items"], item, at, problems);
        }
        for (name, value) in value.as_object().into_iter().flatten() {
            let [property, other] = [&schema["properties"][name], &schema["additionalProperties"]];
            let at = format!("{at}.{name}");
            match [property, other].into_iter().find(|schema| schema.is_object()) {
                Some(schema) => self.check(schema, value, &at, problems),
                None => problems.push(format!("{at} is not known")),
            }
        }
    }
}

#[test]
#[ignore = "needs what `make test-cloud` installs"]
fn what_google_does_not_describe_is_a_problem() {
    let dataproc = Discovery::of("dataproc.v1");
    let problems = |query: &str, body: Value| {
        let query = [(query.to_owned(), String::new())];
        dataproc.problems("projects.locations.batches.create", &query, &body)
    };
    let batch = serde_json::json!({"pysparkBatch": {"mainPythonFileUri": "gs://a/b.py", "args": ["a"]}});
    assert_eq!(problems("batchId", batch), [""; 0]);
    let batch = serde_json::json!({
        "pysparkBatch": {"mainPythonFileUris": "gs://a/b.py", "args": [1]}, "state": "RUNNING",
        "runtimeConfig": {"properties": {"spark.executor.instances": 2}},
    });
    let mut found = problems("batchName", batch);
    found.sort();
    assert_eq!(
        found,
        [
            "body.pysparkBatch.args is 1, expected \"string\"",
            "body.pysparkBatch.mainPythonFileUris is not known",
            "body.runtimeConfig.properties.spark.executor.instances is 2, expected \"string\"",
            "body.state is for answers only",
            "no parameter batchName",
        ]
    );
}
