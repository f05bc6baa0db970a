//! `deploy` behind PgBouncer: in session mode as without one; in transaction mode the backup is refused before anything is
//! written, and everything else works and leaves nothing on sessions that others get.

use migrate_tests::production::{TWO, backups, has_pg_dump, project};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Gate, PgBouncer, invariant, skip};
use postgres::{Client, NoTls};

const LOG: &str = "SELECT coalesce(string_agg(outcome, ', ' ORDER BY id), '') FROM schema_migrations_log \
                   WHERE action = 'deploy'";

#[test]
fn in_session_mode() {
    let Some(program) = PgBouncer::program() else { skip!("pgbouncer is not installed") };
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let cluster = Cluster::start();
    let mut environment = project(&TWO, "");
    let database = cluster.database();
    let pooler = PgBouncer::start_in("session", program, &cluster, 10);
    environment.set_var("DATABASE_URL", pooler.url(database.name()));
    environment.run(&["deploy"]).success();
    assert_eq!(backups(&environment).len(), 1);
    let mut client = Client::connect(database.url(), NoTls).unwrap();
    let log = answer(&mut client, LOG);
    assert!(log.contains("backup ok") && log.ends_with("finished"), "{log}");
}

#[test]
fn in_transaction_mode() {
    let Some(program) = PgBouncer::program() else { skip!("pgbouncer is not installed") };
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let cluster = Cluster::start();
    let gated = ("0002_b", [migrate_tests::gate::HEAD, migrate_tests::gate::STAND, TWO[1].1].concat());
    let mut environment = project(&[TWO[0], ("0002_b", &gated.1, TWO[1].2)], "protected = true\n");
    let database = cluster.database();
    let pooler = PgBouncer::start(program, &cluster, 10);
    environment.set_var("DATABASE_URL", pooler.url(database.name()));
    let mut client = Client::connect(database.url(), NoTls).unwrap();
    for arguments in [&["deploy"][..], &["up", "--force", "it is a test"], &["backup", "create"]] {
        let output = environment.run(arguments);
        assert!(output.expect(5).stderr.contains("is a transaction pooler"), "{}", output.stderr);
    }
    assert_eq!(backups(&environment), [""; 0]);
    assert_eq!(answer(&mut client, "SELECT to_regclass('schema_migrations')"), "NULL");

    // The lock, a kill, the other one who is told of it, and going on.
    let arguments = ["deploy", "--skip-backup", "it is a test"];
    let mut gate = Gate::close(database.url());
    let running = environment.spawn(&arguments);
    gate.wait_for_somebody();
    let other = environment.run(&[&arguments[..], &["--lock-wait", "300ms"]].concat());
    assert!(other.expect(6).stderr.contains("another deployment held the deploy lock"), "{}", other.stderr);
    assert_eq!(running.kill().code, 137);
    gate.open();
    let again = environment.run(&arguments);
    assert!(again.success().stderr.contains("going on with"), "{}", again.stderr);
    assert!(answer(&mut client, LOG).ends_with("finished"));

    // What other clients get is as it was.
    let mut others: Vec<_> =
        (0..5).map(|_| Client::connect(&pooler.url(database.name()), NoTls).unwrap()).collect();
    for other in &mut others {
        other.batch_execute("BEGIN").unwrap();
        let set = "SELECT coalesce(string_agg(name || ' = ' || setting, ', '), '') FROM pg_settings \
                   WHERE source = 'session' AND name IN ('search_path', 'statement_timeout', 'lock_timeout', \
                   'row_security', 'idle_in_transaction_session_timeout')";
        assert_eq!(answer(other, set), "");
    }
    drop(others);
    drop(pooler);
    invariant::wait_until_alone(&mut client);
}
