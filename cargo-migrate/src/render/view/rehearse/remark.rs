//! What is told on the way.

use serde_json::{Value, json};

use crate::rehearse::Remark;
use crate::render::words::{bytes, count};
use crate::render::{Page, View, escape_line};

/// What a person should know about the server that was given.
pub(crate) struct RehearseRemark(pub(crate) Remark);

/// How far loading the backup is, for the live line.
pub(crate) fn restoring(id: &str, done: u64, whole: u64) -> String {
    // The copy need not come to the size of its original: what is empty in that is not copied.
    let percent = (done.saturating_mul(100) / whole.max(1)).min(99);
    format!("loading {} ({percent} %, {} of {})", escape_line(id), bytes(done), bytes(whole))
}

impl RehearseRemark {
    fn message(&self) -> String {
        match &self.0 {
            Remark::LeftBehind { names } => format!(
                "earlier rehearsals left {} there: {}; drop what nobody needs with DROP DATABASE",
                count(names.len(), "database"),
                names.join(", ")
            ),
            Remark::SameServer => {
                "this is the server that the backup is of: whoever uses it will notice the rehearsal"
                    .to_owned()
            }
        }
    }
}

impl View for RehearseRemark {
    fn human(&self, page: Page) -> String {
        format!("{}: {}\n", page.paint.note("note"), escape_line(&self.message()))
    }

    fn json(&self) -> Value {
        match &self.0 {
            Remark::LeftBehind { names } => {
                json!({ "kind": "left_behind", "message": self.message(), "databases": names })
            }
            Remark::SameServer => json!({ "kind": "same_server", "message": self.message() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loading_is_never_done_before_it_is() {
        assert_eq!(restoring("b", 60 << 20, 100 << 20), "loading b (60 %, 60 MB of 100 MB)");
        assert!(restoring("b", 200, 100).contains("(99 %"));
        assert!(restoring("b", 0, 0).contains("(0 %"));
    }
}
