//! T25: what a body does to its session reaches neither the next migration, nor the record, nor the lock.

use migrate_runtime::Error;
use migrate_runtime::core::{Goal, Script};
use migrate_tests::migrations::{apply, good, migrator, stems};
use migrate_tests::wait::answer;

/// Writes down the settings that are not as the connection had them at its start.
const LOOK: &str = "INSERT INTO seen SELECT name, setting FROM pg_settings";
const TABLES: &str = "CREATE TABLE seen (name text, setting text); \
                      CREATE TABLE journal (id int PRIMARY KEY, who text, path text, temps bigint, prepared bigint, \
                      listening bigint, cursors bigint, locks bigint)";

/// Runs `body` between two looks at the session, and says what the second one saw.
fn after(body: &str) -> String {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    client
        .batch_execute(&format!(
            "{TABLES}; CREATE ROLE leaked_{} NOLOGIN; CREATE SCHEMA elsewhere; \
             GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC",
            database.name()
        ))
        .unwrap();
    let body = body.replace("ROLE_", &format!("leaked_{}", database.name()));
    let journal = "INSERT INTO public.journal SELECT N, current_user || '/' || session_user, current_setting('search_path'), \
                   (SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND pg_table_is_visible(oid)), \
                   (SELECT count(*) FROM pg_prepared_statements), (SELECT count(*) FROM pg_listening_channels()), \
                   (SELECT count(*) FROM pg_cursors WHERE name <> ''), \
                   (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())";
    let before = format!("{LOOK}; {}", journal.replace(" N,", " 1,"));
    let later = format!("{LOOK}; {}", journal.replace(" N,", " 3,"));
    let migrations = [
        ("0001_before", before.as_str(), "SELECT 1"),
        ("0002_body", body.as_str(), "SELECT 1"),
        ("0003_after", later.as_str(), "SELECT 1"),
    ];
    let report = apply(database.url(), &migrations);
    assert_eq!(stems(&report), ["0001_before", "0002_body", "0003_after"]);
    let applied =
        "SELECT string_agg(version, ',' ORDER BY version) FROM public.schema_migrations WHERE NOT dirty";
    assert_eq!(answer(&mut client, applied), "0001_before,0002_body,0003_after", "{body}");
    let logged = "SELECT count(*) FROM public.schema_migrations_log WHERE action = 'up' AND outcome = 'ok'";
    assert_eq!(answer(&mut client, logged), "3", "{body}");
    client
        .batch_execute(&format!("DROP OWNED BY leaked_{0}; DROP ROLE leaked_{0}", database.name()))
        .unwrap();
    let settings = "SELECT coalesce(string_agg(name || '=' || setting, ' '), '') FROM (SELECT name, setting FROM seen \
                    WHERE name NOT IN ('application_name', 'synchronous_commit') GROUP BY name, setting HAVING count(*) <> 2) d";
    let session = "SELECT string_agg(CASE WHEN a = b THEN '' ELSE a::text || ' became ' || b::text END, '') FROM \
                   (SELECT (who, path, temps, prepared, listening, cursors, locks) AS a FROM journal WHERE id = 1) x, \
                   (SELECT (who, path, temps, prepared, listening, cursors, locks) AS b FROM journal WHERE id = 3) y";
    format!("{}{}", answer(&mut client, settings), answer(&mut client, session))
}

#[test]
fn what_a_body_sets_is_gone_in_the_next_migration() {
    let bodies = [
        "SET search_path = elsewhere; SET statement_timeout = '1h'; SET lock_timeout = '1h'; SET work_mem = '1MB'",
        "SET ROLE ROLE_",
        "SET SESSION AUTHORIZATION ROLE_",
        "SET row_security = off; SET session_replication_role = replica",
        "SET default_transaction_read_only = on; SET default_transaction_isolation = 'serializable'",
        "SET client_encoding = 'LATIN1'; SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET intervalstyle = 'iso_8601'",
        "SET standard_conforming_strings = off; SET quote_all_identifiers = on; SET bytea_output = 'escape'",
        "SELECT set_config('search_path', '', false)",
        "RESET ALL",
        "LISTEN news",
        "PREPARE p AS SELECT 1",
        "CREATE TEMP TABLE schema_migrations (LIKE public.schema_migrations); CREATE TEMP TABLE seen (x int)",
        "CREATE TEMP TABLE schema_migrations_log (x int); CREATE TEMP VIEW journal AS SELECT 1 AS id",
        "SELECT pg_advisory_unlock_all(); SELECT pg_advisory_lock(7)",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
        "SET idle_in_transaction_session_timeout = '1ms'; SET client_min_messages = 'error'",
    ];
    for body in bodies {
        assert_eq!(after(body), "", "after: {body}");
    }
}

#[test]
fn a_script_without_a_transaction_leaks_no_more() {
    let head = "-- migrate: no-transaction\n";
    let bodies = [
        "SET search_path = elsewhere; SET statement_timeout = '1h'; SET lock_timeout = '1h'",
        "SET ROLE ROLE_",
        "SET SESSION AUTHORIZATION ROLE_; SELECT 1; RESET SESSION AUTHORIZATION",
        "DISCARD ALL",
        "SET client_encoding = 'LATIN1'",
        "CREATE TEMP TABLE schema_migrations (LIKE public.schema_migrations); SELECT 1",
        "LISTEN news; PREPARE p AS SELECT 1; SELECT pg_advisory_lock(7)",
    ];
    for body in bodies {
        assert_eq!(after(&format!("{head}{body}")), "", "after: {body}");
    }
}

/// `DISCARD ALL` cannot run in a transaction: it makes its script one that runs statement by statement, and around it a
/// transaction is refused.
#[test]
fn discard_all_takes_neither_the_lock_nor_the_record_away() {
    let whole = "BEGIN; CREATE TABLE a (); DISCARD ALL; COMMIT";
    let refused = Script::parse("0001_a.up.sql", whole.to_owned()).unwrap_err();
    assert!(
        refused.hint().contains("no-transaction") || refused.to_string().contains("DISCARD ALL"),
        "{refused}"
    );
    let database = migrate_testing::scratch().unwrap();
    let body = "CREATE TABLE a (); DISCARD ALL; CREATE TABLE b ()";
    let report =
        apply(database.url(), &[("0001_a", body, "DROP TABLE a, b"), ("0002_c", "SELECT 1", "SELECT 1")]);
    assert_eq!(stems(&report), ["0001_a", "0002_c"]);
    let mut client = database.connect().unwrap();
    assert_eq!(
        answer(&mut client, "SELECT string_agg(version, ',') FROM schema_migrations WHERE NOT dirty"),
        "0001_a,0002_c"
    );
    assert_eq!(answer(&mut client, "SELECT to_regclass('a') || ',' || to_regclass('b')"), "a,b");
}

/// A run that goes on in a new session has the `search_path` and the role that the script had set before it stopped.
#[test]
fn what_a_script_set_is_set_again_when_it_is_resumed() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let role = format!("resumed_{}", database.name());
    client
        .batch_execute(&format!(
            "CREATE SCHEMA shop; CREATE TABLE shop.t (a int); INSERT INTO shop.t VALUES (1), (1); \
             CREATE TABLE t (a int); CREATE ROLE {role}; GRANT ALL ON SCHEMA shop TO {role}; ALTER TABLE shop.t OWNER TO {role}"
        ))
        .unwrap();
    let body = format!(
        "SET search_path = shop; SET ROLE {role}; CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a); CREATE VIEW v AS TABLE t"
    );
    let runner =
        migrator(database.url(), &[("0001_a", &body, "DROP VIEW shop.v; DROP INDEX CONCURRENTLY shop.t_a")]);
    let error = runner.run(Goal::UpAll).unwrap_err();
    let Error::Dirty { progress, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*progress, Some((2, 4)));
    client.batch_execute("DELETE FROM shop.t").unwrap();
    assert_eq!(stems(&good(runner.run(Goal::UpAll))), ["0001_a"]);
    let owners = "SELECT string_agg(relname || ' ' || relnamespace::regnamespace || ' ' || relowner::regrole, ', ' \
                  ORDER BY 1) FROM pg_class WHERE relname IN ('t_a', 'v')";
    assert_eq!(answer(&mut client, owners), format!("t_a shop {role}, v shop {role}"));
    good(runner.run(Goal::DownAll));
    client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

#[test]
fn a_body_that_lets_go_of_all_advisory_locks_still_keeps_others_out() {
    let database = migrate_testing::scratch().unwrap();
    let url = database.url().to_owned();
    let gate = "SELECT pg_advisory_xact_lock(4711)";
    let body = format!("SELECT pg_advisory_unlock_all(); {gate}");
    let mut client = database.connect().unwrap();
    client.batch_execute("SELECT pg_advisory_lock(4711)").unwrap();
    let first = std::thread::spawn(move || {
        good(migrator(&url, &[("0001_a", &body, "SELECT 1")]).run(Goal::UpAll)).done.len()
    });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'advisory' \
                 AND datname = current_database()";
    migrate_tests::poll_until(&mut client, waits, "1");
    let second = migrator(database.url(), &[("0001_a", "SELECT 2", "SELECT 1")])
        .lock_wait(std::time::Duration::ZERO)
        .run(Goal::UpAll);
    assert!(matches!(second, Err(Error::LockNotObtained { .. })), "{second:?}");
    client.batch_execute("SELECT pg_advisory_unlock(4711)").unwrap();
    assert_eq!(first.join().unwrap(), 1);
    let left = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    migrate_tests::poll_until(&mut client, left, "0");
}
