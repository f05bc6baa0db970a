//! Why a run failed.

use std::time::Duration;

use migrate_core::schema::{Diff, Unmet};
use migrate_core::{Checksum, Direction, Moment, Refusal};

use crate::checks::Outcome;
use crate::event::{PlannedStep, Session};

/// Why a run failed. [`hint`](Error::hint) says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings make no sense: a URL that does not parse, no `DATABASE_URL`.
    #[error("{message}")]
    Settings {
        /// What is wrong, without any password.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The database could not be reached.
    #[error("could not connect to {database}")]
    Connect {
        /// For people, without the password.
        database: String,
        /// What to do.
        hint: String,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The connection broke outside a migration.
    #[error("the connection to {database} was lost")]
    ConnectionLost {
        /// For people, without the password.
        database: String,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The connection broke while a migration was in flight; `committed` is what a new connection found out.
    #[error("the connection was lost while `{stem}` was in flight")]
    Interfered {
        /// The migration.
        stem: String,
        /// Forward or back.
        direction: Direction,
        /// Whether the server had committed it; `None` where no new connection could be had to find out.
        committed: Option<bool>,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The connection broke in a non-transactional migration: it is partly applied, and the next run resumes it.
    #[error("the connection was lost in statement {statement} of {total} of `{stem}`")]
    LostWhilePartlyApplied {
        /// The migration.
        stem: String,
        /// From 1.
        statement: usize,
        /// How many there are.
        total: usize,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The connection that holds the migration lock broke; nothing more was started.
    #[error("the connection to {database} that holds the migration lock was lost")]
    LockLost {
        /// For people, without the password.
        database: String,
    },
    /// A script names the history table or its audit log. Nothing was run.
    #[error("{file} does {command} on {table}, which is the history itself")]
    TouchesHistory {
        /// The file's name.
        file: String,
        /// The script's whole text.
        text: String,
        /// The byte range in `text` of the statement.
        statement: (usize, usize),
        /// `DROP TABLE`, `TRUNCATE`, …
        command: &'static str,
        /// The history table or the audit log.
        table: String,
    },
    /// The history changed under the lock: by hand, or by a runner that does not know the lock.
    #[error("the history was changed by somebody else while `{stem}` was about to run")]
    HistoryChanged {
        /// The migration.
        stem: String,
    },
    /// One transaction for all was asked for, and a migration cannot run in one.
    #[error("`{stem}` cannot run in a transaction")]
    SingleTransaction {
        /// The migration.
        stem: String,
    },
    /// A text that was recorded in the audit log is not a script.
    #[error("the script that was recorded for `{stem}` cannot be read: {why}")]
    RecordedScript {
        /// The migration.
        stem: String,
        /// What is wrong with it.
        why: String,
    },
    /// The history is no longer what a repair was planned for.
    #[error("the history changed since the repair was planned")]
    RepairOutdated,
    /// A standby, or a read-only session.
    #[error("{database} is read-only: {reason}")]
    ReadOnly {
        /// For people, without the password.
        database: String,
        /// `a hot standby`, or `default_transaction_read_only is on`.
        reason: String,
    },
    /// Another runner did not finish in time.
    #[error("another runner held the migration lock for {:?}", rounded(waited))]
    LockNotObtained {
        /// How long we waited.
        waited: Duration,
        /// Who holds it, where the server lets us see it.
        holder: Option<Box<Session>>,
    },
    /// A table lock was not obtained in any attempt.
    #[error("`{stem}` did not get a table lock within {:?} ({attempts} attempts)", rounded(waited))]
    TableLock {
        /// The migration.
        stem: String,
        /// Forward or back.
        direction: Direction,
        /// Over all attempts.
        waited: Duration,
        /// How many.
        attempts: u32,
        /// Who holds it, where the server lets us see it.
        blockers: Vec<Session>,
        /// The last failure.
        failure: Box<Failure>,
    },
    /// A statement failed; its transaction was rolled back.
    #[error("migration `{}` failed{}", failure.stem, failure.reason())]
    Failed {
        /// Where and why.
        failure: Box<Failure>,
    },
    /// A roll back failed; its transaction was rolled back.
    #[error("rolling back `{}` failed{}", failure.stem, failure.reason())]
    RollbackFailed {
        /// Where and why.
        failure: Box<Failure>,
    },
    /// A migration did not change the schema as it is recorded in `migrations.lock`. It was rolled back, unless it is
    /// one that cannot be.
    #[error("`{}` did not change the schema as recorded{}", disproof.stem, disproof.outcome())]
    Disproved {
        /// What it changed.
        disproof: Box<Disproof>,
    },
    /// A check of a migration failed. Nothing of the migration is left, unless it is one that cannot be rolled back.
    #[error("{}", unheld(stem, *moment, failed, *applied))]
    CheckFailed {
        /// The migration.
        stem: String,
        /// Before the migration's script, or behind it.
        moment: Moment,
        /// Every check of that moment that failed; never empty.
        failed: Vec<Outcome>,
        /// It is non-transactional, and so it is applied all the same.
        applied: bool,
    },
    /// A proof was asked for, and what these scripts change is not recorded. Nothing was run.
    #[error("no schema change is recorded for {}", named(steps))]
    NotRecorded {
        /// Those that have none.
        steps: Vec<PlannedStep>,
    },
    /// A non-transactional migration is partly applied and needs a person.
    #[error("migration `{stem}` is partly applied{}", after(failure))]
    Dirty {
        /// The migration.
        stem: String,
        /// How many of its statements are done, and how many there are, where the journal says.
        progress: Option<(usize, usize)>,
        /// Indexes that are there and invalid, schema-qualified.
        invalid_indexes: Vec<String>,
        /// The failure that led here, where this run saw it.
        failure: Option<Box<Failure>>,
    },
    /// The history does not fit the set.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A table of this name has another shape: Rails, golang-migrate, dbmate.
    #[error("{table} was not made by cargo migrate: {why}")]
    ForeignTable {
        /// The table.
        table: String,
        /// What is different; the tool it looks like, where that can be told.
        why: String,
    },
    /// The audit log is of a version that is newer than this one.
    #[error(
        "{table} was made by a newer cargo migrate: its column `{column}` wants a value that this one does not know"
    )]
    NewerLog {
        /// The audit log.
        table: String,
        /// Its column.
        column: String,
    },
    /// The recorded down text and the file differ, and the caller did not say which one to take.
    #[error("the down script of `{stem}` changed after it was applied")]
    DownDiffers {
        /// The migration.
        stem: String,
        /// The text that was recorded when the up ran.
        recorded: String,
        /// The text in the file now.
        found: String,
    },
    /// Something that the engine itself does failed: creating the history table, reading it.
    #[error("{doing} failed")]
    Server {
        /// What was being done: `creating the history table`.
        doing: String,
        /// Why.
        #[source]
        source: tokio_postgres::Error,
    },
    /// The script is larger than PostgreSQL takes in one message.
    #[error("`{stem}` is {bytes} bytes, more than PostgreSQL takes in one message (1 GiB)")]
    TooLarge {
        /// The migration.
        stem: String,
        /// Its size.
        bytes: usize,
    },
    /// [`Interrupt`](crate::Interrupt) was triggered. What was in flight was rolled back.
    #[error("interrupted")]
    Interrupted {
        /// The signal.
        signal: u8,
        /// The migration that was in flight and is rolled back now, or dirty.
        stem: Option<String>,
    },
    /// A blocking call was made inside an asynchronous runtime.
    #[error("a blocking call was made inside an asynchronous runtime")]
    InsideRuntime,
    /// `verify` or `wait` found the database not up to date.
    #[error("{} of the application's migrations are not applied", pending.len())]
    Pending {
        /// Their stems.
        pending: Vec<String>,
    },
    /// `check_schema` found a schema that the application was not built for.
    #[error("the schema of {database} is not what the application needs:{}", listed(unmet))]
    SchemaUnfit {
        /// For people, without the password.
        database: String,
        /// What is missing or different.
        unmet: Vec<Unmet>,
    },
    /// `check_schema` of an application that was built without a recorded schema.
    #[error("no schema was recorded when the application was built")]
    NoSchemaRecorded,
}

/// One a line; a database that is altogether another one would fill the screen.
fn listed(unmet: &[Unmet]) -> String {
    const MOST: usize = 20;
    let mut text: String = unmet.iter().take(MOST).map(|one| format!("\n  {one}")).collect();
    if unmet.len() > MOST {
        text.push_str(&format!("\n  and {} more", unmet.len() - MOST));
    }
    text
}

fn unheld(stem: &str, moment: Moment, failed: &[Outcome], applied: bool) -> String {
    let what = match failed {
        [one] => format!("a check {{}} it failed: {}", one.title()),
        many => format!("{} checks {{}} it failed", many.len()),
    };
    match (moment, applied) {
        (Moment::Before, _) => format!("`{stem}` was not applied: {}", what.replace("{}", "before")),
        (Moment::After, false) => format!("`{stem}` was rolled back: {}", what.replace("{}", "behind")),
        (Moment::After, true) => {
            format!("`{stem}` is applied, for it is not transactional: {}", what.replace("{}", "behind"))
        }
    }
}

fn after(failure: &Option<Box<Failure>>) -> String {
    failure.as_ref().map_or_else(String::new, |failure| failure.reason())
}

fn named(steps: &[PlannedStep]) -> String {
    let name = |step: &PlannedStep| match step.direction {
        Direction::Up => format!("`{}`", step.stem),
        Direction::Down => format!("the down of `{}`", step.stem),
    };
    steps.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// A schema change that is not the recorded one.
#[derive(Clone, Debug)]
pub struct Disproof {
    /// The migration.
    pub stem: String,
    /// Forward or back.
    pub direction: Direction,
    /// The file's name.
    pub file: String,
    /// The change that `migrations.lock` has: [`Diff::digest`].
    pub recorded: Checksum,
    /// That of the change that was made here.
    pub found: Checksum,
    /// The change that was made here, without owners and grants, which do not count.
    pub diff: Diff,
    /// It is non-transactional, and so it is applied all the same.
    pub applied: bool,
}

impl Disproof {
    fn outcome(&self) -> &'static str {
        match (self.applied, self.direction) {
            (false, _) => ", and was not committed",
            (true, Direction::Up) => "; it is not transactional, and is applied",
            (true, Direction::Down) => "; it is not transactional, and is rolled back",
        }
    }
}

impl Failure {
    /// What the server said, to be put behind "failed".
    fn reason(&self) -> String {
        let place = if self.at_commit { ", at its commit" } else { "" };
        format!("{place}: {}", self.server.message)
    }
}

/// A statement that the server refused.
#[derive(Clone)]
pub struct Failure {
    /// The migration.
    pub stem: String,
    /// The file's name; the recorded text's label where the text came from the history.
    pub file: String,
    /// The script's whole text, as it was sent.
    pub text: String,
    /// Forward or back.
    pub direction: Direction,
    /// Byte offset into `text` that the server named.
    pub position: Option<usize>,
    /// The byte range in `text` of the statement that failed, where it is known.
    pub statement: Option<(usize, usize)>,
    /// The commit itself failed: a deferred constraint.
    pub at_commit: bool,
    /// What the server said.
    pub server: ServerError,
}

/// Without the script: an application that prints an error with `Debug`, as `main` does, wants no file in its log.
impl std::fmt::Debug for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Failure")
            .field("stem", &self.stem)
            .field("file", &self.file)
            .field("direction", &self.direction)
            .field("position", &self.position)
            .field("statement", &self.statement)
            .field("at_commit", &self.at_commit)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// What the server said, field by field (protocol, "Error and Notice Message Fields").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// ERROR, FATAL, PANIC.
    pub severity: String,
    /// SQLSTATE.
    pub code: String,
    /// The message.
    pub message: String,
    /// DETAIL.
    pub detail: Option<String>,
    /// HINT.
    pub hint: Option<String>,
    /// CONTEXT.
    pub context: Option<String>,
    /// schema, table, column, data type, constraint: those that were sent.
    pub object: Vec<(&'static str, String)>,
    /// The text of an internally generated statement (in a function), with the position in it, 1-based.
    pub internal: Option<(String, u32)>,
}

/// To the tenth of a second: nobody waits for nanoseconds.
fn rounded(waited: &std::time::Duration) -> std::time::Duration {
    let tenths = (waited.as_millis() / 100).min(u128::from(u64::MAX / 100)) as u64;
    if tenths == 0 { *waited } else { std::time::Duration::from_millis(tenths * 100) }
}
