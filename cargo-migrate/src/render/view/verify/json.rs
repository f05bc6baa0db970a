//! What `verify` found, for programs: described in `docs/json.md`.

use migrate_runtime::core::schema::{Change, Diff};
use migrate_runtime::rehearsal::{Measured, MeasuredStatement, Relation, TableLock};
use migrate_testing::verify::{Failure, Finding, MigrationReport, Report};
use serde_json::{Value, json};

use crate::checked::Checked;
use crate::record::Record;
use crate::render::checks;
use crate::render::json::{direction, folder_problem, milliseconds, risk, with_server_error};
use crate::render::view::finding;

pub(super) fn json(checked: &Checked) -> Value {
    let folder = checked.folder.iter().flat_map(|problems| &problems.problems).map(folder_problem);
    json!({
        "passed": !checked.fails(),
        "folder_problems": folder.collect::<Value>(),
        "lock": checked.lock.as_ref().map(|error| json!({
            "message": error.to_string(), "hint": error.hint(), "fails": checked.locked,
        })),
        "base": checked.base.as_ref().map(|base| json!({
            "revision": base.rev,
            "commit": base.commit,
            "new": base.new,
            "changes": base.changes.iter().map(|change| json!({
                "kind": change.kind(), "file": checked.path(change.file()),
            })).collect::<Value>(),
        })),
        "reports": checked.reports.iter().map(|one| report(checked, one)).collect::<Value>(),
        "schema_outdated": checked.outdated.as_ref().map(objects),
        "record": checked.record.as_ref().map(record),
        "lint": checked
            .lint
            .iter()
            .map(|one| finding::json(one, checked.script(&one.file), &checked.path(&one.file)))
            .collect::<Value>(),
    })
}

fn record(record: &Record) -> Value {
    let (kind, what) = match record {
        Record::Written { lock: false, schema: false } => ("up_to_date", None),
        Record::Written { .. } => ("written", None),
        Record::Refused => ("refused", None),
        Record::ServersDiffer { what } => ("servers_differ", Some(what)),
    };
    json!({ "result": kind, "differs": what })
}

fn report(checked: &Checked, report: &Report) -> Value {
    json!({
        "server_version": report.server_version,
        "elapsed_ms": milliseconds(report.duration),
        "migrations": report.migrations.iter().map(|one| migration(checked, one)).collect::<Value>(),
        "skipped": report.skipped,
        "chain": report.chain.iter().map(|one| finding(checked, one)).collect::<Value>(),
    })
}

fn migration(checked: &Checked, migration: &MigrationReport) -> Value {
    json!({
        "migration": migration.stem,
        "irreversible": migration.irreversible,
        "findings": migration.findings.iter().map(|one| finding(checked, one)).collect::<Value>(),
        "risk": checked.risks.get(&migration.stem).map(|risks| json!({
            "up": risk(&risks.up),
            "down": migration.irreversible.is_none().then(|| risk(&risks.down)),
        })),
        "up": migration.up.as_ref().map(measured),
        "down": migration.down.as_ref().map(measured),
        "up_change": migration.up_change.as_ref().map(Diff::text),
        "down_change": migration.down_change.as_ref().map(Diff::text),
    })
}

fn finding(checked: &Checked, finding: &Finding) -> Value {
    let group = match finding {
        Finding::UndoesInAGroup { group, .. } => Some(group),
        _ => None,
    };
    let digests = match finding {
        Finding::RecordedChangeDiffers { recorded, found, .. } => Some((recorded, found)),
        _ => None,
    };
    let message = match finding {
        Finding::RunnerRefuses { message, .. } => Some(message),
        _ => None,
    };
    json!({
        "kind": finding.kind(),
        "fails": checked.is_error(finding),
        "diff": finding.diff().map(Diff::text),
        "objects": finding.diff().map(objects),
        "failure": finding.failure().map(|one| failure(checked, one)),
        "check": match finding {
            Finding::CheckFails(outcome) => checks::json(outcome, Some(&checked.dir)),
            _ => Value::Null,
        },
        "group": group,
        "message": message,
        "recorded": digests.map(|(recorded, _)| recorded.to_string()),
        "found": digests.map(|(_, found)| found.to_string()),
    })
}

/// The headings of what differs, for whoever does not want to read the text.
fn objects(diff: &Diff) -> Value {
    diff.changes.iter().map(|change| Value::from(Change::heading(change))).collect()
}

fn failure(checked: &Checked, failure: &Failure) -> Value {
    with_server_error(
        json!({
            "migration": failure.stem,
            "direction": direction(failure.direction),
            "file": checked.path(&failure.file),
            "line": failure.line,
        }),
        &failure.server,
    )
}

fn measured(measured: &Measured) -> Value {
    json!({
        "elapsed_ms": milliseconds(measured.duration),
        "statements": measured.statements.iter().map(statement).collect::<Value>(),
    })
}

fn statement(statement: &MeasuredStatement) -> Value {
    json!({
        "line": statement.line,
        "elapsed_ms": milliseconds(statement.duration),
        "locks": statement.locks.iter().map(lock).collect::<Value>(),
        "rewritten": statement.rewritten.iter().map(relation).collect::<Value>(),
        "scanned": statement.scanned.iter().map(relation).collect::<Value>(),
        "built": statement.built.iter().map(relation).collect::<Value>(),
    })
}

fn lock(lock: &TableLock) -> Value {
    json!({ "table": lock.table.name, "new": lock.table.new, "mode": lock.mode.name() })
}

fn relation(relation: &Relation) -> Value {
    json!({ "name": relation.name, "table": relation.table, "new": relation.new })
}
