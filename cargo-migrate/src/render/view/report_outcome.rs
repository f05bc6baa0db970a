//! How the run ended that a report is of, in a word or two.

use serde_json::{Map, Value};

use crate::render::Paint;

/// The outcome of a report: what its kind says of it in `result`; `None` where it says nothing.
pub(super) fn outcome(content: &Map<String, Value>) -> Option<String> {
    let result = content.get("result")?;
    let word = match content.get("report").and_then(Value::as_str) {
        Some("rehearse") => rehearsal(result),
        Some("restore") => restore(result)?,
        // `rolled_back`, `nothing_to_do`
        Some("deploy") => result["ending"].as_str()?,
        _ => match result["passed"].as_bool()? {
            true => "passed",
            false => "failed",
        },
    };
    Some(word.replace('_', " "))
}

/// The worst of it: what ends in another exit code than 0 comes first.
fn rehearsal(result: &Value) -> &'static str {
    if !result["failed"].is_null() {
        "failed"
    } else if result["down"]["same_schema"] == false {
        "another schema"
    } else if result["too_long"] == true {
        "too long"
    } else if result["up"].is_null() {
        "nothing pending"
    } else {
        "passed"
    }
}

fn restore(result: &Value) -> Option<&'static str> {
    match (&result["swapped"], &result["restored"]) {
        (Value::Null, Value::Null) => None,
        (Value::Null, _) => Some("restored"),
        (swapped, _) if swapped["back"] == true => Some("swapped back"),
        _ => Some("swapped"),
    }
}

/// The colour of an outcome.
pub(super) fn paint(outcome: &str) -> fn(Paint, &str) -> String {
    match outcome {
        "passed" | "done" | "restored" | "swapped" | "swapped back" => Paint::good,
        "failed" | "another schema" | "too long" | "refused" | "stopped" | "unfinished" | "rolled back"
        | "stuck" => Paint::bad,
        _ => |_, text| text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_kind_has_one() {
        let well = json!({ "failed": null, "down": { "same_schema": true }, "too_long": false, "up": {} });
        let but = |key: &str, value: Value| {
            let mut result = well.clone();
            result[key] = value;
            result
        };
        for (kind, result, expected) in [
            ("preflight", json!({ "passed": true }), Some("passed")),
            ("postflight", json!({ "passed": false }), Some("failed")),
            ("deploy", json!({ "ending": "rolled_back" }), Some("rolled back")),
            ("rehearse", well.clone(), Some("passed")),
            ("rehearse", but("down", Value::Null), Some("passed")),
            ("rehearse", but("down", json!({ "same_schema": false })), Some("another schema")),
            ("rehearse", but("too_long", true.into()), Some("too long")),
            ("rehearse", but("failed", "why".into()), Some("failed")),
            ("rehearse", but("up", Value::Null), Some("nothing pending")),
            ("restore", json!({ "restored": {}, "swapped": null }), Some("restored")),
            ("restore", json!({ "restored": {}, "swapped": { "back": false } }), Some("swapped")),
            ("restore", json!({ "restored": null, "swapped": { "back": true } }), Some("swapped back")),
            ("restore", json!({}), None),
            ("preflight", json!({ "passed": "maybe" }), None),
            ("deploy", json!([1]), None),
        ] {
            let content = json!({ "report": kind, "result": result });
            assert_eq!(outcome(content.as_object().unwrap()).as_deref(), expected, "{kind} {result}");
        }
        assert_eq!(outcome(&Map::new()), None);
    }
}
