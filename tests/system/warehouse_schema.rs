//! The table that Terraform makes has the columns that the cleaned files have.

use std::fs::{self, File};

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::Type;
use serde_json::{Value, json};

use crate::program::run;

#[test]
fn the_table_of_terraform_has_the_columns_of_the_cleaned_files() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("SR2024.csv"), folder.path().join("out"));
    let header = "Creation Date,Status,First 3 Chars of Postal Code,Intersection Street 1,Intersection Street 2,Ward,\
                  Service Request Type,Division,Section";
    fs::write(&file, format!("{header}\n2024-05-06 07:08:09,New,M4C,,,Davenport (09),Noise,MLS,Bylaw\n")).unwrap();
    assert_eq!(run(&["clean", file.to_str().unwrap(), "--out", out.to_str().unwrap()]).code, 0);

    let parquet = File::open(out.join("month=2024-05/requests.parquet")).unwrap();
    let reader = SerializedFileReader::new(parquet).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr().root_schema();
    let columns: Vec<Value> = schema.get_fields().iter().map(|field| column(field)).collect();
    let terraform: Vec<Value> = serde_json::from_str(include_str!("../../terraform/requests.schema.json")).unwrap();
    assert_eq!(terraform, columns);
}

/// As BigQuery calls it.
fn column(field: &Type) -> Value {
    let info = field.get_basic_info();
    let kind = match (field.get_physical_type(), info.logical_type_ref()) {
        (Physical::INT64, Some(LogicalType::Timestamp(timestamp))) if !timestamp.is_adjusted_to_u_t_c => "DATETIME",
        (Physical::INT32 | Physical::INT64, _) => "INTEGER",
        (Physical::BYTE_ARRAY, Some(LogicalType::String)) => "STRING",
        other => panic!("{}: {other:?}", field.name()),
    };
    let mode = if info.repetition() == Repetition::REQUIRED { "REQUIRED" } else { "NULLABLE" };
    json!({ "name": field.name(), "type": kind, "mode": mode })
}
