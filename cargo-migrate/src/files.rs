//! The folder of migrations and its lock, as the verbs use them.

use std::path::PathBuf;

use migrate_core::lock::{self, Lock, LockError, ParseError};
use migrate_core::{Set, folder};

use crate::Problem;
use crate::config::{Origin, Settings};

/// The migrations of the folder.
///
/// # Errors
///
/// What is wrong with it; [`Problem::NoProject`] where somebody is in the wrong folder: to make one here would be no help.
pub(crate) fn read(settings: &Settings) -> anyhow::Result<Set> {
    let is_somewhere = settings.local.is_some() || settings.dir.origin != Origin::Default;
    if !is_somewhere && !settings.dir.value.exists() {
        return Err(Problem::NoProject { folder: settings.root.clone() }.into());
    }
    Ok(folder::read(&settings.dir.value, &folder::Options::new(&settings.root))?)
}

/// The migrations of the folder, for a verb that goes by them on a database.
///
/// # Errors
///
/// What [`read`] returns; where the lock may not be changed and does not fit; where git left its conflict markers in it:
/// writing it anew would hide that two branches made a migration.
pub(crate) fn read_as_locked(settings: &Settings) -> anyhow::Result<Set> {
    let set = read(settings)?;
    check_lock(settings, &set)?;
    Ok(set)
}

fn check_lock(settings: &Settings, set: &Set) -> Result<(), LockError> {
    let dir = &settings.dir.value;
    if settings.locked.value {
        return lock::check(dir, set);
    }
    match Lock::read(dir) {
        Err(LockError::Malformed { path, malformed }) if malformed.error == ParseError::Conflict => {
            Err(LockError::Malformed { path, malformed })
        }
        _ => Ok(()),
    }
}

/// Brings the lock up to date, unless it is locked; its path where it was written, or why it could not be.
pub(crate) fn update_lock(settings: &Settings, set: &Set) -> Result<Option<PathBuf>, String> {
    if settings.locked.value {
        return Ok(None);
    }
    let dir = &settings.dir.value;
    let written = Lock::of(set).write(dir).map_err(|error| format!("{error}: {}", error.source))?;
    Ok(written.then(|| dir.join(lock::FILE_NAME)))
}
