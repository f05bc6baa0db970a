//! The difference between two schemas.

use migrate_core::schema::{Change, Diff};
use serde_json::{Value, json};

use crate::render::words::count;
use crate::render::{Page, Paint, View, escape, escape_line};

/// What has to change in one schema to make it another.
pub(crate) struct SchemaDiffView {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) diff: Diff,
}

/// The lines of a difference, in colour.
pub(crate) fn lines(diff: &Diff, paint: Paint) -> String {
    let mut text = String::new();
    for line in diff.text().split_terminator('\n') {
        let safe = escape(line);
        text += &match line.as_bytes().first() {
            Some(b'-') => paint.bad(&safe),
            Some(b'+') => paint.good(&safe),
            Some(b'~') => paint.warn(&format!("{safe}  (the same columns in another order)")),
            _ => paint.bold(&safe),
        };
        text.push('\n');
    }
    text
}

/// For programs: one entry an object.
pub(crate) fn changes(diff: &Diff) -> Value {
    let change = |change: &Change| match change {
        Change::Added(object) => {
            json!({ "object": object.heading, "change": "added", "added": object.lines })
        }
        Change::Removed(object) => {
            json!({ "object": object.heading, "change": "removed", "removed": object.lines })
        }
        Change::Changed { heading, removed, added } => {
            json!({ "object": heading, "change": "changed", "removed": removed, "added": added })
        }
        Change::Reordered { heading, before, after } => {
            json!({ "object": heading, "change": "reordered", "before": before, "after": after })
        }
        _ => json!({ "object": change.heading(), "change": "other" }),
    };
    diff.changes.iter().map(change).collect()
}

impl View for SchemaDiffView {
    fn human(&self, page: Page) -> String {
        let (from, to) = (escape_line(&self.from), escape_line(&self.to));
        if self.diff.is_empty() {
            return format!("{from} and {to} have the same schema\n");
        }
        let paint = page.paint;
        let mut text =
            format!("{}\n{}\n", paint.bad(&format!("--- {from}")), paint.good(&format!("+++ {to}")));
        text += &lines(&self.diff, paint);
        let objects = count(self.diff.changes.len(), "object");
        text += &match self.diff.is_order_only() {
            true => format!("{objects} with the same columns in another order, nothing else differs\n"),
            false => {
                format!("{objects} {}\n", if self.diff.changes.len() == 1 { "differs" } else { "differ" })
            }
        };
        text
    }

    fn json(&self) -> Value {
        json!({
            "from": self.from,
            "to": self.to,
            "same": self.diff.is_empty(),
            "order_only": self.diff.is_order_only(),
            "changes": changes(&self.diff),
        })
    }
}
