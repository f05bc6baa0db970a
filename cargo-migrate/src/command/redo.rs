//! `redo`: roll back and apply again.

use std::num::NonZeroUsize;

use clap::Args;
use migrate_core::Goal;

use super::call::{Call, Outcome};
use crate::args::Prove;
use crate::{expected, files};

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
    prove: Prove,

    /// Refuse to change migrations.lock; the default where CI is set and in a protected environment
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    locked: Option<bool>,

    /// Change a protected environment without preflight and backup, for this reason, which the audit log keeps
    #[arg(long, value_name = "REASON")]
    force: Option<String>,
}

impl Redo {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(self.locked)?.proving(self.prove.said());
        let set = files::read(&settings)?;
        files::check_lock(&settings, &set)?;
        call.gate(&settings, "redo", self.force.as_deref())?;
        let (migrator, database) = call.migrator(&settings, set.clone(), self.force.as_deref())?;
        let works = call.context.engine_works();
        let migrator = migrator.prefer_file_down(Some(false));
        let result = migrator.run(Goal::Redo(self.steps.get()));
        drop(works);
        let report = expected::told(call, &set, &migrator, result)?;
        call.finish(&settings, &set, report, database)
    }
}
