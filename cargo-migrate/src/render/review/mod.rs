//! What a reviewer of migrations is told, as data: made of what `verify` proved and measured and of what `lint` found,
//! and written as Markdown, SARIF or annotations.

mod bounded;
mod github;
mod lint;
mod markdown;
mod note;
mod place;
mod sarif;
mod way;

use std::time::Duration;

pub(crate) use note::{Note, NoteLevel};
pub(crate) use place::{Place, folder_in_repository};
pub(crate) use way::Way;

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
