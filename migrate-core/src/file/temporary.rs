//! A file that is whole before it has its name, and gone where it never got it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A file beside its target that is gone when it was not renamed.
///
/// Its owner holds a lock on it (`flock(2)`), which ends with the process, so that what a killed one left behind is known
/// from what a living one writes, in another container too.
pub(super) struct Temporary {
    path: PathBuf,
    file: File,
    renamed: bool,
}

/// What the names of ours end in: nobody else's file is ever taken for one.
const SUFFIX: &str = ".migrate-tmp";

impl Temporary {
    /// Writes all of the content to the disk, under a hidden name beside the target. What killed processes left there is
    /// removed first.
    pub(super) fn write(target: &Path, content: &[u8], private: bool) -> io::Result<Self> {
        sweep(folder_of(target));
        let mut temporary = Self::open(target, private)?;
        temporary.file.write_all(content)?;
        temporary.file.sync_all()?;
        Ok(temporary)
    }

    fn open(target: &Path, private: bool) -> io::Result<Self> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if private {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = private;
        loop {
            let mut name = OsString::from(".");
            name.push(target.file_name().unwrap_or_default());
            let number = COUNTER.fetch_add(1, Ordering::Relaxed);
            name.push(format!(".{}-{number}{SUFFIX}", std::process::id()));
            let path = target.with_file_name(name);
            let file = match options.open(&path) {
                // Of another container's process with our number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                file => file?,
            };
            let temporary = Self { path, file, renamed: false };
            // A file system without locks is one on which nothing is swept either.
            let _ = temporary.file.try_lock();
            // Swept between its creation and the lock.
            if fs::symlink_metadata(&temporary.path).is_ok() {
                return Ok(temporary);
            }
        }
    }

    pub(super) fn set_permissions(&self, permissions: fs::Permissions) -> io::Result<()> {
        self.file.set_permissions(permissions)
    }

    /// Gives it a name that nobody has: a second link, because a rename would take the place of a file that is there.
    pub(super) fn name(self, target: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, target) {
            Ok(()) => sync_folder_of(target),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
            // A file system without links: FAT, some of a network.
            Err(_) => self.name_by_rename(target),
        }
    }

    /// An empty file reserves the name for the rename. Killed in between, that is a migration without a statement, which
    /// is refused.
    fn name_by_rename(self, target: &Path) -> io::Result<()> {
        OpenOptions::new().write(true).create_new(true).open(target)?;
        self.rename_to(target).inspect_err(|_| {
            let _ = fs::remove_file(target);
        })
    }

    pub(super) fn rename_to(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.renamed = true;
        sync_folder_of(target)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // The error that led here is the one to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Removes what killed processes left in a folder. It is a courtesy: what cannot be removed stays.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.as_encoded_bytes().starts_with(b".")
            && name.as_encoded_bytes().ends_with(SUFFIX.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_ours
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A new name is on the disk only when its folder is (`fsync(2)`). Windows has no such call.
fn sync_folder_of(path: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder_of(path))?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_name_is_given_without_links_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        Temporary::write(&path, b"one", false).unwrap().name_by_rename(&path).unwrap();
        let taken = Temporary::write(&path, b"two", false).unwrap().name_by_rename(&path);
        assert_eq!(taken.unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn what_nobody_writes_any_more_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path(".a.1-0.migrate-tmp"), "killed").unwrap();
        for other in ["a.migrate-tmp", ".a.1-0.tmp", ".a.swp"] {
            fs::write(path(other), "not ours").unwrap();
        }
        let mine = Temporary::write(&path("a"), b"one", false).unwrap();
        let theirs = Temporary::write(&path("b"), b"two", false).unwrap();
        theirs.rename_to(&path("b")).unwrap();
        mine.rename_to(&path("a")).unwrap();
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, [".a.1-0.tmp", ".a.swp", "a", "a.migrate-tmp", "b"]);
    }
}
