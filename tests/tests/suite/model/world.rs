//! The files, the database, and what must be true of them after every step.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use migrate_runtime::core::{Checksum, Goal, Set};
use migrate_runtime::{Error, Interrupt, Migrator, Repair, Report};
use migrate_testing::ScratchDatabase;
use migrate_tests::{migrations, poll_until};
use postgres::Client;

use super::operation::{Kill, Kind, Operation, Tamper};

/// A migration as its files have it.
#[derive(Clone)]
struct File {
    description: String,
    up: String,
    down: String,
    /// The tables that it makes: no other text makes the same.
    tables: Vec<String>,
    fails: bool,
    concurrent: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    version: String,
    checksum: String,
    dirty: bool,
}

/// Everything that a step can change.
pub struct World {
    database: ScratchDatabase,
    client: Client,
    files: BTreeMap<u64, File>,
    /// Every text that ever was, by its checksum: a row names one.
    texts: HashMap<String, File>,
    revisions: usize,
}

macro_rules! ensure {
    ($condition:expr, $($message:tt)*) => { if !$condition { return Err(format!($($message)*)); } };
}

impl World {
    pub fn new() -> Self {
        let database = migrate_testing::scratch().unwrap();
        let client = database.connect().unwrap();
        Self { database, client, files: BTreeMap::new(), texts: HashMap::new(), revisions: 0 }
    }

    /// Does a step; says how it ended.
    pub fn perform(&mut self, operation: &Operation) -> Result<String, String> {
        match *operation {
            Operation::Add { kind, below, pick } => self.add(kind, below, pick),
            Operation::Edit { pick, kind } => {
                if let Some(number) = self.pick(pick) {
                    let description = self.files[&number].description.clone();
                    let file = self.file(kind, description);
                    self.files.insert(number, file);
                }
            }
            Operation::Delete { pick } => {
                self.pick(pick).map(|number| self.files.remove(&number));
            }
            Operation::Rename { pick } => {
                self.revisions += 1;
                let description = format!("renamed_{}", self.revisions);
                if let Some(file) = self.pick(pick).and_then(|number| self.files.get_mut(&number)) {
                    file.description = description;
                }
            }
            Operation::Swap { pick } => {
                if let (Some(one), Some(other)) = (self.pick(pick), self.pick(pick + 1)) {
                    let (first, second) = (self.files[&one].clone(), self.files[&other].clone());
                    self.files.insert(one, second);
                    self.files.insert(other, first);
                }
            }
            Operation::Restore => self.restore(),
            Operation::Apply { steps, out_of_order, single } => {
                return self.apply(steps, out_of_order, single);
            }
            Operation::Back { steps } => return self.back(steps),
            Operation::Redo { steps } => {
                let result = self.migrator().prefer_file_down(Some(false)).run(Goal::Redo(steps));
                return Ok(format!("Redo: {}", name(&result)));
            }
            Operation::Kill { up, event, how } => return Ok(self.kill(up, event, how)),
            Operation::Tamper { pick, how } => return self.tamper(pick, how),
            Operation::Repair => return self.repair(),
        }
        Ok("Files".to_owned())
    }

    /// Effects and history agree, and nobody is left holding anything.
    pub fn check(&mut self) -> Result<(), String> {
        let left = "SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = d.oid) + \
                    (SELECT count(*) FROM pg_stat_activity a WHERE a.datname = d.datname AND a.pid <> pg_backend_pid() \
                    AND a.state <> 'idle') FROM pg_database d WHERE d.datname = current_database()";
        poll_until(&mut self.client, left, "0");
        let tables = self.tables();
        let mut wanted = BTreeSet::new();
        let mut partly = BTreeSet::new();
        for row in self.rows() {
            let Some(text) = self.texts.get(&row.checksum) else {
                return Err(format!("{row:?} is of no text"));
            };
            if row.dirty { &mut partly } else { &mut wanted }.extend(text.tables.iter().cloned());
        }
        let missing: Vec<_> = wanted.difference(&tables).collect();
        ensure!(missing.is_empty(), "recorded as applied, and not there: {missing:?}");
        let surplus: Vec<_> =
            tables.iter().filter(|table| !wanted.contains(*table) && !partly.contains(*table)).collect();
        ensure!(surplus.is_empty(), "there, and not recorded: {surplus:?}");
        let invalid =
            self.client.query_one("SELECT count(*) FROM pg_index WHERE NOT indisvalid", &[]).unwrap();
        ensure!(invalid.get::<_, i64>(0) == 0 || !partly.is_empty(), "an invalid index without a dirty row");
        Ok(())
    }

    /// Whatever happened: with files that fit and do not fail, a plain run ends in the final state; and back to nothing.
    pub fn converge(&mut self) -> Result<(), String> {
        self.restore();
        // What is dirty because it fails can only go back.
        if self.rows().iter().any(|row| row.dirty && self.texts[&row.checksum].fails) {
            let back = self.migrator().prefer_file_down(Some(false)).run(Goal::DownAll);
            ensure!(back.is_ok(), "a dirty migration cannot be rolled back: {back:?}");
        }
        self.files.retain(|_, file| !file.fails);
        let up = self.migrator().allow_out_of_order(true).run(Goal::UpAll);
        ensure!(up.is_ok(), "a plain run does not end well: {up:?}");
        ensure!(self.rows().len() == self.files.len(), "{:?}", self.rows());
        let verified = self.migrator().verify();
        ensure!(verified.is_ok(), "{verified:?}");
        self.check()?;
        let down = self.migrator().run(Goal::DownAll);
        ensure!(down.is_ok(), "{down:?}");
        ensure!(self.rows().is_empty() && self.tables().is_empty(), "{:?} {:?}", self.rows(), self.tables());
        self.check()
    }

    fn apply(&mut self, steps: Option<usize>, out_of_order: bool, single: bool) -> Result<String, String> {
        let before = (self.rows(), self.tables());
        let goal = steps.map_or(Goal::UpAll, Goal::UpSteps);
        let runner = self.migrator().allow_out_of_order(out_of_order).single_transaction(single);
        let result = runner.run(goal);
        let fits = self.fits(out_of_order);
        let fails = self.files.values().any(|file| file.fails);
        let dirty = before.0.iter().any(|row| row.dirty);
        let together = single && self.files.values().any(|file| file.concurrent);
        match &result {
            Ok(_) => {
                ensure!(fits || dirty, "a history that does not fit was taken");
                ensure!(self.rows().iter().all(|row| !row.dirty), "ended well with a dirty row");
                if steps.is_none() {
                    let recorded: BTreeSet<_> = self.rows().into_iter().map(|row| row.version).collect();
                    let missing: Vec<_> =
                        self.stems().into_iter().filter(|stem| !recorded.contains(stem)).collect();
                    ensure!(missing.is_empty(), "ended well without {missing:?}");
                    let verified = self.migrator().verify();
                    ensure!(verified.is_ok(), "applied, and not verified: {verified:?}");
                }
            }
            Err(Error::Refused(_) | Error::SingleTransaction { .. }) => {
                ensure!(!fits || together || dirty, "refused although it fits: {result:?}");
                ensure!(dirty || (self.rows(), self.tables()) == before, "refused, and changed");
            }
            Err(Error::Failed { failure }) => {
                ensure!(fails, "failed, and nothing is to fail: {result:?}");
                ensure!(self.rows().iter().all(|row| row.version != failure.stem), "failed, and recorded");
            }
            Err(Error::Dirty { .. }) => ensure!(fails || dirty, "dirty, and nothing is to fail: {result:?}"),
            Err(error) => return Err(format!("{error:?}")),
        }
        if fits && !fails && !dirty && !together {
            ensure!(result.is_ok(), "{result:?}");
        }
        Ok(format!("Apply: {}", name(&result)))
    }

    fn back(&mut self, steps: Option<usize>) -> Result<String, String> {
        let before = self.rows().len();
        let result =
            self.migrator().prefer_file_down(Some(false)).run(steps.map_or(Goal::DownAll, Goal::DownSteps));
        match &result {
            Ok(report) => {
                let gone = steps.unwrap_or(before).min(before);
                ensure!(report.done.len() == gone, "{gone} were to go back: {report:?}");
                ensure!(self.rows().len() == before - gone, "{:?}", self.rows());
            }
            Err(error) => return Err(format!("every text is recorded, and nothing goes back: {error:?}")),
        }
        Ok(format!("Back: {}", name(&result)))
    }

    /// Runs until the n-th event and ends there, one way or another.
    fn kill(&mut self, up: bool, event: usize, how: Kill) -> String {
        let interrupt = Interrupt::new();
        let (trigger, url) = (interrupt.clone(), self.database.url().to_owned());
        let mut seen = 0;
        let handler = move |_: &migrate_runtime::Event| {
            seen += 1;
            if seen != event + 1 {
                return;
            }
            match how {
                // Unwinds through the engine without the words of a panic, and drops everything that it holds.
                Kill::Process => resume_unwind(Box::new("killed")),
                Kill::Interrupt => trigger.trigger(15),
                Kill::Sessions => end_sessions(url.clone()),
            }
        };
        let runner = self.migrator().prefer_file_down(Some(false)).interrupt(interrupt).on_event(handler);
        let goal = if up { Goal::UpAll } else { Goal::DownAll };
        match catch_unwind(AssertUnwindSafe(|| runner.run(goal))) {
            Ok(result) => format!("{how:?}: {}", name(&result)),
            Err(_) => format!("{how:?}: gone"),
        }
    }

    fn tamper(&mut self, pick: usize, how: Tamper) -> Result<String, String> {
        // Whoever takes the row of a partly applied migration away starts it anew: its journal says so from then on.
        let rows: Vec<_> = self.rows().into_iter().filter(|row| !row.dirty).collect();
        let Some(row) = rows.get(pick % rows.len().max(1)).cloned() else {
            return Ok("Tamper: nothing there".to_owned());
        };
        // Without its row a file with another text is a migration that was never applied, and is taken for one.
        let edited = |file: &File| Checksum::of(&file.up).to_string() != row.checksum;
        if matches!(how, Tamper::Delete) && self.files.get(&number(&row.version)).is_some_and(edited) {
            return Ok("Tamper: not that row".to_owned());
        }
        let save = "CREATE TABLE saved AS TABLE schema_migrations";
        let change = match how {
            Tamper::Delete => format!("DELETE FROM schema_migrations WHERE version = '{}'", row.version),
            Tamper::Garbage => {
                format!("UPDATE schema_migrations SET checksum = 'x' WHERE version = '{}'", row.version)
            }
            Tamper::OtherChecksum => {
                format!(
                    "UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = '{}'",
                    row.version
                )
            }
            Tamper::Unknown => {
                "INSERT INTO schema_migrations (version, checksum) VALUES ('nonsense', '')".to_owned()
            }
            Tamper::Double => format!(
                "INSERT INTO schema_migrations SELECT '0' || version, applied_at, checksum, dirty FROM schema_migrations \
                 WHERE version = '{}'",
                row.version
            ),
        };
        self.client.batch_execute(&format!("{save}; {change}")).unwrap();
        let (tampered, tables) = (self.rows(), self.tables());
        let dirty = tampered.iter().any(|row| row.dirty);
        let result = self.migrator().run(Goal::UpAll);
        let carried = self.stems().contains(&row.version);
        // A row that is gone is a migration that is pending; its body then fails on what is there.
        if result.is_ok() && carried {
            return Err(format!("{how:?} of {row:?} was taken: {result:?}"));
        }
        let refused = matches!(result, Err(Error::Refused(_)));
        ensure!(
            !refused || dirty || (self.rows(), self.tables()) == (tampered, tables),
            "refused, and changed"
        );
        // What was applied beside the changed row stays; the changed row becomes what it was.
        let undo = format!(
            "DELETE FROM schema_migrations WHERE version IN ('nonsense', '0{0}', '{0}'); \
             INSERT INTO schema_migrations SELECT * FROM saved WHERE version = '{0}'; DROP TABLE saved",
            row.version
        );
        self.client.batch_execute(&undo).unwrap();
        Ok(format!("Tamper: {how:?} {}", name(&result)))
    }

    fn repair(&mut self) -> Result<String, String> {
        if self.rows().is_empty() {
            return Ok("Repair: nothing there".to_owned());
        }
        let plan = self.migrator().repair_plan().map_err(|error| format!("{error:?}"))?;
        // The other repairs say that something was run which was not: true only where a person knows.
        if plan.repairs.is_empty()
            || !plan.repairs.iter().all(|repair| matches!(repair, Repair::Rename { .. }))
        {
            return Ok("Repair: not by itself".to_owned());
        }
        self.migrator().repair(&plan).map_err(|error| format!("{error:?}"))?;
        let again = self.migrator().repair_plan().map_err(|error| format!("{error:?}"))?;
        ensure!(again.repairs.is_empty(), "repaired, and still {again:?}");
        Ok("Repair: done".to_owned())
    }

    /// Whether the history fits the files, told without the planner.
    fn fits(&mut self, out_of_order: bool) -> bool {
        let rows = self.rows();
        let newest_here = self.files.keys().last().copied().unwrap_or(0);
        let newest_recorded = rows.iter().map(|row| number(&row.version)).max().unwrap_or(0);
        let recorded: BTreeSet<u64> = rows.iter().map(|row| number(&row.version)).collect();
        let rows_fit = rows.iter().all(|row| match self.files.get(&number(&row.version)) {
            Some(file) => {
                row.version == stem(number(&row.version), file)
                    && row.checksum == Checksum::of(&file.up).to_string()
            }
            None => number(&row.version) > newest_here,
        });
        let in_order = self.files.keys().all(|number| recorded.contains(number) || *number > newest_recorded);
        rows_fit && (in_order || out_of_order)
    }

    fn add(&mut self, kind: Kind, below: bool, pick: usize) {
        let last = self.files.keys().last().copied().unwrap_or(0).max(self.newest());
        let number = if below { (pick as u64 % (last + 1)).max(1) } else { (last / 10 + 1) * 10 };
        if self.files.contains_key(&number) {
            return;
        }
        let file = self.file(kind, "added".to_owned());
        self.files.insert(number, file);
    }

    fn file(&mut self, kind: Kind, description: String) -> File {
        self.revisions += 1;
        let (a, b) = (format!("m{}a", self.revisions), format!("m{}b", self.revisions));
        let index = format!("CREATE INDEX CONCURRENTLY {a}_i ON {a} (i)");
        let (up, tables) = match kind {
            Kind::Plain => (format!("CREATE TABLE {a} (i int)"), vec![a]),
            Kind::Several => (
                format!("CREATE TABLE {a} (i int); INSERT INTO {a} VALUES (1); CREATE TABLE {b} ()"),
                vec![a, b],
            ),
            Kind::Concurrent => {
                (format!("CREATE TABLE {a} (i int);\n{index};\nCREATE TABLE {b} ();\nVACUUM {a}"), vec![a, b])
            }
            Kind::Fails => (format!("CREATE TABLE {a} (i int); SELECT 1/0"), vec![a]),
            Kind::FailsConcurrently => {
                (format!("CREATE TABLE {a} (i int);\n{index};\nSELECT 1/0;\nCREATE TABLE {b} ()"), vec![a, b])
            }
        };
        let down = format!("DROP TABLE IF EXISTS {}", tables.join(", "));
        let fails = matches!(kind, Kind::Fails | Kind::FailsConcurrently);
        let concurrent = matches!(kind, Kind::Concurrent | Kind::FailsConcurrently);
        let file = File { description, up, down, tables, fails, concurrent };
        self.texts.insert(Checksum::of(&file.up).to_string(), file.clone());
        file
    }

    /// What is recorded gets its file back, under its name; what is not recorded stays, unless its number is taken.
    fn restore(&mut self) {
        for row in self.rows() {
            let Some(text) = self.texts.get(&row.checksum) else { continue };
            let description = row.version.split_once('_').map(|(_, description)| description.to_owned());
            let file = File { description: description.unwrap_or_default(), ..text.clone() };
            self.files.insert(number(&row.version), file);
        }
        // A text that was moved to another number would be applied a second time.
        let recorded: BTreeSet<_> =
            self.rows().iter().map(|row| (number(&row.version), row.checksum.clone())).collect();
        let mut seen = BTreeSet::new();
        self.files.retain(|number, file| {
            let checksum = Checksum::of(&file.up).to_string();
            let elsewhere = recorded.iter().any(|(other, text)| *text == checksum && other != number);
            !elsewhere && seen.insert(checksum)
        });
    }

    fn migrator(&self) -> Migrator {
        let migrations = self
            .files
            .iter()
            .map(|(number, file)| migrations::migration(&stem(*number, file), &file.up, &file.down));
        let set = Set::new("migrations", migrations.collect());
        Migrator::new(set).database(migrations::database(self.database.url()))
    }

    fn stems(&self) -> Vec<String> {
        self.files.iter().map(|(number, file)| stem(*number, file)).collect()
    }

    fn pick(&self, pick: usize) -> Option<u64> {
        self.files.keys().nth(pick % self.files.len().max(1)).copied()
    }

    fn newest(&mut self) -> u64 {
        self.rows().iter().map(|row| number(&row.version)).max().unwrap_or(0)
    }

    fn rows(&mut self) -> Vec<Row> {
        let there =
            self.client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).unwrap();
        if !there.get::<_, bool>(0) {
            return vec![];
        }
        let sql = "SELECT version, checksum, dirty FROM schema_migrations ORDER BY version COLLATE \"C\"";
        let rows = self.client.query(sql, &[]).unwrap();
        rows.iter().map(|row| Row { version: row.get(0), checksum: row.get(1), dirty: row.get(2) }).collect()
    }

    fn tables(&mut self) -> BTreeSet<String> {
        let sql = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ '^m[0-9]+[ab]$'";
        self.client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect()
    }
}

fn stem(number: u64, file: &File) -> String {
    format!("{number:04}_{}", file.description)
}

fn number(version: &str) -> u64 {
    version.split('_').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// Ends all sessions of the engine. On a thread of its own: the handler is called on one that drives a runtime.
fn end_sessions(url: String) {
    let ended = std::thread::spawn(move || {
        let mut client = Client::connect(&url, postgres::NoTls).unwrap();
        client
            .batch_execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND application_name LIKE 'migrate-runtime%'",
            )
            .unwrap();
    });
    let _ = ended.join();
}

/// The kind of a result, to see that a run of sequences meets all of them.
fn name(result: &Result<Report, Error>) -> String {
    match result {
        Ok(report) if report.done.is_empty() => "nothing to do".to_owned(),
        Ok(_) => "done".to_owned(),
        Err(Error::Refused(refusal)) => format!("refused, {}", first_word(refusal)),
        Err(error) => first_word(error),
    }
}

fn first_word(value: &dyn std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.split([' ', '{', '(']).next().unwrap_or_default().to_owned()
}
