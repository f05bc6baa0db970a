//! `lock`: bring migrations.lock up to date, or check it.

use clap::Args;
use migrate_core::lock::{FILE_NAME, Lock as LockFile, LockError};

use super::call::{Answer, Call, Outcome};
use crate::files;
use crate::render::view::LockView;

/// Bring migrations.lock up to date with the folder
///
/// The lock lists every file with its checksum. Commit it: an edited file is then noticed before it reaches a database,
/// and two branches that add a migration conflict in git instead of in production.
#[derive(Debug, Args)]
pub struct Lock {
    /// Change nothing; exit with 8 where the lock does not fit the folder
    #[arg(long)]
    check: bool,
}

impl Lock {
    pub(super) fn run(&self, call: &Call) -> Outcome {
        let settings = call.settings(None)?;
        let set = files::read(&settings)?;
        let dir = &settings.dir.value;
        let differences = match LockFile::read(dir) {
            Ok(lock) => lock.compare(&set).iter().map(ToString::to_string).collect(),
            Err(error @ LockError::Unreadable(_)) => return Err(error.into()),
            Err(error) => vec![error.to_string()],
        };
        let found = !differences.is_empty();
        let written = !self.check && LockFile::of(&set).write(dir)?;
        let migrations = set.migrations.len();
        Answer::check(
            self.check && found,
            LockView { path: dir.join(FILE_NAME), migrations, differences, written },
        )
    }
}
