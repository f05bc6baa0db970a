//! What the rules found, as notes.

use migrate_core::Script;

use super::{Note, NoteLevel, Place};
use crate::lint::{Finding, Level};

impl Note {
    /// What a rule found; `script` is the file's, for the place in it.
    pub(crate) fn of_rule(finding: &Finding, script: Option<&Script>) -> Self {
        let level = match finding.level {
            Level::Deny => NoteLevel::Error,
            Level::Warn => NoteLevel::Warning,
            Level::Allow => NoteLevel::Remark,
        };
        Self {
            stem: Some(finding.stem.clone()),
            file: Some(finding.file.clone()),
            place: script.and_then(|script| Place::of(&script.text, &finding.span)),
            help: finding.help.clone(),
            safer: finding.safer.clone(),
            ..Self::new(&*finding.rule, level, &*finding.message)
        }
    }
}
