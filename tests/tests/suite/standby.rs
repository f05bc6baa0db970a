//! T22: a hot standby and read-only sessions: what reads works, what writes is refused before any lock.

use migrate_runtime::Error;
use migrate_runtime::core::Goal;
use migrate_tests::migrations::{apply, good, migrator};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, poll_until};

const A: (&str, &str, &str) = ("0001_a", "CREATE TABLE a ()", "DROP TABLE a");
const B: (&str, &str, &str) = ("0002_b", "CREATE TABLE b ()", "DROP TABLE b");

#[test]
fn a_standby_is_read_and_never_written() {
    let primary = Cluster::start();
    let database = primary.database();
    apply(database.url(), &[A]);
    let standby = primary.standby();
    let url = standby.url(database.name());
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();
    poll_until(&mut client, "SELECT version FROM schema_migrations", "0001_a");
    // Up to date: nothing is to be written, so a replica that starts against a standby is fine.
    let current = migrator(&url, &[A]);
    assert!(good(current.run(Goal::UpAll)).done.is_empty());
    good(current.verify());

    let log = standby.log();
    let mark = log.mark();
    let runner = migrator(&url, &[A, B]);
    assert_eq!(good(runner.status()).entries.len(), 2);
    assert_eq!(good(runner.dry_run(Goal::UpAll)).steps.len(), 1);
    assert!(matches!(runner.verify(), Err(Error::Pending { .. })));
    for result in [runner.run(Goal::UpAll), runner.run(Goal::DownAll), runner.run(Goal::Redo(1))] {
        let error = result.unwrap_err();
        assert!(
            matches!(&error, Error::ReadOnly { reason, .. } if reason == "it is a hot standby"),
            "{error:?}"
        );
        assert!(error.hint().contains("primary"), "{}", error.hint());
    }
    let plan = good(runner.repair_plan());
    assert!(matches!(runner.repair(&plan), Err(Error::ReadOnly { .. })));
    assert_eq!((log.count(mark, "pg_try_advisory"), log.errors(mark).len()), (0, 0));

    // Promoted, it takes what it refused.
    client.batch_execute("SELECT pg_promote()").unwrap();
    assert_eq!(good(runner.run(Goal::UpAll)).done.len(), 1);
}

#[test]
fn a_read_only_session_is_refused_before_any_lock() {
    let cluster = Cluster::start();
    let database = cluster.database();
    let mut client = database.connect().unwrap();
    client
        .batch_execute(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name()))
        .unwrap();
    let mark = cluster.log().mark();
    let runner = migrator(database.url(), &[A]);
    let error = runner.run(Goal::UpAll).unwrap_err();
    assert!(
        matches!(&error, Error::ReadOnly { reason, .. } if reason.contains("default_transaction_read_only")),
        "{error:?}"
    );
    assert_eq!((cluster.log().count(mark, "pg_try_advisory"), cluster.log().errors(mark).len()), (0, 0));
    good(runner.status());
    assert_eq!(answer(&mut client, "SELECT to_regclass('schema_migrations')"), "NULL");
}
