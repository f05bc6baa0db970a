//! A deployment and others at the same time: `up`, applications that start, `restore --swap`. One works, the others wait or
//! are refused, and are told for whom.

use migrate_runtime::core::Goal as Run;
use migrate_tests::gate::{HEAD, STAND};
use migrate_tests::migrations::{good, migrator};
use migrate_tests::production::{TWO, applied, backups, has_pg_dump, project};
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, Gate, TestEnvironment, skip};

const REPLICAS: usize = 10;

fn gated() -> (&'static str, String, &'static str) {
    ("0002_create_b", [HEAD, TWO[1].1, STAND].concat(), TWO[1].2)
}

fn gated_project() -> TestEnvironment {
    let (stem, up, down) = gated();
    project(&[TWO[0], (stem, &up, down)], "")
}

#[test]
fn ten_replicas_and_a_person_while_it_applies() {
    let environment = gated_project();
    let url = environment.database().url().to_owned();
    let mut gate = Gate::close(&url);
    let deploying = environment.spawn(&["deploy", "--skip-backup", "it is a test"]);
    gate.wait_for_somebody();
    let other = environment.run(&["up", "--lock-wait", "300ms"]);
    other.expect(6);
    assert!(other.stderr.contains("has not ended (last `up started`)"), "{}", other.stderr);
    assert!(other.stderr.contains("another runner held the migration lock"), "{}", other.stderr);
    assert!(other.stderr.contains("held by pid "), "{}", other.stderr);
    let (stem, up, down) = gated();
    std::thread::scope(|scope| {
        let runners: Vec<_> = (0..REPLICAS)
            .map(|_| {
                scope.spawn(|| good(migrator(&url, &[TWO[0], (stem, &up, down)]).run(Run::UpAll)).done.len())
            })
            .collect();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                       AND application_name LIKE '%lock%' AND application_name NOT LIKE '%deploy%'";
        // The holder's connection, and those that poll.
        migrate_tests::until("the replicas to wait", || {
            answer(gate.client(), waiting).parse::<usize>().unwrap() > REPLICAS / 2
        });
        gate.open();
        for runner in runners {
            assert_eq!(runner.join().unwrap(), 0, "a replica applied something");
        }
    });
    deploying.wait().success();
    assert_eq!(applied(&environment), "0001_create_a 0002_create_b");
    let ups = "SELECT count(*) || ' ' || count(DISTINCT run) FROM schema_migrations_log WHERE action = 'up' AND outcome = 'ok'";
    assert_eq!(answer(&mut environment.client(), ups), "2 1");
}

/// pg_dump would wait for that one's table locks, and nobody would know for whom.
#[test]
fn it_waits_for_another_runner_before_the_backup() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let environment = gated_project();
    let mut gate = Gate::close(environment.database().url());
    let other = environment.spawn(&["up"]);
    gate.wait_for_somebody();
    // Long enough that it is told before it is given up.
    let output = environment.run(&["deploy", "--lock-wait", "3s"]);
    output.expect(6);
    assert!(output.stderr.contains("another runner is at work (pid "), "{}", output.stderr);
    assert!(output.stdout.contains("cut short: the same command goes on"), "{}", output.stdout);
    assert!(backups(&environment).is_empty());
    gate.open();
    other.wait().success();
    // What was to be done is done: it is ended, by the one who goes on with it.
    environment.run(&["deploy"]).success();
    let last = "SELECT outcome FROM schema_migrations_log WHERE action = 'deploy' ORDER BY id DESC LIMIT 1";
    assert_eq!(answer(&mut environment.client(), last), "finished");
}

#[test]
fn it_is_not_thrown_out_by_a_swap() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let cluster = Cluster::start();
    cluster.admin().batch_execute("CREATE DATABASE shop").unwrap();
    let mut environment = gated_project();
    environment.set_var("DATABASE_URL", cluster.url("shop"));
    environment.run(&["up", "--steps", "1"]).success();
    environment.run(&["backup", "create"]).success();
    let mut gate = Gate::close(&cluster.url("shop"));
    let deploying = environment.spawn(&["deploy", "--skip-backup", "it is a test"]);
    gate.wait_for_somebody();
    let swap = environment.run(&["backup", "restore", "--swap", "--yes", "--lock-wait", "300ms"]);
    swap.expect(6);
    assert!(swap.stderr.contains("another deployment held the deploy lock"), "{}", swap.stderr);
    assert!(swap.stderr.contains("held by pid "), "{}", swap.stderr);
    gate.open();
    deploying.wait().success();
    let mut client = postgres::Client::connect(&cluster.url("shop"), postgres::NoTls).unwrap();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations"), "2");
}
