//! What a rule found.

use std::ops::Range;

/// How serious a rule is taken: `allow`, `warn` or `deny` in the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Not told.
    Allow,
    /// Told.
    Warn,
    /// Told, and the check fails.
    Deny,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The rule's name: `adding-not-nullable-field`.
    pub(crate) rule: String,
    /// After the metadata had its say. What a directive allows is no finding.
    pub(crate) level: Level,
    /// The migration: `0010_add_products`.
    pub(crate) stem: String,
    /// The file, without its folder.
    pub(crate) file: String,
    /// Where in the file's text, in bytes; an empty range at 0 where it is about the whole file.
    pub(crate) span: Range<usize>,
    /// What is wrong, and what it does to whom.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// A script that does the same more safely, where there is one.
    pub(crate) safer: Option<String>,
}
