//! T36: a migration that arrives with a number lower than what is applied already.

use migrate_runtime::core::{Goal, Refusal, Version, Warning};
use migrate_runtime::{Error, StatusState};
use migrate_tests::migrations::{apply, good, migrator, stems};
use migrate_tests::wait::answer;

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ()", "DROP TABLE a");
const LATE: (&str, &str, &str) = ("0002_late", "CREATE TABLE late ()", "DROP TABLE late");
const C: (&str, &str, &str) = ("0003_c", "CREATE TABLE c ()", "DROP TABLE c");
const D: (&str, &str, &str) = ("0004_d", "CREATE TABLE d ()", "DROP TABLE d");

#[test]
fn is_refused_unless_it_is_allowed() {
    let database = migrate_testing::scratch().unwrap();
    apply(database.url(), &[A, C]);
    let mut client = database.connect().unwrap();
    let runner = migrator(database.url(), &[A, LATE, C, D]);
    assert_eq!(good(runner.status()).entries[1].state, StatusState::OutOfOrder);
    for goal in [Goal::UpAll, Goal::UpSteps(1), Goal::UpTo(Version::new(2))] {
        for error in [runner.run(goal).unwrap_err(), runner.dry_run(goal).unwrap_err()] {
            let Error::Refused(Refusal::OutOfOrder { pending, newest }) = &error else { panic!("{error:?}") };
            assert_eq!((pending.as_slice(), newest.as_str()), (&["0002_late".to_owned()][..], "0003_c"));
            assert!(error.hint().contains("--allow-out-of-order"), "{}", error.hint());
        }
    }
    assert!(matches!(runner.verify(), Err(Error::Refused(Refusal::OutOfOrder { .. }))));
    assert_eq!(answer(&mut client, "SELECT coalesce(to_regclass('late'), to_regclass('d'))"), "NULL");

    let allowed = runner.allow_out_of_order(true);
    let report = good(allowed.run(Goal::UpAll));
    assert_eq!(stems(&report), ["0002_late", "0004_d"]);
    assert_eq!(report.warnings, [Warning::OutOfOrder { pending: vec!["0002_late".to_owned()] }]);
    // The way back goes by version, not by time.
    assert_eq!(stems(&good(allowed.run(Goal::DownAll))), ["0004_d", "0003_c", "0002_late", "0001_a"]);
}

/// A gap is none of our business: numbers only order.
#[test]
fn gaps_are_fine() {
    let database = migrate_testing::scratch().unwrap();
    let far = ("20260101000000_far", "CREATE TABLE far ()", "DROP TABLE far");
    assert_eq!(stems(&apply(database.url(), &[far, C, A])), ["0001_a", "0003_c", "20260101000000_far"]);
    let runner = migrator(database.url(), &[A, C, far]);
    good(runner.verify());
    assert_eq!(stems(&good(runner.run(Goal::DownTo(Version::new(1))))), ["20260101000000_far", "0003_c"]);
}
