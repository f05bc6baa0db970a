//! `update-without-where`: all rows of a table in use are written.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::delete_without_where::unfiltered;
use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::source::Parsed;
use crate::lint::tree::{child, has, name, span};

pub(super) const RULE: Rule = Rule {
    name: "update-without-where",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Loses,
    what: "`UPDATE` without `WHERE` of a table that this migration did not create.",
    why: "Every row is written, also those that have the value already, and stays locked until the transaction ends; what \
          was there is gone. The table doubles in size until VACUUM has been there.",
    instead: "\n-- only what is left to do, so that it can be run again and in batches:\n\
              UPDATE orders SET currency = 'EUR' WHERE currency IS NULL;",
    check: Check::Statement(check),
};

fn check(case: &Case<'_>, _: &Parsed<'_>, node: &SyntaxNode, found: &mut Vec<Draft>) {
    for update in unfiltered(node, SyntaxKind::UPDATE) {
        let Some(table) = child(&update, SyntaxKind::RELATION_NAME).map(|table| name(&table)) else {
            continue;
        };
        if case.is_new(&table) || has(&update, SyntaxKind::FROM_CLAUSE) {
            continue;
        }
        found.push(
            Draft::new(
                RULE.name,
                case,
                span(&update),
                format!("every row of {} is written in one transaction", table.bare()),
            )
            .help("say which rows need it: WHERE …; where all are meant: WHERE true"),
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    #[test]
    fn all_rows_of_a_table_in_use() {
        assert_eq!(
            found("UPDATE orders SET note = '';", "update-without-where"),
            ["UPDATE orders SET note = ''"]
        );
    }

    #[test]
    fn some_rows_and_new_tables() {
        for sql in [
            "UPDATE orders SET note = '' WHERE note IS NULL;",
            "UPDATE orders SET note = x.note FROM x WHERE x.id = orders.id;",
            "CREATE TABLE a (b int); UPDATE a SET b = 1;",
            "INSERT INTO orders (note) VALUES ('') ON CONFLICT (id) DO UPDATE SET note = '';",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE orders SET note = 1';",
        ] {
            assert!(found(sql, "update-without-where").is_empty(), "{sql}");
        }
    }
}
