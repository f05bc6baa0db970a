//! Questions that write nothing and wait for nobody: a check that stands in the way of the application, or of whoever waits
//! for its report, does harm of its own.

use migrate_runtime::connection::Row;
use migrate_runtime::{Connection, Error as EngineError, quote_literal};

/// The server's time at the begin of the transaction, ISO 8601 in UTC.
pub(crate) const NOW: &str =
    "pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')";

/// Before a run: half a second for a lock, five for an answer.
pub(super) const QUICK: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;\nSET LOCAL statement_timeout = '5s';\n\
                                SET LOCAL lock_timeout = '500ms'";
/// After it: some of these questions go through all tables.
const PATIENT: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;\nSET LOCAL statement_timeout = '60s';\n\
                       SET LOCAL lock_timeout = '2s'";

/// The rows of one statement, in a read-only transaction of its own that waits for next to nothing. Names are found in the
/// catalogs alone, so that `regclass` prints every other one with its schema.
///
/// # Errors
///
/// As [`Connection::rows`]; nothing of a refused question is left open.
pub(crate) fn quick(connection: &Connection, doing: &str, sql: &str) -> Result<Vec<Row>, EngineError> {
    within(connection, QUICK, doing, sql)
}

/// The same, with more time.
///
/// # Errors
///
/// As [`quick`].
pub(crate) fn patient(connection: &Connection, doing: &str, sql: &str) -> Result<Vec<Row>, EngineError> {
    within(connection, PATIENT, doing, sql)
}

/// The server's time, ISO 8601 in UTC.
///
/// # Errors
///
/// As [`Connection::rows`].
pub(crate) fn server_time(connection: &Connection) -> Result<String, EngineError> {
    Ok(connection.value("asking for the server's time", &format!("SELECT {NOW}"))?.unwrap_or_default())
}

/// Whether all these tables, with their schemas and quoted, are there and may be read.
///
/// # Errors
///
/// As [`quick`].
pub(crate) fn may_read(connection: &Connection, doing: &str, tables: &[&str]) -> Result<bool, EngineError> {
    let may = |table: &&str| {
        format!("coalesce(has_table_privilege(to_regclass({}), 'SELECT'), false)", quote_literal(table))
    };
    let sql = format!("SELECT {}", tables.iter().map(may).collect::<Vec<_>>().join(" AND "));
    Ok(patient(connection, doing, &sql)?.first().is_some_and(|row| row.flag(0)))
}

/// Whether an answer was given up because somebody holds a table (`lock_not_available`).
pub(crate) fn is_held_up(error: &EngineError) -> bool {
    matches!(error, EngineError::Server { source, .. } if source.code().is_some_and(|code| code.code() == "55P03"))
}

fn within(connection: &Connection, begin: &str, doing: &str, sql: &str) -> Result<Vec<Row>, EngineError> {
    let message = format!("{begin};\nSET LOCAL search_path = pg_catalog, pg_temp;\n{sql};\nCOMMIT");
    let asked = connection.rows(doing, &message);
    if let Err(EngineError::Server { .. }) = &asked {
        // The error that is told is the first one.
        let _ = connection.rows(doing, "ROLLBACK");
    }
    asked
}
