//! What a deployment came to: what its screen and its report are made of.

use std::path::PathBuf;
use std::time::Duration;

use super::{OnFailure, Step};
use crate::Exit;

/// What a deployment came to.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    /// Its name; empty where nothing was to be done.
    pub(crate) run: String,
    /// Where the database is, without a password.
    pub(crate) database: String,
    /// The environment, where one was named.
    pub(crate) environment: Option<String>,
    /// When an earlier run began it that did not end, the server's time.
    pub(crate) resumed: Option<String>,
    /// The steps, in order.
    pub(crate) taken: Vec<Taken>,
    pub(crate) ending: Ending,
    pub(crate) exit: Exit,
    /// What went wrong, in a sentence, secrets masked.
    pub(crate) failure: Option<String>,
    pub(crate) backup: Option<Kept>,
    /// Migrations of the plan that are applied now, partly applied ones too.
    pub(crate) applied: Vec<String>,
    /// Migrations of the plan that are partly applied.
    pub(crate) dirty: Vec<String>,
    /// Those that are not.
    pub(crate) left: Vec<String>,
    /// The newest migration that was applied before; `None` where there was none.
    pub(crate) before: Option<String>,
    /// How many migrations the history has now; `None` where nobody could ask.
    pub(crate) applied_total: Option<usize>,
    pub(crate) elapsed: Duration,
    /// `migrations.lock`, where it was brought up to date.
    pub(crate) lock_written: Option<PathBuf>,
    /// Why it could not be.
    pub(crate) lock_failure: Option<String>,
    /// The report, where it could be written.
    pub(crate) report: Option<PathBuf>,
}

/// A step that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) step: Step,
    pub(crate) how: How,
    pub(crate) elapsed: Duration,
    /// What there is to say, in a few words.
    pub(crate) words: String,
    pub(crate) report: Option<PathBuf>,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Ok,
    /// An earlier run of the same deployment had done it.
    Earlier,
    /// In spite of what was found, or left out, for a reason.
    Forced,
    Failed,
    /// Somebody interrupted it, or the server was gone.
    CutShort,
}

impl How {
    /// As JSON has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Earlier => "earlier",
            Self::Forced => "forced",
            Self::Failed => "failed",
            Self::CutShort => "cut_short",
        }
    }
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing was pending.
    Nothing,
    Done,
    /// Nothing was changed.
    Refused,
    /// It failed, and is left as it is.
    Stopped,
    /// It was cut short, and goes on where it was when it is run again.
    Unfinished,
    /// What it had applied is rolled back.
    RolledBack,
    /// The backup has taken the place of the database, which is kept under this name.
    Restored {
        old: String,
    },
    /// The way back failed too.
    Stuck {
        way: OnFailure,
    },
}

impl Ending {
    /// As JSON has it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing_to_do",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
            Self::Unfinished => "unfinished",
            Self::RolledBack => "rolled_back",
            Self::Restored { .. } => "restored",
            Self::Stuck { .. } => "stuck",
        }
    }
}

/// A backup, as a screen names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
}
