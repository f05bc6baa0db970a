//! `down-leaves-behind`: what the up created is still there after the down, as far as names tell.

use migrate_core::Direction;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::Level;
use crate::lint::effect::{Effect, Object, Tolerant, effects};
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::source::Source;
use crate::lint::tree::{Name, all, child, find, name};
use crate::lint::world::is_relation;

pub(super) const RULE: Rule = Rule {
    name: "down-leaves-behind",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Fails,
    what: "The down drops less than its up created.",
    why: "After the roll back something is left, and the next `up` fails because it exists already. Found by names alone: \
          where the down calls a function or has a DO block nothing is said. `cargo migrate verify` proves it on a database.",
    instead: "\n-- up\nCREATE TYPE mood AS ENUM ('good', 'bad');\nALTER TABLE people ADD COLUMN mood mood;\n\
              -- down, in the opposite order\nALTER TABLE people DROP COLUMN mood;\nDROP TYPE mood;",
    check: Check::Script(check),
};

fn check(case: &Case<'_>, found: &mut Vec<Draft>) {
    let (Direction::Down, Some(up)) = (case.source.direction, case.other) else { return };
    if !is_readable(case.source) || !is_readable(up) {
        return;
    }
    let down: Vec<Effect> = case.source.nodes().flat_map(effects).collect();
    let parents = parents(up);
    let left: Vec<String> = created(up)
        .into_iter()
        .filter(|(object, tolerant)| !is_undone(object, *tolerant, &down, &parents, case.source))
        .map(|(object, _)| object.shown())
        .collect();
    if left.is_empty() {
        return;
    }
    let message = format!("this leaves behind what its up created: {}", left.join(", "));
    let help = "drop it here, or say why it may stay: `-- migrate: allow down-leaves-behind <reason>`";
    found.push(Draft::new(RULE.name, case, 0..0, message).help(help));
}

/// Whether all of a script could be read, and nothing in it may do anything.
fn is_readable(source: &Source<'_>) -> bool {
    source
        .statements
        .iter()
        .all(|parsed| parsed.node.as_ref().is_some_and(|node| !effects(node).contains(&Effect::Unknown)))
}

/// What is there after the script and was not before, by name.
fn created(up: &Source<'_>) -> Vec<(Object, Tolerant)> {
    let mut created: Vec<(Object, Tolerant)> = Vec::new();
    for effect in up.nodes().flat_map(effects) {
        match effect {
            Effect::Create { tolerant: Tolerant::Temporary, .. } => {}
            // What somebody else made is not ours to drop.
            Effect::Create { object, tolerant: Tolerant::IfNotExists } if object.kind == "EXTENSION" => {}
            // The roles and publications of a cluster are often meant to stay.
            Effect::Create { object, .. } if object.kind == "ROLE" => {}
            Effect::Create { object, tolerant } => {
                created.retain(|(known, _)| !is_same(known, &object));
                created.push((object, tolerant));
            }
            Effect::Drop { object, .. } => created.retain(|(known, _)| {
                !(is_same(known, &object) || is_relation(&object.kind) && is_part_of(known, &object))
            }),
            Effect::Rename { object, to } => {
                for (known, _) in &mut created {
                    if is_same(known, &object) {
                        known.name = Some(Name {
                            schema: known.name.as_ref().and_then(|n| n.schema.clone()),
                            ..to.clone()
                        });
                    } else if is_relation(&object.kind) && is_part_of(known, &object) {
                        known.on = Some(to.clone());
                    }
                }
            }
            _ => {}
        }
    }
    // Dropped first and made anew: a replaced one, which the down puts back or leaves.
    let dropped: Vec<Object> = up
        .nodes()
        .flat_map(effects)
        .filter_map(|effect| match effect {
            Effect::Drop { object, .. } => Some(object),
            Effect::Rename { object, .. } => Some(object),
            _ => None,
        })
        .collect();
    created.retain(|(object, _)| !dropped.iter().any(|gone| is_same(object, gone)));
    created
}

/// Partitions, and sequences that belong to a column: what goes with another table.
fn parents(up: &Source<'_>) -> Vec<(Name, Name)> {
    let mut parents = Vec::new();
    for node in up.nodes() {
        match node.kind() {
            SyntaxKind::CREATE_TABLE => {
                if let (Some(own), Some(parent)) =
                    (child(node, SyntaxKind::TABLE_NAME), find(node, SyntaxKind::PARTITION_OF))
                {
                    parents.push((name(&own), name(&parent)));
                }
            }
            SyntaxKind::CREATE_SEQUENCE | SyntaxKind::ALTER_SEQUENCE => {
                if let (Some(own), Some(owner)) =
                    (node.first_child(), find(node, SyntaxKind::OPTION_OWNED_BY))
                    && let Some(table) = owning_table(&owner)
                {
                    parents.push((name(&own), table));
                }
            }
            SyntaxKind::ALTER_TABLE => {
                // ADD CONSTRAINT … USING INDEX takes the index over.
                for constraint in all(node, SyntaxKind::USING_INDEX_NAME) {
                    let table = child(node, SyntaxKind::TABLE_RELATION_NAME).map(|table| name(&table));
                    let index = find(&constraint, SyntaxKind::PATH_REF).map(|_| name(&constraint));
                    if let (Some(index), Some(table)) = (index, table) {
                        parents.push((index, table));
                    }
                }
            }
            _ => {}
        }
    }
    parents
}

/// The table of `OWNED BY table.column`.
fn owning_table(owner: &SyntaxNode) -> Option<Name> {
    let column = find(owner, SyntaxKind::PATH_REF)?;
    let table = child(&column, SyntaxKind::PATH_REF)?;
    Some(name(&table))
}

fn is_undone(
    object: &Object,
    tolerant: Tolerant,
    down: &[Effect],
    parents: &[(Name, Name)],
    source: &Source<'_>,
) -> bool {
    let cascades = down.iter().any(|effect| matches!(effect, Effect::Drop { cascade: true, .. }));
    let goes_with = |effect: &Effect| match effect {
        Effect::Drop { object: gone, .. } => {
            is_same(object, gone)
                || is_relation(&gone.kind) && (is_part_of(object, gone) || is_child(object, gone, parents))
                || gone.kind == "SCHEMA" && is_inside(object, gone)
                // Constraints and indexes go with their columns, and an index with its constraint.
                || matches!(gone.kind.as_str(), "COLUMN" | "CONSTRAINT")
                    && matches!(object.kind.as_str(), "CONSTRAINT" | "INDEX" | "SEQUENCE")
                    && (shares_table(object, gone) || is_child_of_table(object, gone, parents))
                // The server chose the name: any of its kind may be meant.
                || object.name.is_none() && object.kind == gone.kind
                || object.name.is_none() && gone.kind == "INDEX"
                || gone.kind == "EXTENSION" && object.kind != "TABLE"
        }
        // Renamed away, mostly to be dropped under another name.
        Effect::Rename { object: old, .. } => is_same(object, old),
        // A function or view that was replaced is put back by another replacement.
        Effect::Create { object: back, .. } => tolerant == Tolerant::OrReplace && is_same(object, back),
        _ => false,
    };
    if down.iter().any(goes_with) {
        return true;
    }
    let may_go_along = matches!(
        object.kind.as_str(),
        "CONSTRAINT"
            | "TRIGGER"
            | "VIEW"
            | "MATERIALIZED VIEW"
            | "COLUMN"
            | "POLICY"
            | "RULE"
            | "INDEX"
            | "FUNCTION"
            | "SEQUENCE"
    );
    cascades && may_go_along
        || object.kind == "CONSTRAINT" && object.name.is_none() && drops_not_null(source)
        // DROP OWNED and the like are not looked into.
        || down.iter().any(|effect| matches!(effect, Effect::Drop { object, .. } if object.kind == "OWNED"))
}

/// `ADD CONSTRAINT … NOT NULL` is undone by `DROP NOT NULL`.
fn drops_not_null(source: &Source<'_>) -> bool {
    source.nodes().any(|node| find(node, SyntaxKind::DROP_NOT_NULL).is_some())
}

fn is_same(a: &Object, b: &Object) -> bool {
    let kinds = a.kind == b.kind || is_relation(&a.kind) && is_relation(&b.kind);
    let on = match (&a.on, &b.on) {
        // An index is dropped without its table's name.
        (Some(a_on), Some(b_on)) => a_on.fits(b_on),
        _ => true,
    };
    kinds && on && a.name.as_ref().zip(b.name.as_ref()).is_some_and(|(a, b)| a.fits(b))
}

fn is_part_of(object: &Object, table: &Object) -> bool {
    object.on.as_ref().zip(table.name.as_ref()).is_some_and(|(on, table)| on.fits(table))
}

fn is_child(object: &Object, table: &Object, parents: &[(Name, Name)]) -> bool {
    let Some((own, table)) = object.name.as_ref().zip(table.name.as_ref()) else { return false };
    parents.iter().any(|(child, parent)| child.fits(own) && parent.fits(table))
}

fn shares_table(object: &Object, gone: &Object) -> bool {
    object.on.as_ref().zip(gone.on.as_ref()).is_some_and(|(a, b)| a.fits(b))
}

fn is_child_of_table(object: &Object, gone: &Object, parents: &[(Name, Name)]) -> bool {
    let Some((own, table)) = object.name.as_ref().zip(gone.on.as_ref()) else { return false };
    parents.iter().any(|(child, parent)| child.fits(own) && parent.fits(table))
}

fn is_inside(object: &Object, schema: &Object) -> bool {
    let schema = schema.name.as_ref().map(|schema| &schema.name);
    [&object.name, &object.on].into_iter().flatten().any(|name| name.schema.as_ref() == schema)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_in_down, messages_in_down};

    const RULE: &str = "down-leaves-behind";

    #[test]
    fn what_is_left_is_named() {
        let told = |up: &str, down: &str| {
            let messages = messages_in_down(up, down, RULE);
            assert_eq!(messages.len(), 1, "{up} / {down}");
            messages[0].clone()
        };
        for (up, down, left) in [
            (
                "CREATE TYPE mood AS ENUM ('a'); ALTER TABLE orders ADD COLUMN mood mood;",
                "ALTER TABLE orders DROP COLUMN mood;",
                "type mood",
            ),
            ("CREATE TABLE a (); CREATE TABLE b ();", "DROP TABLE a;", "table b"),
            ("ALTER TABLE orders ADD a int, ADD b int;", "ALTER TABLE orders DROP a;", "column orders.b"),
            (
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS ''; CREATE TRIGGER t BEFORE UPDATE ON orders EXECUTE FUNCTION f();",
                "DROP TRIGGER t ON orders;",
                "function f",
            ),
            ("CREATE INDEX i ON orders (note);", "DROP INDEX j;", "index i"),
            ("CREATE OR REPLACE VIEW v AS SELECT 1;", "UPDATE orders SET note = '' WHERE false;", "view v"),
            ("CREATE SEQUENCE s;  CREATE TABLE a ();", "DROP TABLE a;", "sequence s"),
        ] {
            let message = told(up, down);
            assert!(message.contains(&format!("created: {left}")), "{message}");
        }
    }

    #[test]
    fn what_is_undone_in_whatever_way() {
        for (up, down) in [
            (
                "CREATE TABLE a (); CREATE INDEX i ON a (b); CREATE TRIGGER t BEFORE UPDATE ON a EXECUTE FUNCTION f();",
                "DROP TABLE a;",
            ),
            ("CREATE SCHEMA s; CREATE TABLE s.a (); CREATE VIEW s.v AS SELECT 1;", "DROP SCHEMA s CASCADE;"),
            ("CREATE SEQUENCE s; CREATE TABLE a (b int); ALTER SEQUENCE s OWNED BY a.b;", "DROP TABLE a;"),
            (
                "CREATE TABLE a (b int) PARTITION BY LIST (b); CREATE TABLE a_1 PARTITION OF a DEFAULT;",
                "DROP TABLE a;",
            ),
            ("CREATE TABLE a (); ALTER TABLE a RENAME TO b;", "DROP TABLE b;"),
            ("CREATE TABLE a (); DROP TABLE a;", "SELECT 1;"),
            ("CREATE TEMP TABLE a ();", "SELECT 1;"),
            (
                "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1;",
                "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql RETURN 2;",
            ),
            ("DROP VIEW v; CREATE VIEW v AS SELECT 1;", "DROP VIEW v; CREATE VIEW v AS SELECT 2;"),
            ("CREATE TABLE a ();", "DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$;"),
            ("CREATE TABLE a ();", "SELECT drop_all();"),
            ("CREATE EXTENSION IF NOT EXISTS citext;", "DROP TABLE x;"),
            (
                "ALTER TABLE orders ADD a int; CREATE INDEX i ON orders (a); ALTER TABLE orders ADD CHECK (a > 0);",
                "ALTER TABLE orders DROP a;",
            ),
            ("ALTER TABLE orders ADD UNIQUE (note);", "ALTER TABLE orders DROP CONSTRAINT orders_note_key;"),
            ("CREATE TYPE e AS ENUM (); ALTER TYPE x RENAME TO y;", "ALTER TYPE e RENAME TO f; DROP TYPE f;"),
            ("CREATE INDEX ON orders (note);", "DROP INDEX orders_note_idx;"),
            ("CREATE UNIQUE INDEX CONCURRENTLY i ON orders (note);", "DROP INDEX CONCURRENTLY IF EXISTS i;"),
            ("ALTER TYPE e ADD VALUE 'x';", "ALTER TYPE e RENAME TO f;"),
        ] {
            assert!(
                found_in_down(up, down, RULE).is_empty(),
                "{up} / {down}: {:?}",
                messages_in_down(up, down, RULE)
            );
        }
    }
}
