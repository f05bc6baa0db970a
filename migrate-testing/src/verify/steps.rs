//! Migrations one after the other, on two databases in lockstep.
//!
//! `clean` gets each up once and nothing else. `work` has each migration applied, rolled back and applied again. What is
//! found on `work` is held against a fresh copy of `clean` before it is told, for earlier downs may have taken data with
//! them that a later migration counts on.

use std::ops::Range;

use migrate_runtime::core::{Direction, Schema};

use super::cycle::{Cycle, cycle};
use super::error::Result;
use super::judge::Outcome;
use super::report::{Finding, MigrationReport};
use super::stage::{Stage, Workshop};

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
pub(super) fn steps(workshop: &Workshop<'_>, clean: Stage, range: Range<usize>) -> Result<Steps> {
    let mut steps = Steps::default();
    let mut lockstep = Lockstep { workshop, clean, work: None };
    let mut before = lockstep.clean.schema(workshop.verify)?;
    steps.schemas.push(before.clone());
    for index in range {
        workshop.verify.may_go_on()?;
        let after = if workshop.verify.looks_at(index) {
            let (report, after) = lockstep.step(index, &before)?;
            steps.reports.push(report);
            workshop.verify.step_is_done(index);
            after
        } else {
            let (report, after) = lockstep.pass(index)?;
            steps.reports.extend(report);
            after
        };
        match after {
            Some(after) => {
                steps.schemas.push(after.clone());
                before = after;
            }
            None => {
                steps.stopped = Some(index);
                break;
            }
        }
    }
    Ok(steps)
}

struct Lockstep<'a> {
    workshop: &'a Workshop<'a>,
    clean: Stage,
    /// `None` where it has to be copied anew.
    work: Option<Work>,
}

struct Work {
    stage: Stage,
    /// Copied, and nothing was done to it since.
    pristine: bool,
}

impl Lockstep<'_> {
    /// One migration, and the schema after it; none where its up fails.
    fn step(&mut self, index: usize, before: &Schema) -> Result<(MigrationReport, Option<Schema>)> {
        let verify = self.workshop.verify;
        let migration = &verify.migrations()[index];
        let mut cycle = self.cycle(index, before)?;
        let after = if cycle.after_up.is_none() {
            None
        } else {
            match self.up(index)? {
                Ok(()) => Some(self.clean.schema(verify)?),
                Err(failure) => {
                    // It went well on a copy a moment ago: what it does is left to chance.
                    cycle.findings.push(Finding::UpFails(failure));
                    None
                }
            }
        };
        if let Some(after) = &after {
            self.compare(index, before, after, &mut cycle)?;
        }
        if !cycle.findings.is_empty() {
            self.work = None;
        }
        let report = MigrationReport {
            up: cycle.up,
            down: cycle.down,
            up_change: cycle.up_change,
            down_change: cycle.down_change,
            findings: cycle.findings,
            ..MigrationReport::of(migration)
        };
        Ok((report, after))
    }

    /// A migration that is not looked at is applied, and told only where that fails.
    fn pass(&mut self, index: usize) -> Result<(Option<MigrationReport>, Option<Schema>)> {
        let verify = self.workshop.verify;
        // What is looked at next gets a copy.
        self.work = None;
        match self.up(index)? {
            Ok(()) => Ok((None, Some(self.clean.schema(verify)?))),
            Err(failure) => {
                let mut report = MigrationReport::of(&verify.migrations()[index]);
                report.findings.push(Finding::UpFails(failure));
                Ok((Some(report), None))
            }
        }
    }

    fn up(&mut self, index: usize) -> Result<Outcome<()>> {
        let verify = self.workshop.verify;
        let migration = &verify.migrations()[index];
        self.clean.run(verify, &migration.up, migration, Direction::Up)
    }

    /// The cycle on `work`; where that is not as it was copied and something is found, once more on a copy.
    fn cycle(&mut self, index: usize, before: &Schema) -> Result<Cycle> {
        let verify = self.workshop.verify;
        let migration = &verify.migrations()[index];
        loop {
            let work = match &mut self.work {
                Some(work) => work,
                None => {
                    let copy = self.workshop.copy(&mut self.clean, index)?;
                    let Some(stage) = copy else { return Ok(Cycle::default()) };
                    self.work.insert(Work { stage, pristine: true })
                }
            };
            let found = cycle(verify, &mut work.stage, migration, before)?;
            let pristine = std::mem::replace(&mut work.pristine, false);
            if found.findings.is_empty() || pristine {
                return Ok(found);
            }
            self.work = None;
        }
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
