//! Which warehouse there is: what the setting says.

use std::fmt;
use std::str::FromStr;

/// Where marts are made and read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warehouse {
    /// By this program, in the lake.
    Embedded,
    /// By BigQuery as well.
    BigQuery(Dataset),
}

/// A dataset of BigQuery. Its names hold nothing that could end a quoted name in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// The project that it is in, which pays for the queries.
    pub project: String,
    /// Its own name.
    pub name: String,
}

impl FromStr for Warehouse {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected embedded, or bigquery:project.dataset".to_owned();
        match text.split_once(':') {
            None if text == "embedded" => Ok(Self::Embedded),
            Some(("bigquery", dataset)) => Dataset::parse(dataset).map(Self::BigQuery).ok_or_else(expected),
            _ => Err(expected()),
        }
    }
}

impl Dataset {
    fn parse(text: &str) -> Option<Self> {
        // Projects of old are `example.com:project`.
        let (project, name) = text.rsplit_once('.')?;
        let is_project = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.:".contains(&b);
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let fits =
            !project.is_empty() && project.bytes().all(is_project) && !name.is_empty() && name.bytes().all(is_name);
        fits.then(|| Self { project: project.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for Warehouse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::BigQuery(dataset) => write!(f, "bigquery:{dataset}"),
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.project, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warehouse_prints_what_it_parses_and_refuses_the_rest() {
        for text in ["embedded", "bigquery:my-project.toronto_311", "bigquery:example.com:city.t"] {
            assert_eq!(text.parse::<Warehouse>().unwrap().to_string(), text);
        }
        for text in
            ["", "bigquery", "bigquery:", "bigquery:p", "bigquery:p.", "bigquery:.d", "bigquery:p.d`", "duckdb:p.d"]
        {
            assert!(text.parse::<Warehouse>().is_err(), "{text}");
        }
    }
}
