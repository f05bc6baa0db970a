//! `up`: apply what is pending.

use std::num::NonZeroUsize;

use clap::Args;
use migrate_core::Goal;

use super::call::{Answer, Call, Outcome, check_target};
use crate::args::{self, Strict, Target};
use crate::gate::{self, Request};
use crate::render::view::DryRunView;
use crate::{deploy, expected, files};

/// Apply pending migrations
///
/// Each runs in a transaction of its own, together with its row in the history. What cannot run in a transaction, such
/// as CREATE INDEX CONCURRENTLY, runs statement by statement with a journal, and is resumed where it was interrupted.
///
/// In a protected environment it wants a fresh passing `preflight` of this database with these migrations pending, and
/// makes a backup first. `deploy` does all of it.
#[derive(Debug, Args)]
pub struct Up {
    /// Apply this many at most
    #[arg(long, value_name = "N", conflicts_with = "to")]
    steps: Option<NonZeroUsize>,

    /// Apply up to this version, inclusive: 10, 0010 or 0010_add_products
    #[arg(long, value_name = "VERSION")]
    to: Option<Target>,

    /// Print the exact SQL of the run and execute nothing
    #[arg(long)]
    dry_run: bool,

    /// Apply all in one transaction, together or not at all
    #[arg(long)]
    single_transaction: bool,

    /// Apply a pending migration that is older than an applied one
    #[arg(long)]
    allow_out_of_order: bool,

    /// Refuse to go on after a partly applied migration, instead of resuming it
    #[arg(long)]
    no_auto_recover: bool,

    #[command(flatten)]
    strict: Strict,

    #[command(flatten)]
    gate: args::Gate,
}

impl Up {
    /// What it shows without doing it is not recorded.
    pub(crate) fn is_recorded(&self) -> bool {
        !self.dry_run
    }

    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings_of_run(self.strict)?;
        let set = files::read_as_locked(&settings)?;
        if let Some(target) = &self.to {
            check_target(&set, target)?;
        }
        let goal = match (self.steps, &self.to) {
            (Some(steps), _) => Goal::UpSteps(steps.get()),
            (None, Some(target)) => Goal::UpTo(target.version),
            (None, None) => Goal::UpAll,
        };
        let (migrator, database) = call.migrator(&settings, set.clone(), self.gate.reason().as_deref())?;
        let migrator = migrator
            .single_transaction(self.single_transaction)
            .allow_out_of_order(self.allow_out_of_order)
            .auto_recover(!self.no_auto_recover);
        deploy::tell_unfinished(call, &migrator)?;
        let request = Request { verb: "up", said: &self.gate, goal: Some(goal), backup: true };
        if self.dry_run {
            let plan = migrator.dry_run(goal)?;
            gate::preview(call, &settings, &set, &migrator, request)?;
            return Answer::ok(DryRunView(plan));
        }
        if self.no_auto_recover && settings.protected.value {
            // What is partly applied is not gone on with: no backup for that.
            migrator.dry_run(goal)?;
        }
        gate::foresee(call, &settings, &set, &migrator, request)?;
        gate::pass(call, &settings, &set, &migrator, request)?;
        let works = call.context.engine_works();
        let result = migrator.run(goal);
        drop(works);
        let report = expected::told(call, &set, &migrator, result)?;
        call.finish(&settings, &set, report, database)
    }
}
