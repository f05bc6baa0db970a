//! How risky a migration is on a production database: from what it locks, whom that blocks, what it rewrites or reads,
//! and how large the table is.

use migrate_runtime::rehearsal::LockMode;

/// How risky.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RiskLevel {
    /// Nobody waits for longer than a moment.
    #[default]
    Low,
    /// Writers of a table wait while something is built or read, or readers for a moment.
    Medium,
    /// Readers or writers of a table wait for as long as the table is large.
    High,
    /// Readers and writers of a large table wait while it is rewritten, or data is gone.
    Critical,
}

/// The risk of one script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Risk {
    /// The highest of its reasons.
    pub(crate) level: RiskLevel,
    /// What makes it so, most serious first.
    pub(crate) reasons: Vec<Reason>,
}

/// One thing that makes a script risky.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    /// How risky it is alone.
    pub(crate) level: RiskLevel,
    /// The line of the file, from 1.
    pub(crate) line: usize,
    /// The table, qualified, where it is about one.
    pub(crate) table: Option<String>,
    /// The lock on it.
    pub(crate) mode: Option<LockMode>,
    /// How large the table is, in bytes, where a database was asked.
    pub(crate) bytes: Option<u64>,
    /// In words: `rewrites the table while nobody can read it`.
    pub(crate) why: String,
    /// A script that does the same more safely, where there is one.
    pub(crate) safer: Option<String>,
}
