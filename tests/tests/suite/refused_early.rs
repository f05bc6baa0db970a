//! What can be known to stand in the way is told before anything is asked, counted or backed up.

use migrate_tests::production::{TWO, backups, lock, outcomes, project, protected};
use migrate_tests::{Cluster, TestEnvironment};

const FORCE: [&str; 3] = ["--force", "it is a test", "--yes"];

/// A protected project on a database of this server, in which everything is applied.
fn applied(cluster: &Cluster, migrations: &[(&str, &str, &str)]) -> TestEnvironment {
    let mut environment = protected(migrations, "");
    cluster.admin().batch_execute("CREATE DATABASE shop").unwrap();
    environment.set_var("DATABASE_URL", cluster.url("shop"));
    environment.run(&["up", "--force", "first", "--skip-backup", "empty"]).success();
    environment
}

/// Nothing that takes long was done, and nothing was asked.
#[track_caller]
fn at_once(environment: &TestEnvironment, stderr: &str) {
    assert_eq!(backups(environment), [""; 0], "{stderr}");
    assert!(!stderr.contains("destroy"), "{stderr}");
}

#[test]
fn a_standby_before_the_backup() {
    let primary = Cluster::start();
    let mut environment = applied(&primary, &TWO);
    let standby = primary.standby();
    environment.set_var("DATABASE_URL", standby.url("shop"));
    let log = standby.log();
    let mark = log.mark();
    let all: [&[&str]; 6] = [
        &[&["down"], &FORCE[..]].concat(),
        &[&["redo"], &FORCE[..2]].concat(),
        &["up", "--force", "it is a test"],
        &["deploy"],
        &["deploy", "--force", "it is a test", "--on-failure", "rollback"],
        &[&["repair"], &FORCE[..]].concat(),
    ];
    for arguments in all {
        if arguments[0] == "up" {
            environment.migration("0003_c", "CREATE TABLE c ();\n", "DROP TABLE c;\n");
            lock(&environment);
        }
        if arguments[0] == "repair" {
            environment.migration("0002_create_b", "CREATE TABLE b (id bigint);\n", "DROP TABLE b;\n");
            lock(&environment);
        }
        let output = environment.run(arguments);
        output.expect(6);
        assert!(output.stderr.contains("it is a hot standby"), "{arguments:?}: {}", output.stderr);
        assert!(output.stderr.contains("primary"), "{arguments:?}: {}", output.stderr);
        at_once(&environment, &output.stderr);
    }
    assert_eq!(
        (log.count(mark, "pg_export_snapshot"), log.errors(mark).len()),
        (0, 0),
        "{:?}",
        log.errors(mark)
    );
}

#[test]
fn sessions_that_start_read_only_too() {
    let cluster = Cluster::start();
    let environment = applied(&cluster, &TWO);
    cluster.admin().batch_execute("ALTER DATABASE shop SET default_transaction_read_only = on").unwrap();
    let output = environment.run(&[&["down"], &FORCE[..]].concat());
    assert!(output.expect(6).stderr.contains("default_transaction_read_only"), "{}", output.stderr);
    at_once(&environment, &output.stderr);
}

#[test]
fn a_role_that_may_not_write_the_history() {
    let cluster = Cluster::start();
    let mut environment = applied(&cluster, &TWO);
    cluster.admin().batch_execute("CREATE ROLE reader LOGIN IN ROLE pg_read_all_data").unwrap();
    let url = cluster.url("shop").replace("//postgres@", "//reader@");
    environment.set_var("DATABASE_URL", url);
    environment.migration("0003_c", "CREATE TABLE c ();\n", "DROP TABLE c;\n");
    lock(&environment);
    let all: [&[&str]; 3] =
        [&[&["down"], &FORCE[..]].concat(), &["up", "--force", "it is a test"], &["deploy", "--force", "x"]];
    for arguments in all {
        let output = environment.run(arguments);
        output.expect(6);
        assert!(output.stderr.contains("permission denied for table schema_migrations"), "{}", output.stderr);
        assert!(output.stderr.contains("GRANT"), "{}", output.stderr);
        at_once(&environment, &output.stderr);
    }
}

/// The question and the counting before it are for those who would get through.
#[test]
fn a_missing_preflight_before_the_question() {
    let cluster = Cluster::start();
    let environment = applied(&cluster, &TWO);
    let output = environment.run(&["down"]);
    assert!(output.expect(1).stderr.contains("cargo migrate preflight"), "{}", output.stderr);
    at_once(&environment, &output.stderr);
    let output = environment.run(&["down", "--force", "it is a test", "--backup", "backup-1999", "--yes"]);
    assert!(output.expect(5).stderr.contains("backup-1999"), "{}", output.stderr);
    at_once(&environment, &output.stderr);
}

#[test]
fn missing_programs_before_anything_is_written() {
    let mut environment = protected(&TWO, "");
    let nothing = environment.path("nothing");
    std::fs::create_dir(&nothing).unwrap();
    environment.set_var("MIGRATE_PG_CLIENT_BIN", nothing.display().to_string());
    for arguments in [&["deploy"][..], &["up", "--force", "it is a test"]] {
        let output = environment.run(arguments);
        assert!(output.expect(5).stderr.contains("pg_dump"), "{}", output.stderr);
        at_once(&environment, &output.stderr);
    }
    assert_eq!(migrate_tests::production::tables(&environment), "", "no deployment was begun");
    environment.run(&["deploy", "--skip-backup", "it is a test"]).success();
}

#[test]
fn what_is_partly_applied_and_not_to_be_recovered() {
    let half = (
        "0003_half",
        "CREATE INDEX CONCURRENTLY a_good ON a (id);\nCREATE UNIQUE INDEX CONCURRENTLY a_bad ON a ((1));\n",
        "DROP INDEX IF EXISTS a_bad;\nDROP INDEX IF EXISTS a_good;\n",
    );
    let environment = protected(&[TWO[0], half], "");
    environment.run(&["up", "--force", "first", "--skip-backup", "empty"]).expect(7);
    let output = environment.run(&["up", "--no-auto-recover", "--force", "it is a test"]);
    output.expect(7);
    at_once(&environment, &output.stderr);
    assert_eq!(outcomes(&environment, "gate"), "forced");
}

#[test]
fn a_backup_that_does_not_fit_before_a_deployment_begins() {
    let environment = project(&TWO, "");
    let output = environment.run(&["deploy", "--backup", "backup-1999"]);
    assert!(output.expect(5).stderr.contains("backup-1999"), "{}", output.stderr);
    assert_eq!(migrate_tests::production::tables(&environment), "", "no deployment was begun");
}
