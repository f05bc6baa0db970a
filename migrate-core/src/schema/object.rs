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

    /// An object from its block, as [`Object::text`] writes it; `None` for what is none.
    pub fn from_text(text: &str) -> Option<Self> {
        let (heading, mut rest) = text.split_once('\n')?;
        let mut lines: Vec<String> = Vec::new();
        while let Some((line, after)) = rest.split_once('\n') {
            if let Some(more) = line.strip_prefix(MORE) {
                let last = lines.last_mut()?;
                last.push('\n');
                last.push_str(more);
            } else {
                lines.push(line.strip_prefix(INDENT)?.to_owned());
            }
            rest = after;
        }
        (rest.is_empty() && !heading.is_empty()).then(|| Self { heading: heading.to_owned(), lines })
    }
}

/// A fact as it is written. Only LF breaks a line: a carriage return is part of a function's text.
pub(super) fn fact(line: &str) -> String {
    let mut text = format!("{INDENT}{}", line.replace('\n', &format!("\n{MORE}")));
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_back() {
        let object = Object {
            heading: "view public.v".to_owned(),
            lines: vec!["definition\n SELECT 1;\n\n    | x\r".to_owned(), "owner o".to_owned()],
        };
        assert_eq!(Object::from_text(&object.text()), Some(object));
        for text in ["", "a", "a\nb\n", "a\n    |b\n", "a\n    b"] {
            assert_eq!(Object::from_text(text), None, "{text:?}");
        }
    }
}
