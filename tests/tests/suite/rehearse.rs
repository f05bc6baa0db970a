//! `rehearse`: the pending migrations on a copy of production, with what readers and writers would have waited.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use migrate_testing::ScratchDatabase;
use migrate_tests::wait::answer;
use migrate_tests::{Output, TestEnvironment, until};
use postgres::{Client, NoTls};
use rustix::process::Signal;
use serde_json::{Value, json};

const ORDERS: &str = "CREATE TABLE orders (id int PRIMARY KEY, n int);\n\
                      INSERT INTO orders SELECT g, g FROM generate_series(1, 1000) g;\n";

/// A project whose database has the first migration; the others are pending.
fn project(pending: &[(&str, &str, &str)]) -> TestEnvironment {
    let environment = TestEnvironment::new();
    environment.migration("0001_orders", ORDERS, "DROP TABLE orders;\n");
    environment.run(&["up"]).success();
    for (stem, up, down) in pending {
        environment.migration(stem, up, down);
    }
    environment.run(&["lock"]).success();
    back_up(&environment);
    environment
}

/// A verified backup of the database as it is.
fn back_up(environment: &TestEnvironment) {
    environment.run(&["backup", "create"]).success();
    environment.run(&["backup", "verify", "latest"]).success();
}

fn json(output: &Output) -> Value {
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", output.stdout))
}

/// The result of `rehearse` with these arguments, which ends in this code.
fn rehearsed(environment: &TestEnvironment, arguments: &[&str], code: i32) -> Value {
    let output = environment.run(&[&["--format", "json", "rehearse"], arguments].concat());
    let mut document = json(output.expect(code));
    document["result"].take()
}

/// The databases of rehearsals on a server.
fn databases(server: &ScratchDatabase) -> String {
    let mut client = server.connect().unwrap();
    answer(
        &mut client,
        "SELECT coalesce(string_agg(datname, ','), '') FROM pg_database WHERE datname LIKE 'rehearsal%'",
    )
}

#[test]
fn it_applies_and_rolls_back_on_a_copy_and_production_is_not_touched() {
    let environment = project(&[
        (
            "0002_total",
            "ALTER TABLE orders ALTER COLUMN n TYPE bigint;\nSELECT pg_sleep(0.2);\n",
            "ALTER TABLE orders ALTER COLUMN n TYPE int;\n",
        ),
        (
            "0003_index",
            "CREATE INDEX CONCURRENTLY orders_n ON orders (n);\n",
            "DROP INDEX CONCURRENTLY orders_n;\n",
        ),
    ]);
    let mut client = environment.client();
    let state = "SELECT md5(string_agg(t::text, ' ')) FROM schema_migrations_log t";
    let before = answer(&mut client, state);
    let result = rehearsed(&environment, &[], 0);
    assert_eq!(answer(&mut client, state), before);
    assert_eq!(
        answer(&mut client, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"),
        "1"
    );
    // And a preflight knows from now on how long they take.
    let preflight = environment.run(&["preflight"]);
    assert_eq!(preflight.success().stdout.matches(" on a copy on ").count(), 2, "{}", preflight.stdout);
    let steps = result["up"]["migrations"].as_array().unwrap();
    assert_eq!(
        (&steps[0]["migration"], &steps[1]["migration"]),
        (&json!("0002_total"), &json!("0003_index"))
    );
    let table = &steps[0]["tables"][0];
    assert_eq!((&table["table"], &table["mode"]), (&json!("public.orders"), &json!("ACCESS EXCLUSIVE")));
    assert!(table["reader_wait_ms"].as_f64().unwrap() > 150.0 && table["probed"] == true, "{table}");
    assert!(steps[0]["elapsed_ms"].as_f64().unwrap() > 200.0);
    assert_eq!(steps[0]["rewritten"][0]["name"], "public.orders");
    assert_eq!(steps[1]["built"][0]["name"], "public.orders_n");
    assert_eq!((&steps[1]["reader_wait_ms"], &steps[1]["writer_wait_ms"]), (&Value::Null, &Value::Null));
    assert_eq!(result["down"]["same_schema"], true);
    assert_eq!(result["down"]["migrations"].as_array().unwrap().len(), 2);
    assert!(result["longest_wait_ms"].as_f64().unwrap() > 150.0);
    // As a person reads it, and as it was written down.
    let shown = environment.run(&["rehearse", "--no-down"]);
    let text = &shown.success().stdout;
    for part in
        ["readers wait", "0002_total", "ACCESS EXCLUSIVE on public.orders", "the longest wait", "report: "]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let report = text.split_once("report: ").unwrap().1.trim();
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!(report["result"]["up"]["migrations"][0]["migration"], "0002_total");
    assert_eq!(report["result"]["down"], Value::Null);
    // For later estimates.
    assert!(environment.read(".migrate/log/rehearsal.json").contains("0002_total"));
}

/// How long somebody who uses a table waits who is no part of the program.
struct Observer {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<Duration>>,
}

impl Observer {
    /// Begins when the clients of the rehearsal are there: what loading the backup locks is nobody's wait.
    fn begin(url: &str, queries: [&'static str; 2]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = queries.map(|query| {
            let (url, stop) = (url.to_owned(), Arc::clone(&stop));
            std::thread::spawn(move || {
                let mut client = Client::connect(&url, NoTls).unwrap();
                let mut longest = Duration::ZERO;
                while !stop.load(Ordering::SeqCst) {
                    let began = Instant::now();
                    // The database is dropped in the end, and we with it.
                    if client.batch_execute(query).is_err() {
                        break;
                    }
                    longest = longest.max(began.elapsed());
                    std::thread::sleep(Duration::from_millis(1));
                }
                longest
            })
        });
        Self { stop, threads: threads.into() }
    }

    fn end(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::SeqCst);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

/// Issue C: rehearse reports a wait that an independent observer measured too, within 20 %.
#[test]
fn the_longest_wait_is_the_one_that_an_independent_observer_measures() {
    let environment = project(&[(
        "0002_total",
        "INSERT INTO orders SELECT g, g FROM generate_series(1001, 400000) g;\n\
         ALTER TABLE orders ALTER COLUMN n TYPE bigint;\nSELECT pg_sleep(0.5);\n",
        "DELETE FROM orders WHERE id > 1000;\nALTER TABLE orders ALTER COLUMN n TYPE int;\n",
    )]);
    let server = migrate_testing::ScratchServer::start(Default::default()).unwrap();
    let server_url = server.url("postgres");
    let mut admin = Client::connect(&server_url, NoTls).unwrap();
    let running = environment.spawn(&["--format", "json", "rehearse", "--no-down", "--server", &server_url]);
    let probing =
        "SELECT coalesce(max(datname), '') FROM pg_stat_activity WHERE application_name = 'rehearsal: probe'";
    let mut name = String::new();
    until("the clients of the rehearsal", || {
        name = answer(&mut admin, probing);
        !name.is_empty()
    });
    let queries = ["SELECT 1 FROM orders LIMIT 1", "UPDATE orders SET n = n WHERE id = 1"];
    let observer = Observer::begin(&server.url(&name), queries);
    let output = running.wait();
    let observed = observer.end();
    let step = json(output.expect(0))["result"]["up"]["migrations"][0].take();
    for (wait, observed) in ["reader_wait_ms", "writer_wait_ms"].iter().zip(observed) {
        let (told, observed) = (step[wait].as_f64().unwrap(), observed.as_secs_f64() * 1e3);
        println!("{wait}: told {told:.1} ms, observed {observed:.1} ms");
        assert!(observed > 500.0 && (told / observed - 1.0).abs() < 0.2, "{wait}: {told} and {observed}");
    }
    assert_eq!(answer(&mut admin, "SELECT count(*) FROM pg_database WHERE datname LIKE 'rehearsal%'"), "0");
}

#[test]
fn a_wait_that_is_too_long_ends_in_8() {
    let environment =
        project(&[("0002_slow", "LOCK TABLE orders IN SHARE MODE;\nSELECT pg_sleep(0.3);\n", "SELECT 1;\n")]);
    let result = rehearsed(&environment, &["--max-wait", "200ms", "--no-down"], 8);
    assert_eq!(result["too_long"], true);
    let step = &result["up"]["migrations"][0];
    assert_eq!(step["reader_wait_ms"], Value::Null, "SHARE lets readers through: {step}");
    assert!(step["writer_wait_ms"].as_f64().unwrap() > 280.0, "{step}");
    let shown = environment.run(&["rehearse", "--max-wait", "1h", "--no-down"]);
    assert!(shown.success().stdout.contains("no longer than the 60 min"), "{}", shown.stdout);
}

#[test]
fn what_fails_there_fails_with_the_error_of_up_and_nothing_of_production() {
    let environment = project(&[
        ("0002_good", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n"),
        ("0003_bad", "INSERT INTO orders VALUES (1, 1);\n", "DELETE FROM orders WHERE id = 1;\n"),
    ]);
    let failed = environment.run(&["rehearse"]);
    failed.expect(2);
    for part in ["duplicate key", "0003_bad.up.sql", "nothing of production was touched", "0002_good"] {
        assert!(failed.stderr.contains(part), "{part}: {}", failed.stderr);
    }
    let report = environment.path(".migrate/log");
    let names: Vec<_> = std::fs::read_dir(report).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().any(|name| name.to_string_lossy().starts_with("rehearse-report-")), "{names:?}");
    assert_eq!(answer(&mut environment.client(), "SELECT count(*) FROM schema_migrations"), "1");
}

#[test]
fn a_down_that_fails_or_undoes_too_little_ends_in_4() {
    let environment = project(&[("0002_a", "CREATE TABLE a ();\nCREATE TABLE b ();\n", "DROP TABLE a;\n")]);
    let result = rehearsed(&environment, &[], 4);
    assert_eq!(result["down"]["same_schema"], false);
    assert_eq!(result["down"]["changes"][0]["object"], "table public.b");
    environment.migration("0002_a", "CREATE TABLE a ();\n", "DROP TABLE nowhere;\n");
    environment.run(&["lock"]).success();
    let failed = environment.run(&["rehearse"]);
    assert!(failed.expect(4).stderr.contains("nowhere"), "{}", failed.stderr);
    rehearsed(&environment, &["--no-down"], 0);
}

#[test]
fn what_cannot_be_rolled_back_stays_and_the_rest_is_compared_with_the_schema_behind_it() {
    let environment = project(&[("0003_c", "CREATE TABLE c ();\n", "DROP TABLE c;\n")]);
    environment.write("migrations/0002_b.up.sql", "-- migrate: irreversible gone\nCREATE TABLE b ();\n");
    environment.run(&["lock"]).success();
    let result = rehearsed(&environment, &[], 0);
    let down = &result["down"];
    assert_eq!((&down["irreversible"], &down["same_schema"]), (&json!("0002_b"), &json!(true)));
    assert_eq!(down["migrations"].as_array().unwrap().len(), 1);
    environment.remove("migrations/0003_c.up.sql");
    environment.remove("migrations/0003_c.down.sql");
    environment.run(&["lock"]).success();
    let shown = environment.run(&["rehearse"]);
    assert!(shown.success().stdout.contains("not rolled back: 0002_b is irreversible"), "{}", shown.stdout);
}

#[test]
fn roles_that_a_script_takes_for_granted_are_made_on_a_server_of_our_own() {
    let environment = project(&[(
        "0002_grant",
        "CREATE TABLE a ();\nGRANT SELECT ON a TO reporting_of_rehearsal;\n",
        "DROP TABLE a;\n",
    )]);
    let result = rehearsed(&environment, &[], 0);
    assert_eq!(result["up"]["migrations"].as_array().unwrap().len(), 1);
}

#[test]
fn a_workload_is_measured_and_its_errors_are_counted() {
    let environment = project(&[(
        "0002_slow",
        "ALTER TABLE orders RENAME COLUMN n TO m;\nSELECT pg_sleep(0.3);\n",
        "ALTER TABLE orders RENAME COLUMN m TO n;\n",
    )]);
    environment.write(
        "load.sql",
        "SELECT count(*) FROM orders;\nBEGIN;\nUPDATE orders SET n = n + 1 WHERE id = 7;\nCOMMIT;\n",
    );
    let load = ["--load", "load.sql", "--clients", "2", "--warm-up", "300ms", "--rate", "400"];
    let result = rehearsed(&environment, &load, 0);
    let load = &result["load"];
    assert!(load["before"]["statements"].as_u64().unwrap() > 10, "{load}");
    assert!(load["up"]["max_ms"].as_f64().unwrap() > 250.0, "{load}");
    let of_columns = load["errors"].as_array().unwrap().iter().find(|error| error["sqlstate"] == "42703");
    if let Some(error) = of_columns {
        assert_eq!(error["line"], 3);
    }
    environment.write("load.sql", "SELECT 1;\nSELECT nothing\nFROM orders;\n");
    let refused = environment.run(&["rehearse", "--load", "load.sql"]);
    let text = &refused.expect(5).stderr;
    assert!(text.contains("load.sql:2: fails before any migration") && text.contains("42703"), "{text}");
    environment.run(&["rehearse", "--clients", "3"]).expect(5);
}

#[test]
fn without_a_verified_backup_it_says_how_to_make_one() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["lock"]).success();
    let refused = environment.run(&["rehearse"]);
    assert!(refused.expect(5).stderr.contains("cargo migrate backup create"), "{}", refused.stderr);
    // Nothing is pending; too large for the disk that was named; another environment's.
    let environment = project(&[]);
    let shown = environment.run(&["rehearse"]);
    assert!(shown.success().stdout.contains("nothing is pending"), "{}", shown.stdout);
    let file = ".migrate/backups/latest/manifest.json";
    let manifest = environment.read(file);
    let with = |key: &str, value: Value| {
        environment.write(file, &manifest);
        migrate_tests::edit_manifest(&environment.path(file), |changed| changed[key] = value);
    };
    with("database_bytes", json!(1u64 << 60));
    let refused = environment.run(&["rehearse", "--scratch-dir", "/tmp"]);
    assert!(refused.expect(5).stderr.contains("there is no room for the copy"), "{}", refused.stderr);
    // One of an environment that has a name, of the same database; and of another one.
    with("environment", json!("production"));
    environment.run(&["rehearse"]).success();
    with("server", json!("postgres://postgres@elsewhere:5432/shop"));
    environment.run(&["rehearse"]).expect(5);
    with("verified", Value::Null);
    environment.run(&["rehearse"]).expect(5);
    let result = rehearsed(&environment, &["--backup", "latest"], 0);
    assert_eq!(result["backup"]["verified"], false);
}

#[test]
fn an_interrupted_one_leaves_nothing_and_a_killed_one_a_database_that_the_next_one_names() {
    let environment = project(&[("0002_slow", "SELECT pg_sleep(60);\n", "SELECT 1;\n")]);
    let server = migrate_testing::ScratchServer::start(Default::default()).unwrap();
    let place = server.database().unwrap();
    let mut admin = place.connect().unwrap();
    let asleep = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let running = environment.spawn(&["rehearse", "--server", place.url()]);
        until("the migration", || answer(&mut admin, asleep) == "t");
        running.signal(signal);
        running.wait().expect(code);
        assert_eq!(databases(&place), "");
    }
    let running = environment.spawn(&["rehearse", "--server", place.url()]);
    until("the migration", || answer(&mut admin, asleep) == "t");
    running.signal(Signal::KILL);
    running.wait();
    let left = databases(&place);
    assert!(left.starts_with("rehearsal_"), "{left}");
    until("the killed one's sessions", || {
        answer(&mut admin, "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'rehearsal%'") == "0"
    });
    environment.migration("0002_slow", "SELECT 1;\n", "SELECT 1;\n");
    environment.run(&["lock"]).success();
    let named = environment.run(&["rehearse", "--server", place.url()]);
    assert!(named.success().stderr.contains(&left), "{}", named.stderr);
    assert_eq!(databases(&place), left);
    let kept = environment.run(&["rehearse", "--server", place.url(), "--keep"]);
    assert!(kept.success().stdout.contains("kept: the database rehearsal_"), "{}", kept.stdout);
    assert_eq!(databases(&place).split(',').count(), 2);
}

#[test]
fn a_killed_one_leaves_no_server_behind() {
    let environment = project(&[("0002_slow", "SELECT pg_sleep(60);\n", "SELECT 1;\n")]);
    let folder = environment.path("scratch");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777)).unwrap();
    let servers = || std::fs::read_dir(&folder).unwrap().count();
    let log = || {
        let server = std::fs::read_dir(&folder).unwrap().next()?.unwrap().path();
        std::fs::read_to_string(server.join("server.log")).ok()
    };
    for signal in [Signal::INT, Signal::KILL] {
        let mut running = environment.spawn(&["-v", "rehearse", "--scratch-dir", "scratch"]);
        running.wait_for_stderr("0002_slow");
        assert!(log().is_some());
        running.signal(signal);
        let ended = running.wait();
        if signal == Signal::INT {
            ended.expect(130);
        }
        until("the end of the server", || servers() == 0);
    }
}
