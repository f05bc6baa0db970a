//! Through the gate, or not.

use migrate_core::{Goal, Set};
use migrate_runtime::{Connection, Database, Error as EngineError, Migrator, Note};

use super::backup;
use crate::Problem;
use crate::args::Gate;
use crate::backup::CreateOptions;
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::{Identity, Pending, Situation};
use crate::preflight::marker::{self, Passed};
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
    let Some(gate) = Found::look(call, settings, set, migrator, request.goal)? else { return Ok(()) };
    let pending = gate.pending.digest().to_string();
    let (outcome, mut words) = match (gate.checked, &request.said.force) {
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
                let options = CreateOptions { pending: Some(pending.clone()), ..CreateOptions::default() };
                wait_for_others(call, settings, &gate.database)?;
                let named = request.said.backup.as_deref();
                let saved = backup::whole(call, settings, migrator, &gate.identity, named, &options)?;
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
        checksum: Some(pending),
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
pub(crate) fn wait_for_others(
    call: &Call,
    settings: &Settings,
    database: &Database,
) -> Result<(), EngineError> {
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
    let Some(gate) = Found::look(call, settings, set, migrator, request.goal)? else { return Ok(()) };
    call.ui.remark(&GateView::Would { checked: gate.checked.err(), request }, "gate");
    Ok(())
}

/// A gate in the way of a change, and whether a preflight opens it.
struct Found {
    database: Database,
    identity: Identity,
    pending: Pending,
    checked: Result<Passed, Problem>,
}

impl Found {
    /// Looks; `None` where nothing is protected, and where nothing is to be done.
    fn look(
        call: &Call,
        settings: &Settings,
        set: &Set,
        migrator: &Migrator,
        goal: Option<Goal>,
    ) -> anyhow::Result<Option<Self>> {
        if !settings.protected.value || !is_anything(migrator, goal)? {
            return Ok(None);
        }
        let _works = call.context.engine_works();
        let database = call.database(settings)?;
        let connection = Connection::open(&database, "cargo-migrate: gate", &call.context.interrupt)?;
        let Situation { identity, pending, now, .. } = Situation::look(settings, set, migrator, &connection)?;
        let checked = marker::check(settings, &identity, &pending, &now);
        Ok(Some(Self { database, identity, pending, checked }))
    }
}

/// Whether anything is to be done.
///
/// # Errors
///
/// Where the history is refused: what has to be said then has nothing to do with a gate.
pub(super) fn is_anything(migrator: &Migrator, goal: Option<Goal>) -> Result<bool, EngineError> {
    let Some(goal) = goal else { return Ok(true) };
    match migrator.dry_run(goal) {
        Ok(plan) => Ok(!plan.steps.is_empty()),
        // There is: a migration to finish, or a question to ask.
        Err(EngineError::Dirty { .. } | EngineError::DownDiffers { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
