//! `deploy --on-failure rollback` and `--on-failure restore` are killed (SIGKILL) wherever they speak to the server after a
//! migration failed: at every moment the name leads to a whole database that says where it is, nothing is lost, and the
//! same command again ends as an undisturbed one does.
//!
//! A failure names its place; `CHAOS_AT=17 CHAOS_MODE=after cargo test …` runs that one of the sweep again.

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use migrate_tests::invariant::{self, Effect, Extent, Migration, Recorded};
use migrate_tests::production::has_pg_dump;
use migrate_tests::proxy::{Action, Direction, Fault, Trigger, When, points};
use migrate_tests::subject::in_parallel;
use migrate_tests::wait::{answer, poll_until};
use migrate_tests::{Cluster, Output, Proxy, TestEnvironment, nightly, output, skip};
use postgres::{Client, NoTls};

/// What is there before; what is applied and taken back, in a transaction and outside of one; what fails.
const MIGRATIONS: [Migration; 4] = [
    Migration {
        stem: "0001_accounts",
        up: "CREATE TABLE accounts (id int PRIMARY KEY);\nINSERT INTO accounts VALUES (1), (2);\n",
        down: "DROP TABLE accounts;\n",
        effects: &[Effect::Relation("accounts"), Effect::Rows("accounts", "id IN (1, 2)", 2)],
    },
    Migration {
        stem: "0002_more",
        up: "INSERT INTO accounts VALUES (3);\nCREATE TABLE ledger (note text);\n",
        down: "DROP TABLE ledger;\nDELETE FROM accounts WHERE id = 3;\n",
        effects: &[Effect::Relation("ledger"), Effect::Rows("accounts", "id = 3", 1)],
    },
    Migration {
        stem: "0003_index",
        up: "INSERT INTO ledger VALUES ('before');\nCREATE INDEX CONCURRENTLY ledger_note ON ledger (note);\n",
        down: "DROP INDEX CONCURRENTLY ledger_note;\nDELETE FROM ledger WHERE note = 'before';\n",
        effects: &[Effect::Relation("ledger_note"), Effect::Rows("ledger", "note = 'before'", 1)],
    },
    FAILS,
];

const FAILS: Migration = Migration {
    stem: "0004_fails",
    up: "CREATE TABLE nothing ();\nSELECT nope;\n",
    down: "DROP TABLE nothing;\n",
    effects: &[Effect::Relation("nothing")],
};

/// Partly applied where it fails: the rows are not unique in this.
const FAILS_HALF_WAY: Migration = Migration {
    stem: "0004_fails",
    up: "INSERT INTO ledger VALUES ('half');\nCREATE UNIQUE INDEX CONCURRENTLY ledger_one ON ledger ((1));\n",
    down: "DROP INDEX CONCURRENTLY IF EXISTS ledger_one;\nDELETE FROM ledger WHERE note = 'half';\n",
    effects: &[Effect::Relation("ledger_one"), Effect::Rows("ledger", "note = 'half'", 1)],
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Rollback,
    Restore,
}

/// A project whose last migration fails, and a server.
struct Shop {
    environment: TestEnvironment,
    cluster: Cluster,
    migrations: [Migration; 4],
    way: Way,
    counter: AtomicUsize,
    copying: Mutex<()>,
}

impl Shop {
    fn new(way: Way, fails: Migration) -> Self {
        let cluster = Cluster::start();
        let environment = TestEnvironment::without_database();
        let mut migrations = MIGRATIONS;
        migrations[3] = fails;
        for migration in &migrations {
            environment.migration(migration.stem, migration.up, migration.down);
        }
        environment.run(&["lock"]).success();
        cluster.admin().batch_execute("CREATE DATABASE base TEMPLATE template0").unwrap();
        let shop = Self {
            environment,
            cluster,
            migrations,
            way,
            counter: AtomicUsize::new(0),
            copying: Mutex::default(),
        };
        shop.run("base", &["up", "--steps", "1"]).success();
        shop
    }

    /// A copy of the database as it is before, and its oid.
    fn database(&self) -> (String, String) {
        let name = format!("shop{}", self.counter.fetch_add(1, Ordering::Relaxed));
        // Two copies of one database at once are refused: its template is "being accessed by other users".
        let copying = self.copying.lock().unwrap();
        self.cluster.admin().batch_execute(&format!("CREATE DATABASE {name} TEMPLATE base")).unwrap();
        drop(copying);
        let oid = self.ask("postgres", &format!("SELECT oid FROM pg_database WHERE datname = '{name}'"));
        (name, oid)
    }

    fn command(&self, database: &str, url: &str, arguments: &[&str]) -> Command {
        let folder = |what: &str| self.environment.path(format!(".migrate/{database}/{what}"));
        let (backups, logs) = (folder("backups"), folder("log"));
        let (backups, logs) = (backups.display().to_string(), logs.display().to_string());
        let fixed =
            ["--database-url", url, "--dir", "migrations", "--history-table", "public.schema_migrations"];
        let folders = ["--log-dir", &logs, "--backup-dir", &backups];
        self.environment.command(&[arguments, &fixed, &folders].concat())
    }

    fn run(&self, database: &str, arguments: &[&str]) -> Output {
        self.environment.capture(&mut self.command(database, &self.cluster.url(database), arguments))
    }

    fn deploy(&self, database: &str, url: &str) -> Command {
        let way: &[&str] = match self.way {
            Way::Rollback => &["deploy", "--on-failure", "rollback", "--skip-backup", "small"],
            Way::Restore => &["deploy", "--on-failure", "restore", "--yes"],
        };
        // What an earlier run left partly applied is no reason to stop a new one.
        self.command(database, url, &[way, &["--allow", "history=it is its own"]].concat())
    }

    fn client(&self, database: &str) -> Client {
        Client::connect(&self.cluster.url(database), NoTls).unwrap()
    }

    fn ask(&self, database: &str, sql: &str) -> String {
        answer(&mut self.client(database), sql)
    }

    /// Runs to the moment at which the failure is to be written down.
    fn to_the_failure(&self, database: &str, proxy: &Proxy) -> output::Running {
        proxy.arm(Fault::new(When::Before, Trigger::Sql("'up failed'".to_owned()), Action::Hold));
        let running = output::spawn(&mut self.deploy(database, &proxy.url(database)));
        proxy.target(running.pid());
        proxy.wait_held();
        proxy.reset();
        running
    }

    /// How many messages it sends after that.
    fn messages(&self) -> usize {
        let (database, oid) = self.database();
        let proxy = Proxy::start(self.cluster.upstream());
        let running = self.to_the_failure(&database, &proxy);
        proxy.release();
        running.wait().expect(2);
        proxy.wait_drained();
        let sent = proxy.records().iter().filter(|record| record.direction == Direction::ToServer).count();
        drop(proxy);
        self.assert_undone(&database, &oid, "undisturbed");
        self.forget(&database);
        sent
    }

    /// Is killed at the place, and run again; the exit code of the first.
    fn kill(&self, when: When, trigger: Trigger, place: &str) -> i32 {
        let (database, oid) = self.database();
        let proxy = Proxy::start(self.cluster.upstream());
        let running = self.to_the_failure(&database, &proxy);
        proxy.arm(Fault::new(when, trigger, Action::Kill));
        proxy.release();
        let ended = running.wait();
        proxy.wait_drained();
        let said = proxy.transcript();
        let said: Vec<_> = said.split('\n').filter(|line| line.contains(" -> ")).collect();
        let said = said[said.len().saturating_sub(12)..].join("\n");
        drop(proxy);
        let place = format!("{:?} killed {when:?} {place}:\n{said}\n{}", self.way, ended.stderr);
        // How often it is looked who is still connected is a matter of time: the last messages may not come.
        assert!(matches!(ended.code, 137 | 2), "exit {}; {place}", ended.code);
        self.assert_truthful(&database, &oid, ended.code, &place);
        let again = self.environment.capture(&mut self.deploy(&database, &self.cluster.url(&database)));
        let place = format!("{place}\n-- again:\n{}{}", again.stdout, again.stderr);
        assert_eq!(again.code, 2, "{place}");
        self.assert_undone(&database, &oid, &place);
        self.forget(&database);
        ended.code
    }

    /// What holds at every moment: the name leads to a database in which effects and history fit, it says what is so, and
    /// everything that was in the first one is there.
    fn assert_truthful(&self, database: &str, oid: &str, exit: i32, place: &str) {
        let mut admin = self.cluster.admin();
        // Statements of a dead client end by themselves; those that rename come from another database.
        let left = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname ~ '^{database}(_|$)' OR pid <> pg_backend_pid() \
             AND state <> 'idle' AND (query ~ '{database}[_\"]' OR query = 'COMMIT TRANSACTION')"
        );
        poll_until(&mut admin, &left, "0");
        let standing = invariant::standing(&mut self.client(database), &self.migrations);
        invariant::holds(&standing, exit, place);
        assert_eq!((standing[0].1, standing[0].2), (Extent::Whole, Recorded::Applied), "{place}");
        let first = self.ask("postgres", &format!("SELECT datname FROM pg_database WHERE oid = {oid}"));
        let rows = self.ask(&first, "SELECT count(*) FROM accounts WHERE id IN (1, 2)");
        assert_eq!(rows, "2", "{first} has lost something; {place}");
        if self.way == Way::Restore {
            let kept = invariant::standing(&mut self.client(&first), &self.migrations);
            assert!(kept[..3].iter().all(|one| one.1 == Extent::Whole), "{kept:?}: {place}");
        }
        let closed = "SELECT count(*) FROM pg_database WHERE NOT datallowconn AND datname <> 'template0'";
        assert_eq!(self.ask("postgres", closed), "0", "{place}");

        let status = self.run(database, &["status", "--format", "json"]);
        let told: serde_json::Value = serde_json::from_str(&status.success().stdout).unwrap();
        for (stem, _, recorded) in &standing {
            let told =
                told["result"]["migrations"].as_array().unwrap().iter().find(|one| one["migration"] == *stem);
            let expected = match recorded {
                Recorded::Absent => "pending",
                Recorded::Applied => "applied",
                Recorded::Dirty => "dirty",
            };
            assert_eq!(told.unwrap()["state"], expected, "{}\n{place}", status.stdout);
        }
        // Who looks is told that there is something to go on with, and who has nothing to go on with is not.
        let last =
            "SELECT outcome FROM schema_migrations_log WHERE action = 'deploy' ORDER BY id DESC LIMIT 1";
        let is_over = self.ask(database, last) == "stopped";
        let told = &told["result"]["unfinished_deployment"];
        assert_eq!(told.is_null(), is_over, "{told} {place}");
    }

    /// How it ends: nothing of the deployment is there, and the log tells all of it.
    fn assert_undone(&self, database: &str, oid: &str, place: &str) {
        self.assert_truthful(database, oid, 2, place);
        let mut client = self.client(database);
        let standing = invariant::standing(&mut client, &self.migrations);
        let undone = |one: &invariant::Standing| (one.1, one.2) == (Extent::Nothing, Recorded::Absent);
        assert!(standing[1..].iter().all(undone), "{standing:?} {place}");
        let now = self.ask("postgres", &format!("SELECT oid FROM pg_database WHERE datname = '{database}'"));
        assert_eq!(now == oid, self.way == Way::Rollback, "{place}");
        let left = format!("SELECT count(*) FROM pg_database WHERE datname ~ '^{database}_.*_unfinished$'");
        assert_eq!(self.ask("postgres", &left), "0", "{place}");
        let first = self.ask("postgres", &format!("SELECT datname FROM pg_database WHERE oid = {oid}"));
        for database in [database, &first] {
            let mut client = self.client(database);
            let whole = "SELECT count(*) FROM (SELECT run, (array_agg(outcome ORDER BY id))[1] AS first, \
                         (array_agg(outcome ORDER BY id DESC))[1] AS last, \
                         count(*) FILTER (WHERE outcome IN ('stopped', 'finished', 'abandoned')) AS ends \
                         FROM schema_migrations_log WHERE action = 'deploy' GROUP BY run) r \
                         WHERE first <> 'started' OR last <> 'stopped' OR ends <> 1";
            let all = "SELECT string_agg(run || ' ' || outcome, ', ' ORDER BY id) FROM schema_migrations_log \
                       WHERE action = 'deploy'";
            assert_eq!(answer(&mut client, whole), "0", "{}: {place}", answer(&mut client, all));
            // What was applied and taken back is there line for line.
            let odd = "SELECT count(*) FROM (SELECT version, count(*) FILTER (WHERE action = 'up' AND outcome = 'ok') AS ups, \
                       count(*) FILTER (WHERE action = 'down' AND outcome = 'ok') AS downs FROM schema_migrations_log \
                       WHERE version <> '0004_fails' GROUP BY version) v WHERE ups - downs NOT IN (0, 1)";
            assert_eq!(answer(&mut client, odd), "0", "{place}");
        }
    }

    fn forget(&self, database: &str) {
        let all = format!(
            "SELECT coalesce(string_agg(datname, ' '), '') FROM pg_database WHERE datname ~ '^{database}(_|$)'"
        );
        let mut admin = self.cluster.admin();
        for one in answer(&mut admin, &all).split(' ') {
            admin.batch_execute(&format!("DROP DATABASE \"{one}\" WITH (FORCE)")).unwrap();
        }
        let _ = std::fs::remove_dir_all(self.environment.path(format!(".migrate/{database}")));
    }

    /// Kills at each of these places, in parallel; how many kills there were.
    fn kill_at(&self, places: &[(Trigger, When)]) -> usize {
        let killed = AtomicUsize::new(0);
        in_parallel(places, |(trigger, when)| {
            let mode = format!("{when:?}").to_lowercase();
            let place = match trigger {
                Trigger::Frontend(at) => format!("at CHAOS_AT={at} CHAOS_MODE={mode}"),
                other => format!("{other:?}"),
            };
            let code = self.kill(*when, trigger.clone(), &place);
            killed.fetch_add(usize::from(code == 137), Ordering::Relaxed);
        });
        killed.into_inner()
    }

    fn sweep(&self, stride: usize, least: usize) {
        let messages = self.messages();
        let places: Vec<_> = points(messages)
            .into_iter()
            .step_by(stride)
            .map(|(at, when)| (Trigger::Frontend(at), when))
            .collect();
        let killed = self.kill_at(&places);
        println!("{:?}: {messages} messages, {} places, {killed} kills", self.way, places.len());
        if std::env::var_os("CHAOS_AT").is_none() {
            assert!(messages >= least, "{messages}");
            assert!(killed * 10 >= places.len() * 8, "{killed} of {}", places.len());
        }
    }
}

/// These places, right before and right after the message by turns; both where it is nightly.
fn places(all: &[&str]) -> Vec<(Trigger, When)> {
    let both = std::env::var_os("MIGRATE_TEST_NIGHTLY").is_some();
    let modes = |index: usize| match (both, index % 2) {
        (true, _) => vec![When::Before, When::After],
        (false, 0) => vec![When::Before],
        (false, _) => vec![When::After],
    };
    let each = all.iter().enumerate();
    each.flat_map(|(index, place)| {
        modes(index).into_iter().map(|when| (Trigger::Sql((*place).to_owned()), when))
    })
    .collect()
}

#[test]
fn a_rollback_between_its_steps() {
    let shop = Shop::new(Way::Rollback, FAILS);
    let all = places(&[
        "'rollback started'",
        "DROP INDEX CONCURRENTLY",
        "DROP TABLE ledger",
        "'rollback ok'",
        "'stopped'",
    ]);
    assert_eq!(shop.kill_at(&all), all.len());
}

#[test]
fn a_rollback_of_what_is_partly_applied() {
    let shop = Shop::new(Way::Rollback, FAILS_HALF_WAY);
    let all = places(&["'rollback started'", "DROP INDEX CONCURRENTLY IF EXISTS", "'rollback ok'"]);
    assert_eq!(shop.kill_at(&all), all.len());
}

#[test]
fn a_restore_between_its_steps() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let shop = Shop::new(Way::Restore, FAILS);
    let all = places(&[
        "'restore started'",
        "CREATE DATABASE",
        "COPY public.accounts",
        "RENAME TO",
        "COMMIT TRANSACTION",
    ]);
    assert_eq!(shop.kill_at(&all), all.len());
}

/// Killed right after the swap, the failed database has no line that ends its deployment. Who puts it back does not want it
/// to be replaced again.
#[test]
fn what_a_person_put_back_is_not_replaced_again() {
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    let shop = Shop::new(Way::Restore, FAILS);
    let (database, oid) = shop.database();
    let proxy = Proxy::start(shop.cluster.upstream());
    let running = shop.to_the_failure(&database, &proxy);
    proxy.arm(Fault::new(When::Before, Trigger::Sql("'swap', 'ok'".to_owned()), Action::Kill));
    proxy.release();
    let ended = running.wait();
    proxy.wait_drained();
    drop(proxy);
    assert_eq!(ended.code, 137, "{}", ended.stderr);
    shop.assert_truthful(&database, &oid, 137, "after the swap");
    shop.run(&database, &["backup", "restore", "--swap-back", "--yes"]).success();
    let now = shop.ask("postgres", &format!("SELECT oid FROM pg_database WHERE datname = '{database}'"));
    assert_eq!(now, oid);
    let status = shop.run(&database, &["status", "--format", "json"]);
    let told: serde_json::Value = serde_json::from_str(&status.success().stdout).unwrap();
    assert!(told["result"]["unfinished_deployment"].is_null(), "{told}");
    // The next one is a deployment of its own, of what is pending here.
    let again = shop.run(&database, &["deploy", "--skip-backup", "small"]);
    assert!(!again.expect(2).stderr.contains("going on with"), "{}", again.stderr);
    let now = shop.ask("postgres", &format!("SELECT oid FROM pg_database WHERE datname = '{database}'"));
    assert_eq!(now, oid);
}

#[test]
fn a_rollback_at_every_message() {
    nightly!();
    Shop::new(Way::Rollback, FAILS).sweep(1, 20);
}

#[test]
fn a_rollback_of_what_is_partly_applied_at_every_message() {
    nightly!();
    Shop::new(Way::Rollback, FAILS_HALF_WAY).sweep(1, 20);
}

#[test]
fn a_restore_at_every_message() {
    nightly!();
    if !has_pg_dump() {
        skip!("pg_dump is not installed");
    }
    Shop::new(Way::Restore, FAILS).sweep(1, 60);
}
