//! The risk of a script, and what makes it so.

use migrate_runtime::rehearsal::LockMode;

/// How risky.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RiskLevel {
    /// Nobody waits for longer than a moment.
    #[default]
    Low,
    /// Writers wait for as long as a table of moderate size is large.
    Medium,
    /// Readers do, or writers of a large table; or a column of data is gone.
    High,
    /// Readers and writers of a large table wait while it is rewritten or read; or a table of data is gone.
    Critical,
}

impl RiskLevel {
    /// As people and programs read it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The risk of one script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Risk {
    /// The highest of its reasons.
    pub(crate) level: RiskLevel,
    /// What makes it so, most serious first.
    pub(crate) reasons: Vec<Reason>,
}

/// What there is to fear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Danger {
    /// Others wait while a statement works.
    Waits,
    /// Others wait for longer than they need to: an earlier statement's lock is held.
    Held,
    /// Data is lost.
    Loses,
}

/// Where a statement begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    /// Its line, from 1.
    pub(super) line: usize,
    /// Its first byte.
    pub(super) start: usize,
}

/// One thing that makes a script risky.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// How risky it is alone.
    pub(crate) level: RiskLevel,
    /// Of what kind it is.
    pub(crate) danger: Danger,
    /// The line of the file where its statement begins, from 1.
    pub(crate) line: usize,
    /// The byte of the file where it does.
    pub(crate) start: usize,
    /// The table, where it is about one.
    pub(crate) table: Option<String>,
    /// The lock on it.
    pub(crate) mode: Option<LockMode>,
    /// How large the table is, in bytes, where a database was asked.
    pub(crate) bytes: Option<u64>,
    /// In words: `rewrites orders while nobody can read or write it`.
    pub(crate) why: String,
    /// A script that does the same more safely, where there is one.
    pub(crate) safer: Option<String>,
}

impl Risk {
    /// Of these reasons, each told once.
    pub(crate) fn of(mut reasons: Vec<Reason>) -> Self {
        reasons.sort_by(|a, b| b.level.cmp(&a.level).then(a.line.cmp(&b.line)));
        reasons.dedup();
        let level = reasons.iter().map(|reason| reason.level).max().unwrap_or_default();
        Self { level, reasons }
    }
}
