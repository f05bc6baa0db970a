//! Watches a run from the side: which locks it holds and for how long, what it writes anew, how much it adds to the
//! write-ahead log and to the disk.
//!
//! The run itself is the one of production: the same engine, the same messages, with looks of its own between the statements
//! ([`migrate_runtime::Look`]). It is asked to wait for us between two migrations, when no clock runs.

use std::collections::HashSet;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use migrate_core::Direction;
use migrate_runtime::rehearsal::LockMode;
use migrate_runtime::{Connection, Database, Error as EngineError, Event, HistoryTable, Interrupt, Look};

use super::flight::{InFlight, told};
use super::gate::Gate;
use super::holds::Seen;
use super::observed::{Observed, Sizes};
use super::probe::Probes;
use super::relations::{FIRST_OID, Relations};

/// The pause between two looks at the locks.
const LOOK: Duration = Duration::from_millis(3);
/// The pause between two looks at the size of the database.
const WEIGH: Duration = Duration::from_millis(500);

/// A run that is being watched.
pub(super) struct Watch {
    marks: Sender<Mark>,
    thread: JoinHandle<Result<Observed, EngineError>>,
}

/// What the run says, and the way to let it go on.
struct Mark {
    what: What,
    seen: Sender<()>,
}

enum What {
    Started {
        stem: String,
        direction: Direction,
        transactional: bool,
    },
    Looked(Look),
    /// A statement of a migration without a transaction.
    Statement {
        number: usize,
        elapsed: Duration,
    },
    Retrying,
    Finished {
        elapsed: Duration,
    },
    Over,
}

/// What to watch.
pub(super) struct Subject<'a> {
    pub(super) database: &'a Database,
    pub(super) history: &'a HistoryTable,
    /// The scripts that are about to run: the tables that they name are probed from the start.
    pub(super) texts: Vec<String>,
}

impl Watch {
    /// Connects and begins.
    pub(super) fn begin(subject: &Subject<'_>) -> Result<Self, EngineError> {
        let end = Interrupt::new();
        let look = Connection::open(subject.database, "rehearsal: watch", &end)?;
        let relations = Relations::read(&look, subject.history)?;
        let mut probes = Probes::new(subject.database.clone());
        for oid in relations.named_in(subject.texts.iter().map(String::as_str)) {
            if let Some((_, relation)) = relations.table_of(oid) {
                probes.add(oid, relation);
            }
        }
        let log = look.value(
            "looking for the audit log",
            &format!(
                "SELECT pg_catalog.to_regclass({})::oid",
                migrate_runtime::quote_literal(&subject.history.log_quoted())
            ),
        )?;
        let size = weigh(&look)?;
        let gate = Gate::new(subject.database, subject.history)?;
        let watcher = Watcher {
            look,
            history: subject.history.clone(),
            log: log.and_then(|oid| oid.parse().ok()),
            gate,
            probes,
            relations,
            current: None,
            done: Vec::new(),
            sizes: Sizes { before: size, peak: size, after: size },
        };
        let (marks, said) = mpsc::channel();
        let thread = std::thread::Builder::new().name("watch".to_owned());
        let thread = thread.spawn(move || watcher.watch(&said)).map_err(|error| EngineError::Settings {
            message: format!("no thread could be started: {error}"),
            hint: "the system has no more of them for this user: see `ulimit -u`".to_owned(),
        })?;
        Ok(Self { marks, thread })
    }

    /// What the engine is given: it waits for us where a migration begins and where it ends.
    pub(super) fn listener(&self) -> impl FnMut(&Event) + Send + 'static {
        let marks = self.marks.clone();
        move |event| {
            let what = match event {
                Event::Started { stem, direction, transactional, .. } => {
                    What::Started { stem: stem.clone(), direction: *direction, transactional: *transactional }
                }
                Event::StatementFinished { number, elapsed, .. } => {
                    What::Statement { number: *number, elapsed: *elapsed }
                }
                Event::Retrying { .. } => What::Retrying,
                Event::Finished { elapsed, .. } => What::Finished { elapsed: *elapsed },
                _ => return,
            };
            say(&marks, what);
        }
    }

    /// What the engine is given to tell what its transactions did: nobody waits for us here.
    pub(super) fn looker(&self) -> impl FnMut(&Look) + Send + 'static {
        let marks = self.marks.clone();
        move |look| {
            let (seen, _) = mpsc::channel();
            let _ = marks.send(Mark { what: What::Looked(look.clone()), seen });
        }
    }

    /// The run is over: what was seen of it.
    pub(super) fn end(self) -> anyhow::Result<Observed> {
        say(&self.marks, What::Over);
        match self.thread.join() {
            Ok(observed) => Ok(observed?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn say(marks: &Sender<Mark>, what: What) {
    let (seen, wait) = mpsc::channel();
    // A watcher that is gone has its error kept for the end of the run.
    if marks.send(Mark { what, seen }).is_ok() {
        let _ = wait.recv();
    }
}

/// The watching thread.
struct Watcher {
    look: Connection,
    history: HistoryTable,
    /// The audit log's oid.
    log: Option<u32>,
    gate: Gate,
    probes: Probes,
    /// Before the step that is in flight.
    relations: Relations,
    current: Option<InFlight>,
    done: Vec<(InFlight, Instant)>,
    sizes: Sizes,
}

impl Watcher {
    fn watch(mut self, said: &Receiver<Mark>) -> Result<Observed, EngineError> {
        let mut weighed = Instant::now();
        loop {
            let mark = match said.recv_timeout(LOOK) {
                Ok(mark) => mark,
                Err(RecvTimeoutError::Timeout) => {
                    self.look()?;
                    if weighed.elapsed() >= WEIGH {
                        self.sizes.peak = self.sizes.peak.max(weigh(&self.look)?);
                        weighed = Instant::now();
                    }
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            match mark.what {
                What::Started { stem, direction, transactional } => {
                    self.started(stem, direction, transactional)?;
                }
                What::Looked(look) => {
                    if let Some(current) = &mut self.current {
                        current.ledger.look(&look, &self.relations);
                    }
                }
                What::Statement { number, elapsed } => self.alone(number, elapsed)?,
                What::Retrying => {
                    if let Some(current) = &mut self.current {
                        current.step.attempts += 1;
                    }
                }
                What::Finished { elapsed } => self.finished(Some(elapsed))?,
                What::Over => break,
            }
            let _ = mark.seen.send(());
        }
        if self.current.is_some() {
            self.finished(None)?;
        }
        self.sizes.after = weigh(&self.look)?;
        self.sizes.peak = self.sizes.peak.max(self.sizes.after);
        let Self { gate, probes, done, sizes, .. } = self;
        drop(gate);
        let mut probed: Vec<String> = probes.tables().values().cloned().collect();
        probed.sort();
        let (waits, tables) = probes.stop();
        let tables: HashSet<u32> = tables.into_iter().collect();
        let steps = told(done, &waits, &tables);
        Ok(Observed { steps, sizes, probed })
    }

    fn started(
        &mut self,
        stem: String,
        direction: Direction,
        transactional: bool,
    ) -> Result<(), EngineError> {
        if self.current.is_some() {
            self.finished(None)?;
        }
        self.relations = Relations::read(&self.look, &self.history)?;
        let wal = wal(&self.look)?;
        self.current = Some(InFlight::new(stem, direction, transactional, wal));
        Ok(())
    }

    fn finished(&mut self, elapsed: Option<Duration>) -> Result<(), EngineError> {
        let Some(mut current) = self.current.take() else { return Ok(()) };
        let now = Instant::now();
        let after = Relations::read(&self.look, &self.history)?;
        current.end(now, elapsed, &self.relations, &after, wal(&self.look)?);
        self.relations = after;
        self.done.push((current, now));
        Ok(())
    }

    /// A statement of a migration without a transaction has come to its end, and the run waits for us.
    fn alone(&mut self, number: usize, elapsed: Duration) -> Result<(), EngineError> {
        let Some(current) = self.current.as_mut().filter(|current| !current.transactional) else {
            return Ok(());
        };
        let now = Instant::now();
        let after = Relations::read(&self.look, &self.history)?;
        current.statement(number, elapsed, now, &self.relations, after);
        Ok(())
    }

    /// One look at the locks of the run.
    fn look(&mut self) -> Result<(), EngineError> {
        let Some(current) = &mut self.current else { return Ok(()) };
        let sql = format!(
            "SELECT l.relation, l.mode, l.granted, \
             extract(epoch FROM pg_catalog.clock_timestamp() - l.waitstart) \
             FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
             WHERE l.locktype = 'relation' AND l.relation >= {FIRST_OID} \
             AND l.database = a.datid AND a.datname = pg_catalog.current_database() \
             AND a.application_name LIKE 'cargo-migrate%'"
        );
        let rows = self.look.rows("looking at the locks of the run", &sql)?;
        let now = Instant::now();
        let (mut seen, mut stands) = (Vec::new(), None);
        for row in rows {
            let (Some(oid), Some(mode)) = (row.number::<u32>(0), row.get(1).and_then(LockMode::from_catalog))
            else {
                continue;
            };
            let waiting = (!row.flag(2)).then(|| {
                let seconds = row.number::<f64>(3).unwrap_or_default().max(0.0);
                Duration::try_from_secs_f64(seconds).unwrap_or_default()
            });
            if let Some(waiting) = waiting.filter(|_| Some(oid) == self.log) {
                stands = Some(waiting);
            }
            let Some((table, relation)) = self.relations.table_of(oid) else { continue };
            if mode > LockMode::RowExclusive {
                self.probes.add(table, relation);
            }
            current.names.entry(table).or_insert_with(|| relation.name.clone());
            seen.push(Seen { table, mode, waiting });
        }
        current.look(now, &seen);
        if let Some(stood) = stands {
            self.gate.open();
            current.pause(stood + now.elapsed());
        }
        Ok(())
    }
}

fn weigh(connection: &Connection) -> Result<u64, EngineError> {
    let sql = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
    let size = connection.value("asking for the size of the database", sql)?;
    Ok(size.and_then(|size| size.parse().ok()).unwrap_or_default())
}

fn wal(connection: &Connection) -> Result<u64, EngineError> {
    let sql = "SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')";
    let written = connection.value("asking for the end of the write-ahead log", sql)?;
    Ok(written.and_then(|written| written.parse().ok()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use migrate_core::{Goal, Set, folder};
    use migrate_runtime::{Migrator, Note};

    use super::*;
    use crate::rehearse::Step;

    /// A set of these migrations: stem, up, down.
    fn set(migrations: &[(&str, &str, &str)]) -> Set {
        let folder = tempfile::tempdir().unwrap();
        for (stem, up, down) in migrations {
            for (half, text) in [("up", up), ("down", down)] {
                std::fs::write(folder.path().join(format!("{stem}.{half}.sql")), text).unwrap();
            }
        }
        folder::read(folder.path(), &folder::Options::new(folder.path())).unwrap()
    }

    #[test]
    fn locks_waits_and_new_files_are_seen_even_of_what_takes_a_moment() {
        let scratch = migrate_testing::scratch().unwrap();
        let database = Database::resolve(Some(scratch.url()), &|_| None).unwrap();
        let mut client = scratch.connect().unwrap();
        client
            .batch_execute(
                "CREATE TABLE orders (id int PRIMARY KEY, n int); INSERT INTO orders SELECT g, g FROM generate_series(1, 20000) g;
                 CREATE TABLE notes (id int); CREATE TABLE other (id int);
                 CREATE FUNCTION slow(bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS
                 'BEGIN IF $1 = 1 THEN PERFORM pg_sleep(0.5); END IF; RETURN $1; END'",
            )
            .unwrap();
        let set = set(&[
            ("0001_quick", "ALTER TABLE notes ADD a int", "ALTER TABLE notes DROP a"),
            (
                "0002_rewrite",
                "ALTER TABLE orders ALTER n TYPE bigint; SELECT pg_sleep(0.4)",
                "ALTER TABLE orders ALTER n TYPE int",
            ),
            // It is not held up at its end, so it takes its time.
            ("0003_index", "CREATE INDEX CONCURRENTLY orders_n ON orders (slow(n))", "DROP INDEX orders_n"),
        ]);
        let texts = set.migrations.iter().map(|migration| migration.up.text.to_string()).collect();
        let migrator = Migrator::new(set).database(database.clone()).tool("cargo-migrate test");
        migrator
            .note(&Note { action: "rehearse".to_owned(), outcome: "begun".to_owned(), ..Note::default() })
            .unwrap();
        let history = HistoryTable::default();
        let subject = Subject { database: &database, history: &history, texts };
        let watch = Watch::begin(&subject).unwrap();
        let migrator = migrator.on_event(watch.listener()).looking(watch.looker());
        migrator.run(Goal::UpAll).unwrap();
        let observed = watch.end().unwrap();
        assert_eq!(observed.probed, ["public.notes", "public.orders"]);
        let [quick, rewrite, index] = observed.steps.as_slice() else { panic!("{observed:?}") };
        let only = |step: &Step, name: &str| {
            step.tables.iter().find(|table| table.name == name).cloned().unwrap_or_else(|| panic!("{step:?}"))
        };
        let notes = only(quick, "public.notes");
        assert_eq!(notes.mode, LockMode::AccessExclusive, "seen although it took a moment");
        assert!(quick.rewritten.is_empty() && quick.tables.len() == 1, "{quick:?}");
        let orders = only(rewrite, "public.orders");
        let long = Duration::from_millis(380);
        assert!(
            orders.readers.unwrap() > long && orders.writers.unwrap() > long && orders.held > long,
            "{orders:?}"
        );
        assert!(rewrite.elapsed.unwrap() > long && orders.probed && rewrite.wal > 100_000, "{rewrite:?}");
        assert_eq!(rewrite.rewritten[0].name, "public.orders");
        let concurrent = only(index, "public.orders");
        assert_eq!(concurrent.mode, LockMode::ShareUpdateExclusive, "{index:?}");
        assert_eq!((concurrent.readers, concurrent.writers), (None, None));
        assert_eq!(index.built[0].name, "public.orders_n");
        // Statement by statement: which lock is whose, and who is slow.
        let [alter, sleep] = rewrite.statements.as_slice() else { panic!("{rewrite:?}") };
        assert_eq!(
            (alter.locks[0].table.as_str(), alter.locks[0].mode),
            ("public.orders", LockMode::AccessExclusive)
        );
        assert_eq!((alter.locks[0].readers, alter.locks[0].writers), (orders.readers, orders.writers));
        assert!(
            alter.blocks() && alter.rewritten == rewrite.rewritten && sleep.rewritten.is_empty(),
            "{alter:?}"
        );
        assert!(sleep.elapsed > long && sleep.elapsed > alter.elapsed && !sleep.blocks(), "{sleep:?}");
        let all = alter.elapsed + sleep.elapsed;
        assert!(all <= rewrite.elapsed.unwrap() + Duration::from_millis(20), "{rewrite:?}");
        let [index_only] = index.statements.as_slice() else { panic!("{index:?}") };
        assert_eq!((index_only.built.as_slice(), index_only.blocks()), (index.built.as_slice(), false));
        assert_eq!(index_only.locks[0].mode, LockMode::ShareUpdateExclusive, "{index_only:?}");
        assert!(index_only.elapsed > Duration::from_millis(400), "{index_only:?}");
        assert!(observed.sizes.after > observed.sizes.before && observed.sizes.peak >= observed.sizes.after);
    }
}
