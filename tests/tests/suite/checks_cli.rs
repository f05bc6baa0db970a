//! Checks as a person meets them: written, locked, refused, shown, verified.

use migrate_tests::wait::answer;
use migrate_tests::{TestEnvironment, output};
use serde_json::Value;

/// Customers, two of them with one address, and a migration that says that there are none.
fn shop() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment
        .migration(
            "0001_customers",
            "CREATE TABLE customers (id int PRIMARY KEY, email text);\n",
            "DROP TABLE customers;\n",
        )
        .migration(
            "0002_one_address",
            "CREATE UNIQUE INDEX customers_email ON customers (email);\n",
            "DROP INDEX customers_email;\n",
        );
    environment.write(
        "migrations/0002_one_address.check.sql",
        "-- migrate: before\n\n-- no two customers have one address\nSELECT email, count(*) AS customers\nFROM customers\n\
         GROUP BY email\nHAVING count(*) > 1\nORDER BY email;\n\n-- migrate: after\n\n-- the index is unique\nSELECT indisunique FROM pg_index \
         WHERE indexrelid = 'customers_email'::regclass;\n",
    );
    environment.run(&["lock"]).success();
    environment.run(&["up", "--to", "0001"]).success();
    let rows = "INSERT INTO customers VALUES (1, 'ann@example.org'), (2, 'ann@example.org'), (3, 'bob@example.org'), \
                (4, E'x\\u001b[2J'), (5, E'x\\u001b[2J')";
    environment.client().batch_execute(rows).unwrap();
    environment
}

fn applied(environment: &TestEnvironment) -> String {
    let sql = "SELECT string_agg(version, ',' ORDER BY version) FROM schema_migrations";
    answer(&mut environment.client(), sql)
}

#[test]
fn a_check_before_refuses_with_exit_1_and_shows_the_rows() {
    let environment = shop();
    let output = environment.run(&["up"]);
    output.expect(1);
    insta::assert_snapshot!(output.snapshot(&environment.redactor()));
    assert_eq!(applied(&environment), "0001_customers");
    let output = environment.run(&["up", "--format", "json"]);
    let document: Value = serde_json::from_str(&output.expect(1).stdout).unwrap();
    let error = &document["error"];
    assert_eq!(error["kind"], "check_failed");
    assert_eq!((&error["moment"], &error["applied"]), (&"before".into(), &false.into()));
    let check = &error["checks"][0];
    assert_eq!(check["check"], "no two customers have one address");
    assert_eq!((&check["line"], &check["columns"]), (&4.into(), &serde_json::json!(["email", "customers"])));
    assert_eq!(check["rows"][0], serde_json::json!(["ann@example.org", "2"]));
    // What it is asked to do is shown beforehand, and the rest of the house does not mind the file.
    let dry = environment.run(&["up", "--dry-run"]);
    assert!(dry.success().stdout.contains("HAVING count(*) > 1"), "{}", dry.stdout);
    for verb in [&["status"][..], &["lock", "--check"], &["lint"], &["history"], &["repair"], &["drift"]] {
        assert!(matches!(environment.run(verb).code, 0 | 8), "{verb:?}");
    }
    let history = environment.run(&["history", "--format", "json"]).success().stdout.clone();
    assert!(history.contains("no two customers have one address: found 2 rows"), "{history}");
    assert!(!history.contains("ann@example.org"), "no row gets into the history");
    environment.client().batch_execute("DELETE FROM customers WHERE id IN (2, 5)").unwrap();
    let output = environment.run(&["up"]);
    assert!(output.success().stderr.contains("1 check before it holds"), "{}", output.stderr);
    assert_eq!(applied(&environment), "0001_customers,0002_one_address");
}

#[test]
fn a_check_behind_ends_in_2_where_it_is_rolled_back_and_in_3_where_it_cannot_be() {
    let environment = shop();
    let check = "migrations/0002_one_address.check.sql";
    environment.write(check, "SELECT count(*) = 0 FROM customers;\nSELECT nothing FROM customers;\n");
    environment
        .write("migrations/0002_one_address.up.sql", "CREATE INDEX customers_email ON customers (email);\n");
    let output = environment.run(&["up"]);
    output.expect(2);
    insta::assert_snapshot!(output.snapshot(&environment.redactor()));
    assert_eq!(applied(&environment), "0001_customers");
    environment.write(
        "migrations/0002_one_address.up.sql",
        "CREATE INDEX CONCURRENTLY customers_email ON customers (email);\n",
    );
    environment.write(check, "SELECT count(*) = 0 FROM customers;\n");
    let output = environment.run(&["up"]);
    output.expect(3);
    insta::assert_snapshot!(output.snapshot(&environment.redactor()));
    assert_eq!(applied(&environment), "0001_customers,0002_one_address");
    environment.run(&["up"]).success();
}

#[test]
fn an_edited_check_is_noticed_before_it_reaches_a_database() {
    let environment = shop();
    environment.write("migrations/0002_one_address.check.sql", "SELECT true;\n");
    let output = environment.run(&["lock", "--check"]);
    assert!(output.expect(8).stdout.contains("0002_one_address.check.sql"), "{}", output.stdout);
    let output = environment.run(&["up", "--locked"]);
    assert!(output.expect(1).stderr.contains("0002_one_address.check.sql was edited"), "{}", output.stderr);
    // What is applied is not what a check says: it may change, come and go.
    environment.client().batch_execute("DELETE FROM customers WHERE id IN (2, 5)").unwrap();
    environment.run(&["up"]).success();
    environment.write("migrations/0002_one_address.check.sql", "SELECT 1 WHERE false;\n");
    assert!(environment.run(&["status", "--check"]).success().stdout.contains("applied"));
    environment.remove("migrations/0002_one_address.check.sql");
    environment.run(&["status", "--check"]).success();
    environment.run(&["up"]).success();
}

#[test]
fn new_writes_a_check_that_says_what_goes_where() {
    let environment = TestEnvironment::new();
    environment.run(&["init"]);
    let output = environment.run(&["new", "add customers", "--check"]);
    output.success();
    let made = output.stdout.clone() + &output.stderr;
    let file = made.split_whitespace().find(|word| word.ends_with(".check.sql")).unwrap().to_owned();
    let text = environment.read(&file);
    insta::assert_snapshot!(text);
    // Empty it is as little a check as an empty up is a migration.
    let up = file.replace(".check.", ".up.");
    environment.write(&up, "CREATE TABLE customers (id int);\n");
    environment.write(file.replace(".check.", ".down."), "DROP TABLE customers;\n");
    let output = environment.run(&["up"]);
    assert!(
        output.expect(5).stderr.contains("no query stands behind `-- migrate: before`"),
        "{}",
        output.stderr
    );
    let filled = text
        .replace("-- migrate: after\n", "-- migrate: after\nSELECT * FROM customers;\n")
        .replace("-- migrate: before\n", "-- migrate: before\nSELECT true;\n");
    environment.write(&file, filled);
    environment.run(&["up"]).success();
}

/// Each with its file, its line and its kind; one that holds only where there are rows is one of them.
#[test]
fn verify_runs_checks_on_an_empty_database() {
    let environment = shop();
    environment.write(
        "migrations/checks/all.sql",
        "-- nobody is nameless\nSELECT * FROM customers WHERE email IS NULL;\n",
    );
    environment.run(&["verify"]).success();
    environment.write(
        "migrations/0001_customers.check.sql",
        "-- there are customers\nSELECT count(*) > 0 FROM customers;\n-- migrate: before\nSELECT nope;\n",
    );
    environment.write("migrations/checks/all.sql", "SELECT 1 FROM custmers;\n");
    let output = environment.run(&["verify"]);
    output.expect(8);
    // The table below has times in it, and is as wide as they are.
    let shown = environment.redactor().redact(&output.stdout);
    insta::assert_snapshot!(shown.split("\nmigration  ").next().unwrap_or_default());
    let output = environment.run(&["verify", "--format", "json"]);
    let document: Value = serde_json::from_str(&output.expect(8).stdout).unwrap();
    let report = &document["result"]["reports"][0];
    let finding = &report["migrations"][0]["findings"];
    assert_eq!((&finding[0]["kind"], &finding[1]["kind"]), (&"check_fails".into(), &"check_fails".into()));
    assert_eq!(
        (&finding[0]["check"]["line"], &finding[0]["check"]["sqlstate"]),
        (&4.into(), &"42703".into())
    );
    assert_eq!(finding[1]["check"]["verdict"], "is false");
    assert_eq!(report["chain"][0]["check"]["line"], 1);
    for file in ["report.sarif", "report.md"] {
        environment.run(&["verify", "--report", file]).expect(8);
        let report = environment.read(file);
        assert!(report.contains("there are customers"), "{file}: {report}");
    }
}

#[test]
fn a_check_that_is_none_is_refused_at_its_line() {
    let environment = shop();
    environment.write("migrations/0002_one_address.check.sql", "SELECT true;\n\nDELETE FROM customers;\n");
    environment.write("migrations/0009_other.check.sql", "SELECT true;\n");
    let output = environment.run(&["up"]);
    output.expect(5);
    insta::assert_snapshot!(output.snapshot(&environment.redactor()));
    // A standing check that makes no sense is a finding of the folder, too.
    environment.remove("migrations/0009_other.check.sql");
    environment.remove("migrations/0002_one_address.check.sql");
    environment.write("migrations/checks/a.sql", "TRUNCATE customers;\n");
    let output = environment.run(&["verify"]);
    assert!(output.expect(8).stdout.contains("`TRUNCATE` in a file of checks"), "{}", output.stdout);
}

/// What a check finds may be anything: a password in it, or something that a terminal would obey.
#[test]
fn what_a_check_finds_is_shown_and_not_obeyed() {
    let environment = shop();
    environment.write(
        "migrations/0002_one_address.check.sql",
        format!(
            "SELECT E'\\x1b]0;title\\x07' AS \"\u{1b}[31m\", 'PASSWORD ''{}''' AS p, repeat('y', 1000000) FROM generate_series(1, 300);\n",
            migrate_tests::CANARY
        ),
    );
    let output = environment.run(&["up"]);
    let text = &output.expect(2).stderr;
    assert!(!text.contains(['\u{1b}', '\u{7}']), "{text}");
    assert!(text.len() < 20_000, "{}", text.len());
    assert!(!output::leaks(text));
}
