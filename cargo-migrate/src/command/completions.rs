//! `completions`: for the shell.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::call::{Answer, Outcome};
use crate::args::Cli;
use crate::render::view::TextView;

/// Print a completion script for a shell
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "cargo-migrate", &mut script);
        Answer::ok(TextView(String::from_utf8_lossy(&script).into_owned()))
    }
}
