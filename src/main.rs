//! `toronto311`: one program, one role per subcommand.

use std::process::ExitCode;

use clap::Parser;
use toronto311::config::{Boundaries, Clean, CleanRaw, Cli, Command, Refresh, Serve};
use toronto311::lake::Lake;
use toronto311::release::status;
use toronto311::{boundaries, pipeline, signals, telemetry, web};

/// Wrong usage, as `clap` has it.
const USAGE: u8 = 2;

/// `clean` and `clean-raw`: the file breaks the data contract.
const REFUSED: u8 = 3;

pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let problems = cli.problems();
    if !problems.is_empty() {
        problems.iter().for_each(|problem| eprintln!("error: {problem}"));
        return ExitCode::from(USAGE);
    }
    let _logging = telemetry::start(cli.log_format, cli.log_filter());
    run(cli.command).unwrap_or_else(|error| {
        // Our errors name their cause in their own text.
        eprintln!("error: {error}");
        let refused = error.downcast_ref().is_some_and(pipeline::Error::is_of_the_file);
        if refused { ExitCode::from(REFUSED) } else { ExitCode::FAILURE }
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(settings) => runtime()?.block_on(serve(settings))?,
        Command::Refresh(settings) => return runtime()?.block_on(refresh(&settings)),
        Command::Status(settings) => {
            let status = runtime()?.block_on(async { status::read(&Lake::open(&settings.lake.at)?).await })?;
            print!("{}", if settings.json { status.to_json()? } else { status.to_string() });
        }
        Command::Verify(settings) => return runtime()?.block_on(verify(&Lake::open(&settings.lake.at)?)),
        Command::Rollback(settings) => {
            let lake = Lake::open(&settings.lake.at)?;
            println!("live {}", runtime()?.block_on(pipeline::rollback(&lake, settings.to))?);
        }
        Command::Clean(settings) => runtime()?.block_on(clean(&settings))?,
        Command::CleanRaw(CleanRaw { lake, year, sha256 }) => {
            let lake = Lake::open(&lake.at)?;
            println!("cleaned {}", runtime()?.block_on(pipeline::clean_raw(&lake, year, &sha256))?);
        }
        Command::Contract => print!("{}", toronto311::clean::contract::markdown()),
        Command::Boundaries(Boundaries::Build(args)) => println!("{}", runtime()?.block_on(boundaries::run(args))?),
    }
    Ok(ExitCode::SUCCESS)
}

/// What blocks here is work of the CPU: rendering, compressing, cleaning. More threads than cores gain nothing, and each
/// keeps some of the memory of the last file that it cleaned.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread().max_blocking_threads(threads).enable_all().build()
}

async fn serve(settings: Serve) -> anyhow::Result<()> {
    let lake = Lake::open(&settings.lake.at)?;
    let stop = signals::stop();
    let refreshing = pipeline::in_background(&lake, &settings, &stop)?;
    let served = web::serve(&settings, lake, stop.clone()).await;
    stop.cancel();
    refreshing.end().await;
    served
}

async fn refresh(settings: &Refresh) -> anyhow::Result<ExitCode> {
    let lake = Lake::open(&settings.lake.at)?;
    let (source, plan) = (pipeline::source(&settings.publishing.source)?, pipeline::Plan::of(settings));
    let report = pipeline::refresh(&lake, &source, &plan, &signals::stop()).await?;
    println!("{}", report.outcome);
    report.held.iter().for_each(|held| eprintln!("error: {}", held.message));
    Ok(if report.held.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn verify(lake: &Lake) -> anyhow::Result<ExitCode> {
    let (release, problems) = pipeline::verify(lake).await?;
    problems.iter().for_each(|problem| eprintln!("error: {problem}"));
    match release {
        Some(release) if problems.is_empty() => println!("verified {release}"),
        None if problems.is_empty() => println!("the lake has no release"),
        _ => return Ok(ExitCode::FAILURE),
    }
    Ok(ExitCode::SUCCESS)
}

async fn clean(settings: &Clean) -> anyhow::Result<()> {
    let against = settings.against.as_ref().map(Lake::open).transpose()?;
    let summary = pipeline::clean_file(&settings.file, settings.year, &settings.out, against.as_ref()).await?;
    print!("{}", if settings.json { serde_json::to_string(&summary)? + "\n" } else { summary.to_string() });
    Ok(())
}
