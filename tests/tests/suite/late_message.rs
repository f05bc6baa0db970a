//! A message that arrives after its sender was killed: it lies in a socket, unread, while the next runner starts (promises 1
//! to 3). The runner's lock is free by then, and no transaction has begun that a lock could show.

use migrate_tests::proxy::{Action, Direction, Fault, Record, Trigger, When};
use migrate_tests::subject::Goal;
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Proxy, Subject};

/// The number of the program's message that begins a transaction and has this in it.
fn message(records: &[Record], part: &str) -> usize {
    let ours = records.iter().filter(|record| record.direction == Direction::ToServer);
    let found = ours.enumerate().find(|(_, record)| {
        let text = record.text.as_deref().unwrap_or_default();
        text.starts_with("BEGIN ISOLATION") && text.contains(part)
    });
    found.unwrap().0 + 1
}

#[test]
fn of_a_transaction_that_the_next_runner_has_planned_too() {
    let subject = Subject::new();
    let at = message(&subject.undisturbed(Goal::Up), "CREATE TABLE ledger");
    // Whose message comes first; the late one is harmless, and the next runner takes what is there.
    for late_is_first in [true, false] {
        let database = subject.database(Goal::Up);
        let (first_proxy, second_proxy) =
            (Proxy::start(subject.cluster.upstream()), Proxy::start(subject.cluster.upstream()));
        first_proxy.arm(Fault::new(When::Before, Trigger::Frontend(at), Action::Hold));
        let first = subject.start(Goal::Up, &first_proxy.url(&database));
        first_proxy.wait_held();
        assert_eq!(first.kill().code, 137);

        let held = Trigger::Sql("CREATE TABLE ledger".to_owned());
        second_proxy.arm(Fault::new(When::Before, held, Action::Hold));
        let second = subject.start(Goal::Up, &second_proxy.url(&database));
        second_proxy.wait_held();
        let mut client = subject.client(&database);
        let done = "SELECT count(*) FROM schema_migrations WHERE version = '0002_keep_a_ledger'";
        if late_is_first {
            first_proxy.release();
            poll_until(&mut client, done, "1");
            second_proxy.release();
        } else {
            second_proxy.release();
            poll_until(&mut client, done, "1");
            first_proxy.release();
        }
        let ended = second.wait();
        assert_eq!(ended.code, 0, "late first: {late_is_first}\n{}{}", ended.stdout, ended.stderr);
        drop((client, first_proxy, second_proxy));
        subject.check(Goal::Up, &database, ended.code, &ended.stderr);
    }
}

#[test]
fn of_a_journalled_statement() {
    let subject = Subject::new();
    for statement in ["INSERT INTO ledger VALUES ('before')", "INSERT INTO ledger VALUES ('after')"] {
        let at = message(&subject.undisturbed(Goal::Up), statement);
        let database = subject.database(Goal::Up);
        let proxy = Proxy::start(subject.cluster.upstream());
        proxy.arm(Fault::new(When::Before, Trigger::Frontend(at), Action::Hold));
        let first = subject.start(Goal::Up, &proxy.url(&database));
        proxy.wait_held();
        assert_eq!(first.kill().code, 137);
        let mut client = subject.client(&database);
        let mut second = subject.start(Goal::Up, &subject.cluster.url(&database));
        // It must not run that statement while the first one's may still come.
        second.wait_for_stderr("waiting for");
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations WHERE dirty"), "1");
        proxy.release();
        let ended = second.wait();
        assert_eq!(ended.code, 0, "{statement}\n{}{}", ended.stdout, ended.stderr);
        drop((client, proxy));
        // Each statement was run once: two rows of one kind would be half a migration too much.
        subject.check(Goal::Up, &database, ended.code, &ended.stderr);
    }
}
