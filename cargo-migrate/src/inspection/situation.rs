//! What all checks look at: a connection, what the server is, what is pending, and what is configured.

use migrate_core::{Checksum, Migration, Set, State};
use migrate_runtime::{Connection, Error as EngineError, Migrator, Status};

use super::Identity;
use crate::config::Settings;

/// What all checks look at.
pub(crate) struct Situation<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) set: &'a Set,
    pub(crate) migrator: &'a Migrator,
    /// For questions; in no transaction.
    pub(crate) connection: &'a Connection,
    pub(crate) identity: Identity,
    /// `server_version_num`.
    pub(crate) version: u32,
    /// The server's time, ISO 8601 in UTC.
    pub(crate) now: String,
    /// What the history says; the reason where it could not be read.
    pub(crate) status: Result<Status, EngineError>,
    pub(crate) pending: Pending,
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
            "SELECT pg_catalog.current_setting('server_version_num'), \
             to_char(pg_catalog.now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
        )?;
        let row = rows.first();
        let pending = status.as_ref().map_or_else(|_| Pending::default(), |status| Pending::of(set, status));
        Ok(Self {
            settings,
            set,
            migrator,
            connection,
            identity: Identity::of(connection)?,
            version: row.and_then(|row| row.number(0)).unwrap_or_default(),
            now: row.map(|row| row.text(1)).unwrap_or_default(),
            status,
            pending,
        })
    }
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

    /// In order.
    pub(crate) fn migrations(&self) -> &[Migration] {
        &self.0
    }

    /// What a preflight's pass is bound to: their names and texts, in order.
    pub(crate) fn digest(&self) -> Checksum {
        let mut text = String::new();
        for script in self.0.iter().flat_map(Migration::scripts) {
            text += &format!("{}  {}\n", script.checksum, script.file);
        }
        Checksum::of(&text)
    }
}
