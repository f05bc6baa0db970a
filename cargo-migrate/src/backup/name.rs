//! Names of tables as SQL writes them, taken apart.

use crate::risk::quoted_rest;

/// Schema and name of `public.orders` or `"my schema"."Orders"`, without quotes; `None` where it is no such name.
pub(super) fn parts(qualified: &str) -> Option<(String, String)> {
    let (schema, rest) = part(qualified)?;
    let (name, rest) = part(rest.strip_prefix('.')?)?;
    rest.is_empty().then_some((schema, name))
}

/// The first identifier of a text, and what follows it.
fn part(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(['.', ' ', '(', ';']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    quoted_rest(quoted)
}

/// The table of a dump's `COPY public.orders (id, total) FROM stdin;`; `None` where that is not all of it: a name may have line
/// ends in it, and whatever a dump has.
pub(super) fn of_copy(command: &str) -> Option<(String, String)> {
    let (schema, rest) = part(command.strip_prefix("COPY ")?)?;
    let (name, rest) = part(rest.strip_prefix('.')?)?;
    let mut rest = rest.strip_prefix(' ')?;
    if let Some(mut columns) = rest.strip_prefix('(') {
        while !columns.starts_with(')') {
            columns = column(columns)?;
            columns = columns.strip_prefix(", ").unwrap_or(columns);
        }
        rest = columns.strip_prefix(')')?;
    }
    (rest == " FROM stdin;").then_some((schema, name))
}

/// What follows the first column of a list.
fn column(text: &str) -> Option<&str> {
    match text.starts_with('"') {
        true => Some(part(text)?.1),
        false => text.find([',', ')']).filter(|end| *end > 0).map(|end| &text[end..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let both = |schema: &str, name: &str| Some((schema.to_owned(), name.to_owned()));
        assert_eq!(parts("public.orders"), both("public", "orders"));
        assert_eq!(parts("\"a.\"\"b\".\"C d\""), both("a.\"b", "C d"));
        assert_eq!(parts("orders"), None);
        assert_eq!(parts("a.b.c"), None);
        assert_eq!(parts("a.\"b"), None);
        assert_eq!(of_copy("COPY public.\"O (x)\" (id, b) FROM stdin;"), both("public", "O (x)"));
        assert_eq!(of_copy("COPY public.empty  FROM stdin;"), both("public", "empty"));
        assert_eq!(of_copy("COPY public.t TO stdout;"), None);
        let nasty = "COPY public.\"a FROM stdin;\nb\" (x, \"y) FROM stdin;\nz\") FROM stdin;";
        assert_eq!(of_copy(nasty), both("public", "a FROM stdin;\nb"));
        for (end, _) in nasty.match_indices('\n') {
            assert_eq!(of_copy(&nasty[..end]), None, "{end}");
        }
        assert_eq!(of_copy("COPY public.t (a, FROM stdin;"), None);
        assert_eq!(of_copy("COPY public.t (ä, \"B\", c) FROM stdin;"), both("public", "t"));
    }
}
