//! One thing that was found.

use super::Place;

/// How serious it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoteLevel {
    /// The check fails.
    Error,
    /// Told; the check passes.
    Warning,
    /// Good to know.
    Remark,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    /// The rule, or the kind of a finding of `verify`: `down-fails`.
    pub(crate) rule: String,
    /// How serious it is.
    pub(crate) level: NoteLevel,
    /// The migration; `None` where it is about all of them.
    pub(crate) stem: Option<String>,
    /// The file without its folder, where it is about one.
    pub(crate) file: Option<String>,
    /// Where in the file.
    pub(crate) place: Option<Place>,
    /// What is wrong, in one sentence or a few.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// How schemas differ, as `migrate_core::schema::Diff::text` writes it.
    pub(crate) diff: Option<String>,
    /// SQL that does the same more safely.
    pub(crate) safer: Option<String>,
    /// The servers that it was found on, where not on all: `15.18`.
    pub(crate) servers: Vec<String>,
}

impl Note {
    /// A note with a rule, a level and a message only.
    pub(crate) fn new(rule: impl Into<String>, level: NoteLevel, message: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            level,
            stem: None,
            file: None,
            place: None,
            message: message.into(),
            help: None,
            diff: None,
            safer: None,
            servers: Vec::new(),
        }
    }

    /// Where it belongs in a list: the most serious first, then by file and line.
    pub(crate) fn order(&self) -> impl Ord + use<> {
        (self.level, self.file.clone().or_else(|| self.stem.clone()), self.place, self.rule.clone())
    }
}
