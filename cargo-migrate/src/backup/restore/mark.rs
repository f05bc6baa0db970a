//! What a database says about itself in its comment: that it is being restored, that it was, that it was replaced.
//!
//! A comment is there for people who look at the list of databases, and goes with the database wherever it is renamed to.

use migrate_core::text;
use serde::{Deserialize, Serialize};

/// The version of the mark's form.
const VERSION: u32 = 1;

/// What a database is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    #[serde(rename = "cargo_migrate_restore")]
    version: u32,
    pub(crate) state: State,
    /// The backup's id.
    pub(crate) backup: String,
    /// The database in whose place it belongs, or had.
    pub(crate) of: String,
    /// When it became this, ISO 8601.
    pub(crate) at: String,
    /// The comment that the database has without the mark.
    pub(crate) comment: Option<String>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Being restored; where nobody does, somebody was killed.
    Unfinished,
    /// The whole backup, verified: it can be swapped in.
    Restored,
    /// The rows of some tables, to take them from. It is no database to work on.
    Part,
    /// It was in the place of `of` until a backup, or the way back from one, took it.
    Replaced,
}

impl Mark {
    pub(crate) fn new(state: State, backup: &str, of: &str, at: &str, comment: Option<String>) -> Self {
        Self {
            version: VERSION,
            state,
            backup: backup.to_owned(),
            of: of.to_owned(),
            at: at.to_owned(),
            comment,
        }
    }

    /// The comment: a sentence for people, a line for us, and what stood there before.
    pub(crate) fn comment(&self) -> String {
        let Self { backup, of, at, .. } = self;
        let sentence = match self.state {
            State::Unfinished => format!("Not finished: cargo migrate restores {backup} into it since {at}."),
            State::Restored => {
                format!("Restored from {backup} and verified by cargo migrate, {at}. It is beside {of}.")
            }
            State::Part => format!("Some tables of {backup}, restored by cargo migrate, {at}."),
            State::Replaced => {
                format!("This was {of} until {at}, when cargo migrate put another in its place.")
            }
        };
        // A tree of texts and numbers cannot fail to be written.
        let line = serde_json::to_string(self).unwrap_or_default();
        format!("{sentence}\n{line}")
    }

    /// Reads it back; `None` where a comment has no mark, or one that a newer version made.
    pub(crate) fn of(comment: Option<&str>) -> Option<Self> {
        let line = text::lines(comment?).last()?;
        serde_json::from_str(line).ok().filter(|mark: &Self| mark.version == VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_back_from_its_comment() {
        let comment = Some("Ours;\nsee \"wiki\"".to_owned());
        let mark = Mark::new(State::Restored, "backup-1", "sh\"op\n", "2026-11-21T19:30:59Z", comment);
        assert_eq!(Mark::of(Some(&mark.comment())), Some(mark.clone()));
        assert!(mark.comment().starts_with("Restored from backup-1 and verified"));
        assert_eq!(Mark::of(Some("The shop's database")), None);
        assert_eq!(Mark::of(Some(&mark.comment().replace("_restore\":1", "_restore\":2"))), None);
        assert_eq!(Mark::of(None), None);
    }
}
