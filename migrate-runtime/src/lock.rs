//! Never two runners, and never two deployments: a lock each, polled, on a connection of its own.
//!
//! Nothing here ever blocks in an advisory lock: a session that waits in one holds a snapshot, and
//! `CREATE INDEX CONCURRENTLY` of the holder waits for that snapshot, which is a deadlock. The lock is a transaction's
//! own, so that it works behind a transaction pooler and goes away with its connection; the transaction is READ
//! COMMITTED and idle, so that it holds no snapshot either.

use std::time::{Duration, Instant};

use migrate_core::Checksum;

use crate::backoff::Backoff;
use crate::emitter::Emitter;
use crate::event::{Event, Session as Other};
use crate::message::KEEPALIVES;
use crate::observe::session_columns;
use crate::probe::Probe;
use crate::session::Session;
use crate::settings::Settings;
use crate::{Error, HistoryTable};

/// How often a person who waits is told who is in the way.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// The keys of a history's locks around migrations. The command line and applications compute the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Held for a whole run.
    pub runner: i64,
    /// Held by each work transaction: a runner that lost its lock connection is still fenced off by it.
    pub fence: i64,
}

impl Keys {
    pub fn of(history: &HistoryTable) -> Self {
        Self { runner: key("runner", history), fence: key("fence", history) }
    }
}

fn key(what: &str, history: &HistoryTable) -> i64 {
    let hash = Checksum::of(&format!("cargo-migrate/{what}/{}", history.quoted()));
    hash.as_bytes()[..8].iter().fold(0_i64, |key, byte| key << 8 | i64::from(*byte))
}

/// The condition on `pg_locks` that finds who holds an advisory lock with this key.
pub(crate) fn held(key: i64) -> String {
    let (high, low) = ((key >> 32) as u32, key as u32);
    format!(
        "locktype = 'advisory' AND granted AND objsubid = 1 AND classid = {high} AND objid = {low} AND \
         database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
    )
}

/// A lock that one session of all holds for long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lock {
    key: i64,
    taking: &'static str,
    looking: &'static str,
}

impl Lock {
    /// Held for a whole run, of the command line or of an application.
    pub fn migration(history: &HistoryTable) -> Self {
        Self {
            key: key("runner", history),
            taking: "taking the migration lock",
            looking: "looking for the holder of the migration lock",
        }
    }

    /// Held from the first step of a deployment to its last, around the runs in it.
    pub fn deploy(history: &HistoryTable) -> Self {
        Self {
            key: key("deploy", history),
            taking: "taking the deploy lock",
            looking: "looking for the holder of the deploy lock",
        }
    }

    /// Polls until the session is in a transaction that holds the lock, or `wait` is over; says how long it took. `tell`
    /// hears every few seconds who is in the way.
    pub async fn obtain(
        self,
        session: &Session,
        server_version: u32,
        wait: Duration,
        mut tell: impl FnMut(InTheWay),
    ) -> Result<Duration, Error> {
        let started = Instant::now();
        let attempt = self.attempt(server_version, session.database.is_over_tcp());
        let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_millis(400));
        let mut told: Option<Instant> = None;
        loop {
            let rows = session.ask(self.taking, &attempt).await?;
            let waited = started.elapsed();
            if rows.first().is_some_and(|row| row.is_true(0)) {
                return Ok(waited);
            }
            // Not idle in a transaction while we wait: the holder's CREATE INDEX CONCURRENTLY may be waiting for it.
            session.ask(self.taking, "ROLLBACK").await?;
            let over = waited >= wait;
            if over || told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
                let (holder, migration) = self.holder(session).await?;
                if over {
                    return Err(Error::LockNotObtained { waited, holder: holder.map(Box::new) });
                }
                // A first failure is often a lock that is about to go; say it from the second look on.
                if told.is_some() || waited > Duration::from_millis(200) {
                    tell(InTheWay { waited, holder, migration });
                    told = Some(Instant::now());
                }
            }
            tokio::time::sleep(backoff.pause().min(wait.saturating_sub(waited))).await;
        }
    }

    /// Asks for the lock once, in a transaction that holds it.
    fn attempt(self, server_version: u32, over_tcp: bool) -> String {
        // PostgreSQL 17's transaction_timeout would end the lock with a long run.
        let timeout = if server_version >= 170_000 { "SET LOCAL transaction_timeout = 0;\n" } else { "" };
        let keepalives = if over_tcp { format!("{KEEPALIVES};\n") } else { String::new() };
        format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED;\nSET LOCAL idle_in_transaction_session_timeout = 0;\n\
             {timeout}{keepalives}SELECT pg_catalog.pg_try_advisory_xact_lock({})",
            self.key
        )
    }

    /// Who holds it, and what it works on, where the server lets us see it.
    ///
    /// The lock's own connection says only that it is idle. The work connection of the same tool, user and address says
    /// in its `application_name` which migration is in flight.
    async fn holder(self, session: &Session) -> Result<(Option<Other>, Option<String>), Error> {
        let sql = format!(
            "SELECT {}, (SELECT substr(w.application_name, strpos(w.application_name, ': ') + 2) \
             FROM pg_catalog.pg_stat_activity w WHERE w.datname = a.datname AND w.usename = a.usename \
             AND w.client_addr IS NOT DISTINCT FROM a.client_addr AND w.application_name ~ ': [0-9]' \
             AND split_part(w.application_name, ':', 1) = split_part(a.application_name, ':', 1) LIMIT 1) \
             FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid WHERE {} LIMIT 1",
            session_columns("a"),
            held(self.key)
        );
        let rows = session.ask(self.looking, &sql).await?;
        Ok(rows.first().map_or((None, None), |row| (Some(Other::from_row(row)), row.owned(7))))
    }
}

/// Who holds a lock that is waited for.
pub(crate) struct InTheWay {
    pub waited: Duration,
    /// `None` where the server does not let us see it.
    pub holder: Option<Other>,
    /// What it works on, where that is known.
    pub migration: Option<String>,
}

/// The one runner's lock. Dropping it closes its connection, which releases it.
pub(crate) struct RunnerLock {
    session: Session,
    /// How long it took to get.
    pub waited: Duration,
}

impl RunnerLock {
    /// Polls until the lock is ours or `lock_wait` is over.
    pub async fn obtain(
        settings: &Settings,
        session: Session,
        probe: &Probe,
        emitter: &Emitter,
    ) -> Result<Self, Error> {
        let tell = |InTheWay { waited, holder, migration }| {
            emitter.emit(Event::LockWaiting { waited, holder, migration });
        };
        let lock = Lock::migration(&settings.history);
        let waited = lock.obtain(&session, probe.server_version, settings.lock_wait, tell).await?;
        Ok(Self { session, waited })
    }

    /// Whether the connection that holds it is still there.
    pub fn is_lost(&self) -> bool {
        self.session.is_closed()
    }

    /// Gives the lock back and waits for the server's word that it is free.
    pub async fn release(self) {
        // A connection that is gone has released it already.
        let _ = self.session.query("COMMIT").await;
        self.session.close().await;
    }
}

/// Takes a lock for as long as a session of somebody else's lives. `tell` hears once of each holder.
pub(crate) async fn hold(
    session: &Session,
    lock: Lock,
    wait: Duration,
    mut tell: impl FnMut(Option<&Other>),
) -> Result<(), Error> {
    let version = session.ask("asking for the server's version", "SHOW server_version_num").await?;
    let version = version.first().and_then(|row| row.number(0)).unwrap_or_default();
    let mut told = None;
    let once = |there: InTheWay| {
        let pid = there.holder.as_ref().map(|holder| holder.pid);
        if told != Some(pid) {
            told = Some(pid);
            tell(there.holder.as_ref());
        }
    };
    lock.obtain(session, version, wait, once).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_a_contract_between_versions() {
        let keys = Keys::of(&HistoryTable::default());
        assert_ne!(keys.runner, keys.fence);
        assert_eq!(keys, Keys::of(&HistoryTable::default()));
        let other = HistoryTable { schema: "app".to_owned(), ..HistoryTable::default() };
        assert_ne!(keys, Keys::of(&other));
        // Changing these lets an old and a new binary run at once.
        assert_eq!(keys.runner, 5_106_966_883_207_162_579);
        assert_eq!(Lock::migration(&HistoryTable::default()).key, keys.runner);
    }

    #[test]
    fn the_deployments_key_is_a_contract_between_versions() {
        // Changing it lets an old and a new version deploy at once.
        assert_eq!(Lock::deploy(&HistoryTable::default()).key, KEY);
        let other = HistoryTable { schema: "app".to_owned(), ..HistoryTable::default() };
        assert_ne!(Lock::deploy(&other).key, KEY);
    }
    const KEY: i64 = 958_887_586_656_660_322;

    #[test]
    fn what_ends_or_loses_a_long_transaction_does_not_end_a_lock() {
        let lock = Lock::deploy(&HistoryTable::default());
        assert!(!lock.attempt(160_000, false).contains("SET LOCAL transaction_timeout"));
        assert!(lock.attempt(170_000, false).contains("SET LOCAL transaction_timeout = 0"));
        assert!(lock.attempt(170_000, true).contains(KEEPALIVES));
        assert!(!lock.attempt(170_000, false).contains("keepalives"));
    }
}
