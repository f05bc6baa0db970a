//! How risky migrations are, for people and for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::checked::Risks;
use crate::render::table::Cell;
use crate::render::{Page, Paint, escape, escape_line, json as structured};
use crate::risk::RiskLevel;

/// The level in a table.
pub(super) fn cell(level: RiskLevel) -> Cell {
    Cell::painted(level.name(), paint(level))
}

fn paint(level: RiskLevel) -> fn(Paint, &str) -> String {
    match level {
        RiskLevel::Low => Paint::faint,
        RiskLevel::Medium => Paint::note,
        RiskLevel::High => Paint::warn,
        RiskLevel::Critical => Paint::bad,
    }
}

/// What is more than a low risk, with its reasons; with `safer` also what to write instead.
pub(super) fn human(risks: &BTreeMap<String, Risks>, safer: bool, page: Page) -> String {
    let mut text = String::new();
    for (stem, risks) in risks {
        for (half, risk) in [("up", &risks.up), ("down", &risks.down)] {
            for reason in risk.reasons.iter().filter(|reason| reason.level > RiskLevel::Low) {
                let level = paint(reason.level)(page.paint, &format!("{} risk", reason.level.name()));
                let file = format!("{}.{half}.sql:{}", escape_line(stem), reason.line);
                text += &format!("{level}: {file}: {}\n", escape_line(&reason.why));
                let Some(script) = reason.safer.as_ref().filter(|_| safer) else { continue };
                text += &format!("  {}\n", page.paint.note("instead:"));
                for line in script.trim_end().split('\n') {
                    text += format!("    {}", escape(line)).trim_end();
                    text.push('\n');
                }
            }
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Of all of them.
pub(super) fn json(risks: &BTreeMap<String, Risks>) -> Value {
    let one = |(stem, risks): (&String, &Risks)| json!({ "migration": stem, "up": structured::risk(&risks.up), "down": structured::risk(&risks.down) });
    risks.iter().map(one).collect()
}
