//! Rolling back: with the text that was recorded when the up ran, or not at all.

use migrate_runtime::core::{Direction, Goal, Refusal, Version, Warning};
use migrate_runtime::{Error, StatusState};
use migrate_tests::migrations::{apply, good, migrator, stems};
use migrate_tests::wait::answer;

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ()", "DROP TABLE a");
const B: (&str, &str, &str) = ("0002_b", "CREATE TABLE b ()", "DROP TABLE b");
const TABLES: &str = "SELECT coalesce(string_agg(relname, ',' ORDER BY relname), '') FROM pg_class \
                      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT LIKE 'schema_mig%'";

#[test]
fn what_is_not_carried_is_rolled_back_with_the_recorded_text() {
    let database = migrate_testing::scratch().unwrap();
    let concurrent =
        ("0003_c", "CREATE TABLE c (i int)", "DROP INDEX CONCURRENTLY IF EXISTS c_i; DROP TABLE c");
    apply(database.url(), &[A, B, concurrent]);
    // An older binary, which carries the first alone.
    let older = migrator(database.url(), &[A]);
    let status = good(older.status());
    let states: Vec<_> = status.entries.iter().map(|entry| (entry.state, entry.reversible)).collect();
    assert_eq!(
        states,
        [(StatusState::Applied, true), (StatusState::Newer, true), (StatusState::Newer, true)]
    );
    assert_eq!(stems(&good(older.run(Goal::DownTo(Version::new(1))))), ["0003_c", "0002_b"]);
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, TABLES), "a");
    assert_eq!(stems(&good(migrator(database.url(), &[]).run(Goal::DownAll))), ["0001_a"]);
    assert_eq!(answer(&mut client, TABLES), "");
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0");
}

#[test]
fn without_any_text_nothing_is_rolled_back() {
    let database = migrate_testing::scratch().unwrap();
    apply(database.url(), &[A, B]);
    let mut client = database.connect().unwrap();
    client
        .batch_execute(
            "UPDATE schema_migrations_log SET up_sql = NULL, down_sql = NULL WHERE version = '0001_a'",
        )
        .unwrap();
    let error = migrator(database.url(), &[]).run(Goal::DownAll).unwrap_err();
    let Error::Refused(Refusal::NoDown { migrations }) = &error else { panic!("{error:?}") };
    assert_eq!(migrations.iter().map(|m| m.stem.as_str()).collect::<Vec<_>>(), ["0001_a"]);
    // Not even the newer one, which could have been: before anything runs.
    assert_eq!(answer(&mut client, TABLES), "a,b");
}

#[test]
fn an_irreversible_migration_says_why() {
    let database = migrate_testing::scratch().unwrap();
    let one_way = ("0002_x", "-- migrate: irreversible the old rows are gone\nDROP TABLE a", "");
    let runner = migrator(database.url(), &[A, one_way]);
    good(runner.run(Goal::UpAll));
    for goal in [Goal::DownSteps(1), Goal::DownAll, Goal::DownTo(Version::new(1)), Goal::Redo(2)] {
        let error = runner.run(goal).unwrap_err();
        let Error::Refused(Refusal::NoDown { migrations }) = &error else { panic!("{goal:?}: {error:?}") };
        assert_eq!(migrations[0].irreversible.as_deref(), Some("the old rows are gone"));
        assert!(runner.dry_run(goal).is_err());
    }
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "2");
}

#[test]
fn a_changed_down_file_is_asked_about() {
    let changed = ("0001_a", A.1, "DROP TABLE a; CREATE TABLE from_the_file ()");
    for (prefer, left) in [(Some(true), "from_the_file"), (Some(false), "")] {
        let database = migrate_testing::scratch().unwrap();
        apply(database.url(), &[A]);
        let mut client = database.connect().unwrap();
        let runner = migrator(database.url(), &[changed]);
        let error = runner.run(Goal::DownAll).unwrap_err();
        let Error::DownDiffers { stem, recorded, found } = &error else { panic!("{error:?}") };
        assert_eq!(stem, "0001_a");
        assert_ne!(recorded, found);
        assert!(error.hint().contains("--use-recorded-down"), "{}", error.hint());
        assert_eq!(answer(&mut client, TABLES), "a");
        good(runner.prefer_file_down(prefer).run(Goal::DownAll));
        assert_eq!(answer(&mut client, TABLES), left);
    }
}

#[test]
fn redo_runs_the_recorded_down_and_the_edited_up() {
    let database = migrate_testing::scratch().unwrap();
    apply(database.url(), &[A, B]);
    let edited = [A, ("0002_b", "CREATE TABLE b (); CREATE TABLE b2 ()", "DROP TABLE b; DROP TABLE b2")];
    let runner = migrator(database.url(), &edited);
    assert!(matches!(runner.run(Goal::UpAll), Err(Error::Refused(Refusal::Modified { .. }))));
    assert!(matches!(runner.run(Goal::Redo(1)), Err(Error::DownDiffers { .. })));
    let report = good(runner.clone().prefer_file_down(Some(false)).run(Goal::Redo(1)));
    let done: Vec<_> = report.done.iter().map(|done| (done.stem.as_str(), done.direction)).collect();
    assert_eq!(done, [("0002_b", Direction::Down), ("0002_b", Direction::Up)]);
    assert_eq!(report.applied_total, 2);
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, TABLES), "a,b,b2");
    good(runner.verify());
    good(runner.run(Goal::DownAll));
    assert_eq!(answer(&mut client, TABLES), "");
}

#[test]
fn a_down_that_fails_leaves_everything_applied() {
    let database = migrate_testing::scratch().unwrap();
    let broken = ("0002_b", "CREATE TABLE b ()", "DROP TABLE b; SELECT 1/0");
    let runner = migrator(database.url(), &[A, broken]);
    good(runner.run(Goal::UpAll));
    let error = runner.run(Goal::DownAll).unwrap_err();
    let Error::RollbackFailed { failure } = &error else { panic!("{error:?}") };
    assert_eq!((failure.server.code.as_str(), failure.file.as_str()), ("22012", "0002_b.down.sql"));
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, TABLES), "a,b");
    good(runner.verify());
    let logged = "SELECT action || ' ' || outcome FROM schema_migrations_log ORDER BY id DESC LIMIT 1";
    assert_eq!(answer(&mut client, logged), "down failed");
}

/// A modified up is no reason to be stuck: it is rolled back with what was recorded, and said.
#[test]
fn a_modified_migration_can_be_rolled_back() {
    let database = migrate_testing::scratch().unwrap();
    apply(database.url(), &[A, B]);
    let report = good(
        migrator(database.url(), &[A, ("0002_b", "CREATE TABLE other ()", B.2)]).run(Goal::DownSteps(1)),
    );
    assert_eq!(stems(&report), ["0002_b"]);
    assert_eq!(report.warnings, [Warning::Modified { migrations: vec!["0002_b".to_owned()] }]);
    assert_eq!(answer(&mut database.connect().unwrap(), TABLES), "a");
}

/// A partly applied migration whose files were both rewritten. Undone with the new down, which fits something else, what
/// the old up had made would stay behind unrecorded. Found by the model (T39, seed 18).
#[test]
fn a_partly_applied_migration_is_undone_with_the_recorded_down() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let old = "CREATE TABLE old (i int); CREATE INDEX CONCURRENTLY old_i ON old (i); SELECT 1/0";
    let first = migrator(database.url(), &[("0001_x", old, "DROP TABLE IF EXISTS old")]);
    assert!(matches!(first.run(Goal::UpAll), Err(Error::Dirty { .. })));
    let new = ("0001_x", "CREATE TABLE new (i int)", "DROP TABLE IF EXISTS new");
    assert_eq!(stems(&good(migrator(database.url(), &[new]).run(Goal::UpAll))), ["0001_x"]);
    assert_eq!(answer(&mut client, TABLES), "new");
}

/// The file of a partly applied migration is gone. What is resumed from the record keeps the down that was recorded.
/// Found by the model (T39, seed 117).
#[test]
fn what_is_resumed_without_its_file_can_still_be_rolled_back() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let up = "CREATE TABLE a (i int); CREATE INDEX CONCURRENTLY a_i ON a (i); CREATE VIEW v AS TABLE missing";
    let whole = migrator(database.url(), &[("0001_a", up, "DROP VIEW IF EXISTS v; DROP TABLE a")]);
    let none = migrator(database.url(), &[]);
    assert!(matches!(whole.run(Goal::UpAll), Err(Error::Dirty { .. })));
    assert!(matches!(none.run(Goal::UpAll), Err(Error::Dirty { .. })));
    client.batch_execute("CREATE TABLE missing ()").unwrap();
    good(none.run(Goal::UpAll));
    assert!(good(none.status()).entries[0].reversible);
    assert_eq!(stems(&good(none.run(Goal::DownAll))), ["0001_a"]);
    assert_eq!(answer(&mut client, TABLES), "missing");
}
