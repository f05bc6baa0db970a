//! What a rehearsal came to, as data: what the view renders.

use std::time::Duration;

use migrate_core::schema::Diff;

use super::clients::LoadReport;
use super::observed::{Observed, Step};
use crate::risk::Risk;

/// What a rehearsal came to.
#[derive(Clone, Debug)]
pub(crate) struct Rehearsed {
    pub(crate) backup: Copied,
    /// Where it took place; `None` where nothing was pending by the history in the backup, so that none was loaded.
    pub(crate) placed: Option<Placed>,
    /// What the migrations did; `None` where none was pending.
    pub(crate) up: Option<Observed>,
    /// What each is feared to do, by its stem.
    pub(crate) risks: Vec<(String, Risk)>,
    pub(crate) down: Down,
    pub(crate) load: Option<LoadReport>,
    /// The name of the database, where it was kept.
    pub(crate) kept: Option<String>,
    /// Why it did not come to its end.
    pub(crate) failed: Option<String>,
    /// A longer wait than this is one too many.
    pub(crate) max_wait: Option<Duration>,
}

/// Where it took place.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// Without a password.
    pub(crate) server: String,
    /// `server_version_num`.
    pub(crate) version: u32,
    /// Whether the server was one of ours.
    pub(crate) own: bool,
    /// How long loading the backup took.
    pub(crate) restored: Duration,
}

/// The backup that it was made from.
#[derive(Clone, Debug)]
pub(crate) struct Copied {
    pub(crate) id: String,
    pub(crate) environment: Option<String>,
    /// ISO 8601.
    pub(crate) taken_at: String,
    pub(crate) database_bytes: u64,
    pub(crate) verified: bool,
}

/// What became of rolling back.
#[derive(Clone, Debug, Default)]
pub(crate) enum Down {
    /// It was not asked for, or it did not come to that.
    #[default]
    NotRun,
    /// The newest migration cannot be rolled back.
    Irreversible { stem: String },
    /// It was.
    Run {
        observed: Observed,
        /// The newest that stays because it cannot be rolled back.
        stays: Option<String>,
        /// From the schema before the migrations to the one after rolling back.
        diff: Diff,
    },
}

impl Rehearsed {
    /// Nothing was done yet.
    pub(super) fn of(backup: Copied, max_wait: Option<Duration>) -> Self {
        Self {
            backup,
            placed: None,
            up: None,
            risks: Vec::new(),
            down: Down::NotRun,
            load: None,
            kept: None,
            failed: None,
            max_wait,
        }
    }

    /// The migrations that were applied, in order.
    pub(crate) fn steps(&self) -> &[Step] {
        self.up.as_ref().map_or(&[], |observed| observed.steps.as_slice())
    }

    /// The longest that anybody would have waited for the migrations, with the migration.
    pub(crate) fn longest_wait(&self) -> Option<(&Step, Duration)> {
        let of = |step: &Step| step.waits().0.max(step.waits().1);
        self.steps().iter().filter_map(|step| Some((step, of(step)?))).max_by_key(|(_, wait)| *wait)
    }

    /// Whether somebody would have waited for longer than is allowed.
    pub(crate) fn is_too_long(&self) -> bool {
        self.max_wait.zip(self.longest_wait()).is_some_and(|(most, (_, wait))| wait > most)
    }

    /// Whether rolling back left another schema than there was before.
    pub(crate) fn differs(&self) -> bool {
        matches!(&self.down, Down::Run { diff, .. } if !diff.is_empty() && !diff.is_order_only())
    }
}
