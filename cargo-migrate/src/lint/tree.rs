//! Reading squawk's syntax tree: names, parts and places.

use std::ops::Range;

use squawk_syntax::ast::normalize_name_node;
use squawk_syntax::{SyntaxKind, SyntaxNode};

pub(crate) use crate::risk::Name;

/// The first child of this kind.
pub(crate) fn child(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.children().find(|child| child.kind() == kind)
}

/// Whether there is a child of this kind.
pub(crate) fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    child(node, kind).is_some()
}

/// Whether the statement itself has this keyword.
pub(crate) fn has_token(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().any(|element| element.as_token().is_some_and(|token| token.kind() == kind))
}

/// The first node of this kind in it, itself included.
pub(crate) fn find(node: &SyntaxNode, kind: SyntaxKind) -> Option<SyntaxNode> {
    node.descendants().find(|inner| inner.kind() == kind)
}

/// All nodes of this kind in it.
pub(crate) fn all(node: &SyntaxNode, kind: SyntaxKind) -> impl Iterator<Item = SyntaxNode> {
    node.descendants().filter(move |inner| inner.kind() == kind)
}

/// The name that a node is or has: that of the first path in it, or else its own text.
pub(crate) fn name(node: &SyntaxNode) -> Name {
    let path =
        node.descendants().find(|inner| matches!(inner.kind(), SyntaxKind::PATH | SyntaxKind::PATH_REF));
    let Some(path) = path else {
        return Name { schema: None, name: word(node) };
    };
    let mut segments: Vec<String> = path
        .descendants()
        .filter(|inner| matches!(inner.kind(), SyntaxKind::PATH_SEGMENT | SyntaxKind::PATH_SEGMENT_REF))
        .map(|segment| normalize_name_node(&segment))
        .collect();
    // The tree has the qualifier before what it qualifies.
    let name = segments.pop().unwrap_or_default();
    Name { schema: segments.pop(), name }
}

/// An identifier as PostgreSQL stores it; of anything longer the text with single spaces.
pub(crate) fn word(node: &SyntaxNode) -> String {
    let tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    if tokens.filter(|token| !token.kind().is_trivia()).count() == 1 {
        return normalize_name_node(&innermost(node));
    }
    plain(node)
}

fn innermost(node: &SyntaxNode) -> SyntaxNode {
    match node.first_child() {
        Some(inner) => innermost(&inner),
        None => node.clone(),
    }
}

/// The text in lower case with single spaces and without comments, to compare.
pub(crate) fn plain(node: &SyntaxNode) -> String {
    let mut text = String::new();
    for token in node.descendants_with_tokens().filter_map(|element| element.into_token()) {
        if token.kind().is_trivia() {
            if !text.ends_with(' ') && !text.is_empty() {
                text.push(' ');
            }
        } else {
            text.push_str(&token.text().to_lowercase());
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Where a node is, without white space around it.
pub(crate) fn span(node: &SyntaxNode) -> Range<usize> {
    let tokens = || {
        node.descendants_with_tokens()
            .filter_map(|element| element.into_token())
            .filter(|token| !token.kind().is_trivia() && token.kind() != SyntaxKind::SEMICOLON)
    };
    let start = tokens().next().map(|token| token.text_range().start());
    let end = tokens().last().map(|token| token.text_range().end());
    let range = node.text_range();
    usize::from(start.unwrap_or(range.start()))..usize::from(end.unwrap_or(range.end()))
}

#[cfg(test)]
mod tests {
    use squawk_syntax::SourceFile;

    use super::*;

    fn statement(sql: &str) -> SyntaxNode {
        SourceFile::parse(sql).syntax_node().first_child().unwrap()
    }

    #[test]
    fn names_are_what_postgresql_stores() {
        for (sql, schema, table) in [
            ("DROP TABLE Foo;", None, "foo"),
            ("DROP TABLE a.\"B\"\"c\";", Some("a"), "B\"c"),
            ("DROP TABLE db.a . b", Some("a"), "b"),
        ] {
            let found = name(&statement(sql));
            assert_eq!((found.schema.as_deref(), found.name.as_str()), (schema, table), "{sql}");
        }
        assert_eq!(
            name(&child(&statement("DROP TRIGGER \"T\" ON a"), SyntaxKind::TRIGGER_REF).unwrap()).name,
            "T"
        );
    }

    #[test]
    fn a_name_without_a_schema_may_be_any() {
        let name = |schema: Option<&str>, name: &str| Name {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        };
        assert!(name(None, "a").fits(&name(Some("s"), "a")));
        assert!(name(Some("s"), "a").fits(&name(Some("s"), "a")));
        assert!(!name(Some("t"), "a").fits(&name(Some("s"), "a")));
        assert!(!name(None, "a").fits(&name(None, "b")));
    }

    #[test]
    fn places_are_without_what_is_around() {
        let sql = "  -- why\n  DROP /* x */ TABLE a ;";
        let node = SourceFile::parse(sql).syntax_node();
        assert_eq!(&sql[span(&node)], "DROP /* x */ TABLE a");
        assert_eq!(plain(&node.first_child().unwrap()), "drop table a ;");
    }
}
