//! Promise 2, with CONCURRENTLY: fifty copies of an application start at once on an empty database (T6). One of them
//! applies everything, a concurrent index among it, and the others neither deadlock with it nor run anything.

use std::time::{Duration, Instant};

use migrate_tests::crowd::Crowd;
use migrate_tests::wait::answer;
use migrate_tests::{Cluster, TestEnvironment, binaries, invariant};
use postgres::{Client, NoTls};

const COPIES: usize = 50;

fn rounds() -> usize {
    if std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some() { 20 } else { 1 }
}

#[test]
fn one_applies_and_the_others_find_it_done() {
    let shop = binaries::program("shop");
    let cluster = Cluster::start();
    let environment = TestEnvironment::without_database();
    for round in 0..rounds() {
        let database = cluster.database();
        let log = cluster.log();
        let mark = log.mark();
        let crowd = Crowd::assemble(COPIES, |_| {
            let mut command = environment.program(shop);
            command.env("DATABASE_URL", database.url());
            command
        });
        let started = Instant::now();
        let ends = crowd.go();
        let took = started.elapsed();
        assert!(ends.iter().all(|end| end.code == 0), "round {round}: {ends:#?}");
        let applied = ends.iter().filter(|end| !end.stdout.starts_with("applied 0,")).count();
        assert_eq!(applied, 1, "round {round}: {ends:#?}");
        let errors = log.errors(mark);
        assert!(errors.is_empty(), "round {round}: {errors:?}");
        let mut client = Client::connect(database.url(), NoTls).unwrap();
        assert_eq!(answer(&mut client, "SELECT count(*) FROM pg_index WHERE NOT indisvalid"), "0");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations WHERE dirty"), "0");
        // Each migration was begun once and finished once.
        let twice = "SELECT count(*) FROM (SELECT FROM schema_migrations_log WHERE action = 'up' \
                     GROUP BY version, outcome HAVING count(*) > 1) d";
        assert_eq!(answer(&mut client, twice), "0");
        invariant::wait_until_alone(&mut client);
        let mut waits: Vec<_> = ends.iter().map(|end| end.took).collect();
        waits.sort();
        println!("round {round}: {COPIES} copies in {took:?}, the slowest after {:?}", waits[COPIES - 1]);
        assert!(took < Duration::from_secs(30), "{took:?}");
    }
}
