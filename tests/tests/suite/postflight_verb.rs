//! `cargo migrate postflight` as a person and a program run it: exit codes, screens, its report, and that it writes nothing.

use std::os::unix::fs::PermissionsExt;

use migrate_tests::environment::with_password;
use migrate_tests::wait::answer;
use migrate_tests::{CANARY, Cluster, Terminal, TestEnvironment};
use serde_json::Value;

fn project() -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration(
        "0001_orders",
        "CREATE TABLE orders (id serial PRIMARY KEY, total int, note text);\n",
        "DROP TABLE orders;\n",
    );
    environment.run(&["up"]).success();
    environment
}

fn json(environment: &TestEnvironment, code: i32, arguments: &[&str]) -> Value {
    let arguments: Vec<_> = ["postflight", "--format", "json"].iter().chain(arguments).copied().collect();
    let output = environment.run(&arguments);
    output.expect(code);
    serde_json::from_str(&output.stdout).unwrap()
}

/// What fails and what warns, each with its check.
fn found(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for check in document["result"]["checks"].as_array().unwrap() {
        for finding in check["findings"].as_array().unwrap() {
            let of = |value: &Value| value.as_str().unwrap().to_owned();
            found.push(format!(
                "{} {}: {}",
                of(&finding["severity"]),
                of(&check["check"]),
                of(&finding["what"])
            ));
        }
    }
    found
}

#[test]
fn a_database_in_order_passes_and_its_report_is_kept() {
    let environment = project();
    let output = environment.run(&["postflight"]);
    assert!(output.success().stdout.contains("postflight passed"), "{}", output.stdout);
    let document = json(&environment, 0, &[]);
    let result = &document["result"];
    assert_eq!(found(&document), [""; 0]);
    assert_eq!(result["passed"], true);
    assert_eq!(result["last_run"]["migrations"], serde_json::json!(["0001_orders"]));
    assert_eq!(result["checks"].as_array().unwrap().len(), 10);
    let digest = environment.run(&["schema", "--digest"]);
    assert!(digest.stdout.contains(result["schema_digest"].as_str().unwrap()), "{}", digest.stdout);

    let path = result["report"].as_str().unwrap();
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(kept["result"]["schema_digest"], result["schema_digest"]);
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_wrong_is_exit_3_with_the_statement_to_type() {
    let environment = project();
    let mut client = environment.client();
    client
        .batch_execute(
            "ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0) NOT VALID;\
             INSERT INTO orders (total) SELECT 1 FROM generate_series(1, 100);\
             SELECT setval('orders_id_seq', 2147483000)",
        )
        .unwrap();
    // A server knows of rows what a session told it, at its end at the latest.
    drop(client);
    let mut client = environment.client();
    migrate_tests::poll_until(&mut client, "SELECT pg_stat_get_live_tuples('orders'::regclass)", "100");
    let document = json(&environment, 3, &[]);
    assert_eq!(
        found(&document),
        [
            "failure drift: 1 difference to what the 1 applied migrations make",
            "failure constraints: check positive of public.orders is not validated",
            "warning statistics: public.orders has rows and no statistics of column id and 2 more",
            "failure sequences: sequence public.orders_id_seq of public.orders.id has used 100.0 % of its values: 647 are left",
        ]
    );
    let output = environment.run(&["postflight"]);
    output.expect(3);
    for text in [
        "ALTER TABLE public.orders VALIDATE CONSTRAINT positive;",
        "ANALYZE public.orders;",
        "ALTER TABLE public.orders ALTER COLUMN id TYPE bigint; ALTER SEQUENCE public.orders_id_seq AS bigint;",
        "postflight failed: 3 failures, 1 warning",
    ] {
        assert!(output.stdout.contains(text), "{text}\n{}", output.stdout);
    }
    // Drift can be left out, and what is meant to differ is ignored for good.
    assert!(
        !found(&json(&environment, 3, &["--no-drift"]))
            .iter()
            .any(|found| found.starts_with("failure drift"))
    );
    let manifest = environment.read("Cargo.toml")
        + "[package.metadata.migrate]\ndrift-ignore = [\"constraint public.orders.positive\"]\n";
    environment.write("Cargo.toml", manifest);
    assert!(!found(&json(&environment, 3, &[])).iter().any(|found| found.contains(" drift: ")));
}

/// A machine without any server's programs: what it has is hidden, from this one process.
#[test]
fn without_a_server_to_compare_with_drift_is_a_warning() {
    let mut environment = project();
    let empty = environment.path("no-programs");
    std::fs::create_dir(&empty).unwrap();
    environment.set_var("MIGRATE_PG_BIN", &empty);
    let mut client = environment.client();
    client.batch_execute("CREATE TABLE by_hand ()").unwrap();
    let program = environment.command(&["postflight", "--format", "json"]);
    let hide = "for folder in /usr/lib/postgresql /usr/libexec/postgresql /usr/local/pgsql; do \
                if [ -d \"$folder\" ]; then mount -t tmpfs tmpfs \"$folder\" || exit 99; fi; done; exec \"$@\"";
    let mut command = environment.program("unshare");
    command.args(["--mount", "sh", "-c", hide, "hide"]).arg(program.get_program()).args(program.get_args());
    let output = environment.capture(&mut command);
    if output.stdout.is_empty() {
        assert!(!rustix::process::geteuid().is_root(), "{output:?}");
        return;
    }
    let document: Value = serde_json::from_str(&output.success().stdout).unwrap();
    let drift = found(&document).into_iter().find(|found| found.contains(" drift: ")).unwrap();
    assert!(drift.starts_with("warning drift: could not be looked for: no PostgreSQL"), "{drift}");
    // Where there is one, there is drift.
    environment.remove_var("MIGRATE_PG_BIN");
    let documents = json_of_any_code(&environment);
    assert!(found(&documents).iter().any(|found| found.contains(" drift: 1 difference")), "{documents:#}");
}

fn json_of_any_code(environment: &TestEnvironment) -> Value {
    serde_json::from_str(&environment.run(&["postflight", "--format", "json"]).stdout).unwrap()
}

#[test]
fn the_recorded_schema_spares_the_scratch_server() {
    let environment = project();
    environment.run(&["verify", "--record"]).success();
    assert_eq!(found(&json(&environment, 0, &[])), [""; 0]);
    // A record of something else decides nothing.
    environment.write("migrations/schema.sql.snap", "table public.other\n    column id integer\n");
    assert_eq!(found(&json(&environment, 0, &[])), [""; 0]);
    let mut client = environment.client();
    client.batch_execute("CREATE TABLE by_hand ()").unwrap();
    assert_eq!(found(&json(&environment, 3, &[])).len(), 1);
}

#[test]
fn nothing_is_written_without_analyze_and_nothing_else_with_it() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", with_password(database.url(), CANARY));
    environment.migration(
        "0001_t",
        "CREATE TABLE t (id serial, a int);\nINSERT INTO t (a) SELECT generate_series(1, 1000);\n",
        "DROP TABLE t;\n",
    );
    environment.run(&["up"]).success();
    let log = cluster.log();
    let mark = log.mark();
    let output = environment.run(&["postflight", "--no-drift"]);
    assert!(output.success().stdout.contains("ANALYZE public.t;"), "{}", output.stdout);
    let wrote = log.since(mark);
    assert!(wrote.iter().all(|entry| entry.xid == 0), "something got a transaction id");
    assert_eq!(log.count(mark, "ANALYZE"), 0);
    assert!(log.errors(mark).is_empty(), "{:?}", log.errors(mark));

    let mark = log.mark();
    let output = environment.run(&["postflight", "--no-drift", "--analyze"]);
    assert!(output.success().stdout.contains("analyzed public.t\n"), "{}", output.stdout);
    assert!(!output.stdout.contains("ANALYZE"), "{}", output.stdout);
    assert_eq!(log.count(mark, "ANALYZE"), 1);
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM pg_stats WHERE tablename = 't'"), "2");
    assert_eq!(
        answer(&mut client, "SELECT count(*) FROM pg_stats WHERE tablename LIKE 'schema_migrations%'"),
        "0"
    );
}

#[test]
fn a_standby_that_fell_behind_is_told() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let standby = cluster.standby();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", with_password(database.url(), CANARY));
    environment.migration("0001_t", "CREATE TABLE t (a text);\n", "DROP TABLE t;\n");
    environment.run(&["up"]).success();
    let mut admin = cluster.admin();
    migrate_tests::poll_until(
        &mut admin,
        "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'",
        "1",
    );
    let standbys = |environment: &TestEnvironment| -> Vec<String> {
        let found = found(&json(environment, 0, &["--no-drift"]));
        found.into_iter().filter(|found| found.starts_with("warning replication: standby ")).collect()
    };
    assert_eq!(standbys(&environment), [""; 0]);
    let mut follower = standby.admin();
    follower.batch_execute("SELECT pg_wal_replay_pause()").unwrap();
    let mut client = database.connect().unwrap();
    client
        .batch_execute("INSERT INTO t SELECT repeat(md5(g::text), 60) FROM generate_series(1, 45000) g")
        .unwrap();
    let behind = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 64 * 1024 * 1024 FROM pg_stat_replication";
    migrate_tests::poll_until(&mut admin, behind, "t");
    assert!(standbys(&environment)[0].ends_with(" behind"), "{:?}", standbys(&environment));
    // It may be asked itself, too: it reads only.
    environment.set_var("DATABASE_URL", with_password(&standby.url(database.name()), CANARY));
    environment.run(&["postflight", "--no-drift"]).success();
}

#[test]
fn a_narrow_terminal_gets_it_all() {
    let mut environment = project();
    let mut client = environment.client();
    client
        .batch_execute("ALTER TABLE orders ADD CONSTRAINT \"a\u{1b}[2Jb\" CHECK (total > 0) NOT VALID")
        .unwrap();
    environment.remove_var("COLUMNS").set_var("TERM", "xterm").set_var("NO_COLOR", "1");
    let output = Terminal::start(&mut environment.command(&["postflight", "--no-drift"]), 30).wait();
    let text: String = output.expect(3).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("VALIDATE CONSTRAINT"), "{text}");
    assert!(!output.stdout.contains('\u{1b}'), "{:?}", output.stdout);
}
