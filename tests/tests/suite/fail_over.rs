//! T22: the primary is gone in the middle of a run and the standby takes over: what was committed is applied, what was not
//! is not, and the next run finishes on the new primary by the same address.

use migrate_testing::StopMode;
use migrate_tests::gate::{HEAD, STAND};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Gate, TestEnvironment, poll_until};

#[test]
fn the_next_run_goes_on_at_the_new_primary() {
    let primary = Cluster::start();
    let database = primary.database();
    let standby = primary.standby();
    let hosts = [&primary, &standby].map(|cluster| cluster.server().folder().display().to_string());
    let ports = [&primary, &standby].map(|cluster| cluster.server().port().to_string());
    let mut environment = TestEnvironment::without_database();
    environment.set_var(
        "DATABASE_URL",
        format!(
            "host={} port={} user=postgres dbname={} target_session_attrs=read-write",
            hosts.join(","),
            ports.join(","),
            database.name()
        ),
    );
    environment.migration("0001_a", "CREATE TABLE a (id int);\n", "DROP TABLE a;\n");
    environment.migration(
        "0002_b",
        &[HEAD, "CREATE TABLE b (id int);\n", STAND, "INSERT INTO b VALUES (1);\n"].concat(),
        "DROP TABLE b;\n",
    );
    let mut gate = Gate::close(database.url());
    let running = environment.spawn(&["up"]);
    gate.wait_for_somebody();
    let mut replica = postgres::Client::connect(&standby.url(database.name()), postgres::NoTls).unwrap();
    poll_until(&mut replica, "SELECT version FROM schema_migrations", "0001_a");
    primary.stop(StopMode::Immediate);
    replica.batch_execute("SELECT pg_promote()").unwrap();
    let ended = running.wait();
    ended.expect(6);
    assert!(ended.stderr.contains("0002_b"), "{}", ended.stderr);
    assert!(ended.stderr.contains("not committed"), "{}", ended.stderr);
    assert_eq!(answer(&mut replica, "SELECT to_regclass('b') IS NULL"), "t");
    drop(gate);

    let again = environment.run(&["up"]);
    again.success();
    assert_eq!(
        answer(&mut replica, "SELECT string_agg(version, ' ' ORDER BY version) FROM schema_migrations"),
        "0001_a 0002_b"
    );
    assert_eq!(answer(&mut replica, "SELECT count(*) FROM b"), "1");
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    poll_until(&mut replica, locks, "0");
}
