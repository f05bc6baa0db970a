//! Migrations one after the other, on two databases.
//!
//! `clean` gets each up once and nothing else. `work` has each migration applied, rolled back and applied again. What is
//! found on `work` is held against a fresh copy of `clean` before it is told, for earlier downs may have taken data with
//! them that a later migration counts on.
//!
//! `clean` follows in strides, and its schema is read at their ends. Where it is another one there, what was said of the
//! migrations of the stride is taken back, and they are looked at again, each compared. Those that run code are compared
//! at once: what that makes could be gone at the end of the stride.

use std::ops::Range;

use migrate_runtime::core::{Direction, Schema};

use super::chance::runs_code;
use super::cycle::{Cycle, cycle};
use super::error::Result;
use super::judge::Outcome;
use super::report::{Failure, Finding, MigrationReport};
use super::stage::{Stage, Workshop};

/// How many migrations `clean` stays behind at most.
const STRIDE: usize = 64;

/// What came of some migrations.
#[derive(Default)]
pub(super) struct Steps {
    /// Of those that were to be looked at, in order.
    pub(super) reports: Vec<MigrationReport>,
    /// The schema before the first, and after each.
    pub(super) schemas: Vec<Schema>,
    /// The migration whose up fails: nothing after it was looked at.
    pub(super) stopped: Option<usize>,
}

/// Looks at the migrations in `range`, from a database that is after those before it.
pub(super) fn steps(workshop: &Workshop<'_>, mut clean: Stage, range: Range<usize>) -> Result<Steps> {
    let start = clean.schema(workshop.verify)?;
    let mut lockstep = Lockstep {
        workshop,
        steps: Steps { schemas: vec![start], ..Steps::default() },
        first: range.start,
        clean,
        at: range.start,
        agreed: range.start,
        careful_until: range.start,
        work: None,
    };
    loop {
        let index = lockstep.next();
        workshop.verify.may_go_on()?;
        let went = if index < range.end {
            lockstep.step(index)?
        } else {
            // The end is the end only where both agree on it.
            lockstep.catch_up(index)?
        };
        match went {
            Went::On if index < range.end => {}
            Went::On | Went::Stopped => return Ok(lockstep.steps),
            Went::Apart => {
                if let Went::Stopped = lockstep.go_back()? {
                    return Ok(lockstep.steps);
                }
            }
        }
    }
}

struct Lockstep<'a> {
    workshop: &'a Workshop<'a>,
    steps: Steps,
    /// Where the range begins.
    first: usize,
    clean: Stage,
    /// How many migrations `clean` has.
    at: usize,
    /// How many it had when its schema was the one of `work` the last time.
    agreed: usize,
    /// Those before it are compared one by one.
    careful_until: usize,
    /// `None` where it has to be copied anew.
    work: Option<Work>,
}

struct Work {
    stage: Stage,
    /// Copied, and nothing was done to it since.
    pristine: bool,
}

/// How it went.
enum Went {
    On,
    /// An up fails.
    Stopped,
    /// The two databases came to differ since they agreed.
    Apart,
}

impl Lockstep<'_> {
    /// The migration that comes next.
    fn next(&self) -> usize {
        self.first + self.steps.schemas.len() - 1
    }

    /// The schema before the migration that comes next.
    fn before(&self) -> Schema {
        self.steps.schemas.last().cloned().unwrap_or_default()
    }

    fn step(&mut self, index: usize) -> Result<Went> {
        let verify = self.workshop.verify;
        let migration = &verify.migrations()[index];
        if !verify.looks_at(index) {
            return self.pass(index);
        }
        let careful = index < self.careful_until || runs_code(&migration.up);
        if careful && let Went::Apart = self.catch_up(index)? {
            return Ok(Went::Apart);
        }
        let before = self.before();
        let Some(mut cycle) = self.cycle(index, &before)? else { return Ok(Went::Apart) };
        let after = if cycle.after_up.is_none() {
            None
        } else if careful || !cycle.findings.is_empty() {
            self.compared(index, &before, &mut cycle)?
        } else {
            cycle.after_up.take()
        };
        if !cycle.findings.is_empty() {
            self.work = None;
        }
        self.steps.reports.push(MigrationReport {
            up: cycle.up,
            down: cycle.down,
            up_change: cycle.up_change,
            down_change: cycle.down_change,
            findings: cycle.findings,
            ..MigrationReport::of(migration)
        });
        verify.step_is_done(index);
        self.went(index, after)
    }

    /// A migration that is not looked at is applied, and told only where that fails.
    fn pass(&mut self, index: usize) -> Result<Went> {
        let verify = self.workshop.verify;
        if let Went::Apart = self.catch_up(index)? {
            return Ok(Went::Apart);
        }
        // What is looked at next gets a copy.
        self.work = None;
        let after = match self.up(index)? {
            Ok(()) => Some(self.clean.schema(verify)?),
            Err(failure) => {
                self.steps.reports.push(failed(self.workshop, index, failure));
                None
            }
        };
        self.agreed = self.at;
        self.went(index, after)
    }

    /// After a migration the schema is this one; none where its up fails.
    fn went(&mut self, index: usize, after: Option<Schema>) -> Result<Went> {
        let Some(after) = after else {
            self.steps.stopped = Some(index);
            return Ok(Went::Stopped);
        };
        self.steps.schemas.push(after);
        if index + 1 - self.agreed >= STRIDE { self.catch_up(index + 1) } else { Ok(Went::On) }
    }

    fn up(&mut self, index: usize) -> Result<Outcome<()>> {
        let verify = self.workshop.verify;
        let migration = &verify.migrations()[index];
        let outcome = self.clean.run(verify, &migration.up, migration, Direction::Up)?;
        if outcome.is_ok() {
            self.at = index + 1;
        }
        Ok(outcome)
    }

    /// `clean` goes to where `work` is.
    fn catch_up(&mut self, to: usize) -> Result<Went> {
        if self.agreed == to {
            return Ok(Went::On);
        }
        while self.at < to {
            self.workshop.verify.may_go_on()?;
            if self.up(self.at)?.is_err() {
                return Ok(Went::Apart);
            }
        }
        let found = self.clean.schema(self.workshop.verify)?;
        let expected = self.steps.schemas.get(to - self.first);
        if expected.is_none_or(|expected| !expected.diff(&found).is_empty()) {
            return Ok(Went::Apart);
        }
        self.agreed = to;
        Ok(Went::On)
    }

    /// To where both agreed; from there to here each is compared.
    fn go_back(&mut self) -> Result<Went> {
        let verify = self.workshop.verify;
        let (agreed, here) = (self.agreed, self.next());
        self.work = None;
        self.steps.schemas.truncate(agreed - self.first + 1);
        let looked_at = |range: Range<usize>| range.filter(|index| verify.looks_at(*index)).count();
        self.steps.reports.truncate(looked_at(self.first..agreed));
        verify.steps_are_undone(looked_at(agreed..here));
        self.careful_until = here;
        self.clean = Stage::of(self.workshop.empty()?);
        if let Err((index, failure)) = self.workshop.advance(&mut self.clean, 0, agreed)? {
            // It went well before: what it does is left to chance.
            self.steps.reports.push(failed(self.workshop, index, failure));
            self.steps.stopped = Some(agreed);
            return Ok(Went::Stopped);
        }
        self.at = agreed;
        Ok(Went::On)
    }

    /// The cycle on `work`; where that is not as it was copied and something is found, once more on a copy. None where
    /// there is nothing to copy, for the two databases differ.
    fn cycle(&mut self, index: usize, before: &Schema) -> Result<Option<Cycle>> {
        let verify = self.workshop.verify;
        let migration = &verify.migrations()[index];
        loop {
            let mut work = match self.work.take() {
                Some(work) => work,
                None => {
                    if let Went::Apart = self.catch_up(index)? {
                        return Ok(None);
                    }
                    let copy = self.workshop.copy(&mut self.clean, index)?;
                    let Some(stage) = copy else { return Ok(Some(Cycle::default())) };
                    Work { stage, pristine: true }
                }
            };
            let found = cycle(verify, &mut work.stage, migration, before)?;
            if found.findings.is_empty() || work.pristine {
                self.work = Some(Work { pristine: false, ..work });
                return Ok(Some(found));
            }
        }
    }

    /// The schema that the up makes on `clean`, which is right before it; what it made on `work` is held against that.
    fn compared(&mut self, index: usize, before: &Schema, cycle: &mut Cycle) -> Result<Option<Schema>> {
        let after = match self.up(index)? {
            Ok(()) => self.clean.schema(self.workshop.verify)?,
            Err(failure) => {
                // It went well on a copy a moment ago: what it does is left to chance.
                cycle.findings.push(Finding::UpFails(failure));
                return Ok(None);
            }
        };
        self.agreed = self.at;
        self.compare(index, before, &after, cycle)?;
        Ok(Some(after))
    }

    /// Holds what the up made on `work` against what it made on `clean`.
    fn compare(&mut self, index: usize, before: &Schema, after: &Schema, found: &mut Cycle) -> Result<()> {
        let verify = self.workshop.verify;
        let differs =
            |cycle: &Cycle| cycle.after_up.as_ref().is_some_and(|made| !after.diff(made).is_empty());
        if !differs(found) {
            return Ok(());
        }
        self.work = None;
        // Made from nothing: `clean` is one further already.
        let Some(mut stage) = self.workshop.at(index)? else { return Ok(()) };
        *found = cycle(verify, &mut stage, &verify.migrations()[index], before)?;
        if let Some(made) = found.after_up.as_ref().filter(|_| differs(found)) {
            let finding = Finding::NotDeterministic(after.diff(made));
            // A second up that differs from the first says the same once more.
            found.findings.retain(|finding| !matches!(finding, Finding::DiffersAfterUpAgain(_)));
            found.findings.push(finding);
        }
        Ok(())
    }
}

fn failed(workshop: &Workshop<'_>, index: usize, failure: Box<Failure>) -> MigrationReport {
    let mut report = MigrationReport::of(&workshop.verify.migrations()[index]);
    report.findings.push(Finding::UpFails(failure));
    report
}
