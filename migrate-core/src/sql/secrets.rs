//! Passwords in SQL, taken out of what is shown to people.

use std::borrow::Cow;

use super::lexer::{Kind, Lexer, Style, Token};

const MASK: &str = "***";

/// The same SQL with the passwords in it replaced by `***`.
///
/// Masked are the string behind `PASSWORD` (`CREATE ROLE`, `ALTER USER`, `OPTIONS (password '…')`, `password = '…'`),
/// the value of `password=` in connection strings, and the password of URLs; also inside function bodies, strings
/// and comments. A text that is not whole SQL is masked too. What is computed (`format('… %L', …)`) cannot be seen.
pub fn mask_secrets(sql: &str) -> Cow<'_, str> {
    // Nothing to do for nearly every statement: neither word nor URL is there.
    if !contains_ignoring_case(sql, "passw") && !sql.contains("://") {
        return Cow::Borrowed(sql);
    }
    let mut masked = String::with_capacity(sql.len());
    let mut behind_password = false;
    for token in Lexer::new(sql) {
        let text = token.text(sql);
        match token.kind {
            Kind::Str { .. } if behind_password => masked.push_str("'***'"),
            Kind::Str { style: Style::Dollar, terminated: true, .. } => mask_dollar(text, &mut masked),
            // A name in double quotes too: the server quotes a whole statement like that in the context of an error.
            Kind::Str { .. } | Kind::LineComment | Kind::BlockComment { .. } | Kind::Quoted { .. } => {
                mask_words(text, &mut masked);
            }
            _ => masked.push_str(text),
        }
        behind_password = match token.kind {
            _ if token.is_trivia() => behind_password,
            Kind::Str { .. } => behind_password,
            // `password = '…'`, `password => '…'`, `password := '…'`.
            Kind::Symbol(b'=' | b'>' | b':') => behind_password,
            Kind::Word | Kind::Quoted { .. } => names_password(token, sql),
            _ => false,
        };
    }
    if masked == sql { Cow::Borrowed(sql) } else { Cow::Owned(masked) }
}

/// The same text with the passwords in it replaced by `***`: a sentence, a reason, a message, which may quote SQL.
///
/// Masked is what [`mask_secrets`] masks, and `password=…` and the passwords of URLs wherever they stand.
pub fn mask_text(text: &str) -> Cow<'_, str> {
    let sql = mask_secrets(text);
    if !contains_ignoring_case(text, "passw") && !text.contains("://") {
        return sql;
    }
    let mut masked = String::with_capacity(sql.len());
    mask_words(&sql, &mut masked);
    if masked == text { Cow::Borrowed(text) } else { Cow::Owned(masked) }
}

fn names_password(token: Token, sql: &str) -> bool {
    let name = token.text(sql).trim_matches('"').as_bytes();
    ["password", "passwd"].iter().any(|end| {
        name.len().checked_sub(end.len()).is_some_and(|at| name[at..].eq_ignore_ascii_case(end.as_bytes()))
    })
}

fn contains_ignoring_case(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

/// A dollar-quoted string is a function's body, mostly: SQL of its own.
fn mask_dollar(text: &str, masked: &mut String) {
    let delimiter = text[1..].find('$').map_or(0, |at| at + 2);
    let (open, rest) = text.split_at(delimiter);
    let (body, close) = rest.split_at(rest.len().saturating_sub(delimiter));
    masked.push_str(open);
    masked.push_str(&mask_secrets(body));
    masked.push_str(close);
}

/// Masks what follows `password` and the passwords of URLs in a text that is not SQL by itself.
fn mask_words(text: &str, masked: &mut String) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    let mut at = 0;
    let mut without_url = 0;
    while at < bytes.len() {
        let secret = if at >= without_url && bytes[at..].starts_with(b"://") {
            let end = word_end(text, at + 3);
            let found = url_password(text, at + 3, end);
            // Not looked through again for each `://` in it.
            without_url = end;
            found
        } else if bytes[at] | 0x20 == b'p' {
            ["password", "passwd"]
                .iter()
                .find(|word| {
                    bytes[at..].len() >= word.len()
                        && bytes[at..at + word.len()].eq_ignore_ascii_case(word.as_bytes())
                })
                .and_then(|word| value(text, at + word.len()))
        } else {
            None
        };
        match secret {
            Some((start, end)) => {
                masked.push_str(&text[copied..start]);
                masked.push_str(MASK);
                copied = end;
                at = end.max(at + 1);
            }
            None => at += 1,
        }
    }
    masked.push_str(&text[copied..]);
}

/// Where the word ends that starts at `start`: a URL has no blanks and no quotes in it.
fn word_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    start + rest.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"')).unwrap_or(rest.len())
}

/// The range of the password in `user:password@host/…`, which is `text[start..end]`. An `@` or a `/` that should have
/// been percent-encoded is still part of the password.
fn url_password(text: &str, start: usize, end: usize) -> Option<(usize, usize)> {
    let user = &text[start..start + text[start..end].rfind('@')?];
    let colon = user.find(':')?;
    Some((start + colon + 1, start + user.len()))
}

/// The range of the value behind `password`, which ends at `at`: quoted in any way, or behind `=`.
fn value(text: &str, at: usize) -> Option<(usize, usize)> {
    let skip_blanks = |at: usize| at + text[at..].len() - text[at..].trim_start().len();
    let mut start = skip_blanks(at);
    let assigned = text[start..].starts_with('=');
    if assigned {
        start = skip_blanks(start + 1);
    }
    for quote in ["''", "\\'", "'", "\""] {
        if let Some(rest) = text[start..].strip_prefix(quote)
            && (assigned || start > at)
            && !rest.is_empty()
        {
            let length = rest.find(quote).unwrap_or(rest.len());
            return Some((start + quote.len(), start + quote.len() + length));
        }
    }
    let rest = &text[start..];
    let length =
        rest.find(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '&' | ';')).unwrap_or(rest.len());
    (assigned && length > 0).then_some((start, start + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_masked() {
        for sql in [
            "CREATE ROLE a LOGIN PASSWORD 'canary'",
            "alter user a with encrypted password /* x */ E'can\\'ary' valid until 'x'",
            "ALTER ROLE a PASSWORD 'x'\n  'canary'",
            "ALTER ROLE a PASSWORD $$canary$$; SELECT 1",
            "ALTER ROLE a PASSWORD U&'canary'",
            "CREATE USER MAPPING FOR a SERVER b OPTIONS (user 'c', password 'canary')",
            "ALTER USER MAPPING FOR a SERVER b OPTIONS (SET \"password\" 'canary')",
            "CREATE SUBSCRIPTION a CONNECTION 'host=b password=canary dbname=c' PUBLICATION d",
            "CREATE SUBSCRIPTION a CONNECTION 'password = ''can ary'' host=b' PUBLICATION d",
            "CREATE SUBSCRIPTION a CONNECTION E'password=\\'canary x\\'' PUBLICATION d",
            "CREATE SUBSCRIPTION a CONNECTION 'postgresql://b:can@:/%ary@c/d?e=f' PUBLICATION d",
            "SELECT dblink('postgresql:///d?user=a&password=canary&x=y', 'SELECT 1')",
            "DO $$ BEGIN ALTER ROLE a PASSWORD 'canary'; END $$",
            "DO $a$ BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''canary'''; END $a$",
            "UPDATE settings SET smtp_password = 'canary'",
            "SELECT f(password => 'canary')",
            "-- ALTER ROLE a PASSWORD 'canary'\nSELECT 1",
            "ALTER ROLE a PASSWORD 'canary",
            "SELECT 'password canary' || 'password=canary",
            "SQL statement \"ALTER ROLE a PASSWORD 'canary'\"\nPL/pgSQL function inline_code_block line 1 at EXECUTE",
            "SQL statement \"ALTER ROLE \"a b\" PASSWORD 'canary'\"",
        ] {
            let masked = mask_secrets(sql);
            assert!(masked.contains(MASK), "{sql}: {masked}");
            let left = masked.replace("password canary", "");
            assert!(!left.contains("ary") && !left.contains("can"), "{sql}: {masked}");
        }
    }

    #[test]
    fn a_sentence_is_masked_too() {
        for (text, masked) in [
            ("because password=canary was wrong", "because password=*** was wrong"),
            (
                "see postgres://app:canary@db/shop, and postgres://db/shop",
                "see postgres://app:***@db/shop, and postgres://db/shop",
            ),
            (
                "it's ALTER ROLE a PASSWORD 'canary' that failed",
                "it's ALTER ROLE a PASSWORD '***' that failed",
            ),
            ("PGPASSWORD=canary", "PGPASSWORD=***"),
        ] {
            assert_eq!(mask_text(text), masked);
            assert_eq!(mask_text(masked), masked);
        }
        for text in ["password authentication failed for user \"app\"", "what's up", ""] {
            assert!(matches!(mask_text(text), Cow::Borrowed(_)), "{text}: {}", mask_text(text));
        }
    }

    #[test]
    fn the_rest_stays_as_it_is() {
        assert_eq!(
            mask_secrets("ALTER ROLE a PASSWORD 'x' VALID UNTIL '2030-01-01'; -- y\n"),
            "ALTER ROLE a PASSWORD '***' VALID UNTIL '2030-01-01'; -- y\n"
        );
        assert_eq!(
            mask_secrets("CONNECTION 'host=a password=b dbname=c'"),
            "CONNECTION 'host=a password=*** dbname=c'"
        );
        assert_eq!(mask_secrets("CONNECTION 'x://a:b@c/d'"), "CONNECTION 'x://a:***@c/d'");
        for sql in [
            "ALTER ROLE a PASSWORD NULL",
            "CREATE TABLE a (password text NOT NULL, b text DEFAULT 'c')",
            "SELECT password, 'a' FROM b -- the password is hashed",
            "SELECT 'http://a/b', 'password', 'the password ', 'passwords'",
            "SELECT 'password='",
            "SELECT 1",
            "",
        ] {
            assert!(matches!(mask_secrets(sql), Cow::Borrowed(_)), "{sql}: {}", mask_secrets(sql));
        }
    }
}
