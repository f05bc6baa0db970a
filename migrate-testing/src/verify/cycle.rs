//! One migration on one database: up, down, up again.

use migrate_runtime::core::schema::Diff;
use migrate_runtime::core::{Direction, Migration, Moment, Schema};
use migrate_runtime::rehearsal::Measured;

use super::error::Result;
use super::judge::differs;
use super::report::Finding;
use super::stage::Stage;
use super::work::Verify;

/// What came of it.
#[derive(Default)]
pub(super) struct Cycle {
    pub(super) up: Option<Measured>,
    pub(super) down: Option<Measured>,
    pub(super) up_change: Option<Diff>,
    pub(super) down_change: Option<Diff>,
    pub(super) findings: Vec<Finding>,
    /// The schema after the first up; `None` where that failed.
    pub(super) after_up: Option<Schema>,
}

/// Up with its checks, down and up again, on a database whose schema is `before`. Where there is no finding the database is after the
/// migration as if it had been applied once; as far as the schema goes: of data that a down took nothing is known.
pub(super) fn cycle(
    verify: &Verify,
    stage: &mut Stage,
    migration: &Migration,
    before: &Schema,
) -> Result<Cycle> {
    let checks = migration.check.as_ref();
    let mut cycle = Cycle { findings: stage.check(verify, checks, Moment::Before)?, ..Cycle::default() };
    match stage.apply(verify, &migration.up, migration, Direction::Up)? {
        Ok(measured) => cycle.up = Some(measured),
        Err(failure) => {
            cycle.findings.push(Finding::UpFails(failure));
            return Ok(cycle);
        }
    }
    cycle.findings.extend(stage.check(verify, checks, Moment::After)?);
    let after_up = stage.schema(verify)?;
    cycle.up_change = Some(before.diff(&after_up));
    if let Some(down) = &migration.down {
        match stage.apply(verify, down, migration, Direction::Down)? {
            Ok(measured) => {
                cycle.down = Some(measured);
                let after_down = stage.schema(verify)?;
                cycle.down_change = Some(after_up.diff(&after_down));
                let undone = differs(before.diff(&after_down), Finding::DiffersAfterDown);
                cycle.again(verify, stage, migration, &after_up, undone)?;
            }
            Err(failure) => cycle.findings.push(Finding::DownFails(failure)),
        }
    }
    cycle.after_up = Some(after_up);
    Ok(cycle)
}

impl Cycle {
    /// The second up, after a down that left `undone` to tell. Without its checks: of rows that a down took they would
    /// tell what is the down's.
    fn again(
        &mut self,
        verify: &Verify,
        stage: &mut Stage,
        migration: &Migration,
        after_up: &Schema,
        undone: Option<Finding>,
    ) -> Result<()> {
        let left_something = undone.is_some();
        self.findings.extend(undone);
        match stage.run(verify, &migration.up, migration, Direction::Up)? {
            Ok(()) => {
                let diff = after_up.diff(&stage.schema(verify)?);
                match differs(diff, Finding::DiffersAfterUpAgain) {
                    // Columns that a down put at the end stay there: that was said of the down.
                    Some(Finding::OrderOnly(_) | Finding::WhiteSpaceOnly(_)) if left_something => {}
                    other => self.findings.extend(other),
                }
            }
            Err(failure) => self.findings.push(Finding::UpAgainFails(failure)),
        }
        Ok(())
    }
}
