//! One moment of a database: the transaction that pg_dump copies the same moment as, and what is known of it.

use std::collections::BTreeMap;
use std::time::Duration;

use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Connection, Database, Error as EngineError, HistoryTable, Interrupt, quote_literal};

use super::manifest::Recorded;
use super::restore::{Likeness, Locale};
use super::select::Selection;
use crate::inspection::ask::NOW;
use crate::inspection::{Identity, shares_sessions};

/// A transaction that is held open while pg_dump copies what it sees.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) connection: Connection,
    pub(super) identity: Identity,
    /// `server_version_num`.
    pub(super) version: u32,
    /// The server's time, ISO 8601 in UTC.
    pub(super) at: String,
    pub(super) database_bytes: u64,
    /// It is a standby: what is unlogged cannot be read there, and pg_dump leaves it out.
    pub(super) standby: bool,
    /// A pooler gives the session to others afterwards.
    pub(super) shared: bool,
}

impl Snapshot {
    /// Begins it.
    pub(super) fn begin(database: &Database, interrupt: &Interrupt) -> Result<Self, EngineError> {
        let connection = Connection::open(database, "cargo-migrate backup", interrupt)?;
        let shared = shares_sessions(&connection, interrupt)?;
        let identity = Identity::of(&connection)?;
        connection.rows("beginning the snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        // The transaction waits while pg_dump works: no limit of the server's or of the role's may end it. Rows that a
        // policy hides would be missing in the backup; pg_dump refuses them as well.
        let rows = connection.rows(
            "beginning the snapshot",
            &format!(
                "SELECT pg_catalog.set_config(name, '0', true) FROM pg_catalog.pg_settings WHERE name IN \
                 ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout', \
                 'max_parallel_workers_per_gather', 'jit');\
                 SET LOCAL row_security = off;\
                 SELECT pg_catalog.current_setting('server_version_num'), {NOW}, pg_catalog.pg_is_in_recovery()"
            ),
        )?;
        let row = rows.last();
        // Who may not connect to a database may not know its size; whoever is in it may.
        let size = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
        let size = connection.value("asking for the database's size", size)?;
        Ok(Self {
            identity,
            shared,
            version: row.and_then(|row| row.number(0)).unwrap_or_default(),
            at: row.map(|row| row.text(1)).unwrap_or_default(),
            standby: row.is_some_and(|row| row.flag(2)),
            database_bytes: size.and_then(|size| size.parse().ok()).unwrap_or_default(),
            connection,
        })
    }

    /// 15, 16, …
    pub(super) fn major(&self) -> u32 {
        self.version / 10_000
    }

    /// Keeps the tables as they are until the end, and gives the name that pg_dump takes the moment by.
    ///
    /// pg_dump takes the same locks a little later. Taken here first, no table can be dropped, truncated or rewritten
    /// between its rows being counted and being copied.
    pub(super) fn export(&self, selection: &Selection, wait: Duration) -> Result<String, EngineError> {
        let wait = format!("SET LOCAL lock_timeout = {}", wait.as_millis());
        self.connection.rows("beginning the snapshot", &wait)?;
        let names: Vec<_> = selection.lockable().collect();
        for names in names.chunks(500) {
            let sql = format!("LOCK TABLE {} IN ACCESS SHARE MODE", names.join(", "));
            self.connection.rows("locking the tables against being changed while they are copied", &sql)?;
        }
        let name =
            self.connection.value("exporting the snapshot", "SELECT pg_catalog.pg_export_snapshot()")?;
        Ok(name.unwrap_or_default())
    }

    /// How the database keeps text.
    pub(super) fn locale(&self) -> Result<Option<Locale>, EngineError> {
        Ok(Likeness::of(&self.connection, &self.identity.database)?.map(|likeness| likeness.text))
    }

    /// The digest of the schema, as `cargo migrate schema --digest` prints it.
    pub(super) fn schema_digest(&self, history: &HistoryTable) -> Result<String, EngineError> {
        let options = SchemaOptions { history: Some(history.clone()), ..SchemaOptions::default() };
        Ok(self.connection.schema_inside(&options)?.digest().to_string())
    }

    /// How many rows each table has, one table after the other, the small ones first; `None` for those that are left when
    /// `limit` bytes of tables were read.
    pub(super) fn count(
        &self,
        selection: &Selection,
        limit: u64,
    ) -> Result<BTreeMap<String, Option<u64>>, EngineError> {
        let mut tables: Vec<_> = selection.with_rows(self.standby).collect();
        tables.sort_by_key(|table| table.bytes);
        let (mut counted, mut read) = (BTreeMap::new(), 0_u64);
        for table in tables {
            read = read.saturating_add(table.bytes);
            let mut rows = None;
            if read <= limit {
                let sql = format!("SELECT pg_catalog.count(*) FROM ONLY {}", table.name);
                rows = self.connection.value("counting rows", &sql)?.and_then(|rows| rows.parse().ok());
            }
            counted.insert(table.name.clone(), rows);
        }
        Ok(counted)
    }

    /// The roles that own something in the database or may do something with it. The one that initdb made is not among
    /// its dependencies, and nearly always owns something.
    pub(super) fn roles(&self) -> Result<Vec<String>, EngineError> {
        let rows = self.connection.rows(
            "reading the roles",
            "SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10 OR oid IN (\
             SELECT refobjid FROM pg_catalog.pg_shdepend WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass \
             AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())) ORDER BY 1",
        )?;
        Ok(rows.iter().map(|row| row.text(0)).collect())
    }

    /// What the history says; nothing where there is none of our shape, or it may not be read.
    pub(super) fn history(&self, table: &HistoryTable) -> Result<Vec<Recorded>, EngineError> {
        let quoted = table.quoted();
        let there = format!(
            "SELECT pg_catalog.count(*) FILTER (WHERE attname IN ('version', 'checksum', 'dirty')) = 3 \
             AND pg_catalog.bool_and(pg_catalog.has_table_privilege(attrelid, 'SELECT')) \
             FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({})",
            quote_literal(&quoted)
        );
        if self.connection.value("looking for the history", &there)?.as_deref() != Some("t") {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT version, checksum, dirty FROM {quoted} ORDER BY version COLLATE \"C\"");
        let rows = self.connection.rows("reading the history", &sql)?;
        let recorded = rows.iter().map(|row| Recorded {
            stem: row.text(0),
            checksum: row.get(1).map(str::to_owned),
            dirty: row.flag(2),
        });
        Ok(recorded.collect())
    }
}
