//! `verify` and the server that it is given: its databases are dropped whatever happens, and nothing else is touched.

use migrate_tests::wait::answer;
use migrate_tests::{Cluster, TestEnvironment, until};
use rustix::process::Signal;

const SCRATCH: &str = "SELECT count(*) FROM pg_database WHERE datname LIKE 'cargo\\_migrate\\_verify\\_%'";

/// A project that is told of a database of this cluster.
fn project(url: &str) -> TestEnvironment {
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", url);
    environment.migration("0001_a", "CREATE TABLE a (id int);", "DROP TABLE a;");
    environment
}

#[test]
fn an_interrupt_leaves_no_database() {
    let cluster = Cluster::start();
    let database = cluster.database();
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let environment = project(database.url());
        environment.migration("0002_b", "SELECT pg_sleep(600);", "SELECT 1;");
        let running = environment.spawn(&["verify"]);
        let mut admin = cluster.admin();
        until("the migration that sleeps", || {
            let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
            answer(&mut admin, asleep) == "1"
        });
        assert_ne!(answer(&mut admin, SCRATCH), "0");
        running.signal(signal);
        running.wait().expect(code);
        assert_eq!(answer(&mut admin, SCRATCH), "0");
    }
}

#[test]
fn what_a_killed_run_left_is_dropped_by_the_next_and_what_is_in_use_is_not() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let sleeping = project(database.url());
    sleeping.migration("0002_b", "SELECT pg_sleep(600);", "SELECT 1;");
    let mut admin = cluster.admin();
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    let killed = sleeping.spawn(&["verify"]);
    until("the first run sleeps", || answer(&mut admin, asleep) == "1");
    killed.kill();
    // The server notices that a client is gone when the statement ends.
    admin
        .batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
        .unwrap();
    until("its sessions are gone", || {
        answer(
            &mut admin,
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'cargo-migrate: %'",
        ) == "0"
    });
    let left = answer(&mut admin, SCRATCH);
    assert_ne!(left, "0");

    let alive = sleeping.spawn(&["verify"]);
    until("the second run sleeps", || answer(&mut admin, asleep) == "1");
    let of_the_living = answer(&mut admin, SCRATCH);
    assert_eq!(of_the_living, left, "its own, and none of the killed one's");
    project(database.url()).run(&["verify"]).success();
    assert_eq!(answer(&mut admin, SCRATCH), of_the_living);
    alive.signal(Signal::INT);
    alive.wait().expect(130);
    assert_eq!(answer(&mut admin, SCRATCH), "0");
}

#[test]
fn the_database_itself_is_not_touched() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut client = database.connect().unwrap();
    client.batch_execute("CREATE TABLE a (id int); INSERT INTO a VALUES (7)").unwrap();
    let environment = project(database.url());
    let counters = format!(
        "SELECT tup_inserted + tup_updated + tup_deleted FROM pg_stat_database WHERE datname = '{}'",
        database.name()
    );
    client.batch_execute("SELECT pg_stat_force_next_flush()").unwrap();
    let before = answer(&mut client, &counters);
    let mark = cluster.log().mark();
    environment.run(&["verify"]).success();
    client.batch_execute("SELECT pg_stat_clear_snapshot()").unwrap();
    assert_eq!(answer(&mut client, &counters), before);
    assert_eq!(
        answer(
            &mut client,
            "SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ),
        "a"
    );
    assert_eq!(answer(&mut client, SCRATCH), "0");
    let statements = cluster.log().statements(mark);
    assert!(
        statements.iter().any(|statement| statement.starts_with("CREATE DATABASE cargo_migrate_verify_"))
    );
}

#[test]
fn who_may_not_make_databases_is_told_what_to_do() {
    let cluster = Cluster::start();
    let database = cluster.database();
    cluster.admin().batch_execute("CREATE ROLE modest LOGIN").unwrap();
    let environment = project(&database.url().replace("//postgres@", "//modest@"));
    let output = environment.run(&["verify"]);
    assert!(output.expect(5).stderr.contains("ALTER ROLE modest CREATEDB"), "{}", output.stderr);
    environment.run(&["verify", "--scratch"]).success();
}

#[test]
fn what_is_done_to_the_whole_server_is_refused_on_one_that_is_not_ours() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    environment.migration("0002_b", "SELECT 1;\nCREATE ROLE of_b;", "DROP ROLE of_b;");
    let output = environment.run(&["verify"]);
    assert!(output.expect(1).stderr.contains("0002_b.up.sql:2: CREATE ROLE"), "{}", output.stderr);
    assert_eq!(answer(&mut cluster.admin(), SCRATCH), "0");
    environment.run(&["verify", "--scratch"]).success();
}
