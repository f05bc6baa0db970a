//! The runner itself, as it runs in production: all ups, all downs, all ups, with its lock and its history.

use std::ops::Range;

use migrate_runtime::core::{Direction, Goal, Migration, Moment, Set};
use migrate_runtime::{Error as EngineError, Migrator};

use super::error::Result;
use super::judge::{differs, outcome};
use super::report::{Failure, Finding, Report};
use super::stage::{Stage, Workshop};
use super::work::History;

/// Applies the first `count` migrations, rolls those of `back` back and applies them again.
pub(super) fn run(
    workshop: &Workshop<'_>,
    history: &History<'_>,
    count: usize,
    back: Range<usize>,
    report: &mut Report,
) -> Result<()> {
    let verify = workshop.verify;
    let migrations = &verify.migrations()[..count];
    if migrations.is_empty() {
        return Ok(());
    }
    let mut stage = Stage::of(workshop.empty()?);
    let mut migrations = migrations.to_vec();
    let migrator = |migrations: &[Migration]| {
        Migrator::new(Set::new(verify.set().folder.clone(), migrations.to_vec()))
            .database(stage.database())
            .history_table(verify.history().clone())
            .tool(concat!("cargo-migrate verify ", env!("CARGO_PKG_VERSION")))
            .interrupt(verify.stop().clone())
    };
    // The ups have their checks the first time. After the downs rows may be gone that a check counts on; and one that fails
    // has been told, and would be in the way.
    let checked = migrator(&migrations);
    migrations.iter_mut().for_each(|migration| migration.check = None);
    let unchecked = migrator(&migrations);
    let fails = |finding: &Finding| matches!(finding, Finding::CheckFails(_));
    let with_checks = !report.findings().any(fails);
    let down = match back.start.checked_sub(1) {
        Some(stays) => Goal::DownTo(migrations[stays].version),
        None => Goal::DownAll,
    };
    let goals = if back.is_empty() { vec![Goal::UpAll] } else { vec![Goal::UpAll, down, Goal::UpAll] };
    for (number, goal) in goals.into_iter().enumerate() {
        verify.may_go_on()?;
        let at = if number == 1 { back.start } else { count };
        let migrator = if number == 0 && with_checks { &checked } else { &unchecked };
        let ended = match migrator.run(goal) {
            Err(EngineError::CheckFailed { failed, .. }) => {
                report.chain.extend(failed.into_iter().map(|one| Finding::CheckFails(Box::new(one))));
                return Ok(());
            }
            ended => ended,
        };
        if let Some(finding) = finding(ended.map(drop))? {
            if !is_known(report, &finding) {
                report.chain.push(finding);
            }
            return Ok(());
        }
        if number == 0 && count == verify.migrations().len() {
            for script in verify.standing_checks() {
                report.chain.extend(stage.check(verify, Some(script), Moment::After)?);
            }
        }
        // A step that does not undo, or is left to chance, has been told; its traces are here too.
        if report.findings().next().is_none()
            && let Some(expected) = history.before(at)
        {
            let diff = verify.history().without_schema(expected.diff(&stage.schema(verify)?));
            let finding = match number {
                0 => (!diff.is_empty()).then_some(Finding::RunnerDiffers(diff)),
                _ => differs(diff, Finding::ChainDiffers),
            };
            if let Some(finding) = finding {
                report.chain.push(finding);
                return Ok(());
            }
        }
    }
    Ok(())
}

/// What the runner refuses is a finding, too; where it cannot go on for other reasons is an error.
fn finding(result: Result<(), EngineError>) -> Result<Option<Finding>> {
    match result {
        Ok(()) => Ok(None),
        Err(
            error @ (EngineError::TouchesHistory { .. }
            | EngineError::HistoryChanged { .. }
            | EngineError::TooLarge { .. }
            | EngineError::RecordedScript { .. }
            | EngineError::Refused(_)
            | EngineError::ForeignTable { .. }),
        ) => Ok(Some(Finding::RunnerRefuses { message: error.to_string(), hint: error.hint() })),
        Err(error) => Ok(outcome(Err::<(), _>(error))?.err().map(Finding::ChainFails)),
    }
}

/// Whether the same script has been told to fail already.
fn is_known(report: &Report, finding: &Finding) -> bool {
    let Finding::ChainFails(failure) = finding else { return false };
    let same = |other: &Failure| other.file == failure.file;
    let of_steps = report.of(&failure.stem).is_some_and(|step| {
        step.findings.iter().any(|finding| match finding {
            Finding::UpFails(other) | Finding::UpAgainFails(other) => {
                failure.direction == Direction::Up && same(other)
            }
            Finding::DownFails(other) => same(other),
            _ => false,
        })
    });
    of_steps
        || report.chain.iter().any(|finding| matches!(finding, Finding::ChainFails(other) if same(other)))
}
