//! `adding-serial-field`: a column that counts up is added to a table in use.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::safer;
use crate::lint::source::Parsed;
use crate::lint::tree::{all, child, name, span};
use crate::lint::world::type_of;

pub(super) const RULE: Rule = Rule {
    name: "adding-serial-field",
    owner: Owner::Ours,
    level: Level::Deny,
    group: Group::Blocks,
    what: "A `serial` column is added to a table in use.",
    why: "Its default is `nextval(…)`, which differs from row to row: the whole table is rewritten under ACCESS EXCLUSIVE. \
          squawk says so of an identity column (`adding-field-with-default`).",
    instead: "\nALTER TABLE t ADD COLUMN n bigint;\nCREATE SEQUENCE t_n_seq OWNED BY t.n;\n\
              ALTER TABLE t ALTER COLUMN n SET DEFAULT nextval('t_n_seq');\n\
              -- in the next migration, in batches where there are many rows:\n\
              UPDATE t SET n = nextval('t_n_seq') WHERE n IS NULL;",
    check: Check::Statement(check),
};

fn check(case: &Case<'_>, _: &Parsed<'_>, node: &SyntaxNode, found: &mut Vec<Draft>) {
    if node.kind() != SyntaxKind::ALTER_TABLE {
        return;
    }
    let Some(table) = child(node, SyntaxKind::TABLE_RELATION_NAME).map(|table| name(&table)) else { return };
    if case.is_new(&table) {
        return;
    }
    for column in all(node, SyntaxKind::ADD_COLUMN) {
        let counts = type_of(&column).is_some_and(|written| {
            matches!(
                written.as_str(),
                "serial" | "bigserial" | "smallserial" | "serial2" | "serial4" | "serial8"
            )
        });
        if counts {
            found.push(
                Draft::new(
                    RULE.name,
                    case,
                    span(&column),
                    format!("{} is rewritten under ACCESS EXCLUSIVE to number its rows", table.bare()),
                )
                .help("add the column without a default, set one for new rows, number the old ones later")
                .safer(safer::script(case, node, &column, &RULE)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    #[test]
    fn a_serial_column_of_a_table_in_use() {
        let rule = "adding-serial-field";
        assert_eq!(
            found("ALTER TABLE orders ADD COLUMN n bigserial NOT NULL;", rule),
            ["ADD COLUMN n bigserial NOT NULL"]
        );
        assert!(found("CREATE TABLE a (); ALTER TABLE a ADD COLUMN n serial;", rule).is_empty());
        assert!(found("ALTER TABLE orders ADD COLUMN n bigint;", rule).is_empty());
    }
}
