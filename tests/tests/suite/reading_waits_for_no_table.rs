//! Whoever only looks does not wait for the end of a migration somewhere else: each reading verb, with tables of every kind
//! held under ACCESS EXCLUSIVE for as long as it runs.

use migrate_tests::{TestEnvironment, poll_until};
use serde_json::Value;

const UP: &str = "\
CREATE TABLE orders (id bigserial PRIMARY KEY, total int DEFAULT 5 CHECK (total > 0), note text);
CREATE INDEX orders_note ON orders (lower(note)) WHERE total > 3;
CREATE VIEW totals AS SELECT sum(total) FROM orders;
ALTER TABLE orders ADD CONSTRAINT small CHECK (total < 1000000) NOT VALID;
CREATE TABLE parts (id int, at date DEFAULT now()) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
INSERT INTO orders (total) SELECT g FROM generate_series(1, 200) g;
INSERT INTO parts SELECT g FROM generate_series(1, 200) g;
";

const VERBS: [&[&str]; 8] = [
    &["status"],
    &["status", "--verbose"],
    &["health"],
    &["doctor"],
    &["preflight"],
    &["postflight", "--no-drift"],
    &["history"],
    &["up", "--dry-run"],
];

#[test]
fn no_reading_verb_waits_for_a_table_that_is_held() {
    let environment = TestEnvironment::new();
    environment.migration("0001_orders", UP, "DROP TABLE orders, parts CASCADE;\n");
    environment.run(&["up"]).success();
    environment.migration(
        "0002_note",
        "ALTER TABLE orders ADD COLUMN more text;\nALTER TABLE parts ADD COLUMN more text;\n",
        "ALTER TABLE orders DROP COLUMN more;\nALTER TABLE parts DROP COLUMN more;\n",
    );
    let mut holder = environment.client();
    holder.batch_execute("BEGIN; LOCK TABLE orders, parts, parts_1 IN ACCESS EXCLUSIVE MODE").unwrap();
    // They end while the tables are held: one that waited would be killed for its silence.
    for verb in VERBS {
        let output = environment.run(&[verb, &["--format", "json"]].concat());
        let document: Value = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let result = &document["result"];
        match verb[0] {
            "preflight" => {
                output.expect(1);
                let checks = result["checks"].as_array().unwrap();
                let of = |name: &str| checks.iter().find(|check| check["check"] == name).unwrap();
                let holder = &of("idle-in-transaction")["findings"][0]["data"];
                assert_eq!(holder["conflicts"].as_array().unwrap().len(), 2, "{document:#}");
                let sizes = &of("pending-migrations")["findings"][0]["data"]["migrations"][0]["locks"];
                assert_eq!(sizes.as_array().unwrap().len(), 2, "{document:#}");
                assert!(sizes.as_array().unwrap().iter().all(|lock| lock["estimated"] == true), "{sizes:#}");
                let unknown = &of("schema")["findings"][0];
                assert!(unknown["what"].as_str().unwrap().contains("lock timeout"), "{unknown:#}");
            }
            "postflight" => {
                assert_eq!(result["schema_digest"], Value::Null, "{document:#}");
                let checks = result["checks"].as_array().unwrap();
                let statistics = checks.iter().find(|check| check["check"] == "statistics").unwrap();
                assert!(!statistics.to_string().contains("could not be looked at"), "{statistics:#}");
            }
            "health" => {
                let text = document.to_string();
                assert!(text.contains("somebody holds a table"), "{document:#}");
            }
            _ => assert!(matches!(output.code, 0 | 8), "{verb:?}: {output:?}"),
        }
    }
    let mut admin = environment.client();
    poll_until(
        &mut admin,
        "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND mode = 'AccessExclusiveLock' AND granted",
        "1",
    );
    // What prints the whole schema says why it cannot.
    let output = environment.run(&["schema", "--digest"]);
    output.expect(6);
    holder.batch_execute("ROLLBACK").unwrap();
    let document = environment.run(&["postflight", "--no-drift", "--format", "json"]);
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    assert!(document["result"]["schema_digest"].is_string());
}

/// The history's own tables, as VACUUM FULL holds them.
#[test]
fn a_history_that_is_held_is_told() {
    let environment = TestEnvironment::new();
    environment.migration("0001_t", "CREATE TABLE t (a int);\n", "DROP TABLE t;\n");
    environment.run(&["up"]).success();
    let mut holder = environment.client();
    holder
        .batch_execute("BEGIN; LOCK TABLE schema_migrations, schema_migrations_log IN ACCESS EXCLUSIVE MODE")
        .unwrap();
    for verb in [&["status"][..], &["health"], &["history"], &["up", "--dry-run"]] {
        let output = environment.run(verb);
        assert_ne!(output.code, 0, "{verb:?}");
        assert!(
            output.stderr.contains("somebody holds a table that this reads"),
            "{verb:?}: {}",
            output.stderr
        );
    }
    for verb in ["preflight", "doctor", "postflight"] {
        let output = environment.run(&[verb]);
        let text = output.stdout.clone() + &output.stderr;
        assert!(text.contains("lock timeout") || text.contains("cannot be read"), "{verb}: {text}");
    }
    holder.batch_execute("ROLLBACK").unwrap();
    environment.run(&["status"]).success();
}
