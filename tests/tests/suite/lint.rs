//! `cargo migrate lint` as a person and a CI job use it: what is looked at, levels, exit codes, what it writes.

use std::process::Command;

use migrate_tests::TestEnvironment;
use serde_json::Value;

const TABLE: (&str, &str) =
    ("CREATE TABLE orders (id bigint PRIMARY KEY, note text);\n", "DROP TABLE orders;\n");
const INDEX: (&str, &str) =
    ("CREATE INDEX orders_note_idx ON orders (note);\n", "DROP INDEX orders_note_idx;\n");

fn with_an_index() -> TestEnvironment {
    let environment = TestEnvironment::without_database();
    environment.migration("0001_create_orders", TABLE.0, TABLE.1);
    environment.migration("0002_index_orders", INDEX.0, INDEX.1);
    environment
}

fn metadata(environment: &TestEnvironment, lint: &str) {
    let manifest = environment.read("Cargo.toml");
    let manifest = manifest.split("[package.metadata").next().unwrap().to_owned();
    environment.write("Cargo.toml", format!("{manifest}[package.metadata.migrate.lint]\n{lint}\n"));
}

fn rules(environment: &TestEnvironment, code: i32, arguments: &[&str]) -> Vec<String> {
    let arguments = [&["lint", "--format", "json"], arguments].concat();
    let output = environment.run(&arguments);
    output.expect(code);
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    let findings = document["result"]["findings"].as_array().unwrap();
    findings
        .iter()
        .map(|finding| {
            let level = finding["level"].as_str().unwrap();
            format!(
                "{level} {} {}",
                finding["migration"].as_str().unwrap(),
                finding["rule"].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn a_denied_finding_ends_in_8_and_is_shown_at_its_place() {
    let environment = with_an_index();
    let output = environment.run(&["lint"]);
    output.expect(8);
    for wanted in [
        "error[require-concurrent-index-creation]: ",
        "--> migrations/0002_index_orders.up.sql:1:1",
        "1 | CREATE INDEX orders_note_idx ON orders (note);",
        "^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
        "CREATE INDEX CONCURRENTLY orders_note_idx ON orders (note);",
        "2 migrations: 1 denied\n",
    ] {
        assert!(output.stdout.contains(wanted), "{wanted}\n{}", output.stdout);
    }
}

#[test]
fn levels_come_from_the_metadata() {
    let environment = with_an_index();
    let rule = "0002_index_orders require-concurrent-index-creation";
    metadata(&environment, "require-concurrent-index-creation = \"warn\"");
    assert_eq!(rules(&environment, 0, &[]), [format!("warn {rule}")]);
    assert_eq!(rules(&environment, 8, &["--deny-warnings"]), [format!("warn {rule}")]);
    metadata(&environment, "require-concurrent-index-creation = \"allow\"");
    assert!(rules(&environment, 0, &["--deny-warnings"]).is_empty());
    metadata(&environment, "start-after = \"0002\"");
    assert!(rules(&environment, 0, &[]).is_empty());
    metadata(&environment, "require-concurrent-index-creatoin = \"warn\"");
    let output = environment.run(&["lint"]);
    output.expect(5);
    assert!(output.stderr.contains("require-concurrent-index-creation"), "{}", output.stderr);
}

#[test]
fn a_directive_needs_a_reason_and_a_rule_and_something_to_allow() {
    let environment = with_an_index();
    let allow = |text: &str| {
        environment.migration(
            "0002_index_orders",
            &format!("-- migrate: allow {text}\n{}", INDEX.0),
            INDEX.1,
        );
    };
    allow("require-concurrent-index-creation the table has forty rows");
    assert!(rules(&environment, 0, &["--deny-warnings"]).is_empty());
    allow("require-concurrent-index-creation");
    environment.run(&["lint"]).expect(5);
    allow("require-concurrent-index the table has forty rows");
    let found = rules(&environment, 8, &[]);
    assert!(found.contains(&"deny 0002_index_orders unknown-rule".to_owned()), "{found:?}");
    allow("truncate nothing is");
    let found = rules(&environment, 8, &[]);
    assert!(found.contains(&"warn 0002_index_orders unused-allow".to_owned()), "{found:?}");
}

#[test]
fn with_a_base_only_what_is_new_is_looked_at() {
    let environment = TestEnvironment::without_database();
    let git = |arguments: &[&str]| {
        let mut command: Command = environment.program("git");
        command.args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "-c",
            "init.defaultBranch=main",
        ]);
        environment.capture(command.args(arguments)).success();
    };
    git(&["init", "-q", "."]);
    environment.migration("0001_create_orders", TABLE.0, TABLE.1);
    environment.migration("0002_index_orders", INDEX.0, INDEX.1);
    git(&["add", "."]);
    git(&["commit", "-qm", "before"]);
    git(&["branch", "before"]);
    assert!(rules(&environment, 0, &["--base", "before"]).is_empty());
    // A table and an index on it, both new: nobody waits.
    environment.migration(
        "0003_create_notes",
        "CREATE TABLE notes (id int, text text);\n",
        "DROP TABLE notes;\n",
    );
    let index = "CREATE INDEX notes_text_idx ON notes (text);\n";
    environment.migration("0004_index_notes", index, "DROP INDEX notes_text_idx;\n");
    assert!(rules(&environment, 0, &["--base", "before"]).is_empty());
    assert_eq!(rules(&environment, 8, &[]).len(), 2);
    // One on a table that was there: they do.
    let index = "CREATE INDEX orders_id_idx ON orders (id);\n";
    environment.migration("0005_index_orders_again", index, "DROP INDEX orders_id_idx;\n");
    assert_eq!(
        rules(&environment, 8, &["--base", "before"]),
        ["deny 0005_index_orders_again require-concurrent-index-creation"]
    );
    environment.run(&["lint", "--base", "no-such-branch"]).expect(5);
}

#[test]
fn with_pending_only_what_the_database_lacks_is_looked_at() {
    let environment = TestEnvironment::new();
    environment.migration("0001_create_orders", TABLE.0, TABLE.1);
    environment.run(&["up"]).success();
    environment.migration("0002_index_orders", INDEX.0, INDEX.1);
    let told = ["deny 0002_index_orders require-concurrent-index-creation"];
    assert_eq!(rules(&environment, 8, &["--pending"]), told);
    environment.run(&["down", "--all"]).success();
    assert!(rules(&environment, 0, &["--pending"]).is_empty());
    environment.run(&["up"]).success();
    assert!(rules(&environment, 0, &["--pending"]).is_empty());
}

#[test]
fn rules_are_listed_and_explained() {
    let environment = TestEnvironment::without_database();
    metadata(&environment, "truncate = \"warn\"");
    let output = environment.run(&["lint", "--rules", "--format", "json"]);
    output.success();
    let document: Value = serde_json::from_str(&output.stdout).unwrap();
    let rules = document["result"]["rules"].as_array().unwrap();
    let truncate = rules.iter().find(|rule| rule["rule"] == "truncate").unwrap();
    assert_eq!(
        (&truncate["level"], &truncate["default"], &truncate["owner"]),
        (&"warn".into(), &"deny".into(), &"ours".into())
    );
    assert!(rules.iter().any(|rule| rule["rule"] == "ban-drop-column" && rule["owner"] == "squawk"));
    for rule in rules.iter().step_by(20) {
        let output = environment.run(&["lint", "--explain", rule["rule"].as_str().unwrap()]);
        output.success();
        assert!(output.stdout.contains(rule["finds"].as_str().unwrap()), "{}", output.stdout);
    }
    let output = environment.run(&["lint", "--explain", "truncat"]);
    output.expect(5);
    assert!(output.stderr.contains("`truncate`"), "{}", output.stderr);
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let environment = TestEnvironment::without_database();
    environment.migration("0001_a", "DROP TABLE \"a\u{1b}[2J\u{202e}\";\n", "CREATE TABLE a ();\n");
    let output = environment.run(&["lint"]);
    output.expect(8);
    assert!(!output.stdout.contains(['\u{1b}', '\u{202e}']), "{}", output.stdout);
}
