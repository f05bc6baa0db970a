//! Names of tables, indexes and whatever else has one: as a script writes them, and as they are compared.

use std::fmt;

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::quote::quote_ident;

/// A name as PostgreSQL stores it, with the schema where one was written. It is shown as SQL writes it, with quotes where it
/// needs them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Name {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl Name {
    /// The first name under a node, whatever kind of reference it is.
    pub(crate) fn of(node: &impl AstNode) -> Option<Self> {
        Self::under(node.syntax())
    }

    pub(super) fn under(node: &SyntaxNode) -> Option<Self> {
        node.descendants().find_map(|node| {
            if let Some(path) = ast::PathRef::cast(node.clone()) {
                let schema = path.qualifier().and_then(|path| path.segment()).map(|part| part.text());
                return Some(Self { schema, name: path.segment()?.text() });
            }
            let path = ast::Path::cast(node)?;
            let schema = path.qualifier().and_then(|path| path.segment()).map(|part| part.text());
            Some(Self { schema, name: path.segment()?.text() })
        })
    }

    /// Another relation in the same schema, as an index is in its table's.
    pub(super) fn sibling(&self, name: String) -> Self {
        Self { schema: self.schema.clone(), name }
    }

    /// As SQL writes it qualified: `public."Orders"`. `None` where the quotes do not close.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            let (part, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted_rest(quoted)?,
                None => {
                    let end = rest.find('.').unwrap_or(rest.len());
                    (rest[..end].to_owned(), &rest[end..])
                }
            };
            parts.push(part);
            match after.strip_prefix('.') {
                Some(more) => rest = more,
                None => break,
            }
        }
        let name = parts.pop()?;
        Some(Self { schema: parts.pop(), name })
    }

    /// Whether both can mean the same thing. A name without a schema is found along a search path that the text does
    /// not show, so it fits any.
    pub(crate) fn fits(&self, other: &Self) -> bool {
        self.name == other.name
            && match (&self.schema, &other.schema) {
                (Some(one), Some(other)) => one == other,
                _ => true,
            }
    }

    /// For a sentence: without quotes.
    pub(crate) fn bare(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{schema}.{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The schema, where one is written.
    pub(crate) fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The name alone, without its schema.
    pub(crate) fn last(&self) -> &str {
        &self.name
    }
}

/// An identifier whose opening quote was read, and what follows its closing one; `None` where there is none.
pub(crate) fn quoted_rest(quoted: &str) -> Option<(String, &str)> {
    let mut end = 0;
    loop {
        end += quoted[end..].find('"')?;
        if !quoted[end + 1..].starts_with('"') {
            return Some((quoted[..end].replace("\"\"", "\""), &quoted[end + 1..]));
        }
        end += 2;
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quote_ident(schema))?;
        }
        f.write_str(&quote_ident(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for text in ["orders", "public.orders", "\"a.b\".\"c\"\"d\"", "app.\"Orders\""] {
            assert_eq!(Name::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Name::parse("\"a"), None);
        let name = |text| Name::parse(text).unwrap();
        assert!(name("orders").fits(&name("public.orders")));
        assert!(!name("app.orders").fits(&name("public.orders")));
        assert!(!name("orders").fits(&name("order")));
    }
}
