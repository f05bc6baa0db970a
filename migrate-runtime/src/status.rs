//! Reading verbs: what the history says. They write nothing, need only SELECT, and work on a standby.

use std::collections::HashMap;
use std::time::Duration;

use migrate_core::standing::standings;
use migrate_core::{Row, Set};

use crate::report::{LogEntry, Status, StatusEntry};
use crate::run::Runner;
use crate::{Error, LogFilter, history};

impl Runner<'_> {
    /// What the history says about the set.
    pub async fn status(&self, set: &Set) -> Result<Status, Error> {
        let rows = self.read().await?;
        let logged = self.logged().await?;
        Ok(Status {
            database: self.database.to_string(),
            history_exists: self.probe.history.is_some(),
            entries: entries(set, &rows, &logged),
        })
    }

    /// The last `up` of each version, where there is an audit log that we may read.
    async fn logged(&self) -> Result<HashMap<String, Logged>, Error> {
        if !self.readable_log().await? {
            return Ok(HashMap::new());
        }
        let sql = format!(
            "SELECT DISTINCT ON (version) version, duration_ms, db_user, client, down_sql IS NOT NULL FROM {} \
             WHERE action = 'up' AND outcome = 'ok' ORDER BY version, id DESC",
            self.log_source()
        );
        let rows = self.work.ask("reading the audit log", &sql).await?;
        Ok(rows
            .iter()
            .map(|row| {
                let by = match (row.owned(2), row.owned(3)) {
                    (Some(user), Some(client)) => Some(format!("{user} ({client})")),
                    (user, _) => user,
                };
                (row.text(0), Logged { duration: milliseconds(row.number(1)), by, has_down: row.is_true(4) })
            })
            .collect())
    }

    pub async fn readable_log(&self) -> Result<bool, Error> {
        if !self.probe.log_exists {
            return Ok(false);
        }
        let log = crate::history_table::quote_literal(&self.settings.history.log_quoted());
        let sql = format!("SELECT pg_catalog.has_table_privilege(to_regclass({log}), 'SELECT')");
        let rows = self.work.ask("reading the audit log", &sql).await?;
        Ok(rows.first().is_some_and(|row| row.is_true(0)))
    }

    /// The audit log, oldest first; `limit` keeps the newest lines.
    pub async fn log_entries(
        &self,
        filter: &LogFilter,
        limit: Option<usize>,
    ) -> Result<Vec<LogEntry>, Error> {
        if let Some(shape) = &self.probe.history {
            history::recognise(&self.settings.history, shape)?;
        }
        if !self.probe.log_exists {
            return Ok(vec![]);
        }
        self.log_lines(&filter.sql(), limit).await
    }

    /// The lines of the audit log that a WHERE keeps, oldest first; `limit` keeps the newest. It has to be there.
    pub async fn log_lines(&self, filter: &str, limit: Option<usize>) -> Result<Vec<LogEntry>, Error> {
        let sql = format!(
            "SELECT * FROM (SELECT id, version, action, outcome, \
             to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), duration_ms, db_user, client, tool, \
             sqlstate, message, statement, statements, checksum, run, reason FROM {} {filter} ORDER BY id DESC {}) \
             AS newest ORDER BY id",
            self.log_source(),
            limit.map_or_else(String::new, |limit| format!("LIMIT {limit}"))
        );
        let rows = self.work.ask("reading the audit log", &sql).await?;
        Ok(rows
            .iter()
            .map(|row| LogEntry {
                id: row.number(0).unwrap_or_default(),
                version: row.text(1),
                action: row.text(2),
                outcome: row.text(3),
                at: row.text(4),
                duration: milliseconds(row.number(5)),
                db_user: row.owned(6),
                client: row.owned(7),
                tool: row.owned(8),
                sqlstate: row.owned(9),
                message: row.owned(10),
                statement: row.number(11).zip(row.number(12)),
                checksum: row.owned(13),
                run: row.owned(14),
                reason: row.owned(15),
            })
            .collect())
    }
}

#[derive(Default)]
struct Logged {
    duration: Option<Duration>,
    by: Option<String>,
    has_down: bool,
}

fn milliseconds(value: Option<f64>) -> Option<Duration> {
    Duration::try_from_secs_f64(value?.max(0.0) / 1000.0).ok()
}

fn entries(set: &Set, rows: &[Row], logged: &HashMap<String, Logged>) -> Vec<StatusEntry> {
    standings(set, rows)
        .into_iter()
        .map(|standing| {
            let log = standing.row.and_then(|row| logged.get(&row.version));
            StatusEntry {
                stem: standing.stem().to_owned(),
                state: standing.state,
                applied_at: standing.row.map(|row| row.applied_at.clone()),
                duration: log.and_then(|log| log.duration),
                by: log.and_then(|log| log.by.clone()),
                recorded: standing.row.and_then(|row| row.checksum.clone()),
                found: standing.migration.map(|migration| migration.up.checksum.to_string()),
                reversible: log.is_some_and(|log| log.has_down)
                    || standing.migration.is_some_and(|migration| migration.down.is_some()),
            }
        })
        .collect()
}
