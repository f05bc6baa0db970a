//! `schema-and-data`: tables in use are altered, and rows of tables in use changed, in one transaction.

use migrate_core::{Direction, Mode};
use squawk_syntax::SyntaxKind;

use crate::lint::Level;
use crate::lint::effect::{Effect, effects};
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::source::Parsed;
use crate::lint::tree::{Name, child, name};
use crate::lint::world::World;

pub(super) const RULE: Rule = Rule {
    name: "schema-and-data",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Blocks,
    what: "One transaction alters a table in use and changes rows of a table in use.",
    why: "The lock of the ALTER TABLE is held as long as the rows take. The other way round the ALTER TABLE may fail: it \
          cannot have a table with pending trigger events. Creating tables and filling them is fine; so is VALIDATE.",
    instead: "Two migrations: one that alters, one that fills. Each then costs what it costs, and can be tried again.",
    check: Check::Script(check),
};

fn check(case: &Case<'_>, found: &mut Vec<Draft>) {
    if case.source.script.mode != Mode::Transactional || case.source.direction == Direction::Down {
        return;
    }
    // What is new here is known only after the statements before.
    let mut world = World::after(case.world);
    let mut altered: Option<(&Parsed<'_>, Name)> = None;
    let mut changed: Option<(&Parsed<'_>, Name)> = None;
    for parsed in &case.source.statements {
        let Some(node) = &parsed.node else { continue };
        let here = Case { set: case.set, world: &world, source: case.source, other: case.other, ..*case };
        if altered.is_none()
            && let Some(table) = alters(node).filter(|table| !here.is_new(table))
        {
            altered = Some((parsed, table));
        }
        let written = effects(node).into_iter().find_map(|effect| match effect {
            Effect::Rows { verb, table } if verb != "TRUNCATE" && !here.is_new(&table) => Some(table),
            _ => None,
        });
        if let (None, Some(table)) = (&changed, written) {
            changed = Some((parsed, table));
        }
        world.apply(node, case.index);
    }
    let (Some((ddl, altered)), Some((dml, changed))) = (altered, changed) else { return };
    let (altered, changed) = (altered.bare(), changed.bare());
    let message = match ddl.statement.start < dml.statement.start {
        true => format!("the rows of {changed} are changed while {altered} is locked by the statement above"),
        false => format!("{altered} is altered in the transaction that changes rows of {changed}"),
    };
    let draft = Draft::new(RULE.name, case, dml.span(), message);
    found.push(draft.help("one migration that alters, another that changes the rows"));
}

/// The table that a statement locks against readers or writers for longer than a moment, or to the end.
fn alters(node: &squawk_syntax::SyntaxNode) -> Option<Name> {
    use SyntaxKind as K;
    match node.kind() {
        K::CREATE_INDEX => {}
        K::ALTER_TABLE => {
            let mut actions = node.children().filter(|part| part.kind() != K::IF_EXISTS).skip(1);
            if actions.all(|action| action.kind() == K::VALIDATE_CONSTRAINT) {
                return None;
            }
        }
        _ => return None,
    }
    child(node, K::TABLE_RELATION_NAME).map(|table| name(&table))
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    const RULE: &str = "schema-and-data";

    #[test]
    fn both_on_tables_in_use() {
        assert_eq!(
            found("ALTER TABLE orders ADD COLUMN a int; UPDATE orders SET a = 1 WHERE true;", RULE),
            ["UPDATE orders SET a = 1 WHERE true"]
        );
        assert_eq!(
            found("DELETE FROM orders WHERE false; CREATE INDEX i ON orders (note);", RULE),
            ["DELETE FROM orders WHERE false"]
        );
    }

    #[test]
    fn one_of_both_or_new_tables() {
        for sql in [
            "ALTER TABLE orders ADD COLUMN a int;",
            "UPDATE orders SET a = 1 WHERE true;",
            "CREATE TABLE a (b int); INSERT INTO a VALUES (1); ALTER TABLE a ADD c int;",
            "CREATE TABLE a (b int); ALTER TABLE orders ADD c int; INSERT INTO a VALUES (1);",
            "CREATE TABLE a (b int); UPDATE orders SET note = '' WHERE note IS NULL;",
            "UPDATE orders SET note = '' WHERE note IS NULL; ALTER TABLE orders VALIDATE CONSTRAINT c;",
            "-- migrate: no-transaction\nALTER TABLE orders ADD c int; UPDATE orders SET c = 1 WHERE true;",
        ] {
            assert!(found(sql, RULE).is_empty(), "{sql}");
        }
    }
}
