//! What a rule of `lint` found, for people and for programs: the same in every verb that lints.

use migrate_core::Script;
use migrate_core::sql::LineColumn;
use serde_json::{Value, json};

use super::risk;
use crate::lint::{Finding, Level, level_name};
use crate::render::snippet::{Place, Severity};
use crate::render::{Page, escape_line};

/// At its place in the script, with what to do about it.
pub(super) fn human(finding: &Finding, script: Option<&Script>, path: &str, page: Page) -> String {
    let whole = finding.span.is_empty();
    let place = Place {
        path,
        text: script.map_or("", |script| &script.text),
        position: (!whole).then_some(finding.span.start),
        statement: (!whole).then_some((finding.span.start, finding.span.end)),
    };
    let severity = if finding.level == Level::Deny { Severity::Error } else { Severity::Warning };
    let length = (!whole).then_some(finding.span.len());
    let mut shown = place.draw(severity, &finding.message, Some(&finding.rule), length, page);
    if let Some(help) = &finding.help {
        shown += &format!("  {} {}\n", page.paint.note("help:"), escape_line(help));
    }
    shown + &risk::instead(finding.safer.as_deref(), page)
}

/// All of it; `path` is that of its file.
pub(super) fn json(finding: &Finding, script: Option<&Script>, path: &str) -> Value {
    let text = script.map_or("", |script| &script.text);
    let place = |offset| {
        let place = LineColumn::of(text, offset);
        json!({ "offset": offset, "line": place.line, "column": place.column })
    };
    let whole = finding.span.is_empty();
    json!({
        "rule": finding.rule,
        "level": level_name(finding.level),
        "migration": finding.stem,
        "file": path,
        "start": if whole { Value::Null } else { place(finding.span.start) },
        "end": if whole { Value::Null } else { place(finding.span.end) },
        "message": finding.message,
        "help": finding.help,
        "safer": finding.safer,
    })
}
