//! Events, errors and reports as JSON: the schema `cargo-migrate/1`, described in `docs/json.md`.

use std::path::Path;
use std::time::Duration;

use migrate_core::folder::{Problem, Problems};
use migrate_core::sql::mask_text;
use migrate_core::{Direction, Warning};
use migrate_runtime::error::{Failure, ServerError};
use migrate_runtime::event::{PlannedStep, Recovery, RetryReason, Session};
use migrate_runtime::rehearsal::LockMode;
use migrate_runtime::{Error as EngineError, Event, causes};
use serde_json::{Value, json};

use super::error::{self, place_of};
use crate::risk::{Reason, Risk};

/// Milliseconds with three decimals: one number a machine can add up, fine enough for a migration of 200 µs.
pub(crate) fn milliseconds(duration: Duration) -> Value {
    let micros = u32::try_from(duration.as_micros()).map_or_else(|_| duration.as_secs_f64() * 1e6, f64::from);
    json!(micros.round() / 1000.0)
}

pub(crate) fn direction(direction: Direction) -> Value {
    direction.name().into()
}

pub(crate) fn step(step: &PlannedStep) -> Value {
    json!({
        "migration": step.stem, "direction": direction(step.direction), "transactional": step.transactional,
    })
}

pub(crate) fn warning(warning: &Warning) -> Value {
    match warning {
        Warning::Newer { versions } => json!({ "kind": "newer", "versions": versions }),
        Warning::Modified { migrations } => json!({ "kind": "modified", "versions": migrations }),
        Warning::MixedWidths { first, second } => {
            json!({ "kind": "mixed_widths", "versions": [first, second] })
        }
        Warning::OutOfOrder { pending } => json!({ "kind": "out_of_order", "versions": pending }),
        Warning::StaleBinary { files, .. } => json!({ "kind": "stale_binary", "versions": files }),
        _ => json!({ "kind": "other" }),
    }
}

/// How risky a script is.
pub(crate) fn risk(risk: &Risk) -> Value {
    let reason = |reason: &Reason| {
        json!({
            "level": reason.level.name(),
            "line": reason.line,
            "table": reason.table,
            "mode": reason.mode.map(LockMode::name),
            "bytes": reason.bytes,
            "why": reason.why,
            "safer": reason.safer,
        })
    };
    json!({
        "level": risk.level.name(),
        "reasons": risk.reasons.iter().map(reason).collect::<Value>(),
    })
}

/// Another session of the server.
pub(crate) fn session(session: &Session) -> Value {
    json!({
        "pid": session.pid,
        "application": session.application,
        "user": session.user,
        "client": session.client,
        "state": session.state,
        "transaction_age_ms": session.transaction_age.map(milliseconds),
        "query": session.query.as_deref().map(mask_text),
    })
}

fn sessions(sessions: &[Session]) -> Value {
    sessions.iter().map(session).collect()
}

/// The `done` entry that a [`Event::Finished`] stands for; `null` of any other event.
pub(crate) fn done_of_event(event: &Event) -> Value {
    match event {
        Event::Finished { stem, direction: way, elapsed, .. } => {
            json!({ "migration": stem, "direction": direction(*way), "elapsed_ms": milliseconds(*elapsed) })
        }
        _ => Value::Null,
    }
}

/// One event, with its name under `event`.
pub(crate) fn event(event: &Event) -> Value {
    match event {
        Event::Connected { database, server_version, pooled } => json!({
            "event": "connected", "database": database, "server_version": server_version, "pooled": pooled,
        }),
        Event::Warning(what) => json!({ "event": "warning", "warning": warning(what) }),
        Event::LockWaiting { waited, holder, migration, .. } => json!({
            "event": "lock_waiting", "waited_ms": milliseconds(*waited), "holder": holder.as_ref().map(session),
            "migration": migration,
        }),
        Event::LockObtained { waited } => {
            json!({ "event": "lock_obtained", "waited_ms": milliseconds(*waited) })
        }
        Event::Planned { steps } => {
            json!({ "event": "planned", "steps": steps.iter().map(step).collect::<Value>() })
        }
        Event::Started { stem, direction: way, number, total, transactional, checksum } => json!({
            "event": "started", "migration": stem, "direction": direction(*way), "number": number, "total": total,
            "transactional": transactional, "checksum": checksum.to_string(),
        }),
        Event::Running { stem, elapsed, pid, wait, blockers, progress } => json!({
            "event": "running", "migration": stem, "elapsed_ms": milliseconds(*elapsed), "pid": pid, "wait": wait,
            "blockers": sessions(blockers), "progress": progress,
        }),
        Event::StatementFinished { stem, number, total, elapsed } => json!({
            "event": "statement_finished", "migration": stem, "number": number, "total": total,
            "elapsed_ms": milliseconds(*elapsed),
        }),
        Event::Checked { stem, moment, checks, failed, elapsed } => json!({
            "event": "checked", "migration": stem, "moment": moment.name(), "checks": checks, "failed": failed,
            "elapsed_ms": milliseconds(*elapsed),
        }),
        Event::Retrying { stem, attempt, pause, reason, blockers } => json!({
            "event": "retrying", "migration": stem, "attempt": attempt, "pause_ms": milliseconds(*pause),
            "reason": retry_reason(*reason), "blockers": sessions(blockers),
        }),
        Event::Recovering { stem, how } => {
            json!({ "event": "recovering", "migration": stem, "how": recovery(how) })
        }
        Event::Finished { stem, direction: way, elapsed, checksum } => json!({
            "event": "finished", "migration": stem, "direction": direction(*way), "elapsed_ms": milliseconds(*elapsed),
            "checksum": checksum.to_string(),
        }),
        Event::Notice { stem, severity, code, message, detail, hint } => json!({
            "event": "notice", "migration": stem, "severity": severity, "sqlstate": code,
            "message": mask_text(message), "detail": detail.as_deref().map(mask_text),
            "hint": hint.as_deref().map(mask_text),
        }),
        Event::LogUnavailable { why } => json!({ "event": "log_unavailable", "why": mask_text(why) }),
        Event::LockLost => json!({ "event": "lock_lost" }),
        Event::Resolved { stem, committed } => {
            json!({ "event": "resolved", "migration": stem, "committed": committed })
        }
        _ => json!({ "event": "other" }),
    }
}

fn retry_reason(reason: RetryReason) -> &'static str {
    match reason {
        RetryReason::LockTimeout => "lock_timeout",
        RetryReason::Deadlock => "deadlock",
        RetryReason::Serialization => "serialization",
        RetryReason::OrphanRunner => "orphan_runner",
        RetryReason::SchemaChanged => "schema_changed",
        _ => "other",
    }
}

fn recovery(how: &Recovery) -> Value {
    match how {
        Recovery::Resume { statement, total } => {
            json!({ "kind": "resume", "statement": statement, "total": total })
        }
        Recovery::DropInvalidIndex { index } => json!({ "kind": "drop_invalid_index", "index": index }),
        Recovery::DownAndRetry => json!({ "kind": "down_and_retry" }),
        _ => json!({ "kind": "other" }),
    }
}

/// Why a verb failed.
pub(crate) fn error(failure: &anyhow::Error, dir: Option<&Path>) -> Value {
    let causes: Vec<_> = causes(failure.as_ref()).iter().map(|cause| mask_text(cause).into_owned()).collect();
    let mut value = json!({
        "kind": error::kind(failure),
        "message": mask_text(&failure.to_string()),
        "causes": causes,
        "hints": error::hints(failure),
    });
    let Some(object) = value.as_object_mut() else { return value };
    if let Some(problems) = failure.downcast_ref::<Problems>() {
        object.insert("problems".to_owned(), problems.problems.iter().map(folder_problem).collect());
    }
    if let Some(failure) = error::server_failure(failure) {
        object.insert("failure".to_owned(), server_failure(failure, dir));
    }
    if let Some(crate::Problem::Deploying { waited, holder }) = failure.downcast_ref() {
        object.insert("waited_ms".to_owned(), milliseconds(*waited));
        object.insert("holder".to_owned(), holder.as_deref().map(session).into());
    }
    match failure.downcast_ref() {
        Some(EngineError::LockNotObtained { waited, holder }) => {
            object.insert("waited_ms".to_owned(), milliseconds(*waited));
            object.insert("holder".to_owned(), holder.as_deref().map(session).into());
        }
        Some(EngineError::TableLock { waited, attempts, blockers, .. }) => {
            object.insert("waited_ms".to_owned(), milliseconds(*waited));
            object.insert("attempts".to_owned(), (*attempts).into());
            object.insert("blockers".to_owned(), sessions(blockers));
        }
        Some(EngineError::Interfered { stem, committed, .. }) => {
            object.insert("migration".to_owned(), stem.as_str().into());
            object.insert("committed".to_owned(), (*committed).into());
        }
        Some(EngineError::Disproved { disproof }) => {
            object.insert("migration".to_owned(), disproof.stem.as_str().into());
            object.insert("direction".to_owned(), direction(disproof.direction));
            object.insert("applied".to_owned(), disproof.applied.into());
            object.insert("recorded".to_owned(), disproof.recorded.to_string().into());
            object.insert("found".to_owned(), disproof.found.to_string().into());
            object.insert("changes".to_owned(), super::view::schema_diff::changes(&disproof.diff));
        }
        Some(EngineError::CheckFailed { stem, moment, failed, applied }) => {
            object.insert("migration".to_owned(), stem.as_str().into());
            object.insert("moment".to_owned(), moment.name().into());
            object.insert("applied".to_owned(), (*applied).into());
            let checks = failed.iter().map(|outcome| super::checks::json(outcome, dir));
            object.insert("checks".to_owned(), checks.collect());
        }
        Some(EngineError::NotRecorded { steps }) => {
            object.insert("steps".to_owned(), steps.iter().map(step).collect());
        }
        Some(EngineError::Dirty { stem, progress, invalid_indexes, .. }) => {
            object.insert("migration".to_owned(), stem.as_str().into());
            object.insert("statements_done".to_owned(), progress.map(|(done, _)| done).into());
            object.insert("statements_total".to_owned(), progress.map(|(_, total)| total).into());
            object.insert("invalid_indexes".to_owned(), invalid_indexes.as_slice().into());
        }
        Some(EngineError::Interrupted { stem, .. }) => {
            object.insert("migration".to_owned(), stem.as_deref().into());
        }
        Some(EngineError::Pending { pending }) => {
            object.insert("pending".to_owned(), pending.as_slice().into());
        }
        _ => {}
    }
    value
}

pub(crate) fn folder_problem(problem: &Problem) -> Value {
    let place = match problem {
        Problem::Script { error, .. } => Some((error.line, error.column)),
        _ => None,
    };
    json!({
        "file": problem.path().display().to_string(),
        "line": place.map(|(line, _)| line),
        "column": place.map(|(_, column)| column),
        "message": mask_text(&problem.to_string()),
        "hint": problem.hint(),
    })
}

fn server_failure(failure: &Failure, dir: Option<&Path>) -> Value {
    let path = error::path_of(failure, dir);
    let place = place_of(failure, &path).line_column();
    with_server_error(
        json!({
            "migration": failure.stem,
            "direction": direction(failure.direction),
            "file": path,
            "line": place.map(|(line, _)| line),
            "column": place.map(|(_, column)| column),
            "at_commit": failure.at_commit,
        }),
        &failure.server,
    )
}

/// An object, and what the server said.
pub(crate) fn with_server_error(mut value: Value, server: &ServerError) -> Value {
    let objects = server.object.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
    let said = json!({
        "severity": server.severity,
        "sqlstate": server.code,
        "message": mask_text(&server.message),
        "detail": server.detail.as_deref().map(mask_text),
        "hint": server.hint.as_deref().map(mask_text),
        "context": server.context.as_deref().map(mask_text),
        "object": Value::Object(objects.collect()),
    });
    if let (Some(value), Value::Object(said)) = (value.as_object_mut(), said) {
        value.extend(said);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds() {
        assert_eq!(milliseconds(Duration::from_micros(1_234_567)), json!(1234.567));
        assert_eq!(milliseconds(Duration::from_nanos(10)), json!(0.0));
        assert_eq!(milliseconds(Duration::from_secs(86_400)), json!(86_400_000.0));
    }

    #[test]
    fn events_are_one_line_each() {
        let holder =
            Session { pid: 7, query: Some("CREATE ROLE a PASSWORD 'canary'".into()), ..Session::default() };
        let events = [
            Event::Started {
                stem: "0001_a".into(),
                direction: Direction::Up,
                number: 1,
                total: 2,
                transactional: true,
                checksum: migrate_core::Checksum::of(""),
            },
            Event::LockWaiting {
                waited: Duration::from_millis(1500),
                holder: Some(holder),
                migration: Some("0001_a".into()),
            },
            Event::Notice {
                stem: None,
                severity: "NOTICE".into(),
                code: "00000".into(),
                message: "a\nb".into(),
                detail: None,
                hint: None,
            },
            Event::Recovering { stem: "0002_b".into(), how: Recovery::Resume { statement: 2, total: 3 } },
        ];
        let lines: Vec<_> = events.iter().map(|one| event(one).to_string()).collect();
        assert!(!lines.iter().any(|line| line.contains('\n') || line.contains("canary")));
        insta::assert_snapshot!(lines.join("\n"));
    }
}
