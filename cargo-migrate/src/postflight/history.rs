//! The history as it should be after a run.

use migrate_core::{Newer, State, Version, name};
use migrate_runtime::{StatusEntry, in_one_line};
use serde_json::{Value, json};

use crate::inspection::{Check, Finding, Severity, Situation, ask};
use crate::render::view::state_name;

/// Rows that are dirty, missing, modified, unknown.
pub(crate) struct History;

impl Check for History {
    fn name(&self) -> &'static str {
        "history"
    }

    fn title(&self) -> &'static str {
        "what is recorded as applied"
    }

    fn why(&self) -> &'static str {
        "the next run, and every application that checks its migrations as it starts, goes by the history"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let status = match &situation.status {
            Ok(status) => status,
            Err(error) => {
                return Ok(vec![finding(
                    Severity::Failure,
                    format!("the history cannot be read: {}", in_one_line(error)),
                    Some(error.hint()),
                    json!({ "unreadable": in_one_line(error) }),
                )]);
            }
        };
        if !status.history_exists {
            return Ok(vec![finding(
                Severity::Warning,
                format!(
                    "there is no history table {}: nothing was applied yet",
                    situation.settings.history_table.value
                ),
                Some("cargo migrate up".to_owned()),
                json!({ "history_exists": false }),
            )]);
        }
        let newer = situation.settings.newer.as_ref().map(|newer| newer.value);
        let mut findings: Vec<_> = status.entries.iter().filter_map(|entry| of_entry(entry, newer)).collect();
        findings.extend(gone(situation, &status.entries)?);
        let pending: Vec<_> = status.entries.iter().filter(|entry| entry.state == State::Pending).collect();
        if let (Some(first), Some(last)) = (pending.first(), pending.last()) {
            let what = match pending.len() {
                1 => format!("{} is pending", first.stem),
                many => format!("{many} migrations are pending, {} to {}", first.stem, last.stem),
            };
            let stems: Value = pending.iter().map(|entry| entry.stem.as_str()).collect();
            findings.push(finding(Severity::Info, what, None, json!({ "pending": stems })));
        }
        Ok(findings)
    }
}

fn finding(severity: Severity, what: String, remedy: Option<String>, data: Value) -> Finding {
    Finding { severity, what, details: Vec::new(), remedy, data }
}

fn of_entry(entry: &StatusEntry, newer: Option<Newer>) -> Option<Finding> {
    let stem = &entry.stem;
    let (severity, what, remedy) = match entry.state {
        State::Applied | State::Pending => return None,
        State::OutOfOrder => (
            Severity::Warning,
            format!("{stem} is pending and older than what is applied"),
            "cargo migrate up --allow-out-of-order".to_owned(),
        ),
        State::Dirty => (
            Severity::Failure,
            format!("{stem} was started and not finished"),
            "cargo migrate up resumes it, or cargo migrate down takes it back".to_owned(),
        ),
        State::Modified => (
            Severity::Failure,
            format!("{stem} was modified after it was applied"),
            "git checkout the file as it was applied, or accept the new one: cargo migrate repair".to_owned(),
        ),
        State::Renamed => (
            Severity::Failure,
            format!("{stem} is recorded, and its file has another name now"),
            "give the file its name back, or record the new one: cargo migrate repair".to_owned(),
        ),
        State::Missing => (
            Severity::Failure,
            format!("{stem} is recorded, and its file is not in the folder"),
            "bring the file back, or forget the row: cargo migrate repair".to_owned(),
        ),
        State::Newer => (
            match newer {
                Some(Newer::Ok) => Severity::Info,
                Some(Newer::Refuse) => Severity::Failure,
                _ => Severity::Warning,
            },
            format!("{stem} is recorded, and newer than everything in the folder"),
            "check out the revision that has it".to_owned(),
        ),
        State::BadChecksum => (
            Severity::Failure,
            format!("{stem} is recorded with something that is no checksum"),
            "cargo migrate repair".to_owned(),
        ),
        State::Duplicate => (
            Severity::Failure,
            format!("{stem} has a number that is recorded more than once"),
            "delete the row that is wrong from the history table".to_owned(),
        ),
        _ => (
            Severity::Failure,
            format!("`{stem}` is recorded, and is no version"),
            "delete that row from the history table".to_owned(),
        ),
    };
    let data = json!({
        "migration": stem, "state": state_name(entry.state).replace(' ', "_"), "recorded_checksum": entry.recorded,
        "file_checksum": entry.found,
    });
    Some(finding(severity, what, Some(remedy), data))
}

/// What the audit log says was applied and never rolled back, and has no row in the history any more.
fn gone(situation: &Situation<'_>, entries: &[StatusEntry]) -> anyhow::Result<Vec<Finding>> {
    let table = &situation.settings.history_table.value;
    let log = table.log_quoted();
    if !ask::may_read(situation.connection, "looking for the audit log", &[&log])? {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT version, action, coalesce(message, ''), \
         to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') \
         FROM (SELECT DISTINCT ON (version) version, action, message, at, id FROM {log} \
         WHERE outcome = 'ok' AND action IN ('up', 'down', 'repair') ORDER BY version, id DESC) AS last ORDER BY id"
    );
    let lines = ask::patient(situation.connection, "reading the audit log", &sql)?;
    let number = |text: &str| name::parse_recorded(text).map(|(version, _)| version);
    let recorded: Vec<Version> = entries
        .iter()
        .filter(|entry| !matches!(entry.state, State::Pending | State::OutOfOrder))
        .filter_map(|entry| number(&entry.stem))
        .collect();
    let mut findings = Vec::new();
    for line in &lines {
        let (stem, action, message) = (line.text(0), line.text(1), line.text(2));
        // A repair that forgot a row says so.
        let applied = action == "up" || action == "repair" && !message.contains("row removed");
        if applied && number(&stem).is_some_and(|version| !recorded.contains(&version)) {
            findings.push(finding(
                Severity::Failure,
                format!("the row of {stem}, which was applied at {}, is gone from {table}", line.text(3)),
                Some(format!(
                    "somebody deleted it: `cargo migrate up` would apply {stem} again. Put the row back from a backup, or INSERT \
                     it with the checksum that `cargo migrate history` has"
                )),
                json!({ "migration": stem, "state": "row_gone", "applied_at": line.get(3) }),
            ));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::testing::{Bench, whats};

    #[test]
    fn a_history_in_order_is_silent_and_each_fault_is_told() {
        let mut bench = Bench::new();
        assert_eq!(
            whats(&bench.look(&History)),
            ["warning: there is no history table public.schema_migrations: nothing was applied yet"]
        );
        for number in 1..=6 {
            bench.migration(&format!("000{number}_m"), "SELECT 1", "SELECT 1");
        }
        bench.up();
        assert_eq!(whats(&bench.look(&History)), [""; 0]);
        bench.sql(
            "UPDATE schema_migrations SET dirty = true WHERE version = '0001_m';\
             UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE version = '0002_m';\
             UPDATE schema_migrations SET checksum = 'x' WHERE version = '0003_m';\
             UPDATE schema_migrations SET version = '0004_other' WHERE version = '0004_m';\
             DELETE FROM schema_migrations WHERE version = '0005_m';\
             INSERT INTO schema_migrations SELECT v, now(), repeat('0', 64), false FROM unnest('{0000_m,0009_m,x}'::text[]) v",
        );
        bench.migration("0010_m", "SELECT 1", "SELECT 1");
        let found: Vec<_> =
            whats(&bench.look(&History)).into_iter().map(|what| bench.without_times(&what)).collect();
        assert_eq!(
            found,
            [
                "failure: 0000_m is recorded, and its file is not in the folder",
                "failure: 0001_m was started and not finished",
                "failure: 0002_m was modified after it was applied",
                "failure: 0003_m is recorded with something that is no checksum",
                "failure: 0004_other is recorded, and its file has another name now",
                "warning: 0005_m is pending and older than what is applied",
                "failure: 0009_m is recorded, and its file is not in the folder",
                "failure: `x` is recorded, and is no version",
                "failure: the row of 0005_m, which was applied at [time], is gone from public.schema_migrations",
                "info: 0010_m is pending",
            ]
        );
    }

    #[test]
    fn what_was_rolled_back_is_not_gone() {
        let mut bench = Bench::new();
        bench.migration("0001_m", "SELECT 1", "SELECT 1");
        bench.up();
        bench.down();
        assert_eq!(whats(&bench.look(&History)), ["info: 0001_m is pending"]);
    }
}
