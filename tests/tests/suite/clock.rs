//! T20: no clock but the server's, and no order but that of the versions.

use migrate_runtime::core::Goal;
use migrate_tests::migrations::{good, migrator, stems};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, TestEnvironment};

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ()", "DROP TABLE a");
const B: (&str, &str, &str) = ("0002_b", "CREATE INDEX CONCURRENTLY ON a ((1))", "SELECT 1");
const C: (&str, &str, &str) = ("20380119031408_c", "CREATE TABLE c ()", "DROP TABLE c");

/// No statement carries a time of ours: every time in the tables is the server's.
#[test]
fn every_recorded_time_is_the_servers() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut client = database.connect().unwrap();
    let before = answer(&mut client, "SELECT clock_timestamp()");
    let mark = cluster.log().mark();
    let runner = migrator(database.url(), &[A, B, C]);
    good(runner.run(Goal::UpAll));
    let digits = regex::Regex::new(r"\b(19|20)\d\d-\d\d-\d\d|\b1[5-9]\d{8}\b").unwrap();
    for statement in cluster.log().statements(mark) {
        // `pid/backend_start` is asked of the server, too.
        assert!(!digits.is_match(&statement), "{statement}");
    }
    let outside = format!(
        "SELECT count(*) FROM (SELECT applied_at FROM schema_migrations UNION ALL SELECT at FROM schema_migrations_log) t \
         WHERE applied_at NOT BETWEEN '{before}' AND clock_timestamp()"
    );
    assert_eq!(answer(&mut client, &outside), "0");
}

/// Times that cannot be: the plan, the order and the way back are the same.
#[test]
fn times_decide_nothing() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let runner = migrator(database.url(), &[A, B, C]);
    good(runner.run(Goal::UpSteps(2)));
    client
        .batch_execute(
            "UPDATE schema_migrations SET applied_at = now() + interval '10 years' WHERE version = '0001_a'; \
             UPDATE schema_migrations SET applied_at = now() - interval '10 years' WHERE version = '0002_b'; \
             UPDATE schema_migrations_log SET at = 'infinity'",
        )
        .unwrap();
    assert_eq!(stems(&good(runner.run(Goal::UpAll))), ["20380119031408_c"]);
    assert_eq!(stems(&good(runner.run(Goal::DownAll))), ["20380119031408_c", "0002_b", "0001_a"]);
}

/// A server in another zone and with another style of dates tells the same time.
#[test]
fn a_zone_and_a_date_style_change_no_answer() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    let runner = migrator(database.url(), &[A]);
    good(runner.run(Goal::UpAll));
    let time =
        |runner: &migrate_runtime::Migrator| good(runner.status()).entries[0].applied_at.clone().unwrap();
    let before = time(&runner);
    assert!(before.ends_with('Z') && before.len() == 20, "{before}");
    client
        .batch_execute(&format!(
            "ALTER DATABASE {0} SET timezone = 'Asia/Kathmandu'; ALTER DATABASE {0} SET datestyle = 'German'",
            database.name()
        ))
        .unwrap();
    assert_eq!(time(&runner), before);
    let utc = "SELECT to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM schema_migrations";
    assert_eq!(answer(&mut client, utc), before);
}

/// Migrations that are made within one second: the collision is exit 5, names the file, and overwrites nothing.
#[test]
fn two_new_migrations_in_one_second_do_not_collide() {
    let environment = TestEnvironment::new();
    for name in ["one", "two", "three"] {
        migrate_tests::until("the next second", || {
            let output = environment.run(&["new", "--timestamp", name]);
            if output.code != 0 {
                assert!(output.expect(5).stderr.contains("is taken by"), "{}", output.stderr);
            }
            output.code == 0
        });
    }
    let mut files: Vec<String> = std::fs::read_dir(environment.path("migrations"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".up.sql"))
        .collect();
    files.sort();
    let names: Vec<_> = files.iter().map(|file| &file[15..]).collect();
    assert_eq!(names, ["one.up.sql", "two.up.sql", "three.up.sql"]);
    let numbers: Vec<u64> = files.iter().map(|file| file[..14].parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
}

/// A clock that is years behind: the next number is still the next.
#[test]
fn a_new_migration_is_never_older_than_the_newest() {
    let environment = TestEnvironment::new();
    environment.migration("29991231235959_far", "SELECT 1;\n", "SELECT 1;\n");
    environment.run(&["new", "--timestamp", "next"]).success();
    let newer = |name: &str| name.ends_with("_next.up.sql") && name > "29991231235959";
    let files = std::fs::read_dir(environment.path("migrations")).unwrap();
    assert!(files.into_iter().any(|entry| newer(entry.unwrap().file_name().to_str().unwrap())));
}
