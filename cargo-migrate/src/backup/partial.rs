//! A backup while it is being written: a folder with a hidden name, locked by whoever writes it, gone when it was not
//! finished.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::store::{self, PREFIX, Store};
use crate::Problem;

const SUFFIX: &str = ".partial";

/// A folder that a backup is written in.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) folder: PathBuf,
    /// The backup's name.
    pub(super) id: String,
    /// Held for as long as we live: a lock on the folder says that somebody writes in it.
    lock: File,
    named: bool,
}

impl Partial {
    /// Makes one, and removes those that nobody writes in any more.
    pub(super) fn begin(store: &Store, stamp: &str) -> Result<Self, Problem> {
        sweep(store.folder());
        for number in 1_u32.. {
            let id = match number {
                1 => format!("{PREFIX}{stamp}"),
                number => format!("{PREFIX}{stamp}-{number}"),
            };
            let folder = store.folder().join(format!(".{id}{SUFFIX}"));
            if store.folder().join(&id).exists() {
                continue;
            }
            match fs::DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(Problem::io(&folder)(error)),
            }
            let lock = File::open(&folder).map_err(Problem::io(&folder))?;
            // Whoever sweeps in this moment may have taken it for an old one, and then it is gone.
            flock(&lock, FlockOperation::LockExclusive)
                .map_err(|error| Problem::io(&folder)(error.into()))?;
            if is_same(&lock, &folder) {
                return Ok(Self { folder, id, lock, named: false });
            }
        }
        Err(Problem::Io { path: store.folder().to_owned(), why: "no name is free for a backup".to_owned() })
    }

    /// Gives it its name, once everything is on the disk.
    pub(super) fn finish(mut self, store: &Store) -> Result<PathBuf, Problem> {
        self.lock.sync_all().map_err(Problem::io(&self.folder))?;
        let folder = store.folder().join(&self.id);
        fs::rename(&self.folder, &folder).map_err(Problem::io(&folder))?;
        self.named = true;
        let above = File::open(store.folder()).and_then(|folder| folder.sync_all());
        above.map_err(Problem::io(store.folder()))?;
        store.set_latest(&self.id)?;
        Ok(folder)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.named {
            // What cannot be removed now is by the next backup.
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn is_same(open: &File, folder: &Path) -> bool {
    let both = (open.metadata(), fs::symlink_metadata(folder));
    matches!(both, (Ok(open), Ok(there)) if (open.dev(), open.ino()) == (there.dev(), there.ino()))
}

/// Removes what those left who are gone, killed or cut off with the machine: the folders of backups that were being written
/// or removed, and a `latest` that was not given its name.
pub(crate) fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if store::is_unnamed_latest(&name) {
            let _ = fs::remove_file(entry.path());
            continue;
        }
        if !(name.starts_with(&format!(".{PREFIX}")) && name.ends_with(SUFFIX)) {
            continue;
        }
        let Ok(left) = File::open(entry.path()) else { continue };
        if flock(&left, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn one_that_is_not_finished_is_gone_and_one_that_is_has_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        drop(Partial::begin(&store, "1").unwrap());
        assert_eq!(names(folder.path()), [""; 0]);
        let partial = Partial::begin(&store, "1").unwrap();
        assert_eq!(fs::metadata(&partial.folder).unwrap().permissions().mode() & 0o777, 0o700);
        fs::write(partial.folder.join("x"), "x").unwrap();
        partial.finish(&store).unwrap();
        // Another one within the same second.
        Partial::begin(&store, "1").unwrap().finish(&store).unwrap();
        assert_eq!(names(folder.path()), ["backup-1", "backup-1-2", "latest"]);
        assert_eq!(store.latest().as_deref(), Some("backup-1-2"));
    }

    #[test]
    fn what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path());
        let living = Partial::begin(&store, "1").unwrap();
        let dead = folder.path().join(".backup-0.partial");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("archive.dump"), "half").unwrap();
        let unnamed = folder.path().join(".latest.4711.tmp");
        std::os::unix::fs::symlink("backup-0", &unnamed).unwrap();
        let other = Partial::begin(&store, "1").unwrap();
        assert!(!dead.exists() && fs::symlink_metadata(unnamed).is_err());
        assert!(living.folder.exists() && other.folder.exists() && living.folder != other.folder);
    }
}
