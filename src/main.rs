//! The binary: hands the arguments to `rsds::cli` and its answer to the shell.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(rsds::cli::run(std::env::args_os()) as u8)
}
