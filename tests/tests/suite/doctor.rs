//! `doctor`: each thing that can be missing is told with its way out, and nothing else is stopped by it.

use std::os::unix::fs::PermissionsExt;

use migrate_tests::{Cluster, TestEnvironment};
use serde_json::Value;

#[track_caller]
fn checks(environment: &TestEnvironment, code: i32, more: &[&str]) -> Vec<Value> {
    let arguments = [&["--format", "json", "doctor"][..], more].concat();
    let output = environment.run(&arguments);
    let document: Value = serde_json::from_str(&output.expect(code).stdout).unwrap();
    assert_eq!(document["result"]["ok"], code == 0);
    document["result"]["checks"].as_array().unwrap().clone()
}

/// `section name verdict` of what is not well; each has a way out.
fn found(checks: &[Value]) -> Vec<String> {
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let found = checks.iter().filter(|check| check["verdict"] != "ok");
    found
        .map(|check| {
            assert!(!text(check, "remedy").is_empty(), "{check}");
            ["section", "name", "verdict"].map(|name| text(check, name)).join(" ")
        })
        .collect()
}

#[test]
fn all_is_well_and_nothing_is_written() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["lock"]).success();
    let checks = checks(&environment, 0, &[]);
    assert_eq!(found(&checks), Vec::<String>::new());
    let names: Vec<_> = checks.iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in
        ["cargo", "git", "postgres", "log-dir", "backup-dir", "lock", "connect", "server", "user", "createdb"]
    {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(!environment.path(".migrate").exists());
    let human = environment.run(&["doctor"]);
    assert!(human.success().stdout.ends_with("everything is there\n"), "{}", human.stdout);
    let origin = checks.iter().find(|check| check["name"] == "database").unwrap();
    assert!(origin["what"].as_str().unwrap().ends_with("(DATABASE_URL)"), "{origin}");
}

#[test]
fn without_a_server_a_project_a_sound_manifest_or_cargo() {
    let mut environment = TestEnvironment::without_database();
    assert_eq!(found(&checks(&environment, 5, &[])), ["connection database failure"]);
    environment.set_var("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    assert_eq!(found(&checks(&environment, 5, &[])), ["connection connect failure"]);
    environment.set_var("DATABASE_URL", "postgres://nobody@no-such-host.invalid/none");
    let unknown = found(&checks(&environment, 5, &[]));
    assert_eq!(unknown, ["connection name warning", "connection connect failure"]);
    environment.set_var("DATABASE_URL", "postgres//nonsense");
    assert_eq!(found(&checks(&environment, 5, &[])), ["connection database failure"]);
    environment.remove_var("DATABASE_URL");

    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.remove("migrations/0001_a.down.sql");
    environment.write("a-file", "");
    let several = found(&checks(&environment, 5, &["--log-dir", "a-file", "--backup-dir", "a-file/below"]));
    assert_eq!(
        several,
        [
            "migrations folder failure",
            "folders log-dir failure",
            "folders backup-dir failure",
            "connection database failure"
        ]
    );
    environment.write("Cargo.toml", "nonsense");
    assert_eq!(found(&checks(&environment, 5, &[])), ["configuration settings failure"]);
    environment.remove("Cargo.toml");
    let no_project = found(&checks(&environment, 5, &[]));
    assert!(no_project.contains(&"configuration project warning".to_owned()), "{no_project:?}");
    environment.set_var("CARGO", "/nonexistent/cargo");
    let no_cargo = found(&checks(&environment, 5, &[]));
    assert!(no_cargo.contains(&"programs cargo failure".to_owned()), "{no_cargo:?}");
}

#[test]
fn an_edited_file_is_told_by_the_lock_and_a_local_server_is_not_started() {
    let environment = TestEnvironment::without_database();
    environment.write(
        "Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [package.metadata.migrate]\ndatabase = \"local\"\n",
    );
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["lock"]).success();
    environment.migration("0001_a", "CREATE TABLE a (x int);\n", "DROP TABLE a;\n");
    std::fs::create_dir_all(environment.path(".migrate/log")).unwrap();
    std::fs::set_permissions(environment.path(".migrate/log"), std::fs::Permissions::from_mode(0o755))
        .unwrap();
    let found = found(&checks(&environment, 0, &[]));
    assert_eq!(found, ["migrations lock warning", "folders log-dir warning"]);
    assert!(!environment.path("target/migrate-local/data").exists());
}

#[test]
fn what_the_role_may_not_do_is_told() {
    let mut environment = TestEnvironment::new();
    let cluster = Cluster::start();
    cluster.admin().batch_execute("CREATE ROLE app LOGIN").unwrap();
    let database = cluster.database();
    let mut client = database.connect().unwrap();
    client.batch_execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC").unwrap();
    let as_app = database.url().replace("//postgres@", "//app@");
    environment.set_var("DATABASE_URL", &as_app);
    let before = found(&checks(&environment, 5, &[]));
    let lacks = |names: &[&str]| names.iter().map(|name| format!("connection {name}")).collect::<Vec<_>>();
    let always = ["create warning", "statistics warning", "createdb warning", "identity warning"];
    assert_eq!(before, lacks(&[&["history failure"][..], &always].concat()));

    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.set_var("DATABASE_URL", database.url());
    environment.run(&["up"]).success();
    client.batch_execute("GRANT SELECT ON schema_migrations, schema_migrations_log TO app").unwrap();
    environment.set_var("DATABASE_URL", &as_app);
    let after = found(&checks(&environment, 0, &[]));
    assert_eq!(after, lacks(&[&["history warning", "history warning"][..], &always].concat()));
}
