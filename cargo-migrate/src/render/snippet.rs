//! The place in a file where the server found fault: the lines around it, with a caret under it.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use migrate_core::sql::{LineColumn, mask_secrets};

use super::escape::{escape, escape_line};
use super::ui::Page;

/// A place in a text.
pub(crate) struct Place<'a> {
    /// The file, as a person would open it.
    pub(crate) path: &'a str,
    /// Its whole text.
    pub(crate) text: &'a str,
    /// Byte offset of the fault.
    pub(crate) position: Option<usize>,
    /// Byte range of the statement.
    pub(crate) statement: Option<(usize, usize)>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Error,
    Warning,
}

/// Lines shown before and after the one with the fault.
const AROUND: usize = 2;
/// Bytes of one line shown before and after the fault: a dump can have a line of megabytes.
const OF_A_LINE: usize = 200;

impl Place<'_> {
    /// Byte offset of what is pointed at: the fault, or where the statement starts.
    pub(crate) fn offset(&self) -> Option<usize> {
        let offset = self.position.or(self.statement.map(|(start, _)| start))?;
        let offset = self.text.floor_char_boundary(offset.min(self.text.len()));
        // "at end of input" is behind the last line end: what is missing is missing where the text stops.
        let is_end = self.text[offset..].trim_ascii().is_empty();
        Some(if is_end { self.text[..offset].trim_ascii_end().len() } else { offset })
    }

    /// Line and column of what is pointed at, from 1, the column in characters as editors count.
    pub(crate) fn line_column(&self) -> Option<(usize, usize)> {
        let place = LineColumn::of(self.text, self.offset()?);
        Some((place.line, place.column))
    }

    /// The lines around it as rustc would show them, with `title` above; the title alone where no place is known.
    pub(crate) fn render(&self, title: &str, id: Option<&str>, page: Page) -> String {
        self.draw(Severity::Error, title, id, None, page)
    }

    /// The same for whatever is not an error; `length` bytes are underlined as far as they are on one line, the word
    /// that is pointed at where it is not known.
    pub(crate) fn draw(
        &self,
        severity: Severity,
        title: &str,
        id: Option<&str>,
        length: Option<usize>,
        page: Page,
    ) -> String {
        let code = id.map_or_else(String::new, |id| format!("[{}]", escape_line(id)));
        let (heading, level) = match severity {
            Severity::Error => (page.paint.bad(&format!("error{code}")), Level::ERROR),
            Severity::Warning => (page.paint.warn(&format!("warning{code}")), Level::WARNING),
        };
        let mut shown = format!("{heading}: {}\n", page.paint.bold(&escape(title)));
        let path = escape_line(self.path);
        let Some((offset, (line, column))) = self.offset().zip(self.line_column()) else {
            return shown + &format!("{} {path}\n", page.paint.note("  -->"));
        };
        let window = self.window(offset, length);
        let first = line.saturating_sub(window.before.matches('\n').count()).max(1);
        let last = first + window.lines();
        let arrow = format!("{:>width$}-->", "", width = last.to_string().len());
        shown += &format!("{} {path}:{line}:{column}\n", page.paint.note(&arrow));
        let span = window.before.len()..window.before.len() + window.at.len();
        let snippet = Snippet::source(format!("{}{}{}", window.before, window.at, window.after))
            .line_start(first)
            .fold(false)
            .annotation(AnnotationKind::Primary.span(span));
        let group = Group::with_level(level).element(snippet);
        let renderer = if page.paint.on { Renderer::styled() } else { Renderer::plain() };
        let width = page.width.unwrap_or(140).max(20);
        shown += &renderer.decor_style(DecorStyle::Ascii).term_width(width).render(&[group]);
        shown.push('\n');
        shown
    }

    /// The text around an offset, with secrets masked and controls spelled out.
    fn window(&self, offset: usize, length: Option<usize>) -> Window {
        // Masking needs whole tokens: it starts where the statement does. Without one the whole text is looked at.
        let (start, end) = match self.statement {
            Some((start, end)) if start <= offset && offset <= end && end <= self.text.len() => {
                (self.text.floor_char_boundary(start), self.text.ceil_char_boundary(end))
            }
            _ => (0, self.text.len()),
        };
        let (head, statement) = self.text.split_at(start);
        let (statement, tail) = statement.split_at(end - start);
        let masked = mask_secrets(statement).replace('\r', "\n");
        let text =
            format!("{}{masked}{}", &head[line_start(head)..], tail.split('\n').next().unwrap_or_default());
        let offset = head.len() - line_start(head)
            + if masked.len() == statement.len() {
                offset - start
            } else {
                // What stands before the fault, masked alone, is as long as it is in the masked whole, but where the
                // fault is inside a secret.
                mask_secrets(&statement[..offset - start]).len().min(masked.len())
            };
        let offset = text.floor_char_boundary(offset);

        let mut first = line_start(&text[..offset]);
        let mut lines_before = 0;
        while lines_before < AROUND && first > 0 {
            first = line_start(&text[..first - 1]);
            lines_before += 1;
        }
        let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |end| from + end);
        let mut last = line_end(offset);
        for _ in 0..AROUND {
            if last < text.len() {
                last = line_end(last + 1);
            }
        }
        let token = match length {
            Some(length) => {
                let end = text.floor_char_boundary(offset + length.min(OF_A_LINE)).max(offset);
                line_end(offset).min(end) - offset
            }
            None => token_len(&text[offset..]),
        };
        Window {
            before: shorten_lines(&text[first..offset], true),
            at: shorten_lines(&text[offset..offset + token], false),
            after: shorten_lines(&text[offset + token..last.max(offset + token)], false),
        }
    }
}

struct Window {
    before: String,
    at: String,
    after: String,
}

impl Window {
    /// How many line ends are in it.
    fn lines(&self) -> usize {
        [&self.before, &self.at, &self.after].iter().map(|text| text.matches('\n').count()).sum()
    }
}

fn line_start(text: &str) -> usize {
    text.rfind('\n').map_or(0, |end| end + 1)
}

/// How many bytes the caret underlines: a word, a quoted name or literal, or one character.
fn token_len(text: &str) -> usize {
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '.';
    let mut chars = text.chars();
    match chars.next() {
        None | Some('\n') => 0,
        Some(quote @ ('\'' | '"')) => {
            let line = text.split('\n').next().unwrap_or_default();
            line[1..].find(quote).map_or(line.len().min(1), |end| end + 2)
        }
        Some(first) if word(first) => text.find(|c| !word(c)).unwrap_or(text.len()).min(OF_A_LINE),
        Some(first) => first.len_utf8(),
    }
}

/// Controls spelled out, and of lines that are too long the end (`keep_end`) or the start kept.
fn shorten_lines(text: &str, keep_end: bool) -> String {
    let lines = text.split('\n').map(|line| {
        let shown = if line.len() <= OF_A_LINE {
            line.to_owned()
        } else if keep_end {
            format!("…{}", &line[line.ceil_char_boundary(line.len() - OF_A_LINE)..])
        } else {
            format!("{}…", &line[..line.floor_char_boundary(OF_A_LINE)])
        };
        escape(&shown).into_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Paint;

    fn shown(text: &str, position: Option<usize>, statement: Option<(usize, usize)>) -> String {
        let place = Place { path: "migrations/0001_a.up.sql", text, position, statement };
        place.render(
            "relation \"nope\" does not exist",
            Some("42P01"),
            Page { width: None, paint: Paint::default() },
        )
    }

    #[test]
    fn the_caret_stands_under_the_word() {
        let text =
            "CREATE TABLE a (id int);\n\nINSERT INTO a\n  SELECT id\n  FROM nope\n  WHERE true;\nSELECT 1;\n";
        let at = text.find("nope").unwrap();
        insta::assert_snapshot!(shown(text, Some(at), Some((26, 75))));
    }

    #[test]
    fn the_first_and_the_last_line() {
        insta::assert_snapshot!(format!(
            "{}{}",
            shown("nope", Some(0), None),
            shown("SELECT (\n", Some(9), None)
        ));
    }

    #[test]
    fn columns_are_counted_in_characters() {
        let text = "SELECT 'ü数🎉', nope;";
        let place = Place { path: "p", text, position: text.find("nope"), statement: None };
        assert_eq!(place.line_column(), Some((1, 15)));
        insta::assert_snapshot!(shown(text, text.find("nope"), None));
    }

    #[test]
    fn a_statement_without_a_position_is_pointed_at() {
        insta::assert_snapshot!(shown("SELECT 1;\n  DROP TABLE x;\n", None, Some((12, 24))));
    }

    #[test]
    fn a_file_without_a_place_is_named() {
        insta::assert_snapshot!(shown("SELECT 1", None, None));
    }

    #[test]
    fn a_line_of_a_megabyte_is_cut_around_the_fault() {
        let text = format!("SELECT {}, nope, {}", "1,".repeat(500_000), "2,".repeat(500_000));
        let shown = shown(&text, text.find("nope"), None);
        assert!(shown.len() < 2_000 && shown.contains("nope") && shown.contains("^^^^"), "{shown}");
        assert!(shown.contains(":1:1000010"), "{shown}");
    }

    #[test]
    fn hostile_text_and_secrets_do_not_come_through() {
        let text = "CREATE ROLE \u{1b}[2J\u{202e} PASSWORD 'canary' nope;";
        let shown = shown(text, text.find("nope"), None);
        assert!(!shown.contains(['\u{1b}', '\u{202e}']) && !shown.contains("canary"), "{shown}");
        assert!(shown.contains("nope") && shown.contains("^^^^"), "{shown}");
    }

    #[test]
    fn no_offset_panics() {
        let text = "SELECT 'ü',\r\n\t'数' -- 🎉\n;";
        for position in 0..=text.len() + 2 {
            for statement in [None, Some((0, text.len())), Some((4, 9)), Some((500, 600))] {
                assert!(!shown(text, Some(position), statement).is_empty());
            }
        }
    }
}
