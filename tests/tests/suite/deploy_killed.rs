//! `deploy` is killed (SIGKILL) wherever it speaks to the server, in a step and between two of them, pg_dump's messages too:
//! the same command again ends as an undisturbed one does.
//!
//! A failure names its place; `CHAOS_AT=17 CHAOS_MODE=after cargo test …` runs that one of the sweep again.

use std::sync::atomic::{AtomicUsize, Ordering};

use migrate_tests::production::has_pg_dump;
use migrate_tests::proxy::{Action, Direction, Fault, Trigger, When, points};
use migrate_tests::subject::{Goal, in_parallel};
use migrate_tests::wait::answer;
use migrate_tests::{Proxy, Subject, nightly, skip};

/// Runs, is killed at the place, and is run again.
fn kill(subject: &Subject, when: When, trigger: Trigger, place: &str) -> i32 {
    let database = subject.database(Goal::Deploy);
    let proxy = Proxy::start(subject.cluster.upstream());
    proxy.arm(Fault::new(when, trigger, Action::Kill));
    let running = subject.start(Goal::Deploy, &proxy.url(&database));
    proxy.target(running.pid());
    let ended = running.wait();
    // What pg_dump still had to say goes nowhere: the proxy has cut it off, and its guardian ends it.
    proxy.wait_drained();
    let struck = proxy.struck();
    // The end of it is what tells.
    let said = proxy.transcript();
    let said: Vec<_> = said.split('\n').filter(|line| line.contains(" -> ")).collect();
    let said = said[said.len().saturating_sub(12)..].join("\n");
    let place = format!("killed {when:?} {place}:\n{said}\n{}", ended.stderr);
    drop(proxy);
    // Not the same number of messages each time: what takes long is asked after.
    assert!(
        if struck { matches!(ended.code, 137 | 0) } else { ended.code == 0 },
        "exit {}; {place}",
        ended.code
    );
    subject.check(Goal::Deploy, &database, ended.code, &place);
    let mut client = subject.client(&database);
    let last = "SELECT outcome FROM schema_migrations_log WHERE action = 'deploy' ORDER BY id DESC LIMIT 1";
    assert_eq!(answer(&mut client, last), "finished", "{place}");
    let twice = "SELECT count(*) FROM schema_migrations_log WHERE outcome = 'finished'";
    assert_eq!(answer(&mut client, twice), "1", "{place}");
    drop(client);
    let folder = subject.backups(&database);
    let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let made: Vec<_> = names.iter().filter(|name| *name != "latest").collect();
    assert!(made.len() <= 2 && !made.is_empty(), "{made:?}; {place}");
    for name in made {
        assert!(name.starts_with("backup-"), "a part of a backup is left: {names:?}; {place}");
        assert!(folder.join(name).join("manifest.json").is_file(), "{name}; {place}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
    subject.forget(&database);
    ended.code
}

/// What is written down before and after each step, and what pg_dump does.
const PLACES: [&str; 14] = [
    "'deploy', 'started'",
    "'preflight started'",
    "'preflight ok'",
    "'backup started'",
    "pg_export_snapshot",
    "LOCK TABLE",
    "COPY public.",
    "'backup ok'",
    "'up started'",
    "CREATE INDEX CONCURRENTLY",
    "'up ok'",
    "'postflight started'",
    "'postflight ok'",
    "'finished'",
];

#[test]
fn between_the_steps_and_in_each_of_them() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let subject = Subject::new();
    let killed = AtomicUsize::new(0);
    let all: Vec<_> =
        PLACES.iter().flat_map(|place| [(*place, When::Before), (*place, When::After)]).collect();
    in_parallel(&all, |(place, when)| {
        let code = kill(&subject, *when, Trigger::Sql((*place).to_owned()), place);
        assert_eq!(code, 137, "nothing was killed at {place}");
        killed.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(killed.into_inner(), 2 * PLACES.len());
}

fn sweep(stride: usize) {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let subject = Subject::new();
    let messages = subject.messages(Goal::Deploy, Direction::ToServer);
    let all: Vec<_> = points(messages).into_iter().step_by(stride).collect();
    let killed = AtomicUsize::new(0);
    in_parallel(&all, |&(at, when)| {
        let place = format!("at CHAOS_AT={at} of {messages}");
        let code = kill(&subject, when, Trigger::Frontend(at), &place);
        killed.fetch_add(usize::from(code == 137), Ordering::Relaxed);
    });
    let killed = killed.into_inner();
    println!("{messages} messages, {} places, {killed} kills", all.len());
    if std::env::var_os("CHAOS_AT").is_none() {
        assert!(messages >= 100, "{messages}");
        assert!(killed + killed / 10 + 4 >= all.len(), "{killed} of {}", all.len());
    }
}

#[test]
fn at_some_messages() {
    // A stride that meets both modes.
    sweep(41);
}

#[test]
fn at_every_message() {
    nightly!();
    sweep(1);
}
