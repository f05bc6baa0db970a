//! One object of a schema.

/// One object: a table with its columns, constraints, indexes and triggers; a function; a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// The kind and the name as SQL writes it, qualified: `table public.orders`, `function public.touch(integer)`.
    pub heading: String,
    /// What is said about it, a fact each; one with line breaks in it is written over several lines.
    pub lines: Vec<String>,
}

/// Before each fact.
pub(super) const INDENT: &str = "    ";
/// Before each further line of a fact.
pub(super) const MORE: &str = "    |";

impl Object {
    /// The block of the canonical text.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.heading);
        for line in &self.lines {
            text.push_str(&fact(line));
        }
        text
    }
}

/// A fact as it is written. Only LF breaks a line: a carriage return is part of a function's text.
pub(super) fn fact(line: &str) -> String {
    let mut text = format!("{INDENT}{}", line.replace('\n', &format!("\n{MORE}")));
    text.push('\n');
    text
}
