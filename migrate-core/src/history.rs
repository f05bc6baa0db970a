//! The recorded history, as data: what was read from `schema_migrations`.

use std::fmt::Write as _;

use crate::Checksum;

/// One row of the history table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The recorded identity, usually a whole stem.
    pub version: String,
    /// The server's time of it, as text in ISO 8601.
    pub applied_at: String,
    /// The recorded checksum of the up script, as it stands in the table; `None` is a NULL, which only a tampered table has.
    pub checksum: Option<String>,
    /// A non-transactional migration that has started and not finished.
    pub dirty: bool,
}

/// How many rows a history has and a SHA-256 over all of them: 32 bytes that say whether everything is applied.
///
/// The digest is over `version=checksum\n` of every row in the byte order of `version`, so that PostgreSQL computes the
/// same with `string_agg(… ORDER BY version COLLATE "C")` and `sha256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryDigest {
    /// The number of rows.
    pub count: usize,
    /// The digest over them.
    pub digest: Checksum,
}

impl HistoryDigest {
    /// The digest of these versions with their checksums, in any order.
    pub fn of<'a>(rows: impl Iterator<Item = (&'a str, String)>) -> Self {
        let mut rows: Vec<_> = rows.collect();
        rows.sort();
        let mut text = String::new();
        for (version, checksum) in &rows {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{version}={checksum}");
        }
        Self { count: rows.len(), digest: Checksum::of(&text) }
    }
}
