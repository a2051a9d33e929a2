//! `toronto311`: one program, one role per subcommand.

use clap::{Parser, Subcommand};
use toronto311::boundaries;

#[derive(Parser)]
#[command(version, about)]
enum Role {
    /// The areas of the map
    #[command(subcommand)]
    Boundaries(Boundaries),
}

#[derive(Subcommand)]
enum Boundaries {
    /// Make the files in geo/ from their sources
    Build(boundaries::BuildArgs),
}

fn main() -> anyhow::Result<()> {
    let Role::Boundaries(Boundaries::Build(args)) = Role::parse();
    print!("{}", boundaries::build(&args)?);
    Ok(())
}
