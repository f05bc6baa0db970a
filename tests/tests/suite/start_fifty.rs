//! T5 and T7: fifty starts at once on an empty database. One applies, the others find it done, and the server has
//! nothing to complain about.

use std::time::Duration;

use migrate_tests::{Cluster, Running, TestEnvironment, binaries, output, poll_until, wait};
use rustix::process::Signal;

const STARTS: usize = 50;

fn shop(url: &str) -> std::process::Command {
    let mut command = std::process::Command::new(binaries::program("shop"));
    command.env_clear().env("DATABASE_URL", url);
    command
}

/// What a start said: how many it applied, how many there are in all, and how long it took.
fn said(running: Running) -> (usize, usize, Duration) {
    let output = running.wait();
    output.success();
    let line = output
        .stdout
        .split('\n')
        .find_map(|line| line.strip_prefix("applied "))
        .unwrap_or_default()
        .to_owned();
    let (applied, all) =
        line.strip_suffix(" in all").and_then(|line| line.split_once(", ")).unwrap_or_default();
    (applied.parse().unwrap(), all.parse().unwrap(), output.took)
}

/// One applied everything, all others nothing; and the history has each migration once.
fn check(said: &[(usize, usize, Duration)], round: usize) {
    let all = migrate_tests::migrations::example().migrations.len();
    let mut applied: Vec<_> = said.iter().map(|(applied, ..)| *applied).collect();
    applied.sort_unstable();
    let mut expected = vec![0; said.len() - 1];
    expected.push(all);
    assert_eq!(applied, expected, "round {round}");
    assert!(said.iter().all(|(_, total, _)| *total == all), "round {round}: {said:?}");
}

fn p99(said: &[(usize, usize, Duration)]) -> Duration {
    let mut waits: Vec<_> = said.iter().map(|(.., took)| *took).collect();
    waits.sort_unstable();
    waits[waits.len() * 99 / 100 - 1]
}

/// Starts programs that stop themselves before they become the application, and lets them all go at one instant.
fn barrier(commands: Vec<std::process::Command>) -> Vec<Running> {
    let stopped: Vec<_> = commands
        .into_iter()
        .map(|command| {
            let mut shell = std::process::Command::new("sh");
            shell
                .args(["-c", "kill -STOP $$; exec \"$@\"", "sh"])
                .arg(command.get_program())
                .args(command.get_args());
            shell.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
            if let Some(folder) = command.get_current_dir() {
                shell.current_dir(folder);
            }
            shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            output::spawn(&mut shell)
        })
        .collect();
    for running in &stopped {
        migrate_tests::until("a program to stop itself", || state(running.pid()) == Some('T'));
    }
    for running in &stopped {
        running.signal(Signal::CONT);
    }
    stopped
}

/// The state of a process as ps tells it, which is the same on Linux and macOS.
fn state(pid: i32) -> Option<char> {
    let output =
        std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().chars().next()
}

#[test]
fn fifty_starts_at_one_instant() {
    let rounds = if std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some() { 50 } else { 5 };
    let cluster = Cluster::start();
    let log = cluster.log();
    for round in 1..=rounds {
        let database = cluster.database();
        let mark = log.mark();
        let running = barrier((0..STARTS).map(|_| shop(database.url())).collect());
        let said: Vec<_> = running.into_iter().map(said).collect();
        check(&said, round);
        let errors = log.errors(mark);
        assert!(errors.is_empty(), "round {round}: {errors:?}");
        assert_eq!(log.count(mark, "CREATE TABLE customers ("), 1, "round {round}");
        println!("round {round}: p99 {:?}", p99(&said));
        let mut client = database.connect().unwrap();
        poll_until(&mut client, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0");
        assert_eq!(wait::answer(&mut client, "SELECT count(DISTINCT run) FROM schema_migrations_log"), "1");
    }
}

/// The worst start of all: each of them has seen the empty database before the first may begin.
#[test]
fn fifty_that_have_all_seen_the_empty_database() {
    // The key of the default history: a contract between versions, held by a test of the engine.
    const RUNNER: &str = "5106966883207162579";
    let cluster = Cluster::start();
    let log = cluster.log();
    let database = cluster.database();
    let mark = log.mark();
    let mut holder = database.connect().unwrap();
    holder.batch_execute(&format!("SELECT pg_advisory_lock({RUNNER})")).unwrap();
    let running: Vec<_> = (0..STARTS).map(|_| output::spawn(&mut shop(database.url()))).collect();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '%: lock'";
    poll_until(&mut holder, waiting, &STARTS.to_string());
    holder.batch_execute("SELECT pg_advisory_unlock_all()").unwrap();
    let said: Vec<_> = running.into_iter().map(said).collect();
    check(&said, 1);
    assert!(log.errors(mark).is_empty(), "{:?}", log.errors(mark));
}

/// T7: the command line and the application hold the same lock.
#[test]
fn the_command_line_and_the_application_at_once() {
    let cluster = Cluster::start();
    let log = cluster.log();
    let database = cluster.database();
    let mut environment = TestEnvironment::without_database();
    environment.set_var("DATABASE_URL", database.url());
    let folder = binaries::workspace().join("migrations");
    let up = ["up", "--locked", "--dir", folder.to_str().unwrap()];
    let mark = log.mark();
    let commands =
        (0..STARTS).map(|index| if index % 2 == 0 { shop(database.url()) } else { environment.command(&up) });
    for running in barrier(commands.collect()) {
        running.wait().success();
    }
    assert!(log.errors(mark).is_empty(), "{:?}", log.errors(mark));
    assert_eq!(log.count(mark, "CREATE TABLE customers ("), 1);
    let mut client = database.connect().unwrap();
    assert_eq!(wait::answer(&mut client, "SELECT count(DISTINCT run) FROM schema_migrations_log"), "1");
    poll_until(&mut client, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", "0");
}
