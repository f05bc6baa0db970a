//! `preflight`: what other sessions do that would be in a run's way, each on a real server put in that state.

use migrate_tests::{Cluster, TestEnvironment, poll_until};
use postgres::{Client, NoTls};

use crate::preflight::{self, Seen};

const WORK: (&str, &str, &str) =
    ("0002_work", "ALTER TABLE orders ADD COLUMN note text;\n", "ALTER TABLE orders DROP COLUMN note;\n");

/// A project whose pending migration works on a table that is there.
fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_orders", "CREATE TABLE orders (id int);\n", "DROP TABLE orders;\n");
    environment.run(&["up"]).success();
    environment.migration(WORK.0, WORK.1, WORK.2);
    environment
}

/// A session of another application that is in a transaction.
fn in_transaction(environment: &TestEnvironment, application: &str, sql: &str) -> (Client, i64) {
    let url = format!("{}&application_name={application}", environment.database().url());
    let mut client = Client::connect(&url, NoTls).unwrap();
    client.batch_execute(&format!("BEGIN; {sql}")).unwrap();
    let pid: i32 = client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    (client, i64::from(pid))
}

#[test]
fn nothing_is_found_where_nothing_is() {
    let environment = project();
    let seen = Seen::passed(&environment, &[]);
    for check in ["long-transactions", "idle-in-transaction", "prepared-transactions", "history", "writable"]
    {
        assert_eq!(seen.severity(check), "ok", "{check}: {}", seen.result);
    }
}

#[test]
fn an_old_transaction_is_told_and_one_with_a_lock_stops_the_run() {
    let environment = project();
    let (client, pid) = in_transaction(&environment, "reporting", "SELECT 1");
    let seen = Seen::passed(&environment, &["--max-transaction-age", "1ms"]);
    let finding = seen.only("long-transactions", "warning");
    assert_eq!(finding["data"]["pid"], pid);
    assert_eq!(finding["data"]["application"], "reporting");
    assert_eq!(finding["data"]["state"], "idle in transaction");
    assert_eq!(finding["data"]["query"], "SELECT pg_backend_pid()");
    assert!(finding["data"]["transaction_ms"].as_u64().is_some());
    assert_eq!(finding["remedy"], format!("SELECT pg_terminate_backend({pid});"));
    drop(client);

    let (_client, pid) = in_transaction(&environment, "psql", "INSERT INTO orders VALUES (1)");
    let seen = Seen::failed(&environment, &["--max-transaction-age", "1ms"]);
    let finding = seen.only("long-transactions", "failure");
    assert_eq!(
        finding["data"]["conflicts"],
        serde_json::json!([{
            "table": "public.orders", "held": "ROW EXCLUSIVE", "wanted": "ACCESS EXCLUSIVE", "migration": "0002_work",
        }])
    );
    assert!(
        finding["what"].as_str().unwrap().contains(&format!("session {pid} (psql, postgres@local)")),
        "{finding}"
    );
    // It is young for the default.
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(seen.severity("long-transactions"), "ok");
    // Known, and allowed: the marker keeps why.
    let allow = "long-transactions=the nightly report";
    let seen = Seen::passed(&environment, &["--max-transaction-age", "1ms", "--allow", allow]);
    assert_eq!(seen.only("long-transactions", "warning")["data"]["allowed"], "the nightly report");
    let marker: serde_json::Value = serde_json::from_str(&preflight::marker(&environment)).unwrap();
    assert_eq!(
        marker["allowed"],
        serde_json::json!([{ "check": "long-transactions", "reason": "the nightly report" }])
    );
}

#[test]
fn a_password_in_the_query_of_another_session_is_masked() {
    let environment = project();
    let sql = format!("SELECT 1; ALTER ROLE postgres PASSWORD '{}'", migrate_tests::CANARY);
    let url = environment.database().url();
    let mut client = Client::connect(url, NoTls).unwrap();
    client.batch_execute(&format!("BEGIN; {sql}")).unwrap();
    // `Seen` searches what was printed, the environment all files that were written.
    let seen = Seen::passed(&environment, &["--max-transaction-age", "1ms"]);
    let finding = seen.only("long-transactions", "warning");
    assert!(finding["data"]["query"].as_str().unwrap().contains("PASSWORD '***'"), "{finding}");
    let text = environment.run(&["preflight", "--max-transaction-age", "1ms"]);
    assert!(text.success().stdout.contains("PASSWORD '***'"), "{}", text.stdout);
    client.batch_execute("ROLLBACK").unwrap();
}

#[test]
fn idle_in_transaction_is_told_briefly_and_stops_the_run_where_it_stays_with_a_lock() {
    let environment = project();
    let (mut client, pid) = in_transaction(&environment, "web", "SELECT 1");
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(seen.only("idle-in-transaction", "info")["data"]["sessions"][0]["pid"], pid);
    client.batch_execute("LOCK TABLE orders IN SHARE MODE").unwrap();
    let seen = Seen::passed(&environment, &[]);
    let finding = seen.only("idle-in-transaction", "warning");
    assert_eq!(finding["data"]["conflicts"][0]["held"], "SHARE");
    let mut admin = environment.client();
    let idle = format!(
        "SELECT state_change < clock_timestamp() - interval '5 s' FROM pg_stat_activity WHERE pid = {pid}"
    );
    poll_until(&mut admin, &idle, "t");
    let seen = Seen::failed(&environment, &[]);
    assert_eq!(seen.only("idle-in-transaction", "failure")["data"]["pid"], pid);
    // Old as well, it is told once.
    let seen = Seen::failed(&environment, &["--max-transaction-age", "1ms"]);
    assert_eq!(seen.only("idle-in-transaction", "info")["data"]["sessions"][0]["pid"], pid);
    seen.only("long-transactions", "failure");
}

#[test]
fn a_prepared_transaction_stops_the_run_where_it_holds_a_table() {
    let cluster = Cluster::builder().setting("max_prepared_transactions", "2").start();
    let database = cluster.database();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", database.url());
    environment.migration("0001_orders", "CREATE TABLE orders (id int);\n", "DROP TABLE orders;\n");
    environment.run(&["up"]).success();
    environment.migration(WORK.0, WORK.1, WORK.2);
    let mut client = database.connect().unwrap();
    client.batch_execute("BEGIN; SELECT pg_current_xact_id(); PREPARE TRANSACTION 'it''s'").unwrap();
    let seen = Seen::passed(&environment, &[]);
    assert_eq!(seen.only("prepared-transactions", "info")["data"]["gid"], "it's");
    let seen = Seen::passed(&environment, &["--max-transaction-age", "1ms"]);
    let finding = seen.only("prepared-transactions", "warning");
    assert!(finding["remedy"].as_str().unwrap().contains("ROLLBACK PREPARED 'it''s';"), "{finding}");
    client.batch_execute("BEGIN; INSERT INTO orders VALUES (1); PREPARE TRANSACTION 'two'").unwrap();
    let check = || {
        let seen = Seen::failed(&environment, &[]);
        let findings = seen.findings("prepared-transactions");
        let two = findings.iter().find(|finding| finding["data"]["gid"] == "two").unwrap();
        assert_eq!(
            (&two["severity"], &two["data"]["conflicts"][0]["table"]),
            (&"failure".into(), &"public.orders".into())
        );
    };
    check();
    // After a restart it has no session that it came from.
    drop(client);
    cluster.restart(migrate_testing::StopMode::Fast);
    check();
    let mut client = database.connect().unwrap();
    for sql in ["ROLLBACK PREPARED 'two'", "COMMIT PREPARED 'it''s'"] {
        client.batch_execute(sql).unwrap();
    }
    assert_eq!(Seen::passed(&environment, &[]).severity("prepared-transactions"), "ok");
}
