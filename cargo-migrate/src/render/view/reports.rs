//! The reports of earlier runs: which there are, and one of them.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::report_outcome::{outcome, paint};
use crate::records::Report;
use crate::render::table::{Cell, Column, table};
use crate::render::{Page, Paint, View, escape, escape_line};

/// A report, and what it says, or why that cannot be read.
pub(crate) type Entry = (Report, Result<Map<String, Value>, String>);

/// Which reports there are, newest first; each with what it says, or why that cannot be read.
pub(crate) struct ReportsView {
    pub(crate) reports: Vec<Entry>,
    pub(crate) folder: PathBuf,
}

/// One report.
pub(crate) struct ShownReportView {
    pub(crate) report: Report,
    pub(crate) content: Map<String, Value>,
}

const COLUMNS: [Column<'static>; 5] = [
    Column { title: "id", goes: 0, shrinks_to: None },
    Column { title: "outcome", goes: 1, shrinks_to: Some(4) },
    Column { title: "environment", goes: 2, shrinks_to: Some(8) },
    Column { title: "database", goes: 3, shrinks_to: Some(16) },
    Column { title: "run", goes: 4, shrinks_to: None },
];

fn text<'a>(content: &'a Map<String, Value>, name: &str) -> &'a str {
    content.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl View for ReportsView {
    fn human(&self, page: Page) -> String {
        if self.reports.is_empty() {
            return format!("no reports in {}\n", escape_line(&self.folder.display().to_string()));
        }
        let row = |(report, read): &Entry| {
            let id = Cell::plain(&report.id);
            match read {
                Ok(content) => {
                    let outcome = outcome(content).unwrap_or_default();
                    vec![
                        id,
                        Cell::painted(&outcome, paint(&outcome)),
                        Cell::plain(text(content, "environment")),
                        Cell::plain(text(content, "database")),
                        Cell::plain(text(content, "run")),
                    ]
                }
                Err(why) => {
                    let why = format!("unreadable: {why}");
                    vec![
                        id,
                        Cell::painted(&why, Paint::bad),
                        Cell::plain(""),
                        Cell::plain(""),
                        Cell::plain(""),
                    ]
                }
            }
        };
        let rows: Vec<_> = self.reports.iter().map(row).collect();
        table(&COLUMNS, &rows, page.width, page.paint)
    }

    fn json(&self) -> Value {
        let entry = |(report, read): &Entry| {
            let of = |name: &str| read.as_ref().ok().and_then(|content| content.get(name).cloned());
            json!({
                "id": report.id,
                "kind": report.kind,
                "at": of("at"),
                "path": report.path.display().to_string(),
                "outcome": read.as_ref().ok().and_then(outcome),
                "environment": of("environment"),
                "database": of("database"),
                "run": of("run"),
                "unreadable": read.as_ref().err(),
            })
        };
        json!({
            "folder": self.folder.display().to_string(),
            "reports": self.reports.iter().map(entry).collect::<Value>(),
        })
    }
}

impl View for ShownReportView {
    fn is_exact(&self) -> bool {
        true
    }

    fn human(&self, page: Page) -> String {
        let of = |name: &str| text(&self.content, name);
        let mut head = format!("{} of {}", self.report.kind, of("at"));
        for (word, name) in [("environment", "environment"), ("database", "database"), ("run", "run")] {
            if !of(name).is_empty() {
                head += &format!(", {word} {}", of(name));
            }
        }
        let body = match of("text") {
            "" => {
                let result = self.content.get("result").unwrap_or(&Value::Null);
                serde_json::to_string_pretty(result).unwrap_or_default()
            }
            text => text.to_owned(),
        };
        // The file may have been written by anybody since.
        format!("{}\n\n{}\n", page.paint.faint(&escape_line(&head)), escape(body.trim_end()))
    }

    fn json(&self) -> Value {
        let mut report = self.content.clone();
        // Those are the document's own.
        report.remove("schema");
        report.insert("id".to_owned(), self.report.id.as_str().into());
        report.insert("path".to_owned(), self.report.path.display().to_string().into());
        report.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            id: "preflight-report-20261121T193059Z".into(),
            kind: "preflight".into(),
            path: "log/preflight-report-20261121T193059Z.json".into(),
        }
    }

    fn content(text: Value) -> Map<String, Value> {
        let content = json!({
            "schema": "cargo-migrate/1", "report": "preflight", "at": "2026-11-21T19:30:59.000Z", "command": "preflight",
            "run": "0123456789abcdef", "environment": "production", "database": "postgres://app@db/shop",
            "tool": "cargo-migrate 0.1.0", "result": { "passed": false }, "text": text,
        });
        content.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_report_is_read_back_as_it_was_printed() {
        let page = Page { width: None, paint: Paint::default() };
        let shown = |text: Value| ShownReportView { report: report(), content: content(text) }.human(page);
        assert_eq!(
            shown("1 failure\n  \u{1b}[2Jblocked\n".into()),
            "preflight of 2026-11-21T19:30:59.000Z, environment production, database postgres://app@db/shop, \
             run 0123456789abcdef\n\n1 failure\n  \\u{1b}[2Jblocked\n"
        );
        assert!(shown(Value::Null).ends_with("{\n  \"passed\": false\n}\n"));
        let view = ReportsView {
            reports: vec![
                (report(), Ok(content(Value::Null))),
                (report(), Err("it is not JSON: \u{1b}".to_owned())),
            ],
            folder: "log".into(),
        };
        // Whatever else goes, an id is there to be typed.
        for width in 10..120 {
            let text = view.human(Page { width: Some(width), ..page });
            assert_eq!(text.matches(&report().id).count(), 2, "{width}: {text}");
        }
        let narrow = view.human(Page { width: Some(40), ..page });
        assert!(narrow.contains("20261121T193059Z  fail…\n"), "{narrow}");
        insta::assert_snapshot!(format!(
            "{}\n{}",
            view.human(page),
            serde_json::to_string_pretty(&view.json()).unwrap()
        ));
    }
}
