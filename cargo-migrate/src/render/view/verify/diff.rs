//! How two schemas differ, line by line.

use migrate_runtime::core::schema::{Change, Diff, Fact};

use super::VerifyView;
use crate::render::words::count;
use crate::render::{Page, escape_line};

/// How many lines of a difference are shown.
const DIFF_LINES: usize = 40;

impl VerifyView {
    pub(super) fn diff(&self, diff: &Diff, page: Page) -> String {
        let lines: Vec<_> = diff.changes.iter().flat_map(lines_of).collect();
        let shown = if self.verbose { lines.len() } else { DIFF_LINES.min(lines.len()) };
        let mut text = String::new();
        for line in &lines[..shown] {
            let safe = escape_line(line);
            let painted = match line.as_bytes().first() {
                Some(b'+') => page.paint.good(&safe),
                Some(b'-') => page.paint.bad(&safe),
                Some(b'~') => page.paint.note(&safe),
                _ => safe.into_owned(),
            };
            text += &format!("    {painted}\n");
        }
        if shown < lines.len() {
            text += &format!("    … {} more; -v shows them\n", count(lines.len() - shown, "line"));
        }
        text
    }
}

/// One object of a difference, line by line; of one whose columns only moved, where they stand now.
fn lines_of(change: &Change) -> Vec<String> {
    let text = Diff { changes: vec![change.clone()] }.text();
    let mut lines: Vec<_> = text.split_terminator('\n').map(str::to_owned).collect();
    if let Change::Reordered { before, after, .. } = change {
        let names = |facts: &[String]| {
            let facts = facts.iter().map(|fact| Fact::of(fact));
            let columns = facts.filter(|fact| matches!(fact.word, "column" | "attribute"));
            let names: Vec<_> = columns.filter_map(|fact| fact.name).collect();
            names.join(", ")
        };
        lines.push(format!("~     {}; before: {}", names(after), names(before)));
    }
    lines
}
