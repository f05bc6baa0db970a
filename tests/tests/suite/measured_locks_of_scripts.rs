//! A rehearsal runs scripts as a run does, and measures each statement of them.

use migrate_runtime::core::{Direction, Script};
use migrate_runtime::error::Failure;
use migrate_runtime::rehearsal::Rehearsal;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{Error, Interrupt};
use migrate_testing::ScratchDatabase;
use migrate_tests::migrations::{database, good};
use migrate_tests::wait::answer;

fn rehearsal(scratch: &ScratchDatabase) -> Rehearsal {
    good(Rehearsal::connect(&database(scratch.url()), SchemaOptions::default()))
}

fn script(text: &str) -> Script {
    Script::parse("0001_a.up.sql", text.to_owned()).unwrap_or_else(|error| panic!("{error}"))
}

/// Both ways to run a script, which must come to the same.
fn both(text: &str, mut check: impl FnMut(&ScratchDatabase, Result<(), Error>)) {
    for measured in [false, true] {
        let scratch = migrate_testing::scratch().unwrap();
        let mut rehearsal = rehearsal(&scratch);
        let script = script(text);
        let result = if measured {
            rehearsal.apply(&script, "0001_a", Direction::Up).map(drop)
        } else {
            rehearsal.run(&script, "0001_a", Direction::Up).map(drop)
        };
        check(&scratch, result);
        // Whatever became of it, the session is as new.
        let again = self::script("SET search_path = nowhere; CREATE TABLE public.afterwards (); RESET ALL");
        good(rehearsal.run(&again, "0002_b", Direction::Up));
        good(rehearsal.run(&self::script("DROP TABLE afterwards"), "0002_b", Direction::Down));
    }
}

fn failure(result: Result<(), Error>) -> Box<Failure> {
    match result {
        Err(Error::Failed { failure } | Error::Dirty { failure: Some(failure), .. }) => failure,
        other => panic!("{other:?}"),
    }
}

#[test]
fn scripts_run_as_a_run_would_run_them() {
    for (text, question, answered) in [
        ("BEGIN;\nCREATE TABLE t (i int);\nINSERT INTO t VALUES (1);\nCOMMIT;", "SELECT i FROM t", "1"),
        (
            "CREATE TABLE t (i int);\nCOPY t FROM stdin;\n1\n2\n\\.\nINSERT INTO t VALUES (3);",
            "SELECT sum(i) FROM t",
            "6",
        ),
        (
            "CREATE TABLE t (i int);\nCREATE INDEX CONCURRENTLY ti ON t (i);\nCOPY t FROM stdin;\n7\n\\.\n",
            "SELECT i FROM t",
            "7",
        ),
        (
            "-- migrate: no-transaction\nBEGIN;\nCREATE TABLE t (i int);\nSAVEPOINT s;\nCOMMIT;\nVACUUM t;",
            "SELECT to_regclass('t')",
            "t",
        ),
        (
            "SET search_path = s; CREATE SCHEMA s; CREATE TABLE t (); SET ROLE pg_monitor;",
            "SELECT to_regclass('s.t')",
            "s.t",
        ),
        ("CREATE TEMP TABLE x AS SELECT 1 AS i; CREATE TABLE t AS SELECT i FROM x", "SELECT i FROM t", "1"),
        (
            "CREATE TABLE t (i text); INSERT INTO t SELECT current_setting('lock_timeout')",
            "SELECT i FROM t",
            "5s",
        ),
        (
            "-- migrate: lock-timeout 3s\n-- migrate: statement-timeout 2min\nCREATE TABLE t (i text);\
          INSERT INTO t SELECT current_setting('lock_timeout') || current_setting('statement_timeout')",
            "SELECT i FROM t",
            "3s2min",
        ),
        (
            "-- migrate: lock-timeout 3s\n-- migrate: statement-timeout 2min\nCREATE TABLE t (i text); VACUUM t;\
          INSERT INTO t SELECT current_setting('lock_timeout') || current_setting('statement_timeout')",
            "SELECT i FROM t",
            "3s2min",
        ),
    ] {
        both(text, |scratch, result| {
            good(result);
            assert_eq!(answer(&mut scratch.connect().unwrap(), question), answered, "{text}");
        });
    }
}

#[test]
fn a_failed_transaction_leaves_nothing_and_names_its_place() {
    for (text, code, statement, position) in [
        ("CREATE TABLE t (i int);\nSELECT 'é', nothing;", "42703", "SELECT 'é', nothing", Some("nothing")),
        (
            "CREATE TABLE t (i int);\nINSERT INTO t VALUES (1 / 0);\nSELECT 2",
            "22012",
            "INSERT INTO t VALUES (1 / 0)",
            None,
        ),
        ("CREATE TABLE t (i int);\nCOPY t FROM stdin;\nx\n\\.\n", "22P02", "COPY t FROM stdin", None),
        ("CREATE TABLE t (i int);\nCREATE TABEL u ();", "42601", "CREATE TABEL u ()", Some("TABEL u ()")),
        (
            "SET work_mem = 64;\nSELECT set_config('transaction_isolation', 'serializable', true)",
            "25001",
            "SELECT set_config('transaction_isolation', 'serializable', true)",
            None,
        ),
        ("CREATE TABLE t (i int);\nDO $$ BEGIN COMMIT; END $$;", "2D000", "DO $$ BEGIN COMMIT; END $$", None),
        (
            "-- migrate: no-transaction\nBEGIN;\nCREATE TABLE t (i int);\nSELECT 1/0;\nCOMMIT;\nVACUUM;",
            "22012",
            "SELECT 1/0",
            None,
        ),
    ] {
        both(text, |scratch, result| {
            let failure = failure(result);
            assert_eq!(failure.server.code, code, "{text}: {failure:?}");
            assert!(!failure.at_commit, "{text}");
            let (start, end) = failure.statement.unwrap_or_else(|| panic!("{text}: {failure:?}"));
            assert_eq!(&text[start..end], statement);
            assert_eq!(failure.position.map(|at| &text[at..end]), position, "{text}");
            assert_eq!(answer(&mut scratch.connect().unwrap(), "SELECT to_regclass('t')"), "NULL", "{text}");
        });
    }
}

#[test]
fn a_deferred_constraint_fails_at_the_commit() {
    let text = "CREATE TABLE t (i int UNIQUE DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO t VALUES (1), (1);";
    both(text, |scratch, result| {
        let failure = failure(result);
        assert!(failure.at_commit && failure.statement.is_none(), "{failure:?}");
        assert_eq!(failure.server.code, "23505");
        assert_eq!(answer(&mut scratch.connect().unwrap(), "SELECT to_regclass('t')"), "NULL");
    });
    let text = "-- migrate: no-transaction\nCREATE TABLE t (i int UNIQUE DEFERRABLE INITIALLY DEFERRED);\n\
                INSERT INTO t VALUES (1), (1);";
    both(text, |_, result| {
        let Err(Error::Dirty { progress, failure: Some(failure), .. }) = result else { panic!("{result:?}") };
        assert_eq!(progress, Some((1, 2)));
        assert!(failure.at_commit, "{failure:?}");
    });
}

#[test]
fn what_a_failed_script_without_a_transaction_left_is_told() {
    let text = "CREATE TABLE t (i int);\nINSERT INTO t VALUES (1), (1);\nCREATE UNIQUE INDEX CONCURRENTLY ti ON t (i);\nSELECT 1";
    both(text, |scratch, result| {
        let Err(Error::Dirty { progress, invalid_indexes, failure: Some(failure), stem }) = result else {
            panic!("{result:?}")
        };
        assert_eq!((progress, stem.as_str()), (Some((2, 4)), "0001_a"));
        assert_eq!(invalid_indexes, ["public.ti"]);
        let (start, end) = failure.statement.unwrap();
        assert_eq!(&text[start..end], "CREATE UNIQUE INDEX CONCURRENTLY ti ON t (i)");
        assert_eq!(answer(&mut scratch.connect().unwrap(), "SELECT to_regclass('t')"), "t");
    });
    // The first statement, whole or not at all.
    both("-- migrate: no-transaction\nCREATE TABLE t (i int, i int);\nSELECT 1", |_, result| {
        assert!(matches!(result, Err(Error::Failed { .. })), "{result:?}");
    });
}

#[test]
fn a_broken_connection_is_replaced() {
    let scratch = migrate_testing::scratch().unwrap();
    let mut rehearsal = rehearsal(&scratch);
    let suicide = script("SELECT pg_terminate_backend(pg_backend_pid())");
    let error = rehearsal.run(&suicide, "0001_a", Direction::Up).unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error:?}");
    good(rehearsal.run(&script("CREATE TABLE t ()"), "0001_a", Direction::Up));
    let schema = good(rehearsal.schema());
    assert!(schema.get("table public.t").is_some(), "{}", schema.text());
    // The database can be dropped by a plain DROP now.
    rehearsal.close();
    migrate_tests::poll_until(
        &mut scratch.connect().unwrap(),
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "0",
    );
}

#[test]
fn an_interrupt_ends_a_script() {
    let scratch = migrate_testing::scratch().unwrap();
    let interrupt = Interrupt::new();
    let mut rehearsal = rehearsal(&scratch).interrupt(interrupt.clone());
    let mut client = scratch.connect().unwrap();
    let waiting = std::thread::spawn(move || {
        let sleeps = script("CREATE TABLE t (); SELECT pg_sleep(600)");
        rehearsal.apply(&sleeps, "0001_a", Direction::Up).unwrap_err()
    });
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    migrate_tests::poll_until(&mut client, sleeping, "1");
    interrupt.trigger(2);
    let error = waiting.join().unwrap();
    assert!(matches!(error, Error::Interrupted { signal: 2, .. }), "{error:?}");
    migrate_tests::poll_until(&mut client, sleeping, "0");
}

#[test]
fn a_rehearsal_inside_a_runtime_is_an_error() {
    let scratch = migrate_testing::scratch().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let connect = || Rehearsal::connect(&database(scratch.url()), SchemaOptions::default());
    let result = runtime.block_on(async { connect() });
    assert!(matches!(result, Err(Error::InsideRuntime)), "{result:?}");
    // One that is there already is refused as well, and may be dropped there.
    let mut rehearsal = good(connect());
    runtime.block_on(async move {
        let result = rehearsal.schema();
        assert!(matches!(result, Err(Error::InsideRuntime)), "{result:?}");
    });
}
