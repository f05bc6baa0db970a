//! One script, parsed: the statements that squawk's parser can read, at their places in the file.

use std::ops::Range;

use migrate_core::{Direction, Script, Statement, StatementKind};
use squawk_syntax::{Parse, SourceFile, SyntaxNode};

/// One script, parsed.
pub(crate) struct Source<'a> {
    pub(crate) script: &'a Script,
    pub(crate) direction: Direction,
    /// What was parsed: the statements at their own offsets, and spaces for all else.
    pub(crate) text: String,
    pub(crate) parse: Parse<SourceFile>,
    /// The statements of the script, in order.
    pub(crate) statements: Vec<Parsed<'a>>,
}

/// One statement.
pub(crate) struct Parsed<'a> {
    pub(crate) statement: &'a Statement,
    /// `None` where squawk's parser cannot read what PostgreSQL perhaps can.
    pub(crate) node: Option<SyntaxNode>,
}

impl Parsed<'_> {
    /// Where it is in the file, without its semicolon.
    pub(crate) fn span(&self) -> Range<usize> {
        self.statement.start..self.statement.end
    }
}

impl<'a> Source<'a> {
    /// Parses a script. Our splitter says what a statement is; comments between statements, inline data and dropped
    /// `BEGIN … COMMIT` are not parsed.
    ///
    /// A statement that squawk's parser stumbles over is left out, so that it hides no other: whether the server
    /// refuses it is for `verify` to say.
    pub(crate) fn parse(script: &'a Script, direction: Direction) -> Self {
        let mut readable = vec![true; script.statements.len()];
        loop {
            let text = text_of(script, &readable);
            let parse = SourceFile::parse(&text);
            let errors = parse.errors();
            let mut found = false;
            for error in &errors {
                let at = usize::from(error.range().start());
                // An error "at the end" of a statement stands behind its semicolon.
                let index = script.statements.partition_point(|statement| statement.start <= at);
                if let Some(index) = index.checked_sub(1).filter(|&index| readable[index]) {
                    readable[index] = false;
                    found = true;
                }
            }
            if !found {
                return Self { script, direction, statements: statements(script, &parse), text, parse };
            }
        }
    }

    /// The nodes of the statements that could be read, in order.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = &SyntaxNode> {
        self.statements.iter().filter_map(|parsed| parsed.node.as_ref())
    }
}

/// The readable statements where they are, each with a semicolon, and spaces for everything else.
fn text_of(script: &Script, readable: &[bool]) -> String {
    let mut text = vec![b' '; script.text.len()];
    for (at, _) in script.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n') {
        text[at] = b'\n';
    }
    for (statement, _) in script.statements.iter().zip(readable).filter(|(_, readable)| **readable) {
        // The line that announces inline data has to go on being one statement.
        let end = match statement.kind {
            StatementKind::CopyFromStdin { data_start, .. } => statement.end.min(data_start),
            _ => statement.end,
        };
        text[statement.start..end].copy_from_slice(&script.text.as_bytes()[statement.start..end]);
        if let Some(next) = text.get_mut(end) {
            *next = b';';
        }
    }
    // What was copied are whole statements of a valid text, so this is valid too.
    let text = String::from_utf8(text).unwrap_or_default();
    // squawk's own comments need no reason: ours do, and are read elsewhere.
    match text.contains("squawk-") {
        true => text.replace("squawk-", "squawk_"),
        false => text,
    }
}

fn statements<'a>(script: &'a Script, parse: &Parse<SourceFile>) -> Vec<Parsed<'a>> {
    let mut nodes = parse.syntax_node().children().peekable();
    script
        .statements
        .iter()
        .map(|statement| {
            let start = |node: &SyntaxNode| super::tree::span(node).start;
            while nodes.peek().is_some_and(|node| start(node) < statement.start) {
                nodes.next();
            }
            let node = nodes.next_if(|node| start(node) == statement.start);
            Parsed { statement, node }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use squawk_syntax::SyntaxKind;

    use super::*;

    fn kinds(text: &str) -> Vec<Option<SyntaxKind>> {
        let script = Script::parse("1_a.up.sql", text.to_owned()).unwrap();
        let source = Source::parse(&script, Direction::Up);
        source.statements.iter().map(|parsed| parsed.node.as_ref().map(|node| node.kind())).collect()
    }

    #[test]
    fn statements_are_found_at_their_places() {
        use SyntaxKind::{COPY, CREATE_TABLE, DROP_TABLE};
        assert_eq!(
            kinds(
                "-- migrate: lock-timeout 3s\nBEGIN;\n/* ü */ CREATE TABLE a(); DROP TABLE \"数\" -- x\n;\nCOMMIT;"
            ),
            [Some(CREATE_TABLE), Some(DROP_TABLE)]
        );
        assert_eq!(kinds("COPY a FROM STDIN;\n1\t'\n\\.\nDROP TABLE a"), [Some(COPY), Some(DROP_TABLE)]);
    }

    #[test]
    fn what_the_parser_cannot_read_hides_nothing_else() {
        use SyntaxKind::{CREATE_TABLE, DROP_TABLE};
        assert_eq!(
            kinds(
                "CREATE TABLE a(); FROBNICATE THE a WITH x; DROP TABLE a; ALTER TABLE b NOPE; DROP TABLE b"
            ),
            [Some(CREATE_TABLE), None, Some(DROP_TABLE), None, Some(DROP_TABLE)]
        );
    }
}
