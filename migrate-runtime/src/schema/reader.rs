//! Reading a schema from a connection.

use migrate_core::Checksum;
use migrate_core::schema::{Object, Schema};

use super::SchemaOptions;
use super::dialect::Dialect;
use super::query::{self, Scope};
use crate::Error;
use crate::message::AS_OURSELVES;
use crate::session::{Rows, Session};

const DOING: &str = "reading the schema";

/// Reads the schema of one database again and again, and each time only what changed since the last time.
pub(crate) struct SchemaReader {
    options: SchemaOptions,
    dialect: Option<Dialect>,
}

/// What the server's own printing of definitions depends on, and what would only cost time. The catalogs come first in
/// the path, so that no object of somebody's stands in front of them, and everything else is printed with its schema.
const SETTINGS: &str = "SET LOCAL search_path = pg_catalog, pg_temp;\
    SET LOCAL quote_all_identifiers = off;SET LOCAL standard_conforming_strings = on;\
    SET LOCAL DateStyle = 'ISO, YMD';SET LOCAL IntervalStyle = postgres;SET LOCAL TimeZone = 'UTC';\
    SET LOCAL extra_float_digits = 1;SET LOCAL bytea_output = hex;SET LOCAL xmlbinary = base64;\
    SET LOCAL lc_monetary = 'C';SET LOCAL lc_numeric = 'C';SET LOCAL lc_time = 'C';\
    SET LOCAL jit = off;SET LOCAL max_parallel_workers_per_gather = 0;SET LOCAL work_mem = '32MB'";

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Around a read within somebody's transaction: rolled back to, it takes the settings back too.
#[allow(dead_code, reason = "for the proof of a migration, which reads before it commits")]
const SAVEPOINT: &str = "cargo_migrate_schema";

impl SchemaReader {
    /// One that has read nothing yet.
    pub fn new(options: SchemaOptions) -> Self {
        Self { options, dialect: None }
    }

    /// The schema now, in a read-only transaction of its own.
    pub async fn read(&mut self, session: &Session) -> Result<Schema, Error> {
        let dialect = self.dialect(session).await?;
        let sql = query::blocks(dialect, &self.options, &Scope::Everything);
        let rows = self.transaction(session, &sql).await?;
        Ok(schema(&rows))
    }

    /// The schema as the transaction sees it that the session is in, its own changes included. Leaves its settings as
    /// they were.
    #[allow(dead_code, reason = "for the proof of a migration, which reads before it commits")]
    pub async fn read_inside(&mut self, session: &Session) -> Result<Schema, Error> {
        let dialect = self.dialect(session).await?;
        let sql = query::blocks(dialect, &self.options, &Scope::Everything);
        let sql = format!(
            "SAVEPOINT {SAVEPOINT};{AS_OURSELVES};{SETTINGS};{sql};\
             ROLLBACK TO SAVEPOINT {SAVEPOINT};RELEASE SAVEPOINT {SAVEPOINT}"
        );
        Ok(schema(&session.ask(DOING, &sql).await?))
    }

    /// The digest of the schema, computed by the server.
    pub async fn digest(&mut self, session: &Session) -> Result<Checksum, Error> {
        let dialect = self.dialect(session).await?;
        let rows = self.transaction(session, &query::digest(dialect, &self.options)).await?;
        match rows.first().and_then(|row| row.get(0)?.parse().ok()) {
            Some(digest) => Ok(digest),
            None => Ok(self.read(session).await?.digest()),
        }
    }

    /// One message: a read-only transaction, its settings, the query.
    async fn transaction(&self, session: &Session, sql: &str) -> Result<Rows, Error> {
        let answer = session.ask(DOING, &format!("{BEGIN};{AS_OURSELVES};{SETTINGS};{sql};ROLLBACK")).await;
        if answer.is_err() && !session.is_closed() {
            session.ask(DOING, "ROLLBACK").await?;
        }
        answer
    }

    /// What the server is, asked once.
    async fn dialect(&mut self, session: &Session) -> Result<Dialect, Error> {
        if let Some(dialect) = self.dialect {
            return Ok(dialect);
        }
        let rows = session
            .ask(
                DOING,
                "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 / 10000, \
                 pg_catalog.has_column_privilege(session_user, 'pg_catalog.pg_subscription', 'subconninfo', 'SELECT')",
            )
            .await?;
        let row = rows.first();
        let dialect = Dialect {
            major: row.and_then(|row| row.number(0)).unwrap_or_default(),
            reads_connections: row.is_some_and(|row| row.is_true(1)),
        };
        self.dialect = Some(dialect);
        Ok(dialect)
    }
}

fn schema(rows: &Rows) -> Schema {
    rows.iter().filter_map(|row| Object::from_text(row.get(2)?)).collect()
}
