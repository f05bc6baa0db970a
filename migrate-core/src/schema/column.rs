//! A column, read back from its fact.

use super::Object;

/// A column of a table, a view or a foreign table; an attribute of a composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, without the quotes that SQL may want.
    pub name: String,
    /// As the server writes it: `numeric(12,2)`, `shop.state[]`.
    pub type_name: String,
    /// Whether it takes no NULL.
    pub not_null: bool,
    /// Whether a row that does not mention it gets a value: a default, an identity, a generated column.
    pub has_default: bool,
}

/// What can follow the type, in this order.
const AFTER_TYPE: [&str; 10] = [
    " collate ",
    " not null",
    " default ",
    " generated ",
    " storage ",
    " compression ",
    " statistics ",
    " options (",
    " foreign options (",
    " inherited",
];

impl Object {
    /// The columns, in the table's order.
    pub fn columns(&self) -> impl Iterator<Item = Column> {
        self.lines.iter().filter_map(|line| column(line))
    }
}

fn column(line: &str) -> Option<Column> {
    let rest = line.strip_prefix("column ").or_else(|| line.strip_prefix("attribute "))?;
    let (name, rest) = identifier(rest);
    let rest = rest.strip_prefix(' ')?;
    let end = outside_quotes(rest, |after| AFTER_TYPE.iter().any(|word| after.starts_with(word)));
    let (type_name, mut rest) = rest.split_at(end);
    if let Some(collation) = rest.strip_prefix(" collate ") {
        let end = outside_quotes(collation, |after| after.starts_with(' '));
        rest = &collation[end..];
    }
    let after_null = rest.strip_prefix(" not null");
    let rest = after_null.unwrap_or(rest);
    Some(Column {
        name,
        type_name: type_name.to_owned(),
        not_null: after_null.is_some(),
        has_default: rest.starts_with(" default ") || rest.starts_with(" generated "),
    })
}

/// The identifier that a text begins with, without its quotes, and what is behind it.
pub(super) fn identifier(text: &str) -> (String, &str) {
    let end = outside_quotes(text, |after| {
        !after.starts_with(|c: char| c == '"' || c == '_' || c == '$' || c.is_alphanumeric())
    });
    let (name, rest) = text.split_at(end);
    let inner = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    (inner.map_or_else(|| name.to_owned(), |inner| inner.replace("\"\"", "\"")), rest)
}

/// Where `found` first holds for the rest of the text, outside of double quotes; its end where it never does.
fn outside_quotes(text: &str, found: impl Fn(&str) -> bool) -> usize {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        if !quoted && found(&text[at..]) {
            return at;
        }
        quoted ^= c == '"';
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read_back() {
        for (line, name, type_name, not_null, has_default) in [
            ("column id bigint not null generated always as identity", "id", "bigint", true, true),
            ("column total numeric(12,2) default 7", "total", "numeric(12,2)", false, true),
            (
                r#"column "a""b c" shop."odd not null"[] collate "x y"."C" not null"#,
                "a\"b c",
                r#"shop."odd not null"[]"#,
                true,
                false,
            ),
            (
                "column at timestamp(3) with time zone storage plain inherited",
                "at",
                "timestamp(3) with time zone",
                false,
                false,
            ),
            ("column t text default ' not null'::text", "t", "text", false, true),
            ("attribute name text collate pg_catalog.\"C\"", "name", "text", false, false),
            ("column größe integer statistics 7", "größe", "integer", false, false),
        ] {
            let expected =
                Column { name: name.to_owned(), type_name: type_name.to_owned(), not_null, has_default };
            assert_eq!(column(line), Some(expected), "{line}");
        }
        assert_eq!(column("comment on column 'x'"), None);
        let object = Object {
            heading: "table t".to_owned(),
            lines: vec!["column a int".to_owned(), "owner x".to_owned(), "column b int".to_owned()],
        };
        assert_eq!(object.columns().map(|column| column.name).collect::<Vec<_>>(), ["a", "b"]);
    }
}
