//! A project to break: three migrations, what they do, and how an undisturbed run of them ends.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use migrate_runtime::core::folder::{self, Options};
use migrate_runtime::core::lock::Lock;
use postgres::{Client, NoTls};

use crate::invariant::{self, Effect, Extent, Migration, Recorded, Standing};
use crate::migrations::recorded;
use crate::output::{Output, Running};
use crate::proxy::{Direction, Record};
use crate::wait::answer;
use crate::{Cluster, Proxy, TestEnvironment, dump, output};

/// One of each kind: one statement, several statements, and one that cannot run in a transaction and has statements
/// around it that can. Inserts have no key that would refuse a second time.
pub const MIGRATIONS: [Migration; 3] = [
    Migration {
        stem: "0001_create_accounts",
        up: "CREATE TABLE accounts (id int PRIMARY KEY, email text NOT NULL);\n",
        down: "DROP TABLE accounts;\n",
        effects: &[Effect::Relation("accounts"), Effect::Relation("accounts_pkey")],
    },
    Migration {
        stem: "0002_keep_a_ledger",
        up: "CREATE TABLE ledger (note text);\n\
             INSERT INTO ledger VALUES ('opened');\n\
             INSERT INTO accounts SELECT n, 'a' || n || '@example.org' FROM generate_series(1, 100) n;\n\
             ALTER TABLE accounts ADD COLUMN balance bigint NOT NULL DEFAULT 0;\n",
        down: "ALTER TABLE accounts DROP COLUMN balance;\n\
               DELETE FROM accounts;\n\
               DROP TABLE ledger;\n",
        effects: &[
            Effect::Relation("ledger"),
            Effect::Rows("ledger", "note = 'opened'", 1),
            Effect::Rows("accounts", "true", 100),
            Effect::Column("accounts", "balance"),
        ],
    },
    Migration {
        stem: "0003_index_accounts",
        up: "INSERT INTO ledger VALUES ('before');\n\
             CREATE INDEX CONCURRENTLY accounts_email_idx ON accounts (email);\n\
             INSERT INTO ledger VALUES ('after');\n",
        down: "DELETE FROM ledger WHERE note = 'after';\n\
               DROP INDEX CONCURRENTLY accounts_email_idx;\n\
               DELETE FROM ledger WHERE note = 'before';\n",
        effects: &[
            Effect::Rows("ledger", "note = 'before'", 1),
            Effect::Relation("accounts_email_idx"),
            Effect::Rows("ledger", "note = 'after'", 1),
        ],
    },
];

/// Which way a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// `up`, from an empty database.
    Up,
    /// `down --all`, from one where everything is applied.
    Down,
    /// `deploy`, from an empty database.
    Deploy,
}

/// A project, a server of its own, and the schemas that undisturbed runs end in.
#[derive(Debug)]
pub struct Subject {
    /// The project.
    pub environment: TestEnvironment,
    /// The server.
    pub cluster: Cluster,
    migrations: Vec<Migration>,
    dumps: Mutex<Vec<(Goal, String)>>,
    counter: AtomicUsize,
    /// Every run is held to the recorded changes.
    prove: bool,
}

/// The name of the database that has everything applied.
const APPLIED: &str = "applied";

impl Subject {
    /// One with [`MIGRATIONS`].
    ///
    /// # Panics
    ///
    /// Where an undisturbed run fails.
    #[track_caller]
    pub fn new() -> Self {
        Self::with(Cluster::start(), &MIGRATIONS)
    }

    /// One with migrations of the test's own.
    ///
    /// # Panics
    ///
    /// Where an undisturbed run fails.
    #[track_caller]
    pub fn with(cluster: Cluster, migrations: &[Migration]) -> Self {
        let environment = TestEnvironment::without_database();
        for migration in migrations {
            environment.migration(migration.stem, migration.up, migration.down);
        }
        let subject = Self {
            environment,
            cluster,
            migrations: migrations.to_vec(),
            dumps: Mutex::default(),
            counter: AtomicUsize::new(0),
            prove: false,
        };
        subject
            .cluster
            .admin()
            .batch_execute(&format!("CREATE DATABASE {APPLIED} TEMPLATE template0"))
            .unwrap();
        // Also writes migrations.lock, so that no later run does.
        subject.run(Goal::Up, &subject.cluster.url(APPLIED)).success();
        let standing = subject.standing(APPLIED);
        assert!(
            standing.iter().all(|one| (one.1, one.2) == (Extent::Whole, Recorded::Applied)),
            "{standing:?}"
        );
        subject.keep(Goal::Up, APPLIED);
        let database = subject.database(Goal::Down);
        subject.run(Goal::Down, &subject.cluster.url(&database)).success();
        subject.keep(Goal::Down, &database);
        subject.forget(&database);
        subject
    }

    /// One with the transactional ones of [`MIGRATIONS`], run with `--prove`.
    ///
    /// # Panics
    ///
    /// Where an undisturbed run fails.
    #[track_caller]
    pub fn proving() -> Self {
        let mut subject = Self::with(Cluster::start(), &MIGRATIONS[..2]);
        let folder = subject.environment.path("migrations");
        let set = folder::read(&folder, &Options::new(&folder)).unwrap_or_else(|error| panic!("{error}"));
        assert!(Lock::of(&recorded(&set)).write(&folder).unwrap());
        subject.prove = true;
        subject
    }

    /// One with [`MIGRATIONS`] and with checks before and behind each kind of them, which hold on every way to the end.
    ///
    /// # Panics
    ///
    /// Where an undisturbed run fails.
    #[track_caller]
    pub fn checked() -> Self {
        let subject = Self::new();
        for (stem, before, after) in [
            (
                "0002_keep_a_ledger",
                "SELECT count(*) = 0 FROM accounts",
                "SELECT count(*) = 100 FROM accounts",
            ),
            ("0003_index_accounts", "SELECT count(*) = 1 FROM ledger", "SELECT count(*) = 3 FROM ledger"),
        ] {
            let text = format!(
                "-- migrate: before\n{before};\n-- migrate: after\n{after};\nSELECT 1 FROM accounts WHERE email IS NULL;\n"
            );
            subject.environment.write(format!("migrations/{stem}.check.sql"), text);
        }
        subject.environment.run(&["lock"]).success();
        subject
    }

    fn keep(&self, goal: Goal, database: &str) {
        let dump = dump::schema(&self.cluster.url(database), &[]);
        self.dumps.lock().unwrap().push((goal, dump));
    }

    /// A new database for a run: empty, or with everything applied.
    pub fn database(&self, goal: Goal) -> String {
        let name = format!("subject_{}", self.counter.fetch_add(1, Ordering::Relaxed));
        let template = match goal {
            Goal::Up | Goal::Deploy => "template0",
            Goal::Down => APPLIED,
        };
        // Two copies of one database at once are refused: its template is "being accessed by other users".
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap();
        self.cluster.admin().batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}")).unwrap();
        name
    }

    /// Drops a database: memory is for the next ones.
    pub fn forget(&self, database: &str) {
        self.cluster.admin().batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)")).unwrap();
    }

    /// A connection to a database.
    pub fn client(&self, database: &str) -> Client {
        Client::connect(&self.cluster.url(database), NoTls).unwrap()
    }

    /// `cargo migrate …` on a database. Everything that it could ask cargo for is given.
    pub fn command(&self, url: &str, arguments: &[&str]) -> Command {
        let fixed =
            ["--database-url", url, "--dir", "migrations", "--history-table", "public.schema_migrations"];
        self.environment.command(&[arguments, &fixed].concat())
    }

    /// The command of a goal.
    pub fn goal(&self, goal: Goal, url: &str) -> Command {
        let prove: &[&str] = if self.prove { &["--prove"] } else { &[] };
        match goal {
            Goal::Up => self.command(url, &[&["up"], prove].concat()),
            Goal::Down => self.command(url, &[&["down", "--all"], prove].concat()),
            Goal::Deploy => {
                // Each database has its backups and its logs for itself.
                let before_query = url.split('?').next().unwrap_or_default();
                let folder = self.backups(before_query.rsplit('/').next().unwrap_or_default());
                let logs = folder.with_file_name("log").display().to_string();
                let backups = folder.display().to_string();
                self.command(url, &["deploy", "--backup-dir", &backups, "--log-dir", &logs])
            }
        }
    }

    /// Where the backups of a database are kept.
    pub fn backups(&self, database: &str) -> PathBuf {
        self.environment.path(format!(".migrate/{database}/backups"))
    }

    /// Runs to a goal.
    #[track_caller]
    pub fn run(&self, goal: Goal, url: &str) -> Output {
        self.environment.capture(&mut self.goal(goal, url))
    }

    /// Starts a run to a goal.
    #[track_caller]
    pub fn start(&self, goal: Goal, url: &str) -> Running {
        output::spawn(&mut self.goal(goal, url))
    }

    /// What an undisturbed run and the server say to each other.
    #[track_caller]
    pub fn undisturbed(&self, goal: Goal) -> Vec<Record> {
        let database = self.database(goal);
        let proxy = Proxy::start(self.cluster.upstream());
        self.run(goal, &proxy.url(&database)).success();
        invariant::wait_until_alone(&mut self.client(&database));
        proxy.wait_drained();
        let records = proxy.records();
        drop(proxy);
        self.forget(&database);
        records
    }

    /// How many messages that is in one direction.
    #[track_caller]
    pub fn messages(&self, goal: Goal, direction: Direction) -> usize {
        self.undisturbed(goal).iter().filter(|record| record.direction == direction).count()
    }

    /// Where all migrations stand in a database.
    pub fn standing(&self, database: &str) -> Vec<Standing> {
        invariant::standing(&mut self.client(database), &self.migrations)
    }

    /// The invariant: what the interrupted run (which ended with `exit`) left is truthful; a plain re-run succeeds and
    /// ends where an undisturbed run does; nothing is left on the server.
    ///
    /// # Panics
    ///
    /// Where that does not hold, with `context`.
    #[track_caller]
    pub fn check(&self, goal: Goal, database: &str, exit: i32, context: &str) {
        let url = self.cluster.url(database);
        let mut client = self.client(database);
        // No second run is needed for that: locks and statements of a dead client end by themselves.
        invariant::wait_until_alone(&mut client);
        let left = invariant::standing(&mut client, &self.migrations);
        invariant::holds(&left, exit, context);
        if exit == 0 {
            self.assert_final(goal, &left, context);
        }
        if left.iter().any(|one| one.2 == Recorded::Dirty) {
            let refused = self.environment.capture(&mut self.command(&url, &["up", "--no-auto-recover"]));
            assert_eq!(refused.code, 7, "a dirty row is refused\n{}\n{context}", refused.stderr);
            let after = invariant::standing(&mut client, &self.migrations);
            assert_eq!(after, left, "a refusal changes nothing\n{context}");
        }
        let again = self.run(goal, &url);
        assert_eq!(again.code, 0, "a plain re-run\n{}{}\n{context}", again.stdout, again.stderr);
        self.assert_final(goal, &invariant::standing(&mut client, &self.migrations), context);
        invariant::wait_until_alone(&mut client);
        assert_eq!(answer(&mut client, "SELECT count(*) FROM schema_migrations WHERE dirty"), "0");
        drop(client);
        let dumps = self.dumps.lock().unwrap().clone();
        let as_goal = if goal == Goal::Deploy { Goal::Up } else { goal };
        let expected = dumps.iter().find(|(of, _)| *of == as_goal).map(|(_, dump)| dump.as_str());
        assert_eq!(Some(dump::schema(&url, &[]).as_str()), expected, "{context}");
    }

    fn assert_final(&self, goal: Goal, standing: &[Standing], context: &str) {
        let expected = match goal {
            Goal::Up | Goal::Deploy => (Extent::Whole, Recorded::Applied),
            Goal::Down => (Extent::Nothing, Recorded::Absent),
        };
        assert!(standing.iter().all(|one| (one.1, one.2) == expected), "{standing:?}\n{context}");
    }
}

impl Default for Subject {
    fn default() -> Self {
        Self::new()
    }
}

/// Does something with each of many, on as many threads as there are processors.
///
/// # Panics
///
/// Where one of them does.
pub fn in_parallel<T: Sync>(all: &[T], each: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    each(one);
                }
            });
        }
    });
}
