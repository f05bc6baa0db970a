//! What one migration did, table by table.

use std::time::Duration;

use serde_json::{Value, json};

use super::statement;
use crate::rehearse::{Step, Table, Written};
use crate::render::json::milliseconds;
use crate::render::words::{bytes, count, time};
use crate::render::{Paint, escape_line};

/// Of one migration no more tables are told unasked.
const TABLES: usize = 5;
/// What one migration did, set in.
pub(super) fn human(step: &Step, paint: Paint) -> String {
    let mut text = String::new();
    let statements = statement::human(step, paint);
    let waits = |table: &&Table| table.readers.is_some() || table.writers.is_some();
    let shown: Vec<_> = step.tables.iter().filter(waits).collect();
    for table in shown.iter().take(TABLES) {
        text += &format!("  {}\n", of_table(table));
    }
    if shown.len() > TABLES {
        text += &format!("  and {} more\n", count(shown.len() - TABLES, "table"));
    }
    for (verb, list) in [("rewrote", &step.rewritten), ("built", &step.built)] {
        if !list.is_empty() {
            text += &format!("  {verb} {}\n", written(list));
        }
    }
    if step.attempts > 1 {
        text += &format!("  was tried {}\n", count(step.attempts as usize, "time"));
    }
    text += &statements;
    match text.is_empty() {
        true => text,
        false => format!("{}\n{text}", paint.bold(&escape_line(&step.stem))),
    }
}

fn of_table(table: &Table) -> String {
    let lock = format!("{} on {} for {}", table.mode.name(), escape_line(&table.name), time(table.held));
    match (who(table.readers, table.writers), table.probed) {
        (None, _) => lock,
        (Some(who), true) => format!("{lock}: {who}"),
        (Some(who), false) => {
            format!("{lock}: {} (from its locks)", who.replace("waited", "would have waited"))
        }
    }
}

/// Who waited, and for how long.
pub(super) fn who(readers: Option<Duration>, writers: Option<Duration>) -> Option<String> {
    match (readers, writers) {
        (None, None) => None,
        (Some(readers), Some(writers)) => {
            Some(format!("a reader waited {}, a writer {}", time(readers), time(writers)))
        }
        (Some(readers), None) => Some(format!("a reader waited {}", time(readers))),
        (None, Some(writers)) => Some(format!("a writer waited {}", time(writers))),
    }
}

pub(super) fn written(list: &[Written]) -> String {
    let one = |written: &Written| format!("{} ({})", escape_line(&written.name), bytes(written.bytes));
    let mut text = list.iter().take(TABLES).map(one).collect::<Vec<_>>().join(", ");
    if list.len() > TABLES {
        text += &format!(" and {} more", list.len() - TABLES);
    }
    text
}

/// The same for programs.
pub(super) fn json(step: &Step) -> Value {
    let (readers, writers) = step.waits();
    let table = |table: &Table| {
        json!({
            "table": table.name,
            "mode": table.mode.name(),
            "held_ms": milliseconds(table.held),
            "reader_wait_ms": table.readers.map(milliseconds),
            "writer_wait_ms": table.writers.map(milliseconds),
            "probed": table.probed,
        })
    };
    json!({
        "migration": step.stem,
        "direction": step.direction.name(),
        "elapsed_ms": step.elapsed.map(milliseconds),
        "attempts": step.attempts,
        "reader_wait_ms": readers.map(milliseconds),
        "writer_wait_ms": writers.map(milliseconds),
        "tables": step.tables.iter().map(table).collect::<Value>(),
        "rewritten": written_json(&step.rewritten),
        "built": written_json(&step.built),
        "wal_bytes": step.wal,
        "statements": step.statements.iter().map(statement::json).collect::<Value>(),
    })
}

pub(super) fn written_json(list: &[Written]) -> Value {
    list.iter().map(|one| json!({ "name": one.name, "bytes": one.bytes })).collect()
}
