//! Whatever a server refuses is told in its own words, with the SQLSTATE: the driver alone would say "db error".

use migrate_tests::output::Output;
use migrate_tests::production::{has_pg_dump, project};
use migrate_tests::{Cluster, TestEnvironment, poll_until, skip};
use serde_json::Value;

/// What it said, for people and for programs, and never the driver's word for it.
#[track_caller]
fn told(outputs: &[&Output], words: &str) {
    for output in outputs {
        // A report is folded to the width of the screen.
        let text = format!("{}\n{}", output.stdout, output.stderr);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "{words}: {text}");
        assert!(!text.contains("db error"), "{text}");
    }
}

#[test]
fn a_database_that_is_not_there() {
    let cluster = Cluster::start();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", cluster.url("nope"));
    let words = "database \"nope\" does not exist (SQLSTATE 3D000)";
    let human = environment.run(&["status"]);
    assert!(human.expect(6).stderr.contains(&format!("because: {words}")), "{}", human.stderr);
    let json = environment.run(&["status", "--format", "json"]);
    told(&[&human], words);
    told(&[json.expect(6)], &words.replace('"', "\\\""));
    let doctor = environment.run(&["doctor"]);
    told(&[&doctor], words);
}

#[test]
fn a_history_that_may_not_be_read() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["up"]).success();
    let cluster_wide = format!("reader_{}", std::process::id());
    let mut client = environment.client();
    client.batch_execute(&format!("CREATE ROLE {cluster_wide} LOGIN PASSWORD 'x'")).unwrap();
    let url = environment.database().url().replace("//postgres", &format!("//{cluster_wide}"));
    let words = "permission denied for table schema_migrations (SQLSTATE 42501)";
    let as_reader = |arguments: &[&str]| {
        let mut command = environment.command(arguments);
        command.env("DATABASE_URL", &url);
        environment.capture(&mut command)
    };
    told(&[&as_reader(&["status"]), &as_reader(&["status", "--format", "json"])], words);
    told(
        &[
            &as_reader(&["doctor"]),
            &as_reader(&["health"]),
            &as_reader(&["postflight"]),
            &as_reader(&["postflight", "--format", "json"]),
        ],
        words,
    );
    client.batch_execute(&format!("DROP ROLE {cluster_wide}")).unwrap();
}

#[test]
fn an_audit_log_that_may_not_be_written() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["up"]).success();
    environment.migration("0002_b", "SELECT 1 / 0;\n", "SELECT 1;\n");
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the log is closed'; END $$; \
                  CREATE TRIGGER closed BEFORE INSERT ON schema_migrations_log FOR EACH ROW EXECUTE FUNCTION refuse()";
    environment.client().batch_execute(refuse).unwrap();
    told(&[environment.run(&["up"]).expect(2)], "the log is closed (SQLSTATE P0001)");
}

#[test]
fn a_session_that_somebody_ends() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "SELECT pg_sleep(600);\n", "SELECT 1;\n");
    let mut client = environment.client();
    for format in ["human", "json"] {
        let running = environment.spawn(&["up", "--format", format]);
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
        poll_until(&mut client, asleep, "1");
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' \
                   AND datname = current_database()";
        client.query(end, &[]).unwrap();
        let words = "terminating connection due to administrator command (SQLSTATE 57P01)";
        let output = running.wait();
        told(&[output.expect(6)], words);
        if format == "json" {
            let last: Value = output
                .stdout
                .split('\n')
                .chain(output.stderr.split('\n'))
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .find(|value| value.get("causes").is_some() || value["error"].get("causes").is_some())
                .unwrap_or_else(|| panic!("{}", output.stdout));
            assert!(last.to_string().contains(words), "{last}");
        }
    }
}

#[test]
fn a_deployment_keeps_why_it_failed() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project(&[("0001_a", "SELECT pg_sleep(600);\n", "SELECT 1;\n")], "");
    let running = environment.spawn(&["deploy", "--format", "json"]);
    let mut client = environment.client();
    let asleep = "FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()";
    poll_until(&mut client, &format!("SELECT count(*) {asleep}"), "1");
    client.query(&format!("SELECT pg_terminate_backend(pid) {asleep}"), &[]).unwrap();
    let output = running.wait();
    let result: Value = serde_json::from_str(&output.expect(6).stdout).unwrap();
    let failure = result["result"]["failure"].as_str().unwrap();
    assert!(failure.contains("due to administrator command (SQLSTATE 57P01)"), "{result}");
    told(&[&output], "(SQLSTATE 57P01)");
}
