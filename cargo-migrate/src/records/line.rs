//! One line of `migrations.jsonl`: the fields that every line has, and the rest of an event in `data`.

use migrate_core::sql::mask_text;
use serde_json::{Map, Value, json};

use super::{Level, Run};
use crate::render::{SCHEMA, escape_json};

/// A line, with its end. `fields` is the event as `--format json` has it.
pub(super) fn line(run: &Run, time: &str, level: Level, event: &str, fields: Value) -> String {
    let mut data = match fields {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        other => Map::from_iter([("value".to_owned(), other)]),
    };
    data.remove("event");
    data.remove("schema");
    let mut take = |name: &str| data.shift_remove(name).unwrap_or(Value::Null);
    let (message, version, checksum, elapsed) =
        (take("message"), take("migration"), take("checksum"), take("elapsed_ms"));
    let kind = match take("direction") {
        Value::Null => take("kind"),
        direction => direction,
    };
    let mut line = json!({
        "schema": SCHEMA,
        "timestamp": time,
        "level": level.name(),
        "event": event,
        "message": message,
        "version": version,
        "type": kind,
        "checksum": checksum,
        "duration_ms": elapsed,
        "command": run.command,
        "run": run.name,
        "environment": run.environment,
        "database": run.database,
        "pid": std::process::id(),
        "tool": TOOL,
    });
    if let (Some(line), false) = (line.as_object_mut(), data.is_empty()) {
        line.insert("data".to_owned(), data.into());
    }
    mask(&mut line);
    format!("{}\n", escape_json(&line.to_string()))
}

/// Who wrote it; also in the audit log, and the `application_name` of connections.
pub(crate) const TOOL: &str = concat!("cargo-migrate ", env!("CARGO_PKG_VERSION"));

/// Replaces the passwords in all texts by `***`.
pub(crate) fn mask(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(masked) = mask_text(text) {
                *text = masked;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(mask),
        Value::Object(fields) => fields.values_mut().for_each(mask),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run() -> Run {
        Run {
            name: "0123456789abcdef".into(),
            command: "up".into(),
            environment: Some("production".into()),
            database: Some("postgres://app@db/shop".into()),
        }
    }

    #[test]
    fn every_line_has_the_same_fields_first() {
        let fields = json!({
            "event": "finished", "migration": "0001_a", "direction": "up", "elapsed_ms": 1.5, "checksum": "ab",
            "message": "applied 0001_a", "more": [1],
        });
        let text = line(&run(), "2026-11-21T19:30:59.123Z", Level::Info, "finished", fields);
        let pid = std::process::id();
        assert_eq!(
            text,
            format!(
                "{{\"schema\":\"cargo-migrate/1\",\"timestamp\":\"2026-11-21T19:30:59.123Z\",\"level\":\"info\",\
                 \"event\":\"finished\",\"message\":\"applied 0001_a\",\"version\":\"0001_a\",\"type\":\"up\",\
                 \"checksum\":\"ab\",\"duration_ms\":1.5,\"command\":\"up\",\"run\":\"0123456789abcdef\",\
                 \"environment\":\"production\",\"database\":\"postgres://app@db/shop\",\"pid\":{pid},\
                 \"tool\":\"{TOOL}\",\"data\":{{\"more\":[1]}}}}\n"
            )
        );
    }

    #[test]
    fn no_secret_and_no_line_end_is_in_it() {
        let fields = json!({
            "message": "failed: ALTER ROLE a PASSWORD 'canary'\u{1b}[2J\nline",
            "deep": [{ "url": "postgres://u:canary@h/d", "why": "password=canary" }],
        });
        let text = line(&run(), "t", Level::Error, "x", fields);
        assert!(!text.contains("canary") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(text.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["message"], "failed: ALTER ROLE a PASSWORD '***'\u{1b}[2J\nline");
    }
}
