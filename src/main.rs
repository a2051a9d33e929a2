//! `toronto311`: one program, one role per subcommand.

fn main() {}
