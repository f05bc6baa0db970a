//! Promise 1: a migration is applied and recorded together or not at all, wherever the program is killed (T1, T2).
//!
//! The program is killed (SIGKILL) right before and right after each message that it sends, one run a place. A failure
//! names its place; `CHAOS_AT=17 CHAOS_MODE=after cargo test …` runs that one again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use migrate_tests::proxy::{Action, Direction, Fault, Trigger, points};
use migrate_tests::subject::{Goal, in_parallel};
use migrate_tests::{Proxy, Subject};

#[test]
fn on_the_way_up() {
    sweep(Goal::Up, Subject::new());
}

#[test]
fn on_the_way_down() {
    sweep(Goal::Down, Subject::new());
}

/// With the proof a migration is several messages, and its COMMIT one that waits for our judgement.
#[test]
fn on_the_way_up_with_the_proof() {
    sweep(Goal::Up, Subject::proving());
}

#[test]
fn on_the_way_down_with_the_proof() {
    sweep(Goal::Down, Subject::proving());
}

/// With checks a migration is several messages, too, and its COMMIT one that waits for what they find.
#[test]
fn on_the_way_up_with_checks() {
    sweep(Goal::Up, Subject::checked());
}

fn sweep(goal: Goal, subject: Subject) {
    let started = Instant::now();
    let messages = subject.messages(goal, Direction::ToServer);
    let points = points(messages);
    let killed = AtomicUsize::new(0);
    in_parallel(&points, |&(at, when)| {
        let database = subject.database(goal);
        let proxy = Proxy::start(subject.cluster.upstream());
        proxy.arm(Fault::new(when, Trigger::Frontend(at), Action::Kill));
        let running = subject.start(goal, &proxy.url(&database));
        proxy.target(running.pid());
        let ended = running.wait();
        proxy.wait_drained();
        let mode = format!("{when:?}").to_lowercase();
        let place =
            format!("killed at CHAOS_AT={at} CHAOS_MODE={mode} of {messages}:\n{}", proxy.transcript());
        assert!(
            proxy.struck(),
            "the run had fewer messages than the undisturbed one (exit {}); not {place}{}",
            ended.code,
            ended.stderr
        );
        // A program that has said goodbye may have ended by itself before the signal.
        assert!(ended.code == 137 || ended.code == 0, "exit {}; {place}{}", ended.code, ended.stderr);
        killed.fetch_add(usize::from(ended.code == 137), Ordering::Relaxed);
        drop(proxy);
        subject.check(goal, &database, ended.code, &place);
        subject.forget(&database);
    });
    let killed = killed.into_inner();
    println!(
        "{goal:?}: {messages} messages, {} places, {killed} kills, {:?}",
        points.len(),
        started.elapsed()
    );
    if std::env::var_os("CHAOS_AT").is_none() {
        assert_eq!(points.len(), 2 * messages);
        // Three migrations of three, one and several messages, and two connections: far fewer is a proxy that sees nothing.
        assert!(messages >= 15, "{messages}");
        assert!(killed >= 2 * messages - 4, "{killed} of {}", 2 * messages);
    }
}
