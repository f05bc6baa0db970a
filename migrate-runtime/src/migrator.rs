//! The runner: one builder for the command line and for applications.

use std::borrow::Cow;
use std::time::Duration;

use migrate_core::{Goal, Newer, Set};

use crate::{Database, Error, Event, HistoryTable, Interrupt, LogEntry, RepairPlan, Report, Status};

/// Applies and rolls back a set of migrations. Every setting has a default that is right for an application.
///
/// Methods block; behind the feature `tokio` each has a sibling ending in `_async`.
#[derive(Clone)]
pub struct Migrator {
    set: Cow<'static, Set>,
}
#[allow(unused_variables, clippy::todo, clippy::ptr_arg)]
impl Migrator {
    /// A runner for a set that was read from a folder.
    pub fn new(set: Set) -> Self {
        Self { set: Cow::Owned(set) }
    }
    /// A runner for the set that `embed!` put into the application.
    pub const fn embedded(set: &'static Set) -> Self {
        Self { set: Cow::Borrowed(set) }
    }
    /// The database to migrate. Default: `DATABASE_URL`, then libpq's `PG*` variables.
    pub fn database(self, database: Database) -> Self {
        self
    }
    /// Schema and name of the history table. Default: `public.schema_migrations`.
    pub fn history_table(self, table: HistoryTable) -> Self {
        self
    }
    /// How long to wait for another runner to finish. Default: 5 minutes.
    pub fn lock_wait(self, wait: Duration) -> Self {
        self
    }
    /// How long a statement may wait for a table lock before its migration is rolled back and tried again.
    /// Default: 5 s. A file's `-- migrate: lock-timeout` wins.
    pub fn lock_timeout(self, timeout: Duration) -> Self {
        self
    }
    /// For how long a migration is tried again when it does not get a table lock. Default: 60 s.
    pub fn lock_retry(self, budget: Duration) -> Self {
        self
    }
    /// How long a statement may run. Default: no limit. A file's `-- migrate: statement-timeout` wins.
    pub fn statement_timeout(self, timeout: Option<Duration>) -> Self {
        self
    }
    /// What to do about recorded versions newer than everything in the set. Default: warn.
    pub fn newer(self, newer: Newer) -> Self {
        self
    }
    /// Apply a pending migration that is older than an applied one. Default: refuse.
    pub fn allow_out_of_order(self, allow: bool) -> Self {
        self
    }
    /// Recover a partly applied migration, then go on. Default: yes.
    pub fn auto_recover(self, recover: bool) -> Self {
        self
    }
    /// All pending migrations in one transaction, together or not at all. Default: one transaction each.
    pub fn single_transaction(self, single: bool) -> Self {
        self
    }
    /// Roll back with the file's down text, where it differs from the recorded one (`Some(false)`: with the recorded
    /// one). Default: `None`, refuse with [`Error::DownDiffers`].
    pub fn prefer_file_down(self, prefer: Option<bool>) -> Self {
        self
    }
    /// `application_name` and the audit log's `tool`. Default: `migrate-runtime VERSION`.
    pub fn tool(self, name: &str) -> Self {
        self
    }
    /// Called with every event, on the thread that runs.
    pub fn on_event(self, handler: impl FnMut(&Event) + Send + 'static) -> Self {
        self
    }
    /// Lets another thread stop the run.
    pub fn interrupt(self, interrupt: Interrupt) -> Self {
        self
    }

    /// Brings the database to the goal.
    pub fn run(&self, goal: Goal) -> Result<Report, Error> {
        todo!()
    }
    /// What `run` would do: the steps, and the exact SQL of the run. Executes nothing, and works on a standby.
    pub fn dry_run(&self, goal: Goal) -> Result<DryRun, Error> {
        todo!()
    }
    /// What the history says about the set. Writes nothing, needs only SELECT, works on a standby.
    pub fn status(&self) -> Result<Status, Error> {
        todo!()
    }
    /// The audit log, newest last.
    pub fn log(&self, limit: Option<usize>) -> Result<Vec<LogEntry>, Error> {
        todo!()
    }
    /// What would have to change in the history for it to fit the set.
    pub fn repair_plan(&self) -> Result<RepairPlan, Error> {
        todo!()
    }
    /// Changes the history as `plan` says, under the lock; refused where the history is not what `plan` was made from.
    pub fn repair(&self, plan: &RepairPlan) -> Result<(), Error> {
        todo!()
    }
    /// Whether everything is applied; [`Error::Pending`] where it is not. Writes nothing.
    pub fn verify(&self) -> Result<(), Error> {
        todo!()
    }
    /// Waits until somebody else has applied everything. [`Error::Pending`] after the deadline. Writes nothing.
    pub fn wait(&self, deadline: Duration) -> Result<(), Error> {
        todo!()
    }
}

/// What a run would do.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// In order.
    pub steps: Vec<crate::event::PlannedStep>,
    /// What is odd but allowed.
    pub warnings: Vec<migrate_core::Warning>,
    /// The exact SQL of the run, message by message, in order.
    pub sql: Vec<String>,
}
