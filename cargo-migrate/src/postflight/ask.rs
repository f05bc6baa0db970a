//! Questions that write nothing and wait for nobody.

use migrate_runtime::connection::Row;
use migrate_runtime::{Connection, Error as EngineError};

/// How long a question may wait for a lock, and how long it may take: a check that stands in the way of the application, or
/// of whoever waits for its report, does harm of its own.
const LIMITS: &str = "SET LOCAL lock_timeout = '2s';SET LOCAL statement_timeout = '60s'";

/// The rows of one statement, in a read-only transaction of its own. Names are found in the catalogs alone, so that
/// `regclass` prints every other one with its schema.
///
/// # Errors
///
/// As [`Connection::rows`]; nothing of a refused question is left open.
pub(crate) fn rows(connection: &Connection, doing: &str, sql: &str) -> Result<Vec<Row>, EngineError> {
    let message =
        format!("BEGIN READ ONLY;{LIMITS};SET LOCAL search_path = pg_catalog, pg_temp;{sql};COMMIT");
    let result = connection.rows(doing, &message);
    if result.is_err() && !connection.is_closed() {
        connection.rows("ending a transaction", "ROLLBACK")?;
    }
    result
}
