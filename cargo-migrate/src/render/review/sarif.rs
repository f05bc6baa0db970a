//! SARIF 2.1.0, for code scanning: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use std::collections::BTreeMap;

use migrate_core::Checksum;
use migrate_core::sql::mask_text;
use serde_json::{Map, Value, json};

use super::{Note, NoteLevel, Review};
use crate::render::escape::{escape, escape_json};

/// Where the rules are explained.
const HELP: &str = "https://github.com/cargo-migrate/cargo-migrate/blob/main/docs";

impl Review {
    /// One run of one tool.
    pub(crate) fn sarif(&self) -> String {
        // Rules by name; a rule's level is the most serious that it was found at.
        let mut rules: BTreeMap<&str, NoteLevel> = BTreeMap::new();
        for note in &self.notes {
            let level = rules.entry(&note.rule).or_insert(note.level);
            *level = note.level.min(*level);
        }
        let page = if self.verb == "lint" { "lint.md" } else { "ci.md" };
        let described: Vec<_> = rules
            .iter()
            .map(|(rule, severity)| {
                json!({
                    "id": rule,
                    "shortDescription": { "text": rule.replace('-', " ") },
                    "helpUri": format!("{HELP}/{page}"),
                    "defaultConfiguration": { "level": level(*severity) },
                })
            })
            .collect();
        let results: Vec<_> = self
            .notes
            .iter()
            .map(|note| self.result(note, rules.keys().position(|rule| *rule == note.rule)))
            .collect();
        let document = json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": { "driver": {
                    "name": "cargo-migrate",
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "informationUri": env!("CARGO_PKG_REPOSITORY"),
                    "rules": described,
                }},
                // One category a verb: else GitHub takes the second upload of a commit for the first one's successor.
                "automationDetails": { "id": format!("cargo-migrate/{}/", self.verb) },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": { "SRCROOT": { "description": { "text": "the root of the repository" } } },
                "results": results,
            }],
        });
        // A document of a value tree cannot fail to be written.
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        format!("{}\n", escape_json(&text))
    }

    fn result(&self, note: &Note, rule: Option<usize>) -> Value {
        let mut message = mask_text(&note.message).into_owned();
        for more in [&note.help, &note.diff, &note.safer].into_iter().flatten() {
            message.push_str("\n\n");
            message.push_str(mask_text(more).trim_end());
        }
        let mut result = Map::new();
        result.insert("ruleId".to_owned(), note.rule.as_str().into());
        result.insert("ruleIndex".to_owned(), rule.into());
        result.insert("level".to_owned(), level(note.level).into());
        result.insert("message".to_owned(), json!({ "text": escape(&message) }));
        // GitHub shows no result without a place: what is about the whole folder stands at the first of its files.
        let file = note.file.clone().or_else(|| {
            let way = self.migrations.first()?.ways.first()?;
            Some(way.file.clone())
        });
        if let Some(file) = file {
            let mut physical = json!({
                "artifactLocation": { "uri": uri(&self.path(&file)), "uriBaseId": "SRCROOT" },
            });
            // The whole file is its first line: GitHub wants a region.
            physical["region"] = match note.place {
                Some(place) => json!({
                    "startLine": place.line, "startColumn": place.column,
                    "endLine": place.end_line, "endColumn": place.end_column,
                }),
                None => json!({ "startLine": 1 }),
            };
            result.insert("locations".to_owned(), json!([{ "physicalLocation": physical }]));
        }
        // What a finding is, wherever it moves to in the file.
        let identity =
            [&note.rule, note.file.as_ref().or(note.stem.as_ref()).unwrap_or(&note.rule), &note.message];
        let print = Checksum::of(&identity.map(String::as_str).join("\n")).to_string();
        result.insert("partialFingerprints".to_owned(), json!({ "cargoMigrate/v1": print }));
        result.into()
    }
}

fn level(level: NoteLevel) -> &'static str {
    match level {
        NoteLevel::Error => "error",
        NoteLevel::Warning => "warning",
        NoteLevel::Remark => "note",
    }
}

/// A relative reference of RFC 3986: every byte that is not unreserved or a slash is written as `%XX`.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(byte.into())
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference() {
        assert_eq!(uri("apps/my shop/0001_ä:b.up.sql"), "apps/my%20shop/0001_%C3%A4%3Ab.up.sql");
    }
}
