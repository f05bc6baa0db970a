//! `report`: what earlier runs left in the log folder.

pub mod show;

use clap::{Args, Subcommand};

use super::call::{Call, Outcome};

/// Show the reports of earlier runs
#[derive(Debug, Args)]
pub struct Report {
    #[command(subcommand)]
    action: Action,
}

#[allow(missing_docs)]
#[derive(Debug, Subcommand)]
pub enum Action {
    #[allow(missing_docs)]
    Show(show::Show),
}

impl Report {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        match &self.action {
            Action::Show(verb) => verb.run(call),
        }
    }
}
