//! The server that the table is tried on, with the roles and the tablespace that its entries name.

use std::collections::HashSet;
use std::path::PathBuf;

use migrate_core::Set;
use migrate_core::schema::Schema;
use migrate_runtime::rehearsal::Rehearsal;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Database, Migrator};
use migrate_testing::{Binaries, ScratchDatabase, ScratchServer, ScratchSettings};
use migrate_tests::dump;

/// What belongs to the cluster and is therefore made once: an entry that made roles would collide with itself in another
/// database. Everything goes with the server.
const CLUSTER: [&str; 3] = [
    "CREATE ROLE ddl_alice; CREATE ROLE ddl_bob; CREATE ROLE ddl_super SUPERUSER",
    "SET allow_in_place_tablespaces = on",
    "CREATE TABLESPACE ddl_space LOCATION ''",
];

/// A server in memory.
pub struct ServerUnderTest {
    server: ScratchServer,
    pub major: u32,
    /// Where there is one for this version: the packages that are fetched have none, and it refuses newer servers.
    pg_dump: Option<PathBuf>,
}

impl ServerUnderTest {
    pub fn start(binaries: Binaries) -> Self {
        let major = binaries.major;
        let pg_dump = [Some(binaries.clone()), Binaries::find(None).ok()]
            .into_iter()
            .flatten()
            .filter_map(|binaries| binaries.program("pg_dump").ok())
            .find(|program| dump::major(program) >= major);
        // Publications of a server that could not use them would be warned about.
        let settings = vec![("wal_level".to_owned(), "logical".to_owned())];
        let settings = ScratchSettings { binaries: Some(binaries), settings, tcp_port: None, parent: None };
        let server = ScratchServer::start(settings).unwrap();
        let mut client = postgres::Client::connect(&server.url("postgres"), postgres::NoTls).unwrap();
        for statement in CLUSTER {
            client.batch_execute(statement).unwrap();
        }
        Self { server, major, pg_dump }
    }

    pub fn database(&self) -> ScratchDatabase {
        self.server.database().unwrap()
    }

    /// What pg_dump says of a database's schema.
    pub fn dump(&self, database: &ScratchDatabase) -> Option<String> {
        Some(dump::by(self.pg_dump.as_ref()?, database.url(), &[]))
    }
}

/// The schema, with everything that is in a snapshot.
pub fn snapshot(url: &str) -> Schema {
    migrator(url).schema(&SchemaOptions::default()).unwrap()
}

/// What reads the schema again and again on one connection, as `verify` does.
pub fn reader(url: &str) -> Rehearsal {
    Rehearsal::connect(&Database::parse(url).unwrap(), SchemaOptions::default()).unwrap()
}

pub fn migrator(url: &str) -> Migrator {
    Migrator::new(Set::new("none", vec![])).database(Database::parse(url).unwrap())
}

/// The lines that only one of two dumps has.
pub fn difference(before: Option<&str>, after: Option<&str>) -> String {
    let lines =
        |dump: Option<&str>| -> Vec<String> { dump.unwrap_or("").split('\n').map(str::to_owned).collect() };
    let (before, after) = (lines(before), lines(after));
    let only = |mark: &str, one: &[String], other: &[String]| -> Vec<String> {
        let other: HashSet<_> = other.iter().collect();
        one.iter().filter(|line| !other.contains(line)).map(|line| format!("{mark} {line}")).collect()
    };
    if before != after && only("", &before, &after).is_empty() && only("", &after, &before).is_empty() {
        return "the same lines in another order, or more often".to_owned();
    }
    [only("-", &before, &after), only("+", &after, &before)].concat().join("\n")
}

/// Whether two dumps have the same lines.
pub fn same_lines(one: &Option<String>, other: &Option<String>) -> bool {
    let sorted = |dump: &Option<String>| {
        let mut lines: Vec<_> = dump.iter().flat_map(|dump| dump.split('\n').map(str::to_owned)).collect();
        lines.sort();
        lines
    };
    sorted(one) == sorted(other)
}
