//! `delete-without-where`: all rows of a table in use are deleted.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::source::Parsed;
use crate::lint::tree::{child, has, name, span};

pub(super) const RULE: Rule = Rule {
    name: "delete-without-where",
    owner: Owner::Ours,
    level: Level::Deny,
    group: Group::Loses,
    what: "`DELETE` without `WHERE` from a table that this migration did not create.",
    why: "All its rows are gone, and no down brings them back. More often than not the condition was forgotten.",
    instead: "\nDELETE FROM orders WHERE status = 'draft';\n-- all of them, and meant:\nDELETE FROM orders WHERE true;",
    check: Check::Statement(check),
};

fn check(case: &Case<'_>, _: &Parsed<'_>, node: &SyntaxNode, found: &mut Vec<Draft>) {
    for delete in unfiltered(node, SyntaxKind::DELETE) {
        let Some(table) = child(&delete, SyntaxKind::RELATION_NAME).map(|table| name(&table)) else {
            continue;
        };
        if has(&delete, SyntaxKind::USING_CLAUSE) || case.is_new(&table) {
            continue;
        }
        found.push(
            Draft::new(RULE.name, case, span(&delete), format!("every row of {} is deleted", table.bare()))
                .help("say which rows: WHERE …; where all are meant: WHERE true"),
        );
    }
}

/// The statements of this kind that run when the statement does and have no condition: not those in the body of a
/// function or rule.
pub(super) fn unfiltered(node: &SyntaxNode, kind: SyntaxKind) -> Vec<SyntaxNode> {
    let runs =
        !format!("{:?}", node.kind()).starts_with("CREATE_") || node.kind() == SyntaxKind::CREATE_TABLE_AS;
    if !runs || node.kind() == SyntaxKind::EXPLAIN {
        return Vec::new();
    }
    node.descendants()
        .filter(|inner| {
            inner.kind() == kind
                && !has(inner, SyntaxKind::WHERE_CLAUSE)
                && !has(inner, SyntaxKind::WHERE_CURRENT_OF)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    #[test]
    fn all_rows_of_a_table_in_use() {
        assert_eq!(found("DELETE FROM orders;", "delete-without-where"), ["DELETE FROM orders"]);
        assert_eq!(
            found("WITH g AS (DELETE FROM orders RETURNING *) SELECT * FROM g;", "delete-without-where"),
            ["DELETE FROM orders RETURNING *"]
        );
    }

    #[test]
    fn some_rows_new_tables_and_what_runs_later() {
        for sql in [
            "DELETE FROM orders WHERE note IS NULL;",
            "DELETE FROM orders WHERE true;",
            "DELETE FROM orders USING gone WHERE gone.id = orders.id;",
            "CREATE TEMP TABLE a (); DELETE FROM a;",
            "CREATE RULE r AS ON INSERT TO orders DO ALSO DELETE FROM orders;",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql BEGIN ATOMIC DELETE FROM orders; END;",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM orders';",
        ] {
            assert!(found(sql, "delete-without-where").is_empty(), "{sql}");
        }
    }
}
