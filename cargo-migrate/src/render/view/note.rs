//! Remarks beside a result.

use serde_json::{Value, json};

use crate::render::{Page, View, escape_line};

/// Something that a person should know, and that changes no result.
pub(crate) enum Note {
    /// A scratch server of another major version: some definitions are printed in other words there.
    OtherMajor { database: u32, scratch: u32 },
    /// A variable that says how much is shown, and says it in words that are not known.
    UnknownLevel { variable: &'static str, said: String },
    /// How the schema is after a run could not be written down.
    SchemaNotNoted { why: String },
    /// The text that was recorded counts: the file was modified since, or is gone.
    Recorded { stem: String, modified: bool },
}

impl Note {
    fn message(&self) -> String {
        match self {
            Self::OtherMajor { database, scratch } => format!(
                "the database is on PostgreSQL {database}, and the scratch database on {scratch}: a difference may be \
                 one of the versions (install PostgreSQL {database} here to rule it out)"
            ),
            Self::UnknownLevel { variable, said } => format!(
                "{variable} is `{said}`, which says nothing here: {}",
                match *variable {
                    "RUST_LOG" => "it takes filters such as migrate=debug",
                    _ => "it takes trace, debug, info, warn and error",
                }
            ),
            Self::SchemaNotNoted { why } => {
                format!(
                    "the schema after the run could not be noted in the audit log, so `health` cannot compare it: {why}"
                )
            }
            Self::Recorded { stem, modified: true } => {
                format!("{stem} was modified after it was applied: the text that was applied counts")
            }
            Self::Recorded { stem, modified: false } => {
                format!("{stem} is not in the folder: the text in the audit log counts")
            }
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::OtherMajor { .. } => "other_major",
            Self::Recorded { .. } => "recorded_text",
            Self::UnknownLevel { .. } => "unknown_level",
            Self::SchemaNotNoted { .. } => "schema_not_noted",
        }
    }
}

impl View for Note {
    fn human(&self, page: Page) -> String {
        format!("{}: {}\n", page.paint.note("note"), escape_line(&self.message()))
    }

    fn json(&self) -> Value {
        json!({ "kind": self.kind(), "message": self.message() })
    }
}
