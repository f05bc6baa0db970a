//! How far a deployment is: lines of the audit log with the action `deploy`, written before and after each step. They are
//! all that a deployment is taken up again from, on whatever machine.

use std::time::Duration;

use migrate_runtime::{Error as EngineError, LogEntry, Migrator, Note};
use serde::{Deserialize, Serialize};

use super::{OnFailure, Plan};
use crate::backup::restore::SWAP_BACK;

/// The action of the lines.
pub(crate) const ACTION: &str = "deploy";

/// The steps, in order, and the two ways back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Preflight,
    Backup,
    Up,
    Postflight,
    Rollback,
    Restore,
}

impl Step {
    /// Those of a deployment in which nothing fails.
    pub(crate) const ALL: [Self; 4] = [Self::Preflight, Self::Backup, Self::Up, Self::Postflight];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Backup => "backup",
            Self::Up => "up",
            Self::Postflight => "postflight",
            Self::Rollback => "rollback",
            Self::Restore => "restore",
        }
    }

    fn of(name: &str) -> Option<Self> {
        let all = [Self::Preflight, Self::Backup, Self::Up, Self::Postflight, Self::Rollback, Self::Restore];
        all.into_iter().find(|step| step.name() == name)
    }
}

/// How a step, or a deployment, stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// `started`: the deployment has a plan.
    Begun,
    /// `backup started`
    Started(Step),
    /// `backup ok`
    Ok(Step),
    /// `preflight forced`, `backup skipped`: left out for a reason.
    Without(Step),
    /// `up failed`
    Failed(Step),
    /// `finished`: all is done. The last line.
    Finished,
    /// `stopped`: it failed, what was to be done about that is done, and nothing is to be taken up again. The last line.
    Stopped,
    /// `abandoned`: a person, or an altogether new set of files, gave it up. The last line.
    Abandoned,
}

impl Mark {
    /// As the column `outcome` has it.
    pub(crate) fn outcome(self) -> String {
        match self {
            Self::Begun => "started".to_owned(),
            Self::Started(step) => format!("{} started", step.name()),
            Self::Ok(step) => format!("{} ok", step.name()),
            Self::Without(Step::Preflight) => "preflight forced".to_owned(),
            Self::Without(step) => format!("{} skipped", step.name()),
            Self::Failed(step) => format!("{} failed", step.name()),
            Self::Finished => "finished".to_owned(),
            Self::Stopped => "stopped".to_owned(),
            Self::Abandoned => "abandoned".to_owned(),
        }
    }

    fn of(outcome: &str) -> Option<Self> {
        match outcome {
            "started" => return Some(Self::Begun),
            "finished" => return Some(Self::Finished),
            "stopped" => return Some(Self::Stopped),
            "abandoned" => return Some(Self::Abandoned),
            _ => {}
        }
        let (step, how) = outcome.split_once(' ')?;
        let step = Step::of(step)?;
        match how {
            "started" => Some(Self::Started(step)),
            "ok" => Some(Self::Ok(step)),
            "forced" | "skipped" => Some(Self::Without(step)),
            "failed" => Some(Self::Failed(step)),
            _ => None,
        }
    }

    /// Whether nothing follows.
    pub(crate) fn is_last(self) -> bool {
        matches!(self, Self::Finished | Self::Stopped | Self::Abandoned)
    }
}

/// What the column `message` has, as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    /// With [`Mark::Begun`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plan: Option<Plan>,
    /// The backup's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backup: Option<String>,
    /// What went wrong, secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The exit code that the failure has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exit_code: Option<u8>,
}

/// Writes the lines of one deployment.
pub(crate) struct Journal {
    migrator: Migrator,
    /// The deployment's name, which its migrations have in the column `run` too.
    run: String,
    digest: String,
}

impl Journal {
    /// For a deployment of this name. `digest` is that of what was pending at its beginning.
    pub(crate) fn new(migrator: Migrator, run: &str, digest: String) -> Self {
        Self { migrator: migrator.run_name(run), run: run.to_owned(), digest }
    }

    /// Writes a line, for which the history's tables are made where they are missing.
    pub(crate) fn write(
        &self,
        mark: Mark,
        detail: &Detail,
        duration: Option<Duration>,
    ) -> Result<(), EngineError> {
        self.migrator.note(&Note {
            subject: self.run.clone(),
            action: ACTION.to_owned(),
            outcome: mark.outcome(),
            checksum: Some(self.digest.clone()),
            // A tree of texts and numbers cannot fail to be written.
            message: serde_json::to_string(detail).ok(),
            duration,
        })
    }

    pub(crate) fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn run(&self) -> &str {
        &self.run
    }
}

/// A deployment that the log tells of and that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Past {
    pub(crate) run: String,
    /// The server's time, ISO 8601.
    pub(crate) begun_at: String,
    /// `user@host`, as far as the log has it.
    pub(crate) by: Option<String>,
    pub(crate) plan: Plan,
    /// The digest of what was pending at its beginning.
    pub(crate) digest: String,
    /// When the preflight passed, or was forced, last.
    pub(crate) preflight_at: Option<String>,
    /// Whether that was in spite of findings.
    pub(crate) forced: bool,
    pub(crate) backup: Option<PastBackup>,
    /// `up` was begun.
    pub(crate) up_begun: bool,
    /// The step that failed and the exit code of that; something is still to be done about it.
    pub(crate) failed: Option<(Step, u8)>,
    /// The last line.
    pub(crate) last: Mark,
}

/// What became of a deployment's backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PastBackup {
    Made(String),
    Skipped,
}

impl Past {
    /// The newest deployment of a database, where it has not ended. Writes nothing.
    pub(crate) fn read(migrator: &Migrator) -> Result<Option<Self>, EngineError> {
        let Some(last) = migrator.last_note(ACTION)? else { return Ok(None) };
        let Some(run) = last.run.filter(|_| Mark::of(&last.outcome).is_none_or(|mark| !mark.is_last()))
        else {
            return Ok(None);
        };
        let past = Self::of(&migrator.notes_of_run(ACTION, &run)?);
        // Killed between its swap and the line that ends it here; and then somebody put this database back, who wants it as
        // it is, and not replaced again.
        if past.as_ref().and_then(Self::undoing) == Some(OnFailure::Restore)
            && migrator.last_note(SWAP_BACK)?.is_some_and(|back| back.id > last.id)
        {
            return Ok(None);
        }
        Ok(past)
    }

    /// From the lines of one deployment, oldest first; `None` where they tell of none that could be taken up again.
    fn of(lines: &[LogEntry]) -> Option<Self> {
        let detail = |line: &LogEntry| -> Detail {
            let message = line.message.as_deref().unwrap_or_default();
            serde_json::from_str(message).unwrap_or_default()
        };
        let first = lines.iter().find(|line| Mark::of(&line.outcome) == Some(Mark::Begun))?;
        let mut past = Self {
            run: first.run.clone()?,
            begun_at: first.at.clone(),
            by: first.client.clone(),
            plan: detail(first).plan?,
            digest: first.checksum.clone().unwrap_or_default(),
            preflight_at: None,
            forced: false,
            backup: None,
            up_begun: false,
            failed: None,
            last: Mark::Begun,
        };
        for line in lines {
            // What a later version writes, and we do not know, is passed over.
            let Some(mark) = Mark::of(&line.outcome) else { continue };
            match mark {
                Mark::Ok(Step::Preflight) | Mark::Without(Step::Preflight) => {
                    past.preflight_at = Some(line.at.clone());
                    past.forced = mark == Mark::Without(Step::Preflight);
                }
                Mark::Ok(Step::Backup) => past.backup = detail(line).backup.map(PastBackup::Made),
                Mark::Without(Step::Backup) => past.backup = Some(PastBackup::Skipped),
                Mark::Started(Step::Up) => (past.up_begun, past.failed) = (true, None),
                Mark::Started(Step::Postflight) => past.failed = None,
                Mark::Failed(step @ (Step::Up | Step::Postflight)) => {
                    past.failed = Some((step, detail(line).exit_code.unwrap_or(2)));
                }
                _ => {}
            }
            past.last = mark;
        }
        (!past.last.is_last()).then_some(past)
    }

    /// Which way back was begun, where one was.
    pub(crate) fn undoing(&self) -> Option<OnFailure> {
        match self.last {
            Mark::Started(Step::Rollback) | Mark::Ok(Step::Rollback) => Some(OnFailure::Rollback),
            Mark::Started(Step::Restore) | Mark::Ok(Step::Restore) => Some(OnFailure::Restore),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(outcomes: &[(Mark, Detail)]) -> Vec<LogEntry> {
        let line = |(index, (mark, detail)): (usize, &(Mark, Detail))| LogEntry {
            id: 1,
            version: "deploy-1".into(),
            action: ACTION.into(),
            outcome: mark.outcome(),
            at: format!("2026-11-21T10:00:0{index}Z"),
            duration: None,
            db_user: None,
            client: Some("ci@runner".into()),
            tool: None,
            sqlstate: None,
            message: serde_json::to_string(detail).ok(),
            statement: None,
            checksum: Some("abc".into()),
            run: Some("deploy-1".into()),
            reason: None,
        };
        outcomes.iter().enumerate().map(line).collect()
    }

    fn begun() -> (Mark, Detail) {
        let plan = Plan { migrations: vec![], on_failure: OnFailure::Stop };
        (Mark::Begun, Detail { plan: Some(plan), ..Detail::default() })
    }

    fn plain(mark: Mark) -> (Mark, Detail) {
        (mark, Detail::default())
    }

    #[test]
    fn marks_read_back_as_they_were_written() {
        let steps =
            [Step::Preflight, Step::Backup, Step::Up, Step::Postflight, Step::Rollback, Step::Restore];
        let of_steps =
            steps.into_iter().flat_map(|step| [Mark::Started(step), Mark::Ok(step), Mark::Failed(step)]);
        let others = [
            Mark::Begun,
            Mark::Without(Step::Preflight),
            Mark::Without(Step::Backup),
            Mark::Finished,
            Mark::Stopped,
            Mark::Abandoned,
        ];
        for mark in of_steps.chain(others) {
            assert_eq!(Mark::of(&mark.outcome()), Some(mark));
        }
        assert_eq!(Mark::of("later version"), None);
    }

    #[test]
    fn how_far_it_is_is_in_the_lines() {
        let backup = Detail { backup: Some("backup-1".into()), ..Detail::default() };
        let failed = Detail { exit_code: Some(7), ..Detail::default() };
        let all = [
            begun(),
            plain(Mark::Started(Step::Preflight)),
            plain(Mark::Without(Step::Preflight)),
            plain(Mark::Started(Step::Backup)),
            (Mark::Ok(Step::Backup), backup),
            plain(Mark::Started(Step::Up)),
            (Mark::Failed(Step::Up), failed),
            plain(Mark::Started(Step::Rollback)),
        ];
        let past = |count: usize| Past::of(&lines(&all[..count])).unwrap();
        assert_eq!((past(2).preflight_at, past(2).last), (None, Mark::Started(Step::Preflight)));
        assert_eq!((past(3).preflight_at.as_deref(), past(3).forced), (Some("2026-11-21T10:00:02Z"), true));
        assert_eq!((past(4).backup, past(4).up_begun), (None, false));
        assert_eq!(past(6).backup, Some(PastBackup::Made("backup-1".into())));
        assert!(past(6).up_begun && past(6).failed.is_none());
        assert_eq!((past(7).failed, past(7).undoing()), (Some((Step::Up, 7)), None));
        assert_eq!(past(8).undoing(), Some(OnFailure::Rollback));
    }

    #[test]
    fn what_has_ended_is_not_taken_up_again() {
        for last in [Mark::Finished, Mark::Stopped, Mark::Abandoned] {
            assert_eq!(Past::of(&lines(&[begun(), plain(last)])), None, "{last:?}");
        }
        assert_eq!(Past::of(&lines(&[plain(Mark::Started(Step::Up))])), None);
    }

    #[test]
    fn up_that_is_begun_again_has_not_failed() {
        let failed = Detail { exit_code: Some(6), ..Detail::default() };
        let lines = lines(&[begun(), (Mark::Failed(Step::Up), failed), plain(Mark::Started(Step::Up))]);
        assert_eq!(Past::of(&lines).unwrap().failed, None);
    }
}
