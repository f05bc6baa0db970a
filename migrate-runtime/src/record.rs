//! What is written about a migration: its history row and its line in the audit log, as SQL.

use std::borrow::Cow;

use migrate_core::sql::{mask_secrets, mask_text};
use migrate_core::{Migration, Script};

use crate::history_table::quote_literal;
use crate::settings::Settings;

/// How many statements each record of [`Recorder::up`] and [`Recorder::down`] has.
pub(crate) const STATEMENTS: usize = 2;

/// Writes records for one run.
pub(crate) struct Recorder {
    table: String,
    log: String,
    /// client, tool, run, reason: the same in every line of a run.
    who: String,
}

/// One line of the audit log, apart from who wrote it.
#[derive(Default)]
pub(crate) struct Line<'a> {
    pub version: &'a str,
    pub action: &'a str,
    pub outcome: &'a str,
    pub checksum: Option<String>,
    /// The statement and how many there are.
    pub statement: Option<(usize, usize)>,
    /// SQL of the duration in milliseconds.
    pub duration: Option<&'a str>,
    pub sqlstate: Option<&'a str>,
    pub message: Option<&'a str>,
    pub up_sql: Option<&'a str>,
    pub down_sql: Option<&'a str>,
    /// Which server process does the work: `pid/backend_start`, to recognise an orphan.
    pub backend: bool,
}

/// Since the transaction began.
pub(crate) const SINCE_BEGIN: &str =
    "extract(epoch FROM pg_catalog.clock_timestamp() - pg_catalog.now()) * 1000";

/// The server process that works, told apart from a later one with the same number.
pub(crate) const BACKEND: &str = "(SELECT pg_catalog.pg_backend_pid() || '/' || extract(epoch FROM backend_start) \
                                  FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid())";

impl Recorder {
    pub fn new(settings: &Settings, run: &str) -> Self {
        let client =
            format!("{}@{}", whoami::username().unwrap_or_default(), whoami::hostname().unwrap_or_default());
        // Whoever types a reason may type more into it than the log should keep.
        let reason = settings.reason.as_deref().map(mask_text);
        let literals = [Some(client.as_str()), Some(&settings.tool), Some(run), reason.as_deref()];
        Self {
            table: settings.history.quoted(),
            log: settings.history.log_quoted(),
            who: literals.map(literal).join(", "),
        }
    }

    /// The record of an applied migration: one statement each for the history and the audit log.
    pub fn up(&self, migration: &Migration) -> String {
        let (up, down) = (kept(&migration.up), migration.down.as_ref().and_then(kept));
        format!(
            "INSERT INTO {} (version, applied_at, checksum, dirty) VALUES ({}, pg_catalog.now(), '{}', false);\n{}",
            self.table,
            quote_literal(&migration.stem),
            migration.up.checksum,
            self.log(&Line {
                version: &migration.stem,
                action: "up",
                outcome: "ok",
                checksum: Some(migration.up.checksum.to_string()),
                duration: Some(SINCE_BEGIN),
                up_sql: up.as_deref(),
                down_sql: down.as_deref(),
                ..Line::default()
            })
        )
    }

    /// The record of a migration that was rolled back.
    pub fn down(&self, version: &str, script: &Script) -> String {
        format!(
            "{};\n{}",
            self.forget(version),
            self.log(&Line {
                version,
                action: "down",
                outcome: "ok",
                checksum: Some(script.checksum.to_string()),
                duration: Some(SINCE_BEGIN),
                ..Line::default()
            })
        )
    }

    /// Removes a row.
    pub fn forget(&self, version: &str) -> String {
        format!("DELETE FROM {} WHERE version = {}", self.table, quote_literal(version))
    }

    /// Marks a migration as started and not finished.
    pub fn dirty(&self, version: &str, checksum: &str) -> String {
        format!(
            "INSERT INTO {} (version, applied_at, checksum, dirty) VALUES ({}, pg_catalog.now(), {}, true) \
             ON CONFLICT (version) DO UPDATE SET checksum = excluded.checksum, dirty = true",
            self.table,
            quote_literal(version),
            quote_literal(checksum)
        )
    }

    /// Marks a migration as finished.
    pub fn clean(&self, version: &str) -> String {
        format!(
            "UPDATE {} SET dirty = false, applied_at = pg_catalog.now() WHERE version = {}",
            self.table,
            quote_literal(version)
        )
    }

    /// A line of the audit log.
    pub fn log(&self, line: &Line<'_>) -> String {
        let number = |n: Option<usize>| n.map_or("NULL".to_owned(), |n| n.to_string());
        format!(
            "INSERT INTO {} (version, action, outcome, checksum, statement, statements, duration_ms, backend, sqlstate, \
             message, up_sql, down_sql, client, tool, run, reason) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, \
             {}, {})",
            self.log,
            quote_literal(line.version),
            quote_literal(line.action),
            quote_literal(line.outcome),
            literal(line.checksum.as_deref()),
            number(line.statement.map(|(statement, _)| statement)),
            number(line.statement.map(|(_, statements)| statements)),
            line.duration.unwrap_or("NULL"),
            if line.backend { BACKEND } else { "NULL" },
            literal(line.sqlstate),
            literal(line.message),
            literal(line.up_sql),
            literal(line.down_sql),
            self.who,
        )
    }
}

/// The longest text that the audit log keeps of a transactional migration. What is longer is data, which the database has in
/// its tables; a literal of it is held by the server several times over, and at half a gigabyte refused (`addlit` of scan.l).
pub(crate) const KEPT: usize = 4 << 20;

/// A script's text for the audit log, without its secrets; `None` where it is too long.
pub(crate) fn kept(script: &Script) -> Option<Cow<'_, str>> {
    (script.text.len() <= KEPT).then(|| mask_secrets(&script.text))
}

/// A text literal, or NULL.
fn literal(text: Option<&str>) -> String {
    text.map_or_else(|| "NULL".to_owned(), quote_literal)
}
