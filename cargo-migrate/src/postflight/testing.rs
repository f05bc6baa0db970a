//! A database of a test's own, and a situation to look at it with.

use migrate_core::{CheckScript, Goal, Migration, Script, Set, name};
use migrate_runtime::{Connection, Database, Interrupt, Migrator};
use migrate_testing::ScratchDatabase;
use tempfile::TempDir;

use crate::args::Global;
use crate::config::{self, Settings};
use crate::context::testing;
use crate::inspection::{Check, Finding, Situation};

/// A database, and migrations for it.
pub(crate) struct Bench {
    pub(crate) database: ScratchDatabase,
    pub(crate) connection: Connection,
    migrations: Vec<Migration>,
    settings: Settings,
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let database = migrate_testing::scratch().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (context, _) = testing::context(folder.path());
        let global = Global {
            database_url: Some(database.url().to_owned()),
            dir: Some(folder.path().to_owned()),
            history_table: Some(Default::default()),
            ..Global::default()
        };
        let settings = config::load(&global, None, &context).unwrap();
        let connection = connect(database.url());
        Self { database, connection, migrations: Vec::new(), settings, folder }
    }

    /// Adds a migration to the set.
    pub(crate) fn migration(&mut self, stem: &str, up: &str, down: &str) -> &mut Self {
        let script =
            |half: &str, text: &str| Script::parse(&format!("{stem}.{half}.sql"), text.to_owned()).unwrap();
        self.migrations.push(Migration {
            stem: stem.to_owned().into(),
            version: name::parse_recorded(stem).unwrap().0,
            up: script("up", up),
            down: Some(script("down", down)),
            check: None,
        });
        self
    }

    /// Gives a migration checks.
    pub(crate) fn check(&mut self, stem: &str, text: &str) {
        let script = CheckScript::parse(&format!("{stem}.check.sql"), text.to_owned()).unwrap();
        self.migrations
            .iter_mut()
            .filter(|one| one.stem == stem)
            .for_each(|one| one.check = Some(script.clone()));
    }

    /// Writes a standing check.
    pub(crate) fn standing(&self, name: &str, text: &str) {
        let folder = self.folder.path().join("checks");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    fn migrator(&self) -> Migrator {
        let set = Set::new("", self.migrations.clone());
        Migrator::new(set).database(Database::resolve(Some(self.database.url()), &|_| None).unwrap())
    }

    pub(crate) fn up(&self) {
        self.migrator().run(Goal::UpAll).unwrap();
    }

    pub(crate) fn down(&self) {
        self.migrator().run(Goal::DownSteps(1)).unwrap();
    }

    pub(crate) fn sql(&self, sql: &str) {
        for statement in split(sql) {
            self.database
                .connect()
                .unwrap()
                .batch_execute(statement)
                .unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
    }

    pub(crate) fn sql_error(&self, sql: &str) {
        self.database.connect().unwrap().batch_execute(sql).unwrap_err();
    }

    /// How many rows a query has.
    pub(crate) fn rows(&self, query: &str) -> usize {
        self.connection.rows("counting", query).unwrap().len()
    }

    /// Asks until the answer is this one.
    pub(crate) fn until(&self, sql: &str, expected: &str) {
        let start = std::time::Instant::now();
        while self.connection.value("waiting", sql).unwrap().as_deref() != Some(expected) {
            assert!(start.elapsed().as_secs() < 30, "`{sql}` is not `{expected}`");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// From now on it is looked at by a role that may only connect.
    pub(crate) fn as_stranger(&mut self) {
        let name = format!("stranger_of_{}", self.database.name());
        self.sql(&format!("CREATE ROLE {name} LOGIN"));
        self.connection = connect(&self.database.url().replace("//postgres@", &format!("//{name}@")));
    }

    /// What a check finds.
    pub(crate) fn look(&self, check: &dyn Check) -> Vec<Finding> {
        let set = Set::new("", self.migrations.clone());
        let migrator = self.migrator();
        let situation = Situation::look(&self.settings, &set, &migrator, &self.connection).unwrap();
        check.examine(&situation).unwrap().findings
    }

    /// Times replaced.
    pub(crate) fn without_times(&self, text: &str) -> String {
        let words = text.split(' ').map(|word| match word.get(4..5) {
            Some("-") if word.len() >= 20 && word.contains('T') => format!("[time]{}", &word[20..]),
            _ => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

fn connect(url: &str) -> Connection {
    let database = Database::resolve(Some(url), &|_| None).unwrap();
    Connection::open(&database, "postflight", &Interrupt::new()).unwrap()
}

/// Statements one by one: some cannot stand in a transaction.
fn split(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(';').map(str::trim).filter(|statement| !statement.is_empty() && !statement.starts_with("--"))
}

/// Each finding's severity and sentence.
pub(crate) fn whats(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(|finding| format!("{}: {}", finding.severity.name(), finding.what)).collect()
}
