//! All steps in one transaction: together or not at all.

use migrate_runtime::Error;
use migrate_runtime::core::Goal;
use migrate_tests::migrations::{good, migrator};
use migrate_tests::wait::answer;

const A: (&str, &str, &str) =
    ("0001_a", "SET search_path = pg_catalog; CREATE TABLE public.a (i int)", "DROP TABLE a");
const B: (&str, &str, &str) = ("0002_b", "INSERT INTO a VALUES (1); CREATE TABLE b ()", "DROP TABLE b");
const BAD: (&str, &str, &str) = ("0003_bad", "CREATE TABLE c (); SELECT 1/0", "DROP TABLE c");
const CONCURRENT: (&str, &str, &str) = ("0003_i", "CREATE INDEX CONCURRENTLY i ON a (i)", "DROP INDEX i");

#[test]
fn one_failure_undoes_all() {
    let database = migrate_testing::scratch().unwrap();
    let runner = migrator(database.url(), &[A, B, BAD]).single_transaction(true);
    let error = runner.run(Goal::UpAll).unwrap_err();
    let Error::Failed { failure } = &error else { panic!("{error:?}") };
    assert_eq!((failure.stem.as_str(), failure.file.as_str()), ("0003_bad", "0003_bad.up.sql"));
    assert_eq!(failure.statement.map(|(at, end)| &failure.text[at..end]), Some("SELECT 1/0"));
    let mut client = database.connect().unwrap();
    assert_eq!(
        answer(&mut client, "SELECT coalesce(to_regclass('a'), to_regclass('b'), to_regclass('c'))"),
        "NULL"
    );
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0");
}

#[test]
fn all_are_committed_at_one_instant_and_rolled_back_at_another() {
    let database = migrate_testing::scratch().unwrap();
    let runner = migrator(database.url(), &[A, B]).single_transaction(true);
    assert_eq!(good(runner.run(Goal::UpAll)).done.len(), 2);
    let mut client = database.connect().unwrap();
    // The search_path that the first one set did not reach the second.
    assert_eq!(
        answer(&mut client, "SELECT count(DISTINCT xmin::text) || ',' || count(*) FROM schema_migrations"),
        "1,2"
    );
    good(runner.verify());
    assert_eq!(good(runner.run(Goal::DownAll)).done.len(), 2);
    assert_eq!(answer(&mut client, "SELECT coalesce(to_regclass('a'), to_regclass('b'))"), "NULL");
    let downs = "SELECT count(DISTINCT xmin::text) FROM schema_migrations_log WHERE action = 'down'";
    assert_eq!(answer(&mut client, downs), "1");
    good(runner.run(Goal::UpAll));
    assert_eq!(good(runner.run(Goal::Redo(2))).done.len(), 4);
}

#[test]
fn what_cannot_run_in_a_transaction_is_refused_before_anything_runs() {
    let database = migrate_testing::scratch().unwrap();
    let runner = migrator(database.url(), &[A, B, CONCURRENT]).single_transaction(true);
    for error in [runner.run(Goal::UpAll).unwrap_err(), runner.dry_run(Goal::UpAll).unwrap_err()] {
        assert!(matches!(&error, Error::SingleTransaction { stem } if stem == "0003_i"), "{error:?}");
    }
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT to_regclass('a')"), "NULL");
}
