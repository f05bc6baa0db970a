//! `truncate`: a table in use is emptied. (`TRUNCATE … CASCADE` is squawk's `ban-truncate-cascade`.)

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::source::Parsed;
use crate::lint::tree::{all, has, name};

pub(super) const RULE: Rule = Rule {
    name: "truncate",
    owner: Owner::Ours,
    level: Level::Deny,
    group: Group::Loses,
    what: "`TRUNCATE` of a table that this migration did not create.",
    why: "All its rows are gone, and no down brings them back. ACCESS EXCLUSIVE until the transaction ends, too.",
    instead: "\n-- cargo migrate new archive_old_orders --template data-archive\n\
              CREATE TABLE orders_archive (LIKE orders);\n\
              WITH gone AS (DELETE FROM orders WHERE placed_at < '2020-01-01' RETURNING *)\n\
              INSERT INTO orders_archive SELECT * FROM gone;",
    check: Check::Statement(check),
};

fn check(case: &Case<'_>, parsed: &Parsed<'_>, node: &SyntaxNode, found: &mut Vec<Draft>) {
    if node.kind() != SyntaxKind::TRUNCATE || has(node, SyntaxKind::CASCADE) {
        return;
    }
    let tables: Vec<_> = all(node, SyntaxKind::TABLE_RELATION_NAME).map(|table| name(&table)).collect();
    let Some(used) = tables.iter().find(|table| !case.is_new(table)) else { return };
    found.push(
        Draft::new(RULE.name, case, parsed.span(), format!("every row of {} is gone", used.bare())).help(
            "keep what goes in an archive table (template `data-archive`), or allow it with the reason",
        ),
    );
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    #[test]
    fn a_table_in_use_is_not_emptied() {
        assert_eq!(found("TRUNCATE orders;", "truncate"), ["TRUNCATE orders"]);
        assert_eq!(found("CREATE TABLE a (); TRUNCATE a, orders;", "truncate"), ["TRUNCATE a, orders"]);
    }

    #[test]
    fn a_table_of_its_own_may_be() {
        assert!(found("CREATE TABLE a (); TRUNCATE a;", "truncate").is_empty());
        assert!(found("CREATE TEMP TABLE a (); TRUNCATE ONLY a;", "truncate").is_empty());
        assert!(found("TRUNCATE orders CASCADE;", "truncate").is_empty());
    }
}
