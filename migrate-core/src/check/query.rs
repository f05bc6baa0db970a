//! What is a query and what only looks like one, as far as its words tell.
//!
//! The rest is the server's to refuse: checks run read-only. What is refused here is refused at home, with its line, and
//! not in the night of the run.

use std::borrow::Cow;

use crate::directive;
use crate::sql::Reason;
use crate::sql::lexer::{Kind, Lexer, Token};

/// Nothing where this statement is a query that changes nothing, as far as can be seen.
pub(super) fn judge(sql: &str) -> Result<(), (usize, Reason)> {
    let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
    let is = |index: usize, words: &[&str]| {
        tokens.get(index).is_some_and(|token| {
            token.kind == Kind::Word && words.iter().any(|word| token.text(sql).eq_ignore_ascii_case(word))
        })
    };
    let symbol = |index: usize, byte: u8| tokens.get(index).is_some_and(|t| t.kind == Kind::Symbol(byte));
    let first = tokens.iter().position(|token| token.kind != Kind::Symbol(b'(')).unwrap_or_default();
    if !is(first, &["SELECT", "WITH", "VALUES", "TABLE"]) {
        let command = tokens.get(first).map_or("", |token| token.text(sql)).to_uppercase();
        return Err((tokens.get(first).map_or(0, |token| token.start), Reason::NotAQuery { command }));
    }
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate() {
        let changes = |command| Err((token.start, Reason::ChangesData { command }));
        match token.kind {
            Kind::Symbol(b'(') => depth += 1,
            Kind::Symbol(b')') if depth == 0 => return Err((token.start, Reason::UnopenedParenthesis)),
            Kind::Symbol(b')') => depth -= 1,
            Kind::Word => {
                let Some(command) = writing(token, sql) else { continue };
                match command {
                    "SELECT INTO" if index > 0 && (is(index - 1, &["AS"]) || symbol(index - 1, b'.')) => {}
                    "SELECT INTO" => return changes(command),
                    "FOR UPDATE" | "FOR SHARE" => {
                        let mut before = index;
                        while before > 0 && is(before - 1, &["NO", "KEY"]) {
                            before -= 1;
                        }
                        if before > 0 && is(before - 1, &["FOR"]) && depth == 0 {
                            return changes(command);
                        }
                        // The other thing that this word begins.
                        if command == "FOR UPDATE"
                            && begins(&is, &symbol, index, depth == 0 && is(0, &["WITH"]))
                        {
                            return changes("UPDATE");
                        }
                    }
                    command if begins(&is, &symbol, index, true) && is(index + 1, &["INTO", "FROM"]) => {
                        return changes(command);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a statement does that has this word in the right place.
fn writing(token: &Token, sql: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 6] = [
        ("INSERT", "INSERT"),
        ("UPDATE", "FOR UPDATE"),
        ("SHARE", "FOR SHARE"),
        ("DELETE", "DELETE"),
        ("MERGE", "MERGE"),
        ("INTO", "SELECT INTO"),
    ];
    let text = token.text(sql);
    WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, command)| *command)
}

/// Whether a statement can begin with the token at `index`: in the parentheses of a `WITH` query, or behind its last.
fn begins(
    is: &impl Fn(usize, &[&str]) -> bool,
    symbol: &impl Fn(usize, u8) -> bool,
    index: usize,
    behind_the_last: bool,
) -> bool {
    index >= 2 && symbol(index - 1, b'(') && is(index - 2, &["AS", "MATERIALIZED"])
        || index >= 1 && behind_the_last && symbol(index - 1, b')')
}

/// What the comment says that stands on the lines right above `start`, behind the statement that ends at `behind`.
/// A comment that is a section directive but for its colon is refused: the query would run at the wrong moment.
pub(super) fn description(
    text: &str,
    behind: usize,
    start: usize,
) -> Result<Option<Cow<'static, str>>, (usize, Reason)> {
    let gap = &text[behind..start];
    let tokens: Vec<_> = Lexer::new(gap).collect();
    for token in tokens.iter().filter(|token| token.kind == Kind::LineComment) {
        if let Some(directive) = directive::section_without_colon(token.text(gap)) {
            return Err((behind + token.start, Reason::MissingColon { directive }));
        }
    }
    let mut lines = Vec::new();
    let mut rest = tokens.as_slice();
    while let [before @ .., comment, space] = rest {
        let own_line = match before.last() {
            Some(token) => token.kind == Kind::Space && line_ends(token.text(gap)) > 0,
            None => behind == 0,
        };
        if comment.kind != Kind::LineComment
            || space.kind != Kind::Space
            || line_ends(space.text(gap)) != 1
            || !own_line
            || directive::looks_like_one(comment.text(gap))
        {
            break;
        }
        lines.push(comment.text(gap).trim_start_matches('-').trim());
        rest = &rest[..rest.len() - 2];
    }
    lines.reverse();
    let words: Vec<_> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    Ok(Some(words.join(" ")).filter(|words| !words.is_empty()).map(Cow::Owned))
}

fn line_ends(space: &str) -> usize {
    let feeds = space.matches('\n').count();
    if feeds == 0 { space.matches('\r').count() } else { feeds }
}
