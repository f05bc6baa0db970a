//! A script's text to its statements.
//!
//! Where a semicolon ends a statement is a question of PostgreSQL's grammar, and in it a semicolon stands inside a
//! statement in two places only: in the parentheses of `CREATE RULE … DO (…; …)`, and in the body `BEGIN ATOMIC … END`
//! of a function or procedure. The `END` of such a body is the one that stands where a statement could start: the one of
//! a `CASE` never does, nor does a column label `end`. (psql counts `CASE` instead, and is wrong about labels.)

use super::classify::{classify, may_matter};
use super::error::Reason;
use super::lexer::{Kind, Lexer, Style, Token};
use super::words::Words;
use super::{meta_command, other_tools};
use crate::StatementKind;
use crate::directive;

/// A statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its first token.
    pub start: usize,
    /// The end of its last token.
    pub end: usize,
    /// Its semicolon, which the last statement need not have.
    pub semicolon: Option<usize>,
    pub kind: StatementKind,
}

/// A comment that looks like a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirectiveComment {
    pub start: usize,
    pub end: usize,
    /// Whether only white space and comments stand before it.
    pub in_head: bool,
}

/// What a script consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Split {
    pub pieces: Vec<Piece>,
    /// The `\restrict` lines of pg_dump, without their line ends.
    pub dropped: Vec<(usize, usize)>,
    pub directives: Vec<DirectiveComment>,
}

/// The statements of this text, or where it is broken.
pub(crate) fn split(text: &str) -> Result<Split, (usize, Reason)> {
    let mut splitter = Splitter::new(text);
    while let Some(token) = splitter.lexer.next() {
        splitter.token(token)?;
    }
    splitter.finish()
}

/// How a statement starts, as far as semicolons inside it are concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Head {
    Start,
    Create,
    CreateOr,
    CreateOrReplace,
    Rule,
    Routine,
    /// `CREATE SCHEMA`: its elements may be routines (from PostgreSQL 19 on).
    Schema,
    Element,
    ElementOr,
    ElementOrReplace,
    ElementRoutine,
    Other,
}

impl Head {
    fn next(self, word: &str) -> Self {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        match self {
            Self::Start if is("CREATE") => Self::Create,
            Self::Create if is("OR") => Self::CreateOr,
            Self::CreateOr if is("REPLACE") => Self::CreateOrReplace,
            Self::Create | Self::CreateOrReplace if is("RULE") => Self::Rule,
            Self::Create | Self::CreateOrReplace if is("FUNCTION") || is("PROCEDURE") => Self::Routine,
            Self::Create if is("SCHEMA") => Self::Schema,
            Self::Schema | Self::Element | Self::ElementRoutine if is("CREATE") => Self::Element,
            Self::Element if is("OR") => Self::ElementOr,
            Self::ElementOr if is("REPLACE") => Self::ElementOrReplace,
            Self::Element | Self::ElementOrReplace if is("FUNCTION") || is("PROCEDURE") => {
                Self::ElementRoutine
            }
            Self::Element | Self::ElementOr | Self::ElementOrReplace => Self::Schema,
            Self::Rule | Self::Routine | Self::Schema | Self::ElementRoutine => self,
            _ => Self::Other,
        }
    }

    /// What follows a token that is not a word.
    fn next_symbol(self) -> Self {
        self.next("")
    }
}

/// A statement that has not ended: the one at the top, and one for each `BEGIN ATOMIC` body around the current token.
struct Frame {
    head: Head,
    /// Where the parentheses stand that are open.
    parentheses: Vec<usize>,
    brackets: usize,
    /// Where the body starts, whose statement this is.
    body: usize,
}

impl Frame {
    fn new(body: usize) -> Self {
        Self { head: Head::Start, parentheses: Vec::new(), brackets: 0, body }
    }
}

struct Splitter<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    out: Split,
    /// The tokens of the current statement, where its kind can depend on them.
    tokens: Vec<Token>,
    keep: bool,
    /// The first and the last token of the current statement.
    current: Option<(Token, Token)>,
    frame: Frame,
    outer: Vec<Frame>,
}

impl<'a> Splitter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            lexer: Lexer::new(text),
            out: Split::default(),
            tokens: Vec::new(),
            keep: false,
            current: None,
            frame: Frame::new(0),
            outer: Vec::new(),
        }
    }

    fn token(&mut self, token: Token) -> Result<(), (usize, Reason)> {
        if let Some((what, terminator)) = unterminated(token, self.text) {
            return Err((token.start, Reason::Unterminated { what, terminator }));
        }
        if token.is_trivia() {
            return self.comment(token);
        }
        match token.kind {
            Kind::Symbol(b';') => return self.semicolon(token),
            Kind::Symbol(b'\\') => return self.backslash(token),
            Kind::Symbol(b':') => self.colon(token)?,
            _ => {}
        }
        self.structure(token);
        match &mut self.current {
            Some((_, last)) => *last = token,
            None => {
                self.keep = token.kind == Kind::Word && may_matter(token.text(self.text));
                self.current = Some((token, token));
            }
        }
        if self.keep {
            self.tokens.push(token);
        }
        Ok(())
    }

    fn comment(&mut self, token: Token) -> Result<(), (usize, Reason)> {
        if token.kind != Kind::LineComment {
            return Ok(());
        }
        let text = token.text(self.text);
        if let Some((tool, mark)) = other_tools::mark(text) {
            return Err((token.start, Reason::OtherTool { tool, mark: mark.to_owned() }));
        }
        if directive::looks_like_one(text) {
            let in_head = self.current.is_none() && self.out.pieces.is_empty() && self.out.dropped.is_empty();
            self.out.directives.push(DirectiveComment { start: token.start, end: token.end, in_head });
        }
        Ok(())
    }

    /// Follows parentheses and function bodies.
    fn structure(&mut self, token: Token) {
        let Kind::Word = token.kind else {
            match token.kind {
                Kind::Symbol(b'(') => self.frame.parentheses.push(token.start),
                Kind::Symbol(b')') => {
                    self.frame.parentheses.pop();
                }
                Kind::Symbol(b'[') => self.frame.brackets += 1,
                Kind::Symbol(b']') => self.frame.brackets = self.frame.brackets.saturating_sub(1),
                _ => {}
            }
            self.frame.head = self.frame.head.next_symbol();
            return;
        };
        let word = token.text(self.text);
        if self.frame.head == Head::Start
            && word.eq_ignore_ascii_case("END")
            && let Some(outer) = self.outer.pop()
        {
            self.frame = outer;
            return;
        }
        if !self.frame.parentheses.is_empty() {
            return;
        }
        if matches!(self.frame.head, Head::Routine | Head::ElementRoutine)
            && word.eq_ignore_ascii_case("ATOMIC")
            && let Some((_, before)) = self.current
            && before.kind == Kind::Word
            && before.text(self.text).eq_ignore_ascii_case("BEGIN")
        {
            self.outer.push(std::mem::replace(&mut self.frame, Frame::new(before.start)));
            return;
        }
        self.frame.head = self.frame.head.next(word);
    }

    fn semicolon(&mut self, token: Token) -> Result<(), (usize, Reason)> {
        if let Some(&open) = self.frame.parentheses.last() {
            if self.frame.head != Head::Rule {
                return Err((open, Reason::UnclosedParenthesis));
            }
        } else if !self.outer.is_empty() {
            self.frame = Frame::new(self.frame.body);
        } else {
            return self.end_statement(Some(token.start));
        }
        // This semicolon is a token of the statement.
        if let Some((_, last)) = &mut self.current {
            *last = token;
        }
        if self.keep {
            self.tokens.push(token);
        }
        Ok(())
    }

    fn end_statement(&mut self, semicolon: Option<usize>) -> Result<(), (usize, Reason)> {
        self.frame = Frame::new(0);
        let Some((first, last)) = self.current.take() else { return Ok(()) };
        let mut kind = classify(Words::new(self.text, &self.tokens));
        self.tokens.clear();
        if let StatementKind::CopyFromStdin { .. } = kind {
            let (data_start, data_end) = self.copy_data()?;
            kind = StatementKind::CopyFromStdin { data_start, data_end };
        }
        self.out.pieces.push(Piece { start: first.start, end: last.end, semicolon, kind });
        Ok(())
    }

    /// The inline data of a COPY: from the line behind its semicolon up to the line `\.`, or to the end of the file.
    /// Goes on behind it.
    fn copy_data(&mut self) -> Result<(usize, usize), (usize, Reason)> {
        let end = self.text.len();
        let data_start = loop {
            let Some(token) = self.lexer.next() else { break end };
            match token.kind {
                Kind::Space => {
                    if let Some(line_end) = token.text(self.text).find('\n') {
                        break token.start + line_end + 1;
                    }
                }
                // Kept for `directive`, that refuses it here.
                Kind::LineComment => {
                    if directive::looks_like_one(token.text(self.text)) {
                        let comment = DirectiveComment { start: token.start, end: token.end, in_head: false };
                        self.out.directives.push(comment);
                    }
                }
                _ => return Err((token.start, Reason::CopyLine)),
            }
        };
        let mut line = data_start;
        while line < end {
            let line_end = self.text[line..].find('\n').map_or(end, |length| line + length);
            let after = (line_end + 1).min(end);
            if matches!(&self.text[line..line_end], "\\." | "\\.\r") {
                self.lexer.seek(after);
                return Ok((data_start, line));
            }
            line = after;
        }
        self.lexer.seek(end);
        Ok((data_start, end))
    }

    /// A backslash outside of quotes: a command of psql.
    fn backslash(&mut self, token: Token) -> Result<(), (usize, Reason)> {
        let bytes = self.text.as_bytes();
        let rest = &self.text[token.start..];
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let starts_line = bytes[..token.start]
            .iter()
            .rev()
            .find(|byte| !matches!(byte, b' ' | b'\t'))
            .is_none_or(|&b| b == b'\n');
        if self.current.is_none() && starts_line && meta_command::is_restrict(line) {
            let end = token.start + line.len();
            self.out.dropped.push((token.start, end));
            self.lexer.seek(end);
            return Ok(());
        }
        // A command is letters, or one other character: `\!ls`, `\;`.
        let letters = line[1..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let command = match letters.unwrap_or(line.len() - 1) {
            0 => line[1..].chars().take(1).filter(|c| !c.is_whitespace()).collect(),
            length => line[1..=length].to_owned(),
        };
        Err((token.start, Reason::MetaCommand { command }))
    }

    /// A colon: refuses `:'name'` and the other forms of psql's variables, where SQL cannot have them. SQL has a colon
    /// in `::`, `:=`, array slices and JSON constructors; in the latter two an expression or a bracket stands before it.
    fn colon(&mut self, token: Token) -> Result<(), (usize, Reason)> {
        let bytes = self.text.as_bytes();
        let rest = &self.text[token.end..];
        let Some(next) = rest.chars().next() else { return Ok(()) };
        if token.start > 0 && bytes[token.start - 1] == b':' {
            return Ok(());
        }
        let before = self.current.map(|(_, last)| last.kind);
        let at_top = self.frame.parentheses.is_empty() && self.frame.brackets == 0;
        let behind_operator = matches!(before, Some(Kind::Symbol(b',' | b'=' | b'<' | b'>' | b'+' | b'|')));
        let length = match next {
            '\'' if at_top || behind_operator || before == Some(Kind::Symbol(b'(')) => {
                rest[1..].find('\'').map(|end| end + 2)
            }
            '"' if at_top || behind_operator => rest[1..].find('"').map(|end| end + 2),
            c if (c.is_ascii_alphabetic() || c == '_') && (at_top || behind_operator) => {
                Some(rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len()))
            }
            _ => None,
        };
        match length {
            Some(length) if !rest[..length].contains('\n') => {
                let variable = self.text[token.start..token.end + length].to_owned();
                Err((token.start, Reason::Variable { variable }))
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Split, (usize, Reason)> {
        if let Some(&open) = self.frame.parentheses.last() {
            return Err((open, Reason::UnclosedParenthesis));
        }
        if !self.outer.is_empty() {
            return Err((self.frame.body, Reason::UnterminatedBody));
        }
        self.end_statement(None)?;
        Ok(self.out)
    }
}

/// What this token is and what would end it, where it does not end.
fn unterminated(token: Token, text: &str) -> Option<(&'static str, String)> {
    match token.kind {
        Kind::BlockComment { terminated: false } => Some(("comment", "*/".into())),
        Kind::Quoted { terminated: false, .. } => Some(("quoted identifier", "\"".into())),
        Kind::Str { style: Style::Dollar, terminated: false, .. } => {
            let rest = &token.text(text)[1..];
            let tag = &rest[..rest.find('$').unwrap_or(rest.len())];
            Some(("dollar-quoted string", format!("${tag}$")))
        }
        Kind::Str { terminated: false, .. } => Some(("string", "'".into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
