//! `backup prune`.

use std::time::{Duration, SystemTime};

use clap::Args;

use crate::backup::{self, Backup, Entry, Rule, Store, Whose};
use crate::command::call::{Answer, Call, Outcome};
use crate::question;
use crate::render::view::PrunedView;

/// Remove old backups, but never the newest one nor the newest verified one
///
/// What goes is beyond --keep and older than --older-than, where both are given. Only the backups of this environment or
/// database may go where several share the folder; with --all those of every one, each counted apart. It asks first.
#[derive(Debug, Args)]
pub struct Prune {
    /// So many of each database stay
    #[arg(long, value_name = "N", required_unless_present = "older_than")]
    keep: Option<usize>,

    /// What is younger stays: 36h, 7d, 12w
    #[arg(long, value_name = "AGE", value_parser = crate::args::age)]
    older_than: Option<Duration>,

    /// Those of every environment and database in the folder, too
    #[arg(long)]
    all: bool,

    /// Show what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Prune {
    /// What it shows without doing it is not recorded.
    pub(super) fn is_recorded(&self) -> bool {
        !self.dry_run
    }

    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let store = Store::open(&settings);
        let now = SystemTime::now();
        if !self.dry_run {
            // What a killed one began to remove.
            backup::sweep(store.folder());
        }
        let (mut backups, mut broken): (Vec<Backup>, Vec<_>) = (Vec::new(), Vec::new());
        for entry in store.entries()? {
            match entry {
                Entry::Readable(backup) => backups.push(*backup),
                Entry::Broken { id, damage } => broken.push((id, damage)),
            }
        }
        let rule = Rule { keep: self.keep, older_than: self.older_than };
        let whose = if self.all { Whose::default() } else { Whose::of(&settings) };
        let mut going = backup::choose(&backups, rule, now);
        going.retain(|backup| whose.owns(&backup.manifest));
        let own = backups.iter().filter(|backup| whose.owns(&backup.manifest)).count();
        let (kept, others) = (own - going.len(), backups.len() - own);
        let mut view = PrunedView { going, done: false, kept, others, broken, now };
        if self.dry_run || view.going.is_empty() {
            return Answer::ok(view);
        }
        if !self.yes {
            call.ui.before_question(&view, "would_prune", false);
            question::confirm(call.context, "remove them for good?", false)?;
        }
        for backup in &view.going {
            backup::remove(&store, backup)?;
        }
        view.done = true;
        Answer::ok(view)
    }
}
