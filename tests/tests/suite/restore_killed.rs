//! A restore with a swap that is killed (SIGKILL) right before and right after each message that it or pg_restore sends:
//! the name always leads to a whole database, nothing is lost, and the same command once more completes.
//!
//! `CHAOS_AT=17 CHAOS_MODE=after cargo test …` runs one place again.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use migrate_tests::proxy::{Action, Direction, Fault, Trigger, When, points};
use migrate_tests::subject::in_parallel;
use migrate_tests::{Proxy, Restorable, output, poll_until};
use rustix::process::Signal;

/// A small database: what matters is each kind of message, not how many rows there are.
const SMALL: &str = "CREATE TABLE orders (id serial PRIMARY KEY, total int); \
                     INSERT INTO orders (total) SELECT n FROM generate_series(1, 10) n";

struct Killed {
    shop: Restorable,
    counter: AtomicUsize,
    copying: Mutex<()>,
}

impl Killed {
    fn new() -> Self {
        let shop = Restorable::new();
        shop.cluster.admin().batch_execute("CREATE DATABASE small").unwrap();
        shop.client("small").batch_execute(SMALL).unwrap();
        let url = shop.cluster.url("small");
        shop.run(&["up", "--database-url", &url]).success();
        shop.run(&["backup", "create", "--database-url", &url]).success();
        Self { shop, counter: AtomicUsize::new(0), copying: Mutex::default() }
    }

    /// A copy of the database, which went on after the backup.
    fn database(&self) -> String {
        let name = format!("small_{}_", self.counter.fetch_add(1, Ordering::Relaxed));
        // Two copies of one database at once are refused: its template is "being accessed by other users".
        let copying = self.copying.lock().unwrap();
        self.shop.cluster.admin().batch_execute(&format!("CREATE DATABASE {name} TEMPLATE small")).unwrap();
        drop(copying);
        self.shop.client(&name).batch_execute("CREATE TABLE late AS SELECT 1 AS x").unwrap();
        name
    }

    fn command(&self, url: &str) -> std::process::Command {
        let arguments =
            ["backup", "restore", "--swap", "--yes", "--from-another-database", "--database-url", url];
        let fixed = ["--dir", "migrations", "--history-table", "public.schema_migrations"];
        self.shop.environment.command(&[&arguments[..], &fixed[..]].concat())
    }

    fn messages(&self) -> usize {
        let database = self.database();
        let proxy = Proxy::start(self.shop.cluster.upstream());
        self.shop.environment.capture(&mut self.command(&proxy.url(&database))).success();
        proxy.wait_drained();
        let sent = proxy.records().iter().filter(|record| record.direction == Direction::ToServer).count();
        self.forget(&database);
        sent
    }

    /// Everything that must hold after a crash, and after the same command once more.
    fn check(&self, database: &str, place: &str) {
        let mut admin = self.shop.cluster.admin();
        let like = database.replace('_', "\\_");
        // Statements of a dead client end by themselves, and so do its programs.
        let left = format!("SELECT count(*) FROM pg_stat_activity WHERE datname LIKE '{like}%'");
        poll_until(&mut admin, &left, "0");
        let swapped = self.whole(database, place);
        let unfinished = self.shop.databases(&format!("{like}%\\_unfinished"));
        assert!(unfinished.len() <= 1 && !(swapped && unfinished.len() == 1), "{unfinished:?} {place}");

        let again = self.shop.environment.capture(&mut self.command(&self.shop.cluster.url(database)));
        assert_eq!(again.code, 0, "{}{place}", again.stderr);
        assert!(self.whole(database, place), "swapped in by now; {place}");
        for one in unfinished {
            assert!(
                again.stderr.contains(&format!("{one} was left by a restore")),
                "{}{place}",
                again.stderr
            );
            let url = self.shop.cluster.url(database);
            self.shop.restore(&["--discard", &one, "--yes", "--database-url", &url]).success();
        }
        assert_eq!(self.shop.databases(&format!("{like}%\\_unfinished")), Vec::<String>::new(), "{place}");
    }

    /// Whether the name leads to the restored one. The old one is there with all that it had, under one of the names.
    fn whole(&self, database: &str, place: &str) -> bool {
        let ask = |database: &str, sql: &str| self.shop.ask(database, sql);
        assert_eq!(ask(database, "SELECT count(*) FROM orders"), "10", "{place}");
        assert_eq!(ask(database, "SELECT count(*) FROM schema_migrations"), "1", "{place}");
        let has_late = |database: &str| ask(database, "SELECT to_regclass('late')") == "late";
        let kept = self.shop.databases(&format!("{}\\_before\\_%", database.replace('_', "\\_")));
        let old: Vec<_> =
            kept.iter().map(String::as_str).chain([database]).filter(|one| has_late(one)).collect();
        assert_eq!(old.len(), 1, "{kept:?} {place}");
        assert_eq!(ask(old[0], "SELECT x FROM late"), "1", "{place}");
        let closed = "SELECT count(*) FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'";
        assert_eq!(ask("postgres", closed), "0", "{place}");
        !has_late(database)
    }

    fn forget(&self, database: &str) {
        let mut admin = self.shop.cluster.admin();
        for one in self.shop.databases(&format!("{}%", database.replace('_', "\\_"))) {
            admin.batch_execute(&format!("DROP DATABASE \"{one}\" WITH (FORCE)")).unwrap();
        }
    }
}

#[test]
fn at_every_message() {
    let killed = Killed::new();
    let messages = killed.messages();
    // Those of pg_restore are alike: one in thirteen of all, but for the last, which are the swap, and before a release all.
    let nightly =
        std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some() || std::env::var_os("CHAOS_AT").is_some();
    let chosen = |(at, when): &(usize, When)| {
        nightly || at % 13 == usize::from(*when == When::After) || at + 30 > messages
    };
    let points: Vec<_> = points(messages).into_iter().filter(chosen).collect();
    let died = AtomicUsize::new(0);
    in_parallel(&points, |&(at, when)| {
        let database = killed.database();
        let proxy = Proxy::start(killed.shop.cluster.upstream());
        proxy.arm(Fault::new(when, Trigger::Frontend(at), Action::Kill));
        let running = output::spawn(&mut killed.command(&proxy.url(&database)));
        proxy.target(running.pid());
        let ended = running.wait();
        proxy.wait_drained();
        let mode = format!("{when:?}").to_lowercase();
        let place = format!(
            "killed at CHAOS_AT={at} CHAOS_MODE={mode} of {messages} (exit {}):\n{}\n{}",
            ended.code,
            ended.stderr,
            proxy.transcript()
        );
        // How often it looks who is still connected is a matter of time: the last messages may not come.
        assert!(ended.code == 137 || ended.code == 0, "{place}");
        died.fetch_add(usize::from(ended.code == 137), Ordering::Relaxed);
        drop(proxy);
        killed.check(&database, &place);
        killed.forget(&database);
    });
    let died = died.into_inner();
    println!("{messages} messages, {} places, {died} kills", points.len());
    if std::env::var_os("CHAOS_AT").is_none() {
        assert!(messages >= 60, "{messages}");
        assert!(died * 10 >= points.len() * 8, "{died} of {}", points.len());
    }
}

/// Ctrl-C while it loads: what was made is taken away again, and said.
#[test]
fn an_interrupted_restore_takes_away_what_it_made() {
    let killed = Killed::new();
    let database = killed.database();
    let proxy = Proxy::start(killed.shop.cluster.upstream());
    proxy.arm(Fault::new(When::Before, Trigger::Sql("CREATE TABLE public.orders".to_owned()), Action::Hold));
    let mut running = output::spawn(&mut killed.command(&proxy.url(&database)));
    running.wait_for_stderr("loading ");
    proxy.wait_held();
    running.signal(Signal::INT);
    let ended = running.wait();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("was dropped; the database in use is as it was"), "{}", ended.stderr);
    proxy.release();
    let like = database.replace('_', "\\_");
    assert_eq!(killed.shop.databases(&format!("{like}%")), std::slice::from_ref(&database));
    killed.check(&database, "after the interrupt");
}

/// The connection breaks at the very commit: what became of it is found out and told.
#[test]
fn a_commit_whose_answer_is_lost_is_told_as_what_it_was() {
    let killed = Killed::new();
    for (when, code) in [(When::After, 0), (When::Before, 1)] {
        let database = killed.database();
        let url = killed.shop.cluster.url(&database);
        let beside = format!("{database}beside");
        killed
            .shop
            .restore(&["--into", &beside, "--from-another-database", "--database-url", &url])
            .success();
        let proxy = Proxy::start(killed.shop.cluster.upstream());
        let before =
            killed.shop.ask("postgres", &format!("SELECT oid FROM pg_database WHERE datname = '{beside}'"));
        proxy.arm(Fault::new(when, Trigger::Sql("COMMIT TRANSACTION".to_owned()), Action::Cut));
        let url = proxy.url(&database);
        let output = killed.shop.restore(&["--swap", "--into", &beside, "--yes", "--database-url", &url]);
        assert_eq!(output.code, code, "{when:?}: {}\n{}", output.stderr, proxy.transcript());
        let after =
            killed.shop.ask("postgres", &format!("SELECT oid FROM pg_database WHERE datname = '{database}'"));
        assert_eq!(before == after, code == 0, "{when:?}");
        killed.forget(&database);
    }
}
