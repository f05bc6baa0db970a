//! T28: long migrations, long files and long folders; and a server that ends idle sessions after a second.

use std::time::{Duration, Instant};

use migrate_tests::wait::answer;
use migrate_tests::{Cluster, TestEnvironment, binaries, nightly};

/// The largest that the program was, in kB, as `time -v` tells it in its own words: `VmHWM` of a process that still runs.
fn peak(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.split('\n').find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok())
}

/// The lock's connection is idle in a transaction for the whole of the run, and nothing of the server's may end it.
#[test]
fn the_lock_outlives_the_timeouts_of_the_role() {
    let cluster = Cluster::builder()
        .setting("idle_in_transaction_session_timeout", "1s")
        .setting("statement_timeout", "0")
        .setting("log_min_messages", "warning")
        .start();
    let mut admin = cluster.admin();
    // Since PostgreSQL 14.
    admin.batch_execute("ALTER ROLE postgres SET idle_session_timeout = '1s'").unwrap();
    let database = cluster.database();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", database.url());
    environment.migration("0001_a", "CREATE TABLE a (id int);\nSELECT pg_sleep(12);\n", "DROP TABLE a;\n");
    environment.migration("0002_b", "CREATE TABLE b (id int);\n", "DROP TABLE b;\n");
    let ended = environment.run(&["up"]);
    ended.success();
    // A log that is no terminal hears every ten seconds that it still runs.
    assert!(ended.stderr.contains("still running"), "{}", ended.stderr);
    let mut client = database.connect().unwrap();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "2");
}

#[test]
fn ten_thousand_statements_in_a_file() {
    nightly!();
    let environment = TestEnvironment::new();
    let mut up = "CREATE TABLE t (id int PRIMARY KEY, text text);\n".to_owned();
    for number in 0..10_000 {
        up += &format!("INSERT INTO t VALUES ({number}, 'row; number {number}');\n");
    }
    environment.migration("0001_rows", &up, "DROP TABLE t;\n");
    environment.run(&["up"]).success();
    assert_eq!(answer(&mut environment.client(), "SELECT count(*) FROM t"), "10000");
    environment.run(&["down"]).success();
}

#[test]
fn five_thousand_files() {
    nightly!();
    let environment = TestEnvironment::new();
    for number in 1..=2_500 {
        environment.migration(
            &format!("{number:04}_t"),
            &format!("CREATE TABLE t{number} (id int);\n"),
            &format!("DROP TABLE t{number};\n"),
        );
    }
    environment.run(&["lock"]).success();
    binaries::program("cargo-migrate");
    let mut running = environment.spawn(&["up"]);
    let mut largest = 0;
    while !running.ended() {
        largest = peak(running.pid()).unwrap_or_default().max(largest);
    }
    running.wait().success();
    assert_eq!(answer(&mut environment.client(), "SELECT count(*) FROM schema_migrations"), "2500");
    assert!(largest < 150_000, "{largest} kB");
    // Reported, not asserted: a loaded machine is no defect.
    let started = Instant::now();
    environment.run(&["up"]).success();
    let again: Duration = started.elapsed();
    eprintln!("nothing to do with 2,500 migrations: {again:?}; the largest memory of the run: {largest} kB");
}
