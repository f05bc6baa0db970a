//! Whether a schema has what an application was built for.

use std::fmt;

use super::fact::{Column, Fact, Nesting, kind_and_name};
use super::{Object, Schema};

/// Something that an application needs of a schema and that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmet {
    /// A whole table, function, type, … is missing.
    Object {
        /// `table public.orders`.
        heading: String,
    },
    /// A relation of this name is there and is something else.
    Kind {
        /// `public.orders`.
        name: String,
        /// `view`.
        found: String,
        /// `table`.
        needed: String,
    },
    /// A column, constraint, index, … of an object that is there is missing.
    Part {
        /// `public.orders`.
        object: String,
        /// `column total numeric(12,2)`.
        needed: String,
    },
    /// It is there, and is something else.
    Different {
        /// `public.orders.total`, `constraint orders_pkey of public.orders`.
        what: String,
        /// What is said about it.
        found: String,
        /// What should be.
        needed: String,
    },
    /// A column that the application does not know of must be given a value: it takes no NULL and has no default.
    Unfilled {
        /// `public.orders.extra`.
        column: String,
    },
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object { heading } => write!(f, "{heading} is missing"),
            Self::Kind { name, found, needed } => {
                write!(f, "{name} is a {found}, the application needs a {needed}")
            }
            Self::Part { object, needed } => match Column::of(needed) {
                Some(column) => write!(
                    f,
                    "{object}.{} is missing, the application needs {}",
                    column.name, column.data_type
                ),
                None => write!(f, "{object} has no {}", first_line(needed)),
            },
            Self::Different { what, found, needed } if found.contains('\n') || needed.contains('\n') => {
                write!(f, "{what} is not defined as the application needs it")
            }
            Self::Different { what, found, needed } => {
                write!(f, "{what} is {found}, the application needs {needed}")
            }
            Self::Unfilled { column } => {
                write!(f, "{column} is not null and has no default, and the application does not know of it")
            }
        }
    }
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

/// What makes no difference to a program: who owns and who may (the server says so itself when it matters), what is
/// said about things, and how they are stored.
const NO_MATTER: [&str; 8] =
    ["access", "cluster", "comment", "grant", "owner", "replica", "security", "tablespace"];
/// Kinds of objects that no statement of a program names.
const NO_MATTER_KINDS: [&str; 6] =
    ["default privileges", "event trigger", "publication", "statistics", "subscription", "user mapping for"];
/// What a query can name as a table.
const RELATIONS: [&str; 4] = ["table", "foreign table", "view", "materialized view"];
/// What rows can be put into.
const TABLES: [&str; 2] = ["table", "foreign table"];
/// What stands behind all that matters of a column: how it is stored, how it is estimated, where it is from.
const STORED: [&str; 6] =
    [" storage ", " compression ", " statistics ", " options (", " foreign options (", " inherited"];

/// What `needed` has and `found` lacks or has otherwise.
pub(super) fn unmet(needed: &Schema, found: &Schema) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    for object in needed.objects() {
        let (kind, name) = kind_and_name(&object.heading);
        if NO_MATTER_KINDS.contains(&kind) {
            continue;
        }
        if let Some(there) = found.get(&object.heading) {
            compare(object, there, &mut unmet);
            continue;
        }
        let other = RELATIONS
            .contains(&kind)
            .then(|| RELATIONS.into_iter().find(|other| found.get(&format!("{other} {name}")).is_some()));
        unmet.push(match other.flatten() {
            Some(other) => {
                Unmet::Kind { name: name.to_owned(), found: other.to_owned(), needed: kind.to_owned() }
            }
            None => Unmet::Object { heading: object.heading.clone() },
        });
    }
    unmet
}

fn compare(needed: &Object, found: &Object, unmet: &mut Vec<Unmet>) {
    let (kind, name) = kind_and_name(&needed.heading);
    for line in needed.lines.iter().filter(|line| !found.lines.contains(line)) {
        let fact = Fact::of(line);
        // The options of a relation are those of its storage; those of a server say where data come from.
        let is_storage = fact.word == "option" && RELATIONS.contains(&kind);
        if NO_MATTER.contains(&fact.word) || is_storage {
            continue;
        }
        let same_part = |other: &&String| {
            let other = Fact::of(other);
            other.word == fact.word && other.name == fact.name
        };
        let mut others = found.lines.iter().filter(|line| !needed.lines.contains(line)).filter(same_part);
        match (fact.name, others.next(), others.next()) {
            // Of facts without a name, one against one is a change, and more cannot be told apart.
            (Some(_), Some(other), _) | (None, Some(other), None) => {
                unmet.extend(different(kind, name, line, other));
            }
            _ => unmet.push(Unmet::Part { object: name.to_owned(), needed: line.clone() }),
        }
    }
    if TABLES.contains(&kind) {
        let known: Vec<_> =
            needed.lines.iter().filter_map(|line| Column::of(line)).map(|column| column.name).collect();
        for line in &found.lines {
            if let Some(column) = Column::of(line)
                && column.not_null
                && !column.filled
                && !known.contains(&column.name)
            {
                unmet.push(Unmet::Unfilled { column: format!("{name}.{}", column.name) });
            }
        }
    }
}

/// What differs between two lines about the same thing, where it matters.
fn different(kind: &str, object: &str, needed: &str, found: &str) -> Option<Unmet> {
    let (need, have) = (Fact::of(needed), Fact::of(found));
    if let (Some(of_need), Some(of_have)) = (Column::of(needed), Column::of(found)) {
        let [need_said, have_said] = [need.rest, have.rest].map(without_storage);
        let behind_type =
            need_said.get(of_need.data_type.len()..) == have_said.get(of_have.data_type.len()..);
        let (needed, found) = match of_need.data_type != of_have.data_type && behind_type {
            true => (of_need.data_type, of_have.data_type),
            false => (need_said, have_said),
        };
        let what = format!("{object}.{}", of_need.name);
        return (needed != found).then(|| Unmet::Different {
            what,
            found: found.to_owned(),
            needed: needed.to_owned(),
        });
    }
    let is_view = matches!(kind, "view" | "materialized view") && need.word == "definition";
    if is_view && unqualified(need.rest) == unqualified(have.rest) {
        return None;
    }
    let what = match need.name {
        Some(part) => format!("{} {part} of {object}", need.word),
        None => format!("{kind} {object}"),
    };
    // The word belongs to what is said where no name stands behind it: `as integer not null`.
    let [needed, found] = [(&need, needed), (&have, found)].map(|(fact, line)| match fact.name {
        Some(_) => fact.rest.to_owned(),
        None => line.to_owned(),
    });
    Some(Unmet::Different { what, found, needed })
}

fn without_storage(definition: &str) -> &str {
    let mut nesting = Nesting::default();
    for (at, c) in definition.char_indices() {
        if nesting.is_outside() && STORED.iter().any(|word| definition[at..].starts_with(word)) {
            return &definition[..at];
        }
        nesting.step(c);
    }
    definition
}

/// A view's query without what stands before a dot, and without white space: since version 16 a server leaves out the
/// table of a column where there is only one (`get_variable` in `ruleutils.c`), and an application that was recorded on
/// 15 has to start on 16.
fn unqualified(query: &str) -> String {
    let mut plain = String::new();
    let mut name = 0;
    for c in query.chars() {
        match c {
            '.' => plain.truncate(name),
            c if c.is_whitespace() => name = plain.len(),
            c => {
                plain.push(c);
                if !(c.is_alphanumeric() || matches!(c, '_' | '"' | '$')) {
                    name = plain.len();
                }
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDED: &str = "\
extension pgcrypto

function public.touch()
    returns trigger
    definition
    |BEGIN RETURN NEW; END

table public.orders
    column id bigint not null
    column total numeric(12,2)
    column state public.state not null default 'open'::public.state
    comment 'x'
    constraint orders_pkey PRIMARY KEY (id)
    index orders_state btree (state)
    owner alice

type public.state
    value 'open'
    value 'done'

view public.totals
    column id bigint
    definition
    | SELECT orders.id
    |   FROM public.orders;
";

    fn unmet(change: impl Fn(&str) -> String) -> Vec<String> {
        let needed = Schema::parse(NEEDED).unwrap();
        let found = Schema::parse(&change(NEEDED)).unwrap();
        needed.unmet(&found).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_the_same_or_more_is_fine() {
        assert_eq!(unmet(str::to_owned), [""; 0]);
        assert_eq!(
            unmet(|text| format!(
                "{text}    column extra integer\n    column more integer not null default 1\n\ntable public.other\n    column a integer not null\n"
            )),
            [""; 0]
        );
        // A view as version 16 prints it, and as 15 did; storage.
        assert_eq!(unmet(|text| text.replace("SELECT orders.id", "SELECT id")), [""; 0]);
        let stored =
            |text: &str| text.replace("numeric(12,2)\n", "numeric(12,2) storage plain statistics 7\n");
        assert_eq!(unmet(stored), [""; 0]);
        // Columns elsewhere, other owners, other comments.
        let moved = |text: &str| {
            let line = "    column id bigint not null\n";
            let text = text
                .replace(line, "")
                .replace("owner alice", "owner bob")
                .replace("comment 'x'", "comment 'y'");
            text.replace("    constraint", &format!("{line}    constraint"))
        };
        assert_eq!(unmet(moved), [""; 0]);
        assert_eq!(
            unmet(|text| text.replace("    value 'done'\n", "    value 'half'\n    value 'done'\n")),
            [""; 0]
        );
    }

    #[test]
    fn what_is_missing_or_different_is_named() {
        let table: [(&str, &str, &str); 10] = [
            (
                "numeric(12,2)",
                "integer",
                "public.orders.total is integer, the application needs numeric(12,2)",
            ),
            (
                "    column total numeric(12,2)\n",
                "",
                "public.orders.total is missing, the application needs numeric(12,2)",
            ),
            (
                "bigint not null\n",
                "bigint\n",
                "public.orders.id is bigint, the application needs bigint not null",
            ),
            ("extension pgcrypto\n\n", "", "extension pgcrypto is missing"),
            (
                "    constraint orders_pkey PRIMARY KEY (id)\n",
                "",
                "public.orders has no constraint orders_pkey PRIMARY KEY (id)",
            ),
            (
                "PRIMARY KEY",
                "UNIQUE",
                "constraint orders_pkey of public.orders is UNIQUE (id), the application needs PRIMARY KEY (id)",
            ),
            (
                "RETURN NEW",
                "RETURN NULL",
                "function public.touch() is not defined as the application needs it",
            ),
            (
                "table public.orders",
                "view public.orders",
                "public.orders is a view, the application needs a table",
            ),
            (
                "SELECT orders.id\n    |   FROM public.orders",
                "SELECT orders.key\n    |   FROM public.orders",
                "view public.totals is not defined as the application needs it",
            ),
            (
                "    comment 'x'\n",
                "    column extra integer not null\n",
                "public.orders.extra is not null and has no default, and the application does not know of it",
            ),
        ];
        for (from, to, expected) in table {
            assert_eq!(unmet(|text| text.replace(from, to)), [expected], "{from:?}");
        }
        assert_eq!(
            unmet(|text| text.replace("    value 'done'\n", "")),
            ["public.state has no value 'done'"]
        );
    }
}
