//! `toronto311`: one program, one role per subcommand.

use std::process::ExitCode;

use clap::Parser;
use toronto311::config::{Boundaries, Clean, Cli, Command, Refresh, Serve};
use toronto311::lake::Lake;
use toronto311::{boundaries, pipeline, telemetry, web};

/// Wrong usage, as `clap` has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let problems = cli.problems();
    if !problems.is_empty() {
        problems.iter().for_each(|problem| eprintln!("error: {problem}"));
        return ExitCode::from(USAGE);
    }
    telemetry::start(cli.log_format, &cli.log);
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Our errors name their cause in their own text.
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(settings) => runtime().build()?.block_on(serve(settings)),
        Command::Refresh(settings) => {
            // Files are cleaned on these threads. Each of them keeps some of the memory of its last file, so they are few
            // and always the same.
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            runtime().max_blocking_threads(threads).build()?.block_on(refresh(settings))
        }
        Command::Clean(settings) => runtime().build()?.block_on(clean(&settings)),
        Command::Contract => {
            print!("{}", toronto311::clean::contract::markdown());
            Ok(())
        }
        Command::Boundaries(Boundaries::Build(args)) => {
            println!("{}", boundaries::build(&args)?);
            Ok(())
        }
    }
}

fn runtime() -> tokio::runtime::Builder {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all();
    runtime
}

async fn serve(settings: Serve) -> anyhow::Result<()> {
    let lake = Lake::open(&settings.lake.folder)?;
    let for_demo = lake.clone();
    tokio::spawn(async move {
        if let Err(error) = pipeline::demo_if_empty(&for_demo).await {
            tracing::error!("no demo release: {error}");
        }
    });
    web::serve(&settings, lake).await
}

async fn refresh(settings: Refresh) -> anyhow::Result<()> {
    let lake = Lake::open(&settings.lake.folder)?;
    match pipeline::refresh_from_folder(&lake, &settings.source, settings.quarantine_budget).await? {
        pipeline::Outcome::Published(release) => println!("published {release}"),
        pipeline::Outcome::NoChange(release) => println!("no_change {release}"),
    }
    Ok(())
}

async fn clean(settings: &Clean) -> anyhow::Result<()> {
    let against = settings.against.as_deref().map(Lake::open).transpose()?;
    let summary = pipeline::clean_file(&settings.file, settings.year, &settings.out, against.as_ref()).await?;
    if settings.json {
        println!("{}", serde_json::to_string(&summary)?);
    } else {
        print!("{summary}");
    }
    Ok(())
}
