//! What a run tells while it works. The words for people are the caller's.

use std::time::Duration;

use migrate_core::{Checksum, Direction, Moment, Warning};

/// Something that happened in a run, in the order in which it happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The database answered.
    Connected {
        /// For people, without the password: `postgres://app@db.example:5432/shop`.
        database: String,
        /// `server_version_num`, for example 150018.
        server_version: u32,
        /// A connection pooler such as PgBouncer stands between.
        pooled: bool,
    },
    /// Something odd but allowed.
    Warning(Warning),
    /// Somebody else is migrating; told at once and then every few seconds.
    LockWaiting {
        /// How long we have waited.
        waited: Duration,
        /// Who holds the lock, where the server lets us see it.
        holder: Option<Session>,
        /// The migration that the holder is working on, where its work connection says so.
        migration: Option<String>,
    },
    /// We are the one runner.
    LockObtained {
        /// How long we waited.
        waited: Duration,
    },
    /// What is about to run.
    Planned {
        /// In the order in which they run.
        steps: Vec<PlannedStep>,
    },
    /// A migration starts.
    Started {
        /// The migration.
        stem: String,
        /// Forward or back.
        direction: Direction,
        /// From 1.
        number: usize,
        /// How many in this run.
        total: usize,
        /// Whether it runs in one transaction.
        transactional: bool,
        /// The checksum of the script that runs: a down's is that of the recorded text, where that is what runs.
        checksum: Checksum,
    },
    /// A migration is still running; told every second from the second second on.
    Running {
        /// The migration.
        stem: String,
        /// Since it started.
        elapsed: Duration,
        /// The server process that runs it.
        pid: i32,
        /// What the server says that it waits for: `Lock/relation`, or `None` where it works.
        wait: Option<String>,
        /// Who blocks it.
        blockers: Vec<Session>,
        /// `building index: scanning table 41 %`, from `pg_stat_progress_create_index` and its siblings.
        progress: Option<String>,
    },
    /// A statement of a non-transactional migration is done and in the journal.
    StatementFinished {
        /// The migration.
        stem: String,
        /// From 1.
        number: usize,
        /// How many in this migration.
        total: usize,
        /// How long it took.
        elapsed: Duration,
    },
    /// The checks before a migration, or behind it, were run.
    Checked {
        /// The migration.
        stem: String,
        /// Before its script, or behind it.
        moment: Moment,
        /// How many were run.
        checks: usize,
        /// How many of them failed. The run ends where it is not 0.
        failed: usize,
        /// How long they took together.
        elapsed: Duration,
    },
    /// A migration was rolled back because of a lock and is tried again.
    Retrying {
        /// The migration.
        stem: String,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// How long we pause before the next.
        pause: Duration,
        /// Why.
        reason: RetryReason,
        /// Who held the lock that was waited for, where the server lets us see it.
        blockers: Vec<Session>,
    },
    /// A partly applied migration was found and is being recovered.
    Recovering {
        /// The migration.
        stem: String,
        /// What is done.
        how: Recovery,
    },
    /// A migration is committed and recorded. It is on the server's disk with the end of the run at the latest.
    Finished {
        /// The migration.
        stem: String,
        /// Forward or back.
        direction: Direction,
        /// From its start to the server's answer.
        elapsed: Duration,
        /// The checksum of the script that ran.
        checksum: Checksum,
    },
    /// The server said something: `RAISE NOTICE`, "relation already exists, skipping".
    Notice {
        /// The migration in flight, if any.
        stem: Option<String>,
        /// NOTICE, WARNING, INFO.
        severity: String,
        /// SQLSTATE.
        code: String,
        /// The message, as the server sent it: to be escaped before it reaches a terminal.
        message: String,
        /// DETAIL.
        detail: Option<String>,
        /// HINT.
        hint: Option<String>,
    },
    /// The audit log could not be written; the failure that it would have told is reported all the same.
    LogUnavailable {
        /// Why.
        why: String,
    },
    /// The connection that holds the lock is gone; the run stops before the next migration.
    LockLost,
    /// The connection broke while a migration was in flight, and a new one told what became of it.
    Resolved {
        /// The migration.
        stem: String,
        /// Whether the server had committed it.
        committed: bool,
    },
}

/// One step of [`Event::Planned`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    /// The migration.
    pub stem: String,
    /// Forward or back.
    pub direction: Direction,
    /// Whether it runs in one transaction.
    pub transactional: bool,
}

/// Another session of the server, from `pg_stat_activity`; what privileges hide is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The server process.
    pub pid: i32,
    /// `application_name`.
    pub application: Option<String>,
    /// The role.
    pub user: Option<String>,
    /// The client's address, or `local`.
    pub client: Option<String>,
    /// active, idle in transaction, …
    pub state: Option<String>,
    /// Since its transaction began.
    pub transaction_age: Option<Duration>,
    /// Its current or last statement.
    pub query: Option<String>,
}

/// Why a migration is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetryReason {
    /// A table lock was not obtained within `lock_timeout` (SQLSTATE 55P03).
    LockTimeout,
    /// The server chose us as the victim of a deadlock (SQLSTATE 40P01).
    Deadlock,
    /// Could not serialize (SQLSTATE 40001).
    Serialization,
    /// A transaction of an earlier, killed runner still works on the server.
    OrphanRunner,
    /// Somebody else changed the schema while the migration ran, so that its own change could not be told.
    SchemaChanged,
}

/// What recovery does with a partly applied migration.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// Goes on from this statement (from 1).
    Resume {
        /// The statement.
        statement: usize,
        /// How many there are.
        total: usize,
    },
    /// Drops an index that a failed `CREATE INDEX CONCURRENTLY` left invalid.
    DropInvalidIndex {
        /// The index, schema-qualified and quoted.
        index: String,
    },
    /// Runs the down script, then the up script from its start.
    DownAndRetry,
}
