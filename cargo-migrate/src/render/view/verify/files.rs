//! What is wrong before anything is run: the lock file, and files that others have applied.

use super::VerifyView;
use super::words::changed;
use crate::base::Change as FileChange;
use crate::render::{Page, escape_line};

impl VerifyView {
    pub(super) fn lock(&self, page: Page) -> String {
        let Some(error) = &self.checked.lock else { return String::new() };
        let word = self.word(self.checked.locked, page);
        let hint = page.paint.note("hint");
        format!(
            "{word}: {}\n{hint}: {}\n\n",
            super::indented(&error.to_string()),
            super::indented(&error.hint())
        )
    }

    pub(super) fn base(&self, page: Page) -> String {
        let Some(base) = &self.checked.base else { return String::new() };
        let mut text = String::new();
        for change in &base.changes {
            let what = changed(change, &base.rev);
            let what = page.paint.bold(&what);
            text += &format!("{}: {what}\n", page.paint.bad(&format!("error[{}]", change.kind())));
            let path = escape_line(&self.checked.path(change.file())).into_owned();
            text += &format!("{} {path}\n", page.paint.note("  -->"));
        }
        let out_of_order = |change: &FileChange| matches!(change, FileChange::OutOfOrder { .. });
        let hint = page.paint.note("hint");
        if base.changes.iter().any(|change| !out_of_order(change)) {
            text += &format!(
                "{hint}: whoever has applied a file is refused by its new text: put it back (`git restore -s {} FILE`), \
                 and write a new migration\n\n",
                &base.commit.get(..12).unwrap_or(&base.commit)
            );
        }
        if base.changes.iter().any(out_of_order) {
            text += &format!(
                "{hint}: where the newer one is applied, the older one is refused as out of order: give it the next free \
                 number, then run `cargo migrate lock`\n\n"
            );
        }
        text
    }
}
