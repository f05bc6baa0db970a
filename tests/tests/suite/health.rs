//! `health`: each state of a database that needs a person, and those that do not.

use std::time::Instant;

use migrate_runtime::core::Checksum;
use migrate_tests::production::has_pg_dump;
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, PgBouncer, TestEnvironment, nightly, poll_until, skip};
use serde_json::Value;

const PROTECTED: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
    [package.metadata.migrate.env.production]\ndatabase = \"env:DATABASE_URL\"\nprotected = true\n";

fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.write("Cargo.toml", PROTECTED);
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.run(&["lock"]).success();
    environment
}

#[track_caller]
fn health(environment: &TestEnvironment, code: i32) -> Value {
    let output = environment.run(&["--format", "json", "--env", "production", "health"]);
    let document: Value = serde_json::from_str(&output.expect(code).stdout).unwrap();
    document["result"].clone()
}

#[track_caller]
fn attention(environment: &TestEnvironment) -> String {
    let health = health(environment, 8);
    assert_eq!(health["healthy"], false);
    let names = health["attention"].as_array().unwrap();
    names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_state_is_told() {
    let environment = project();
    let mut client = environment.client();
    assert_eq!(attention(&environment), "pending");
    let nothing = "SELECT count(*) FROM pg_class WHERE relname LIKE 'schema_migrations%'";
    assert_eq!(answer(&mut client, nothing), "0");
    let force = ["--env", "production", "up", "--force", "a test"];
    environment.run(&force).success();
    let well = health(&environment, 0);
    assert_eq!((&well["healthy"], &well["environment"]), (&true.into(), &"production".into()));
    assert_eq!((&well["history"]["applied"], &well["history"]["pending"]), (&1.into(), &0.into()));
    assert_eq!((&well["drift"]["state"], &well["drift"]["why"]), (&"none".into(), &Value::Null), "{well}");
    assert_eq!((&well["last_run"]["action"], &well["last_run"]["outcome"]), (&"up".into(), &"ok".into()));
    assert!(well["server"]["round_trip_ms"].is_f64() && well["server"]["standby"] == false);

    // Changed by hand: the digest that the run noted tells, and the full comparison says how much.
    client.batch_execute("ALTER TABLE a ADD by_hand int").unwrap();
    assert_eq!(attention(&environment), "drift");
    let output = environment.run(&["--env", "production", "health", "--drift"]);
    assert!(
        output.expect(8).stdout.contains("found: 1 object: the schema is not as what"),
        "{}",
        output.stdout
    );
    client.batch_execute("ALTER TABLE a DROP by_hand").unwrap();

    client.batch_execute("UPDATE schema_migrations SET dirty = true").unwrap();
    assert!(attention(&environment).starts_with("dirty"));
    client.batch_execute("UPDATE schema_migrations SET dirty = false, checksum = repeat('0', 64)").unwrap();
    assert_eq!(attention(&environment), "modified");
    let human = environment.run(&["--env", "production", "health"]);
    assert!(human.expect(8).stdout.contains("needs attention: modified: postgres://"), "{}", human.stdout);
    assert!(human.stdout.contains("1 modified (0001_a)"), "{}", human.stdout);
}

#[test]
fn a_failed_last_run_and_an_open_transaction_are_told() {
    let environment = project();
    let force = ["--env", "production", "up", "--force", "a test"];
    environment.run(&force).success();
    environment.migration("0002_b", "SELECT 1/0;\n", "SELECT 1;\n");
    environment.run(&["lock"]).success();
    environment.run(&force).expect(2);
    assert_eq!(attention(&environment), "pending last_run_failed");
    environment.remove("migrations/0002_b.up.sql");
    environment.remove("migrations/0002_b.down.sql");
    environment.run(&["lock"]).success();
    assert_eq!(attention(&environment), "last_run_failed");

    let mut idle = environment.client();
    idle.batch_execute("BEGIN; SELECT 'hello, watcher'").unwrap();
    let health = health(&environment, 8);
    let oldest = &health["server"]["oldest_transaction"];
    assert_eq!(
        (&oldest["state"], &oldest["query"]),
        (&"idle in transaction".into(), &"BEGIN; SELECT 'hello, watcher'".into())
    );
}

#[test]
fn what_cannot_be_known_is_said() {
    let environment = project();
    // Applied where nothing is protected, nothing was noted.
    environment.run(&["up"]).success();
    let unknown = health(&environment, 0);
    assert_eq!(unknown["drift"]["state"], "not_checked", "{unknown}");
    assert!(unknown["drift"]["why"].as_str().unwrap().contains("no digest"));
    let full = environment.run(&["--env", "production", "health", "--drift"]);
    assert!(full.success().stdout.contains("none: as what the applied migrations make"), "{}", full.stdout);
    // Noted, then changed by somebody else's run: the note is old.
    environment.run(&["--env", "production", "redo", "--force", "a test"]).success();
    assert_eq!(health(&environment, 0)["drift"]["state"], "none");
    environment.run(&["redo"]).success();
    assert_eq!(health(&environment, 0)["drift"]["state"], "not_checked");
}

/// Only `up`, `down` and `redo` noted it once: after a deployment nobody could tell cheaply.
#[test]
fn a_deployment_notes_the_schema_as_any_other_run_does() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = project();
    environment.run(&["--env", "production", "deploy"]).success();
    assert_eq!(health(&environment, 0)["drift"]["state"], "none");
    environment.migration("0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    environment.migration("0003_c", "SELECT 1/0;\n", "SELECT 1;\n");
    environment.run(&["lock"]).success();
    environment.run(&["--env", "production", "deploy", "--on-failure", "rollback"]).expect(2);
    let taken_back = health(&environment, 8);
    assert_eq!(taken_back["drift"]["state"], "none", "{taken_back}");
    let mut client = environment.client();
    client.batch_execute("ALTER TABLE a ADD by_hand int").unwrap();
    assert_eq!(health(&environment, 8)["drift"]["state"], "found");
}

/// A watcher's role, which may read the history and nothing else; and the same behind a pooler.
#[test]
fn a_watcher_needs_no_more_than_the_history() {
    let mut environment = project();
    let cluster = Cluster::start();
    let database = cluster.database();
    environment.set_var("DATABASE_URL", database.url());
    environment.run(&["--env", "production", "up", "--force", "a test"]).success();
    let mut admin = database.connect().unwrap();
    admin.batch_execute("CREATE ROLE watcher LOGIN; GRANT SELECT ON schema_migrations TO watcher").unwrap();
    let url = database.url().replacen("postgres@", "watcher@", 1).replace("user=postgres", "user=watcher");
    assert_ne!(url, database.url());
    environment.set_var("DATABASE_URL", &url);
    let looked = health(&environment, 0);
    assert_eq!(
        (&looked["last_run"], &looked["drift"]["state"]),
        (&Value::Null, &"not_checked".into()),
        "{looked}"
    );
    assert!(looked["drift"]["why"].as_str().unwrap().contains("may not read the audit log"), "{looked}");
    admin.batch_execute("GRANT SELECT ON schema_migrations_log TO watcher").unwrap();
    assert_eq!(health(&environment, 0)["drift"]["state"], "none");
    let Some(program) = PgBouncer::program() else { skip!("PgBouncer is not installed") };
    let pooler = PgBouncer::start(program, &cluster, 2);
    environment.set_var("DATABASE_URL", pooler.url(database.name()));
    let looked = health(&environment, 0);
    assert_eq!((&looked["last_run"]["action"], &looked["drift"]["state"]), (&"up".into(), &"none".into()));
}

/// What a year of a hundred developers leaves.
#[test]
fn ten_thousand_migrations_are_looked_at_in_seconds() {
    nightly!();
    let environment = TestEnvironment::new();
    let stem = |number: usize| format!("{number:05}_m");
    let text = |number: usize| format!("SELECT {number};\n");
    for number in 1..=10_000 {
        environment.write(format!("migrations/{}.up.sql", stem(number)), text(number));
        environment.write(format!("migrations/{}.down.sql", stem(number)), text(number));
    }
    environment.run(&["up", "--steps", "1"]).success();
    let rows = (2..=10_000).map(|number| format!("('{}', '{}')", stem(number), Checksum::of(&text(number))));
    let insert = format!(
        "INSERT INTO schema_migrations (version, checksum) VALUES {}",
        rows.collect::<Vec<_>>().join(",")
    );
    environment.client().batch_execute(&insert).unwrap();
    let began = Instant::now();
    let output = environment.run(&["--format", "json", "health"]);
    let took = began.elapsed();
    let document: Value = serde_json::from_str(&output.success().stdout).unwrap();
    println!("10,000 migrations: {took:?}");
    assert_eq!(document["result"]["history"]["applied"], 10_000);
    assert!(took.as_secs() < 20 && output.stdout.len() < 10_000, "{took:?}");
}

#[test]
fn a_server_that_is_gone_is_6_and_a_standby_is_looked_at() {
    let mut environment = project();
    let cluster = Cluster::start();
    let database = cluster.database();
    environment.set_var("DATABASE_URL", database.url());
    environment.run(&["--env", "production", "up", "--force", "a test"]).success();
    let standby = cluster.standby();
    let url = standby.url(database.name());
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    poll_until(&mut client, "SELECT version FROM schema_migrations", "0001_a");
    let schema = "SELECT count(*) FROM schema_migrations_log WHERE action = 'schema'";
    poll_until(&mut client, schema, "1");
    environment.set_var("DATABASE_URL", &url);
    let looked = health(&environment, 0);
    assert_eq!((&looked["server"]["standby"], &looked["drift"]["state"]), (&true.into(), &"none".into()));
    environment.set_var("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let output = environment.run(&["--format", "json", "--env", "production", "health"]);
    let document: Value = serde_json::from_str(&output.expect(6).stdout).unwrap();
    assert!(document["error"]["kind"].is_string() && document["exit_code"] == 6);
}
