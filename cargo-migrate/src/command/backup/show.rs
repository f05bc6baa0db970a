//! `backup show`.

use std::time::SystemTime;

use clap::Args;

use crate::backup::{LATEST, Store, Whose};
use crate::command::call::{Answer, Call, Outcome};
use crate::render::view::BackupView;

/// Show what a backup is of
#[derive(Debug, Args)]
pub struct Show {
    /// The backup's name, its beginning, or `latest`: the newest of this environment's or database's
    #[arg(value_name = "BACKUP", default_value = LATEST)]
    backup: String,
}

impl Show {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let store = Store::open(&settings);
        let whose = Whose::of(&settings);
        let backup = store.find(&self.backup, &whose)?;
        let latest = store.find(LATEST, &whose).is_ok_and(|latest| latest.id() == backup.id());
        Answer::ok(BackupView { backup, latest, now: SystemTime::now(), made: false, pruned: Vec::new() })
    }
}
