//! What is done where a deployment fails: nothing, the way back by the down scripts, or the way back by the backup.

use std::time::Instant;

use migrate_core::Goal;
use migrate_core::sql::mask_text;
use migrate_runtime::{Error as EngineError, in_one_line};

use super::run::{Driver, is_cut_short};
use super::{Ending, How, Journal, Mark, OnFailure, Step};
use crate::backup::restore::{self, Marked, Place, State, discard};
use crate::backup::{Backup, Format, Store};
use crate::render::view::DeployNote;
use crate::{Exit, Problem, question};

impl Driver<'_> {
    /// `step` failed with this exit code.
    pub(super) fn go_back(&mut self, step: Step, exit: Exit, way: OnFailure) {
        self.deployment.exit = exit;
        self.deployment.ending = Ending::Stopped;
        let applied = self.fit().map(|fit| fit.applied);
        let is_nothing = applied.as_ref().is_some_and(Vec::is_empty);
        match way {
            OnFailure::Stop => self.close(Mark::Stopped),
            // The migration that failed took itself back.
            _ if is_nothing && self.past.as_ref().is_none_or(|past| past.undoing().is_none()) => {
                self.close(Mark::Stopped);
            }
            OnFailure::Rollback => self.roll_back(exit, &applied.unwrap_or_default()),
            OnFailure::Restore => self.restore(step, exit),
        }
    }

    /// Exactly what this deployment applied, newest first.
    fn roll_back(&mut self, exit: Exit, applied: &[String]) {
        let started = Instant::now();
        let back = self.begin(Step::Rollback).and_then(|()| self.rolled_back(applied));
        match back {
            Ok(number) => {
                let words = match number {
                    1 => "1 migration".to_owned(),
                    number => format!("{number} migrations"),
                };
                let _ =
                    self.write(Mark::Ok(Step::Rollback), &super::Detail::default(), Some(started.elapsed()));
                self.took(Step::Rollback, How::Ok, started.elapsed(), words, None);
                self.deployment.ending = Ending::RolledBack;
                self.deployment.exit = taken_back(exit);
                self.close(Mark::Stopped);
            }
            Err(error) => self.stuck(Step::Rollback, OnFailure::Rollback, started, &error),
        }
    }

    fn rolled_back(&mut self, applied: &[String]) -> anyhow::Result<usize> {
        let status = self.migrator.status()?;
        let newest: Vec<_> = status
            .entries
            .iter()
            .filter(|entry| entry.recorded.is_some())
            .rev()
            .take(applied.len())
            .map(|entry| &entry.stem)
            .collect();
        if let Some(other) = newest.iter().find(|stem| !applied.contains(stem)) {
            return Err(Problem::Usage {
                what: format!("{other}, which is newer than what this deployment applied, is not its own"),
                hint:
                    "somebody else migrated meanwhile: look at `cargo migrate status`, and roll back by hand"
                        .to_owned(),
            }
            .into());
        }
        let done = match applied.len() {
            // All of it was rolled back before somebody killed us.
            0 => 0,
            number => {
                let migrator = self.migrator.clone().prefer_file_down(Some(false));
                migrator.run(Goal::DownSteps(number))?.done.len()
            }
        };
        if done > 0 {
            self.call.note_schema(self.settings);
        }
        Ok(done)
    }

    /// The plan's backup takes the place of the database.
    fn restore(&mut self, step: Step, exit: Exit) {
        let started = Instant::now();
        let back = self.confirmed(step).and_then(|backup| {
            self.begin(Step::Restore)?;
            self.restored(&backup)
        });
        match back {
            Ok(old) => {
                let words = format!("the database as it was is {old} now");
                self.took(Step::Restore, How::Ok, started.elapsed(), words, None);
                self.deployment.ending = Ending::Restored { old };
                self.deployment.exit = taken_back(exit);
            }
            Err(error) if matches!(error.downcast_ref(), Some(Problem::Declined)) => {
                self.close(Mark::Stopped);
            }
            Err(error) => self.stuck(Step::Restore, OnFailure::Restore, started, &error),
        }
    }

    /// The backup, once somebody agreed to what a restore costs.
    fn confirmed(&mut self, step: Step) -> anyhow::Result<Backup> {
        let id = self.deployment.backup.as_ref().map(|kept| kept.id.clone());
        let of_past = self.past.as_ref().and_then(|past| match &past.backup {
            Some(super::PastBackup::Made(id)) => Some(id.clone()),
            _ => None,
        });
        let Some(id) = id.or(of_past) else {
            return Err(Problem::Usage {
                what: "this deployment has no backup to restore".to_owned(),
                hint: "`cargo migrate backup list` shows those that there are".to_owned(),
            }
            .into());
        };
        let backup = Store::open(self.settings).get(&id)?;
        let kept = super::Kept { id, folder: backup.folder.clone() };
        self.deployment.backup = Some(kept);
        self.call.ui.remark(&DeployNote::Restoring { step, backup: &backup }, "deploy_restoring");
        let question = format!("replace {} by {}?", self.deployment.database, backup.manifest.id);
        question::confirm(self.call.context, &question, self.options.yes)?;
        Ok(backup)
    }

    /// Restores it beside the database and swaps the two; the name that the database has from then on.
    ///
    /// Its name is the deployment's own, so that a run that takes this up again finds what it had made.
    fn restored(&mut self, backup: &Backup) -> anyhow::Result<String> {
        let (call, settings) = (self.call, self.settings);
        let place = Place::reach(call, &self.database)?;
        let name = beside(self.database.dbname(), &self.deployment.run);
        let is_ours = |one: &&Marked| {
            // One that a kill left before it was marked is known by its name.
            one.state() == State::Unfinished
                && match &one.mark {
                    Some(mark) => mark.backup == backup.manifest.id,
                    None => one.name == restore::unfinished(&name),
                }
        };
        for unfinished in place.marked()?.iter().filter(is_ours) {
            // One in which somebody is at work is refused, and not ours.
            if let Ok(leftover) = discard::prepare(call, settings, &unfinished.name) {
                leftover.run()?;
            }
        }
        let restored = match restore::existing(call, settings, &name, Some(&backup.manifest.id))? {
            Some(restored) => restored,
            None => {
                // A backup that was named may be one that one session loads.
                let plain = backup.manifest.format == Format::Plain;
                let jobs = self.options.jobs.filter(|_| !plain);
                let options = restore::Options { jobs, swap: true, ..Default::default() };
                restore::into_new(call, settings, backup, Some(&name), &options)?
            }
        };
        // Its audit log ends where the backup was begun. From the moment on in which it has the name, nobody is to take that
        // for a deployment to go on with.
        let beside = self.migrator.clone().database(self.database.with_dbname(&restored.database));
        // An earlier run may have been killed after this.
        if super::Past::read(&beside)?.is_some() {
            self.journal_of(&restored.database).write(Mark::Stopped, &self.last_words(), None)?;
        }
        // It is held on a connection to the database that changes its name, which nobody may be connected to.
        self.lock = None;
        let swapped = restore::swap(call, settings, &restored)?;
        let old = swapped.kept.unwrap_or(swapped.was);
        // Who swaps the two back does not want to be taken here again. It stops nothing where it cannot be written.
        let _ = self.journal_of(&old).write(Mark::Stopped, &self.last_words(), None);
        Ok(old)
    }

    /// The journal in another database of the server.
    fn journal_of(&self, database: &str) -> Journal {
        let place = self.database.with_dbname(database);
        Journal::new(
            self.migrator.clone().database(place),
            &self.deployment.run,
            self.journal.digest().to_owned(),
        )
    }

    fn begin(&self, step: Step) -> anyhow::Result<()> {
        if let Some(lock) = &self.lock {
            lock.check()?;
        }
        self.write(Mark::Started(step), &super::Detail::default(), None)?;
        self.call.ui.remark(&DeployNote::Step { run: &self.deployment.run, step }, "deploy_step_started");
        Ok(())
    }

    /// The way back failed. Cut short, it is gone on with by the next run.
    fn stuck(&mut self, step: Step, way: OnFailure, started: Instant, error: &anyhow::Error) {
        self.call.ui.complain(error, self.call.dir());
        let exit = match error.downcast_ref() {
            Some(EngineError::Interrupted { signal, .. }) => Exit::Interrupted(*signal),
            _ => Exit::RollbackFailed,
        };
        let how = if is_cut_short(error) { How::CutShort } else { How::Failed };
        self.took(step, how, started.elapsed(), String::new(), None);
        self.deployment.exit = exit;
        if is_cut_short(error) {
            self.deployment.ending = Ending::Unfinished;
            return;
        }
        self.deployment.ending = Ending::Stuck { way };
        let error = mask_text(&in_one_line(error.as_ref())).into_owned();
        let detail =
            super::Detail { error: Some(error), exit_code: Some(exit.code()), ..super::Detail::default() };
        let _ = self.write(Mark::Failed(step), &detail, Some(started.elapsed()));
        self.close(Mark::Stopped);
    }
}

/// What the restored database is called beside this one: at most 40 bytes of its name, and the deployment's.
fn beside(database: &str, run: &str) -> String {
    let mut end = database.len().min(40);
    while !database.is_char_boundary(end) {
        end -= 1;
    }
    let run = run.trim_start_matches("deploy-").to_lowercase().replace('-', "_");
    format!("{}_{run}", &database[..end])
}

/// What a failure ends in once it was taken back: nothing is partly applied any more.
fn taken_back(exit: Exit) -> Exit {
    match exit {
        Exit::Dirty => Exit::MigrationFailed,
        exit => exit,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_restored_database_has_a_name_of_its_own_that_fits() {
        assert_eq!(beside("shop", "deploy-20261121T193059Z-3f2a"), "shop_20261121t193059z_3f2a");
        let long = beside(&"ä".repeat(60), "deploy-20261121T193059Z-3f2a");
        // The name until it is whole is longer by `_unfinished`, and is cut there where it has to be.
        assert!(long.len() <= 63 && long.ends_with("ä_20261121t193059z_3f2a"), "{long}");
    }

    #[test]
    fn what_is_taken_back_is_not_partly_applied() {
        assert_eq!(taken_back(Exit::Dirty), Exit::MigrationFailed);
        assert_eq!(taken_back(Exit::PostflightFailed), Exit::PostflightFailed);
    }
}
