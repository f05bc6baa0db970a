//! Whether a backup fits on the disk of the backup folder: said before where it plainly will not, and told in one way where it
//! did not.

use std::path::{Path, PathBuf};

use migrate_testing::free_space;

use super::manifest::{Format, Scope};
use super::store::Backup;
use crate::Problem;
use crate::render::bytes;

/// What is known of the room before a backup is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) folder: PathBuf,
    /// Free for us on its disk; `None` where the system does not say.
    pub(crate) free: Option<u64>,
    /// What the tables take on the server.
    pub(crate) tables: u64,
    /// The last whole backup of the same database in the same format: its id and its size.
    pub(crate) last: Option<(String, u64)>,
    /// What this one will take if the database packs as it did then.
    pub(crate) expected: Option<u64>,
}

/// What is to be done about the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Enough,
    /// It may not fit: that is said, and it is tried.
    Doubtful,
    /// It plainly does not fit.
    TooLittle,
}

impl Room {
    /// Looks at a folder that need not be there. `own` are the backups of this database, the newest first; of a part of a
    /// database nothing is expected.
    pub(super) fn of(
        folder: &Path,
        tables: u64,
        database_bytes: u64,
        format: Format,
        whole: bool,
        own: &[Backup],
    ) -> Self {
        let last = own.iter().map(|backup| &backup.manifest).find(|manifest| {
            whole && manifest.scope == Scope::Whole && manifest.format == format && manifest.bytes > 0
        });
        let expected = last.map(|last| {
            let grown =
                u128::from(last.bytes) * u128::from(database_bytes) / u128::from(last.database_bytes.max(1));
            u64::try_from(grown).unwrap_or(u64::MAX)
        });
        Self {
            folder: folder.to_owned(),
            free: free(folder),
            tables,
            last: last.map(|last| (last.id.clone(), last.bytes)),
            expected,
        }
    }

    /// Whether it will fit.
    ///
    /// Refused is only what has less than a quarter of what the last one took: a backup that fails for want of room leaves
    /// nothing behind, and one that is refused without need is worse. Where there was none before, tables seldom pack to less
    /// than a tenth; what has not even that is worth a word.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.free, self.expected) {
            (None, _) => Verdict::Enough,
            (Some(free), Some(expected)) if free < expected / 4 => Verdict::TooLittle,
            (Some(free), Some(expected)) if free < expected.saturating_add(expected / 10) => {
                Verdict::Doubtful
            }
            (Some(free), None) if free < self.tables / 10 => Verdict::Doubtful,
            _ => Verdict::Enough,
        }
    }

    /// The failure that says so, with what was said where something was tried.
    pub(super) fn problem(&self, said: Option<&str>) -> Problem {
        Problem::BackupDiskFull {
            folder: self.folder.clone(),
            said: said.map(str::to_owned),
            room: self.in_words(),
        }
    }

    /// What there is and what is needed.
    pub(crate) fn in_words(&self) -> String {
        let free = self.free.map_or_else(
            || "how much is free is not known".to_owned(),
            |free| format!("{} free", bytes(free)),
        );
        let needed = match (&self.last, self.expected) {
            (Some((id, took)), Some(expected)) => {
                format!("; {id} took {}, and this one will take about {}", bytes(*took), bytes(expected))
            }
            _ => format!("; the tables take {} on the server, unpacked", bytes(self.tables)),
        };
        free + &needed
    }
}

/// The failure as one of a full disk, where it is one.
pub(super) fn told(error: anyhow::Error, room: &Room) -> anyhow::Error {
    let why = match error.downcast_ref::<Problem>() {
        Some(Problem::BackupFailed { why }) => why.clone(),
        Some(Problem::Io { path, why }) if path.starts_with(&room.folder) => {
            format!("{}: {why}", path.display())
        }
        _ => return error,
    };
    if !is_full(&why) {
        return error;
    }
    // What was written is gone again: this is what there was to begin with.
    Room { free: free(&room.folder), ..room.clone() }.problem(Some(&why)).into()
}

/// ENOSPC and EDQUOT, as our programs, which speak English, and the system write them.
pub(super) fn is_full(why: &str) -> bool {
    ["No space left on device", "Disk quota exceeded", "os error 28", "os error 122"]
        .iter()
        .any(|words| why.contains(words))
}

/// What is free for us on the disk of a folder, or of the first one above it that is there.
fn free(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let there = if there.as_os_str().is_empty() { Path::new(".") } else { there };
    free_space(there)
}

#[cfg(test)]
mod tests {
    use super::super::testing::backup;
    use super::*;

    const MB: u64 = 1 << 20;

    fn room(free: u64, last: Option<u64>) -> Room {
        let own: Vec<_> = last
            .map(|bytes| {
                let mut backup = backup("backup-1");
                (backup.manifest.bytes, backup.manifest.database_bytes) = (bytes, 1000 * MB);
                backup
            })
            .into_iter()
            .collect();
        let room = Room::of(Path::new("/nonexistent/b"), 900 * MB, 2000 * MB, Format::Custom, true, &own);
        assert!(room.free.is_some(), "that of the folder above");
        Room { free: Some(free), ..room }
    }

    #[test]
    fn refused_is_what_plainly_does_not_fit() {
        // The database has twice the size that it had.
        let last = Some(100 * MB);
        assert_eq!(room(0, last).expected, Some(200 * MB));
        for (free, verdict) in [
            (0, Verdict::TooLittle),
            (49, Verdict::TooLittle),
            (51, Verdict::Doubtful),
            (219, Verdict::Doubtful),
            (221, Verdict::Enough),
        ] {
            assert_eq!(room(free * MB, last).verdict(), verdict, "{free}");
        }
        assert_eq!(room(80 * MB, None).verdict(), Verdict::Doubtful);
        assert_eq!(room(0, None).verdict(), Verdict::Doubtful, "nobody knows how it packs");
        assert_eq!(room(100 * MB, None).verdict(), Verdict::Enough);
        assert_eq!(Room { free: None, ..room(0, last) }.verdict(), Verdict::Enough);
        let words = room(10 * MB, last).in_words();
        assert_eq!(words, "10 MB free; backup-1 took 100 MB, and this one will take about 200 MB");
    }

    #[test]
    fn a_full_disk_is_one_failure_whichever_file_met_it() {
        let room = room(MB, None);
        let full = |problem: Problem| {
            let told = told(problem.into(), &room);
            (crate::Exit::of(&told).code(), told.to_string())
        };
        let said = "pg_dump: error: could not write to output file: No space left on device".to_owned();
        let (code, words) = full(Problem::BackupFailed { why: said });
        assert!(code == 1 && words.contains("could not write to output file"), "{words}");
        let why = "No space left on device (os error 28)".to_owned();
        let (code, words) = full(Problem::Io { path: "/nonexistent/b/latest".into(), why: why.clone() });
        assert!(code == 1 && words.contains("/nonexistent/b") && words.contains("free"), "{words}");
        // Another disk is not this one.
        assert_eq!(full(Problem::Io { path: "/elsewhere".into(), why }).0, 5);
        assert_eq!(full(Problem::BackupFailed { why: "permission denied".to_owned() }).0, 1);
    }
}
