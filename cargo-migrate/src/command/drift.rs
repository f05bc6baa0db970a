//! `drift`: is the database what its migrations made?

use clap::Args;
use migrate_core::{Script, Set};
use migrate_runtime::{Applied, Error as EngineError};

use super::call::{Answer, Call, Outcome, tell_other_major};
use crate::args::Compare;
use crate::render::view::{DriftView, Note};
use crate::scratch::Scratch;
use crate::{Problem, files, pattern};

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
        let applied = migrator.applied()?;
        let mut scripts = Vec::new();
        for one in &applied {
            let (script, note) = script(&set, one)?;
            if let Some(note) = note {
                call.ui.remark(&note, "note");
            }
            scripts.push((one.version.as_str(), script));
        }
        let options = self.compare.options(&settings.history_table.value);
        let version = migrator.server_version()?;
        let live = migrator.schema(&options)?;
        let scratch = Scratch::like(Some(version))?;
        tell_other_major(call, Some(version), scratch.major());
        let works = call.context.engine_works();
        let scripts = scripts.iter().map(|(stem, script)| (*stem, script));
        let migrated = scratch.schema(scripts, &options, &call.context.interrupt)?;
        drop(works);
        let mut ignored = self.compare.ignore.clone();
        ignored.extend(settings.drift_ignore.iter().flat_map(|patterns| patterns.value.iter().cloned()));
        let diff = settings.history_table.value.without_schema(migrated.diff(&live));
        let diff = pattern::ignore(diff, &ignored);
        let found = !diff.is_empty() && !diff.is_order_only();
        Answer::check(found, DriftView { database, applied: applied.len(), diff })
    }
}

/// The up script that was in force when a migration was applied.
fn script(set: &Set, applied: &Applied) -> anyhow::Result<(Script, Option<Note>)> {
    let stem = &applied.version;
    if applied.dirty {
        return Err(EngineError::Dirty {
            stem: stem.clone(),
            progress: None,
            invalid_indexes: Vec::new(),
            failure: None,
        }
        .into());
    }
    let here = set.find_recorded(stem);
    if let Some(here) = here
        && applied.checksum.as_deref() == Some(here.up.checksum.to_string().as_str())
    {
        return Ok((here.up.clone(), None));
    }
    let Some(text) = &applied.up else {
        return Err(Problem::NoRecordedText { stem: stem.clone(), modified: here.is_some() }.into());
    };
    let file = format!("{stem}.up.sql (as it was recorded)");
    let script = Script::parse(&file, text.clone())
        .map_err(|error| EngineError::RecordedScript { stem: stem.clone(), why: error.to_string() })?;
    Ok((script, Some(Note::Recorded { stem: stem.clone(), modified: here.is_some() })))
}
