//! A scratch database with a rehearsal on it.

use std::sync::Arc;

use migrate_runtime::core::{CheckScript, Direction, Migration, Moment, Schema, Script};
use migrate_runtime::rehearsal::{Measured, Memory, Rehearsal};

use super::error::{Error, Result};
use super::judge::{Outcome, outcome};
use super::report::Finding;
use super::server::{Place, Scratch, Server};
use super::work::{Advanced, Verify};

/// Makes stages, each at the point of the history where it is wanted.
pub(super) struct Workshop<'a> {
    pub(super) verify: &'a Verify,
    place: &'a Place,
    server: Arc<Server>,
    /// A migration does something to the whole server: two databases on one server would be in each other's way, so each
    /// has one of its own.
    apart: bool,
}

/// A scratch database, and how far it is.
pub(super) struct Stage {
    // Before the database: the connection ends first.
    rehearsal: Option<Rehearsal>,
    /// What the last rehearsal knew of the schema.
    memory: Option<Memory>,
    scratch: Scratch,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(verify: &'a Verify, place: &'a Place, apart: bool) -> Result<Self> {
        Ok(Self { verify, place, server: Server::open(place)?, apart })
    }

    pub(super) fn server(&self) -> &Server {
        &self.server
    }

    /// An empty database.
    pub(super) fn empty(&self) -> Result<Scratch> {
        if self.apart { Server::open(self.place)?.create() } else { self.server.create() }
    }

    /// How many threads may be at work.
    pub(super) fn jobs(&self, wanted: usize) -> usize {
        if self.apart { 1 } else { wanted }
    }

    /// The state after the first `count` migrations, made from nothing; `None` where an up fails this time, which it did
    /// not when it was looked at.
    pub(super) fn at(&self, count: usize) -> Result<Option<Stage>> {
        let mut stage = Stage::of(self.empty()?);
        Ok(self.advance(&mut stage, 0, count)?.is_ok().then_some(stage))
    }

    /// Applies the migrations from `from` to `to`.
    pub(super) fn advance(&self, stage: &mut Stage, from: usize, to: usize) -> Result<Advanced> {
        for index in from..to {
            self.verify.may_go_on()?;
            let migration = &self.verify.migrations()[index];
            if let Err(failure) = stage.run(self.verify, &migration.up, migration, Direction::Up)? {
                return Ok(Err((index, failure)));
            }
        }
        Ok(Ok(()))
    }

    /// A copy of a stage, which is after the first `count` migrations.
    pub(super) fn copy(&self, stage: &mut Stage, count: usize) -> Result<Option<Stage>> {
        self.verify.may_go_on()?;
        if self.apart {
            return self.at(count);
        }
        stage.leave();
        let scratch = stage.scratch.server().copy(&stage.scratch)?;
        let memory = stage.memory.as_ref().map(Memory::of_a_copy);
        Ok(Some(Stage { rehearsal: None, memory, scratch }))
    }
}

impl Stage {
    pub(super) fn of(scratch: Scratch) -> Self {
        Self { rehearsal: None, memory: None, scratch }
    }

    /// Ends the connection, so that the database can be copied.
    fn leave(&mut self) {
        if let Some(rehearsal) = self.rehearsal.take() {
            self.memory = Some(rehearsal.close());
        }
    }

    pub(super) fn database(&self) -> migrate_runtime::Database {
        self.scratch.database()
    }

    fn rehearsal(&mut self, verify: &Verify) -> Result<&mut Rehearsal> {
        let rehearsal = match self.rehearsal.take() {
            Some(rehearsal) => rehearsal,
            None => {
                let database = self.scratch.database();
                let rehearsal = Rehearsal::connect(&database, verify.schema_options())?;
                let rehearsal = rehearsal.interrupt(verify.stop().clone());
                match self.memory.take() {
                    Some(memory) => rehearsal.remember(memory),
                    None => rehearsal,
                }
            }
        };
        Ok(self.rehearsal.insert(rehearsal))
    }

    /// Runs a script without measuring it.
    pub(super) fn run(
        &mut self,
        verify: &Verify,
        script: &Script,
        migration: &Migration,
        direction: Direction,
    ) -> Result<Outcome<()>> {
        let done = self.rehearsal(verify)?.run(script, &migration.stem, direction);
        outcome(done.map(drop)).map_err(|error| verify.interrupted_or(error))
    }

    /// Runs a script and measures it.
    pub(super) fn apply(
        &mut self,
        verify: &Verify,
        script: &Script,
        migration: &Migration,
        direction: Direction,
    ) -> Result<Outcome<Measured>> {
        let done = self.rehearsal(verify)?.apply(script, &migration.stem, direction);
        outcome(done).map_err(|error| verify.interrupted_or(error))
    }

    /// What fails of the checks of one moment, around the up of this migration.
    pub(super) fn check(
        &mut self,
        verify: &Verify,
        script: Option<&CheckScript>,
        moment: Moment,
    ) -> Result<Vec<Finding>> {
        let Some(script) = script.filter(|script| script.of(moment).next().is_some()) else {
            return Ok(Vec::new());
        };
        let outcomes = self.rehearsal(verify)?.check(script, moment);
        let outcomes = outcomes.map_err(|error| verify.interrupted_or(Error::from(error)))?;
        let failed = outcomes.into_iter().filter(|outcome| !outcome.passed());
        Ok(failed.map(|outcome| Finding::CheckFails(Box::new(outcome))).collect())
    }

    pub(super) fn schema(&mut self, verify: &Verify) -> Result<Schema> {
        let schema = self.rehearsal(verify)?.schema();
        schema.map_err(|error| verify.interrupted_or(Error::from(error)))
    }
}
