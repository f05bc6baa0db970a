//! A deployment that has not ended, for whoever looks at the database meanwhile.

use serde_json::{Value, json};

use crate::deploy::Past;
use crate::render::escape_line;

/// In words. Whether somebody is at work on it is not known here.
pub(crate) fn unfinished(past: &Past) -> String {
    let by = past.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let text = format!(
        "{}, begun at {}{by}, has not ended (last `{}`): where nobody is at work on it, `cargo migrate deploy` goes on with it",
        past.run,
        past.begun_at,
        past.last.outcome()
    );
    escape_line(&text).into_owned()
}

/// The same for programs.
pub(crate) fn unfinished_json(past: &Past) -> Value {
    json!({ "run": past.run, "begun_at": past.begun_at, "by": past.by, "last": past.last.outcome() })
}
