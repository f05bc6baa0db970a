//! Running migrations on a scratch database to see what they do: statement by statement, with the locks, rewrites and
//! scans of each, and without a history.

mod alone;
mod gate;
mod gated;
mod ledger;
mod measured;
mod measuring;
mod relations;
mod stage;

use std::time::{Duration, Instant};

use migrate_core::schema::Schema;
use migrate_core::{CheckScript, Direction, Mode, Moment, Script};
use tokio::runtime::Runtime;

pub use measured::{LockMode, Measured, MeasuredStatement, Relation, TableLock};

use crate::checks::Outcome;
use crate::interrupt::Interrupt;
use crate::journal::Blocks;
use crate::message::Work;
use crate::schema::{SchemaOptions, SchemaReader};
use crate::{Database, Error};
use measuring::Measuring;
use stage::Stage;

/// A scratch database that scripts are run on, one after the other, to see what they do.
///
/// Nothing is recorded: the caller knows what is applied. A script runs as the runner would run it, and the session
/// forgets after each what it had set. Methods block the calling thread.
///
/// Where a script fails, the error is what a run gives: [`Error::Failed`] and [`Error::RollbackFailed`] where nothing of
/// the script is left, [`Error::Dirty`] where part of it is, so that the next one needs another database.
pub struct Rehearsal {
    runtime: Option<Runtime>,
    database: Database,
    stage: Option<Stage>,
    server_version: String,
    reader: SchemaReader,
    interrupt: Interrupt,
}

impl Rehearsal {
    /// Connects to a scratch database. Whatever is in it may be changed.
    ///
    /// # Errors
    ///
    /// As a run; [`Error::Settings`] behind a connection pooler; [`Error::InsideRuntime`] on a thread that drives an
    /// asynchronous runtime.
    pub fn connect(database: &Database, options: SchemaOptions) -> Result<Self, Error> {
        let runtime = crate::migrator::runtime()?;
        let stage = runtime.block_on(Stage::open(database))?;
        Ok(Self {
            runtime: Some(runtime),
            database: database.clone(),
            server_version: stage.server_version.clone(),
            stage: Some(stage),
            reader: SchemaReader::new(options).prepared(),
            interrupt: Interrupt::new(),
        })
    }

    /// The server's version as it says it: `15.18`.
    pub fn server_version(&self) -> &str {
        &self.server_version
    }

    /// A signal handler's or another thread's way to stop a script: it is given up with [`Error::Interrupted`], and the
    /// rehearsal with it.
    pub fn interrupt(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    /// Runs a script as the runner would, and says how long it took. Nothing is measured but that.
    ///
    /// # Errors
    ///
    /// See [`Rehearsal`].
    pub fn run(&mut self, script: &Script, stem: &str, direction: Direction) -> Result<Duration, Error> {
        let work = Work { stem, version: stem, direction, script, checks: None };
        self.with(async |stage, _| {
            let started = Instant::now();
            match script.mode {
                Mode::Transactional => stage.transaction(work).await?,
                Mode::NonTransactional => {
                    stage.prepare(work).await?;
                    let mut blocks = Blocks::default();
                    for index in 0..script.statements.len() {
                        let manner = blocks.manner(script, index);
                        stage.play(work, index, manner, blocks).await?;
                        blocks.step(script, index);
                    }
                    stage.clear().await;
                }
            }
            Ok(started.elapsed())
        })
    }

    /// Asks the checks of one moment, read-only, and says how each ended.
    ///
    /// # Errors
    ///
    /// See [`Rehearsal`]; none where a check fails.
    pub fn check(&mut self, script: &CheckScript, moment: Moment) -> Result<Vec<Outcome>, Error> {
        self.with(async |stage, _| stage.check(script, moment).await)
    }

    /// Runs a script statement by statement and measures each.
    ///
    /// # Errors
    ///
    /// See [`Rehearsal`].
    pub fn apply(&mut self, script: &Script, stem: &str, direction: Direction) -> Result<Measured, Error> {
        let work = Work { stem, version: stem, direction, script, checks: None };
        self.with(async |stage, _| {
            let mut measuring = Measuring::begin(stage, work).await?;
            match script.mode {
                Mode::Transactional => measuring.transaction().await?,
                Mode::NonTransactional => measuring.statements().await?,
            }
            Ok(measuring.measured)
        })
    }

    /// The schema now. What has not changed since the last call is not read again.
    ///
    /// # Errors
    ///
    /// [`Error::Server`], [`Error::ConnectionLost`].
    pub fn schema(&mut self) -> Result<Schema, Error> {
        // Not on the connection of the scripts: that forgets with each of them what it has planned.
        self.with(async |stage, reader| reader.read(stage.observer().await?).await)
    }

    /// Ends the connections, so that the database can be copied or dropped, and returns what is known of its schema.
    pub fn close(mut self) -> Memory {
        if let (Some(runtime), Some(stage)) = (&self.runtime, self.stage.take()) {
            runtime.block_on(stage.close());
        }
        Memory(self.reader.take())
    }

    /// Starts from what another rehearsal knew of this very database, so that its schema is not read from the start.
    /// What changed in between is noticed. Of a copy: [`Memory::of_a_copy`].
    pub fn remember(mut self, memory: Memory) -> Self {
        self.reader = memory.0;
        self
    }

    /// Does something on the connection. One that broke is replaced before.
    fn with<T>(
        &mut self,
        act: impl AsyncFnOnce(&mut Stage, &mut SchemaReader) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if tokio::runtime::Handle::try_current().is_ok() {
            return Err(Error::InsideRuntime);
        }
        let Some(runtime) = &self.runtime else { return Err(Error::InsideRuntime) };
        let Self { database, stage, reader, interrupt, .. } = self;
        runtime.block_on(async {
            if stage.as_ref().is_some_and(|stage| stage.work.is_closed()) {
                *stage = None;
            }
            let open = match stage {
                Some(stage) => stage,
                None => stage.insert(Stage::open(database).await?),
            };
            let result = interrupt.or(act(open, reader)).await;
            match &result {
                Ok(_) => {}
                // Where it stands, nobody knows.
                Err(Error::Interrupted { .. }) => {
                    let cancel = database.cancel(open.work.client.cancel_token());
                    let _ = tokio::time::timeout(Duration::from_secs(2), cancel).await;
                    *stage = None;
                }
                // The driver may not have noticed yet.
                Err(Error::ConnectionLost { .. }) => *stage = None,
                Err(_) => open.clear().await,
            }
            result
        })
    }
}

/// What a rehearsal knew of its database's schema when it ended.
pub struct Memory(SchemaReader);

impl Memory {
    /// The same for a database made with this one as its `TEMPLATE`: the rows of its catalogs are the same to their place
    /// and their transaction, for the files or the pages are copied as they are (`dbcommands.c`).
    pub fn of_a_copy(&self) -> Self {
        Self(self.0.of_a_copy())
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rehearsal").field("database", &self.database.to_string()).finish_non_exhaustive()
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        // Waiting for it would panic on a thread that drives another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
