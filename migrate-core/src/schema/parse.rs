//! A schema from its text.

use super::object::{INDENT, MORE};
use super::{Object, Schema};

/// A text that is no schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: &'static str,
}

pub(super) fn parse(text: &str) -> Result<Schema, ParseError> {
    let mut schema = Schema::default();
    let mut object: Option<Object> = None;
    // A checkout with CRLF, on Windows, is the same text; a lone CR is part of a function.
    let crlf = text.split_terminator('\n').all(|line| line.ends_with('\r'));
    let end = if crlf { "\r\n" } else { "\n" };
    let mut lines = text.split(end).zip(1..).peekable();
    if lines.next_if(|(line, _)| *line == "---").is_some() && !lines.any(|(line, _)| line == "---") {
        return Err(ParseError { line: 1, message: "the head of the snapshot does not end" });
    }
    for (line, number) in lines {
        let wrong = |message| Err(ParseError { line: number, message });
        if let Some(more) = line.strip_prefix(MORE) {
            match object.as_mut().and_then(|object| object.lines.last_mut()) {
                Some(fact) => {
                    fact.push('\n');
                    fact.push_str(more);
                }
                None => return wrong("goes on where nothing began"),
            }
        } else if let Some(fact) = line.strip_prefix(INDENT) {
            match &mut object {
                Some(object) => object.lines.push(fact.to_owned()),
                None => return wrong("belongs to no object"),
            }
        } else if line.is_empty() {
            object.take().into_iter().for_each(|object| schema.insert(object));
        } else if line.starts_with(' ') {
            return wrong("is indented by other than four blanks");
        } else {
            object.take().into_iter().for_each(|object| schema.insert(object));
            if schema.get(line).is_some() {
                return wrong("is a second object with this heading");
            }
            object = Some(Object { heading: line.to_owned(), lines: Vec::new() });
        }
    }
    object.into_iter().for_each(|object| schema.insert(object));
    Ok(schema)
}
