//! The runner: one builder for the command line and for applications.

use std::borrow::Cow;
use std::future::Future;
use std::time::Duration;

use migrate_core::{Checksum, Goal, Newer, Schema, Set, Warning};

use crate::emitter::Emitter;
use crate::event::PlannedStep;
use crate::look::{Look, Looks};
use crate::plan_scripts::PlannedScript;
use crate::run::Runner;
use crate::schema::{SchemaOptions, SchemaReader};
use crate::session::Session;
use crate::settings::Settings;
use crate::{
    Applied, Database, Error, Event, HistoryTable, Interrupt, LogEntry, LogFilter, Note, RepairPlan, Report,
    Status,
};

/// Applies and rolls back a set of migrations. Every setting has a default that is right for an application.
///
/// Methods block the calling thread and open their own connections. Behind the feature `tokio` each has a sibling that
/// ends in `_async`, for a thread that drives an asynchronous runtime.
#[derive(Clone)]
pub struct Migrator {
    set: Cow<'static, Set>,
    settings: Settings,
    emitter: Emitter,
}

/// What a run would do.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// In order.
    pub steps: Vec<PlannedStep>,
    /// What is odd but allowed.
    pub warnings: Vec<Warning>,
    /// The exact SQL of the run, message by message, in order.
    pub sql: Vec<String>,
}

impl Migrator {
    /// A runner for a set that was read from a folder.
    pub fn new(set: Set) -> Self {
        Self { set: Cow::Owned(set), settings: Settings::default(), emitter: Emitter::default() }
    }

    /// A runner for the set that `embed!` put into the application.
    pub fn embedded(set: &'static Set) -> Self {
        Self { set: Cow::Borrowed(set), settings: Settings::default(), emitter: Emitter::default() }
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The database to migrate. Default: `DATABASE_URL`, then libpq's `PG*` variables.
    pub fn database(self, database: Database) -> Self {
        self.with(|settings| settings.database = Some(database))
    }

    /// Schema and name of the history table. Default: `public.schema_migrations`.
    pub fn history_table(self, table: HistoryTable) -> Self {
        self.with(|settings| settings.history = table)
    }

    /// How long to wait for another runner to finish. Default: 5 minutes.
    pub fn lock_wait(self, wait: Duration) -> Self {
        self.with(|settings| settings.lock_wait = wait)
    }

    /// How long a statement may wait for a table lock before its migration is rolled back and tried again; zero is no
    /// limit. Default: 5 s. A file's `-- migrate: lock-timeout` wins.
    pub fn lock_timeout(self, timeout: Duration) -> Self {
        self.with(|settings| settings.lock_timeout = timeout)
    }

    /// For how long a migration is tried again when it does not get a table lock. Default: 60 s.
    pub fn lock_retry(self, budget: Duration) -> Self {
        self.with(|settings| settings.lock_retry = budget)
    }

    /// How long a statement may run. Default: what the role's settings say. A file's `-- migrate: statement-timeout`
    /// wins.
    pub fn statement_timeout(self, timeout: Option<Duration>) -> Self {
        self.with(|settings| settings.statement_timeout = timeout)
    }

    /// What to do about recorded versions newer than everything in the set. Default: warn.
    pub fn newer(self, newer: Newer) -> Self {
        self.with(|settings| settings.newer = newer)
    }

    /// Apply a pending migration that is older than an applied one. Default: refuse.
    pub fn allow_out_of_order(self, allow: bool) -> Self {
        self.with(|settings| settings.allow_out_of_order = allow)
    }

    /// Recover a partly applied migration, then go on. Default: yes; otherwise [`Error::Dirty`].
    pub fn auto_recover(self, recover: bool) -> Self {
        self.with(|settings| settings.auto_recover = recover)
    }

    /// All steps in one transaction, together or not at all. Default: one transaction each.
    pub fn single_transaction(self, single: bool) -> Self {
        self.with(|settings| settings.single_transaction = single)
    }

    /// Commit a migration only if it changed the schema as `cargo migrate verify --record` recorded it in
    /// `migrations.lock`; [`Error::Disproved`] otherwise, and nothing of it is left. What else is in the database makes no
    /// difference. Default: no.
    ///
    /// A migration without a recorded change is refused before anything runs ([`Error::NotRecorded`]). A non-transactional
    /// one cannot be taken back, and is compared when it is done.
    pub fn prove(self, prove: bool) -> Self {
        self.with(|settings| settings.prove = prove)
    }

    /// Roll back with the file's down text where it differs from the recorded one (`Some(false)`: with the recorded
    /// one). Default: `None`, refuse with [`Error::DownDiffers`].
    pub fn prefer_file_down(self, prefer: Option<bool>) -> Self {
        self.with(|settings| settings.prefer_file_down = prefer)
    }

    /// [`prefer_file_down`](Self::prefer_file_down) for one migration only: what was said of one of them is not said of
    /// the others.
    pub fn prefer_file_down_of(self, stem: &str, prefer: bool) -> Self {
        self.with(|settings| {
            settings.file_down_of.insert(stem.to_owned(), prefer);
        })
    }

    /// `application_name` and the audit log's `tool`. Default: `migrate-runtime VERSION`.
    pub fn tool(self, name: &str) -> Self {
        self.with(|settings| settings.tool = name.to_owned())
    }

    /// Why this run is made, for the audit log.
    pub fn reason(self, reason: &str) -> Self {
        self.with(|settings| settings.reason = Some(reason.to_owned()))
    }

    /// What the lines of this run have in common in the audit log. Default: made up. For whoever does one thing in several
    /// runs.
    pub fn run_name(self, run: &str) -> Self {
        self.with(|settings| settings.run = Some(run.to_owned()))
    }

    /// Called with every event, on the thread that runs.
    pub fn on_event(mut self, handler: impl FnMut(&Event) + Send + 'static) -> Self {
        self.emitter = Emitter::new(handler);
        self
    }

    /// Lets another thread, or a signal handler, stop the run.
    pub fn interrupt(self, interrupt: Interrupt) -> Self {
        self.with(|settings| settings.interrupt = interrupt)
    }

    /// Looks at each script between its statements, on the thread that runs: for rehearsals, and for nobody's production.
    #[doc(hidden)]
    pub fn looking(self, handler: impl FnMut(&Look) + Send + 'static) -> Self {
        self.with(|settings| settings.looks = Some(Looks::new(handler)))
    }

    /// The folder that `embed!` read, so that a debug build can tell that it is older.
    #[doc(hidden)]
    pub fn built_from(self, folder: &'static str) -> Self {
        self.with(|settings| settings.built_from = Some(folder))
    }

    /// Brings the database to the goal.
    ///
    /// # Errors
    ///
    /// See [`Error`]; each says in [`Error::hint`] what to do. A transactional migration that fails leaves nothing.
    pub fn run(&self, goal: Goal) -> Result<Report, Error> {
        block(self.run_inner(goal))
    }

    /// What `run` would do: the steps, and the exact SQL of the run. Executes nothing, and works on a standby.
    pub fn dry_run(&self, goal: Goal) -> Result<DryRun, Error> {
        block(self.dry_run_inner(goal))
    }

    /// The scripts that `run` would run, in order; where a migration is partly applied, those of a run that begins there.
    /// Executes nothing.
    ///
    /// # Errors
    ///
    /// As `run` before it changes anything: refusals, and [`Error::DownDiffers`].
    pub fn planned_scripts(&self, goal: Goal) -> Result<Vec<PlannedScript>, Error> {
        block(self.planned_scripts_inner(goal))
    }

    /// What the history says about the set. Writes nothing, needs only SELECT, works on a standby.
    pub fn status(&self) -> Result<Status, Error> {
        block(self.status_inner())
    }

    /// The audit log, newest last; `limit` keeps the newest lines.
    pub fn log(&self, limit: Option<usize>) -> Result<Vec<LogEntry>, Error> {
        self.log_of(&LogFilter::default(), limit)
    }

    /// Those lines of the audit log, newest last; `limit` keeps the newest.
    pub fn log_of(&self, filter: &LogFilter, limit: Option<usize>) -> Result<Vec<LogEntry>, Error> {
        block(self.log_inner(filter, limit))
    }

    /// Writes a line into the audit log that is no migration's. The history's tables are made where they are missing.
    pub fn note(&self, note: &Note) -> Result<(), Error> {
        block(self.note_inner(note))
    }

    /// The last line of the audit log with this action; `None` also where it may not be read. Writes nothing.
    pub fn last_note(&self, action: &str) -> Result<Option<LogEntry>, Error> {
        block(self.last_note_inner(action))
    }

    /// The lines of the audit log with this action that one run wrote, oldest first; none also where they may not be read.
    /// Writes nothing.
    pub fn notes_of_run(&self, action: &str, run: &str) -> Result<Vec<LogEntry>, Error> {
        block(self.notes_of_run_inner(action, run))
    }

    /// What would have to change in the history for it to fit the set. Writes nothing.
    pub fn repair_plan(&self) -> Result<RepairPlan, Error> {
        block(self.repair_plan_inner())
    }

    /// Changes the history as `plan` says, under the lock; refused where the history is not what `plan` was made from.
    pub fn repair(&self, plan: &RepairPlan) -> Result<(), Error> {
        block(self.repair_inner(plan))
    }

    /// Whether everything is applied; [`Error::Pending`] where it is not. Writes nothing.
    pub fn verify(&self) -> Result<(), Error> {
        block(self.verify_inner())
    }

    /// Waits until somebody else has applied everything. [`Error::Pending`] after the deadline. Writes nothing.
    pub fn wait(&self, deadline: Duration) -> Result<(), Error> {
        block(crate::waiting::wait(&self.settings, &self.emitter, &self.set, deadline))
    }

    /// The schema of the database. Writes nothing, needs no privilege beyond CONNECT, and works on a standby.
    ///
    /// # Errors
    ///
    /// [`Error::Server`] also where somebody holds a table for longer than two seconds (`55P03`): what prints definitions
    /// locks what they are of.
    pub fn schema(&self, options: &SchemaOptions) -> Result<Schema, Error> {
        block(self.schema_inner(options))
    }

    /// The digest of [`schema`](Self::schema), computed by the server: 32 bytes come over the connection.
    pub fn schema_digest(&self, options: &SchemaOptions) -> Result<Checksum, Error> {
        block(self.schema_digest_inner(options))
    }

    /// Whether the database has what `needed` has: every table, column, type, constraint, function and index.
    /// What it has beyond that is fine, unless rows could not be put in without it; owners, grants, comments and the
    /// order of columns do not matter. Writes nothing, needs no privilege beyond CONNECT, and works on a standby.
    ///
    /// # Errors
    ///
    /// [`Error::SchemaUnfit`] with everything that is missing or different.
    pub fn check_schema(&self, needed: &Schema) -> Result<(), Error> {
        block(self.check_schema_inner(needed))
    }

    /// [`check_schema`](Self::check_schema) with the text that `embed!` found.
    #[doc(hidden)]
    pub fn check_recorded_schema(&self, recorded: Option<&str>) -> Result<(), Error> {
        block(self.check_recorded_inner(recorded))
    }

    /// `server_version_num` of the server: 150018 is 15.18. Writes nothing.
    pub fn server_version(&self) -> Result<u32, Error> {
        block(async {
            let session = self.look().await?;
            let rows = session.ask("asking for the server's version", "SHOW server_version_num").await?;
            session.close().await;
            Ok(rows.first().and_then(|row| row.number(0)).unwrap_or_default())
        })
    }

    /// What the history says was applied, in the order in which it was, with the texts that were in force. Writes
    /// nothing.
    pub fn applied(&self) -> Result<Vec<Applied>, Error> {
        block(self.applied_inner())
    }

    /// How large each table is, in bytes, by its qualified name as SQL writes it: as the last VACUUM or ANALYZE saw it,
    /// and without those that neither saw. Takes no lock on any of them. Writes nothing, needs no privilege beyond
    /// CONNECT, and works on a standby.
    pub fn table_sizes(&self) -> Result<Vec<(String, u64)>, Error> {
        block(self.table_sizes_inner())
    }

    pub(crate) fn set(&self) -> &Set {
        &self.set
    }

    pub(crate) fn history(&self) -> &HistoryTable {
        &self.settings.history
    }

    /// A connection to look at the catalogs, which is nobody's secret, without a look at the history, which may be.
    pub(crate) async fn look(&self) -> Result<Session, Error> {
        let settings = &self.settings;
        let database = settings.database.clone().map_or_else(Database::from_env, Ok)?;
        settings.interrupt.or(Session::open(&database, &settings.tool, &self.emitter)).await
    }

    pub(crate) async fn connect(&self) -> Result<Runner<'_>, Error> {
        Runner::connect(&self.settings, &self.emitter, false).await
    }

    /// For a verb that only reads, and waits for no table.
    pub(crate) async fn connect_briefly(&self) -> Result<Runner<'_>, Error> {
        Runner::connect(&self.settings, &self.emitter, true).await
    }

    async fn run_inner(&self, goal: Goal) -> Result<Report, Error> {
        let mut runner = self.connect().await?;
        let result = runner.run(&self.set, goal).await;
        runner.work.close().await;
        result
    }

    async fn dry_run_inner(&self, goal: Goal) -> Result<DryRun, Error> {
        self.connect_briefly().await?.dry_run(&self.set, goal).await
    }

    async fn status_inner(&self) -> Result<Status, Error> {
        self.connect_briefly().await?.status(&self.set).await
    }

    async fn log_inner(&self, filter: &LogFilter, limit: Option<usize>) -> Result<Vec<LogEntry>, Error> {
        self.connect_briefly().await?.log_entries(filter, limit).await
    }

    async fn repair_plan_inner(&self) -> Result<RepairPlan, Error> {
        self.connect_briefly().await?.repair_plan(&self.set).await
    }

    async fn repair_inner(&self, plan: &RepairPlan) -> Result<(), Error> {
        self.connect().await?.repair(&self.set, plan).await
    }

    async fn table_sizes_inner(&self) -> Result<Vec<(String, u64)>, Error> {
        let session = self.look().await?.briefly();
        let sizes = crate::table_sizes::read(&session).await;
        session.close().await;
        sizes
    }

    async fn schema_inner(&self, options: &SchemaOptions) -> Result<Schema, Error> {
        let session = self.look().await?.briefly();
        let reader = SchemaReader::new(options.clone());
        let schema = self.settings.interrupt.or(reader.read_once(&session)).await;
        session.close().await;
        schema
    }

    async fn schema_digest_inner(&self, options: &SchemaOptions) -> Result<Checksum, Error> {
        let session = self.look().await?.briefly();
        let mut reader = SchemaReader::new(options.clone());
        let digest = self.settings.interrupt.or(reader.digest(&session)).await;
        session.close().await;
        digest
    }

    async fn verify_inner(&self) -> Result<(), Error> {
        self.connect().await?.verify(&self.set).await
    }
}

/// On the application's own tokio runtime, which must have its timer and its I/O enabled.
#[cfg(feature = "tokio")]
impl Migrator {
    /// As [`run`](Self::run).
    pub async fn run_async(&self, goal: Goal) -> Result<Report, Error> {
        self.run_inner(goal).await
    }

    /// As [`dry_run`](Self::dry_run).
    pub async fn dry_run_async(&self, goal: Goal) -> Result<DryRun, Error> {
        self.dry_run_inner(goal).await
    }

    /// As [`status`](Self::status).
    pub async fn status_async(&self) -> Result<Status, Error> {
        self.status_inner().await
    }

    /// As [`log`](Self::log).
    pub async fn log_async(&self, limit: Option<usize>) -> Result<Vec<LogEntry>, Error> {
        self.log_inner(&LogFilter::default(), limit).await
    }

    /// As [`repair_plan`](Self::repair_plan).
    pub async fn repair_plan_async(&self) -> Result<RepairPlan, Error> {
        self.repair_plan_inner().await
    }

    /// As [`repair`](Self::repair).
    pub async fn repair_async(&self, plan: &RepairPlan) -> Result<(), Error> {
        self.repair_inner(plan).await
    }

    /// As [`schema`](Self::schema).
    pub async fn schema_async(&self, options: &SchemaOptions) -> Result<Schema, Error> {
        self.schema_inner(options).await
    }

    /// As [`schema_digest`](Self::schema_digest).
    pub async fn schema_digest_async(&self, options: &SchemaOptions) -> Result<Checksum, Error> {
        self.schema_digest_inner(options).await
    }

    /// As [`check_schema`](Self::check_schema).
    pub async fn check_schema_async(&self, needed: &Schema) -> Result<(), Error> {
        self.check_schema_inner(needed).await
    }

    /// As [`check_recorded_schema`](Self::check_recorded_schema).
    #[doc(hidden)]
    pub async fn check_recorded_schema_async(&self, recorded: Option<&str>) -> Result<(), Error> {
        self.check_recorded_inner(recorded).await
    }

    /// As [`applied`](Self::applied).
    pub async fn applied_async(&self) -> Result<Vec<Applied>, Error> {
        self.applied_inner().await
    }

    /// As [`verify`](Self::verify).
    pub async fn verify_async(&self) -> Result<(), Error> {
        self.verify_inner().await
    }

    /// As [`wait`](Self::wait).
    pub async fn wait_async(&self, deadline: Duration) -> Result<(), Error> {
        crate::waiting::wait(&self.settings, &self.emitter, &self.set, deadline).await
    }
}

/// Runs a future to its end on a runtime of its own, on this thread.
fn block<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    runtime()?.block_on(work)
}

/// A runtime for blocking calls on this thread; refused on one that drives a runtime already.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    // Blocking a thread that drives a runtime would panic deep inside of it.
    if tokio::runtime::Handle::try_current().is_ok() {
        return Err(Error::InsideRuntime);
    }
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| Error::Settings {
        message: format!("no event loop could be made: {error}"),
        hint: "the process has probably run out of file descriptors: raise `ulimit -n`".to_owned(),
    })
}
