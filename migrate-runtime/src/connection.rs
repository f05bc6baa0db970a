//! A connection for questions beside the runs: what preflight, postflight, backups and rehearsals ask a server. Opened as
//! the engine opens its own, with all that libpq's settings say.

use std::time::Duration;

use migrate_core::schema::Schema;
use tokio::runtime::Runtime;

use crate::emitter::Emitter;
use crate::event::Session as Holder;
use crate::lock::{self, Lock};
use crate::schema::{SchemaOptions, SchemaReader};
use crate::session::Session;
use crate::{Database, Error, HistoryTable, Interrupt};

/// A connection whose methods block the calling thread.
pub struct Connection {
    runtime: Runtime,
    session: Option<Session>,
    interrupt: Interrupt,
}

/// One row of an answer, its values as text, by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(Vec<Option<String>>);

impl Connection {
    /// Connects under this `application_name`. What `interrupt` gives up ends in [`Error::Interrupted`].
    ///
    /// # Errors
    ///
    /// As a run; [`Error::InsideRuntime`] on a thread that drives an asynchronous runtime.
    pub fn open(database: &Database, application: &str, interrupt: &Interrupt) -> Result<Self, Error> {
        let runtime = crate::migrator::runtime()?;
        let emitter = Emitter::default();
        let session = runtime.block_on(interrupt.or(Session::open(database, application, &emitter)))?;
        Ok(Self { runtime, session: Some(session), interrupt: interrupt.clone() })
    }

    /// Sends one message, of one statement or of several, and returns the rows of all of them in order. `doing` says for
    /// the error what was being done: `reading the table sizes`.
    ///
    /// The statement in flight is cancelled on the server where the interrupt comes.
    ///
    /// # Errors
    ///
    /// [`Error::Server`] with the server's answer, [`Error::ConnectionLost`], [`Error::Interrupted`].
    pub fn rows(&self, doing: &str, sql: &str) -> Result<Vec<Row>, Error> {
        self.with(async |session| {
            Ok(session.ask(doing, sql).await?.into_rows().into_iter().map(Row).collect())
        })
    }

    /// Does this on the session; cancelled on the server where the interrupt comes.
    pub(crate) fn with<T: Default>(
        &self,
        act: impl AsyncFnOnce(&Session) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // There is one until the connection is dropped.
        let Some(session) = &self.session else { return Ok(T::default()) };
        self.runtime.block_on(async {
            let done = self.interrupt.or(act(session)).await;
            if let Err(Error::Interrupted { .. }) = &done {
                let cancel = session.database.cancel(session.client.cancel_token());
                let _ = tokio::time::timeout(std::time::Duration::from_secs(2), cancel).await;
            }
            done
        })
    }

    /// The first value of the first row; `None` where there is no row, or it is NULL.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    pub fn value(&self, doing: &str, sql: &str) -> Result<Option<String>, Error> {
        Ok(self.rows(doing, sql)?.into_iter().next().and_then(|row| row.get(0).map(str::to_owned)))
    }

    /// Holds the migration lock of a history until this connection ends, so that nobody migrates the database meanwhile.
    /// Waits at most `wait` for whoever has it; `tell` hears once of each, `None` where the server does not show who it is.
    /// The connection is in a transaction from then on, which has no snapshot.
    ///
    /// # Errors
    ///
    /// [`Error::LockNotObtained`] with the holder; as [`rows`](Self::rows).
    pub fn hold_migration_lock(
        &self,
        history: &HistoryTable,
        wait: Duration,
        tell: impl FnMut(Option<&Holder>),
    ) -> Result<(), Error> {
        self.hold(Lock::migration(history), wait, tell)
    }

    /// As [`hold_migration_lock`](Self::hold_migration_lock), with the lock that a deployment holds from its first step to
    /// its last. Runs go on beside it: they have the other.
    ///
    /// # Errors
    ///
    /// As [`hold_migration_lock`](Self::hold_migration_lock).
    pub fn hold_deploy_lock(
        &self,
        history: &HistoryTable,
        wait: Duration,
        tell: impl FnMut(Option<&Holder>),
    ) -> Result<(), Error> {
        self.hold(Lock::deploy(history), wait, tell)
    }

    fn hold(&self, lock: Lock, wait: Duration, tell: impl FnMut(Option<&Holder>)) -> Result<(), Error> {
        let Some(session) = &self.session else { return Ok(()) };
        self.runtime.block_on(self.interrupt.or(lock::hold(session, lock, wait, tell)))
    }

    /// Whether a pooler stands between: the process that works is not the one that greeted us. Then what is set in a session
    /// may reach another client's, and a database's name may mean another one than on the server.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    pub fn is_pooled(&self) -> Result<bool, Error> {
        let Some(greeted_by) = self.session.as_ref().and_then(|session| session.greeted_by) else {
            return Ok(false);
        };
        let pid = self.value("asking which process works", "SELECT pg_catalog.pg_backend_pid()")?;
        Ok(pid.and_then(|pid| pid.parse().ok()) != Some(greeted_by))
    }

    /// The schema as the transaction sees it that the connection is in. Leaves its settings as they were.
    ///
    /// # Errors
    ///
    /// As [`rows`](Self::rows).
    pub fn schema_inside(&self, options: &SchemaOptions) -> Result<Schema, Error> {
        let Some(session) = &self.session else { return Ok(Schema::default()) };
        let mut reader = SchemaReader::new(options.clone());
        self.runtime.block_on(self.interrupt.or(reader.read_inside(session)))
    }

    /// The database that it leads to.
    pub fn database(&self) -> Option<&Database> {
        self.session.as_ref().map(|session| &session.database)
    }

    /// Whether the connection is gone.
    pub fn is_closed(&self) -> bool {
        self.session.as_ref().is_none_or(Session::is_closed)
    }
}

impl Drop for Connection {
    /// Says goodbye, so that the server is rid of it at once: whoever renames or drops the database next relies on it.
    fn drop(&mut self) {
        // A drop on a thread that drives a runtime must not block; the socket closes all the same.
        if let Some(session) = self.session.take()
            && tokio::runtime::Handle::try_current().is_err()
        {
            self.runtime.block_on(session.close());
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("database", &self.database()).finish_non_exhaustive()
    }
}

impl Row {
    /// The text of a column, from 0; `None` for NULL.
    pub fn get(&self, column: usize) -> Option<&str> {
        self.0.get(column)?.as_deref()
    }

    /// The text of a column; empty for NULL.
    pub fn text(&self, column: usize) -> String {
        self.get(column).unwrap_or_default().to_owned()
    }

    /// A number; `None` for NULL and for what is none.
    pub fn number<T: std::str::FromStr>(&self, column: usize) -> Option<T> {
        self.get(column)?.parse().ok()
    }

    /// A boolean; `false` for NULL.
    pub fn flag(&self, column: usize) -> bool {
        self.get(column) == Some("t")
    }
}
