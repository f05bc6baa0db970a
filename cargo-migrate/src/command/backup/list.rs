//! `backup list`.

use std::time::SystemTime;

use clap::Args;

use crate::backup::{LATEST, Store, Whose};
use crate::command::call::{Answer, Call, Outcome};
use crate::render::view::BackupListView;

/// List the backups of all databases that share the folder, newest first
#[derive(Debug, Args)]
pub struct List {}

impl List {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let store = Store::open(&settings);
        Answer::ok(BackupListView {
            folder: store.folder().to_owned(),
            entries: store.entries()?,
            latest: store.find(LATEST, &Whose::of(&settings)).ok().map(|latest| latest.manifest.id),
            now: SystemTime::now(),
        })
    }
}
