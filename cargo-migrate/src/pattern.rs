//! Patterns for objects of a schema, as `--only`, `--exclude` and `--ignore` take them.

use glob::Pattern;
use migrate_core::Schema;
use migrate_core::schema::{Change, Diff, Fact, Object, kind_and_name};

/// One pattern, for clap: `*` is any text, `?` one character, `[a-z]` one of these.
pub(crate) fn parse(text: &str) -> Result<Pattern, String> {
    Pattern::new(text).map_err(|error| format!("{}, at character {}", error.msg, error.pos + 1))
}

/// Whether one of the patterns means this object: by its heading (`table public.orders`) or by its name alone.
fn names(patterns: &[Pattern], heading: &str) -> bool {
    let (_, name) = kind_and_name(heading);
    patterns.iter().any(|pattern| pattern.matches(heading) || pattern.matches(name))
}

/// Whether one of the patterns means this part of an object: `public.orders.total`, `index public.orders.orders_idx`.
fn names_part(patterns: &[Pattern], heading: &str, line: &str) -> bool {
    let (_, object) = kind_and_name(heading);
    let Fact { word, name, .. } = Fact::of(line);
    let name = name.map_or_else(|| format!("{object}.{word}"), |name| format!("{object}.{name}"));
    let full = format!("{word} {name}");
    patterns.iter().any(|pattern| pattern.matches(&name) || pattern.matches(&full))
}

/// The schema with only what is wanted.
pub(crate) fn choose(schema: &Schema, only: &[Pattern], exclude: &[Pattern], kinds: &[String]) -> Schema {
    let wanted = |object: &Object| {
        let (kind, _) = kind_and_name(&object.heading);
        (only.is_empty() || names(only, &object.heading))
            && (kinds.is_empty() || kinds.iter().any(|wanted| wanted == kind))
            && !names(exclude, &object.heading)
    };
    schema.objects().filter(|object| wanted(object)).map(|object| (**object).clone()).collect()
}

/// The difference without what is to be ignored: whole objects, or parts of them.
pub(crate) fn ignore(diff: Diff, patterns: &[Pattern]) -> Diff {
    let kept = |heading: &str, lines: Vec<String>| -> Vec<String> {
        lines.into_iter().filter(|line| !names_part(patterns, heading, line)).collect()
    };
    let changes = diff.changes.into_iter().filter(|change| !names(patterns, change.heading()));
    let changes = changes.filter_map(|change| match change {
        Change::Changed { heading, removed, added } => {
            let (removed, added) = (kept(&heading, removed), kept(&heading, added));
            let differs = !removed.is_empty() || !added.is_empty();
            differs.then_some(Change::Changed { heading, removed, added })
        }
        other => Some(other),
    });
    Diff { changes: changes.collect() }
}

/// The schema without who owns and who may: a file can have them where they are not compared.
pub(crate) fn without(schema: &Schema, owners: bool, grants: bool) -> Schema {
    let kept = |object: &Object| !(grants && kind_and_name(&object.heading).0 == "default privileges");
    let line_kept = |line: &String| {
        let word = Fact::of(line).word;
        !(owners && word == "owner" || grants && word == "grant")
    };
    let objects = schema.objects().filter(|object| kept(object)).map(|object| {
        let lines = object.lines.iter().filter(|line| line_kept(line)).cloned().collect();
        Object { heading: object.heading.clone(), lines }
    });
    objects.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "\
default privileges for alice on tables
    grant select to bob

table public.orders
    column id integer
    index orders_tmp CREATE INDEX orders_tmp ON public.orders USING btree (id)
    owner alice

view public.v
    column id integer
    grant select to bob
";

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| parse(text).unwrap()).collect()
    }

    fn headings(schema: &Schema) -> Vec<&str> {
        schema.objects().map(|object| object.heading.as_str()).collect()
    }

    #[test]
    fn objects_are_chosen_by_heading_name_and_kind() {
        let schema = Schema::parse(SCHEMA).unwrap();
        let chosen = |only: &[&str], exclude: &[&str], kinds: &[&str]| {
            let kinds: Vec<_> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            headings(&choose(&schema, &patterns(only), &patterns(exclude), &kinds)).join(", ")
        };
        assert_eq!(chosen(&["public.*"], &[], &[]), "table public.orders, view public.v");
        assert_eq!(chosen(&["table *"], &[], &[]), "table public.orders");
        assert_eq!(chosen(&[], &["*public.[a-o]*"], &["table", "view"]), "view public.v");
        assert!(parse("[a").unwrap_err().contains("character"));
    }

    #[test]
    fn parts_are_ignored_one_by_one() {
        let schema = Schema::parse(SCHEMA).unwrap();
        let left = |ignored: &[&str]| {
            let other =
                Schema::parse("table public.orders\n    column id bigint\n    owner alice\n").unwrap();
            ignore(other.diff(&schema), &patterns(ignored)).text()
        };
        assert_eq!(
            left(&["default *", "view *", "index public.orders.*"]),
            "  table public.orders\n-     column id bigint\n+     column id integer\n"
        );
        assert_eq!(left(&["default *", "public.v", "public.orders.*"]), "");
        assert_eq!(left(&["*"]), "");
    }

    #[test]
    fn owners_and_grants_can_be_left_out() {
        let schema = Schema::parse(SCHEMA).unwrap();
        assert_eq!(without(&schema, false, false), schema);
        let portable = without(&schema, true, true).text();
        assert!(
            !portable.contains("owner") && !portable.contains("grant") && !portable.contains("default"),
            "{portable}"
        );
    }
}
