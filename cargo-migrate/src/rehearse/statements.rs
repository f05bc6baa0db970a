//! What each statement of a migration did, made out of the engine's looks between them ([`migrate_runtime::Look`]).
//!
//! Of what runs without a transaction around it there are no looks: it is seen from the side, as whole migrations are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use migrate_core::sql::{LineColumn, mask_secrets};
use migrate_core::{Direction, Migration};
use migrate_runtime::Look;
use migrate_runtime::rehearsal::LockMode;

use super::holds::Hold;
use super::observed::{Step, Table};
use super::relations::{Relations, Written};

/// Of a statement no more text is kept: one can have megabytes.
const TEXT: usize = 1000;

/// What one statement did, or several that were looked at together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Its place in the script, from 1; of several, that of the first.
    pub(crate) number: usize,
    /// How many statements these are.
    pub(crate) count: usize,
    /// The line that the first begins at, from 1.
    pub(crate) line: usize,
    /// The text of the first, without passwords.
    pub(crate) sql: String,
    pub(crate) elapsed: Duration,
    /// The locks that the statements before it had not taken.
    pub(crate) locks: Vec<Taken>,
    pub(crate) rewritten: Vec<Written>,
    pub(crate) built: Vec<Written>,
}

/// A lock that a statement took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The table, quoted and qualified.
    pub(crate) table: String,
    pub(crate) mode: LockMode,
    /// The longest that a reader would have waited, where this lock is the one that began it.
    pub(crate) readers: Option<Duration>,
    /// The same of a writer.
    pub(crate) writers: Option<Duration>,
}

impl Statement {
    /// Whether somebody waits because of it.
    pub(crate) fn blocks(&self) -> bool {
        self.locks.iter().any(|lock| lock.readers.is_some() || lock.writers.is_some())
    }
}

/// The statements of a migration that is being watched.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The end of the last look, by the server's clock.
    last: Duration,
    held: HashMap<u32, LockMode>,
    /// The files of now, where they are not those of before the migration.
    files: HashMap<u32, u32>,
    new: HashSet<u32>,
    /// How long our own questions took.
    pub(super) asked: Duration,
    done: Vec<Done>,
}

#[derive(Debug)]
struct Done {
    statements: Range<usize>,
    elapsed: Duration,
    locks: Vec<Taken>,
    /// What has another file than before, or was not there before.
    touched: HashSet<u32>,
}

impl Ledger {
    /// Takes a look in; `relations` are those from before the migration.
    pub(super) fn look(&mut self, look: &Look, relations: &Relations) {
        self.asked += look.ended.saturating_sub(look.began);
        if look.statements.is_empty() {
            self.done.retain(|done| done.statements.end <= look.statements.start);
            self.held.clear();
            if look.statements.start == 0 {
                // Maybe once more: what an attempt did is rolled back.
                self.files.clear();
                self.new.clear();
            }
            self.last = look.ended;
            return;
        }
        let (mut strongest, mut touched) = (HashMap::<u32, LockMode>::new(), HashSet::new());
        for lock in &look.locks {
            match (relations.table_of(lock.oid), relations.file(lock.oid), lock.file) {
                (Some((table, _)), old, now) => {
                    let mode = strongest.entry(table).or_insert(lock.mode);
                    *mode = (*mode).max(lock.mode);
                    let old = self.files.get(&lock.oid).copied().or(old);
                    if let Some(now) = now.filter(|now| Some(*now) != old) {
                        self.files.insert(lock.oid, now);
                        touched.insert(lock.oid);
                    }
                }
                (None, _, _) => {
                    if self.new.insert(lock.oid) {
                        touched.insert(lock.oid);
                    }
                }
            }
        }
        let mut locks = Vec::new();
        for (table, mode) in strongest {
            if self.held.get(&table).is_none_or(|held| *held < mode) {
                self.held.insert(table, mode);
                if let Some((_, relation)) = relations.table_of(table) {
                    locks.push(Taken { table: relation.name.clone(), mode, readers: None, writers: None });
                }
            }
        }
        let elapsed = look.began.saturating_sub(self.last);
        self.done.push(Done { statements: look.statements.clone(), elapsed, locks, touched });
        self.last = look.ended;
    }

    /// A statement of a migration without a transaction ended (`number` from 1), which was seen to hold these locks.
    pub(super) fn alone(
        &mut self,
        number: usize,
        elapsed: Duration,
        holds: &[Hold],
        relations: &Relations,
        after: &Relations,
    ) {
        let looked = self.done.last().is_some_and(|done| done.statements == (number - 1..number));
        if !looked {
            let touched = relations.changed(after);
            let statements = number - 1..number;
            self.done.push(Done { statements, elapsed, locks: Vec::new(), touched });
        }
        let Some(done) = self.done.last_mut() else { return };
        for hold in holds {
            let Some((_, relation)) = relations.table_of(hold.table) else { continue };
            let known = done.locks.iter().position(|lock| lock.table == relation.name);
            let index = known.unwrap_or_else(|| {
                let (table, mode) = (relation.name.clone(), hold.mode);
                done.locks.push(Taken { table, mode, readers: None, writers: None });
                done.locks.len() - 1
            });
            let lock = &mut done.locks[index];
            (lock.readers, lock.writers) = (hold.readers, hold.writers);
        }
        for lock in &mut done.locks {
            // It was over before anybody looked.
            lock.readers = lock.readers.or(lock.mode.blocks_reads().then_some(done.elapsed));
            lock.writers = lock.writers.or(lock.mode.blocks_writes().then_some(done.elapsed));
        }
    }

    /// The end of the migration. What was rewritten and built is told by the names of `after`.
    pub(super) fn end(self, after: &Relations, rewritten: &[Written], built: &[Written]) -> Vec<Statement> {
        let statement = |mut done: Done| {
            let names: BTreeSet<&str> = done.touched.iter().filter_map(|oid| after.name(*oid)).collect();
            let of = |all: &[Written]| {
                all.iter().filter(|one| names.contains(one.name.as_str())).cloned().collect::<Vec<_>>()
            };
            done.locks.sort_by(|a, b| b.mode.cmp(&a.mode).then_with(|| a.table.cmp(&b.table)));
            Statement {
                number: done.statements.start + 1,
                count: done.statements.len(),
                line: 0,
                sql: String::new(),
                elapsed: done.elapsed,
                locks: done.locks,
                rewritten: of(rewritten),
                built: of(built),
            }
        };
        self.done.into_iter().map(statement).collect()
    }
}

/// Says of each wait which statement began it: in a transaction the first whose lock keeps others out, for it holds that to
/// the commit.
pub(super) fn blame(statements: &mut [Statement], tables: &[Table]) {
    for table in tables {
        let mut locks: Vec<_> = statements
            .iter_mut()
            .flat_map(|statement| &mut statement.locks)
            .filter(|lock| lock.table == table.name)
            .collect();
        if let Some(lock) = locks.iter_mut().find(|lock| lock.mode.blocks_reads()) {
            lock.readers = table.readers;
        }
        if let Some(lock) = locks.iter_mut().find(|lock| lock.mode.blocks_writes()) {
            lock.writers = table.writers;
        }
    }
}

/// Adds where the statements stand and what they say.
pub(super) fn name(steps: &mut [Step], migrations: &[Migration]) {
    for step in steps {
        let Some(migration) = migrations.iter().find(|one| *one.stem == step.stem) else { continue };
        let script = match step.direction {
            Direction::Up => Some(&migration.up),
            Direction::Down => migration.down.as_ref(),
        };
        let Some(script) = script else { continue };
        for statement in &mut step.statements {
            let Some(place) = script.statements.get(statement.number - 1) else { continue };
            statement.line = LineColumn::of(&script.text, place.start).line;
            statement.sql = mask_secrets(script.sql(place)).chars().take(TEXT).collect();
        }
    }
}
