//! Whether a database has the schema that an application was built for.

use migrate_core::Schema;

use crate::schema::{SchemaOptions, SchemaReader};
use crate::{Error, Migrator};

impl Migrator {
    /// Holds the database against a recorded schema. One snapshot, whatever its size, in a fixed number of round trips.
    pub(crate) async fn check_schema_inner(&self, needed: &Schema) -> Result<(), Error> {
        let history = Some(self.history().clone());
        let options = SchemaOptions { history, ..SchemaOptions::portable() };
        let session = self.look().await?;
        let found = SchemaReader::new(options).read_once(&session).await;
        let database = session.database.to_string();
        session.close().await;
        let unmet = needed.unmet(&found?);
        if unmet.is_empty() { Ok(()) } else { Err(Error::SchemaUnfit { database, unmet }) }
    }

    pub(crate) async fn check_recorded_inner(&self, recorded: Option<&str>) -> Result<(), Error> {
        let text = recorded.ok_or(Error::NoSchemaRecorded)?;
        // The macro has read it too: only a text that was put in by hand is wrong here.
        let needed = Schema::parse(text).map_err(|error| Error::Settings {
            message: format!("the recorded schema cannot be read: {error}"),
            hint: "write it anew with `cargo migrate verify --record`, and build again".to_owned(),
        })?;
        self.check_schema_inner(&needed).await
    }
}
