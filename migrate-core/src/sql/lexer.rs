//! Tokens as PostgreSQL's `scan.l` sees them, on top of `squawk-lexer`.
//!
//! Three things are corrected. `E'…'` that goes on behind a line end (`E'a'` newline `'b\'c'`) stays in escape mode in
//! PostgreSQL; `squawk-lexer` reads the second part as a plain string, so a quote behind a backslash would end it. And a
//! U+FEFF inside a text is a letter to PostgreSQL, where `squawk-lexer` skips it wherever it is started. And what is glued
//! to a `$` without making a quote with it is a token of its own: `$E'\''` is a dollar and an escape string.
//! `standard_conforming_strings` is taken to be on: PostgreSQL 19 has no other setting.

use squawk_lexer::{BOM, LiteralKind, TokenKind, tokenize};

/// What a token is, as far as splitting needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space.
    Space,
    /// `-- …` up to its line end.
    LineComment,
    /// `/* … */`, nested.
    BlockComment { terminated: bool },
    /// A keyword or an identifier without quotes.
    Word,
    /// `"…"`, or `U&"…"`.
    Quoted { terminated: bool, unicode: bool },
    /// A string constant of any style.
    Str { style: Style, terminated: bool, continues: bool },
    /// A number.
    Number,
    /// `$1`.
    Param,
    /// Anything else: one ASCII character, or `..`.
    Symbol(u8),
}

/// How a string constant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// `'…'`, `N'…'`.
    Plain,
    /// `E'…'`.
    Escape,
    /// `U&'…'`.
    Unicode,
    /// `B'…'`, `X'…'`.
    Bits,
    /// `$tag$…$tag$`.
    Dollar,
}

/// A token and its byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

impl Token {
    pub fn text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.end]
    }

    /// White space or a comment.
    pub fn is_trivia(&self) -> bool {
        matches!(self.kind, Kind::Space | Kind::LineComment | Kind::BlockComment { .. })
    }
}

/// The tokens of a text; their ranges follow each other without a gap, except where the caller seeks.
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    inner: Box<dyn Iterator<Item = squawk_lexer::Token> + 'a>,
    /// A word that starts with U+FEFF at the place of the last seek.
    pending: Option<Token>,
    /// The quote where the string before goes on, and its style.
    continued: Option<(usize, Style)>,
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Self {
        let mut lexer =
            Self { text, at: 0, inner: Box::new(std::iter::empty()), pending: None, continued: None };
        lexer.seek(0);
        lexer
    }

    /// Goes on at this byte, which must start a character and stand between two tokens.
    pub fn seek(&mut self, mut at: usize) {
        if self.text[at..].starts_with(BOM) {
            let end = at + self.text[at..].find(|c| !is_identifier(c)).unwrap_or(self.text.len() - at);
            self.pending = Some(Token { kind: Kind::Word, start: at, end });
            at = end;
        }
        self.at = at;
        self.continued = None;
        self.inner = Box::new(tokenize(&self.text[at..]));
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if let Some(token) = self.pending.take() {
            return Some(token);
        }
        let inner = self.inner.next()?;
        let start = self.at;
        let mut end = start + inner.len as usize;
        self.at = end;
        let mut kind = kind(inner.kind, self.text.as_bytes()[start]);
        if kind == Kind::Param {
            // `$E'…'` is a dollar and an escape string to PostgreSQL: what follows the digits is not part of this.
            let digits = self.text[start + 1..end].bytes().take_while(u8::is_ascii_digit).count();
            if start + 1 + digits < end {
                end = start + 1 + digits;
                self.seek(end);
            }
            if digits == 0 {
                kind = Kind::Symbol(b'$');
            }
        }
        if let Some((_, style)) = self.continued.take_if(|(quote, _)| *quote == start) {
            let mut terminated = matches!(kind, Kind::Str { terminated: true, .. });
            if style == Style::Escape {
                (end, terminated) = escape_string_end(self.text, start + 1);
                self.seek(end);
            }
            kind = Kind::Str { style, terminated, continues: true };
        }
        if let Kind::Str { style, terminated: true, .. } = kind
            && style != Style::Dollar
        {
            self.continued = continuation(self.text.as_bytes(), end).map(|quote| (quote, style));
        }
        Some(Token { kind, start, end })
    }
}

/// `ident_cont` of `scan.l`.
fn is_identifier(c: char) -> bool {
    matches!(c, 'a'..='z' | 'A'..='Z' | '_' | '0'..='9' | '$' | '\u{80}'..)
}

fn kind(kind: TokenKind, first: u8) -> Kind {
    let string = |style, terminated| Kind::Str { style, terminated, continues: false };
    match kind {
        TokenKind::Whitespace => Kind::Space,
        TokenKind::LineComment => Kind::LineComment,
        TokenKind::BlockComment { terminated } => Kind::BlockComment { terminated },
        TokenKind::Ident => Kind::Word,
        TokenKind::QuotedIdent { terminated, uescape } => Kind::Quoted { terminated, unicode: uescape },
        TokenKind::PositionalParam { .. } => Kind::Param,
        TokenKind::Literal { kind } => match kind {
            LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => Kind::Number,
            LiteralKind::Str { terminated } | LiteralKind::NationalStr { terminated } => {
                string(Style::Plain, terminated)
            }
            LiteralKind::EscStr { terminated } => string(Style::Escape, terminated),
            LiteralKind::UnicodeEscStr { terminated } => string(Style::Unicode, terminated),
            LiteralKind::BitStr { terminated } | LiteralKind::ByteStr { terminated } => {
                string(Style::Bits, terminated)
            }
            LiteralKind::DollarQuotedString { terminated } => string(Style::Dollar, terminated),
        },
        _ => Kind::Symbol(first),
    }
}

/// The quote at which the string that ends at `at` goes on: behind white space with at least one line end in it, and
/// `--` comments (`quotecontinue` of `scan.l`).
fn continuation(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut line_end = false;
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => line_end = true,
            b' ' | b'\t' | b'\x0b' | b'\x0c' => {}
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at += bytes[at..].iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
                continue;
            }
            b'\'' if line_end => return Some(at),
            _ => return None,
        }
        at += 1;
    }
}

/// Where an `E` string ends whose contents start at `at`, and whether it does.
fn escape_string_end(text: &str, mut at: usize) -> (usize, bool) {
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return (at + 1, true),
            _ => at += 1,
        }
    }
    (text.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tokens that are not trivia, with their text.
    fn lex(text: &str) -> Vec<(Kind, &str)> {
        let tokens: Vec<_> = Lexer::new(text).collect();
        let mut at = 0;
        for token in &tokens {
            assert_eq!(token.start, at, "a gap in {text:?}");
            at = token.end;
        }
        assert_eq!(at, text.len(), "not read to the end: {text:?}");
        tokens.iter().filter(|token| !token.is_trivia()).map(|token| (token.kind, token.text(text))).collect()
    }

    fn texts(text: &str) -> Vec<&str> {
        lex(text).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn dollars_in_identifiers_quote_nothing() {
        assert_eq!(texts("a$b$c;$b;$c"), ["a$b$c", ";", "$", "b", ";", "$", "c"]);
        assert_eq!(texts("é$x$;1$x$;$x$"), ["é$x$", ";", "1", "$x$;$x$"]);
    }

    #[test]
    fn dollar_tags_are_identifiers_of_any_script() {
        assert_eq!(texts("$größe$;$gr$;$größe$;"), ["$größe$;$gr$;$größe$", ";"]);
        assert_eq!(texts("$a$ $a $aa$ $a$;"), ["$a$ $a $aa$ $a$", ";"]);
        assert_eq!(texts("$$$a$$;$1$$;$$"), ["$$$a$$", ";", "$1", "$$;$$"]);
        assert_eq!(texts("$x$ $y$x$;"), ["$x$ $y$x$", ";"]);
    }

    #[test]
    fn a_prefix_counts_only_where_a_word_starts() {
        assert_eq!(texts(r"name'x\';E'x\';'"), ["name", r"'x\'", ";", r"E'x\';'"]);
        assert_eq!(texts(r"ae'x\';"), ["ae", r"'x\'", ";"]);
        assert_eq!(
            texts(r#"U&'\0041;' U&"a;""b" u & 'x'"#),
            [r"U&'\0041;'", r#"U&"a;""b""#, "u", "&", "'x'"]
        );
        assert_eq!(texts(r"b'1' X'1F' n'a;\';"), ["b'1'", "X'1F'", r"n'a;\'", ";"]);
    }

    #[test]
    fn an_escape_string_stays_one_behind_a_line_end() {
        assert_eq!(texts("E'a'\n'b\\'c;';"), ["E'a'", "'b\\'c;'", ";"]);
        assert_eq!(texts("e'a' -- it's\n \r'b\\'';"), ["e'a'", "'b\\''", ";"]);
        assert_eq!(texts("E'a'\n'b'\n'c\\';';"), ["E'a'", "'b'", "'c\\';'", ";"]);
        assert_eq!(texts("E'a'\n'';"), ["E'a'", "''", ";"]);
        // Without a line end, or with a block comment between, it is a string of its own.
        assert_eq!(texts("E'a' 'b\\';"), ["E'a'", "'b\\'", ";"]);
        assert_eq!(texts("E'a'\n/**/'b\\';"), ["E'a'", "'b\\'", ";"]);
        assert_eq!(texts("'a'\n'b\\';"), ["'a'", "'b\\'", ";"]);
        let Some((Kind::Str { terminated, continues, .. }, _)) = lex("E'a'\n'b\\'").pop() else { panic!() };
        assert!(!terminated && continues);
    }

    #[test]
    fn a_byte_order_mark_inside_a_text_is_a_letter() {
        assert_eq!(texts("E'a'\n'b'\u{feff}E'x\\';"), ["E'a'", "'b'", "\u{feff}E", "'x\\'", ";"]);
    }

    #[test]
    fn comments_nest_and_start_inside_operators() {
        assert_eq!(texts("1 +-- ;\n2 */* ; */ 3;"), ["1", "+", "2", "*", "3", ";"]);
        assert_eq!(texts("/* a /* b; */ ; */;/*/ ; */;/**/;"), [";", ";", ";"]);
        assert_eq!(texts("-- a\r;"), [";"]);
    }

    #[test]
    fn numbers_and_parameters() {
        assert_eq!(
            texts("1..2 1. .5 $1 1_000 0x1F;"),
            ["1", "..", "2", "1.", ".5", "$1", "1_000", "0x1F", ";"]
        );
    }

    /// Found by the fuzz: the second quote was taken for the end of a plain string.
    #[test]
    fn a_dollar_takes_nothing_but_digits_with_it() {
        assert_eq!(texts(r"$E'\';'; $1E'\';'"), ["$", r"E'\';'", ";", "$1", r"E'\';'"]);
    }

    #[test]
    fn an_escape_cut_inside_a_character_does_not_panic() {
        assert_eq!(texts("E'a'\n'\\é"), ["E'a'", "'\\é"]);
        assert_eq!(texts("E'a'\n'\\"), ["E'a'", "'\\"]);
    }
}
