//! The server ends our connections at every step (T4): the work connection, or the one that holds the lock.
//!
//! Each message in turn is held; a backend of the run is terminated by an administrator; then the message goes on. A
//! failure names its place; `CHAOS_AT=17 CHAOS_MODE=before cargo test …` runs that one again.

use std::sync::Mutex;
use std::time::Instant;

use migrate_tests::proxy::{Action, Direction, Fault, Trigger, When, points};
use migrate_tests::subject::{Goal, in_parallel};
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Proxy, Subject};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Work,
    Lock,
}

impl Victim {
    /// The condition on `application_name`.
    fn condition(self) -> &'static str {
        match self {
            Victim::Work => "application_name LIKE 'cargo-migrate%' AND application_name NOT LIKE '%: lock'",
            Victim::Lock => "application_name LIKE 'cargo-migrate: lock'",
        }
    }
}

#[test]
fn a_terminated_backend_is_never_a_success() {
    sweep(Subject::new());
}

#[test]
fn nor_with_the_proof() {
    sweep(Subject::proving());
}

fn sweep(subject: Subject) {
    let started = Instant::now();
    let messages = subject.messages(Goal::Up, Direction::ToServer);
    let mut places = Vec::new();
    for (at, when) in points(messages) {
        places.push((at, when, Victim::Work));
        // After a message the lock's backend is in no other state than before the next one.
        if when == When::Before {
            places.push((at, when, Victim::Lock));
        }
    }
    let ends = Mutex::new(Vec::new());
    in_parallel(&places, |&(at, when, victim)| {
        let database = subject.database(Goal::Up);
        let proxy = Proxy::start(subject.cluster.upstream());
        proxy.arm(Fault::new(when, Trigger::Frontend(at), Action::Hold));
        let running = subject.start(Goal::Up, &proxy.url(&database));
        proxy.wait_struck(1);
        let mut admin = subject.client(&database);
        let victims = format!(
            "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND {}",
            victim.condition()
        );
        let terminate = format!("SELECT count(pg_terminate_backend(pid)) {victims}");
        let terminated = answer(&mut admin, &terminate);
        // Again for as long as there is one: a backend that was still starting is not in the list at first.
        poll_until(&mut admin, &terminate, "0");
        drop(admin);
        proxy.release();
        let ended = running.wait();
        let mode = format!("{when:?}").to_lowercase();
        let place = format!(
            "{victim:?} ({terminated}) terminated at CHAOS_AT={at} CHAOS_MODE={mode} of {messages}: exit {}\n{}{}",
            ended.code,
            ended.stderr,
            proxy.transcript()
        );
        // 0 is for a run that was through (which `check` makes sure of); 7 for one that left a dirty row.
        assert!([0, 2, 6, 7].contains(&ended.code), "{place}");
        drop(proxy);
        subject.check(Goal::Up, &database, ended.code, &place);
        subject.forget(&database);
        ends.lock().unwrap().push((victim, ended.code, terminated != "0"));
    });
    let ends = ends.into_inner().unwrap();
    let failed = |victim: Victim| ends.iter().filter(|end| end.0 == victim && end.1 != 0).count();
    let struck = |victim: Victim| ends.iter().filter(|end| end.0 == victim && end.2).count();
    for victim in [Victim::Work, Victim::Lock] {
        println!("{victim:?}: {} terminated, {} failed", struck(victim), failed(victim));
    }
    println!("{messages} messages, {} places, {:?}", places.len(), started.elapsed());
    if std::env::var_os("CHAOS_AT").is_none() {
        assert_eq!(places.len(), 3 * messages);
        assert!(struck(Victim::Work) > messages && failed(Victim::Work) > messages / 2, "{ends:?}");
        assert!(struck(Victim::Lock) > messages / 2 && failed(Victim::Lock) > 2, "{ends:?}");
    }
}
