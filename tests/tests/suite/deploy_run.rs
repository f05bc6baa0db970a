//! `deploy`: preflight, backup, up and postflight as one plan, written down step by step, and taken up again.

use migrate_tests::production::{TWO, applied, backups, has_pg_dump, outcomes, project, protected, tables};
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Cluster, TestEnvironment, skip};
use rustix::process::Signal;

const ALL: &str = "started, preflight started, preflight ok, backup started, backup ok, up started, up ok, \
                   postflight started, postflight ok, finished";

/// A migration that stands still where the test wants it to: at an advisory lock that the test holds.
const GATED: (&str, &str, &str) = (
    "0002_wait",
    "-- migrate: lock-timeout 10min\nSELECT pg_advisory_xact_lock(9);\nCREATE TABLE b (id int PRIMARY KEY);\n",
    "DROP TABLE b;\n",
);

const WAITING: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 9 AND NOT granted AND database = \
     (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Deploys, and kills the process and its session while the gated migration runs.
fn kill_while_it_waits(environment: &TestEnvironment) {
    let mut client = environment.client();
    client.batch_execute("SELECT pg_advisory_lock(9)").unwrap();
    let running = environment.spawn(&["deploy"]);
    poll_until(&mut client, WAITING, "1");
    assert_eq!(running.kill().code, 137);
    client
        .batch_execute(
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_locks WHERE objid = 9 AND NOT granted",
        )
        .unwrap();
}

/// A deployment that was killed while its second migration ran.
fn killed_in_up() -> TestEnvironment {
    let environment = project(&[TWO[0], GATED], "");
    kill_while_it_waits(&environment);
    assert_eq!(applied(&environment), "0001_create_a");
    environment
}

#[test]
fn the_whole_is_one_screen_one_report_and_one_run_in_the_audit_log() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = protected(&TWO, "");
    let output = environment.run(&["deploy"]);
    output.success();
    let lines: Vec<_> = output.stdout.split('\n').collect();
    assert!(lines[0].starts_with("deploy-20") && lines[0].contains(": deployed in "), "{}", output.stdout);
    for (line, step) in lines[2..6].iter().zip(["preflight", "backup", "up", "postflight"]) {
        assert!(line.starts_with(step) && line.contains(" ok "), "{line}");
    }
    assert!(!output.stdout.contains("next:"), "{}", output.stdout);
    assert_eq!(applied(&environment), "0001_create_a 0002_create_b");
    assert_eq!(outcomes(&environment, "deploy"), ALL);
    let mut client = environment.client();
    let runs = "SELECT count(DISTINCT run) || ' ' || count(DISTINCT run) FILTER (WHERE action = 'up') \
                FROM schema_migrations_log WHERE action IN ('up', 'deploy')";
    assert_eq!(answer(&mut client, runs), "1 1", "migrations have the deployment's name");

    let made = backups(&environment);
    assert_eq!(made.len(), 1, "{made:?}");
    assert!(output.stdout.contains(&made[0]), "{}", output.stdout);
    let report = output.stdout.split('\n').find_map(|line| line.strip_prefix("deploy report: ")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&environment.read(report)).unwrap();
    assert_eq!(report["result"]["ending"], "done", "{report}");
    assert_eq!(report["result"]["backup"]["id"], made[0].as_str());
    assert_eq!(report["result"]["steps"].as_array().unwrap().len(), 4);

    // What `health` holds the database against from now on is noted, as after `up`.
    let health = environment.run(&["health"]);
    assert!(health.success().stdout.contains("none: as the schema after the last run"), "{}", health.stdout);

    let again = environment.run(&["deploy"]);
    assert_eq!(again.success().stdout, "nothing to deploy: 2 migrations applied\n");
    assert_eq!(outcomes(&environment, "deploy"), ALL, "nothing is written where nothing is done");
    assert_eq!(backups(&environment), made);
}

#[test]
fn a_program_hears_each_step_begin_and_end() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project(&TWO, "");
    let output = environment.run(&["deploy", "--format", "json"]);
    output.success();
    let events: Vec<serde_json::Value> =
        output.stderr.split('\n').filter_map(|line| serde_json::from_str(line).ok()).collect();
    let steps = |event: &str| -> Vec<String> {
        let of = events.iter().filter(|one| one["event"] == event);
        of.map(|one| one["step"].as_str().unwrap().to_owned()).collect()
    };
    let all = ["preflight", "backup", "up", "postflight"];
    assert_eq!(steps("deploy_step_started"), all);
    assert_eq!(steps("deploy_step_finished"), all);
    let result: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let result = &result["result"];
    assert_eq!(result["ending"], "done");
    assert_eq!(result["applied"], serde_json::json!(["0001_create_a", "0002_create_b"]));
    let journal = environment.read(".migrate/log/migrations.jsonl");
    for step in all {
        assert!(journal.contains(&format!("\"step\":\"{step}\"")), "{journal}");
    }
    assert!(journal.contains(result["run"].as_str().unwrap()), "{journal}");
}

#[test]
fn one_at_a_time_and_the_other_is_told_who() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    // The index would wait for a lock that holds a snapshot, and pg_dump for one that holds a table.
    let index = ("0003_index", "CREATE INDEX CONCURRENTLY b_id ON b (id);\n", "DROP INDEX b_id;\n");
    let environment = project(&[TWO[0], GATED, index], "");
    let mut client = environment.client();
    client.batch_execute("SELECT pg_advisory_lock(9)").unwrap();
    let first = environment.spawn(&["deploy"]);
    poll_until(&mut client, WAITING, "1");
    let refused = environment.run(&["deploy", "--lock-wait", "300ms"]);
    refused.expect(6);
    assert!(refused.stderr.contains("another deployment held the deploy lock"), "{}", refused.stderr);
    assert!(refused.stderr.contains("held by pid "), "{}", refused.stderr);
    let mut patient = environment.spawn(&["deploy"]);
    patient.wait_for_stderr("waiting for another deployment to end: pid ");
    client.batch_execute("SELECT pg_advisory_unlock(9)").unwrap();
    first.wait().success();
    assert!(patient.wait().success().stdout.starts_with("nothing to deploy"));
    assert_eq!(outcomes(&environment, "deploy"), ALL);
    assert_eq!(backups(&environment).len(), 1);
}

#[test]
fn what_was_cut_short_goes_on_where_it_was() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = killed_in_up();
    let output = environment.run(&["deploy"]);
    output.success();
    assert!(output.stderr.contains("going on with what was begun at 20"), "{}", output.stderr);
    assert!(output.stderr.contains("1 of 2 migrations applied, last `up started`"), "{}", output.stderr);
    assert_eq!(output.stdout.matches("done before").count(), 2, "{}", output.stdout);
    assert_eq!(applied(&environment), "0001_create_a 0002_wait");
    assert_eq!(backups(&environment).len(), 1, "the backup is of before, and stays the one");
    let log = outcomes(&environment, "deploy");
    assert!(
        log.ends_with("up started, up started, up ok, postflight started, postflight ok, finished"),
        "{log}"
    );
    let runs = "SELECT count(DISTINCT run) FROM schema_migrations_log WHERE action IN ('up', 'deploy')";
    assert_eq!(answer(&mut environment.client(), runs), "1");
}

#[test]
fn a_backup_that_is_gone_is_made_again() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = killed_in_up();
    std::fs::remove_dir_all(environment.path(".migrate/backups")).unwrap();
    let output = environment.run(&["deploy"]);
    assert!(output.success().stderr.contains("is not here any more, or not whole"), "{}", output.stderr);
    assert_eq!(backups(&environment).len(), 1);
    assert_eq!(applied(&environment), "0001_create_a 0002_wait");
}

#[test]
fn a_stale_preflight_is_made_again_a_fresh_one_is_not() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = killed_in_up();
    let manifest = environment.read("Cargo.toml") + "preflight-max-age = \"1ms\"\n";
    environment.write("Cargo.toml", manifest);
    let output = environment.run(&["deploy"]);
    assert_eq!(output.success().stdout.matches("done before").count(), 1, "{}", output.stdout);
    let log = outcomes(&environment, "deploy");
    assert_eq!(log.matches("preflight ok").count(), 2, "{log}");
    assert_eq!(log.matches("backup ok").count(), 1, "{log}");
}

#[test]
fn with_other_files_it_is_refused_until_it_is_given_up() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = killed_in_up();
    environment.migration("0002_wait", "CREATE TABLE b ();\n", "DROP TABLE b;\n");
    environment.migration("0003_more", "CREATE TABLE c ();\n", "DROP TABLE c;\n");
    let before = outcomes(&environment, "deploy");
    let output = environment.run(&["deploy"]);
    output.expect(1);
    for word in ["0002_wait.up.sql was changed", "0003_more is new", "--abandon REASON", "0001_create_a"] {
        assert!(output.stderr.contains(word), "`{word}` is missing:\n{}", output.stderr);
    }
    assert_eq!(outcomes(&environment, "deploy"), before, "a refusal writes nothing");
    let output = environment.run(&["deploy", "--abandon", "a better second half"]);
    assert!(output.success().stderr.contains("is given up; a new one begins"), "{}", output.stderr);
    assert_eq!(applied(&environment), "0001_create_a 0002_wait 0003_more");
    let reason = "SELECT reason FROM schema_migrations_log WHERE outcome = 'abandoned'";
    assert_eq!(answer(&mut environment.client(), reason), "a better second half");
    assert_eq!(backups(&environment).len(), 2, "of before the second half, too");
}

#[test]
fn of_what_nothing_came_nobody_has_to_give_up_anything() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project(&[GATED], "");
    kill_while_it_waits(&environment);
    environment.migration("0002_wait", "CREATE TABLE b ();\n", "DROP TABLE b;\n");
    let output = environment.run(&["deploy"]);
    assert!(output.success().stderr.contains("a new one begins"), "{}", output.stderr);
    assert_eq!(applied(&environment), "0002_wait");
}

#[test]
fn interrupted_it_says_so_and_goes_on_later() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project(&[TWO[0], GATED], "");
    let mut client = environment.client();
    client.batch_execute("SELECT pg_advisory_lock(9)").unwrap();
    let running = environment.spawn(&["deploy", "--on-failure", "rollback"]);
    poll_until(&mut client, WAITING, "1");
    running.signal(Signal::INT);
    let output = running.wait();
    output.expect(130);
    assert!(output.stdout.contains("cut short: the same command goes on where it was"), "{}", output.stdout);
    assert_eq!(
        applied(&environment),
        "0001_create_a",
        "an interruption is no failure: nothing is rolled back"
    );
    client.batch_execute("SELECT pg_advisory_unlock(9)").unwrap();
    environment.run(&["deploy"]).success();
    assert_eq!(applied(&environment), "0001_create_a 0002_wait");
}

#[test]
fn a_dry_run_shows_everything_and_touches_nothing() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut environment = project(&TWO, "");
    environment.set_var("DATABASE_URL", database.url());
    let mark = cluster.log().mark();
    let output = environment.run(&["deploy", "--dry-run", "--on-failure", "rollback"]);
    output.success();
    for word in [
        "preflight",
        "backup",
        "postflight",
        "2 migrations",
        "rolled back by their down scripts",
        "CREATE TABLE a",
        "CREATE TABLE b",
    ] {
        assert!(output.stdout.contains(word), "`{word}` is missing:\n{}", output.stdout);
    }
    let json = environment.run(&["deploy", "--dry-run", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json.success().stdout).unwrap();
    let result = &json["result"];
    assert_eq!(result["pending"], serde_json::json!(["0001_create_a", "0002_create_b"]));
    assert_eq!((result["passes"].as_bool(), result["plan"].as_array().unwrap().len()), (Some(true), 4));
    assert!(result["database_bytes"].as_u64().unwrap() > 1_000_000, "{result}");
    let log = cluster.log();
    assert!(!log.statements(mark).is_empty());
    for message in log.statements(mark) {
        for statement in message.split(';').map(str::trim) {
            let words = statement.to_uppercase();
            let writes = ["INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "LOCK", "TRUNCATE"];
            assert!(!writes.iter().any(|word| words.starts_with(word)), "{statement}");
            assert!(
                !statement.contains("advisory_lock") && !statement.contains("advisory_xact"),
                "{statement}"
            );
        }
    }
    assert!(log.since(mark).iter().all(|entry| entry.xid == 0), "something got a transaction id");
    assert!(!environment.path(".migrate").exists(), "it writes no file");
}

#[test]
fn a_failing_preflight_stops_it_before_anything_is_changed() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let mut environment = protected(&TWO, "");
    let manifest = environment
        .read("Cargo.toml")
        .replace("[package.metadata.migrate]\n", "[package.metadata.migrate.env.production]\n");
    environment.write("Cargo.toml", manifest);
    environment.set_var("MIGRATE_ENV", "production");
    let other = migrate_testing::scratch().unwrap();
    let url = environment.database().url().to_owned();
    environment.set_var("DATABASE_URL", other.url());
    environment.run(&["preflight"]).success();
    // The variable leads to another database now than the one that the environment is known by.
    environment.set_var("DATABASE_URL", url);
    let output = environment.run(&["deploy"]);
    output.expect(1);
    assert!(output.stderr.contains("failure[environment]"), "{}", output.stderr);
    assert!(output.stdout.contains("preflight failed: nothing was changed"), "{}", output.stdout);
    assert!(
        output.stdout.contains("cargo migrate --env production deploy --force REASON"),
        "{}",
        output.stdout
    );
    assert_eq!(tables(&environment), "schema_migrations schema_migrations_log");
    assert_eq!(outcomes(&environment, "deploy"), "started, preflight started, preflight failed, stopped");
    assert_eq!(backups(&environment), [""; 0]);

    let output = environment.run(&["deploy", "--force", "it was moved last night"]);
    assert!(output.success().stdout.contains("forced"), "{}", output.stdout);
    assert_eq!(backups(&environment).len(), 1);
    let mut client = environment.client();
    let reason = "SELECT reason FROM schema_migrations_log WHERE outcome = 'preflight forced'";
    assert_eq!(answer(&mut client, reason), "it was moved last night");
}

#[test]
fn a_backup_that_cannot_be_made_changes_nothing() {
    let environment = project(&TWO, "");
    let folder = environment.write("full", "a file where a folder should be");
    let output = environment.run(&["deploy", "--backup-dir", &folder.display().to_string()]);
    assert_ne!(output.code, 0);
    assert!(output.stdout.contains("backup failed: nothing was changed"), "{}", output.stdout);
    assert_eq!(applied(&environment), "");
    let log = outcomes(&environment, "deploy");
    assert!(log.ends_with("backup started, backup failed, stopped"), "{log}");
}
