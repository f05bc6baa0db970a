//! Whether the schema was changed beside the migrations, as far as it can be known cheaply.
//!
//! After each run of the command line that changed a protected environment, the digest of the schema is noted in the audit
//! log. Computing it anew is one question, whose answer has 32 bytes. What the digest cannot tell (which object it was,
//! and whether it may differ) the full comparison can.

use migrate_core::Set;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Error as EngineError, Migrator, Note, Status};

use super::Runs;
use crate::command::Call;
use crate::config::Settings;
use crate::drift::{self, InForce};
use crate::inspection::ask::is_held_up;
use crate::scratch::Scratch;

/// The action of the note.
const ACTION: &str = "schema";

/// Whether it was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// It is as it was after the last run, or as recorded beside the migrations, or as they make it.
    No {
        /// What it was held against, in words.
        against: String,
    },
    /// It is not.
    Found {
        /// What it was held against, in words.
        against: String,
        /// How many objects differ, where that is known.
        objects: Option<usize>,
    },
    /// It is not known.
    Unknown {
        /// Why, in words.
        why: &'static str,
    },
}

impl Changed {
    /// Looks. A note that is older than the last run in `runs` is of another schema.
    pub(crate) fn look(
        settings: &Settings,
        migrator: &Migrator,
        status: &Status,
        version: u32,
        runs: &Runs,
    ) -> Result<Self, EngineError> {
        match Self::ask(settings, migrator, status, version, runs) {
            Err(error) if is_held_up(&error) => {
                Ok(Self::Unknown { why: "somebody holds a table, whose definition cannot be read meanwhile" })
            }
            asked => asked,
        }
    }

    fn ask(
        settings: &Settings,
        migrator: &Migrator,
        status: &Status,
        version: u32,
        runs: &Runs,
    ) -> Result<Self, EngineError> {
        let note = migrator.last_note(ACTION)?;
        let current = note.filter(|note| runs.newest.is_none_or(|newest| newest < note.id));
        let fits = |note: &migrate_runtime::LogEntry| note.message.as_deref() == Some(&printed_by(version));
        if let Some(note) = current.as_ref().filter(|note| fits(note)) {
            let digest = migrator.schema_digest(&options(settings))?.to_string();
            let against = format!("the schema after the last run ({})", note.at);
            if note.checksum.as_deref() == Some(digest.as_str()) {
                return Ok(Self::No { against });
            }
            // The digest takes in what `drift` is told to leave out.
            if settings.drift_ignore.is_none() {
                return Ok(Self::Found { against, objects: None });
            }
        }
        let live = migrator.schema(&SchemaOptions { owners: false, grants: false, ..options(settings) })?;
        let ignored = drift::ignored(settings, &[]);
        if drift::as_recorded(settings, status, &live, &ignored).is_some() {
            return Ok(Self::No { against: "schema.sql.snap".to_owned() });
        }
        let why = match current {
            Some(_) if settings.drift_ignore.is_some() => {
                "it differs, maybe only in what drift-ignore leaves out"
            }
            Some(_) => "the server was upgraded since the last run",
            None if runs.hidden => "this role may not read the audit log, where its digest is noted",
            None => "no digest of it was noted after the last run",
        };
        Ok(Self::Unknown { why })
    }
}

/// Runs the migrations on a scratch server, and compares.
pub(crate) fn full(
    call: &Call,
    settings: &Settings,
    set: &Set,
    migrator: &Migrator,
) -> anyhow::Result<Changed> {
    let in_force = InForce::read(migrator, set)?;
    let options = SchemaOptions { owners: false, grants: false, ..options(settings) };
    let version = migrator.server_version()?;
    let live = migrator.schema(&options)?;
    let scratch = Scratch::like(Some(version))?;
    let _works = call.context.engine_works();
    let ignored = drift::ignored(settings, &[]);
    let found = in_force.compare(&scratch, &live, version, &options, &ignored, &call.context.interrupt)?;
    let against = "what the applied migrations make".to_owned();
    Ok(match found.is_there() {
        true => Changed::Found { against, objects: Some(found.diff.changes.len()) },
        false => Changed::No { against },
    })
}

/// Notes the schema's digest in the audit log.
pub(crate) fn note_schema(settings: &Settings, migrator: &Migrator) -> Result<(), EngineError> {
    let (digest, version) = (migrator.schema_digest(&options(settings))?, migrator.server_version()?);
    migrator.note(&Note {
        subject: String::new(),
        action: ACTION.to_owned(),
        outcome: "ok".to_owned(),
        checksum: Some(digest.to_string()),
        message: Some(printed_by(version)),
        duration: None,
    })
}

/// Everything counts that a migration could have made: who owns it, and who may do what.
fn options(settings: &Settings) -> SchemaOptions {
    SchemaOptions { history: Some(settings.history_table.value.clone()), ..SchemaOptions::default() }
}

/// Another major version prints some definitions in other words.
fn printed_by(version: u32) -> String {
    format!("schema after the run, as PostgreSQL {} prints it", version / 10_000)
}
