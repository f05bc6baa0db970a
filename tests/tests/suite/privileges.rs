//! T23: what a role may not do, and what the tool says to do about it.

use std::fmt::Write as _;

use migrate_runtime::core::Goal;
use migrate_runtime::{Error, Event};
use migrate_tests::Cluster;
use migrate_tests::migrations::{apply, good, migrator};
use migrate_tests::wait::answer;
use std::sync::{Arc, Mutex};

type Migration = (&'static str, &'static str, &'static str);

const FIRST: Migration = ("0001_a", "CREATE TABLE a (id int)", "DROP TABLE a");
const SECOND: Migration = ("0002_b", "ALTER TABLE a ADD b int", "ALTER TABLE a DROP b");
const OTHER: Migration = ("0002_b", "CREATE TABLE other.b ()", "DROP TABLE other.b");

/// (what is missing, how it is taken away, whether the first is applied before, the second migration)
#[allow(clippy::type_complexity, reason = "a table")]
const CASES: [(&str, &str, bool, Migration); 8] = [
    ("no CONNECT", "REVOKE ALL ON DATABASE DB FROM PUBLIC", false, SECOND),
    ("no CREATE on the schema", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", false, SECOND),
    ("no SELECT on the history", "", true, OTHER),
    (
        "no INSERT on the history",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app; GRANT CREATE ON SCHEMA other TO app",
        true,
        OTHER,
    ),
    ("a table owned by another", "GRANT ALL ON ALL TABLES IN SCHEMA public TO app", true, SECOND),
    (
        "row-level security on the history",
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO app; ALTER TABLE schema_migrations ENABLE ROW LEVEL SECURITY",
        true,
        OTHER,
    ),
    ("no CREATE on the schema of a body", "GRANT ALL ON ALL TABLES IN SCHEMA public TO app", true, OTHER),
    (
        "no INSERT on the audit log",
        "GRANT ALL ON schema_migrations TO app; GRANT SELECT ON schema_migrations_log TO app; \
         GRANT CREATE ON SCHEMA other TO app",
        true,
        OTHER,
    ),
];

#[test]
fn what_is_missing_is_said_with_the_grant_that_helps() {
    let cluster = Cluster::start();
    cluster.admin().batch_execute("CREATE ROLE app LOGIN").unwrap();
    let mut table = String::new();
    for (missing, take_away, first, second) in CASES {
        let database = cluster.database();
        let mut client = database.connect().unwrap();
        client.batch_execute("CREATE SCHEMA other; GRANT USAGE ON SCHEMA other TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC").unwrap();
        if first {
            apply(database.url(), &[FIRST]);
        }
        client.batch_execute(&take_away.replace("DB", database.name())).unwrap();
        let state = "SELECT string_agg(relname, ',' ORDER BY 1) FROM pg_class \
                     WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'other'::regnamespace)";
        let before = answer(&mut client, state);
        let url = database.url().replace("//postgres@", "//app@");
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let runner = migrator(&url, &[FIRST, second]).on_event(move |event| {
            if let Event::LogUnavailable { why } = event {
                seen.lock().unwrap().push(why.clone());
            }
        });
        let error = runner.run(Goal::UpAll).unwrap_err();
        let code = match &error {
            Error::Connect { source, .. } | Error::Server { source, .. } => {
                source.code().unwrap().code().to_owned()
            }
            Error::Failed { failure } => failure.server.code.clone(),
            other => panic!("{missing}: {other:?}"),
        };
        let text = format!("{error} ({code})\n    {}", error.hint()).replace(database.name(), "[database]");
        let text = text.split(", host=").next().unwrap_or_default().to_owned();
        writeln!(table, "{missing}\n    {text}").unwrap();
        for why in events.lock().unwrap().iter() {
            writeln!(table, "    (the failure could not be logged: {why})").unwrap();
        }
        // Nothing was applied, nothing recorded, and nothing is held.
        assert_eq!(answer(&mut client, state), before, "{missing}");
        if first {
            assert_eq!(
                answer(&mut client, "SELECT string_agg(version || dirty, ',') FROM schema_migrations"),
                "0001_afalse"
            );
        }
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
        migrate_tests::poll_until(&mut client, locks, "0");
        // With the privilege it runs to its end.
        good(migrator(database.url(), &[FIRST, second]).run(Goal::UpAll));
    }
    let table = table.replace(&cluster.server().folder().display().to_string(), "[sockets]");
    insta::assert_snapshot!("privileges", table);
}
