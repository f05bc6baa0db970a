//! The seal of a manifest: a checksum of each of its fields, beside them, so that an edit is told with the field's name.
//!
//! It is no signature: who edits a manifest on purpose can seal it anew. It holds against what happens by accident: a hand
//! that slipped in an editor, a script that was meant for another file, a disk that lies.

use std::collections::BTreeMap;

use migrate_core::Checksum;
use serde_json::{Map, Value};

use super::manifest::VERSION;

/// Where it stands in the manifest.
const FIELD: &str = "seal";

/// The first version of the form that has one.
const SINCE: u64 = 2;

/// Gives a manifest its seal, and the version of the form that has one.
pub(super) fn seal(manifest: &mut Value) {
    let Some(fields) = manifest.as_object_mut() else { return };
    fields.insert("version".to_owned(), VERSION.into());
    let sums = sums(fields).into_iter().map(|(field, sum)| (field.to_owned(), sum.into()));
    let sums: Map<_, Value> = sums.collect();
    fields.insert(FIELD.to_owned(), sums.into());
}

/// What of a manifest is not as it was sealed; empty where all is, and where it is of a version that had no seals.
pub(super) fn broken(manifest: &Value) -> Vec<String> {
    let Some(fields) = manifest.as_object() else { return Vec::new() };
    let sealed = match fields.get(FIELD) {
        Some(sealed) => sealed.as_object().cloned().unwrap_or_default(),
        None if fields.get("version").and_then(Value::as_u64).is_some_and(|version| version >= SINCE) => {
            return vec![format!("`{FIELD}` is missing")];
        }
        None => return Vec::new(),
    };
    let sums = sums(fields);
    let mut broken = Vec::new();
    for (field, sum) in &sums {
        match sealed.get(*field).and_then(Value::as_str) {
            Some(before) if before == sum => {}
            Some(_) => broken.push(format!("`{field}` is not what it was")),
            None => broken.push(format!("`{field}` was added")),
        }
    }
    let gone = sealed.keys().filter(|field| !sums.contains_key(field.as_str()));
    broken.extend(gone.map(|field| format!("`{field}` is missing")));
    broken
}

/// The SHA-256 of each field's name and value.
fn sums(fields: &Map<String, Value>) -> BTreeMap<&str, String> {
    let rest = fields.iter().filter(|(field, _)| *field != FIELD);
    let sum = |(field, value): (&String, &Value)| {
        // The name is part of it: two values that were exchanged are not the same.
        let text = format!("{}:{}", Value::from(field.as_str()), canonical(value));
        Checksum::of_bytes(text.as_bytes()).to_string()
    };
    rest.map(|entry| (entry.0.as_str(), sum(entry))).collect()
}

/// The value with the keys of its objects in order and no spaces: what is only printed otherwise is the same.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().map(|(key, value)| (key, canonical(value))).collect();
            sorted.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(values) => values.iter().map(canonical).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sealed() -> Value {
        let mut value = json!({ "version": 1, "rows": { "b": 1, "a": [2, null] }, "schema_digest": "0f" });
        seal(&mut value);
        value
    }

    #[test]
    fn each_field_that_was_edited_is_named() {
        let whole = sealed();
        assert_eq!(broken(&whole), [""; 0]);
        for (pointer, value, told) in [
            ("/rows/b", json!(2), "`rows` is not what it was"),
            ("/rows/a/1", json!(0), "`rows` is not what it was"),
            ("/schema_digest", json!("00"), "`schema_digest` is not what it was"),
            ("/version", json!(1), "`version` is not what it was"),
            ("/seal/rows", json!("x"), "`rows` is not what it was"),
            ("/seal", json!("x"), "`rows` was added"),
        ] {
            let mut edited = whole.clone();
            *edited.pointer_mut(pointer).unwrap() = value;
            assert!(broken(&edited).contains(&told.to_owned()), "{pointer}: {:?}", broken(&edited));
        }
        let without = |field: &str| {
            let mut edited = whole.clone();
            edited.as_object_mut().unwrap().remove(field);
            broken(&edited)
        };
        assert_eq!(without("rows"), ["`rows` is missing"]);
        assert_eq!(without("seal"), ["`seal` is missing"]);
        let mut more = whole.clone();
        more["note"] = json!("ours");
        assert_eq!(broken(&more), ["`note` was added"]);
    }

    #[test]
    fn what_is_printed_otherwise_is_the_same_and_what_is_old_has_none() {
        let text = r#"{"schema_digest":"0f", "rows":{"a":[2,null],"b":1},"version":1}"#;
        let mut value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(broken(&value), [""; 0]);
        seal(&mut value);
        assert_eq!(value["seal"]["rows"], sealed()["seal"]["rows"]);
        // Sealed again, it is not other than before.
        let before = value.clone();
        seal(&mut value);
        assert_eq!(value, before);
    }
}
