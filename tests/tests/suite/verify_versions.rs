//! `verify --postgres`: on servers of other major versions than the one at hand.

use migrate_testing::Binaries;
use migrate_tests::TestEnvironment;
use serde_json::Value;

/// The view reads two tables: one that reads a single one is another text from 16 on (docs/schema-snapshot.md).
fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment
        .migration(
            "0001_orders",
            "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, total numeric NOT NULL);\n\
             CREATE TABLE notes (text text);\n\
             CREATE VIEW noted AS SELECT o.id, n.text FROM orders o, notes n WHERE o.total > 100;",
            "DROP VIEW noted;\nDROP TABLE notes;\nDROP TABLE orders;",
        )
        .migration(
            "0002_lines",
            "CREATE TABLE lines (id int, of bigint NOT NULL REFERENCES orders (id) ON DELETE CASCADE, CHECK (id > 0));",
            "DROP TABLE lines;",
        )
        .migration(
            "0003_index",
            "CREATE INDEX CONCURRENTLY lines_of ON lines (of);",
            "DROP INDEX CONCURRENTLY lines_of;",
        );
    environment.run(&["lock"]).success();
    environment
}

fn verify(environment: &TestEnvironment, versions: &str, more: &[&str]) -> Value {
    let arguments = [&["verify", "--format", "json", "--postgres", versions], more].concat();
    serde_json::from_str(&environment.run(&arguments).success().stdout).unwrap()
}

/// The major versions that were run, in order; each report is about all migrations and says the same of what they change.
fn majors(document: &Value) -> Vec<String> {
    let reports = document["result"]["reports"].as_array().unwrap();
    let changes = |report: &Value| -> Vec<(Value, Value)> {
        let migrations = report["migrations"].as_array().unwrap().iter();
        migrations.map(|one| (one["up_change"].clone(), one["down_change"].clone())).collect()
    };
    assert!(reports.iter().all(|report| changes(report) == changes(&reports[0])), "{reports:#?}");
    assert_eq!(changes(&reports[0]).len(), 3);
    let version = |report: &Value| report["server_version"].as_str().unwrap().to_owned();
    reports.iter().map(|report| version(report).split('.').next().unwrap().to_owned()).collect()
}

#[test]
fn a_version_is_asked_for_by_its_number() {
    let here = Binaries::find(None).unwrap().major.to_string();
    assert_eq!(majors(&verify(&project(), &here, &[])), [here]);
}

#[test]
fn several_versions_are_run_one_after_the_other_and_agree() {
    migrate_tests::nightly!();
    let environment = project();
    let versions = "14,15,16,17,18";
    assert_eq!(majors(&verify(&environment, versions, &[])), ["14", "15", "16", "17", "18"]);
    // What is recorded of one holds on all.
    verify(&environment, versions, &["--record"]);
    verify(&environment, versions, &[]);
}
