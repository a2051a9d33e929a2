//! `toronto311 boundaries build`: its flags, and where they lead.

use std::path::PathBuf;

use super::fetch::{self, Addresses};
use super::{Error, Inputs, Report, build};

/// Settings of `boundaries build`.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    /// Fetch the 25 wards from the City's portal and the FSAs from Statistics Canada, in place of --wards and --fsas
    #[arg(long, conflicts_with_all = ["wards", "fsas"])]
    fetch: bool,
    /// The City's 25 wards, GeoJSON in WGS 84
    #[arg(long, value_name = "FILE", required_unless_present = "fetch")]
    wards: Option<PathBuf>,
    /// The City's 44 wards before December 2018, GeoJSON in WGS 84
    #[arg(long, value_name = "FILE")]
    wards_44: PathBuf,
    /// Statistics Canada's FSAs: GeoJSON, a .shp with its .shx, .dbf and .prj beside it, or a .zip of these
    #[arg(long, value_name = "FILE", required_unless_present = "fetch")]
    fsas: Option<PathBuf>,
    /// Populations of the 25 wards: ward_number, census_year, population
    #[arg(long, value_name = "CSV")]
    ward_population: PathBuf,
    /// Populations of the FSAs: fsa, census_year, population
    #[arg(long, value_name = "CSV")]
    fsa_population: PathBuf,
    #[command(flatten)]
    addresses: Addresses,
    /// Farthest that borders may move, in metres; without it, what keeps each file small enough for a web page
    #[arg(long, value_name = "METRES", value_parser = metres)]
    tolerance: Option<f64>,
    /// The folder to write
    #[arg(long, value_name = "FOLDER", default_value = "geo")]
    out: PathBuf,
}

/// Runs the command. The folder is written at the end, or not at all.
pub async fn run(args: BuildArgs) -> Result<Report, Error> {
    let fetched = tempfile::tempdir().map_err(Error::file(&std::env::temp_dir()))?;
    let (wards, fsas) = match (args.wards, args.fsas) {
        (Some(wards), Some(fsas)) => (wards, fsas),
        // clap lets neither through without --fetch.
        _ => fetch::fetch(&args.addresses, fetched.path()).await?,
    };
    build(&Inputs {
        wards,
        wards_44: args.wards_44,
        fsas,
        ward_population: args.ward_population,
        fsa_population: args.fsa_population,
        tolerance_m: args.tolerance,
        out: args.out,
    })
}

fn metres(text: &str) -> Result<f64, String> {
    let metres = text.parse().map_err(|error| format!("{error}"))?;
    if (0.0..=1000.0).contains(&metres) { Ok(metres) } else { Err("expected 0 to 1000".to_owned()) }
}
