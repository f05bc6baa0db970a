//! Types under the names that people write and the one that the server writes (`format_type`).

/// The aliases of the manual's table of types ("Data Types").
const ALIASES: [(&str, &str); 19] = [
    ("bigserial", "bigint"),
    ("bool", "boolean"),
    ("char", "character"),
    ("decimal", "numeric"),
    ("float", "double precision"),
    ("float4", "real"),
    ("float8", "double precision"),
    ("int", "integer"),
    ("int2", "smallint"),
    ("int4", "integer"),
    ("int8", "bigint"),
    ("serial", "integer"),
    ("time", "time without time zone"),
    ("timestamp", "timestamp without time zone"),
    ("timestamptz", "timestamp with time zone"),
    ("timetz", "time with time zone"),
    ("varbit", "bit varying"),
    ("varchar", "character varying"),
    ("smallserial", "smallint"),
];

/// Whether what a person wrote is the type that the server wrote. A type of the schema `public` needs no schema.
pub(crate) fn same(written: &str, of_server: &str) -> bool {
    let (written, of_server) = (plain(written), plain(of_server));
    written == of_server
        || format!("public.{written}") == of_server
        || format!("pg_catalog.{of_server}") == written
}

/// In lower case where it is not quoted, with single blanks between words and none elsewhere, and without alias.
fn plain(text: &str) -> String {
    let mut spaced = String::new();
    let mut quoted = false;
    for c in text.trim().chars() {
        quoted ^= c == '"';
        match c {
            _ if quoted => spaced.push(c),
            c if c.is_whitespace() && spaced.ends_with([' ', '(', ',']) => {}
            c if c.is_whitespace() => spaced.push(' '),
            '(' | ')' | ',' | '[' => {
                spaced.truncate(spaced.trim_end().len());
                spaced.push(c);
            }
            c => spaced.extend(c.to_lowercase()),
        }
    }
    // The name, up to a modifier or the brackets of an array.
    let end = spaced.find(['(', '[']).unwrap_or(spaced.len());
    let (name, rest) = spaced.split_at(end);
    let Some((_, full)) = ALIASES.into_iter().find(|(alias, _)| *alias == name) else { return spaced };
    // `timestamp(3)` has its modifier in the middle of its full name.
    let modifier = rest.find(')').filter(|_| rest.starts_with('(')).map_or(0, |at| at + 1);
    let (modifier, rest) = rest.split_at(modifier);
    if rest.trim_start().starts_with("with") {
        return spaced;
    }
    match full.split_once(" with") {
        Some((first, last)) => format!("{first}{modifier} with{last}{rest}"),
        None => format!("{full}{modifier}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_and_blanks_make_no_difference() {
        for (written, of_server) in [
            ("int", "integer"),
            ("INT8[]", "bigint[]"),
            ("varchar( 20 )", "character varying(20)"),
            ("decimal(12, 2)[]", "numeric(12,2)[]"),
            ("timestamptz(3)", "timestamp(3) with time zone"),
            ("timestamp", "timestamp without time zone"),
            ("timestamp(3)  with time zone", "timestamp(3) with time zone"),
            ("double  precision", "double precision"),
            ("state", "public.state"),
            ("public.\"My State\"", "public.\"My State\""),
        ] {
            assert!(same(written, of_server), "{written}: {}", plain(written));
        }
        for (written, of_server) in
            [("int", "bigint"), ("numeric", "numeric(12,2)"), ("state", "sales.state")]
        {
            assert!(!same(written, of_server), "{written}");
        }
    }
}
