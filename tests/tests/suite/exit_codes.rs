//! Promise 9: every exit code of the published table comes from a real run, and means there what the table says.

use std::collections::BTreeSet;

use migrate_tests::wait::poll_until;
use migrate_tests::{Output, TestEnvironment, binaries};
use rustix::process::Signal;

/// A project with one good migration.
fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment
}

fn tables(environment: &TestEnvironment) -> i64 {
    let sql =
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '^schema_migrations'";
    environment.client().query_one(sql, &[]).unwrap().get(0)
}

fn refused_by_a_gate() -> Output {
    let environment = project();
    environment.write(
        "Cargo.toml",
        environment.read("Cargo.toml") + "[package.metadata.migrate]\nprotected = true\n",
    );
    let output = environment.run(&["up", "--locked=false"]);
    assert_eq!(tables(&environment), 0);
    output
}

fn a_migration_failed() -> Output {
    let environment = project();
    environment.migration("0002_b", "CREATE TABLE b ();\nSELECT nope;\n", "DROP TABLE b;\n");
    let output = environment.run(&["up"]);
    assert_eq!(tables(&environment), 1, "a is there and b was rolled back");
    output
}

fn rolling_back_failed() -> Output {
    let environment = project();
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\nDROP TABLE nope;\n");
    environment.run(&["up"]).success();
    let output = environment.run(&["down"]);
    assert_eq!(tables(&environment), 1);
    output
}

/// A unique index over rows that are not unique, left behind by somebody else.
fn something_is_wrong_afterwards() -> Output {
    let environment = project();
    environment.run(&["up"]).success();
    let mut client = environment.client();
    client.batch_execute("INSERT INTO a VALUES (1), (1)").unwrap();
    client.batch_execute("CREATE UNIQUE INDEX CONCURRENTLY a_unique ON a (id)").unwrap_err();
    environment.run(&["postflight"])
}

fn no_database() -> Output {
    let environment = TestEnvironment::without_database();
    environment.migration("0001_a", "SELECT 1;\n", "SELECT 1;\n");
    environment.run(&["status"])
}

fn not_reached() -> Output {
    let environment = project();
    environment.run(&["up", "--database-url", "postgres://nobody@127.0.0.1:1/none"])
}

/// An index that is finished, and a unique one that the rows do not allow.
fn partly_applied() -> Output {
    let environment = project();
    environment.migration(
        "0002_b",
        "CREATE INDEX CONCURRENTLY b ON a (id);\nCREATE UNIQUE INDEX CONCURRENTLY c ON a (id);\n",
        "DROP INDEX CONCURRENTLY c;\nDROP INDEX CONCURRENTLY b;\n",
    );
    environment.run(&["up", "--steps", "1"]).success();
    environment.client().batch_execute("INSERT INTO a VALUES (1), (1)").unwrap();
    environment.run(&["up"]).expect(7);
    environment.run(&["up", "--no-auto-recover"])
}

fn pending() -> Output {
    project().run(&["status", "--check"])
}

fn modified() -> Output {
    let environment = project();
    environment.run(&["up"]).success();
    environment.migration("0001_a", "CREATE TABLE a (id bigint);\n", "DROP TABLE a;\n");
    environment.run(&["up"])
}

/// A migration stands still at a lock that the test holds, and the program is sent a signal.
fn interrupted(signal: Signal, format: &str) -> Output {
    let environment = TestEnvironment::new();
    environment.migration(
        "0001_a",
        "-- migrate: lock-timeout 10min\nCREATE TABLE a ();\nSELECT pg_advisory_xact_lock(9);\n",
        "DROP TABLE a;\n",
    );
    let mut client = environment.client();
    client.batch_execute("SELECT pg_advisory_lock(9)").unwrap();
    let running = environment.spawn(&["up", "--format", format]);
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 9 AND NOT granted \
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    poll_until(&mut client, waiting, "1");
    running.signal(signal);
    let output = running.wait();
    assert_eq!(tables(&environment), 0);
    output
}

#[test]
fn every_code_of_the_table() {
    let rows: [(i32, &str, &dyn Fn() -> Output); 16] = [
        (0, "", &|| project().run(&["up"])),
        (1, "no preflight was passed", &refused_by_a_gate),
        (2, "nope", &a_migration_failed),
        (3, "", &something_is_wrong_afterwards),
        (4, "nope", &rolling_back_failed),
        (5, "no database was named", &no_database),
        (5, "unexpected argument", &|| project().run(&["up", "--stpes", "1"])),
        (6, "could not connect", &not_reached),
        (7, "partly applied", &partly_applied),
        (8, "", &pending),
        (8, "", &|| project().run(&["lock", "--check"])),
        (9, "modified", &modified),
        (129, "interrupted", &|| interrupted(Signal::HUP, "human")),
        (130, "interrupted", &|| interrupted(Signal::INT, "human")),
        (130, "\"event\":\"stopping\",\"signal\":2}", &|| interrupted(Signal::INT, "json")),
        (143, "interrupted", &|| interrupted(Signal::TERM, "human")),
    ];
    let mut seen = BTreeSet::new();
    for (code, said, run) in rows {
        let output = run();
        assert!(output.expect(code).stderr.contains(said), "{code}: {}", output.stderr);
        seen.insert(code);
    }
    assert_eq!(published(), seen);
}

/// The codes in the README's table.
fn published() -> BTreeSet<i32> {
    let readme = std::fs::read_to_string(binaries::workspace().join("README.md")).unwrap();
    let table = readme.split("## Exit codes").nth(1).unwrap().split("\n## ").next().unwrap();
    let cells = table.split('\n').filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    cells.flat_map(|cell| cell.split(", ")).filter_map(|code| code.parse().ok()).collect()
}
