//! Where a deployment fails: what was applied stays, is rolled back, or the backup takes the place of the database; each
//! with its exit code, and with what is applied now on the screen.

use migrate_tests::production::{TWO, applied, backups, has_pg_dump, lock, outcomes, project, tables};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Output, TestEnvironment, skip};

const FAILS: (&str, &str, &str) = ("0003_fail", "CREATE TABLE c ();\nSELECT nope;\n", "DROP TABLE c;\n");

/// Two indexes of which the second cannot be built: the rows of `a` are not unique in this.
const HALF: (&str, &str, &str) = (
    "0003_half",
    "CREATE INDEX CONCURRENTLY a_good ON a (id);\nCREATE UNIQUE INDEX CONCURRENTLY a_bad ON a ((1));\n",
    "DROP INDEX IF EXISTS a_bad;\nDROP INDEX IF EXISTS a_good;\n",
);

/// A foreign key that holds for new rows only, and one that is there forever if nobody looks.
const UNWELL: (&str, &str, &str) = ("0003_unwell", "CREATE TABLE c (id int);\n", "DROP TABLE c;\n");

/// A standing check that finds something as soon as the migration above is applied.
const FINDS: &str = "SELECT tablename FROM pg_catalog.pg_tables WHERE tablename = 'c';\n";

fn unwell(environment: &TestEnvironment) {
    environment.write("migrations/checks/no_c.sql", FINDS);
    lock(environment);
}

#[track_caller]
fn has(output: &Output, words: &[&str]) {
    for word in words {
        assert!(output.stdout.contains(word), "`{word}` is missing:\n{}\n{}", output.stdout, output.stderr);
    }
}

#[test]
fn stop_leaves_it_and_says_both_ways_on() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project(&[TWO[0], TWO[1], FAILS], "");
    environment.run(&["up", "--steps", "1"]).success();
    let output = environment.run(&["deploy"]);
    output.expect(2);
    assert!(output.stderr.contains("0003_fail.up.sql:2:8"), "the place is shown:\n{}", output.stderr);
    has(
        &output,
        &[
            "up failed: what was applied stays",
            "applied: 0002_create_b\n",
            "not applied: 0003_fail\n",
            "the history has 2 migrations now",
            "cargo migrate down --to 0001_create_a",
            &format!("backup restore {} --swap", backups(&environment)[0]),
        ],
    );
    assert_eq!(applied(&environment), "0001_create_a 0002_create_b");
    let log = outcomes(&environment, "deploy");
    assert!(log.ends_with("up started, up failed, stopped"), "{log}");
    // It is over: with the file put right it is another deployment.
    environment.migration("0003_fail", "CREATE TABLE c ();\n", "DROP TABLE c;\n");
    let output = environment.run(&["deploy"]);
    assert!(!output.success().stderr.contains("going on"), "{}", output.stderr);
    assert_eq!(applied(&environment), "0001_create_a 0002_create_b 0003_fail");
}

#[test]
fn rollback_takes_back_just_what_this_deployment_applied() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project(&[TWO[0], TWO[1], FAILS], "");
    environment.run(&["up", "--steps", "1"]).success();
    let output = environment.run(&["deploy", "--on-failure", "rollback"]);
    output.expect(2);
    has(
        &output,
        &[
            "everything that it had applied is rolled back",
            "rollback",
            "1 migration",
            "the history has 1 migration now",
        ],
    );
    assert_eq!(applied(&environment), "0001_create_a");
    assert_eq!(tables(&environment), "a schema_migrations schema_migrations_log");
    let log = outcomes(&environment, "deploy");
    assert!(log.ends_with("up failed, rollback started, rollback ok, stopped"), "{log}");
}

#[test]
fn what_cannot_run_in_a_transaction_is_stopped_dirty_or_rolled_back() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project(&[TWO[0], HALF], "");
    environment.run(&["up", "--steps", "1"]).success();
    let output = environment.run(&["deploy"]);
    output.expect(7);
    has(&output, &["partly applied: 0003_half", "deploy --allow \"history="]);
    let indexes = "SELECT count(*) FROM pg_indexes WHERE indexname IN ('a_good', 'a_bad')";
    assert_ne!(answer(&mut environment.client(), indexes), "0");
    // As the screen says: the cause put right, and the same again.
    let output = environment.run(&["deploy", "--on-failure", "rollback", "--allow", "history=finish it"]);
    output.expect(2);
    has(&output, &["everything that it had applied is rolled back"]);
    assert_eq!(applied(&environment), "0001_create_a");
    assert_eq!(answer(&mut environment.client(), indexes), "0");
}

#[test]
fn a_rollback_that_will_not_be_possible_is_refused_before_anything_runs() {
    let one_way = ("0003_one_way", "-- migrate: irreversible rows are gone\nDELETE FROM a;\n");
    let environment = project(&TWO, "");
    environment.write(format!("migrations/{}.up.sql", one_way.0), one_way.1);
    lock(&environment);
    let output = environment.run(&["deploy", "--on-failure", "rollback"]);
    output.expect(1);
    assert!(output.stderr.contains("0003_one_way cannot be rolled back"), "{}", output.stderr);
    assert!(output.stderr.contains("--on-failure restore"), "{}", output.stderr);
    assert_eq!(tables(&environment), "", "nothing is written");
}

#[test]
fn a_rollback_that_fails_needs_a_person() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let bad_down = ("0002_create_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\nDROP TABLE nope;\n");
    let environment = project(&[TWO[0], bad_down, FAILS], "");
    let output = environment.run(&["deploy", "--on-failure", "rollback"]);
    output.expect(4);
    has(
        &output,
        &[
            "and so did --on-failure rollback: this needs a person",
            "applied: 0001_create_a, 0002_create_b",
            "backup restore backup-",
        ],
    );
    assert_eq!(applied(&environment), "0001_create_a 0002_create_b");
    let log = outcomes(&environment, "deploy");
    assert!(log.ends_with("rollback started, rollback failed, stopped"), "{log}");
}

#[test]
fn a_failed_postflight_is_3_whatever_is_done_about_it() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project(&[TWO[0], UNWELL], "");
    unwell(&environment);
    let output = environment.run(&["deploy"]);
    output.expect(3);
    has(&output, &["postflight failed: what was applied stays", "cargo migrate postflight", "down --all"]);
    assert_eq!(applied(&environment), "0001_create_a 0003_unwell");
    environment.run(&["down", "--all"]).success();
    let output = environment.run(&["deploy", "--on-failure", "rollback"]);
    output.expect(3);
    has(&output, &["everything that it had applied is rolled back", "2 migrations"]);
    assert_eq!(applied(&environment), "");
    let log = outcomes(&environment, "deploy");
    assert!(log.ends_with("postflight failed, rollback started, rollback ok, stopped"), "{log}");
}

/// A project on a server of its own, where databases may change their names.
fn on_a_server(cluster: &Cluster, migrations: &[(&str, &str, &str)]) -> TestEnvironment {
    cluster.admin().batch_execute("CREATE DATABASE shop").unwrap();
    let mut environment = project(migrations, "");
    environment.set_var("DATABASE_URL", cluster.url("shop"));
    environment
}

fn ask(cluster: &Cluster, database: &str, sql: &str) -> String {
    answer(&mut postgres::Client::connect(&cluster.url(database), postgres::NoTls).unwrap(), sql)
}

#[test]
fn restore_puts_the_backup_in_place_of_the_database_and_keeps_that() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let cluster = Cluster::start();
    let destroys = ("0002_destroy", "DELETE FROM a;\n", "SELECT 1;\n");
    let environment = on_a_server(&cluster, &[TWO[0], destroys, FAILS]);
    environment.run(&["up", "--steps", "1"]).success();

    let output = environment.run(&["deploy", "--on-failure", "restore"]);
    output.expect(1);
    assert!(output.stderr.contains("--yes"), "nobody is there to be asked later: {}", output.stderr);
    let output = environment.run(&["deploy", "--on-failure", "restore", "--yes", "--skip-backup", "tiny"]);
    output.expect(5);
    assert_eq!(
        ask(&cluster, "shop", "SELECT count(*) FROM schema_migrations_log WHERE action = 'deploy'"),
        "0"
    );

    let output = environment.run(&["deploy", "--on-failure", "restore", "--yes"]);
    output.expect(2);
    has(&output, &["the backup has taken the place of the database", "the history has 1 migration now"]);
    assert_eq!(
        ask(&cluster, "shop", "SELECT string_agg(version, ' ') FROM schema_migrations"),
        "0001_create_a"
    );
    assert_eq!(ask(&cluster, "shop", "SELECT count(*) FROM a"), "2", "the rows are back");
    let last = "SELECT outcome FROM schema_migrations_log WHERE action = 'deploy' ORDER BY id DESC LIMIT 1";
    assert_eq!(ask(&cluster, "shop", last), "stopped");
    let others =
        "SELECT string_agg(datname, ' ') FROM pg_database WHERE datname ~ 'shop' AND datname <> 'shop'";
    let old = ask(&cluster, "postgres", others);
    assert!(output.stdout.contains(&old), "{old}: {}", output.stdout);
    assert_eq!(ask(&cluster, &old, "SELECT count(*) FROM a"), "0", "the old one is as it was");

    // And on: with the file put right it is deployed as if nothing had been.
    environment.migration("0003_fail", "CREATE TABLE c ();\n", "DROP TABLE c;\n");
    lock(&environment);
    environment.run(&["deploy"]).success();
    let versions = "SELECT count(*) FROM schema_migrations";
    assert_eq!(ask(&cluster, "shop", versions), "3");
}
