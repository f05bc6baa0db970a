//! A database with everything that a restore has to bring back, in a project that can back it up.

use std::path::{Path, PathBuf};

use postgres::{Client, NoTls};

use crate::output::Output;
use crate::wait::answer;
use crate::{Cluster, TestEnvironment};

/// The database's name.
pub const SHOP: &str = "shop";

/// Roles, and what belongs to the database and not to its contents.
const DATABASE: &str = "
    CREATE ROLE app LOGIN; CREATE ROLE lead; CREATE ROLE keeper LOGIN CREATEDB; GRANT lead TO keeper;
    CREATE DATABASE shop OWNER keeper TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' CONNECTION LIMIT 50;
    COMMENT ON DATABASE shop IS 'The shop''s';
    REVOKE CONNECT ON DATABASE shop FROM PUBLIC;
    GRANT CONNECT ON DATABASE shop TO app;
    GRANT CONNECT ON DATABASE shop TO lead WITH GRANT OPTION;
    ALTER DATABASE shop SET search_path TO public, \"we ird\";
    ALTER DATABASE shop SET app.tenant = 'it''s = \\x';
    ALTER ROLE app IN DATABASE shop SET work_mem = '64MB'";

/// One of each kind of thing that a database can hold rows, grants and numbers in.
const CONTENTS: &str = "
    CREATE SCHEMA \"we ird\"; CREATE EXTENSION pgcrypto SCHEMA \"we ird\";
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, total numeric NOT NULL,
        doubled numeric GENERATED ALWAYS AS (total * 2) STORED, mood mood DEFAULT 'glad');
    INSERT INTO orders (total) SELECT n FROM generate_series(1, 1000) n;
    CREATE TABLE items (id bigserial, order_id int REFERENCES orders, note text) PARTITION BY RANGE (id);
    CREATE TABLE items_1 PARTITION OF items FOR VALUES FROM (1) TO (10000);
    INSERT INTO items (order_id, note) SELECT n, E'tab\\t' || n FROM generate_series(1, 500) n;
    CREATE TABLE \"we ird\".\"Odd \"\"name\" (x int);
    INSERT INTO \"we ird\".\"Odd \"\"name\" VALUES (1), (2);
    CREATE SEQUENCE numbers START 7; SELECT nextval('numbers');
    CREATE MATERIALIZED VIEW sums AS SELECT sum(total) FROM orders;
    CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
    CREATE INDEX orders_twice ON orders (twice(id));
    CREATE STATISTICS both_of (dependencies) ON id, total FROM orders;
    ALTER TABLE items ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON items TO app USING (id > 0);
    GRANT SELECT ON orders TO app; GRANT SELECT (total) ON orders TO lead;
    ALTER TABLE \"we ird\".\"Odd \"\"name\" OWNER TO keeper;
    ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app;
    SELECT lo_from_bytea(4711, 'a large object'); COMMENT ON LARGE OBJECT 4711 IS 'large';
    COMMENT ON TABLE orders IS 'What was bought';";

/// A server with the database on it, and a project whose migrations it has.
#[derive(Debug)]
pub struct Restorable {
    /// The project.
    pub environment: TestEnvironment,
    /// The server.
    pub cluster: Cluster,
}

impl Restorable {
    /// One on a server with nothing special.
    ///
    /// # Panics
    ///
    /// Where it cannot be made, as everything here does.
    #[track_caller]
    pub fn new() -> Self {
        Self::on(Cluster::start())
    }

    /// One on a server of the test's own.
    ///
    /// # Panics
    ///
    /// Where it cannot be made.
    #[track_caller]
    pub fn on(cluster: Cluster) -> Self {
        let mut admin = cluster.admin();
        for statement in DATABASE.split(";\n").filter(|statement| !statement.trim().is_empty()) {
            // CREATE DATABASE wants a message of its own.
            for one in statement.split("; ").filter(|one| !one.trim().is_empty()) {
                admin.batch_execute(one).unwrap_or_else(|error| panic!("{one}: {error}"));
            }
        }
        let mut environment = TestEnvironment::without_database();
        environment.set_var("DATABASE_URL", cluster.url(SHOP));
        environment.migration("0001_notes", "CREATE TABLE notes (note text)", "DROP TABLE notes");
        let restorable = Self { environment, cluster };
        restorable.client(SHOP).batch_execute(CONTENTS).unwrap();
        restorable.run(&["up"]).success();
        restorable
    }

    /// `cargo migrate …`
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.environment.run(arguments)
    }

    /// `cargo migrate backup restore …`
    #[track_caller]
    pub fn restore(&self, arguments: &[&str]) -> Output {
        self.run(&[&["backup", "restore"], arguments].concat())
    }

    /// Makes a backup, and returns its id.
    #[track_caller]
    pub fn backup(&self, arguments: &[&str]) -> String {
        self.run(&[&["backup", "create"], arguments].concat()).success();
        self.backups().pop().expect("a backup was made")
    }

    /// The ids of all backups, oldest first.
    pub fn backups(&self) -> Vec<String> {
        let folder = std::fs::read_dir(self.environment.path(".migrate/backups")).unwrap();
        let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut ids: Vec<_> = names.filter(|name| name.starts_with("backup-")).collect();
        ids.sort();
        ids
    }

    /// A backup's manifest.
    pub fn manifest(&self, id: &str) -> PathBuf {
        self.environment.path(format!(".migrate/backups/{id}/manifest.json"))
    }

    /// A connection to a database of the server.
    #[track_caller]
    pub fn client(&self, database: &str) -> Client {
        Client::connect(&self.cluster.url(database), NoTls)
            .unwrap_or_else(|error| panic!("{database}: {error}"))
    }

    /// The databases whose names are like this.
    pub fn databases(&self, like: &str) -> Vec<String> {
        let sql = "SELECT datname::text FROM pg_database WHERE datname LIKE $1 ORDER BY 1";
        self.cluster.admin().query(sql, &[&like]).unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// The one database whose name is like this.
    #[track_caller]
    pub fn one(&self, like: &str) -> String {
        let mut found = self.databases(like);
        assert_eq!(found.len(), 1, "{like}: {found:?}");
        found.pop().unwrap_or_default()
    }

    /// A single answer from a database.
    #[track_caller]
    pub fn ask(&self, database: &str, sql: &str) -> String {
        answer(&mut self.client(database), sql)
    }
}

/// Changes a backup's manifest, and makes it one as the first version of its form wrote it, which had no seal: what is then
/// found was not found by the seal.
#[track_caller]
pub fn edit_manifest(path: &Path, edit: impl FnOnce(&mut serde_json::Value)) {
    let mut manifest: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    edit(&mut manifest);
    manifest["version"] = 1.into();
    manifest.as_object_mut().unwrap().remove("seal");
    std::fs::write(path, manifest.to_string()).unwrap();
}

impl Default for Restorable {
    fn default() -> Self {
        Self::new()
    }
}
