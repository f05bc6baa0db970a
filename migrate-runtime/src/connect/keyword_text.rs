//! `host=… dbname=…`, read as libpq reads it (manual, "Keyword/Value Connection Strings"; `conninfo_parse`).

use super::keyword::{Pair, find};
use super::refuse;
use crate::Error;

fn malformed(what: &str) -> Error {
    refuse(
        format!("the connection settings are malformed: {what}"),
        "write keyword=value pairs with spaces between them; a value with spaces or quotes is written 'like \\'this\\''",
    )
}

/// The parameters of a keyword/value text.
pub(super) fn parse(text: &str) -> Result<Vec<Pair>, Error> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start();
    let mut after_password = false;
    while !rest.is_empty() {
        let end = rest.find(|character: char| character == '=' || character.is_whitespace());
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        let after = after.trim_start().strip_prefix('=').ok_or_else(|| malformed("a keyword has no `=`"))?;
        let keyword = find(name, after_password)?;
        let (value, after) = value(after.trim_start())?;
        after_password = keyword.name == "password";
        pairs.push((keyword, value));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// A value, quoted or not, and what follows it. A backslash takes the next character literally in both.
fn value(text: &str) -> Result<(String, &str), Error> {
    let (text, quoted) = match text.strip_prefix('\'') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, literal)| literal)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            space if !quoted && space.is_whitespace() => return Ok((value, &text[at..])),
            other => value.push(other),
        }
    }
    if quoted { Err(malformed("a quote is not closed")) } else { Ok((value, "")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_libpq_reads() {
        for (text, expected) in [
            ("host=h dbname=d", "[host=h][dbname=d]"),
            ("  host = h\n port\t=5433 ", "[host=h][port=5433]"),
            (r"password='it\'s a \\ b' user=u", r"[password=it's a \ b][user=u]"),
            (r"password=a\ b user=u", "[password=a b][user=u]"),
            ("password='' user=u", "[password=][user=u]"),
            ("user=u password=", "[user=u][password=]"),
        ] {
            let pairs = parse(text).unwrap();
            let found: String =
                pairs.iter().map(|(keyword, value)| format!("[{}={value}]", keyword.name)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn what_may_be_a_piece_of_a_password_is_not_repeated() {
        for text in ["password=a Canary", "password=a Canary=b", "password='a Canary", "Canary host=h"] {
            let error = parse(text).err().unwrap();
            assert!(!format!("{error:?}").contains("Canary"), "{text}: {error:?}");
        }
        assert_eq!(parse("hots=h").err().unwrap().to_string(), "`hots` is not a connection parameter");
    }
}
