//! What can be known to stand in the way before anything is asked, waited for, or made: told first, not after an hour of
//! backup.

use migrate_core::Set;
use migrate_runtime::{Connection, Error as EngineError, HistoryTable, Interrupt, Migrator, quote_literal};
use migrate_testing::ClientPrograms;

use super::backup;
use super::passage::{Request, is_anything};
use crate::Problem;
use crate::args::Gate;
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::{Identity, Situation, shares_sessions};
use crate::preflight::marker;

/// Refuses what the gate, the backup or the run itself would refuse later. Where there is no gate, the run does so at once,
/// and this does nothing. Writes nothing.
///
/// # Errors
///
/// Those of the later step.
pub(crate) fn foresee(
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
    may_write(&connection, &settings.history_table.value)?;
    if request.said.force.is_none() {
        let situation = Situation::look(settings, set, migrator, &connection)?;
        marker::check(settings, &situation.identity, &situation.pending, &situation.now)?;
    }
    if request.backup {
        backup_is_possible(settings, migrator, &connection, &call.context.interrupt, request.said)?;
    }
    Ok(())
}

/// Refuses a server that nothing can be written to, and a role that may not write the history.
///
/// # Errors
///
/// [`EngineError::ReadOnly`], and what the server says about the role.
pub(crate) fn may_write(connection: &Connection, history: &HistoryTable) -> Result<(), EngineError> {
    let (table, log) = (history.quoted(), history.log_quoted());
    let there = |table: &str| format!("pg_catalog.to_regclass({}) IS NOT NULL", quote_literal(table));
    let sql = format!(
        "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only'), {}, {}",
        there(&table),
        there(&log)
    );
    let rows = connection.rows("asking whether anything can be written", &sql)?;
    let Some(row) = rows.first() else { return Ok(()) };
    let reason = match (row.flag(0), row.get(1)) {
        (true, _) => Some("it is a hot standby"),
        (false, Some("on")) => Some("default_transaction_read_only is on"),
        _ => None,
    };
    if let Some(reason) = reason {
        let database = connection.database().map(ToString::to_string).unwrap_or_default();
        return Err(EngineError::ReadOnly { database, reason: reason.to_owned() });
    }
    // No row is touched: the server looks at the privileges all the same, and says in its own words what is missing.
    let mut message = "BEGIN;\n".to_owned();
    let insert =
        |table: &str| format!("INSERT INTO {table} (version) SELECT version FROM {table} WHERE false;\n");
    if row.flag(2) {
        message += &(insert(&table) + &format!("DELETE FROM {table} WHERE false;\n"));
    }
    if row.flag(3) {
        message += &insert(&log);
    }
    message += "ROLLBACK";
    let asked = connection.rows("asking whether the history may be written", &message);
    if asked.is_err() {
        let _ = connection.rows("asking whether the history may be written", "ROLLBACK");
    }
    asked.map(drop)
}

/// Refuses where no backup can be made, or where the one that was named is not of the database as it is.
///
/// # Errors
///
/// Where there are no programs for this server; [`Problem::UnfitBackup`].
pub(crate) fn backup_is_possible(
    settings: &Settings,
    migrator: &Migrator,
    connection: &Connection,
    interrupt: &Interrupt,
    said: &Gate,
) -> anyhow::Result<()> {
    if said.skip_backup.is_some() {
        return Ok(());
    }
    match &said.backup {
        Some(id) => backup::named(settings, migrator, &Identity::of(connection)?, id).map(drop),
        None => {
            if shares_sessions(connection, interrupt)? {
                let server = connection.database().map(ToString::to_string).unwrap_or_default();
                return Err(Problem::PooledBackup { server }.into());
            }
            let version = connection.value("asking for the server's version", "SHOW server_version_num")?;
            let version: u32 = version.and_then(|version| version.parse().ok()).unwrap_or_default();
            Ok(ClientPrograms::find(version / 10_000).map(drop)?)
        }
    }
}
