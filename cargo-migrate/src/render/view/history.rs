//! The audit log.

use migrate_core::sql::mask_text;
use migrate_runtime::LogEntry;
use serde_json::{Value, json};

use crate::render::json::milliseconds;
use crate::render::table::{Cell, Column, table};
use crate::render::words::{one_line, time};
use crate::render::{Page, Paint, View};

/// The audit log, newest last.
pub(crate) struct HistoryView {
    pub(crate) entries: Vec<LogEntry>,
    /// Not everything was asked for.
    pub(crate) filtered: bool,
    /// Which run wrote each line.
    pub(crate) with_runs: bool,
}

const COLUMNS: [Column<'static>; 9] = [
    Column { title: "at", goes: 1, shrinks_to: Some(19) },
    Column { title: "migration", goes: 0, shrinks_to: Some(16) },
    Column { title: "action", goes: 0, shrinks_to: None },
    Column { title: "outcome", goes: 0, shrinks_to: None },
    Column { title: "took", goes: 4, shrinks_to: None },
    Column { title: "by", goes: 3, shrinks_to: Some(8) },
    Column { title: "tool", goes: 5, shrinks_to: None },
    Column { title: "run", goes: 6, shrinks_to: None },
    Column { title: "message", goes: 2, shrinks_to: Some(16) },
];

/// `up`, or `statement 2/3` where one of several is meant.
fn action(entry: &LogEntry) -> String {
    match entry.statement {
        Some((number, total)) => format!("{} {number}/{total}", entry.action),
        None => entry.action.clone(),
    }
}

impl View for HistoryView {
    fn human(&self, page: Page) -> String {
        if self.entries.is_empty() {
            let text =
                if self.filtered { "no entry of the audit log fits" } else { "the audit log is empty" };
            return format!("{text}\n");
        }
        let row = |entry: &LogEntry| {
            let who = match (&entry.db_user, &entry.client) {
                (Some(user), Some(client)) => format!("{user} ({client})"),
                (one, other) => one.as_ref().or(other.as_ref()).cloned().unwrap_or_default(),
            };
            let reason = entry.reason.as_ref().map(|reason| format!("(reason: {reason})"));
            let said = [entry.sqlstate.as_deref(), entry.message.as_deref(), reason.as_deref()];
            let said = said.into_iter().flatten().collect::<Vec<_>>().join(" ");
            vec![
                Cell::plain(&entry.at),
                Cell::plain(&entry.version),
                Cell::plain(&action(entry)),
                Cell::painted(&entry.outcome, if entry.outcome == "ok" { Paint::good } else { Paint::bad }),
                Cell::plain(&entry.duration.map(time).unwrap_or_default()),
                Cell::plain(&who),
                Cell::plain(entry.tool.as_deref().unwrap_or_default()),
                Cell::plain(entry.run.as_deref().filter(|_| self.with_runs).unwrap_or_default()),
                Cell::plain(&one_line(&mask_text(&said), 200)),
            ]
        };
        let rows: Vec<_> = self.entries.iter().map(row).collect();
        let table = table(&COLUMNS, &rows, page.width, page.paint);
        let entries = if rows.len() == 1 { "entry" } else { "entries" };
        format!("{table}{} {entries}\n", rows.len())
    }

    fn json(&self) -> Value {
        let entry = |entry: &LogEntry| {
            json!({
                "id": entry.id,
                "migration": entry.version,
                "action": entry.action,
                "statement": entry.statement.map(|(number, _)| number),
                "statements_total": entry.statement.map(|(_, total)| total),
                "outcome": entry.outcome,
                "at": entry.at,
                "elapsed_ms": entry.duration.map(milliseconds),
                "db_user": entry.db_user,
                "client": entry.client,
                "tool": entry.tool,
                "sqlstate": entry.sqlstate,
                "message": entry.message.as_deref().map(mask_text),
                "reason": entry.reason.as_deref().map(mask_text),
                "checksum": entry.checksum,
                "run": entry.run,
            })
        };
        json!({ "entries": self.entries.iter().map(entry).collect::<Value>() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_log_as_a_table() {
        let entry = |id, outcome: &str, message: Option<&str>| LogEntry {
            id,
            version: "0001_create_customers".into(),
            action: "up".into(),
            outcome: outcome.into(),
            at: "2026-11-21T10:00:00Z".into(),
            duration: Some(Duration::from_millis(12)),
            db_user: Some("app".into()),
            client: Some("ci@runner-7".into()),
            tool: Some("cargo-migrate 0.1.0".into()),
            sqlstate: message.map(|_| "42P01".into()),
            message: message.map(str::to_owned),
            statement: message.map(|_| (2, 3)),
            checksum: None,
            run: Some("r1".into()),
            reason: message.map(|_| "the night is short, password=canary".into()),
        };
        let view = HistoryView {
            filtered: false,
            with_runs: true,
            entries: vec![
                entry(
                    1,
                    "failed",
                    Some("CREATE ROLE x\nPASSWORD 'canary' relation \"a\u{1b}\" does not exist"),
                ),
                entry(2, "ok", None),
            ],
        };
        let text = |width| view.human(Page { width, paint: Paint::default() });
        let shown = format!("{}\n{}\n{}", text(None), text(Some(80)), text(Some(20)));
        assert!(!shown.contains("canary") && !view.json().to_string().contains("canary"));
        insta::assert_snapshot!(shown);
        assert_eq!(
            HistoryView { entries: vec![], filtered: false, with_runs: false }
                .human(Page { width: None, paint: Paint::default() }),
            "the audit log is empty\n"
        );
    }
}
