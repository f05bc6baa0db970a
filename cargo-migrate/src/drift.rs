//! What a database has beside its migrations: its schema held against the one that the applied migrations make.

use std::path::Path;

use glob::Pattern;
use migrate_core::schema::{Diff, FILE_NAME, Schema};
use migrate_core::{Script, Set, State, file, folder, text};
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Applied, Error as EngineError, Interrupt, Migrator, Status};

use crate::config::Settings;
use crate::render::view::Note;
use crate::scratch::Scratch;
use crate::{Problem, pattern};

/// What was found.
#[derive(Clone, Debug)]
pub(crate) struct Drift {
    /// How many migrations are applied.
    pub(crate) applied: usize,
    /// From what they make to what the database has, without what is to be ignored.
    pub(crate) diff: Diff,
    /// What the database was held against.
    pub(crate) against: Against,
}

/// What a database was held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// `schema.sql.snap`, as it is recorded beside the migrations.
    Recorded,
    /// The schema that the applied migrations made on a scratch server of this major version.
    Scratch { major: u32, same: bool },
}

impl Drift {
    /// Whether the database was changed beside the migrations. Columns in another order are none: they come of applying
    /// out of order.
    pub(crate) fn is_there(&self) -> bool {
        !self.diff.is_empty() && !self.diff.is_order_only()
    }
}

/// The scripts that were in force when the migrations were applied, in that order, and what is to be said of them.
pub(crate) struct InForce {
    scripts: Vec<(String, Script)>,
    pub(crate) notes: Vec<Note>,
}

impl InForce {
    /// Reads them: the text that was applied counts, where a file was modified since or is gone.
    ///
    /// # Errors
    ///
    /// Where a migration is dirty, or its text is not known.
    pub(crate) fn read(migrator: &Migrator, set: &Set) -> anyhow::Result<Self> {
        let mut in_force = Self { scripts: Vec::new(), notes: Vec::new() };
        for one in migrator.applied()? {
            let (script, note) = script(set, &one)?;
            in_force.notes.extend(note);
            in_force.scripts.push((one.version, script));
        }
        Ok(in_force)
    }

    /// Runs them on a scratch server, and holds `live` against what they make there. `version` is the
    /// `server_version_num` of the live one.
    ///
    /// # Errors
    ///
    /// Where a script fails there, or needs what the server lacks.
    pub(crate) fn compare(
        &self,
        scratch: &Scratch,
        live: &Schema,
        version: u32,
        options: &SchemaOptions,
        ignored: &[Pattern],
        interrupt: &Interrupt,
    ) -> anyhow::Result<Drift> {
        let scripts = self.scripts.iter().map(|(stem, script)| (stem.as_str(), script));
        let made = scratch.schema(scripts, options, interrupt)?;
        let major = scratch.major();
        let diff = made.diff(live);
        let diff = match &options.history {
            Some(history) => history.without_schema(diff),
            None => diff,
        };
        Ok(Drift {
            applied: self.scripts.len(),
            diff: pattern::ignore(diff, ignored),
            against: Against::Scratch { major, same: major == version / 10_000 },
        })
    }
}

/// What the configuration leaves out, and what the verb does.
pub(crate) fn ignored(settings: &Settings, more: &[Pattern]) -> Vec<Pattern> {
    let configured = settings.drift_ignore.iter().flat_map(|patterns| &patterns.value);
    more.iter().chain(configured).cloned().collect()
}

/// The cheap way, without a scratch server: where exactly the migrations of the folder are applied, unmodified, and their
/// schema is recorded beside them and is the one that the database has, nobody changed it. In every other case nothing is
/// known: the record may be old.
pub(crate) fn as_recorded(
    settings: &Settings,
    status: &Status,
    live: &Schema,
    ignored: &[Pattern],
) -> Option<Drift> {
    if status.entries.is_empty() || status.entries.iter().any(|entry| entry.state != State::Applied) {
        return None;
    }
    let diff = recorded(&settings.dir.value)?.diff(&live.portable());
    let diff = pattern::ignore(settings.history_table.value.without_schema(diff), ignored);
    let drift = Drift { applied: status.entries.len(), diff, against: Against::Recorded };
    (!drift.is_there()).then_some(drift)
}

fn recorded(dir: &Path) -> Option<Schema> {
    let bytes = file::read(&dir.join(FILE_NAME), folder::MAX_FILE_BYTES).ok()?;
    Schema::parse(&text::normalise(&bytes).ok()?).ok()
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
