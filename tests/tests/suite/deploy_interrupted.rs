//! `deploy` is interrupted in each of its steps: Ctrl-C, SIGTERM, the end of the terminal (SIGHUP); it ends in order, with the
//! signal's exit code, and the same command goes on. Stopped (Ctrl-Z) and continued, it goes on by itself.

use migrate_tests::production::{TWO, has_pg_dump};
use migrate_tests::proxy::{Action, Fault, Trigger, When};
use migrate_tests::subject::{Goal, in_parallel};
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Gate, Proxy, Subject, skip};
use rustix::process::Signal;

const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

const PLACES: [&str; 6] = [
    "'preflight started'",
    "'backup started'",
    "COPY public.",
    "'up started'",
    "CREATE INDEX CONCURRENTLY",
    "'postflight started'",
];

#[test]
fn in_each_of_its_steps() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let subject = Subject::new();
    let all = std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some();
    let places: Vec<_> = PLACES
        .iter()
        .enumerate()
        .flat_map(|(index, place)| {
            let chosen = move |one: &usize| all || *one == index % SIGNALS.len();
            (0..SIGNALS.len()).filter(chosen).map(|one| (*place, SIGNALS[one])).collect::<Vec<_>>()
        })
        .collect();
    in_parallel(&places, |&(place, (signal, code))| {
        let database = subject.database(Goal::Deploy);
        let proxy = Proxy::start(subject.cluster.upstream());
        proxy.arm(Fault::new(When::After, Trigger::Sql(place.to_owned()), Action::Hold));
        let mut running = subject.start(Goal::Deploy, &proxy.url(&database));
        proxy.wait_held();
        running.signal(signal);
        running.wait_for_stderr("stopping: ");
        proxy.release();
        let ended = running.wait();
        let context = format!("{signal:?} at {place}\n{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code, code, "{context}");
        assert!(ended.stdout.contains("cut short: the same command goes on where it was"), "{context}");
        drop(proxy);
        subject.check(Goal::Deploy, &database, ended.code, &context);
        let log = "SELECT count(DISTINCT run) || ' ' || (array_agg(outcome ORDER BY id DESC))[1] || ' ' || \
                   count(*) FILTER (WHERE outcome LIKE '%failed') FROM schema_migrations_log WHERE action = 'deploy'";
        assert_eq!(answer(&mut subject.client(&database), log), "1 finished 0", "{context}");
        subject.forget(&database);
    });
}

#[test]
fn stopped_and_continued() {
    let environment = migrate_tests::production::project(&[TWO[0]], "");
    let up = [migrate_tests::gate::HEAD, migrate_tests::gate::STAND, TWO[1].1].concat();
    environment.migration("0002_b", &up, TWO[1].2);
    migrate_tests::production::lock(&environment);
    let mut gate = Gate::close(environment.database().url());
    let running = environment.spawn(&["deploy", "--skip-backup", "it is a test"]);
    let backend = gate.wait_for_somebody();
    running.signal(Signal::STOP);
    gate.open();
    // The server is done with what it was given, and nobody takes the answer.
    let mut client = environment.client();
    let idle = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {backend} AND state = 'active'");
    poll_until(&mut client, &idle, "0");
    running.signal(Signal::CONT);
    running.wait().success();
    assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations WHERE NOT dirty"), "2");
}
