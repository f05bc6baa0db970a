//! T45: a DDL hook of the database's own that refuses, changes or is slow.

use migrate_runtime::Error;
use migrate_runtime::core::Goal;
use migrate_tests::migrations::{good, migrator, stems};
use migrate_tests::wait::answer;

const MIGRATIONS: [(&str, &str, &str); 2] = [
    ("0001_a", "CREATE TABLE a (); CREATE TABLE forbidden_b ()", "DROP TABLE a; DROP TABLE forbidden_b"),
    ("0002_c", "CREATE TABLE c ()", "DROP TABLE c"),
];

fn hook(event: &str, body: &str) -> String {
    format!(
        "CREATE FUNCTION hook() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$; \
         CREATE EVENT TRIGGER hook ON {event} EXECUTE FUNCTION hook()"
    )
}

#[test]
fn a_hook_that_raises_fails_the_migration_whole() {
    let raise = "IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%forbidden%') \
                 THEN RAISE 'not here' USING ERRCODE = 'P0999', HINT = 'ask the owner'; END IF;";
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    client.batch_execute(&hook("ddl_command_end", raise)).unwrap();
    let runner = migrator(database.url(), &MIGRATIONS);
    let error = runner.run(Goal::UpAll).unwrap_err();
    let Error::Failed { failure } = &error else { panic!("{error:?}") };
    assert_eq!(
        (failure.server.code.as_str(), failure.server.hint.as_deref()),
        ("P0999", Some("ask the owner"))
    );
    let (start, end) = failure.statement.unwrap();
    assert_eq!(&failure.text[start..end], "CREATE TABLE forbidden_b ()");
    assert_eq!(answer(&mut client, "SELECT to_regclass('a')"), "NULL");
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0");
    let failed = "SELECT version || ' ' || outcome || ' ' || sqlstate FROM schema_migrations_log";
    assert_eq!(answer(&mut client, failed), "0001_a failed P0999");
    client.batch_execute("DROP EVENT TRIGGER hook").unwrap();
    assert_eq!(stems(&good(runner.run(Goal::UpAll))), ["0001_a", "0002_c"]);
}

/// The hook forbids all DDL: not even the history table can be made, and that is said.
#[test]
fn a_hook_that_forbids_the_history_table_is_named() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    client.batch_execute(&hook("ddl_command_start", "RAISE 'frozen until Monday';")).unwrap();
    let error = migrator(database.url(), &MIGRATIONS).run(Goal::UpAll).unwrap_err();
    let Error::Server { doing, source } = &error else { panic!("{error:?}") };
    assert_eq!(doing, "creating the history table");
    assert_eq!(source.as_db_error().unwrap().message(), "frozen until Monday");
    assert_eq!(answer(&mut client, "SELECT to_regclass('schema_migrations')"), "NULL");
}

/// A slow hook runs into the statement timeout; the migration is gone, and so is everything it held.
#[test]
fn a_slow_hook_is_ended_by_the_statement_timeout() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let slow = "IF EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE object_identity LIKE '%public.c') \
                THEN PERFORM pg_sleep(600); END IF;";
    client.batch_execute(&hook("ddl_command_end", slow)).unwrap();
    let timeout = Some(std::time::Duration::from_millis(300));
    let runner = migrator(database.url(), &MIGRATIONS).statement_timeout(timeout);
    let error = runner.run(Goal::UpAll).unwrap_err();
    let Error::Failed { failure } = &error else { panic!("{error:?}") };
    assert_eq!((failure.stem.as_str(), failure.server.code.as_str()), ("0002_c", "57014"));
    assert!(error.hint().contains("statement-timeout"), "{}", error.hint());
    assert_eq!(answer(&mut client, "SELECT string_agg(version, ',') FROM schema_migrations"), "0001_a");
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                AND state <> 'idle'";
    migrate_tests::poll_until(&mut client, left, "0");
}
