//! `history`: the audit log, and the records on this machine.

use clap::Args;
use migrate_core::Set;
use migrate_runtime::{LogFilter, Since};

use super::call::{Answer, Call, Outcome};
use crate::args::since;
use crate::records;
use crate::render::view::{HistoryView, LinesView};

/// Show the audit log: what was run, by whom, when, how it ended, and why it was done all the same
///
/// Reads the audit log of the database. With --files it reads the records in the log folder of this machine instead, and
/// needs no database: they have every event of every run that was made here.
#[derive(Debug, Args)]
pub struct History {
    /// Show the newest N entries
    #[arg(long, value_name = "N", default_value = "50")]
    limit: usize,

    /// Only what is about this migration: its stem, such as 0010_add_products, or its number
    #[arg(long, value_name = "STEM")]
    migration: Option<String>,

    /// Only what was done so: up, down, statement, repair, backup, …; of --files also an event or a command; may be repeated
    #[arg(long = "action", value_name = "ACTION")]
    actions: Vec<String>,

    /// Only what one run did, by the name that `history -v` and every record have
    #[arg(long, value_name = "RUN")]
    run: Option<String>,

    /// Only what is not older: 2h, 7d, 2026-11-21, 2026-11-21T10:30 (UTC)
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Since>,

    /// Only what failed
    #[arg(long)]
    failed: bool,

    /// Read the records in the log folder, the rotated ones too, and no database
    #[arg(long)]
    files: bool,
}

impl History {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let filter = LogFilter {
            migration: self.migration.clone(),
            actions: self.actions.clone(),
            run: self.run.clone(),
            since: self.since.clone(),
            failed: self.failed,
        };
        if self.files {
            let folder = settings.log_dir.value;
            let lines = records::read(&folder, &filter, self.limit)?;
            return Answer::ok(LinesView { lines, folder });
        }
        // The log says what was run, whatever the folder says by now: it is not read.
        let set = Set::new(settings.dir.value.display().to_string(), Vec::new());
        let (migrator, _) = call.migrator(&settings, set, None)?;
        let entries = migrator.log_of(&filter, Some(self.limit))?;
        let filtered = filter != LogFilter::default();
        Answer::ok(HistoryView { entries, filtered, with_runs: call.ui.is_verbose() })
    }
}
