//! Whether two scripts differ only in comments and white space.

use super::lexer::{Kind, Lexer, Token};
use super::split::split;
use crate::StatementKind;

/// Whether PostgreSQL would see the same tokens in both: they differ at most in comments, white space and the
/// `\restrict` lines of pg_dump. `COPY` data and the insides of quotes count as they are written, so a comment in a
/// function body is a difference. A text that cannot be split is like nothing but itself.
pub fn same_tokens(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (Significant::new(a), Significant::new(b)) {
        (Some(a), Some(b)) => a.eq(b),
        _ => false,
    }
}

/// Whether two definitions of one routine differ in nothing but white space, in a body that is SQL or PL/pgSQL too: to
/// other languages white space may mean something. Comments count as they are written.
pub(crate) fn same_but_for_white_space(a: &str, b: &str) -> bool {
    let is_sql = |text: &str| {
        let head = text.split_once("\nAS ").map_or(text, |(head, _)| head);
        head.split('\n').any(|line| matches!(line.trim(), "LANGUAGE sql" | "LANGUAGE plpgsql"))
    };
    is_sql(a) && is_sql(b) && same_written(a, b)
}

fn same_written(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (written(a), written(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b => {}
            (Some((a, ..)), Some((b, ..))) => match (inside(a), inside(b)) {
                (Some((tag, a)), Some((other, b))) if tag == other && same_written(a, b) => {}
                _ => return false,
            },
            _ => return false,
        }
    }
}

/// Everything but white space: the text, whether it continues a string, and whether it is glued to the symbol before it.
fn written(text: &str) -> impl Iterator<Item = (&str, bool, bool)> {
    let mut last = None;
    Lexer::new(text).filter(|token| token.kind != Kind::Space).map(move |token| {
        let glued = last.replace(token).is_some_and(|last: Token| {
            last.end == token.start && (is_operator(last, token) || matches!(last.kind, Kind::Str { .. }))
        });
        let continues = matches!(token.kind, Kind::Str { continues: true, .. });
        let text = token.text(text);
        let text = if token.kind == Kind::LineComment { text.trim_end() } else { text };
        (text, continues, glued)
    })
}

/// The tag of a dollar quote and what is in it.
fn inside(text: &str) -> Option<(&str, &str)> {
    let tag = text.strip_prefix('$')?.split_once('$')?.0;
    let quote = &text[..tag.len() + 2];
    Some((tag, text[quote.len()..].strip_suffix(quote)?))
}

/// What counts of a text, in order.
struct Significant<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// Data of `COPY` (`true`) and dropped lines (`false`), in reverse order.
    raw: Vec<(usize, usize, bool)>,
    last: Option<Token>,
}

impl<'a> Significant<'a> {
    fn new(text: &'a str) -> Option<Self> {
        let split = split(text).ok()?;
        let mut raw: Vec<_> = split.dropped.iter().map(|&(start, end)| (start, end, false)).collect();
        raw.extend(split.pieces.iter().filter_map(|piece| match piece.kind {
            StatementKind::CopyFromStdin { data_start, data_end } => Some((data_start, data_end, true)),
            _ => None,
        }));
        raw.sort_unstable_by(|a, b| b.cmp(a));
        Some(Self { text, lexer: Lexer::new(text), raw, last: None })
    }
}

impl<'a> Iterator for Significant<'a> {
    /// The text, whether it continues a string, and whether it is glued to the symbol before it: `<=` is not `< =`.
    type Item = (&'a str, bool, bool);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let token = self.lexer.next();
            let at = token.map_or(self.text.len(), |token| token.end);
            if let Some((start, end, is_data)) =
                self.raw.pop_if(|(start, _, _)| *start < at || token.is_none())
            {
                // The line end before data is white space, so no token but this one reaches into it.
                let mut behind = end;
                if is_data && let Some(rest) = self.text[end..].strip_prefix("\\.") {
                    behind = self.text.len() - rest.len();
                }
                self.lexer.seek(behind);
                self.last = None;
                if is_data {
                    return Some((&self.text[start..end], false, true));
                }
                continue;
            }
            let token = token?;
            if token.is_trivia() {
                continue;
            }
            let is_symbol = |token: Token| matches!(token.kind, Kind::Symbol(_));
            let glued = is_symbol(token)
                && self.last.is_some_and(|last| {
                    is_symbol(last) && last.end == token.start && is_operator(last, token)
                });
            let continues = matches!(token.kind, Kind::Str { continues: true, .. });
            self.last = Some(token);
            return Some((token.text(self.text), continues, glued));
        }
    }
}

/// Whether these two symbols make one token when nothing stands between them, or could.
fn is_operator(a: Token, b: Token) -> bool {
    let is_part =
        |token: Token| matches!(token.kind, Kind::Symbol(symbol) if b"~!@#^&|`?+-*/%<>=:.".contains(&symbol));
    is_part(a) && is_part(b)
}

#[cfg(test)]
mod tests {
    use super::{same_but_for_white_space, same_tokens};

    #[test]
    fn a_body_may_be_laid_out_in_another_way() {
        let of = |language: &str, body: &str| {
            format!(
                "CREATE OR REPLACE FUNCTION public.f()\n RETURNS int\n LANGUAGE {language}\nAS $function${body}$function$"
            )
        };
        let same = |a: &str, b: &str| {
            let same = same_but_for_white_space(&of("plpgsql", a), &of("plpgsql", b));
            assert_eq!(same, same_but_for_white_space(&of("sql", b), &of("sql", a)), "{a:?} {b:?}");
            assert!(!same_but_for_white_space(&of("plpython3u", a), &of("plpython3u", b)) || a == b);
            same
        };
        for (a, b) in [
            ("BEGIN RETURN 1; END", "\r\nBEGIN\n\tRETURN 1;\nEND\n"),
            ("-- why  \nSELECT 1", "\n  -- why\nSELECT\n 1"),
            ("SELECT f(a,b)", "SELECT f( a, b )"),
            ("EXECUTE $q$ SELECT 1 $q$", "EXECUTE $q$SELECT  1$q$"),
        ] {
            assert!(same(a, b), "{a:?} {b:?}");
        }
        for (a, b) in [
            ("SELECT 'a b'", "SELECT 'a  b'"),
            ("SELECT \"a b\"", "SELECT \"a  b\""),
            ("SELECT ab", "SELECT a b"),
            ("SELECT 1 < = 2", "SELECT 1 <= 2"),
            ("-- why\nSELECT 1", "-- why SELECT 1"),
            ("-- why\nSELECT 1", "SELECT 1"),
            ("SELECT 'a'\n'b'", "SELECT 'a' 'b'"),
            ("SELECT $q$a$q$", "SELECT $p$a$p$"),
        ] {
            assert!(!same(a, b), "{a:?} {b:?}");
        }
    }

    #[test]
    fn comments_and_white_space_do_not_count() {
        for (a, b) in [
            ("", " -- x"),
            ("SELECT 1;", "-- why\nSELECT\t1 /* x */ ;\n"),
            ("SELECT a::int", "SELECT a :: int"),
            ("SELECT 'a'\n'b'", "SELECT 'a' -- x\n\n  'b'"),
            ("\\restrict abc\nSELECT 1;", "\\restrict xyz\n\nSELECT 1;\n\\unrestrict xyz"),
            ("COPY a FROM STDIN;\n1\n\\.\nSELECT 1", "COPY a  FROM STDIN; -- x\n1\n\\.\n\nSELECT  1"),
            ("f(a,b)", "f ( a , b )"),
        ] {
            assert!(same_tokens(a, b), "{a:?} {b:?}");
            assert!(same_tokens(b, a), "{b:?} {a:?}");
        }
    }

    #[test]
    fn everything_else_does() {
        for (a, b) in [
            ("SELECT 1", "SELECT 2"),
            ("SELECT 1", "select 1"),
            ("SELECT 1;", "SELECT 1"),
            ("SELECT 'a b'", "SELECT 'a  b'"),
            ("SELECT $$-- x$$", "SELECT $$$$"),
            ("SELECT 1 <= 2", "SELECT 1 < = 2"),
            ("SELECT 'a'\n'b'", "SELECT 'a' 'b'"),
            ("SELECT E'a'", "SELECT E 'a'"),
            ("SELECT 1 - -1", "SELECT 1 --1"),
            ("COPY a FROM STDIN;\n1\n\\.", "COPY a FROM STDIN;\n2\n\\."),
            ("COPY a FROM STDIN;\n1 2\n\\.", "COPY a FROM STDIN;\n1  2\n\\."),
            ("COPY a FROM STDIN;\n-- 1\n\\.", "COPY a FROM STDIN;\n-- 2\n\\."),
            ("SELECT 'a", "SELECT  'a"),
        ] {
            assert!(!same_tokens(a, b), "{a:?} {b:?}");
            assert!(!same_tokens(b, a), "{b:?} {a:?}");
        }
        assert!(same_tokens("SELECT 'a", "SELECT 'a"));
    }
}
