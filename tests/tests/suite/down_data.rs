//! A roll back in a protected environment says what data it destroys, and asks.

use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Terminal, TestEnvironment};
use serde_json::Value;

/// Two migrations, applied, with data in what they made, in an environment that is protected now.
fn production() -> TestEnvironment {
    let mut environment = TestEnvironment::new();
    environment.remove_var("COLUMNS");
    environment.migration(
        "0001_orders",
        "CREATE TABLE orders (id int PRIMARY KEY, total int);\n",
        "DROP TABLE orders;\n",
    );
    environment.migration(
        "0002_note",
        "ALTER TABLE orders ADD COLUMN note text;\n",
        "ALTER TABLE orders DROP COLUMN note;\n",
    );
    environment.run(&["up"]).success();
    let mut client = environment.client();
    client
        .batch_execute(
            "INSERT INTO orders SELECT g, g, CASE WHEN g <= 7 THEN 'x' END FROM generate_series(1, 42) g",
        )
        .unwrap();
    let manifest = environment.read("Cargo.toml") + "[package.metadata.migrate]\nprotected = true\n";
    environment.write("Cargo.toml", manifest);
    environment
}

fn applied(environment: &TestEnvironment) -> String {
    answer(&mut environment.client(), "SELECT count(*) FROM schema_migrations")
}

const COLUMN: &str = "column public.orders.note: 7 of 42 rows have a value";
const TABLE: &str = "table public.orders: 42 rows";

#[test]
fn nobody_is_there_to_answer_is_a_refusal_that_says_what_goes() {
    let environment = production();
    let output = environment.run(&["down", "--all", "--force", "incident 7"]);
    output.expect(1);
    assert!(output.stderr.contains(COLUMN) && output.stderr.contains(TABLE), "{}", output.stderr);
    assert!(
        output.stderr.contains("there is no terminal to ask on") && output.stderr.contains("--yes"),
        "{}",
        output.stderr
    );
    assert_eq!(applied(&environment), "2");
    environment.run(&["down", "--all", "--force", "incident 7", "--yes"]).success();
    assert_eq!(applied(&environment), "0");
    assert!(environment.run(&["history"]).stdout.contains("incident 7"));
}

#[test]
fn a_person_is_asked_and_no_is_no() {
    let environment = production();
    let ask = |answer: &str| {
        // However quiet: nobody is asked without being told what for.
        let mut terminal =
            Terminal::start(&mut environment.command(&["down", "--quiet", "--force", "incident 7"]), 100);
        terminal.wait_for("roll back 0002_note here? [y/N] ");
        terminal.enter(answer);
        terminal.wait()
    };
    let output = ask("");
    assert!(output.expect(1).stdout.contains("nothing was changed"), "{}", output.stdout);
    assert!(output.stdout.contains(COLUMN) && !output.stdout.contains(TABLE), "{}", output.stdout);
    assert_eq!(applied(&environment), "2");
    ask("yes").success();
    assert_eq!(applied(&environment), "1");
}

#[test]
fn a_reason_passes_the_gate_and_never_a_missing_down() {
    let environment = production();
    // No reason, no preflight: the gate holds, whatever is answered.
    environment.run(&["down", "--yes"]).expect(1);
    environment.write(
        "migrations/0003_one_way.up.sql",
        "-- migrate: irreversible data is gone\nCREATE TABLE x ();\n",
    );
    environment.run(&["lock"]);
    environment.run(&["up", "--force", "release", "--locked=false"]).success();
    let output = environment.run(&["down", "--force", "incident 7", "--yes"]);
    assert!(output.code != 0 && output.stderr.contains("0003_one_way"), "{} {}", output.code, output.stderr);
    assert_eq!(applied(&environment), "3");
}

#[test]
fn a_dry_run_says_it_anywhere_and_writes_nothing() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut environment = TestEnvironment::without_database();
    environment.set_var(
        "DATABASE_URL",
        migrate_tests::environment::with_password(database.url(), migrate_tests::CANARY),
    );
    environment.migration(
        "0001_t",
        "CREATE TABLE t (a int);\nINSERT INTO t VALUES (1), (2);\n",
        "DROP TABLE t;\n",
    );
    environment.run(&["up"]).success();
    let log = cluster.log();
    let mark = log.mark();
    let output = environment.run(&["down", "--dry-run"]);
    assert!(output.success().stderr.contains("table public.t: 2 rows"), "{}", output.stderr);
    assert!(output.stdout.contains("DROP TABLE t") && !output.stdout.contains("2 rows"), "{}", output.stdout);
    assert!(log.since(mark).iter().all(|entry| entry.xid == 0), "something got a transaction id");
    let output = environment.run(&["down", "--dry-run", "--format", "json"]);
    let lines = output
        .success()
        .stderr
        .split_terminator('\n')
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let loss = lines.into_iter().find(|line| line["event"] == "loss").unwrap();
    assert_eq!(loss["steps"][0]["losses"][0]["rows"], serde_json::json!({ "kind": "exact", "number": 2 }));
    // Where nothing is protected nothing is asked, as it was.
    let output = environment.run(&["down"]);
    assert!(!output.success().stderr.contains("2 rows"), "{}", output.stderr);
}
