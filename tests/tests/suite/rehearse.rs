//! `rehearse`: the pending migrations on a copy of production, with what readers and writers would have waited.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use migrate_testing::{Binaries, ScratchDatabase, ScratchServer, ScratchSettings};
use migrate_tests::wait::answer;
use migrate_tests::{Output, TestEnvironment, nightly, until};
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
    // Statement by statement: the first is the one that others wait for, the second the one that lasts.
    let [alter, sleep] = steps[0]["statements"].as_array().unwrap().as_slice() else {
        panic!("{}", steps[0])
    };
    let lock = &alter["locks"][0];
    assert_eq!((&lock["table"], &lock["mode"]), (&table["table"], &table["mode"]), "{alter}");
    assert_eq!(lock["reader_wait_ms"], table["reader_wait_ms"], "{alter}");
    assert_eq!((&alter["rewritten"], &sleep["rewritten"]), (&steps[0]["rewritten"], &json!([])));
    assert_eq!((&alter["line"], &sleep["line"]), (&json!(1), &json!(2)));
    assert!(alter["sql"].as_str().unwrap().starts_with("ALTER TABLE orders"), "{alter}");
    assert!(sleep["elapsed_ms"].as_f64().unwrap() >= 200.0 && sleep["locks"] == json!([]), "{sleep}");
    assert_eq!(steps[1]["statements"][0]["built"], steps[1]["built"]);
    let back = &result["down"]["migrations"][1]["statements"][0];
    assert!(back["sql"].as_str().unwrap().ends_with("TYPE int") && back["rewritten"] != json!([]), "{back}");
    assert_eq!(steps[1]["built"][0]["name"], "public.orders_n");
    assert_eq!((&steps[1]["reader_wait_ms"], &steps[1]["writer_wait_ms"]), (&Value::Null, &Value::Null));
    assert_eq!(result["down"]["same_schema"], true);
    assert_eq!(result["down"]["migrations"].as_array().unwrap().len(), 2);
    assert!(result["longest_wait_ms"].as_f64().unwrap() > 150.0);
    // As a person reads it, and as it was written down.
    let shown = environment.run(&["rehearse", "--no-down"]);
    let text = &shown.success().stdout;
    for part in [
        "readers wait",
        "0002_total",
        "ACCESS EXCLUSIVE on public.orders",
        "the longest wait",
        "report: ",
        "): ALTER TABLE orders ALTER COLUMN n TYPE bigint\n    takes ACCESS EXCLUSIVE on public.orders: a reader",
        "line 2 (2",
        "): SELECT pg_sleep(0.2)",
    ] {
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
    assert_eq!(failed.stderr.matches("migration `0003_bad` failed").count(), 1, "{}", failed.stderr);
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

/// What an application meets, before the migrations and meanwhile, is what one of our own meets that does the same.
#[test]
fn the_load_is_as_slow_as_an_independent_observer_finds_it() {
    const QUERY: &str = "SELECT pg_sleep(0.2), count(*) FROM orders";
    let environment = project(&[("0002_slow", "LOCK TABLE orders;\nSELECT pg_sleep(2);\n", "SELECT 1;\n")]);
    environment.write("load.sql", format!("{QUERY};\n"));
    let server = ScratchServer::start(Default::default()).unwrap();
    let server_url = server.url("postgres");
    let mut admin = Client::connect(&server_url, NoTls).unwrap();
    let load = ["--load", "load.sql", "--clients", "2", "--warm-up", "3s", "--no-down", "--server"];
    let running =
        environment.spawn(&[&["--format", "json", "rehearse"][..], &load, &[server_url.as_str()]].concat());
    let loading = "SELECT coalesce(max(datname), '') FROM pg_stat_activity \
                   WHERE application_name = 'rehearsal: load' AND query LIKE '%pg_sleep%'";
    let mut name = String::new();
    until("the clients of the workload", || {
        name = answer(&mut admin, loading);
        !name.is_empty()
    });
    let mut client = Client::connect(&server.url(&name), NoTls).unwrap();
    let mut met = Vec::new();
    until("the migration's lock", || {
        let began = Instant::now();
        client.batch_execute(QUERY).unwrap();
        met.push(began.elapsed().as_secs_f64() * 1e3);
        met.last() > Some(&1500.0)
    });
    drop(client);
    let output = running.wait();
    let load = json(output.expect(0))["result"]["load"].take();
    let waited = met.pop().unwrap();
    met.sort_by(f64::total_cmp);
    let usual = met[met.len() / 2];
    println!("usually {usual:.1} ms, meanwhile {waited:.1} ms: {load}");
    let told = |phase: &str, what: &str| load[phase][what].as_f64().unwrap();
    assert!((told("before", "p50_ms") / usual - 1.0).abs() < 0.2, "{usual}: {load}");
    assert!((told("up", "max_ms") / waited - 1.0).abs() < 0.2, "{waited}: {load}");
}

/// Other majors than the backup's: pg_restore loads what 15 wrote into all of them.
#[test]
fn servers_of_every_version_are_rehearsed_on() {
    nightly!();
    let environment = project(&[(
        "0002_total",
        "ALTER TABLE orders ALTER COLUMN n TYPE bigint;\nSELECT pg_sleep(0.3);\nCREATE INDEX orders_n ON orders (n);\n",
        "DROP INDEX orders_n;\nALTER TABLE orders ALTER COLUMN n TYPE int;\n",
    )]);
    for major in [14, 16, 17, 18] {
        let binaries = Some(Binaries::find(Some(major)).unwrap());
        let server = ScratchServer::start(ScratchSettings { binaries, ..Default::default() }).unwrap();
        let result = rehearsed(&environment, &["--server", &server.url("postgres")], 0);
        assert_eq!(result["server_version"].as_u64().unwrap() / 10_000, u64::from(major));
        let step = &result["up"]["migrations"][0];
        println!("{major}: {step}");
        assert!(step["reader_wait_ms"].as_f64().unwrap() > 280.0, "{major}: {step}");
        assert_eq!(
            (&step["rewritten"][0]["name"], &step["built"][0]["name"]),
            (&json!("public.orders"), &json!("public.orders_n"))
        );
        let statements = step["statements"].as_array().unwrap();
        assert_eq!(statements.len(), 3, "{major}");
        assert_eq!(statements[0]["rewritten"][0]["name"], "public.orders", "{major}");
        assert!(statements[1]["elapsed_ms"].as_f64().unwrap() >= 300.0, "{major}");
        assert_eq!(statements[2]["built"][0]["name"], "public.orders_n", "{major}");
        assert_eq!(result["down"]["same_schema"], true, "{major}");
    }
}

#[test]
fn without_a_verified_backup_it_says_how_to_make_one() {
    let environment = TestEnvironment::new();
    environment.migration("0001_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.run(&["lock"]).success();
    let refused = environment.run(&["rehearse"]);
    assert!(refused.expect(5).stderr.contains("cargo migrate backup create"), "{}", refused.stderr);
    // Too large for the disk that was named; another environment's.
    let environment = project(&[("0002_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n")]);
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

/// The archive is none any more, so that whatever gets as far as loading it is told so.
#[test]
fn what_is_known_before_is_told_before_anything_is_loaded() {
    let mut environment = project(&[]);
    let archive = environment.path(".migrate/backups/latest/archive.dump");
    std::fs::write(&archive, "none").unwrap();
    let damaged = "is damaged";
    let told = |environment: &TestEnvironment, arguments: &[&str], code: i32, words: &str| {
        let output = environment.run(&[&["rehearse"], arguments].concat());
        output.expect(code);
        let all = format!("{}{}", output.stdout, output.stderr);
        assert!(all.contains(words) && (words == damaged || !all.contains(damaged)), "{words}: {all}");
    };
    told(&environment, &[], 0, "nothing is pending");
    let result = rehearsed(&environment, &[], 0);
    assert_eq!(
        (&result["up"], &result["server"], &result["restore_ms"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    // The history does not fit the folder.
    environment.migration("0001_orders", &format!("{ORDERS}SELECT 1;\n"), "DROP TABLE orders;\n");
    environment.run(&["lock"]).success();
    told(&environment, &[], 9, "0001_orders");
    environment.migration("0001_orders", ORDERS, "DROP TABLE orders;\n");
    // A half that is not there, a lock that git could not merge, one that does not fit.
    let down = environment.write("migrations/0002_a.up.sql", "CREATE TABLE a ();\n");
    told(&environment, &[], 5, "0002_a");
    std::fs::remove_file(down).unwrap();
    environment.migration("0002_a", "CREATE TABLE a ();\n", "DROP TABLE a;\n");
    environment.set_var("CI", "1");
    told(&environment, &[], 1, "migrations.lock");
    environment.remove_var("CI");
    environment.run(&["lock"]).success();
    let lock = environment.read("migrations/migrations.lock");
    environment.write("migrations/migrations.lock", format!("<<<<<<< ours\n{lock}"));
    told(&environment, &[], 1, "migrations.lock");
    environment.write("migrations/migrations.lock", lock);
    // A workload that says nothing, a disk that is too small, programs that are not there, a proof that was not made.
    environment.write("load.sql", "SELECT 'x");
    told(&environment, &["--load", "load.sql"], 5, "load.sql:1");
    told(&environment, &["--scratch-dir", "/proc"], 5, "no room");
    told(&environment, &["--server", "postgres://nobody@127.0.0.1:1/none"], 6, "127.0.0.1");
    environment.set_var("MIGRATE_PG_CLIENT_BIN", environment.path("nowhere"));
    told(&environment, &[], 5, "MIGRATE_PG_CLIENT_BIN");
    environment.remove_var("MIGRATE_PG_CLIENT_BIN");
    // And all of this in order:
    told(&environment, &[], 1, damaged);
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
