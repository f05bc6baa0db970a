//! A cursor over the tokens of one statement, for the few places where its grammar matters.

use super::lexer::{Kind, Style, Token};

/// Reads tokens from left to right. Every `eat` moves on only when it matches.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    text: &'a str,
    tokens: &'a [Token],
}

impl<'a> Words<'a> {
    /// A cursor over these tokens, none of them trivia.
    pub fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self { text, tokens }
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Moves one token on, and gives it with its text.
    pub fn bump(&mut self) -> Option<(Kind, &'a str)> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some((first.kind, first.text(self.text)))
    }

    /// Whether the next token is this keyword, given in upper case.
    pub fn at(&self, keyword: &str) -> bool {
        self.tokens.first().is_some_and(|token| {
            token.kind == Kind::Word && token.text(self.text).eq_ignore_ascii_case(keyword)
        })
    }

    pub fn eat(&mut self, keyword: &str) -> bool {
        let found = self.at(keyword);
        if found {
            self.bump();
        }
        found
    }

    /// All of these keywords, or none.
    pub fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let mut ahead = *self;
        let found = keywords.iter().all(|keyword| ahead.eat(keyword));
        if found {
            *self = ahead;
        }
        found
    }

    /// The first of these keywords that is next.
    pub fn eat_any(&mut self, keywords: &[&'static str]) -> Option<&'static str> {
        keywords.iter().copied().find(|keyword| self.eat(keyword))
    }

    pub fn at_symbol(&self, symbol: u8) -> bool {
        self.tokens.first().is_some_and(|token| token.kind == Kind::Symbol(symbol))
    }

    pub fn eat_symbol(&mut self, symbol: u8) -> bool {
        let found = self.at_symbol(symbol);
        if found {
            self.bump();
        }
        found
    }

    /// One identifier, as PostgreSQL stores it.
    pub fn identifier(&mut self) -> Option<String> {
        let mut ahead = *self;
        let name = match ahead.bump()? {
            (Kind::Word, text) => text.to_ascii_lowercase(),
            (Kind::Quoted { terminated: true, unicode: false }, text) => {
                text[1..text.len() - 1].replace("\"\"", "\"")
            }
            (Kind::Quoted { terminated: true, unicode: true }, text) => {
                let escape = ahead.uescape().unwrap_or('\\');
                decode_unicode(&text[3..text.len() - 1].replace("\"\"", "\""), escape)
            }
            _ => return None,
        };
        *self = ahead;
        Some(truncated(name))
    }

    /// `UESCAPE '!'` behind a `U&"…"`.
    fn uescape(&mut self) -> Option<char> {
        let mut ahead = *self;
        if !ahead.eat("UESCAPE") {
            return None;
        }
        let (Kind::Str { style: Style::Plain, terminated: true, .. }, text) = ahead.bump()? else {
            return None;
        };
        *self = ahead;
        text.chars().nth(1)
    }

    /// A name with its qualifiers: `schema.name`.
    pub fn name(&mut self) -> Option<Vec<String>> {
        let mut parts = vec![self.identifier()?];
        while self.eat_symbol(b'.') {
            parts.push(self.identifier()?);
        }
        Some(parts)
    }

    /// What stands inside the parentheses that come next.
    pub fn parenthesised(&mut self) -> Option<Words<'a>> {
        if !self.at_symbol(b'(') {
            return None;
        }
        let mut depth = 0usize;
        for (index, token) in self.tokens.iter().enumerate() {
            match token.kind {
                Kind::Symbol(b'(') => depth += 1,
                Kind::Symbol(b')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let inside = Words { text: self.text, tokens: &self.tokens[1..index] };
                self.tokens = &self.tokens[index + 1..];
                return Some(inside);
            }
        }
        None
    }

    /// The value of a boolean option in a list `name [=] value, …`: `None` where it is not there, and true where it has
    /// no value (`defGetBoolean` of PostgreSQL).
    pub fn boolean_option(mut self, name: &str) -> Option<bool> {
        loop {
            if self.eat(name) {
                self.eat_symbol(b'=');
                return Some(match self.bump() {
                    Some((_, text)) => !["false", "off", "0", "'false'", "'off'", "'0'"]
                        .iter()
                        .any(|no| text.eq_ignore_ascii_case(no)),
                    None => true,
                });
            }
            while self.bump()?.0 != Kind::Symbol(b',') {}
        }
    }
}

/// PostgreSQL keeps 63 bytes of a name, cut between characters.
fn truncated(mut name: String) -> String {
    if name.len() > 63 {
        let end = (0..=63).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0);
        name.truncate(end);
    }
    name
}

/// The contents of a `U&"…"`; what is not a valid escape stays as it is, the server refuses it.
fn decode_unicode(text: &str, escape: char) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut high: Option<u32> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != escape {
            decoded.push(c);
            continue;
        }
        if let Some(after) = rest.strip_prefix(escape) {
            decoded.push(escape);
            rest = after;
            continue;
        }
        let (skip, digits) = if rest.starts_with('+') { (1, 6) } else { (0, 4) };
        let code = rest.get(skip..skip + digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let Some(code) = code else {
            decoded.push(c);
            continue;
        };
        rest = &rest[skip + digits..];
        match (high.take(), code) {
            (None, 0xD800..=0xDBFF) => high = Some(code),
            (Some(high), 0xDC00..=0xDFFF) => {
                let pair = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00);
                decoded.extend(char::from_u32(pair));
            }
            _ => decoded.extend(char::from_u32(code)),
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Lexer;
    use super::*;

    fn name(text: &str) -> Option<Vec<String>> {
        let tokens: Vec<_> = Lexer::new(text).filter(|token| !token.is_trivia()).collect();
        Words::new(text, &tokens).name()
    }

    #[test]
    fn names_are_what_postgresql_stores() {
        for (written, stored) in [
            ("Foo", &["foo"][..]),
            ("a . /* x */ \"B\"\"c\"", &["a", "B\"c"]),
            ("ÉTÉ", &["ÉtÉ"]),
            (r#"U&"d\0061t\+000061\\""#, &["data\\"]),
            (r#"U&"d!0061" UESCAPE '!' .x"#, &["da", "x"]),
            (r#"U&"\D83D\DE00""#, &["😀"]),
            (r#"U&"\é""#, &["\\é"]),
        ] {
            assert_eq!(name(written).unwrap(), stored, "{written}");
        }
        assert_eq!(name("'a'"), None);
        assert_eq!(name("a."), None);
        assert_eq!(name(&"é".repeat(40)).unwrap(), ["é".repeat(31)]);
    }

    #[test]
    fn options_with_and_without_a_value() {
        let option = |text: &str| {
            let tokens: Vec<_> = Lexer::new(text).filter(|token| !token.is_trivia()).collect();
            Words::new(text, &tokens).boolean_option("CONNECT")
        };
        assert_eq!(option("a = 1, connect = false"), Some(false));
        assert_eq!(option("connect off, x"), Some(false));
        assert_eq!(option("connect = 'false'"), Some(false));
        assert_eq!(option("connect"), Some(true));
        assert_eq!(option("connect = true"), Some(true));
        assert_eq!(option("a = connect"), None);
        assert_eq!(option(""), None);
    }
}
