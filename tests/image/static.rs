//! The program once more, for the image that tests look at: an example is built of the same crates as tests are, so that
//! linking it statically is all that is left to do.

use std::process::ExitCode;

#[path = "../../src/main.rs"]
mod program;

fn main() -> ExitCode {
    program::main()
}
