//! What one fact of an object says: about which of its parts, and what.

use super::name;

/// A fact, taken apart: `column total numeric(12,2)`, `constraint orders_pkey PRIMARY KEY (id)`, `row level security`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<'a> {
    /// Its first word: `column`, `constraint`, `index`, `definition`.
    pub word: &'a str,
    /// The part of the object that it is about, as it is written there, where it has a name.
    pub name: Option<&'a str>,
    /// What is said, after word and name; for a column its type first.
    pub rest: &'a str,
}

/// The parts of an object that have names of their own.
const NAMED: [&str; 7] = ["attribute", "column", "constraint", "index", "policy", "rule", "trigger"];

impl<'a> Fact<'a> {
    /// A line of an object.
    pub fn of(line: &'a str) -> Self {
        let end = line.find([' ', '\n']).unwrap_or(line.len());
        let (word, rest) = (&line[..end], &line[end..]);
        if NAMED.contains(&word)
            && let Some(text) = rest.strip_prefix(' ')
            && let Some((parts, after)) = name::parts(text)
            && parts.len() == 1
        {
            let name = &text[..text.len() - after.len()];
            return Self { word, name: Some(name), rest: after.trim_start_matches([' ', '\n']) };
        }
        Self { word, name: None, rest: rest.trim_start_matches([' ', '\n']) }
    }
}

/// A column of a table, a view or a composite type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    /// As it is written in the schema, in double quotes where SQL needs them.
    pub name: &'a str,
    /// As the server writes it: `numeric(12,2)`, `timestamp with time zone`.
    pub data_type: &'a str,
    /// It takes no NULL.
    pub not_null: bool,
    /// It gets a value where none is given: a default, a generated column, an identity.
    pub filled: bool,
    /// Everything that is said about it, its type first.
    pub definition: &'a str,
}

/// What may stand behind the type.
const AFTER_TYPE: [&str; 13] = [
    "collate",
    "foreign",
    "not",
    "default",
    "generated",
    "storage",
    "compression",
    "statistics",
    "options",
    "inherited",
    "local",
    "identity",
    "comment",
];

impl<'a> Column<'a> {
    /// A line of an object, where it is a column's.
    pub fn of(line: &'a str) -> Option<Self> {
        let Fact { word: "column" | "attribute", name: Some(name), rest: definition } = Fact::of(line) else {
            return None;
        };
        let words = words(definition);
        let end = words
            .iter()
            .skip(1)
            .find(|(_, word)| AFTER_TYPE.contains(word))
            .map_or(definition.len(), |(at, _)| *at);
        let has = |wanted: &str| words.iter().any(|(_, word)| *word == wanted);
        let not_null = words.windows(2).any(|pair| pair[0].1 == "not" && pair[1].1 == "null");
        let filled = has("default") || has("generated") || has("identity");
        Some(Self { name, data_type: definition[..end].trim_end(), not_null, filled, definition })
    }
}

/// The words outside of quotes and brackets, each with its place.
fn words(text: &str) -> Vec<(usize, &str)> {
    let (mut words, mut start, mut nesting) = (Vec::new(), None, Nesting::default());
    for (at, c) in text.char_indices() {
        let outside = nesting.is_outside();
        nesting.step(c);
        if outside && matches!(c, ' ' | '\n') {
            words.extend(start.take().map(|start| (start, &text[start..at])));
        } else if start.is_none() {
            start = Some(at);
        }
    }
    words.extend(start.map(|start| (start, &text[start..])));
    words
}

/// The quotes and brackets that a text is in.
#[derive(Debug, Default)]
pub(super) struct Nesting {
    depth: i32,
    quote: Option<char>,
}

impl Nesting {
    /// Whether the next character is in none of them.
    pub(super) fn is_outside(&self) -> bool {
        self.depth == 0 && self.quote.is_none()
    }

    /// Goes on behind a character.
    pub(super) fn step(&mut self, c: char) {
        match (c, self.quote) {
            ('\'' | '"', Some(quote)) if quote == c => self.quote = None,
            ('\'' | '"', None) => self.quote = Some(c),
            ('(' | '[', None) => self.depth += 1,
            (')' | ']', None) => self.depth -= 1,
            _ => {}
        }
    }
}

/// The kind and the qualified name of a heading: `table`, `public.orders`; `function`, `public.touch(integer)`.
pub fn kind_and_name(heading: &str) -> (&str, &str) {
    let kind =
        KINDS.into_iter().find(|kind| heading.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' ')));
    match kind.or_else(|| heading.split_once(' ').map(|(kind, _)| kind)) {
        Some(kind) => (&heading[..kind.len()], heading[kind.len()..].trim_start_matches(' ')),
        None => (heading, ""),
    }
}

/// The kinds of more than one word.
const KINDS: [&str; 14] = [
    "access method",
    "default privileges",
    "event trigger",
    "foreign data wrapper",
    "foreign table",
    "materialized view",
    "operator class",
    "operator family",
    "text search configuration",
    "text search dictionary",
    "text search parser",
    "text search template",
    "transform for",
    "user mapping for",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_about_a_part_or_the_whole() {
        let of = |line: &'static str| {
            let Fact { word, name, rest } = Fact::of(line);
            (word, name, rest)
        };
        assert_eq!(of("column \"a b\" text not null"), ("column", Some("\"a b\""), "text not null"));
        assert_eq!(of("constraint c CHECK ((a > 0))"), ("constraint", Some("c"), "CHECK ((a > 0))"));
        assert_eq!(of("row level security"), ("row", None, "level security"));
        assert_eq!(of("definition\n SELECT 1"), ("definition", None, "SELECT 1"));
        assert_eq!(of("unlogged"), ("unlogged", None, ""));
    }

    #[test]
    fn columns_have_a_type_and_say_whether_they_fill_themselves() {
        let table = [
            ("column a integer", ("integer", false, false)),
            ("column a timestamp with time zone not null", ("timestamp with time zone", true, false)),
            ("column a numeric(12,2) default '1 not null'::text", ("numeric(12,2)", false, true)),
            (
                "column a public.\"my default type\"[] collate pg_catalog.\"C\"",
                ("public.\"my default type\"[]", false, false),
            ),
            ("column a bigint not null generated always as identity", ("bigint", true, true)),
            ("column a text storage external statistics 7 options (n_distinct=5)", ("text", false, false)),
            ("column a integer inherited and local", ("integer", false, false)),
            ("attribute a public.\"x.y z\"", ("public.\"x.y z\"", false, false)),
            ("column a text not null generated always as (upper(b)) stored", ("text", true, true)),
        ];
        for (line, expected) in table {
            let column = Column::of(line).unwrap();
            assert_eq!((column.data_type, column.not_null, column.filled), expected, "{line}");
        }
        assert_eq!(Column::of("constraint a PRIMARY KEY (id)"), None);
    }

    #[test]
    fn headings_are_a_kind_and_a_name() {
        for (heading, kind, name) in [
            ("table public.orders", "table", "public.orders"),
            ("materialized view public.\"a b\"", "materialized view", "public.\"a b\""),
            ("function public.f(a integer)", "function", "public.f(a integer)"),
            ("extension pgcrypto", "extension", "pgcrypto"),
            ("text search parser public.p", "text search parser", "public.p"),
        ] {
            assert_eq!(kind_and_name(heading), (kind, name));
        }
    }
}
