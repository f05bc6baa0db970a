//! Through the gate, or not.

use migrate_core::{Goal, Set};
use migrate_runtime::{Connection, Database, Error as EngineError, Migrator, Note};

use super::backup;
use crate::args::Gate;
use crate::backup::CreateOptions;
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::Situation;
use crate::preflight::marker;
use crate::render::view::GateView;

/// The action of the lines in the audit log.
pub(crate) const ACTION: &str = "gate";

/// Who wants through, with what.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) verb: &'static str,
    pub(crate) said: &'a Gate,
    /// What is to be done; `None` where that is no plan's, and something is to be done for certain.
    pub(crate) goal: Option<Goal>,
    /// Whether a backup is wanted: what changes rows of the history alone needs none.
    pub(crate) backup: bool,
}

/// Lets a change of a protected environment through, or does not. Everywhere else, and where nothing is to be done, it
/// does nothing.
///
/// # Errors
///
/// A [`Problem`] that says why the preflight does not count, or the backup; nothing was changed then.
pub(crate) fn pass(
    call: &Call,
    settings: &Settings,
    set: &Set,
    migrator: &Migrator,
    request: Request<'_>,
) -> anyhow::Result<()> {
    if !settings.protected.value || !is_anything(migrator, request.goal)? {
        return Ok(());
    }
    let works = call.context.engine_works();
    let database = call.database(settings)?;
    let connection = Connection::open(&database, "cargo-migrate: gate", &call.context.interrupt)?;
    let situation = Situation::look(settings, set, migrator, &connection)?;
    let checked = marker::check(settings, &situation.identity, &situation.pending, &situation.now);
    let (outcome, mut words) = match (checked, &request.said.force) {
        (Ok(passed), _) => ("passed", format!("preflight of {}", passed.at)),
        (Err(why), Some(_)) => ("forced", format!("no preflight: {why}")),
        (Err(why), None) => return Err(why.into()),
    };
    let mut skipped = false;
    if request.backup {
        match &request.said.skip_backup {
            Some(_) => {
                skipped = true;
                words += "; no backup";
            }
            None => {
                drop(works);
                let options = CreateOptions {
                    pending: Some(situation.pending.digest().to_string()),
                    ..CreateOptions::default()
                };
                wait_for_others(call, settings, &database)?;
                let named = request.said.backup.as_deref();
                let saved = backup::whole(call, settings, migrator, &situation.identity, named, &options)?;
                let id = saved.backup.manifest.id.clone();
                call.ui.remark(&GateView::Saved(&saved), "gate");
                words += &format!("; backup {id}");
            }
        }
    }
    let _works = call.context.engine_works();
    migrator.note(&Note {
        subject: request.verb.to_owned(),
        action: ACTION.to_owned(),
        outcome: if skipped { "forced" } else { outcome }.to_owned(),
        checksum: Some(situation.pending.digest().to_string()),
        message: Some(words),
        duration: None,
    })?;
    Ok(())
}

/// Waits until nobody migrates, and says for whom: pg_dump would wait for their table locks without a word.
///
/// # Errors
///
/// [`EngineError::LockNotObtained`] after `lock-wait`.
fn wait_for_others(call: &Call, settings: &Settings, database: &Database) -> Result<(), EngineError> {
    let _works = call.context.engine_works();
    let history = &settings.history_table.value;
    let connection = Connection::open(database, "cargo-migrate: gate", &call.context.interrupt)?;
    let wait = settings.wait_for_runner();
    connection.hold_migration_lock(history, wait, |holder| {
        call.ui.remark(&GateView::Waiting { holder, wait }, "gate");
    })
}

/// Says what the gate would, where there is one. Writes nothing.
pub(crate) fn preview(
    call: &Call,
    settings: &Settings,
    set: &Set,
    migrator: &Migrator,
    request: Request<'_>,
) -> anyhow::Result<()> {
    if !settings.protected.value || !is_anything(migrator, request.goal)? {
        return Ok(());
    }
    let _works = call.context.engine_works();
    let database = call.database(settings)?;
    let connection = Connection::open(&database, "cargo-migrate: gate", &call.context.interrupt)?;
    let situation = Situation::look(settings, set, migrator, &connection)?;
    let checked = marker::check(settings, &situation.identity, &situation.pending, &situation.now);
    call.ui.remark(&GateView::Would { checked: checked.err(), request }, "gate");
    Ok(())
}

/// Whether anything is to be done.
///
/// # Errors
///
/// Where the history is refused: what has to be said then has nothing to do with a gate.
fn is_anything(migrator: &Migrator, goal: Option<Goal>) -> Result<bool, EngineError> {
    let Some(goal) = goal else { return Ok(true) };
    match migrator.dry_run(goal) {
        Ok(plan) => Ok(!plan.steps.is_empty()),
        // There is: a migration to finish, or a question to ask.
        Err(EngineError::Dirty { .. } | EngineError::DownDiffers { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
