//! A scratch database, a session on it, and the reader.

use migrate_core::schema::Schema;
use migrate_testing::ScratchDatabase;
use postgres::Client;

use crate::Database;
use crate::emitter::Emitter;
use crate::schema::{SchemaOptions, SchemaReader};
use crate::session::Session;

/// A database, a client that changes it, and a session that reads it.
pub struct Subject {
    pub database: ScratchDatabase,
    pub client: Client,
    pub runtime: tokio::runtime::Runtime,
    pub session: Session,
    pub reader: SchemaReader,
}

impl Subject {
    pub fn new(options: SchemaOptions) -> Self {
        Self::on(migrate_testing::scratch().unwrap(), options)
    }

    pub fn on(database: ScratchDatabase, options: SchemaOptions) -> Self {
        let client = database.connect().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let session = runtime.block_on(open(database.url()));
        Self { database, client, runtime, session, reader: SchemaReader::new(options) }
    }

    pub fn run(&mut self, sql: &str) {
        self.client.batch_execute(sql).unwrap_or_else(|error| panic!("{error:?} in {sql}"));
    }

    /// The schema; the server's digest of it must be ours.
    pub fn read(&mut self) -> Schema {
        let schema = self.runtime.block_on(self.reader.read(&self.session)).unwrap();
        let mut reader = SchemaReader::new(self.reader.options.clone());
        let digest = self.runtime.block_on(reader.digest(&self.session)).unwrap();
        assert_eq!(schema.digest(), digest, "the server's digest is of another text than\n{}", schema.text());
        assert_eq!(Schema::parse(&schema.text()).unwrap(), schema);
        schema
    }

    /// The schema as another reader sees it, that has read nothing yet.
    pub fn fresh(&self, options: &SchemaOptions) -> Schema {
        self.runtime.block_on(SchemaReader::new(options.clone()).read(&self.session)).unwrap()
    }
}

/// A session of the engine's.
pub async fn open(url: &str) -> Session {
    Session::open(&Database::parse(url).unwrap(), "schema test", &Emitter::default()).await.unwrap()
}
