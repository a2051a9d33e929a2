//! Settings are documented where people look for them.

use std::collections::BTreeSet;

use clap::CommandFactory;
use toronto311::config::Cli;

#[test]
fn env_example_lists_every_variable_and_no_other() {
    let mut variables = BTreeSet::new();
    let command = Cli::command();
    for command in std::iter::once(&command).chain(command.get_subcommands()) {
        variables.extend(command.get_arguments().filter_map(|a| a.get_env()).map(|v| v.to_string_lossy().into_owned()));
    }
    let example = include_str!("../../.env.example");
    let listed: BTreeSet<String> = example
        .lines()
        .filter_map(|line| line.trim_start_matches("# ").split_once('='))
        .map(|(name, _)| name.to_owned())
        .filter(|name| name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_'))
        .collect();
    assert_eq!(listed, variables);
}
