//! Names of tables as SQL writes them, taken apart.

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
    let mut end = 0;
    loop {
        end += quoted[end..].find('"')?;
        if !quoted[end + 1..].starts_with('"') {
            return Some((quoted[..end].replace("\"\"", "\""), &quoted[end + 1..]));
        }
        end += 2;
    }
}

/// The table of a dump's `COPY public.orders (id, total) FROM stdin;`.
pub(super) fn of_copy(line: &str) -> Option<(String, String)> {
    let rest = line.strip_prefix("COPY ")?;
    let (schema, rest) = part(rest)?;
    let (name, rest) = part(rest.strip_prefix('.')?)?;
    (rest.starts_with(' ') && rest.ends_with("FROM stdin;")).then_some((schema, name))
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
    }
}
