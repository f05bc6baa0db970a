//! Ctrl-C and SIGTERM in every phase (T14): the statement in flight is cancelled on the server, nothing is left half done,
//! and the exit code says which signal it was.

use migrate_tests::gate::{HEAD, STAND};
use migrate_tests::invariant::{Effect, Migration, Recorded};
use migrate_tests::output::Running;
use migrate_tests::proxy::{Action, Fault, Trigger, When};
use migrate_tests::subject::Goal;
use migrate_tests::wait::poll_until;
use migrate_tests::{Cluster, Gate, Proxy, Subject, until};
use rustix::process::Signal;

/// Both signals and their exit codes.
const SIGNALS: [(Signal, i32); 2] = [(Signal::INT, 130), (Signal::TERM, 143)];
/// What the server says to a cancel request (`postgres.c`).
const CANCELLED: &str = "canceling statement due to user request";

fn subject() -> Subject {
    let up = [HEAD, "CREATE TABLE orders (id int);\n", STAND, "INSERT INTO orders VALUES (1);\n"].concat();
    let down = [HEAD, "DELETE FROM orders;\n", STAND, "DROP TABLE orders;\n"].concat();
    let index = [
        HEAD,
        "CREATE INDEX CONCURRENTLY orders_id_idx ON orders (id);\n",
        STAND,
        "INSERT INTO orders VALUES (2);\n",
        "CREATE INDEX CONCURRENTLY orders_id2_idx ON orders (id);\n",
    ]
    .concat();
    let migrations = [
        Migration {
            stem: "0001_create_orders",
            up: up.leak(),
            down: down.leak(),
            effects: &[Effect::Relation("orders"), Effect::Rows("orders", "id = 1", 1)],
        },
        Migration {
            stem: "0002_index_orders",
            up: index.leak(),
            down: "DROP INDEX CONCURRENTLY IF EXISTS orders_id2_idx;\n\
                   DELETE FROM orders WHERE id = 2;\n\
                   DROP INDEX CONCURRENTLY IF EXISTS orders_id_idx;\n",
            effects: &[
                Effect::Relation("orders_id_idx"),
                Effect::Rows("orders", "id = 2", 1),
                Effect::Relation("orders_id2_idx"),
            ],
        },
    ];
    Subject::with(Cluster::start(), &migrations)
}

/// Sends a signal and waits for the end.
#[track_caller]
fn interrupt(running: Running, (signal, code): (Signal, i32)) -> String {
    running.signal(signal);
    let ended = running.wait();
    assert_eq!(ended.code, code, "{}{}", ended.stdout, ended.stderr);
    ended.stderr
}

#[test]
fn while_connecting() {
    let subject = subject();
    for signal in SIGNALS {
        let database = subject.database(Goal::Up);
        let proxy = Proxy::start(subject.cluster.upstream());
        proxy.arm(Fault::new(When::Before, Trigger::Frontend(1), Action::Hold));
        let running = subject.start(Goal::Up, &proxy.url(&database));
        proxy.wait_held();
        let stderr = interrupt(running, signal);
        drop(proxy);
        subject.check(Goal::Up, &database, signal.1, &stderr);
    }
}

#[test]
fn while_waiting_for_another_runner() {
    let subject = subject();
    for signal in SIGNALS {
        let database = subject.database(Goal::Up);
        let url = subject.cluster.url(&database);
        let mut gate = Gate::close(&url);
        let other = subject.start(Goal::Up, &url);
        gate.wait_for_somebody();
        let mut running = subject.start(Goal::Up, &url);
        running.wait_for_stderr("waiting for the migration lock");
        let stderr = interrupt(running, signal);
        assert!(stderr.contains("nothing was in flight"), "{stderr}");
        gate.open();
        other.wait().success();
        subject.check(Goal::Up, &database, 0, &stderr);
    }
}

#[test]
fn in_a_transaction() {
    let subject = subject();
    let log = subject.cluster.log();
    for (goal, signal) in
        [Goal::Up, Goal::Down].into_iter().flat_map(|goal| SIGNALS.map(|signal| (goal, signal)))
    {
        let database = subject.database(goal);
        let url = subject.cluster.url(&database);
        let mut gate = Gate::close(&url);
        let mark = log.mark();
        let running = subject.start(goal, &url);
        let backend = gate.wait_for_somebody();
        let stderr = interrupt(running, signal);
        let cancelled =
            |entry: &migrate_tests::log::Entry| entry.pid == backend && entry.text.contains(CANCELLED);
        assert!(log.errors(mark).iter().any(cancelled), "{stderr}");
        assert!(stderr.contains("0001_create_orders") || stderr.contains("was cancelled"), "{stderr}");
        gate.open();
        subject.check(goal, &database, signal.1, &stderr);
    }
}

#[test]
fn in_a_concurrent_build() {
    let subject = subject();
    let log = subject.cluster.log();
    // The first statement leaves nothing behind; the third leaves the first two.
    for (dirty, signal) in [false, true].into_iter().flat_map(|dirty| SIGNALS.map(|signal| (dirty, signal))) {
        let database = subject.database(Goal::Up);
        let url = subject.cluster.url(&database);
        subject.environment.capture(&mut subject.command(&url, &["up", "--steps", "1"])).success();
        let mark = log.mark();
        // An old transaction that has written the table: the build waits for its end. The gate is before the last one.
        let mut old = subject.client(&database);
        let write = "BEGIN; INSERT INTO orders VALUES (100)";
        let running = if dirty {
            let mut gate = Gate::close(&url);
            let running = subject.start(Goal::Up, &url);
            gate.wait_for_somebody();
            old.batch_execute(write).unwrap();
            gate.open();
            running
        } else {
            old.batch_execute(write).unwrap();
            subject.start(Goal::Up, &url)
        };
        let mut client = subject.client(&database);
        let building = "SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting%'";
        poll_until(&mut client, building, "1");
        running.signal(signal.0);
        until("the cancel", || log.errors(mark).iter().any(|error| error.text.contains(CANCELLED)));
        // Cleaning up drops the index, which waits for that transaction too.
        old.batch_execute("ROLLBACK").unwrap();
        drop(old);
        let ended = running.wait();
        assert_eq!(ended.code, signal.1, "{}", ended.stderr);
        drop(client);
        let standing = subject.standing(&database);
        let recorded = if dirty { Recorded::Dirty } else { Recorded::Absent };
        assert_eq!(standing[1].2, recorded, "{standing:?}\n{}", ended.stderr);
        subject.check(Goal::Up, &database, ended.code, &ended.stderr);
    }
}

#[test]
fn a_second_time_when_the_network_is_gone() {
    let subject = subject();
    for signal in SIGNALS {
        let database = subject.database(Goal::Up);
        let url = subject.cluster.url(&database);
        let mut gate = Gate::close(&url);
        let proxy = Proxy::start(subject.cluster.upstream());
        let mut running = subject.start(Goal::Up, &proxy.url(&database));
        gate.wait_for_somebody();
        // No cancel gets through.
        proxy.black_hole(true);
        running.signal(signal.0);
        running.wait_for_stderr("again: leave at once");
        assert!(!running.ended());
        let stderr = interrupt(running, signal);
        assert!(stderr.contains("left at once"), "{stderr}");
        // The machine is gone for the server as well.
        drop(proxy);
        gate.open();
        subject.check(Goal::Up, &database, signal.1, &stderr);
    }
}
