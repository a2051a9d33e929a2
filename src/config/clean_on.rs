//! Where files are cleaned.

use std::str::FromStr;

use clap::Args;

/// Which machine cleans the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CleanOn {
    /// This one.
    InProcess,
    /// Those of a batch of Spark that Dataproc runs.
    Dataproc {
        /// The project that it is billed to.
        project: String,
        /// The region, best that of the lake's bucket.
        region: String,
    },
}

/// As whom and where batches of Dataproc run, if not as the project's default account in its default network.
#[derive(Debug, Clone, Default, Args)]
pub struct Executors {
    /// Service account that batches of Dataproc run as; the project's default one if it is not given.
    #[arg(long = "spark-account", env = "TORONTO311_SPARK_ACCOUNT", value_name = "EMAIL")]
    pub account: Option<String>,
    /// Subnetwork that they run in, with private access to Google; the project's default network if it is not given.
    #[arg(long = "spark-subnetwork", env = "TORONTO311_SPARK_SUBNETWORK", value_name = "NAME")]
    pub subnetwork: Option<String>,
}

impl FromStr for CleanOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "in-process" {
            return Ok(Self::InProcess);
        }
        let is_name = |name: &&str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-:.".contains(&b))
        };
        let (project, region) = text.strip_prefix("dataproc:").and_then(|place| place.split_once('/')).unzip();
        match (project.filter(is_name), region.filter(is_name)) {
            (Some(project), Some(region)) => {
                Ok(Self::Dataproc { project: project.to_owned(), region: region.to_owned() })
            }
            _ => Err("expected in-process or dataproc:project/region".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_cleaned_here_or_by_dataproc() {
        assert_eq!("in-process".parse(), Ok(CleanOn::InProcess));
        let dataproc = CleanOn::Dataproc { project: "my-project".into(), region: "northamerica-northeast2".into() };
        assert_eq!("dataproc:my-project/northamerica-northeast2".parse(), Ok(dataproc));
        for wrong in
            ["", "dataproc", "dataproc:p", "dataproc:/r", "dataproc:p/", "dataproc:p/r/x", "spark", "dataproc:p?/r"]
        {
            assert!(wrong.parse::<CleanOn>().is_err(), "{wrong}");
        }
    }
}
