//! Promise 3: a killed runner never blocks the next for longer than a stated time.
//!
//! A server looks after its client only between statements. A statement that runs for an hour would keep its locks for an
//! hour after its client was killed, so the work session has the server look every second.

use std::time::{Duration, Instant};

use migrate_tests::gate::{HEAD, STAND};
use migrate_tests::invariant::{Effect, Migration};
use migrate_tests::subject::Goal;
use migrate_tests::{Cluster, Gate, Subject, invariant};

#[test]
fn a_statement_in_flight_ends_soon_after_its_client() {
    let gated = [HEAD, "CREATE TABLE orders (id int);\n", STAND].concat();
    let migration = Migration {
        stem: "0001_create_orders",
        up: gated.leak(),
        down: "DROP TABLE orders;\n",
        effects: &[Effect::Relation("orders")],
    };
    let subject = Subject::with(Cluster::start(), &[migration]);
    let database = subject.database(Goal::Up);
    let url = subject.cluster.url(&database);
    let mut gate = Gate::close(&url);
    let running = subject.start(Goal::Up, &url);
    gate.wait_for_somebody();
    assert_eq!(running.kill().code, 137);
    let killed = Instant::now();
    // The gate is still closed: only the server's look after its client can end that statement.
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                  AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
    migrate_tests::poll_until(gate.client(), others, "0");
    let took = killed.elapsed();
    // One second, and room for a machine that has other things to do.
    assert!(took < Duration::from_secs(5), "{took:?}");
    gate.open();
    invariant::wait_until_alone(&mut subject.client(&database));
    subject.check(Goal::Up, &database, 137, "killed in a statement");
}
