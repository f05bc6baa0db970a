//! A result that is a text of its own: a completion script, a manual page.

use serde_json::{Value, json};

use crate::render::{Page, View};

/// A text for another program.
pub(crate) struct TextView(pub(crate) String);

impl View for TextView {
    fn is_exact(&self) -> bool {
        true
    }

    fn human(&self, _: Page) -> String {
        self.0.clone()
    }

    fn json(&self) -> Value {
        json!({ "text": self.0 })
    }
}
