//! What a run did, migration by migration, as data: what the report is made of.

use std::time::Duration;

use migrate_core::Direction;
use migrate_runtime::rehearsal::LockMode;

use super::relations::Written;
use super::statements::Statement;

/// What a run did, migration by migration.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    /// In order; the last one may not have come to its end.
    pub(crate) steps: Vec<Step>,
    pub(crate) sizes: Sizes,
    /// The tables that clients used all the while.
    pub(crate) probed: Vec<String>,
}

impl Observed {
    /// Of a run that could not be watched to its end.
    pub(super) fn nothing() -> Self {
        Self { steps: Vec::new(), sizes: Sizes::default(), probed: Vec::new() }
    }
}

/// The size of the database, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) before: u64,
    /// As large as it ever was on the way.
    pub(crate) peak: u64,
    pub(crate) after: u64,
}

/// One migration in one direction.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) stem: String,
    pub(crate) direction: Direction,
    /// `None` where it did not come to its end.
    pub(crate) elapsed: Option<Duration>,
    /// How often it was tried.
    pub(crate) attempts: u32,
    pub(crate) tables: Vec<Table>,
    /// Tables and indexes that were there and have new files.
    pub(crate) rewritten: Vec<Written>,
    /// New indexes on tables that were there.
    pub(crate) built: Vec<Written>,
    /// What was added to the write-ahead log meanwhile, by whomever.
    pub(crate) wal: u64,
    /// Statement by statement, in order, as far as it came.
    pub(crate) statements: Vec<Statement>,
}

/// What a migration did to those who use a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Quoted and qualified.
    pub(crate) name: String,
    /// The strongest lock.
    pub(crate) mode: LockMode,
    /// For how long it was held.
    pub(crate) held: Duration,
    /// The longest that a reader would have waited; `None` where none would.
    pub(crate) readers: Option<Duration>,
    /// The longest that a writer would have waited.
    pub(crate) writers: Option<Duration>,
    /// Clients waited indeed; otherwise it is known from the locks.
    pub(crate) probed: bool,
}

impl Step {
    /// The longest that anybody would have waited, of readers and of writers.
    pub(crate) fn waits(&self) -> (Option<Duration>, Option<Duration>) {
        let longest = |of: fn(&Table) -> Option<Duration>| self.tables.iter().filter_map(of).max();
        (longest(|table| table.readers), longest(|table| table.writers))
    }
}
