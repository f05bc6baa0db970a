//! Whether a pooler gives one server's session to several clients.

use migrate_runtime::{Connection, Error as EngineError, Interrupt};

/// How often it is looked. A quiet pooler gives itself away the first time, a busy one nearly each time.
const ROUNDS: usize = 8;

/// Whether what this connection sets in its session, somebody else has afterwards: a pooler in transaction or statement mode
/// (pgbouncer(5), `pool_mode`). In session mode, and without a pooler, each connection has a process of its own and keeps it.
pub(crate) fn shares_sessions(connection: &Connection, interrupt: &Interrupt) -> Result<bool, EngineError> {
    if !connection.is_pooled()? {
        return Ok(false);
    }
    let Some(database) = connection.database() else { return Ok(false) };
    let other = Connection::open(database, "cargo-migrate: looking for a pooler", interrupt)?;
    let pid = |connection: &Connection| {
        connection.value("asking which process works", "SELECT pg_catalog.pg_backend_pid()")
    };
    let first = pid(connection)?;
    for _ in 0..ROUNDS {
        if pid(&other)? == first || pid(connection)? != first {
            return Ok(true);
        }
    }
    Ok(false)
}
