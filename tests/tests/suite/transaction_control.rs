//! T24: a body that ends the transaction it runs in is refused before anything runs, or found out.

use migrate_runtime::Error;
use migrate_runtime::core::{Goal, Mode, Script};
use migrate_tests::migrations::{good, migrator};
use migrate_tests::wait::answer;

#[test]
fn transaction_control_at_top_level_is_refused_by_its_text() {
    let refused = [
        "CREATE TABLE a (); COMMIT; CREATE TABLE b ()",
        "ROLLBACK",
        "BEGIN",
        "CREATE TABLE a (); BEGIN; CREATE TABLE b ()",
        "BEGIN; CREATE TABLE a (); COMMIT; BEGIN; CREATE TABLE b (); COMMIT",
        "SAVEPOINT s",
        "RELEASE s",
        "ROLLBACK TO s",
        "END",
        "ABORT",
        "START TRANSACTION",
        "PREPARE TRANSACTION 'x'",
        "COMMIT PREPARED 'x'",
        "COMMIT AND CHAIN",
        "BEGIN; CREATE TABLE a (); ROLLBACK",
        "BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TABLE a (); COMMIT",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "SET TRANSACTION READ ONLY",
    ];
    for text in refused {
        let parsed = Script::parse("0001_a.up.sql", text.to_owned());
        assert!(parsed.is_err(), "{text} was taken: {parsed:?}");
    }
    let whole = Script::parse("0001_a.up.sql", "BEGIN; CREATE TABLE a (); COMMIT;".to_owned()).unwrap();
    assert_eq!((whole.mode, whole.statements.len()), (Mode::Transactional, 1));
}

/// A procedure, or a DO block, that commits or rolls back: the server refuses it inside of our transaction.
#[test]
fn a_commit_inside_a_procedure_fails_the_migration_and_leaves_nothing() {
    let procedure = |end: &str| {
        format!(
            "CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE inside (); {end}; END $$; CALL p()"
        )
    };
    let block = |end: &str| format!("DO $$ BEGIN CREATE TABLE inside (); {end}; END $$");
    for body in [procedure("COMMIT"), procedure("ROLLBACK"), block("COMMIT"), block("ROLLBACK")] {
        let database = migrate_testing::scratch().unwrap();
        let body = format!("CREATE TABLE before (); {body}");
        let error = migrator(database.url(), &[("0001_a", &body, "SELECT 1")]).run(Goal::UpAll).unwrap_err();
        let Error::Failed { failure } = &error else { panic!("{error:?}") };
        assert_eq!(failure.server.code, "2D000", "{body}");
        assert!(error.hint().contains("-- migrate: no-transaction"), "{}", error.hint());
        let mut client = database.connect().unwrap();
        let tables = "SELECT count(*) FROM pg_class WHERE relname IN ('before', 'inside')";
        assert_eq!(answer(&mut client, tables), "0");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0");
    }
}

#[test]
fn a_script_that_says_no_transaction_may_commit_inside_a_procedure() {
    let database = migrate_testing::scratch().unwrap();
    let body = "-- migrate: no-transaction\n\
                CREATE TABLE t (i int);\n\
                CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO t VALUES (i); COMMIT; \
                END LOOP; END $$;\n\
                CALL p();\n\
                BEGIN; INSERT INTO t VALUES (4); ROLLBACK;\n\
                START TRANSACTION; INSERT INTO t VALUES (5); SAVEPOINT s; INSERT INTO t VALUES (6); ROLLBACK TO s; COMMIT";
    good(migrator(database.url(), &[("0001_a", body, "DROP PROCEDURE p; DROP TABLE t")]).run(Goal::UpAll));
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT string_agg(i::text, ',' ORDER BY i) FROM t"), "1,2,3,5");
    assert_eq!(answer(&mut client, "SELECT version || dirty FROM schema_migrations"), "0001_afalse");
}

/// What no text shows: the transaction is made read-only from inside. That ends with the body, whose savepoint it was set
/// in, and does not reach the record.
#[test]
fn a_body_that_makes_its_transaction_read_only_is_recorded_all_the_same() {
    let database = migrate_testing::scratch().unwrap();
    let body = "CREATE TABLE a (); SET transaction_read_only = on";
    good(migrator(database.url(), &[("0001_a", body, "DROP TABLE a")]).run(Goal::UpAll));
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT to_regclass('a')"), "a");
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations WHERE NOT dirty"), "1");
}
