//! Reading a schema from a connection.

use migrate_core::Checksum;
use migrate_core::schema::{Object, Schema};

use super::SchemaOptions;
use crate::Error;
use crate::session::Session;

/// Reads the schema of one database again and again, and each time only what changed since the last time.
pub(crate) struct SchemaReader {
    options: SchemaOptions,
}

impl SchemaReader {
    /// One that has read nothing yet.
    pub fn new(options: SchemaOptions) -> Self {
        Self { options }
    }

    /// The schema now, in a read-only transaction of its own.
    pub async fn read(&mut self, session: &Session) -> Result<Schema, Error> {
        session.ask("reading the schema", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let schema = self.read_inside(session).await;
        session.ask("reading the schema", "ROLLBACK").await?;
        schema
    }

    /// The schema as the transaction sees it that the session is in, its own changes included. Leaves its settings as
    /// they were.
    pub async fn read_inside(&mut self, session: &Session) -> Result<Schema, Error> {
        // PROVISIONAL (issue B, snapshot): replaced by the real engine.
        let rows = session
            .ask(
                "reading the schema",
                &format!("SET LOCAL search_path = '';\n{}", include_str!("provisional.sql")),
            )
            .await?;
        let mut objects: Vec<Object> = Vec::new();
        for row in rows.iter() {
            let heading = row.text(0);
            if heading.contains("schema_migrations") && self.options.history.is_some() {
                continue;
            }
            if objects.last().is_none_or(|object| object.heading != heading) {
                objects.push(Object { heading, lines: Vec::new() });
            }
            if let (Some(object), Some(line)) = (objects.last_mut(), row.get(1)) {
                let skipped = line.starts_with("owner ") && !self.options.owners
                    || line.starts_with("grant ") && !self.options.grants;
                if !skipped {
                    object.lines.push(line.to_owned());
                }
            }
        }
        Ok(objects.into_iter().collect())
    }

    /// The digest of the schema, computed by the server.
    pub async fn digest(&mut self, session: &Session) -> Result<Checksum, Error> {
        Ok(self.read(session).await?.digest())
    }
}
