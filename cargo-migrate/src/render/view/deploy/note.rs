//! What is told while a deployment goes on.

use migrate_runtime::event::Session;
use serde_json::{Value, json};

use crate::backup::Backup;
use crate::deploy::{Deployment, How, Mark, Past, Step, Taken};
use crate::render::json::milliseconds;
use crate::render::words::{count, session, time};
use crate::render::{Page, Paint, View, escape_line};

/// What is told while a deployment goes on.
pub(crate) enum DeployNote<'a> {
    /// Somebody else deploys, and is waited for.
    Waiting { holder: &'a Session },
    /// An unfinished deployment is over, and a new one begins.
    Closed { past: &'a Past, mark: Mark },
    /// It begins, or goes on where an earlier run stopped.
    Begin { deployment: &'a Deployment, past: Option<&'a Past>, migrations: usize, applied: usize },
    /// A step begins.
    Step { run: &'a str, step: Step },
    /// A step was taken.
    Taken { run: &'a str, taken: &'a Taken },
    /// The backup of an earlier run is not there any more, or not whole.
    BackupGone { id: &'a str },
    /// Something else is done while a deployment has not ended.
    Unfinished { past: &'a Past },
    /// The backup is about to take the place of the database.
    Restoring { step: Step, backup: &'a Backup },
}

impl View for DeployNote<'_> {
    fn human(&self, page: Page) -> String {
        let paint = page.paint;
        match self {
            Self::Waiting { holder } => {
                format!("waiting for another deployment to end: {}\n", session(holder))
            }
            Self::Closed { past, mark } => {
                let how = match mark {
                    Mark::Abandoned => "is given up",
                    _ => "had failed and stopped there",
                };
                format!(
                    "{}: deployment {} of {} {how}; a new one begins\n",
                    paint.note("note"),
                    escape_line(&past.run),
                    escape_line(&past.begun_at)
                )
            }
            Self::Begin { deployment, past, migrations, applied } => {
                let what = count(*migrations, "migration");
                let (run, database) = (escape_line(&deployment.run), escape_line(&deployment.database));
                match past {
                    None => format!("{run}: {what} on {database}\n"),
                    Some(past) => {
                        let by = past.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
                        let text = format!(
                            "{run}: going on with what was begun at {}{by}: {applied} of {what} applied, last `{}`",
                            past.begun_at,
                            past.last.outcome()
                        );
                        format!("{}\n", escape_line(&text))
                    }
                }
            }
            // It is told when it is done; what takes long tells of itself.
            Self::Step { .. } => String::new(),
            Self::Taken { taken, .. } => {
                let (paint_word, word): (fn(Paint, &str) -> String, _) = match taken.how {
                    How::Ok => (Paint::good, "done"),
                    How::Earlier => (Paint::faint, "done before"),
                    How::Forced => (Paint::warn, "forced"),
                    How::Failed => (Paint::bad, "failed"),
                    How::CutShort => (Paint::bad, "cut short"),
                };
                let mut text = format!(
                    "{:>12} {}",
                    paint.bold(&format!("{:>12}", taken.step.name())).trim_start(),
                    paint_word(paint, word)
                );
                if !paint.on {
                    text = format!("{:>12} {word}", taken.step.name());
                }
                if taken.how != How::Earlier {
                    text += &paint.faint(&format!(" ({})", time(taken.elapsed)));
                }
                if !taken.words.is_empty() {
                    text += &format!(": {}", escape_line(&taken.words));
                }
                text + "\n"
            }
            Self::BackupGone { id } => format!(
                "{}: {} of the earlier run is not here any more, or not whole: another one is made\n",
                paint.warn("warning"),
                escape_line(id)
            ),
            Self::Unfinished { past } => {
                format!("{}: {}\n", paint.warn("warning"), super::unfinished(past))
            }
            Self::Restoring { step, backup } => format!(
                "{}: {} failed. {} of {} is about to take the place of the database. All its sessions are ended, and what was \
                 written since then is in the old one only, which is kept under another name\n",
                paint.warn("restore"),
                step.name(),
                escape_line(&backup.manifest.id),
                escape_line(&backup.manifest.taken_at)
            ),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Waiting { holder } => json!({ "holder": crate::render::json::session(holder) }),
            Self::Closed { past, mark } => {
                json!({ "run": past.run, "begun_at": past.begun_at, "outcome": mark.outcome() })
            }
            Self::Begin { deployment, past, migrations, applied } => json!({
                "run": deployment.run, "database": deployment.database, "migrations": migrations,
                "resumed": past.map(|past| json!({
                    "begun_at": past.begun_at, "by": past.by, "applied": applied, "last": past.last.outcome(),
                })),
            }),
            Self::Step { run, step } => json!({ "run": run, "step": step.name() }),
            Self::Taken { run, taken } => json!({
                "run": run, "step": taken.step.name(), "outcome": taken.how.name(),
                "elapsed_ms": milliseconds(taken.elapsed), "message": taken.words,
            }),
            Self::BackupGone { id } => {
                json!({ "kind": "backup_gone", "message": format!("{id} is not here any more, or not whole") })
            }
            Self::Unfinished { past } => super::unfinished_json(past),
            Self::Restoring { step, backup } => {
                json!({ "failed": step.name(), "backup": backup.manifest.id, "taken_at": backup.manifest.taken_at })
            }
        }
    }
}
