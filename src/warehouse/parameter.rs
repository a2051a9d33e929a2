//! Values that a query is given beside its text, so that no value is ever part of SQL.

use gcp_bigquery_client::model::query_parameter::QueryParameter;
use gcp_bigquery_client::model::query_parameter_type::QueryParameterType;
use gcp_bigquery_client::model::query_parameter_type_struct_types::QueryParameterTypeStructTypes;
use gcp_bigquery_client::model::query_parameter_value::QueryParameterValue;

/// A list for a query's `@name`.
#[derive(Debug, Clone)]
pub enum Parameter {
    /// Of texts.
    Texts(&'static str, Vec<String>),
    /// Of rows with two columns, which are named and typed here.
    Rows(&'static str, [(&'static str, &'static str); 2], Vec<[String; 2]>),
}

impl Parameter {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Texts(name, _) | Self::Rows(name, ..) => name,
        }
    }

    pub(super) fn to_model(&self) -> QueryParameter {
        let (of, values) = match self {
            Self::Texts(_, texts) => (scalar_type("STRING"), texts.iter().map(scalar).collect()),
            Self::Rows(_, columns, rows) => {
                (struct_type(columns), rows.iter().map(|row| row_value(columns, row)).collect())
            }
        };
        let array = QueryParameterType { array_type: Some(Box::new(of)), ..scalar_type("ARRAY") };
        let values = QueryParameterValue { array_values: Some(values), ..QueryParameterValue::default() };
        QueryParameter {
            name: Some(self.name().to_owned()),
            parameter_type: Some(array),
            parameter_value: Some(values),
        }
    }
}

fn scalar_type(name: &str) -> QueryParameterType {
    QueryParameterType { r#type: name.to_owned(), ..QueryParameterType::default() }
}

fn struct_type(columns: &[(&str, &str)]) -> QueryParameterType {
    let field = |(name, of): &(&str, &str)| QueryParameterTypeStructTypes {
        name: Some((*name).to_owned()),
        r#type: Some(scalar_type(of)),
        ..QueryParameterTypeStructTypes::default()
    };
    QueryParameterType { struct_types: Some(columns.iter().map(field).collect()), ..scalar_type("STRUCT") }
}

fn scalar(text: &String) -> QueryParameterValue {
    QueryParameterValue { value: Some(text.clone()), ..QueryParameterValue::default() }
}

fn row_value(columns: &[(&str, &str)], row: &[String]) -> QueryParameterValue {
    let fields = columns.iter().zip(row).map(|((name, _), value)| ((*name).to_owned(), scalar(value)));
    QueryParameterValue { struct_values: Some(fields.collect()), ..QueryParameterValue::default() }
}
