//! The parsed arguments, as they were given: what they mean together with the configuration is `config`'s part.

mod compare;
mod gate;
mod global;
mod report;
mod since;
mod strict;
mod value;

use clap::{Parser, Subcommand};

pub use compare::Compare;
pub use gate::Gate;
pub use global::{ColorWhen, Format, Global};
pub use report::{ReportFile, Reports};
pub(crate) use since::since;
pub use strict::Strict;
pub use value::{Parameter, Target};
pub(crate) use value::{age, duration, history_table, quote_history_table, reason};

use crate::command;

/// Schema migrations for PostgreSQL: paired up and down files in SQL, checked, applied and rolled back.
#[derive(Debug, Parser)]
#[command(
    name = "cargo migrate",
    bin_name = "cargo migrate",
    version,
    max_term_width = 100,
    propagate_version = true,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = AFTER_HELP
)]
pub struct Cli {
    /// What holds for every verb.
    #[command(flatten)]
    pub global: Global,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

const AFTER_HELP: &str = "\
Exit codes:
  0 success                       6 database not reached, read-only, or lock not obtained
  1 refused, nothing was changed  7 a migration is partly applied and needs a person
  2 a migration failed            8 a check found something
  3 applied, but a check failed   9 the history does not fit the files
  4 rolling back failed           129, 130, 143 interrupted
  5 usage or configuration";

/// One verb, one file in `command/`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    #[allow(missing_docs)]
    Init(command::init::Init),
    #[allow(missing_docs)]
    New(command::new::New),
    #[allow(missing_docs)]
    Up(command::up::Up),
    #[allow(missing_docs)]
    Down(command::down::Down),
    #[allow(missing_docs)]
    Redo(command::redo::Redo),
    #[allow(missing_docs)]
    Status(command::status::Status),
    #[allow(missing_docs)]
    Lock(command::lock::Lock),
    #[allow(missing_docs)]
    Repair(command::repair::Repair),
    #[allow(missing_docs)]
    History(command::history::History),
    #[allow(missing_docs)]
    Verify(command::verify::Verify),
    #[allow(missing_docs)]
    Lint(command::lint::Lint),
    #[allow(missing_docs)]
    Schema(command::schema::Schema),
    #[allow(missing_docs)]
    Drift(command::drift::Drift),
    #[allow(missing_docs)]
    Ci(command::ci::Ci),
    #[allow(missing_docs)]
    Preflight(command::preflight::Preflight),
    #[allow(missing_docs)]
    Backup(command::backup::Backup),
    #[allow(missing_docs)]
    Postflight(command::postflight::Postflight),
    #[allow(missing_docs)]
    Deploy(command::deploy::Deploy),
    #[allow(missing_docs)]
    Rehearse(command::rehearse::Rehearse),
    #[allow(missing_docs)]
    Report(command::report::Report),
    #[allow(missing_docs)]
    Health(command::health::Health),
    #[allow(missing_docs)]
    Doctor(command::doctor::Doctor),
    #[allow(missing_docs)]
    Local(command::local::Local),
    #[allow(missing_docs)]
    Completions(command::completions::Completions),
    #[allow(missing_docs)]
    Man(command::man::Man),
}

impl Verb {
    /// The verb as it is typed.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::New(_) => "new",
            Self::Up(_) => "up",
            Self::Down(_) => "down",
            Self::Redo(_) => "redo",
            Self::Status(_) => "status",
            Self::Lock(_) => "lock",
            Self::Repair(_) => "repair",
            Self::History(_) => "history",
            Self::Verify(_) => "verify",
            Self::Lint(_) => "lint",
            Self::Schema(_) => "schema",
            Self::Drift(_) => "drift",
            Self::Ci(_) => "ci",
            Self::Preflight(_) => "preflight",
            Self::Backup(_) => "backup",
            Self::Postflight(_) => "postflight",
            Self::Deploy(_) => "deploy",
            Self::Rehearse(_) => "rehearse",
            Self::Report(_) => "report",
            Self::Health(_) => "health",
            Self::Doctor(_) => "doctor",
            Self::Local(_) => "local",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// The command as it is typed, where its run is recorded in the log folder: what changes a database or a backup, or
    /// looks over a database for that. What only reads, and what works on files, is not.
    pub(crate) fn recorded(&self) -> Option<&'static str> {
        let recorded = match self {
            Self::Up(up) => up.is_recorded(),
            Self::Down(down) => down.is_recorded(),
            Self::Repair(repair) => repair.is_recorded(),
            Self::Backup(backup) => return backup.recorded(),
            Self::Deploy(deploy) => deploy.is_recorded(),
            Self::Redo(_) | Self::Preflight(_) | Self::Postflight(_) | Self::Rehearse(_) => true,
            _ => false,
        };
        recorded.then(|| self.name())
    }

    /// The formats that its result can be written in.
    pub(crate) fn formats(&self) -> &'static [Format] {
        match self {
            Self::Verify(_) | Self::Lint(_) => &Format::REVIEWS,
            _ => &Format::ALL_VERBS,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn verbs_are_named_as_clap_names_them() {
        for verb in Cli::command().get_subcommands() {
            let name = verb.get_name();
            let arguments: &[&str] = match name {
                "new" => &["add_products"],
                "ci" => &["init"],
                "local" => &["status"],
                "backup" => &["list"],
                "report" => &["show"],
                "completions" => &["bash"],
                _ => &[],
            };
            let cli = Cli::try_parse_from(["cargo-migrate", name].iter().chain(arguments)).unwrap();
            assert_eq!(cli.verb.name(), name);
        }
    }
}
