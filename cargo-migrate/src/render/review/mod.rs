//! What a reviewer of migrations is told, as data: made of what `verify` proved and measured and of what `lint` found,
//! and written as Markdown, SARIF or annotations.

mod bounded;
mod github;
mod lint;
mod markdown;
mod note;
mod place;
mod sarif;

use std::time::Duration;

use migrate_core::Direction;
use migrate_runtime::rehearsal::LockMode;

pub(crate) use note::{Note, NoteLevel};
pub(crate) use place::{Place, folder_in_repository};

use crate::risk::Risk;

/// What a reviewer is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Review {
    /// `verify` or `lint`.
    pub(crate) verb: &'static str,
    /// The folder of migrations from the repository's root, with slashes; empty where the root is the folder.
    pub(crate) folder: String,
    /// The servers it was tried on: `15.18`.
    pub(crate) servers: Vec<String>,
    /// How long everything took.
    pub(crate) duration: Option<Duration>,
    /// What was checked, and whether it held.
    pub(crate) checks: Vec<Check>,
    /// The migrations that were looked at, in order.
    pub(crate) migrations: Vec<Reviewed>,
    /// What was found, most serious first.
    pub(crate) notes: Vec<Note>,
}

/// Something that was checked of all migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// As a sentence that is true where it passed: `every down undoes exactly its up`.
    pub(crate) holds: String,
    /// Whether it did.
    pub(crate) passed: bool,
}

/// One migration.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reviewed {
    /// `0010_add_products`.
    pub(crate) stem: String,
    /// Why there is no way back, where there is none.
    pub(crate) irreversible: Option<String>,
    /// Up, then down.
    pub(crate) ways: Vec<Way>,
}

/// One direction of a migration.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Which.
    pub(crate) direction: Direction,
    /// The file, without its folder.
    pub(crate) file: String,
    /// How long it took; `None` where it was not run, or failed.
    pub(crate) duration: Option<Duration>,
    /// Longer than the limit that was set.
    pub(crate) slow: bool,
    /// How risky it is.
    pub(crate) risk: Risk,
    /// The strongest lock on each table that was there before, by its name.
    pub(crate) locks: Vec<(String, LockMode)>,
    /// Tables and indexes that were written anew.
    pub(crate) rewritten: Vec<String>,
    /// Tables that were read from end to end.
    pub(crate) scanned: Vec<String>,
    /// Indexes that were built.
    pub(crate) built: Vec<String>,
}

impl Way {
    /// One that was not run: its risk is what its text shows, and so are its locks.
    pub(crate) fn unmeasured(direction: Direction, file: &str, risk: Risk) -> Self {
        let mut locks: Vec<(String, LockMode)> = Vec::new();
        for (table, mode) in
            risk.reasons.iter().filter_map(|reason| Some((reason.table.as_ref()?, reason.mode?)))
        {
            match locks.iter_mut().find(|(known, _)| known == table) {
                Some((_, known)) => *known = mode.max(*known),
                None => locks.push((table.clone(), mode)),
            }
        }
        let file = file.to_owned();
        let (rewritten, scanned, built) = Default::default();
        Self { direction, file, duration: None, slow: false, risk, locks, rewritten, scanned, built }
    }
}

impl Review {
    /// Whether anything fails the check.
    pub(crate) fn fails(&self) -> bool {
        self.count(NoteLevel::Error) > 0 || self.checks.iter().any(|check| !check.passed)
    }

    fn count(&self, level: NoteLevel) -> usize {
        self.notes.iter().filter(|note| note.level == level).count()
    }

    /// A file of the folder, from the repository's root.
    fn path(&self, file: &str) -> String {
        if self.folder.is_empty() { file.to_owned() } else { format!("{}/{file}", self.folder) }
    }
}

#[cfg(test)]
mod tests;
