//! `report`: what earlier runs left in the log folder.

pub mod list;
pub mod show;

use clap::{Args, Subcommand};

use super::call::{Call, Outcome};

/// Show the reports of earlier runs
///
/// `preflight`, `postflight`, `deploy`, `rehearse` and `backup restore` leave each a report in the log folder, which only
/// its owner can read. The newest hundred of each kind are kept.
#[derive(Debug, Args)]
pub struct Report {
    #[command(subcommand)]
    action: Action,
}

#[allow(missing_docs)]
#[derive(Debug, Subcommand)]
pub enum Action {
    #[allow(missing_docs)]
    List(list::List),
    #[allow(missing_docs)]
    Show(show::Show),
}

impl Report {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        match &self.action {
            Action::List(verb) => verb.run(call),
            Action::Show(verb) => verb.run(call),
        }
    }
}
