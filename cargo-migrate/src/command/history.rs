//! `history`: the audit log.

use clap::Args;
use migrate_core::Set;

use super::call::{Answer, Call, Outcome};
use crate::render::view::HistoryView;

/// Show the audit log: what was run, by whom, when, and how it ended
#[derive(Debug, Args)]
pub struct History {
    /// Show the newest N entries
    #[arg(long, value_name = "N", default_value = "50")]
    limit: usize,
}

impl History {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        // The log says what was run, whatever the folder says by now: it is not read.
        let set = Set::new(settings.dir.value.display().to_string(), Vec::new());
        let (migrator, _) = call.migrator(&settings, set, None)?;
        Answer::ok(HistoryView(migrator.log(Some(self.limit))?))
    }
}
