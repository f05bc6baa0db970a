//! The proof on the command line: the setting, what is shown, and the exit codes.

use migrate_runtime::core::folder::{self, Options};
use migrate_runtime::core::lock::Lock;
use migrate_tests::migrations::recorded;
use migrate_tests::wait::answer;
use migrate_tests::{Output, TestEnvironment, dump};

const MANIFEST: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
                        [package.metadata.migrate.env.production]\nprove = true\n";

/// A project with a migration that makes a table only where there is none, and what it changes where there is none.
fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write("Cargo.toml", MANIFEST);
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.migration(
        "0002_orders",
        "CREATE TABLE IF NOT EXISTS orders (id int, total numeric);\nALTER TABLE a ADD COLUMN note text;\n",
        "ALTER TABLE a DROP COLUMN note;\nDROP TABLE orders;\n",
    );
    record(&environment);
    environment
}

fn record(environment: &TestEnvironment) {
    let folder = environment.path("migrations");
    let set = folder::read(&folder, &Options::new(&folder)).unwrap();
    assert!(Lock::of(&recorded(&set)).write(&folder).unwrap());
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", output.stdout))
}

const PRODUCTION: [&str; 3] = ["--env", "production", "up"];

#[test]
fn a_database_that_is_as_it_should_be_is_migrated() {
    let environment = project();
    let lock = environment.read("migrations/migrations.lock");
    environment.run(&PRODUCTION).success();
    environment.run(&["--env", "production", "redo"]).success();
    environment.run(&["--env", "production", "down", "--all"]).success();
    // Each of these verbs keeps the lock current, and with it what is recorded.
    environment.run(&["up", "--locked=false"]).success();
    environment.run(&["lock"]).success();
    assert_eq!(environment.read("migrations/migrations.lock"), lock);
    let settings = environment.run(&["-v", "--env", "production", "up"]);
    settings.expect(0);
    assert!(
        settings.stderr.contains("prove") && settings.stderr.contains("env.production.prove"),
        "{}",
        settings.stderr
    );
}

#[test]
fn what_it_should_have_changed_is_shown_beside_what_it_did() {
    let environment = project();
    let mut client = environment.client();
    client.batch_execute("CREATE TABLE orders (id bigint)").unwrap();
    let url = environment.database().url().to_owned();
    let failed = environment.run(&PRODUCTION);
    failed.expect(2);
    let before = dump::schema(&url, &[]);
    let text = environment.redactor().redact(&failed.stderr);
    let shown = text.split_once("--- what").map(|(_, rest)| rest).unwrap_or_else(|| panic!("{text}"));
    let shown =
        shown.split_once("(PostgreSQL").map_or(shown, |(_, rest)| &rest[rest.find('\n').unwrap() + 1..]);
    insta::assert_snapshot!(shown);
    assert_eq!(answer(&mut client, "SELECT string_agg(version, ',') FROM schema_migrations"), "0001_a");
    let history = environment.run(&["history"]);
    history.expect(0);
    assert!(history.stdout.contains("failed"), "{}", history.stdout);
    // Again: nothing of it was left.
    environment.run(&["--env", "production", "up"]).expect(2);
    assert_eq!(dump::schema(&url, &[]), before);

    let failed = environment.run(&["--format", "json", "up", "--prove"]);
    failed.expect(2);
    let mut error = json(&failed)["error"].take();
    for (field, shown) in [("hints", 40), ("causes", 0), ("done", 0)] {
        assert!(error[field].to_string().len() > shown, "{error}");
        error.as_object_mut().unwrap().remove(field);
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&error).unwrap());
    environment.run(&["--env", "production", "up", "--no-prove"]).success();
}

#[test]
fn a_down_that_would_take_something_else_with_it_ends_in_4() {
    let environment = project();
    environment.run(&PRODUCTION).success();
    let mut client = environment.client();
    client.batch_execute("CREATE INDEX mine ON a (id, note)").unwrap();
    let failed = environment.run(&["down", "--prove"]);
    failed.expect(4);
    assert!(failed.stderr.contains("mine"), "{}", failed.stderr);
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "2");
}

#[test]
fn what_is_not_recorded_is_refused_with_1() {
    let environment = project();
    environment.migration("0003_c", "CREATE TABLE c ();\n", "DROP TABLE c;\n");
    let refused = environment.run(&PRODUCTION);
    refused.expect(1);
    assert!(
        refused.stderr.contains("`0003_c`") && refused.stderr.contains("verify --record"),
        "{}",
        refused.stderr
    );
    let refused = environment.run(&["--format", "json", "up", "--prove"]);
    refused.expect(1);
    let error = json(&refused);
    assert_eq!(error["error"]["kind"], "not_recorded");
    assert_eq!(error["error"]["steps"][0]["migration"], "0003_c");
    // Nothing was run, not even those that are recorded.
    assert_eq!(answer(&mut environment.client(), "SELECT to_regclass('a') IS NULL"), "t");
    // An edit takes the record away.
    environment.remove("migrations/0003_c.up.sql");
    environment.remove("migrations/0003_c.down.sql");
    environment.write("migrations/0001_a.up.sql", "CREATE TABLE a (id bigint);\n");
    let refused = environment.run(&PRODUCTION);
    refused.expect(1);
    assert!(refused.stderr.contains("`0001_a`"), "{}", refused.stderr);
}

#[test]
fn a_non_transactional_one_that_differs_ends_in_3() {
    let environment = project();
    environment.migration(
        "0003_i",
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS a_id ON a (id);\n",
        "DROP INDEX CONCURRENTLY a_id;\n",
    );
    record(&environment);
    environment.run(&["up", "--to", "2"]).success();
    environment.client().batch_execute("CREATE INDEX a_id ON a (note)").unwrap();
    let failed = environment.run(&PRODUCTION);
    failed.expect(3);
    assert!(failed.stderr.contains("is applied"), "{}", failed.stderr);
    environment.run(&PRODUCTION).success();
}
