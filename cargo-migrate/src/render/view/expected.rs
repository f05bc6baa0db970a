//! What a migration should have changed, beside what it did.

use migrate_core::schema::Diff;
use serde_json::{Value, json};

use super::schema_diff::{changes, lines};
use crate::render::{Page, View, escape_line};

/// The difference from the change on a scratch database to the change that was refused.
pub(crate) struct ExpectedView {
    pub(crate) stem: String,
    /// Of the scratch server.
    pub(crate) major: u32,
    /// On the scratch database the change is not the recorded one either.
    pub(crate) stale: bool,
    pub(crate) diff: Diff,
}

impl View for ExpectedView {
    fn human(&self, page: Page) -> String {
        let (paint, stem) = (page.paint, escape_line(&self.stem));
        let scratch = format!("what `{stem}` changes on a scratch database (PostgreSQL {})", self.major);
        if self.diff.is_empty() {
            return format!(
                "{}: {scratch} is the same: the record is of something else\n",
                paint.note("note")
            );
        }
        let mut text =
            format!("{}\n{}\n", paint.bad(&format!("--- {scratch}")), paint.good("+++ what it changed here"));
        text += &lines(&self.diff, paint);
        if self.stale {
            text += &format!(
                "{}: on the scratch database it is not what is recorded either: `cargo migrate verify` tells more\n",
                paint.note("note")
            );
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "migration": self.stem,
            "server_version": self.major,
            "as_recorded": !self.stale,
            "changes": changes(&self.diff),
        })
    }
}
