//! The connection that holds the migration lock is lost in the middle of a run, and a second runner takes the lock (T11):
//! no two bodies ever run at once, and nothing is applied twice.
//!
//! Each body takes a lock for itself and fails where somebody has it, so an overlap is an error in the server's log even
//! where both are rolled back.

use migrate_tests::gate::{HEAD, STAND};
use migrate_tests::invariant::{Effect, Migration};
use migrate_tests::subject::Goal;
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Cluster, Gate, Subject, until};

/// Fails where another body has it.
const ALONE: &str = "SELECT 1 / pg_try_advisory_xact_lock(78)::int AS alone;\n";

fn rounds() -> usize {
    if std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some() { 100 } else { 5 }
}

#[test]
fn a_second_runner_never_overlaps() {
    let first = [HEAD, ALONE, "CREATE TABLE accounts (id int);\n"].concat();
    let gated =
        [HEAD, ALONE, "CREATE TABLE orders (id int);\n", STAND, "INSERT INTO orders VALUES (1);\n"].concat();
    let third = [HEAD, ALONE, "CREATE TABLE parcels (id int);\n"].concat();
    let migrations = [
        Migration {
            stem: "0001_create_accounts",
            up: first.leak(),
            down: "DROP TABLE accounts;\n",
            effects: &[Effect::Relation("accounts")],
        },
        Migration {
            stem: "0002_create_orders",
            up: gated.leak(),
            down: "DROP TABLE orders;\n",
            effects: &[Effect::Relation("orders"), Effect::Rows("orders", "true", 1)],
        },
        Migration {
            stem: "0003_create_parcels",
            up: third.leak(),
            down: "DROP TABLE parcels;\n",
            effects: &[Effect::Relation("parcels")],
        },
    ];
    let subject = Subject::with(Cluster::start(), &migrations);
    let log = subject.cluster.log();
    let mark = log.mark();
    for round in 0..rounds() {
        let database = subject.database(Goal::Up);
        let url = subject.cluster.url(&database);
        let mut gate = Gate::close(&url);
        let first = subject.start(Goal::Up, &url);
        gate.wait_for_somebody();
        let second = subject.start(Goal::Up, &url);
        let holders = "FROM pg_stat_activity WHERE datname = current_database() \
                       AND application_name = 'cargo-migrate: lock'";
        poll_until(gate.client(), &format!("SELECT count(*) {holders}"), "2");
        let since = log.mark();
        // The holder is idle in its transaction; the one who waits is idle or asks.
        let holder = "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l JOIN pg_stat_activity a USING (pid) \
                      WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'cargo-migrate: lock'";
        assert_eq!(answer(gate.client(), holder), "1");
        // The second runner has the lock now and is held off by the fence of the first one's transaction.
        until("the fence", || log.errors(since).iter().any(|error| error.text.contains("guard: fence")));
        gate.open();
        let (first, second) = (first.wait(), second.wait());
        let context = format!(
            "round {round}: the first: exit {}\n{}the second: exit {}\n{}",
            first.code, first.stderr, second.code, second.stderr
        );
        // What the first had in flight is applied; it starts nothing more without the lock. The second does the rest.
        assert_eq!((first.code, second.code), (6, 0), "{context}");
        subject.check(Goal::Up, &database, second.code, &context);
        subject.forget(&database);
    }
    let overlaps = log.errors(mark).iter().filter(|error| error.text.contains("division by zero")).count();
    assert_eq!(overlaps, 0, "of {} rounds", rounds());
}
