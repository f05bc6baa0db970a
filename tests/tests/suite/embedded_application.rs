//! T44: the engine inside of an application: threads that panic, runtimes, futures that are dropped, runs that repeat.

use std::time::Duration;

use migrate_runtime::core::Goal;
use migrate_runtime::{Error, Event, Migrator};
use migrate_tests::migrations::{good, migrator};
use migrate_tests::poll_until;
use migrate_tests::wait::answer;

migrate_runtime::embed!(mod shop = "../migrations");

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ()", "DROP TABLE a");
const B: (&str, &str, &str) = ("0002_b", "CREATE TABLE b ()", "DROP TABLE b");
/// Waits until the test lets go of a lock.
const GATE: (&str, &str, &str) =
    ("0002_gate", "CREATE TABLE gate (); SELECT pg_advisory_xact_lock(4711)", "DROP TABLE gate");

const LOCKS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid() \
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const AT_THE_GATE: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted \
                           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const BUSY: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
                    AND state <> 'idle'";
const HISTORY: &str = "SELECT string_agg(version || dirty, ',' ORDER BY version) FROM schema_migrations";

fn runtime(workers: usize) -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

#[test]
fn a_handler_that_panics_leaves_no_lock_and_nothing_half_done() {
    let database = migrate_testing::scratch().unwrap();
    let url = database.url().to_owned();
    let thread = std::thread::spawn(move || {
        let runner = migrator(&url, &[A, B]).on_event(|event| {
            if matches!(event, Event::Finished { stem, .. } if stem == "0001_a") {
                panic!("the application's own mistake");
            }
        });
        let _ = runner.run(Goal::UpAll);
    });
    assert!(thread.join().is_err());
    let mut client = database.connect().unwrap();
    poll_until(&mut client, LOCKS, "0");
    poll_until(&mut client, BUSY, "0");
    assert_eq!(answer(&mut client, HISTORY), "0001_afalse");
    assert_eq!(good(migrator(database.url(), &[A, B]).run(Goal::UpAll)).done.len(), 1);
}

#[test]
fn blocking_inside_a_runtime_is_an_error_and_no_panic() {
    let database = migrate_testing::scratch().unwrap();
    let runner = migrator(database.url(), &[A]);
    let calls: [fn(&Migrator) -> Option<Error>; 8] = [
        |runner| runner.run(Goal::UpAll).err(),
        |runner| runner.dry_run(Goal::UpAll).err(),
        |runner| runner.status().err(),
        |runner| runner.log(None).err(),
        |runner| runner.repair_plan().err(),
        |runner| runner.repair(&migrate_runtime::RepairPlan::default()).err(),
        |runner| runner.verify().err(),
        |runner| runner.wait(Duration::ZERO).err(),
    ];
    let runtime = runtime(1);
    for call in calls {
        let error = runtime.block_on(async { call(&runner) });
        let Some(Error::InsideRuntime) = error else { panic!("{error:?}") };
        // A thread of `spawn_blocking` belongs to the runtime, too; nothing in tokio's interface tells it apart.
        let inside = runner.clone();
        let error =
            runtime.block_on(async { tokio::task::spawn_blocking(move || call(&inside)).await.unwrap() });
        let Some(Error::InsideRuntime) = error else { panic!("{error:?}") };
        assert!(Error::InsideRuntime.hint().contains("std::thread::spawn"));
    }
    // What the hint says works: a thread of its own.
    let inside = runner.clone();
    let report =
        runtime.block_on(async { std::thread::spawn(move || inside.run(Goal::UpAll)).join().unwrap() });
    assert_eq!(good(report).done.len(), 1);
}

#[test]
fn the_asynchronous_methods_can_be_spawned_on_any_runtime() {
    let database = migrate_testing::scratch().unwrap();
    let runner = migrator(database.url(), &[A, B]);
    let spawned = runner.clone();
    let runtime = runtime(2);
    let report = runtime
        .block_on(async { tokio::spawn(async move { spawned.run_async(Goal::UpAll).await }).await.unwrap() });
    assert_eq!(good(report).done.len(), 2);
    let all = runner.clone();
    runtime.block_on(async move {
        tokio::spawn(async move {
            good(all.verify_async().await);
            good(all.wait_async(Duration::from_secs(5)).await);
            assert_eq!(good(all.status_async().await).entries.len(), 2);
            assert_eq!(good(all.dry_run_async(Goal::DownAll).await).steps.len(), 2);
            assert!(!good(all.log_async(None).await).is_empty());
            let plan = good(all.repair_plan_async().await);
            good(all.repair_async(&plan).await);
        })
        .await
        .unwrap();
    });
    let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(good(current.block_on(runner.run_async(Goal::DownAll))).done.len(), 2);
}

/// The future is dropped in the middle of a migration: it is applied and recorded or neither, and nothing is held.
#[test]
fn a_run_that_is_dropped_leaves_no_lock() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    client.batch_execute("SELECT pg_advisory_lock(4711)").unwrap();
    let runtime = runtime(2);
    let runner = migrator(database.url(), &[A, GATE]);
    let task = runtime.spawn(async move { runner.run_async(Goal::UpAll).await.map(drop) });
    poll_until(&mut client, AT_THE_GATE, "1");
    task.abort();
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    client.batch_execute("SELECT pg_advisory_unlock(4711)").unwrap();
    poll_until(&mut client, LOCKS, "0");
    poll_until(&mut client, BUSY, "0");
    let gate = answer(&mut client, "SELECT to_regclass('gate') IS NOT NULL");
    let recorded = answer(
        &mut client,
        "SELECT count(*) = 1 FROM schema_migrations WHERE version = '0002_gate' AND NOT dirty",
    );
    assert_eq!(gate, recorded);
    let report = good(migrator(database.url(), &[A, GATE]).run(Goal::UpAll));
    assert_eq!((report.applied_total, report.done.len()), (2, usize::from(gate == "f")));
    assert_eq!(answer(&mut client, HISTORY), "0001_afalse,0002_gatefalse");
}

/// The whole runtime goes away in the middle, as when `main` returns.
#[test]
fn a_runtime_that_is_shut_down_leaves_no_lock() {
    let database = migrate_testing::scratch().unwrap();
    let mut client = database.connect().unwrap();
    client.batch_execute("SELECT pg_advisory_lock(4711)").unwrap();
    let runtime = runtime(2);
    let runner = migrator(database.url(), &[A, GATE]);
    runtime.spawn(async move { runner.run_async(Goal::UpAll).await.map(drop) });
    poll_until(&mut client, AT_THE_GATE, "1");
    runtime.shutdown_background();
    client.batch_execute("SELECT pg_advisory_unlock(4711)").unwrap();
    poll_until(&mut client, LOCKS, "0");
    poll_until(&mut client, BUSY, "0");
    good(migrator(database.url(), &[A, GATE]).run(Goal::UpAll));
    assert_eq!(answer(&mut client, HISTORY), "0001_afalse,0002_gatefalse");
}

#[test]
fn a_run_may_be_repeated_and_made_from_many_threads() {
    let database = migrate_testing::scratch().unwrap();
    let runner = migrator(database.url(), &[A, B]);
    let applied: usize = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| good(runner.run(Goal::UpAll)).done.len())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(applied, 2);
    for _ in 0..3 {
        let again = good(runner.run(Goal::UpAll));
        assert_eq!((again.done.len(), again.applied_total), (0, 2));
    }
}

/// For an application that must not migrate itself.
#[test]
fn an_application_waits_until_somebody_else_has_migrated() {
    let database = migrate_testing::scratch().unwrap();
    let on = |migrator: Migrator| migrator.database(migrate_tests::migrations::database(database.url()));
    let error = on(shop::migrator()).verify().unwrap_err();
    let all = shop::MIGRATIONS.migrations.len();
    assert!(matches!(&error, Error::Pending { pending } if pending.len() == all), "{error:?}");
    let error = on(shop::migrator()).wait(Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, Error::Pending { .. }), "{error:?}");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| on(shop::migrator()).wait(Duration::from_secs(60)));
        let mut client = database.connect().unwrap();
        let asks = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        poll_until(&mut client, asks, "t");
        good(on(shop::migrator()).run(Goal::UpAll));
        good(waiting.join().unwrap());
    });
    good(on(shop::migrator()).verify());
    // Waiting wrote nothing: all lines of the log are of the one run.
    let runs = "SELECT count(DISTINCT run) FROM schema_migrations_log";
    assert_eq!(answer(&mut database.connect().unwrap(), runs), "1");
}

/// What waiting cannot mend ends it at once.
#[test]
fn waiting_ends_at_once_where_it_is_in_vain() {
    let database = migrate_testing::scratch().unwrap();
    good(migrator(database.url(), &[A]).run(Goal::UpAll));
    let modified = migrator(database.url(), &[(A.0, "CREATE TABLE other ()", A.2)]);
    let error = modified.wait(Duration::from_secs(3600)).unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error:?}");
}
