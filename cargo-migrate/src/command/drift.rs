//! `drift`: is the database what its migrations made?

use clap::Args;

use super::call::{Answer, Call, Outcome, tell_other_major};
use crate::args::Compare;
use crate::drift::{self, InForce};
use crate::files;
use crate::render::view::DriftView;
use crate::scratch::Scratch;

/// Compare a database with what its applied migrations make
///
/// The applied migrations are run on a scratch database, in the order in which they were applied, and what they make is
/// compared with what the database has. The text that was in force counts, as the audit log has it, where a file was
/// edited since or is gone. Columns that only stand in another order are told and are no drift. Writes nothing to the
/// database. Exits with 8 where the database was changed beside the migrations.
///
/// What is meant to be there all the same (a partition that a job makes, an index of an experiment) is left out with
/// --ignore, or for good with `drift-ignore` in Cargo.toml.
#[derive(Debug, Args)]
pub struct Drift {
    #[command(flatten)]
    compare: Compare,
}

impl Drift {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let set = files::read(&settings)?;
        let (migrator, database) = call.migrator(&settings, set.clone(), None)?;
        let in_force = InForce::read(&migrator, &set)?;
        for note in &in_force.notes {
            call.ui.remark(note, "note");
        }
        let options = self.compare.options(&settings.history_table.value);
        let version = migrator.server_version()?;
        let live = migrator.schema(&options)?;
        let scratch = Scratch::like(Some(version))?;
        tell_other_major(call, Some(version), scratch.major());
        let works = call.context.engine_works();
        let ignored = drift::ignored(&settings, &self.compare.ignore);
        let drift =
            in_force.compare(&scratch, &live, version, &options, &ignored, &call.context.interrupt)?;
        drop(works);
        Answer::check(drift.is_there(), DriftView { database, applied: drift.applied, diff: drift.diff })
    }
}
