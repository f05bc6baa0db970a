//! `backup show`.

use std::time::SystemTime;

use clap::Args;

use crate::backup::{LATEST, Store};
use crate::command::call::{Answer, Call, Outcome};
use crate::render::view::BackupView;

/// Show what a backup is of
#[derive(Debug, Args)]
pub struct Show {
    /// The backup's name, its beginning, or `latest`
    #[arg(value_name = "BACKUP", default_value = LATEST)]
    backup: String,
}

impl Show {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let store = Store::open(&settings);
        let backup = store.get(&self.backup)?;
        let latest = store.latest().as_deref() == Some(backup.id());
        Answer::ok(BackupView { backup, latest, now: SystemTime::now(), made: false, pruned: Vec::new() })
    }
}
