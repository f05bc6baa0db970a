//! `preflight` beside dumps, index builds and vacuums, each at work for real.

use std::process::{Command, Stdio};

use migrate_testing::ClientPrograms;
use migrate_tests::{Cluster, poll_until};

use crate::preflight::Seen;
use crate::preflight_server::project;

#[test]
fn a_dump_is_told_for_as_long_as_it_reads() {
    let cluster = Cluster::start();
    let programs = match ClientPrograms::find(cluster.server().binaries().major) {
        Ok(programs) => programs,
        Err(error) => migrate_tests::skip!("{error}"),
    };
    let database = cluster.database();
    let environment = project(database.url());
    let mut client = database.connect().unwrap();
    client.batch_execute("INSERT INTO orders SELECT generate_series(1, 300000)").unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("maintenance"), "ok");
    // Nobody reads what it writes: it goes on until the pipe is full, and then it waits.
    let mut dump = Command::new(&programs.pg_dump)
        .arg("--dbname")
        .arg(database.url())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let dumping = "SELECT count(*) FROM pg_stat_activity a JOIN pg_stat_progress_copy p ON p.pid = a.pid \
                   WHERE a.application_name = 'pg_dump' AND p.relid = 'orders'::regclass";
    poll_until(&mut client, dumping, "1");
    let seen = Seen::failed(&environment, &[]);
    let finding = seen.only("maintenance", "failure");
    assert_eq!(finding["data"]["command"], "pg_dump", "{finding:#}");
    assert_eq!(finding["data"]["conflicts"][0]["held"], "ACCESS SHARE", "{finding:#}");
    // Rows can be written beside it, but an index cannot be built concurrently.
    environment.migration("0002_work", "UPDATE orders SET id = id WHERE id < 10;\n", "SELECT 1;\n");
    assert_eq!(Seen::passed(&environment, &[]).severity("maintenance"), "ok");
    environment.migration(
        "0002_work",
        "CREATE INDEX CONCURRENTLY orders_id ON orders (id);\n",
        "DROP INDEX orders_id;\n",
    );
    let seen = Seen::passed(&environment, &[]);
    assert!(seen.only("maintenance", "warning")["details"].to_string().contains("concurrently"));
    dump.kill().unwrap();
    dump.wait().unwrap();
    poll_until(&mut client, dumping, "0");
    assert_eq!(Seen::passed(&environment, &[]).severity("maintenance"), "ok");
}

#[test]
fn an_index_that_is_built_is_told_and_stops_the_run_where_it_takes_long() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    // Whoever has written to the table keeps the build waiting, and the build has the table locked.
    let mut writer = database.connect().unwrap();
    writer.batch_execute("BEGIN; INSERT INTO orders VALUES (1)").unwrap();
    let mut builder = database.connect().unwrap();
    let built = std::thread::spawn(move || {
        builder.batch_execute("CREATE INDEX CONCURRENTLY orders_id ON orders (id)").unwrap();
    });
    let mut admin = database.connect().unwrap();
    poll_until(&mut admin, "SELECT count(*) FROM pg_stat_progress_create_index", "1");
    let seen = Seen::whatever(&environment, &[]);
    let finding = &seen.findings("maintenance")[0];
    assert_eq!(finding["data"]["command"], "CREATE INDEX CONCURRENTLY", "{finding:#}");
    assert_eq!(finding["data"]["conflicts"][0]["held"], "SHARE UPDATE EXCLUSIVE", "{finding:#}");
    let old = "SELECT clock_timestamp() - a.xact_start > interval '5 s' FROM pg_stat_activity a \
               JOIN pg_stat_progress_create_index p ON p.pid = a.pid";
    poll_until(&mut admin, old, "t");
    Seen::failed(&environment, &[]).only("maintenance", "failure");
    writer.batch_execute("ROLLBACK").unwrap();
    built.join().unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("maintenance"), "ok");
}

#[test]
fn a_vacuum_and_a_copy_of_another_table_are_nobodys_business() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let environment = project(database.url());
    let mut client = database.connect().unwrap();
    client
        .batch_execute("CREATE TABLE other AS SELECT generate_series(1, 20000) AS a; DELETE FROM other")
        .unwrap();
    let mut vacuum = database.connect().unwrap();
    vacuum.batch_execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1").unwrap();
    let cancel = vacuum.cancel_token();
    let at_work = std::thread::spawn(move || drop(vacuum.batch_execute("VACUUM other")));
    poll_until(&mut client, "SELECT count(*) FROM pg_stat_progress_vacuum", "1");
    assert_eq!(Seen::passed(&environment, &[]).severity("maintenance"), "ok");
    cancel.cancel_query(postgres::NoTls).unwrap();
    at_work.join().unwrap();
    // The same on the run's table.
    client.batch_execute("INSERT INTO orders SELECT generate_series(1, 20000); DELETE FROM orders").unwrap();
    let mut vacuum = database.connect().unwrap();
    vacuum.batch_execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1").unwrap();
    let cancel = vacuum.cancel_token();
    let at_work = std::thread::spawn(move || drop(vacuum.batch_execute("VACUUM orders")));
    poll_until(&mut client, "SELECT count(*) FROM pg_stat_progress_vacuum", "1");
    let seen = Seen::whatever(&environment, &[]);
    assert_eq!(seen.findings("maintenance")[0]["data"]["command"], "VACUUM", "{:#}", seen.result);
    cancel.cancel_query(postgres::NoTls).unwrap();
    at_work.join().unwrap();
    assert_eq!(Seen::passed(&environment, &[]).severity("maintenance"), "ok");
}
