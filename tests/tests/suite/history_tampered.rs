//! T19: a history table that somebody changed. No panic, a refusal with a hint, and no body runs.

use std::time::{Duration, Instant};

use migrate_runtime::core::{Goal, Refusal};
use migrate_runtime::{Error, Migrator, Repair, StatusState};
use migrate_tests::migrations::{apply, database, good, migrator, stems};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, nightly};
use postgres::Client;

const MIGRATIONS: [(&str, &str, &str); 3] = [
    ("0001_a", "CREATE TABLE a (); -- body 1", "DROP TABLE a"),
    ("0002_b", "CREATE TABLE b (); -- body 2", "DROP TABLE b"),
    ("0003_c", "CREATE TABLE c (); -- body 3", "DROP TABLE c"),
];

/// A database where the first two are applied, then changed by `tamper`.
fn tampered(cluster: &Cluster, tamper: &str) -> (migrate_testing::ScratchDatabase, Migrator, Client) {
    let scratch = cluster.database();
    apply(scratch.url(), &MIGRATIONS[..2]);
    let mut client = scratch.connect().unwrap();
    client.batch_execute(tamper).unwrap_or_else(|error| panic!("{tamper}: {error:?}"));
    let migrator = migrator(scratch.url(), &MIGRATIONS);
    (scratch, migrator, client)
}

/// What each tampering is refused with; every verb refuses it, and no body runs.
#[test]
fn every_tampering_is_refused_and_no_body_runs() {
    let cluster = Cluster::start();
    let log = cluster.log();
    let set_checksum =
        |value: &str| format!("UPDATE schema_migrations SET checksum = {value} WHERE version = '0001_a'");
    let cases: [(&str, String); 17] = [
        ("OutOfOrder", "DELETE FROM schema_migrations WHERE version = '0001_a'".into()),
        ("BadChecksum", format!("ALTER TABLE schema_migrations ALTER checksum DROP NOT NULL; {}", set_checksum("NULL"))),
        ("BadChecksum", set_checksum("'abc'")),
        ("BadChecksum", set_checksum("repeat('z', 64)")),
        ("BadChecksum", set_checksum("''")),
        ("BadChecksum", set_checksum("repeat('0', 100000)")),
        ("Modified", set_checksum("repeat('0', 64)")),
        ("BadVersion", "INSERT INTO schema_migrations (version, checksum) VALUES ('x; DROP TABLE a', '')".into()),
        ("BadVersion", "INSERT INTO schema_migrations (version, checksum) VALUES ('', '')".into()),
        ("BadVersion", "INSERT INTO schema_migrations (version, checksum) VALUES ('18446744073709551616_x', '')".into()),
        ("DuplicateRecorded", "INSERT INTO schema_migrations SELECT '01_a', applied_at, checksum FROM schema_migrations LIMIT 1".into()),
        ("Renamed", "UPDATE schema_migrations SET version = '0001_other' WHERE version = '0001_a'".into()),
        ("Missing", "INSERT INTO schema_migrations SELECT '0000_gone', applied_at, checksum FROM schema_migrations LIMIT 1".into()),
        ("ForeignTable", "ALTER TABLE schema_migrations DROP COLUMN checksum".into()),
        ("ForeignTable", "ALTER TABLE schema_migrations ALTER dirty DROP DEFAULT, ALTER dirty TYPE text".into()),
        ("ForeignTable", "ALTER TABLE schema_migrations RENAME TO kept; CREATE VIEW schema_migrations AS TABLE kept".into()),
        ("ForeignTable", "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$; \
                          CREATE TRIGGER t BEFORE INSERT ON schema_migrations FOR EACH ROW EXECUTE FUNCTION t()".into()),
    ];
    for (expected, tamper) in &cases {
        let (_scratch, migrator, mut client) = tampered(&cluster, tamper);
        let state = "SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM schema_migrations t";
        let before = answer(&mut client, state);
        let mark = log.mark();
        for result in [
            migrator.run(Goal::UpAll).map(drop),
            migrator.run(Goal::UpSteps(1)).map(drop),
            migrator.dry_run(Goal::UpAll).map(drop),
            migrator.verify(),
            // What waiting cannot mend is not waited for.
            migrator.wait(Duration::from_secs(600)),
        ] {
            let error = result.unwrap_err();
            let found = match &error {
                Error::Refused(refusal) => format!("{refusal:?}"),
                other => format!("{other:?}"),
            };
            assert!(found.starts_with(expected), "{tamper}: expected {expected}, found {found}");
            assert!(error.hint().len() > 20, "{tamper}");
        }
        // Looking at it is no reason to fail, unless it is not our table at all.
        assert_eq!(migrator.status().is_ok(), *expected != "ForeignTable", "{tamper}");
        assert_eq!(log.count(mark, "body 3"), 0, "{tamper}");
        assert_eq!(answer(&mut client, "SELECT to_regclass('c')"), "NULL", "{tamper}");
        assert_eq!(answer(&mut client, state), before, "{tamper}");
    }
}

#[test]
fn what_is_odd_but_harmless_is_no_obstacle() {
    let cluster = Cluster::start();
    let unharmed = [
        "ALTER TABLE schema_migrations ADD note text, ADD \"we|ird\n\" int DEFAULT 7",
        "ALTER TABLE schema_migrations ALTER version TYPE varchar(200), ALTER checksum TYPE varchar(64)",
        "UPDATE schema_migrations SET checksum = upper(checksum)",
        "DROP TABLE schema_migrations_log",
        "UPDATE schema_migrations SET applied_at = 'infinity' WHERE version = '0001_a'; \
         UPDATE schema_migrations SET applied_at = '4000-01-01 BC' WHERE version = '0002_b'",
        "CREATE INDEX ON schema_migrations (applied_at)",
        "INSERT INTO schema_migrations_log (version, action, outcome, up_sql) VALUES ('0001_a', 'nonsense', '', 'x')",
    ];
    for tamper in unharmed {
        let (_scratch, migrator, mut client) = tampered(&cluster, tamper);
        good(migrator.status());
        assert_eq!(stems(&good(migrator.run(Goal::UpAll))), ["0003_c"], "{tamper}");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "3", "{tamper}");
        good(migrator.verify());
    }
}

/// A table that was emptied or dropped: the bodies fail on what is there, and nothing is half done.
#[test]
fn a_history_that_was_lost_does_no_harm() {
    let cluster = Cluster::start();
    for tamper in [
        "TRUNCATE schema_migrations",
        "DROP TABLE schema_migrations",
        "ALTER TABLE schema_migrations RENAME TO x",
    ] {
        let (_scratch, migrator, mut client) = tampered(&cluster, tamper);
        let error = migrator.run(Goal::UpAll).unwrap_err();
        let Error::Failed { failure } = &error else { panic!("{tamper}: {error:?}") };
        assert_eq!((failure.stem.as_str(), failure.server.code.as_str()), ("0001_a", "42P07"), "{tamper}");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "0", "{tamper}");
    }
}

/// The primary key is gone and a row is there twice.
#[test]
fn a_history_without_its_key_is_refused() {
    let cluster = Cluster::start();
    let (_scratch, migrator, _client) = tampered(
        &cluster,
        "ALTER TABLE schema_migrations DROP CONSTRAINT schema_migrations_pkey; \
         INSERT INTO schema_migrations SELECT * FROM schema_migrations",
    );
    let error = migrator.run(Goal::UpAll).unwrap_err();
    assert!(matches!(&error, Error::ForeignTable { why, .. } if why.contains("not unique")), "{error:?}");
}

#[test]
fn repair_plans_first_and_changes_only_the_history() {
    let cluster = Cluster::start();
    let log = cluster.log();
    let (scratch, migrator, mut client) = tampered(
        &cluster,
        "UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = '0001_a'; \
         UPDATE schema_migrations SET version = '0002_other' WHERE version = '0002_b'; \
         INSERT INTO schema_migrations SELECT '0000_gone', applied_at, checksum FROM schema_migrations LIMIT 1",
    );
    let mark = log.mark();
    let plan = good(migrator.repair_plan());
    let [
        Repair::Forget { version },
        Repair::AcceptChecksum { stem, cosmetic, .. },
        Repair::Rename { recorded, .. },
    ] = plan.repairs.as_slice()
    else {
        panic!("{plan:?}")
    };
    assert_eq!((version.as_str(), stem.as_str(), recorded.as_str()), ("0000_gone", "0001_a", "0002_other"));
    assert_eq!(*cosmetic, Some(true));
    let writes = ["INSERT", "UPDATE", "DELETE", "CREATE", "DROP"];
    assert!(writes.iter().all(|verb| log.count(mark, verb) == 0), "{:?}", log.statements(mark));

    // A plan is for the history that it was made from.
    client
        .batch_execute("UPDATE schema_migrations SET checksum = repeat('1', 64) WHERE version = '0001_a'")
        .unwrap();
    assert!(matches!(migrator.repair(&plan), Err(Error::RepairOutdated)));
    let plan = good(migrator.repair_plan());
    good(migrator.repair(&plan));
    assert!(good(migrator.repair_plan()).repairs.is_empty());
    assert_eq!(stems(&good(migrator.run(Goal::UpAll))), ["0003_c"]);
    let repairs =
        "SELECT string_agg(version, ',' ORDER BY id) FROM schema_migrations_log WHERE action = 'repair'";
    assert_eq!(answer(&mut client, repairs), "0000_gone,0001_a,0002_b");
    good(
        Migrator::new(migrate_tests::migrations::set(&MIGRATIONS)).database(database(scratch.url())).verify(),
    );
}

/// The history of a great many migrations is digested on the server, and status is there within reason.
fn many_rows(count: usize) -> Duration {
    let scratch = migrate_testing::scratch().unwrap();
    apply(scratch.url(), &MIGRATIONS);
    let mut client = scratch.connect().unwrap();
    let insert = format!(
        "INSERT INTO schema_migrations SELECT lpad(i::text, 8, '0') || '_m', now(), repeat('a', 64) \
         FROM generate_series(100, {}) i",
        count + 99
    );
    client.batch_execute(&insert).unwrap();
    let migrator = migrator(scratch.url(), &MIGRATIONS);
    let started = Instant::now();
    let status = good(migrator.status());
    let took = started.elapsed();
    println!("status of {count} rows: {took:?}");
    assert_eq!(status.entries.len(), count + 3);
    assert_eq!(status.entries[3].state, StatusState::Newer);
    let error = migrator.newer(migrate_runtime::core::Newer::Refuse).verify().unwrap_err();
    assert!(matches!(error, Error::Refused(Refusal::Newer { versions }) if versions.len() == count));
    took
}

#[test]
fn a_hundred_thousand_rows_are_no_obstacle() {
    assert!(many_rows(100_000) < Duration::from_secs(30));
}

#[test]
fn a_million_rows_are_no_obstacle() {
    nightly!();
    assert!(many_rows(1_000_000) < Duration::from_secs(120));
}
