//! At most one deployment of a database at a time, from its first step to its last.
//!
//! It is the engine's own lock with another key (`lock.rs` there; the engine's is held for each run only): polled for and
//! never waited for on the server, held by a transaction on a connection of its own. That transaction reads nothing, so
//! that it holds no table and no snapshot: `pg_dump` and `CREATE INDEX CONCURRENTLY` do not wait for it.

use std::time::Duration;

use migrate_runtime::event::Session;
use migrate_runtime::{Connection, Database, Error as EngineError, HistoryTable, Interrupt};

use crate::Problem;

/// What its connection is called in `pg_stat_activity`.
pub(crate) const APPLICATION: &str = "cargo-migrate: deploy lock";

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
        let connection = Connection::open(database, APPLICATION, interrupt)?;
        let tell = |holder: Option<&Session>| {
            if let Some(holder) = holder {
                tell(&of_its_own(holder));
            }
        };
        match connection.hold_deploy_lock(history, wait, tell) {
            Ok(()) => Ok(Self { connection }),
            Err(EngineError::LockNotObtained { waited, holder }) => {
                let holder = holder.map(|holder| Box::new(of_its_own(&holder)));
                Err(Problem::Deploying { waited, holder }.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The server process that holds it.
    pub(crate) fn backend(&self) -> Option<i32> {
        let pid =
            self.connection.value("looking after the deploy lock", "SELECT pg_catalog.pg_backend_pid()");
        pid.ok().flatten()?.parse().ok()
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

/// The holder without its query: that is what we asked for the lock with, and says nothing of the deployment.
fn of_its_own(holder: &Session) -> Session {
    Session { query: None, ..holder.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn obtain(url: &str, wait: Duration) -> anyhow::Result<DeployLock> {
        let database = Database::resolve(Some(url), &|_| None)?;
        DeployLock::obtain(&database, &HistoryTable::default(), wait, &Interrupt::new(), |_| {})
    }

    /// A contract between versions: another key lets an old and a new version deploy at once.
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
        assert_eq!(holder.query, None);
        let key = "SELECT classid::bigint << 32 | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND pid = $1";
        assert_eq!(client.query_one(key, &[&holder.pid]).unwrap().get::<_, i64>(0), KEY);
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

    #[test]
    fn a_lost_network_does_not_keep_it() {
        // A port that is free; nothing else of this process listens on TCP.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = migrate_testing::ScratchSettings { tcp_port: Some(port), ..Default::default() };
        let server = migrate_testing::ScratchServer::start(settings).unwrap();
        let lock = obtain(&format!("postgres://postgres@127.0.0.1:{port}/postgres"), Duration::ZERO).unwrap();
        let ask = |name: &str| lock.connection.value("asking", &format!("SHOW {name}")).unwrap();
        // Set by us: the system's are two hours.
        let keepalives = ["tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"].map(ask);
        assert_eq!(keepalives.map(Option::unwrap), ["5", "2", "3"]);
        drop((lock, server));
    }
}
