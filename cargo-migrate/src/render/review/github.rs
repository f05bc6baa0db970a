//! Annotations of GitHub Actions: one workflow command a note.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>; the escapes are those of
//! `@actions/core`, `command.ts`.

use migrate_core::sql::mask_text;

use super::{NoteLevel, Review};
use crate::render::escape::escape;

impl Review {
    /// One line a note, for the log of a job.
    pub(crate) fn github(&self) -> String {
        self.notes.iter().map(|note| self.annotation(note)).collect()
    }

    fn annotation(&self, note: &super::Note) -> String {
        let command = match note.level {
            NoteLevel::Error => "error",
            NoteLevel::Warning => "warning",
            NoteLevel::Remark => "notice",
        };
        let mut properties = Vec::new();
        if let Some(file) = &note.file {
            properties.push(("file", self.path(file)));
        }
        if let Some(place) = note.place {
            properties.push(("line", place.line.to_string()));
            properties.push(("endLine", place.end_line.to_string()));
            // Columns of a range over several lines are refused.
            if place.line == place.end_line {
                properties.push(("col", place.column.to_string()));
                properties.push(("endColumn", place.end_column.to_string()));
            }
        }
        let title = match &note.stem {
            Some(stem) => format!("{}: {stem}", note.rule),
            None => note.rule.clone(),
        };
        properties.push(("title", title));
        let properties: Vec<_> =
            properties.iter().map(|(name, value)| format!("{name}={}", property(value))).collect();
        let mut message = mask_text(&note.message).into_owned();
        for more in [&note.help, &note.diff, &note.safer].into_iter().flatten() {
            message.push('\n');
            message.push_str(mask_text(more).trim_end());
        }
        format!("::{command} {}::{}\n", properties.join(","), data(&message))
    }
}

/// What stands behind the last `::`.
fn data(text: &str) -> String {
    // A line feed is one in the annotation; what hides would hide in the log.
    escape(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::review::Note;

    #[test]
    fn a_hostile_text_stays_in_its_annotation() {
        let mut note =
            Note::new("r,u:l%e", NoteLevel::Error, "50% off\r\n::error::no\n\u{1b}[2J PASSWORD 'canary'");
        note.file = Some("a,b:c.up.sql".to_owned());
        let review = Review { folder: "x y".to_owned(), notes: vec![note], ..Review::default() };
        assert_eq!(
            review.github(),
            "::error file=x y/a%2Cb%3Ac.up.sql,title=r%2Cu%3Al%25e::50%25 off\\r%0A::error::no%0A\\u{1b}[2J PASSWORD '***'\n"
        );
    }
}
