//! What the migrations did to a workload.

use migrate_core::Direction;
use serde_json::{Value, json};

use crate::rehearse::{Latency, LoadReport, Phase};
use crate::render::json::milliseconds;
use crate::render::table::{Cell, Column, table};
use crate::render::words::{count, time};
use crate::render::{Page, escape_line};

/// Of a workload no more errors are told.
const ERRORS: usize = 10;

pub(super) fn human(load: &LoadReport, page: Page) -> String {
    let paint = page.paint;
    let mut text =
        format!("{} {} of {}\n", paint.bold("load:"), count(load.clients, "client"), escape_line(&load.file));
    let columns = ["", "statements", "half within", "95 % within", "longest"].map(|title| Column {
        title,
        goes: 0,
        shrinks_to: None,
    });
    let phases = [("before", Phase::Before), ("applying", Phase::Up), ("rolling back", Phase::Down)];
    let rows: Vec<Vec<Cell>> = phases
        .into_iter()
        .filter(|(_, phase)| load.latency[*phase as usize].count() > 0)
        .map(|(name, phase)| {
            let latency = &load.latency[phase as usize];
            let within = |percent| latency.percentile(percent).map_or_else(String::new, time);
            let cells = [latency.count().to_string(), within(50), within(95), time(latency.max())];
            std::iter::once(Cell::plain(name)).chain(cells.iter().map(|cell| Cell::plain(cell))).collect()
        })
        .collect();
    if !rows.is_empty() {
        text += &table(&columns, &rows, page.width, paint);
    }
    if load.errors.is_empty() {
        return text + "no statement failed\n";
    }
    let failed = usize::try_from(load.failed()).unwrap_or(usize::MAX);
    let deadlocks = match load.deadlocks() {
        0 => String::new(),
        number => format!(", {} of them in deadlocks", number),
    };
    text += &format!("{}{deadlocks}\n", paint.warn(&format!("{} failed", count(failed, "statement"))));
    for error in load.errors.iter().take(ERRORS) {
        let of =
            format!("{}:{}: {} times {}: {}", load.file, error.line, error.count, error.code, error.message);
        text += &format!("  {}\n", escape_line(&of));
    }
    if load.errors.len() > ERRORS {
        text += &format!("  and {} more\n", count(load.errors.len() - ERRORS, "kind"));
    }
    text
}

/// The same for programs.
pub(super) fn json(load: &LoadReport) -> Value {
    let latency = |phase: Phase| {
        let latency: &Latency = &load.latency[phase as usize];
        json!({
            "statements": latency.count(),
            "p50_ms": latency.percentile(50).map(milliseconds),
            "p95_ms": latency.percentile(95).map(milliseconds),
            "max_ms": milliseconds(latency.max()),
        })
    };
    let errors = load.errors.iter().map(|error| {
        let phase = match error.phase {
            Phase::Before => "before",
            Phase::Up => Direction::Up.name(),
            Phase::Down => Direction::Down.name(),
        };
        json!({
            "sqlstate": error.code,
            "line": error.line,
            "count": error.count,
            "first": error.message,
            "phase": phase,
        })
    });
    json!({
        "file": load.file,
        "clients": load.clients,
        "before": latency(Phase::Before),
        "up": latency(Phase::Up),
        "down": latency(Phase::Down),
        "errors": errors.collect::<Value>(),
        "deadlocks": load.deadlocks(),
    })
}
