//! `down`: roll back.

use std::num::NonZeroUsize;

use clap::Args;
use migrate_core::{Goal, Set};
use migrate_runtime::{Error, Migrator, PlannedScript, Report};

use super::call::{Answer, Call, Outcome, check_target};
use crate::args::{self, Strict, Target};
use crate::gate::{self, Request};
use crate::render::view::{DownDiffView, DryRunView};
use crate::{Problem, deploy, expected, files, loss, question};

/// Roll back applied migrations, newest first
///
/// The down script that was recorded when the migration was applied is what runs. Where the file says otherwise by now,
/// you are asked which of the two is meant; without a terminal to ask on, nothing is rolled back.
///
/// In a protected environment it is said first what data goes (the rows of tables and the values of columns, counted), and
/// asked whether to go on; --yes answers for a script. --dry-run says the same anywhere. --force gets past the gate, never
/// past a migration that has no down.
#[derive(Debug, Args)]
pub struct Down {
    /// Roll back this many
    #[arg(long, value_name = "N", default_value = "1", conflicts_with_all = ["to", "all"])]
    steps: NonZeroUsize,

    /// Roll back everything newer than this version, which stays applied: 10, 0010 or 0010_add_products
    #[arg(long, value_name = "VERSION", conflicts_with = "all")]
    to: Option<Target>,

    /// Roll back everything
    #[arg(long)]
    all: bool,

    /// Print the exact SQL of the run, say what data it would destroy, and execute nothing
    #[arg(long)]
    dry_run: bool,

    /// Destroy the data that goes without being asked
    #[arg(short, long)]
    yes: bool,

    /// Where file and record differ, roll back with the down script in the file
    #[arg(long, conflicts_with = "use_recorded_down")]
    use_file_down: bool,

    /// Where file and record differ, roll back with the down script that was recorded
    #[arg(long)]
    use_recorded_down: bool,

    #[command(flatten)]
    strict: Strict,

    #[command(flatten)]
    gate: args::Gate,
}

impl Down {
    /// What it shows without doing it is not recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        !self.dry_run
    }

    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings_of_run(self.strict)?;
        let set = files::read_as_locked(&settings)?;
        let goal = self.goal(&set)?;
        let (migrator, database) = call.migrator(&settings, set.clone(), self.gate.reason().as_deref())?;
        let migrator = match (self.use_file_down, self.use_recorded_down) {
            (false, false) => migrator,
            (file, _) => migrator.prefer_file_down(Some(file)),
        };
        deploy::tell_unfinished(call, &migrator)?;
        let request = Request { verb: "down", said: &self.gate, goal: Some(goal), backup: true };
        if self.dry_run {
            let plan = migrator.dry_run(goal)?;
            gate::preview(call, &settings, &set, &migrator, request)?;
            loss::tell(call, &settings, &migrator.planned_scripts(goal)?, &database)?;
            return Answer::ok(DryRunView(plan));
        }
        gate::foresee(call, &settings, &set, &migrator, request)?;
        // The question first: nobody wants to be asked when a long backup is done.
        let migrator = match settings.protected.value {
            true => {
                let (migrator, scripts) = Self::settle(call, migrator, goal)?;
                loss::tell_and_ask(call, &settings, &scripts, &database, self.yes)?;
                migrator
            }
            false => migrator,
        };
        gate::pass(call, &settings, &set, &migrator, request)?;
        let report = Self::run_or_ask(call, &set, migrator, goal)?;
        call.finish(&settings, &set, report, database)
    }

    fn goal(&self, set: &Set) -> Result<Goal, Problem> {
        Ok(match &self.to {
            Some(target) => {
                check_target(set, target)?;
                Goal::DownTo(target.version)
            }
            None if self.all => Goal::DownAll,
            None => Goal::DownSteps(self.steps.get()),
        })
    }

    /// The scripts that are meant; asks where file and record differ.
    fn settle(
        call: &Call,
        mut migrator: Migrator,
        goal: Goal,
    ) -> anyhow::Result<(Migrator, Vec<PlannedScript>)> {
        loop {
            match migrator.planned_scripts(goal) {
                Err(Error::DownDiffers { stem, recorded, found }) => {
                    migrator = which(call, migrator, stem, recorded, found)?;
                }
                scripts => return Ok((migrator, scripts?)),
            }
        }
    }

    /// Runs, and asks where a down script differs, which is only known once the engine looked.
    fn run_or_ask(call: &Call, set: &Set, mut migrator: Migrator, goal: Goal) -> anyhow::Result<Report> {
        loop {
            let works = call.context.engine_works();
            let result = migrator.run(goal);
            drop(works);
            match result {
                Err(Error::DownDiffers { stem, recorded, found }) => {
                    migrator = which(call, migrator, stem, recorded, found)?;
                }
                result => return Ok(expected::told(call, set, &migrator, result)?),
            }
        }
    }
}

/// Shows how the file's down script and the recorded one differ, and asks which is meant.
fn which(
    call: &Call,
    migrator: Migrator,
    stem: String,
    recorded: String,
    found: String,
) -> anyhow::Result<Migrator> {
    let view = DownDiffView { stem: stem.clone(), recorded: recorded.clone(), found: found.clone() };
    call.ui.before_question(&view, "down_differs", false);
    if !call.context.stdin.is_terminal() {
        return Err(Error::DownDiffers { stem, recorded, found }.into());
    }
    Ok(migrator.prefer_file_down_of(&stem, ask_for_file(call)?))
}

/// Whether the file's down script is meant, not the recorded one.
fn ask_for_file(call: &Call) -> Result<bool, Problem> {
    let answer = question::ask(call.context, "which one rolls back?", "[recorded/file/N]")?;
    match answer.as_deref() {
        Some("r" | "recorded") => Ok(false),
        Some("f" | "file") => Ok(true),
        _ => Err(Problem::Declined),
    }
}
