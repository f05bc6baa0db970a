//! `man`: the manual page.

use anyhow::Context as _;
use clap::{Args, CommandFactory};

use super::call::{Answer, Outcome};
use crate::Problem;
use crate::args::Cli;
use crate::render::view::TextView;

/// Print the manual page, as roff
#[derive(Debug, Args)]
pub struct Man {
    /// The page of this verb
    verb: Option<String>,
}

impl Man {
    pub(super) fn run(&self) -> Outcome {
        let mut command = Cli::command();
        command.build();
        let page = match &self.verb {
            None => command.name("cargo-migrate"),
            Some(verb) => {
                let found = command.get_subcommands().find(|known| known.get_name() == verb).cloned();
                let found = found.ok_or_else(|| Problem::Usage {
                    what: format!("there is no verb `{verb}`"),
                    hint: "`cargo migrate --help` lists them".to_owned(),
                })?;
                found.name(format!("cargo-migrate-{verb}"))
            }
        };
        let mut roff = Vec::new();
        clap_mangen::Man::new(page).render(&mut roff).context("could not write the manual page")?;
        Answer::ok(TextView(String::from_utf8_lossy(&roff).into_owned()))
    }
}
