//! PostgreSQL's parser and scanner as oracles, from `pg_query` (PostgreSQL 18's own source).

use migrate_core::sql::{self, Reason};
use migrate_core::{Statement, StatementKind};
use pg_query::protobuf::Token;

/// Whether we see the statements of a text as the parser does, where it can read it; and as the scanner does, where
/// nothing but semicolons ends a statement.
pub fn check(text: &str) -> Result<bool, String> {
    if text.contains('\0') {
        return Ok(false);
    }
    let ours = match sql::statements(text) {
        Err(error) if super::is_ours_alone(&error.reason) => return Ok(false),
        other => other.map_err(|error| error.reason),
    };
    let copies = |one: &Statement| matches!(one.kind, StatementKind::CopyFromStdin { .. });
    if ours.as_ref().is_ok_and(|statements| statements.iter().any(copies)) {
        return Ok(false);
    }
    let parsed = pg_query::split_with_parser(text);
    if let Ok(pieces) = &parsed {
        let statements =
            ours.as_ref().map_err(|reason| format!("the parser can read what we refuse: {reason}"))?;
        parser_agrees(text, statements, pieces)?;
    }
    Ok(scanner_agrees(text, ours)? || parsed.is_ok())
}

fn parser_agrees(text: &str, statements: &[Statement], pieces: &[&str]) -> Result<(), String> {
    let mut theirs = pieces.iter().map(|piece| {
        let start = piece.as_ptr() as usize - text.as_ptr() as usize;
        (start, start + piece.len())
    });
    for statement in statements {
        let Some((start, end)) = theirs.next() else {
            return Err(format!("the parser has no {statement:?}: {pieces:?}"));
        };
        // Theirs may have comments at either end.
        if !(start <= statement.start && statement.end <= end) {
            return Err(format!("the parser has {:?} for {statement:?}", &text[start..end]));
        }
    }
    theirs
        .next()
        .map_or(Ok(()), |(start, end)| Err(format!("we do not have the parser's {:?}", &text[start..end])))
}

fn scanner_agrees(text: &str, ours: Result<Vec<Statement>, Reason>) -> Result<bool, String> {
    let tokens = match pg_query::scan(text) {
        Ok(scanned) => scanned.tokens,
        Err(error) => {
            let unterminated = error.to_string().contains("unterminated");
            return match ours {
                Ok(_) if unterminated => Err(format!("the scanner finds it {error}")),
                _ => Ok(false),
            };
        }
    };
    let is = |token: Token| tokens.iter().any(|found| found.token() == token);
    // To the scanner, psql's variables and commands are tokens like others; the parser takes none of them.
    let of_psql = is(Token::Ascii92) || matches!(ours, Err(Reason::Variable { .. }));
    if of_psql || is(Token::Ascii40) || is(Token::Atomic) {
        return Ok(false);
    }
    let statements = ours.map_err(|reason| format!("the scanner can read what we refuse: {reason}"))?;
    let mut theirs: Vec<(usize, usize)> = Vec::new();
    let mut open = false;
    for token in &tokens {
        match token.token() {
            Token::SqlComment | Token::CComment => {}
            Token::Ascii59 => open = false,
            _ => {
                let (start, end) = (token.start as usize, token.end as usize);
                match theirs.last_mut() {
                    Some(last) if open => last.1 = end,
                    _ => theirs.push((start, end)),
                }
                open = true;
            }
        }
    }
    let ours: Vec<_> = statements.iter().map(|one| (one.start, one.end)).collect();
    if ours == theirs { Ok(true) } else { Err(format!("the scanner has {theirs:?}, we have {ours:?}")) }
}
