//! `redo`: roll back and apply again.

use std::num::NonZeroUsize;

use clap::Args;
use migrate_core::Goal;

use super::call::{Call, Outcome};
use crate::args::{self, Strict};
use crate::gate::{self, Request};
use crate::{deploy, expected, files};

/// Roll back the newest migrations and apply them again, as their files are now
///
/// For work on a migration that is not committed yet: the recorded down script rolls back what was applied, then the
/// edited file is applied.
#[derive(Debug, Args)]
pub struct Redo {
    /// Redo this many
    #[arg(long, value_name = "N", default_value = "1")]
    steps: NonZeroUsize,

    #[command(flatten)]
    strict: Strict,

    #[command(flatten)]
    gate: args::Gate,
}

impl Redo {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings_of_run(self.strict)?;
        let set = files::read_as_locked(&settings)?;
        let (migrator, database) = call.migrator(&settings, set.clone(), self.gate.reason().as_deref())?;
        let migrator = migrator.prefer_file_down(Some(false));
        let goal = Goal::Redo(self.steps.get());
        deploy::tell_unfinished(call, &migrator)?;
        let request = Request { verb: "redo", said: &self.gate, goal: Some(goal), backup: true };
        gate::foresee(call, &settings, &set, &migrator, request)?;
        gate::pass(call, &settings, &set, &migrator, request)?;
        let works = call.context.engine_works();
        let result = migrator.run(goal);
        drop(works);
        let report = expected::told(call, &set, &migrator, result)?;
        call.finish(&settings, &set, report, database)
    }
}
