//! How a deployment begins: as a new plan, or as one that an earlier run did not end.

use migrate_core::{Goal, Set};
use migrate_runtime::{Connection, Error as EngineError, Migrator, Status};

use super::{Detail, Journal, Mark, OnFailure, Options, Past, Plan};
use crate::backup::restore::swap;
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::Pending;
use crate::render::view::DeployNote;
use crate::{Problem, gate};

/// What our connections are called.
const APPLICATION: &str = "cargo-migrate: deploy";

/// How it begins.
pub(crate) enum Begin {
    /// Nothing is pending, and nothing is unfinished.
    Nothing { applied_total: usize },
    /// With a plan of its own, which is written down.
    New { plan: Plan, journal: Journal },
    /// With the plan of an earlier run.
    Again { past: Box<Past>, journal: Journal },
}

/// Looks at what an earlier run left and at what is pending. `run` is the name of a new one.
///
/// # Errors
///
/// [`Problem::OtherFiles`] where an unfinished deployment cannot be taken up again; where the history is refused, and where
/// a way back was asked for that there is not.
pub(crate) fn begin(
    call: &Call,
    settings: &Settings,
    set: &Set,
    migrator: &Migrator,
    status: &Status,
    options: &Options<'_>,
    run: &str,
) -> anyhow::Result<Begin> {
    if let Some(past) = Past::read(migrator)? {
        let journal = Journal::new(migrator.clone(), &past.run, past.digest.clone());
        match verdict(set, status, &past, options) {
            Verdict::GoOn => {
                check_way_back(call, settings, set, &past.plan, options)?;
                return Ok(Begin::Again { past: Box::new(past), journal });
            }
            Verdict::Close(mark) => {
                call.ui.remark(&DeployNote::Closed { past: &past, mark }, "deploy_closed");
                journal.write(mark, &Detail::default(), None)?;
            }
            Verdict::Refuse(problem) => return Err((*problem).into()),
        }
    }
    let pending = Pending::of(set, status);
    match migrator.dry_run(Goal::UpAll) {
        // It will be finished.
        Ok(_) | Err(EngineError::Dirty { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    if pending.migrations().is_empty() {
        let recorded = status.entries.iter().filter(|entry| entry.recorded.is_some());
        return Ok(Begin::Nothing { applied_total: recorded.count() });
    }
    let plan = Plan::of(&pending, options.on_failure.unwrap_or_default());
    check_way_back(call, settings, set, &plan, options)?;
    let connection = Connection::open(&call.database(settings)?, APPLICATION, &call.context.interrupt)?;
    gate::may_write(&connection, &settings.history_table.value)?;
    gate::backup_is_possible(settings, migrator, &connection, &call.context.interrupt, options.said)?;
    drop(connection);
    let journal = Journal::new(migrator.clone(), run, pending.digest().to_string());
    journal.write(Mark::Begun, &Detail { plan: Some(plan.clone()), ..Detail::default() }, None)?;
    Ok(Begin::New { plan, journal })
}

/// Warns whoever does something else of a deployment that has not ended.
pub(crate) fn tell_unfinished(call: &Call, migrator: &Migrator) -> Result<(), EngineError> {
    let _works = call.context.engine_works();
    if let Some(past) = Past::read(migrator)? {
        call.ui.remark(&DeployNote::Unfinished { past: &past }, "deploy_unfinished");
    }
    Ok(())
}

/// What becomes of an unfinished deployment.
enum Verdict {
    GoOn,
    /// It is over, and a new one may begin.
    Close(Mark),
    Refuse(Box<Problem>),
}

fn verdict(set: &Set, status: &Status, past: &Past, options: &Options<'_>) -> Verdict {
    if options.abandon.is_some() {
        return Verdict::Close(Mark::Abandoned);
    }
    if past.undoing().is_some() {
        // The way back needs no files: the scripts are recorded, and so is the backup.
        return Verdict::GoOn;
    }
    if past.failed.is_some() && way(past, options) == OnFailure::Stop {
        // Killed after it had failed and before it could say that it stops there.
        return Verdict::Close(Mark::Stopped);
    }
    let fit = past.plan.fit(set, status);
    if fit.differences.is_empty() {
        return Verdict::GoOn;
    }
    if fit.applied.is_empty() {
        // Nothing came of it: whoever deploys other files now means those.
        return Verdict::Close(Mark::Abandoned);
    }
    Verdict::Refuse(Box::new(Problem::OtherFiles {
        run: past.run.clone(),
        begun_at: past.begun_at.clone(),
        differences: fit.differences.iter().map(ToString::to_string).collect(),
        applied: fit.applied,
    }))
}

/// What is to be done where it fails: what is said now, or was said then.
pub(crate) fn way(past: &Past, options: &Options<'_>) -> OnFailure {
    options.on_failure.unwrap_or(past.plan.on_failure)
}

/// Refuses a way back that there will not be, before anything runs.
pub(super) fn check_way_back(
    call: &Call,
    settings: &Settings,
    set: &Set,
    plan: &Plan,
    options: &Options<'_>,
) -> anyhow::Result<()> {
    match options.on_failure.unwrap_or(plan.on_failure) {
        OnFailure::Stop => Ok(()),
        OnFailure::Rollback => {
            let is_one_way = |stem: &str| {
                let of_set = set.migrations.iter().find(|migration| migration.stem == stem);
                of_set.is_some_and(|migration| migration.down.is_none())
            };
            let stems: Vec<_> = plan.migrations.iter().map(|planned| &planned.stem).collect();
            let stems: Vec<_> = stems.into_iter().filter(|stem| is_one_way(stem)).cloned().collect();
            if stems.is_empty() { Ok(()) } else { Err(Problem::NoWayBack { stems }.into()) }
        }
        OnFailure::Restore if options.said.skip_backup.is_some() => Err(Problem::Usage {
            what: "`--on-failure restore` needs the backup that `--skip-backup` leaves out".to_owned(),
            hint: "leave one of them out, or take `--on-failure rollback`".to_owned(),
        }
        .into()),
        OnFailure::Restore if !options.yes && !call.context.stdin.is_terminal() => Err(Problem::NeedsYes {
            question: "replace the database by its backup where the deployment fails?".to_owned(),
        }
        .into()),
        OnFailure::Restore => swap::foresee(call, settings),
    }
}
