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
        let mut command = Cli::command().name("cargo-migrate").bin_name("cargo-migrate");
        clap_complete::generate(self.shell, &mut command, "cargo-migrate", &mut script);
        // clap_complete 4.6 writes the hyphen of a program's name in two ways, so that bash finds no verb of it
        // (https://github.com/clap-rs/clap/issues/6421). Where it is written in one way this does nothing.
        let script = String::from_utf8_lossy(&script).replace("cargo__subcmd__migrate__", "cargo__migrate__");
        Answer::ok(TextView(script))
    }
}
