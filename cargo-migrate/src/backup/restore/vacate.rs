//! Doing something to databases that nobody may be connected to, while others are.
//!
//! `ALTER DATABASE … RENAME` locks the database first, so that new connections wait, and then gives those that are there
//! five seconds to go (dbcommands.c, `RenameDatabase`; procarray.c, `CountOtherDBBackends`). Who ends them in that time
//! needs no state that a crash could leave behind: the doors are never closed, and what is renamed is so in one transaction.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use migrate_core::sql::mask_text;
use migrate_runtime::connection::Row;
use migrate_runtime::event::Session;
use migrate_runtime::{Connection, Error as EngineError, Interrupt};

use super::{Place, Refusal, said};

/// How often sessions are waited for, five seconds each.
const ATTEMPTS: usize = 3;

/// How often it is looked who is left.
const TICK: Duration = Duration::from_millis(20);

/// What became of it.
pub(super) struct Vacated {
    /// The rows of the message.
    pub(super) rows: Vec<Row>,
    /// How many sessions were ended.
    pub(super) ended: usize,
    /// The connection, in the transaction that the message began.
    pub(super) mover: Connection,
    /// Its process on the server.
    pub(super) pid: i32,
}

/// Sends a message that begins a transaction and renames the databases with these oids, and ends the sessions that are in
/// them meanwhile. `guard` makes a connection that is to be the last to go, which holds the migration lock. An interrupt is
/// heard between two attempts: each is over in seconds.
pub(super) fn alone(
    place: &Place,
    interrupt: &Interrupt,
    oids: &[u32],
    message: &str,
    guard: impl Fn() -> anyhow::Result<Option<Connection>>,
) -> anyhow::Result<Vacated> {
    let mut ended = 0;
    for attempt in 1.. {
        if let Some(signal) = interrupt.triggered() {
            return Err(EngineError::Interrupted { signal, stem: None }.into());
        }
        let guarding = guard()?;
        let (mover, watcher) = (place.another(&Interrupt::new())?, place.another(&Interrupt::new())?);
        let pid = pid(&mover)?;
        let (result, more) = rename(&mover, pid, &watcher, guarding, oids, message)?;
        ended += more;
        match result {
            Ok(rows) => return Ok(Vacated { rows, ended, mover, pid }),
            Err(error) if is_busy(&error) => {
                if attempt >= ATTEMPTS {
                    let (database, why) = (place.old.dbname().to_owned(), said(&error).unwrap_or_default());
                    return Err(Refusal::Occupied { database, why }.stop());
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::Changed { database: place.old.dbname().to_owned() }.stop())
}

type Renamed = (Result<Vec<Row>, EngineError>, usize);

/// object_in_use, lock_not_available: both may be over the next time.
fn is_busy(error: &EngineError) -> bool {
    let EngineError::Server { source, .. } = error else { return false };
    source.code().is_some_and(|code| ["55006", "55P03"].contains(&code.code()))
}

fn pid(connection: &Connection) -> Result<i32, EngineError> {
    let pid = connection.value("asking which process works", "SELECT pg_catalog.pg_backend_pid()")?;
    Ok(pid.and_then(|pid| pid.parse().ok()).unwrap_or_default())
}

fn rename(
    mover: &Connection,
    moving: i32,
    watcher: &Connection,
    guard: Option<Connection>,
    oids: &[u32],
    message: &str,
) -> Result<Renamed, EngineError> {
    let mut guard = match guard {
        Some(guard) => Some((pid(&guard)?, guard)),
        None => None,
    };
    let oids = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    // What the server writes for a lock on the first of the databases.
    let locked = format!(
        "SELECT count(*) > 0 FROM pg_catalog.pg_locks WHERE pid = {moving} AND granted AND locktype = 'object' \
         AND classid = 'pg_catalog.pg_database'::pg_catalog.regclass AND objid IN ({oids}) \
         AND mode = 'AccessExclusiveLock'"
    );
    thread::scope(|scope| {
        let renaming = scope.spawn(|| mover.rows("renaming the databases", message));
        let mut ended = BTreeSet::new();
        let mut watching = || -> Result<(), EngineError> {
            // An application that is thrown out before comes straight back in.
            while !renaming.is_finished() {
                if watcher.value("waiting for the database", &locked)?.as_deref() == Some("t") {
                    break;
                }
                thread::sleep(TICK);
            }
            while !renaming.is_finished() {
                let guarding = guard.as_ref().map_or(0, |(pid, _)| *pid);
                // Autovacuum is sent away by the server itself.
                let rows = watcher.rows(
                    "ending the sessions",
                    &format!(
                        "SELECT pg_catalog.pg_terminate_backend(pid), pid FROM pg_catalog.pg_stat_activity \
                         WHERE datid IN ({oids}) AND pid NOT IN ({moving}, {guarding}) \
                         AND backend_type <> 'autovacuum worker'"
                    ),
                )?;
                ended.extend(rows.iter().filter(|row| row.flag(0)).map(|row| row.text(1)));
                if rows.is_empty() {
                    // The last: nobody who waits for the migration lock is there to get it.
                    guard = None;
                }
                thread::sleep(TICK);
            }
            Ok(())
        };
        let watched = watching();
        let result = match renaming.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        // What the rename says counts: it may have had all that it needed when the watcher lost its connection.
        match (&result, watched) {
            (Err(_), Err(error)) => Err(error),
            _ => Ok((result, ended.len())),
        }
    })
}

/// Who is connected to these databases, but for ourselves.
pub(super) fn sessions(connection: &Connection, oids: &[u32]) -> Result<Vec<Session>, EngineError> {
    let oids = oids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let rows = connection.rows(
        "asking who is connected",
        &format!(
            "SELECT pid, application_name, usename, pg_catalog.host(client_addr), state, \
             extract(epoch FROM pg_catalog.clock_timestamp() - xact_start), query FROM pg_catalog.pg_stat_activity \
             WHERE datid IN ({oids}) AND backend_type <> 'autovacuum worker' AND pid <> pg_catalog.pg_backend_pid() \
             ORDER BY xact_start NULLS LAST, pid"
        ),
    )?;
    let text = |row: &Row, column| row.get(column).map(str::to_owned);
    let session = |row: &Row| Session {
        pid: row.number(0).unwrap_or_default(),
        application: row.get(1).map(|name| mask_text(name).into_owned()),
        user: text(row, 2),
        client: text(row, 3),
        state: text(row, 4),
        transaction_age: row
            .number::<f64>(5)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()),
        query: text(row, 6),
    };
    Ok(rows.iter().map(session).collect())
}
