//! `backup`: copies of a database.

pub mod create;
pub mod list;
pub mod prune;
pub mod restore;
pub mod show;
pub mod verify;

use clap::{Args, Subcommand};

use super::call::{Call, Outcome};

/// Create, check, restore and remove backups
#[derive(Debug, Args)]
pub struct Backup {
    #[command(subcommand)]
    action: Action,
}

#[allow(missing_docs)]
#[derive(Debug, Subcommand)]
pub enum Action {
    #[allow(missing_docs)]
    Create(create::Create),
    #[allow(missing_docs)]
    List(list::List),
    #[allow(missing_docs)]
    Show(show::Show),
    #[allow(missing_docs)]
    Verify(verify::Verify),
    #[allow(missing_docs)]
    Prune(prune::Prune),
    #[allow(missing_docs)]
    Restore(restore::Restore),
}

impl Backup {
    /// The command as it is typed, where its run is recorded.
    pub(crate) fn recorded(&self) -> Option<&'static str> {
        match &self.action {
            Action::Create(_) => Some("backup create"),
            Action::Verify(_) => Some("backup verify"),
            Action::Prune(verb) => verb.is_recorded().then_some("backup prune"),
            Action::Restore(_) => Some("backup restore"),
            Action::List(_) | Action::Show(_) => None,
        }
    }

    pub(super) fn run(&self, call: &Call) -> Outcome {
        match &self.action {
            Action::Create(verb) => verb.run(call),
            Action::List(verb) => verb.run(call),
            Action::Show(verb) => verb.run(call),
            Action::Verify(verb) => verb.run(call),
            Action::Prune(verb) => verb.run(call),
            Action::Restore(verb) => verb.run(call),
        }
    }
}
