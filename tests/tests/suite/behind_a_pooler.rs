//! Promise 2, behind PgBouncer in transaction pooling mode (T21): exclusion holds, and nothing of ours stays on the server
//! connections that other clients get next.

use migrate_tests::crowd::Crowd;
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Output, PgBouncer, TestEnvironment, binaries, invariant, poll_until, skip};
use postgres::{Client, NoTls};

const RUNNERS: usize = 20;
const POOL: usize = 5;

#[test]
fn one_of_twenty_applies_and_nothing_leaks() {
    let Some(program) = PgBouncer::program() else { skip!("pgbouncer is not installed") };
    let cluster = Cluster::start();
    let environment = TestEnvironment::without_database();
    let database = cluster.database();
    let pooler = PgBouncer::start(program, &cluster, POOL);
    let url = pooler.url(database.name());
    // The example migrations, with their concurrent indexes.
    let folder = binaries::workspace().join("migrations");
    let crowd = Crowd::assemble(RUNNERS, |_| {
        let mut command =
            environment.command(&["up", "--locked", "--format", "json", "--database-url", &url]);
        command.args(["--history-table", "public.schema_migrations", "--dir"]).arg(&folder);
        command
    });
    let ends = crowd.go();
    assert!(ends.iter().all(|end| end.code == 0), "{ends:#?}");
    let done = |end: &Output| {
        let document: serde_json::Value = serde_json::from_str(&end.stdout).unwrap();
        document["result"]["done"].as_array().unwrap().len()
    };
    let applied: Vec<_> = ends.iter().map(done).filter(|done| *done > 0).collect();
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
    let count = files.filter(|name| name.to_string_lossy().ends_with(".up.sql")).count();
    assert_eq!(applied, [count], "{ends:#?}");

    let mut client = Client::connect(database.url(), NoTls).unwrap();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations WHERE dirty"), "0");
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(answer(&mut client, locks), "0");
    let open = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
    poll_until(&mut client, open, "0");

    // Each server connection of the pool, held by a transaction of its own, so that the next one is another.
    let mut seen = Vec::new();
    let mut clients: Vec<_> = (0..POOL).map(|_| Client::connect(&url, NoTls).unwrap()).collect();
    for other in &mut clients {
        other.batch_execute("BEGIN").unwrap();
        seen.push(answer(other, "SELECT pg_backend_pid()"));
        let set = "SELECT coalesce(string_agg(name || ' = ' || setting, ', '), '') FROM pg_settings \
                   WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding', 'DateStyle', \
                   'TimeZone', 'standard_conforming_strings', 'IntervalStyle', 'transaction_isolation', \
                   'transaction_read_only', 'transaction_deferrable')";
        assert_eq!(answer(other, set), "");
        assert_eq!(answer(other, "SELECT current_user = session_user"), "t");
        assert_eq!(answer(other, "SELECT count(*) FROM pg_prepared_statements"), "0");
        assert_eq!(answer(other, "SELECT count(*) FROM pg_cursors"), "0");
        assert_eq!(answer(other, "SELECT count(*) FROM pg_listening_channels()"), "0");
        // A migration's name on a connection that somebody else works on would mislead the person on call.
        let name = answer(other, "SHOW application_name");
        assert!(!name.contains(": 0"), "{name}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), POOL, "{seen:?}");
    drop(clients);
    drop(pooler);
    invariant::wait_until_alone(&mut client);
}
