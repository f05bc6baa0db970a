//! At most one deployment of a database at a time, from its first step to its last.
//!
//! Built as the engine's own lock is (`lock.rs` there), which is held for each run only: a key of its own, polled for and
//! never waited for on the server, held by a transaction on a connection of its own. That transaction reads nothing, so
//! that it holds no table and no snapshot: `pg_dump` and `CREATE INDEX CONCURRENTLY` do not wait for it.

use std::time::{Duration, Instant};

use migrate_core::Checksum;
use migrate_runtime::event::Session;
use migrate_runtime::{Connection, Database, Error as EngineError, HistoryTable, Interrupt};

use crate::Problem;

/// What its connection is called in `pg_stat_activity`.
pub(crate) const APPLICATION: &str = "cargo-migrate: deploy lock";

const PAUSE: Duration = Duration::from_millis(200);
const TICK: Duration = Duration::from_millis(20);

/// The one deployment's lock. Dropped, it is free.
pub(crate) struct DeployLock {
    connection: Connection,
}

impl DeployLock {
    /// Polls until the lock is ours, or `wait` is over; `tell` hears once of each holder.
    pub(crate) fn obtain(
        database: &Database,
        history: &HistoryTable,
        wait: Duration,
        interrupt: &Interrupt,
        mut tell: impl FnMut(&Session),
    ) -> anyhow::Result<Self> {
        let started = Instant::now();
        let connection = Connection::open(database, APPLICATION, interrupt)?;
        let key = key(history);
        // transaction_timeout is there from PostgreSQL 17 on, and would end the lock with a long run.
        let attempt = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED;\n\
             SET LOCAL idle_in_transaction_session_timeout = 0;\n\
             SELECT pg_catalog.set_config('transaction_timeout', '0', true) \
             WHERE pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL;\n\
             SELECT pg_catalog.pg_try_advisory_xact_lock({key})"
        );
        let mut told = None;
        loop {
            let rows = connection.rows("taking the deploy lock", &attempt)?;
            if rows.last().is_some_and(|row| row.flag(0)) {
                return Ok(Self { connection });
            }
            connection.rows("taking the deploy lock", "ROLLBACK")?;
            let holder = holder(&connection, key)?;
            let waited = started.elapsed();
            if waited >= wait {
                return Err(Problem::Deploying { waited, holder: holder.map(Box::new) }.into());
            }
            if let Some(holder) = holder
                && told != Some(holder.pid)
            {
                tell(&holder);
                told = Some(holder.pid);
            }
            let pause = Instant::now();
            while pause.elapsed() < PAUSE.min(wait.saturating_sub(waited)) {
                if let Some(signal) = interrupt.triggered() {
                    return Err(EngineError::Interrupted { signal, stem: None }.into());
                }
                std::thread::sleep(TICK);
            }
        }
    }

    /// Asks the server whether it is still ours.
    ///
    /// # Errors
    ///
    /// [`EngineError::LockLost`] where the connection that held it is gone.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        match self.connection.value("looking after the deploy lock", "SELECT 1") {
            Ok(_) => Ok(()),
            Err(error @ EngineError::Interrupted { .. }) => Err(error),
            Err(_) => {
                let database = self.connection.database().map(ToString::to_string).unwrap_or_default();
                Err(EngineError::LockLost { database })
            }
        }
    }
}

/// The lock's key. All versions of the command line compute the same.
fn key(history: &HistoryTable) -> i64 {
    let hash = Checksum::of(&format!("cargo-migrate/deploy/{}", history.quoted()));
    hash.as_bytes()[..8].iter().fold(0_i64, |key, byte| key << 8 | i64::from(*byte))
}

/// Who holds it, as far as the server lets us see.
fn holder(connection: &Connection, key: i64) -> Result<Option<Session>, EngineError> {
    let (high, low) = ((key >> 32) as u32, key as u32);
    let sql = format!(
        "SELECT a.pid, a.application_name, a.usename, coalesce(pg_catalog.host(a.client_addr), 'local'), a.state, \
         extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start) \
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = {high} AND l.objid = {low} \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) LIMIT 1"
    );
    let rows = connection.rows("looking for the holder of the deploy lock", &sql)?;
    Ok(rows.first().map(|row| Session {
        pid: row.number(0).unwrap_or_default(),
        application: row.get(1).map(str::to_owned),
        user: row.get(2).map(str::to_owned),
        client: row.get(3).map(str::to_owned),
        state: row.get(4).map(str::to_owned),
        transaction_age: row.number::<f64>(5).map(|age| Duration::from_secs_f64(age.max(0.0))),
        query: None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obtain(url: &str, wait: Duration) -> anyhow::Result<DeployLock> {
        let database = Database::resolve(Some(url), &|_| None)?;
        DeployLock::obtain(&database, &HistoryTable::default(), wait, &Interrupt::new(), |_| {})
    }

    #[test]
    fn the_key_is_a_contract_between_versions() {
        // Changing it lets an old and a new version deploy at once.
        assert_eq!(key(&HistoryTable::default()), KEY);
        let other = HistoryTable { schema: "app".to_owned(), ..HistoryTable::default() };
        assert_ne!(key(&other), KEY);
    }
    const KEY: i64 = 958_887_586_656_660_322;

    #[test]
    fn one_at_a_time_and_it_holds_nothing_else() {
        let scratch = migrate_testing::scratch().unwrap();
        let mut client = scratch.connect().unwrap();
        let lock = obtain(scratch.url(), Duration::ZERO).unwrap();
        lock.check().unwrap();
        let refused = obtain(scratch.url(), Duration::from_millis(50)).map(drop).unwrap_err();
        let Some(Problem::Deploying { holder: Some(holder), .. }) = refused.downcast_ref() else {
            panic!("{refused:?}")
        };
        assert_eq!(holder.application.as_deref(), Some(APPLICATION));
        // Nothing that a dump or a concurrent index build would wait for.
        let held = "SELECT string_agg(DISTINCT locktype, ' ' ORDER BY locktype) FROM pg_locks WHERE pid = $1";
        let held: String = client.query_one(held, &[&holder.pid]).unwrap().get(0);
        assert_eq!(held, "advisory virtualxid");
        let snapshot =
            "SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity WHERE pid = $1";
        assert!(client.query_one(snapshot, &[&holder.pid]).unwrap().get::<_, bool>(0));
        client.batch_execute("CREATE TABLE t (a int)").unwrap();
        client.batch_execute("CREATE INDEX CONCURRENTLY ON t (a)").unwrap();
        drop(lock);
        obtain(scratch.url(), Duration::from_secs(30)).unwrap();
    }

    #[test]
    fn a_lost_connection_is_noticed() {
        let scratch = migrate_testing::scratch().unwrap();
        let lock = obtain(scratch.url(), Duration::ZERO).unwrap();
        let mut client = scratch.connect().unwrap();
        let sql = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1 \
                   AND datname = current_database()";
        assert_eq!(client.query(sql, &[&APPLICATION]).unwrap().len(), 1);
        assert!(matches!(lock.check(), Err(EngineError::LockLost { .. })));
    }
}
