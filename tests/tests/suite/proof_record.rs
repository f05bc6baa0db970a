//! `verify --record`: what it writes, when it does not, and how a record that no longer holds is found.

use std::process::Command;

use migrate_tests::TestEnvironment;

const LOCK: &str = "migrations/migrations.lock";
const SCHEMA: &str = "migrations/schema.sql.snap";

fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.migration(
        "0002_b",
        "ALTER TABLE a ALTER COLUMN id TYPE text;\nGRANT SELECT ON a TO PUBLIC;\n",
        "REVOKE SELECT ON a FROM PUBLIC;\nALTER TABLE a ALTER COLUMN id TYPE int USING id::int;\n",
    );
    environment.migration(
        "0003_c",
        "CREATE INDEX CONCURRENTLY a_id ON a (id);\n",
        "DROP INDEX CONCURRENTLY a_id;\n",
    );
    environment
}

fn json(environment: &TestEnvironment, arguments: &[&str], code: i32) -> serde_json::Value {
    let output = environment.run(&[&["--format", "json"], arguments].concat());
    output.expect(code);
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", output.stdout))
}

#[test]
fn what_is_recorded_is_what_a_run_proves() {
    let environment = project();
    let written = environment.run(&["verify", "--record"]);
    written.success();
    assert!(written.stdout.contains("recorded in migrations.lock and schema.sql.snap"), "{}", written.stdout);
    let (lock, schema) = (environment.read(LOCK), environment.read(SCHEMA));
    assert_eq!(lock.matches("#   change ").count(), 6, "{lock}");
    assert!(
        schema.starts_with("---\n") && schema.contains("\ntable public.a\n    column id text\n"),
        "{schema}"
    );
    assert!(!schema.contains("grant ") && !schema.contains("owner "), "{schema}");
    let sums = Command::new("sha256sum")
        .args(["--check", "--strict", "migrations.lock"])
        .current_dir(environment.path("migrations"))
        .output()
        .unwrap();
    assert!(sums.status.success(), "{sums:?}");
    let again = environment.run(&["verify", "--record"]);
    again.success();
    assert!(again.stdout.contains("what is recorded is up to date"), "{}", again.stdout);
    assert_eq!((environment.read(LOCK), environment.read(SCHEMA)), (lock, schema));
    environment.run(&["verify", "--locked"]).success();
    environment.run(&["up", "--prove"]).success();
    environment.run(&["down", "--all", "--prove"]).success();
}

#[test]
fn a_record_that_no_longer_holds_is_found() {
    let environment = project();
    environment.run(&["verify", "--record"]).success();
    // What the second one changes depends on what the first one made.
    environment.migration("0001_a", "CREATE TABLE a (id int, extra int);\n", "DROP TABLE a;\n");
    environment.run(&["lock"]).success();
    assert_eq!(environment.read(LOCK).matches("#   change ").count(), 5);
    let found = environment.run(&["verify"]);
    found.expect(8);
    assert!(found.stdout.contains("schema.sql.snap is not the schema"), "{}", found.stdout);
    assert!(found.stdout.contains("+     column extra integer"), "{}", found.stdout);
    environment.migration("0001_a", "CREATE TABLE a (id bigint);\n", "DROP TABLE a;\n");
    environment.migration(
        "0002_b",
        &environment.read("migrations/0002_b.up.sql"),
        &environment
            .read("migrations/0002_b.down.sql")
            .replace("int USING id::int", "bigint USING id::bigint"),
    );
    environment.run(&["lock"]).success();
    let found = json(&environment, &["verify"], 8);
    let second = &found["result"]["reports"][0]["migrations"][1];
    let second = if second.is_null() { &found["reports"][0]["migrations"][1] } else { second };
    assert_eq!(second["findings"][0]["kind"], "recorded_change_differs", "{found}");
    assert_ne!(second["findings"][0]["recorded"], second["findings"][0]["found"], "{found}");
    let found = environment.run(&["verify"]);
    found.expect(8);
    assert!(
        found.stdout.contains("the up of 0002_b does not change the schema as migrations.lock has it"),
        "{}",
        found.stdout
    );
    assert!(found.stdout.contains("cargo migrate verify --record"), "{}", found.stdout);
    environment.run(&["verify", "--record"]).success();
    environment.run(&["verify"]).success();
    assert_eq!(environment.read(LOCK).matches("#   change ").count(), 6);
}

#[test]
fn nothing_is_recorded_where_something_is_found_or_the_lock_is_fixed() {
    let mut environment = project();
    environment.run(&["verify", "--record"]).success();
    let before = (environment.read(LOCK), environment.read(SCHEMA));
    environment.migration("0004_d", "CREATE TABLE d ();\n", "SELECT 1;\n");
    let found = environment.run(&["verify", "--record"]);
    found.expect(8);
    assert!(found.stdout.contains("nothing was recorded"), "{}", found.stdout);
    assert_eq!((environment.read(LOCK), environment.read(SCHEMA)), before);
    environment.migration("0004_d", "CREATE TABLE d ();\n", "DROP TABLE d;\n");
    environment.set_var("CI", "true");
    let refused = environment.run(&["verify", "--record"]);
    refused.expect(1);
    assert!(refused.stderr.contains("migrations.lock is locked (CI)"), "{}", refused.stderr);
    assert_eq!((environment.read(LOCK), environment.read(SCHEMA)), before);
    environment.remove_var("CI");
    // Only what is new is measured, and the rest keeps its record.
    environment.run(&["verify", "--record", "--from", "4"]).success();
    assert_eq!(environment.read(LOCK).matches("#   change ").count(), 8);
    assert!(environment.read(SCHEMA).contains("\ntable public.d\n"));
}
