//! What all checks look at: a connection, what the server is, what is pending, and what is configured.

use std::cell::OnceCell;
use std::time::Duration;

use migrate_core::{Checksum, Migration, Schema, Set, State};
use migrate_runtime::connection::Row;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Connection, Error as EngineError, Migrator, Status};

use super::ask;
use super::{Held, Identity, Session, Touched};
use crate::config::Settings;

/// From what on something is worth a word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A transaction that is older.
    pub(crate) transaction_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { transaction_age: Duration::from_secs(30) }
    }
}

/// What all checks look at.
pub(crate) struct Situation<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) set: &'a Set,
    pub(crate) migrator: &'a Migrator,
    /// For questions, through [`ask`](Situation::ask); in no transaction.
    pub(crate) connection: &'a Connection,
    pub(crate) limits: Limits,
    pub(crate) identity: Identity,
    /// `server_version_num`.
    pub(crate) version: u32,
    /// The server's time, ISO 8601 in UTC.
    pub(crate) now: String,
    /// The role that asks.
    pub(crate) role: String,
    /// The schemas in which a name without one is looked for, in their order.
    pub(crate) path: Vec<String>,
    /// What the history says; the reason where it could not be read.
    pub(crate) status: Result<Status, EngineError>,
    pub(crate) pending: Pending,
    sessions: OnceCell<Vec<Session>>,
    touched: OnceCell<Touched>,
    locks: OnceCell<Vec<Held>>,
}

impl<'a> Situation<'a> {
    /// Asks what all checks need.
    ///
    /// # Errors
    ///
    /// Where the server does not answer the simplest questions. A history that cannot be read is a check's to tell.
    pub(crate) fn look(
        settings: &'a Settings,
        set: &'a Set,
        migrator: &'a Migrator,
        connection: &'a Connection,
    ) -> Result<Self, EngineError> {
        let status = match migrator.status() {
            Err(
                error @ (EngineError::Connect { .. }
                | EngineError::ConnectionLost { .. }
                | EngineError::Interrupted { .. }),
            ) => {
                return Err(error);
            }
            status => status,
        };
        let rows = connection.rows(
            "asking for the server's version",
            &format!(
                "SELECT pg_catalog.current_setting('server_version_num'), {}, current_user, \
                 pg_catalog.array_to_string(pg_catalog.current_schemas(true), pg_catalog.chr(10))",
                ask::NOW
            ),
        )?;
        let row = rows.first();
        let path = row.map(|row| row.text(3)).unwrap_or_default();
        let pending = status.as_ref().map_or_else(|_| Pending::default(), |status| Pending::of(set, status));
        Ok(Self {
            settings,
            set,
            migrator,
            connection,
            limits: Limits::default(),
            identity: Identity::of(connection)?,
            version: row.and_then(|row| row.number(0)).unwrap_or_default(),
            now: row.map(|row| row.text(1)).unwrap_or_default(),
            role: row.map(|row| row.text(2)).unwrap_or_default(),
            path: path.split('\n').map(str::to_owned).collect(),
            status,
            pending,
            sessions: OnceCell::new(),
            touched: OnceCell::new(),
            locks: OnceCell::new(),
        })
    }

    /// The schema, read in such a transaction.
    pub(crate) fn schema(&self, options: &SchemaOptions) -> Result<Schema, EngineError> {
        let doing = "reading the schema";
        self.connection.rows(doing, ask::QUICK)?;
        let schema = self.connection.schema_inside(options);
        let ended = self.connection.rows(doing, "ROLLBACK");
        let schema = schema?;
        ended.map(|_| schema)
    }

    /// The other sessions of the server, looked at once.
    pub(crate) fn sessions(&self) -> Result<&[Session], EngineError> {
        once(&self.sessions, || Session::all(self)).map(Vec::as_slice)
    }

    /// The tables that the pending migrations work on, looked at once.
    pub(crate) fn touched(&self) -> Result<&Touched, EngineError> {
        once(&self.touched, || Touched::look(self))
    }

    /// Who holds which lock on those tables, looked at once.
    pub(crate) fn locks(&self) -> Result<&[Held], EngineError> {
        once(&self.locks, || Held::all(self)).map(Vec::as_slice)
    }

    /// Asks one question, in a transaction that can write nothing and waits for nobody: half a second for a lock, five
    /// for an answer. Names without a schema are those of `pg_catalog`.
    ///
    /// All of that ends with the transaction: behind a transaction pooler the next client gets this very session.
    ///
    /// # Errors
    ///
    /// What the server refuses, and a connection that is lost.
    pub(crate) fn ask(&self, doing: &str, sql: &str) -> Result<Vec<Row>, EngineError> {
        ask::quick(self.connection, doing, sql)
    }
}

fn once<T>(cell: &OnceCell<T>, look: impl FnOnce() -> Result<T, EngineError>) -> Result<&T, EngineError> {
    if let Some(seen) = cell.get() {
        return Ok(seen);
    }
    let seen = look()?;
    Ok(cell.get_or_init(|| seen))
}

/// The migrations that `up` would apply, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending(Vec<Migration>);

impl Pending {
    /// Those of a set, by what the history says.
    pub(crate) fn of(set: &Set, status: &Status) -> Self {
        let is_pending = |stem: &str| {
            status.entries.iter().any(|entry| {
                entry.stem == stem && matches!(entry.state, State::Pending | State::OutOfOrder | State::Dirty)
            })
        };
        Self(set.migrations.iter().filter(|migration| is_pending(&migration.stem)).cloned().collect())
    }

    #[cfg(test)]
    pub(crate) fn from(migrations: Vec<Migration>) -> Self {
        Self(migrations)
    }

    /// In order.
    pub(crate) fn migrations(&self) -> &[Migration] {
        &self.0
    }

    /// What a preflight's pass is bound to: their names and texts, in order.
    pub(crate) fn digest(&self) -> Checksum {
        let mut text = String::new();
        for (file, checksum) in self.0.iter().flat_map(Migration::files) {
            text += &format!("{checksum}  {file}\n");
        }
        Checksum::of(&text)
    }
}
