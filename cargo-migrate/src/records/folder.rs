//! The log folder: made when something is first written to it, entered by nobody but its owner, and kept small.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use migrate_core::file;

use crate::config::HOME;

/// How many files of one kind are kept: the text of runs, the reports of one kind.
pub(crate) const KEPT: usize = 100;

/// Makes the folder. Inside of `.migrate`, which is beside a project's sources, git is told to leave it alone.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    file::private_folder(folder).map_err(|error| error.source)?;
    let home = folder.ancestors().find(|above| above.file_name() == Some(OsStr::new(HOME)));
    if let Some(home) = home {
        ignore(home);
    }
    Ok(())
}

/// Where it cannot be written the logs can, mostly: they are what counts.
fn ignore(home: &Path) {
    let created = OpenOptions::new().write(true).create_new(true).open(home.join(".gitignore"));
    if let Ok(mut created) = created {
        let _ = created.write_all(b"# What cargo migrate keeps here is of this machine.\n*\n");
    }
}

/// A file that is named by what it is and when: `up-20261121T193059Z.log`, `preflight-report-20261121T193059Z-2.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamped {
    /// `up`, `preflight-report`.
    pub(super) what: String,
    pub(super) stamp: String,
    /// Tells those of one second apart, from 1.
    pub(super) number: u32,
    pub(super) path: PathBuf,
}

impl Stamped {
    /// The name of a new one.
    pub(super) fn name(what: &str, stamp: &str, number: u32, ending: &str) -> String {
        match number {
            1 => format!("{what}-{stamp}.{ending}"),
            number => format!("{what}-{stamp}-{number}.{ending}"),
        }
    }

    /// Of a file with this ending; `None` where the name is none of ours.
    fn of(path: PathBuf, ending: &str) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(ending)?.strip_suffix('.')?;
        let (rest, last) = name.rsplit_once('-')?;
        let (what, stamp, number) = match last.parse() {
            Ok(number) => {
                let (what, stamp) = rest.rsplit_once('-')?;
                (what, stamp, number)
            }
            Err(_) => (rest, last, 1),
        };
        let digit_or = |index, byte: u8| match index {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        };
        let is_stamp = stamp.len() == 16 && stamp.bytes().enumerate().all(|(at, byte)| digit_or(at, byte));
        let is_verb = !what.is_empty() && what.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let (what, stamp) = (what.to_owned(), stamp.to_owned());
        (is_stamp && is_verb).then_some(Self { what, stamp, number, path })
    }

    /// Those in a folder, oldest first.
    pub(super) fn list(folder: &Path, ending: &str) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            found.extend(Self::of(entry?.path(), ending));
        }
        found.sort_by(|a, b| (&a.stamp, a.number, &a.what).cmp(&(&b.stamp, b.number, &b.what)));
        Ok(found)
    }
}

/// Removes the oldest files of a kind, so that so many are left with the one that was just `written`: by its name that may
/// be the oldest, where the clock was put back.
pub(super) fn prune(
    folder: &Path,
    ending: &str,
    is_kind: impl Fn(&Stamped) -> bool,
    kept: usize,
    written: &Path,
) {
    let others = |stamped: &Stamped| is_kind(stamped) && stamped.path != written;
    let ours: Vec<_> = Stamped::list(folder, ending).into_iter().flatten().filter(others).collect();
    for surplus in &ours[..(ours.len() + 1).saturating_sub(kept)] {
        // Another process may have been faster, and who may not remove has more files: both are no reason to stop.
        let _ = fs::remove_file(&surplus.path);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn it_is_private_and_not_for_git() {
        let project = tempfile::tempdir().unwrap();
        let folder = project.path().join(HOME).join("log");
        make(&folder).unwrap();
        make(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(fs::read_to_string(project.path().join(HOME).join(".gitignore")).unwrap().ends_with("*\n"));
        let elsewhere = project.path().join("logs/migrate");
        make(&elsewhere).unwrap();
        assert!(!project.path().join("logs/.gitignore").exists() && !elsewhere.join(".gitignore").exists());
        fs::write(project.path().join("file"), "").unwrap();
        make(&project.path().join("file/log")).unwrap_err();
    }

    #[test]
    fn only_the_oldest_of_our_own_go() {
        let folder = tempfile::tempdir().unwrap();
        let ours = [
            "backup-create-20261121T193058Z.log",
            "up-20261121T193059Z.log",
            "up-20261121T193100Z.log",
            "up-20261121T193100Z-2.log",
            "up-20261121T193100Z-10.log",
        ];
        let others = [
            "up-today.log",
            "20261121T193058Z.log",
            "UP-20261121T193058Z.log",
            "up-20261121T193058Z.txt",
            "up-20261121T193058Z-x.log",
        ];
        for name in ours.iter().chain(&others) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        prune(folder.path(), "log", |stamped| stamped.what != "down", 2, &folder.path().join(ours[4]));
        for name in others.iter().chain(&ours[3..]) {
            assert!(folder.path().join(name).exists(), "{name}");
        }
        for name in &ours[..3] {
            assert!(!folder.path().join(name).exists(), "{name}");
        }
        // The clock was put back.
        let late = folder.path().join("up-20251121T193100Z.log");
        fs::write(&late, "").unwrap();
        prune(folder.path(), "log", |_| true, 2, &late);
        assert!(
            late.exists() && folder.path().join(ours[4]).exists() && !folder.path().join(ours[3]).exists()
        );
        assert_eq!(Stamped::name("up", "20261121T193100Z", 2, "log"), ours[3]);
    }
}
