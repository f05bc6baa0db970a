//! `schema`: the schema of a database, shown, compared, and held against what an application needs.

mod diff;
mod show;
mod validate;

use clap::{Args, Subcommand};

use super::call::{Call, Outcome};

/// Show the schema of a database as canonical text, compare two, or check one
///
/// One block an object, one column a line, sorted: the same text for the same schema on every server of 14 to 18. It can
/// be kept in a file and compared. Reads only: it writes nothing, needs no privilege beyond CONNECT, and works on a
/// standby.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Schema {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    show: show::Show,
}

#[derive(Debug, Subcommand)]
enum Action {
    Diff(diff::Diff),
    Validate(validate::Validate),
}

impl Schema {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        match &self.action {
            None => self.show.run(call),
            Some(Action::Diff(diff)) => diff.run(call),
            Some(Action::Validate(validate)) => validate.run(call),
        }
    }
}
