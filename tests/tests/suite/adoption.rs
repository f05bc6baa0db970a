//! A history that another tool made in the shape of the four columns is adopted as it is; another shape is left alone.

use migrate_runtime::core::{Checksum, Goal, Newer, Refusal, Warning};
use migrate_runtime::{Error, HistoryTable, Repair};
use migrate_tests::migrations::{good, migrator, stems};
use migrate_tests::wait::answer;
use postgres::Client;

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ()", "DROP TABLE a");
const B: (&str, &str, &str) = ("0002_b", "CREATE TABLE b ()", "DROP TABLE b");
const C: (&str, &str, &str) = ("0003_c", "CREATE TABLE c ()", "DROP TABLE c");
const CONTRACT: &str = "CREATE TABLE schema_migrations (version TEXT PRIMARY KEY, applied_at TIMESTAMPTZ NOT NULL \
                        DEFAULT now(), checksum TEXT NOT NULL, dirty BOOLEAN NOT NULL DEFAULT false)";

/// The database as another tool left it: two are applied, recorded under these versions.
fn made_by_another(versions: [&str; 2]) -> (migrate_testing::ScratchDatabase, Client) {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    client.batch_execute(&format!("{CONTRACT}; {}; {}", A.1, B.1)).unwrap();
    for (version, (_, up, _)) in versions.iter().zip([A, B]) {
        let checksum = Checksum::of(up).to_string();
        let insert = "INSERT INTO schema_migrations (version, checksum) VALUES ($1, $2)";
        client.execute(insert, &[version, &checksum]).unwrap();
    }
    (database, client)
}

#[test]
fn the_four_columns_are_adopted_and_stay_as_they_are() {
    for versions in [["0001_a", "0002_b"], ["1", "2"], ["0001", "0002"], ["00000000000001_a", "2"]] {
        let (database, mut client) = made_by_another(versions);
        client.batch_execute("COMMENT ON TABLE schema_migrations IS 'theirs'").unwrap();
        let runner = migrator(database.url(), &[A, B, C]);
        let pending = runner.verify().unwrap_err();
        assert!(
            matches!(&pending, Error::Pending { pending } if pending == &["0003_c"]),
            "{versions:?}: {pending:?}"
        );
        assert_eq!(stems(&good(runner.run(Goal::UpAll))), ["0003_c"], "{versions:?}");
        let comment = "SELECT obj_description('schema_migrations'::regclass)";
        assert_eq!(answer(&mut client, comment), "theirs");
        assert!(good(runner.run(Goal::UpAll)).done.is_empty());
        good(runner.verify());
        let columns = "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum) \
                       FROM pg_attribute WHERE attrelid = 'schema_migrations'::regclass AND attnum > 0";
        let expected = "version text, applied_at timestamp with time zone, checksum text, dirty boolean";
        assert_eq!(answer(&mut client, columns), expected);
        // Rolled back with the files: nothing was recorded of what another tool applied.
        let report = good(runner.run(Goal::DownAll));
        assert_eq!(stems(&report), ["0003_c", "0002_b", "0001_a"], "{versions:?}");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0");
        assert_eq!(
            answer(&mut client, "SELECT coalesce(to_regclass('a'), to_regclass('b'), to_regclass('c'))"),
            "NULL"
        );
    }
}

/// A down that fails on a row of digits: the row stays what it is, and no second one appears.
#[test]
fn a_row_of_digits_is_never_doubled() {
    let (database, mut client) = made_by_another(["1", "2"]);
    let broken = ("0002_b", B.1, "SELECT 1/0");
    let error = migrator(database.url(), &[A, broken]).run(Goal::DownSteps(1)).unwrap_err();
    assert!(matches!(error, Error::RollbackFailed { .. }), "{error:?}");
    assert_eq!(
        answer(&mut client, "SELECT string_agg(version, ',' ORDER BY version) FROM schema_migrations"),
        "1,2"
    );
    good(migrator(database.url(), &[A, B]).run(Goal::Redo(2)));
    let versions = "SELECT string_agg(version, ',' ORDER BY version) FROM schema_migrations";
    assert_eq!(answer(&mut client, versions), "0001_a,0002_b");
}

/// Tables of this name that other tools make are refused, named, and never touched.
#[test]
fn foreign_tables_are_named_and_left_alone() {
    let foreign = [
        ("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)", "Rails"),
        (
            "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)",
            "golang-migrate",
        ),
        ("CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp)", "Ecto"),
        (
            "CREATE TABLE schema_migrations (version text PRIMARY KEY, applied_at timestamptz NOT NULL, \
             checksum text NOT NULL, dirty boolean NOT NULL, tenant int NOT NULL)",
            "its column `tenant` must be given a value",
        ),
        ("CREATE TYPE schema_migrations AS (version text)", ""),
        ("CREATE SEQUENCE schema_migrations", "a sequence"),
    ];
    for (create, word) in foreign {
        let database = migrate_testing::scratch().unwrap();
        let mut client = database.connect().unwrap();
        client.batch_execute(create).unwrap();
        let error = migrator(database.url(), &[A]).run(Goal::UpAll).unwrap_err();
        let Error::ForeignTable { why, .. } = &error else { panic!("{create}: {error:?}") };
        assert!(why.contains(word), "{create}: {why}");
        assert_eq!(answer(&mut client, "SELECT to_regclass('schema_migrations_log')"), "NULL");
        // The way out that the hint names.
        assert!(error.hint().contains("--history-table"), "{}", error.hint());
        let elsewhere = HistoryTable { schema: "migrate".to_owned(), ..HistoryTable::default() };
        good(migrator(database.url(), &[A]).history_table(elsewhere).run(Goal::UpAll));
        assert_eq!(answer(&mut client, "SELECT version FROM migrate.schema_migrations"), "0001_a");
    }
}

#[test]
fn an_old_binary_on_a_newer_database_does_what_it_was_told() {
    let (database, mut client) = made_by_another(["0001_a", "0002_b"]);
    let newer = vec!["0002_b".to_owned()];
    let runner = |policy| migrator(database.url(), &[A]).newer(policy);
    let warned = good(runner(Newer::Warn).run(Goal::UpAll));
    assert_eq!((warned.done.len(), warned.applied_total), (0, 2));
    assert_eq!(warned.warnings, [Warning::Newer { versions: newer.clone() }]);
    good(runner(Newer::Warn).verify());
    assert_eq!(good(runner(Newer::Ok).run(Goal::UpAll)).warnings, []);
    let refused = runner(Newer::Refuse).run(Goal::UpAll).unwrap_err();
    assert!(
        matches!(&refused, Error::Refused(Refusal::Newer { versions }) if *versions == newer),
        "{refused:?}"
    );
    assert!(runner(Newer::Refuse).verify().is_err());
    // Nothing was written by any of it, and nothing is to be repaired.
    assert_eq!(answer(&mut client, "SELECT to_regclass('schema_migrations_log')"), "NULL");
    assert!(good(runner(Newer::Warn).repair_plan()).repairs.is_empty());
}

/// The file of a number was taken for something else on another branch.
#[test]
fn a_number_with_another_name_is_refused_and_a_mere_renaming_repaired() {
    let (database, mut client) = made_by_another(["0001_a", "0002_b"]);
    let other = migrator(database.url(), &[A, ("0002_x", "CREATE TABLE x ()", "DROP TABLE x")]);
    let error = other.run(Goal::UpAll).unwrap_err();
    assert!(matches!(&error, Error::Refused(Refusal::Renamed { same_text: false, .. })), "{error:?}");
    let renamed = migrator(database.url(), &[A, ("0002_better_name", B.1, B.2)]);
    let error = renamed.run(Goal::UpAll).unwrap_err();
    assert!(matches!(&error, Error::Refused(Refusal::Renamed { same_text: true, .. })), "{error:?}");
    let plan = good(renamed.repair_plan());
    assert!(matches!(plan.repairs.as_slice(), [Repair::Rename { .. }]), "{plan:?}");
    good(renamed.repair(&plan));
    good(renamed.verify());
    assert_eq!(answer(&mut client, "SELECT max(version) FROM schema_migrations"), "0002_better_name");
}
