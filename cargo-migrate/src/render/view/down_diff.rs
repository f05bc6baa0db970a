//! A recorded down script beside the one in the file.

use migrate_core::sql::mask_secrets;
use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use crate::render::{Page, View, escape, escape_line};

/// The recorded down script of a migration, and the one in its file.
pub(crate) struct DownDiffView {
    pub(crate) stem: String,
    pub(crate) recorded: String,
    pub(crate) found: String,
}

impl View for DownDiffView {
    fn human(&self, page: Page) -> String {
        let (recorded, found) = (mask_secrets(&self.recorded), mask_secrets(&self.found));
        let diff = TextDiff::from_lines(recorded.as_ref(), found.as_ref());
        let mut text =
            format!("the down script of {} changed after it was applied:\n", escape_line(&self.stem));
        text += &format!("{}\n{}\n", page.paint.bad("  - recorded"), page.paint.good("  + in the file"));
        for group in diff.grouped_ops(3) {
            for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
                let line = escape(change.value().trim_end_matches('\n'));
                text += &match change.tag() {
                    ChangeTag::Delete => page.paint.bad(&format!("  - {line}")),
                    ChangeTag::Insert => page.paint.good(&format!("  + {line}")),
                    ChangeTag::Equal => format!("    {line}"),
                };
                text.push('\n');
            }
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "migration": self.stem, "recorded": mask_secrets(&self.recorded), "file": mask_secrets(&self.found),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Paint;

    #[test]
    fn lines_that_differ_are_marked() {
        let view = DownDiffView {
            stem: "0001_a".into(),
            recorded: "DROP INDEX i;\nDROP TABLE a;\n".into(),
            found: "DROP INDEX i;\nDROP TABLE a\u{1b} CASCADE;\n".into(),
        };
        insta::assert_snapshot!(view.human(Page { width: None, paint: Paint::default() }));
    }
}
