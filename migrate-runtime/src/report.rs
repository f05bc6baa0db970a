//! What a run did, and what a look at the history found.

use std::time::Duration;

use migrate_core::{Direction, State, Warning};

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The migrations that were applied or rolled back, in order. Empty where nothing was to do.
    pub done: Vec<Done>,
    /// What was odd but allowed.
    pub warnings: Vec<Warning>,
    /// How many migrations the history holds now.
    pub applied_total: usize,
    /// The whole run.
    pub elapsed: Duration,
}

/// One migration that was applied or rolled back.
#[derive(Clone, Debug)]
pub struct Done {
    /// The migration.
    pub stem: String,
    /// Forward or back.
    pub direction: Direction,
    /// How long it took.
    pub elapsed: Duration,
    /// How often it was tried; 1 where the first try succeeded.
    pub attempts: u32,
}

/// What the history says about the set, migration by migration. Reading it writes nothing.
#[derive(Clone, Debug)]
pub struct Status {
    /// For people, without the password.
    pub database: String,
    /// Whether the history table exists.
    pub history_exists: bool,
    /// Of the set and of the history, in the order of their versions.
    pub entries: Vec<StatusEntry>,
}

/// One line of a status.
#[derive(Clone, Debug)]
pub struct StatusEntry {
    /// The stem, or the recorded version where the set does not carry it.
    pub stem: String,
    /// Where it stands.
    pub state: State,
    /// The server's time when it was applied, ISO 8601.
    pub applied_at: Option<String>,
    /// From the audit log, where there is one.
    pub duration: Option<Duration>,
    /// From the audit log: who applied it.
    pub by: Option<String>,
    /// The recorded checksum.
    pub recorded: Option<String>,
    /// The checksum of the file now.
    pub found: Option<String>,
    /// Whether it can be rolled back: a down is recorded or in the set.
    pub reversible: bool,
}

/// One line of the audit log.
#[derive(Clone, Debug)]
pub struct LogEntry {
    /// From 1, in the order of writing.
    pub id: i64,
    /// The migration.
    pub version: String,
    /// up, down, statement, repair …
    pub action: String,
    /// ok, failed, …
    pub outcome: String,
    /// The server's time, ISO 8601.
    pub at: String,
    /// How long it took.
    pub duration: Option<Duration>,
    /// Who: the database role.
    pub db_user: Option<String>,
    /// Who and from where: `user@host`.
    pub client: Option<String>,
    /// `cargo-migrate 0.1.0`.
    pub tool: Option<String>,
    /// SQLSTATE of a failure.
    pub sqlstate: Option<String>,
    /// The message of a failure, or more about what was done.
    pub message: Option<String>,
    /// Of a non-transactional migration: the statement, from 1, and how many there are.
    pub statement: Option<(usize, usize)>,
    /// The checksum of what was run.
    pub checksum: Option<String>,
    /// The same of all lines of a run.
    pub run: Option<String>,
    /// Why it was done all the same, where somebody had to say so.
    pub reason: Option<String>,
}

/// What `repair` would change in the history, and nothing else.
#[derive(Clone, Debug, Default)]
pub struct RepairPlan {
    /// In order.
    pub repairs: Vec<Repair>,
}

/// One change to the history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// Take the checksum of the file as the recorded one.
    AcceptChecksum {
        /// The migration.
        stem: String,
        /// Recorded now.
        recorded: String,
        /// The file's.
        found: String,
        /// Only comments and white space differ.
        cosmetic: Option<bool>,
    },
    /// Record the new name of a renamed migration.
    Rename {
        /// Recorded now.
        recorded: String,
        /// The file's stem.
        stem: String,
    },
    /// Remove the row of a migration whose file is gone.
    Forget {
        /// Recorded now.
        version: String,
    },
    /// Remove a dirty row of which no statement was finished.
    ClearDirty {
        /// Recorded now.
        version: String,
    },
    /// Mark a dirty row as applied: every statement was finished.
    MarkApplied {
        /// Recorded now.
        version: String,
    },
}
