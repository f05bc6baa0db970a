//! The records of this machine, line by line.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::records::Lines;
use crate::render::table::{Cell, Column, table};
use crate::render::words::{count, one_line, time};
use crate::render::{Page, Paint, View, escape_line};

/// Lines of `migrations.jsonl`, newest last.
pub(crate) struct LinesView {
    pub(crate) lines: Lines,
    pub(crate) folder: PathBuf,
}

const COLUMNS: [Column<'static>; 8] = [
    Column { title: "at", goes: 1, shrinks_to: Some(19) },
    Column { title: "level", goes: 3, shrinks_to: None },
    Column { title: "command", goes: 5, shrinks_to: None },
    Column { title: "migration", goes: 6, shrinks_to: Some(16) },
    Column { title: "event", goes: 2, shrinks_to: None },
    Column { title: "took", goes: 4, shrinks_to: None },
    Column { title: "run", goes: 7, shrinks_to: None },
    Column { title: "message", goes: 0, shrinks_to: Some(16) },
];

impl View for LinesView {
    fn human(&self, page: Page) -> String {
        let folder = self.folder.display().to_string();
        let folder = escape_line(&folder);
        if self.lines.files == 0 {
            return format!("no records in {folder}\n");
        }
        let row = |line: &Map<String, Value>| {
            let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
            let took = line.get("duration_ms").and_then(Value::as_f64);
            let took = took.and_then(|took| Duration::try_from_secs_f64(took / 1000.0).ok());
            let paint = match text("level") {
                "error" => Paint::bad,
                "warn" => Paint::warn,
                "debug" => Paint::faint,
                _ => |_: Paint, text: &str| text.to_owned(),
            };
            vec![
                Cell::plain(text("timestamp")),
                Cell::painted(text("level"), paint),
                Cell::plain(text("command")),
                Cell::plain(text("version")),
                Cell::plain(text("event")),
                Cell::plain(&took.map(time).unwrap_or_default()),
                Cell::plain(text("run")),
                Cell::plain(&one_line(text("message"), 200)),
            ]
        };
        let rows: Vec<_> = self.lines.lines.iter().map(row).collect();
        let mut shown =
            if rows.is_empty() { String::new() } else { table(&COLUMNS, &rows, page.width, page.paint) };
        shown += &format!("{} of {folder}\n", count(rows.len(), "line"));
        if self.lines.unreadable > 0 {
            let unreadable = count(self.lines.unreadable, "line");
            shown += &format!("{}: {unreadable} could not be read\n", page.paint.warn("warning"));
        }
        shown
    }

    fn json(&self) -> Value {
        json!({
            "folder": self.folder.display().to_string(),
            "unreadable": self.lines.unreadable,
            "lines": self.lines.lines,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_a_table() {
        let line = |level: &str, message: &str| {
            let line = json!({
                "timestamp": "2026-11-21T19:30:59.123Z", "level": level, "event": "finished", "message": message,
                "version": "0001_a", "duration_ms": 1340.5, "command": "up", "run": "0123456789abcdef",
            });
            line.as_object().cloned().unwrap_or_default()
        };
        let lines = vec![line("info", "applied 0001_a"), line("error", "two\nlines \u{1b}[2J")];
        let view = LinesView { lines: Lines { lines, unreadable: 1, files: 2 }, folder: "log".into() };
        let text = |width| view.human(Page { width, paint: Paint::default() });
        insta::assert_snapshot!(format!("{}\n{}", text(None), text(Some(60))));
        let none = LinesView { lines: Lines::default(), folder: "log".into() };
        assert_eq!(none.human(Page { width: None, paint: Paint::default() }), "no records in log\n");
    }
}
