//! `deploy`: the whole production run.

use std::num::NonZeroUsize;

use clap::Args;

use super::call::{Answer, Call, Outcome};
use crate::args::{self, Strict};
use crate::deploy::{self, OnFailure, Options};
use crate::files;
use crate::preflight::Allow;
use crate::render::view::{DeployPlanView, DeployView};

/// Run preflight, backup, up and postflight as one plan that can be taken up again
///
/// Each step is written into the audit log before and after it. A deployment that was cut short, by a crash or Ctrl-C, goes
/// on where it was when `deploy` is run again with the same files, from whatever machine. One deployment of a database runs
/// at a time. Where nothing is pending, nothing is done.
///
/// Exit codes: 1 the preflight failed (nothing was changed), 2 a migration failed, 3 the postflight failed, 4 the way back
/// failed; the result says what is applied then, where the backup is, and what to type next.
#[derive(Debug, Args)]
pub struct Deploy {
    /// Show the steps with their SQL, locks, risks and estimated times, and what the preflight finds; change and write nothing
    #[arg(long)]
    dry_run: bool,

    /// What to do where a migration or the postflight fails
    ///
    /// `rollback` and `restore` are refused before anything runs where they will not be possible. Kept with an unfinished
    /// deployment, and taken from there unless it is said again. Default: stop.
    #[arg(long, value_name = "WAY", value_enum)]
    on_failure: Option<OnFailure>,

    /// Write the backup in this many jobs at once, in the directory format
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,

    /// Let this check of the preflight fail, for this reason, which the audit log keeps; may be repeated
    #[arg(long, value_name = "CHECK=REASON")]
    allow: Vec<Allow>,

    #[command(flatten)]
    gate: args::Gate,

    /// Give up an unfinished deployment, for this reason, and begin anew with what is pending now
    #[arg(long, value_name = "REASON", value_parser = args::reason)]
    abandon: Option<String>,

    #[command(flatten)]
    strict: Strict,

    /// Do not ask before `--on-failure restore` replaces the database
    #[arg(short, long)]
    yes: bool,
}

impl Deploy {
    /// What it shows without doing it is not recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        !self.dry_run
    }

    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings_of_run(self.strict)?;
        let set = files::read_as_locked(&settings)?;
        let options = Options {
            said: &self.gate,
            jobs: self.jobs,
            allow: &self.allow,
            on_failure: self.on_failure,
            yes: self.yes,
            abandon: self.abandon.as_deref(),
        };
        if self.dry_run {
            return Answer::ok(DeployPlanView(deploy::dry_run(call, &settings, &set, &options)?));
        }
        let mut deployment = deploy::run(call, &settings, &set, &options)?;
        let exit = deployment.exit;
        if !deployment.run.is_empty() {
            deployment.report = call.logbook(&settings).write_view("deploy", &DeployView(deployment.clone()));
        }
        Ok(Answer { view: Box::new(DeployView(deployment)), exit })
    }
}
