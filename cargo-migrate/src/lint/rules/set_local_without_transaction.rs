//! `set-local-without-transaction`: a setting that is gone before the statement that it is meant for.

use migrate_core::Mode;
use squawk_syntax::SyntaxKind;

use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::tree::has;

pub(super) const RULE: Rule = Rule {
    name: "set-local-without-transaction",
    owner: Owner::Ours,
    level: Level::Deny,
    group: Group::Fails,
    what: "`SET LOCAL` in a migration that runs without a transaction.",
    why: "Each statement of such a file is a transaction of its own: the setting is gone before the next begins.",
    instead: "\n-- reset by the runner when the migration is done\nSET maintenance_work_mem = '1GB';\n\
              CREATE INDEX CONCURRENTLY orders_note_idx ON orders (note);",
    check: Check::Script(check),
};

fn check(case: &Case<'_>, found: &mut Vec<Draft>) {
    if case.source.script.mode != Mode::NonTransactional {
        return;
    }
    let mut in_block = false;
    for parsed in &case.source.statements {
        let Some(node) = &parsed.node else { continue };
        match node.kind() {
            SyntaxKind::BEGIN => in_block = true,
            SyntaxKind::COMMIT_TRANSACTION | SyntaxKind::ROLLBACK_TRANSACTION => in_block = false,
            SyntaxKind::SET | SyntaxKind::SET_ROLE | SyntaxKind::SET_SESSION_AUTH
                if !in_block && has(node, SyntaxKind::LOCAL_SCOPE) =>
            {
                let message = "this has no effect: the file runs without a transaction".to_owned();
                found.push(
                    Draft::new(RULE.name, case, parsed.span(), message).help("write SET without LOCAL"),
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    const RULE: &str = "set-local-without-transaction";

    #[test]
    fn gone_before_it_is_needed() {
        assert_eq!(
            found("SET LOCAL a.b = 1; CREATE INDEX CONCURRENTLY i ON orders (note);", RULE),
            ["SET LOCAL a.b = 1"]
        );
    }

    #[test]
    fn in_a_transaction() {
        for sql in [
            "SET LOCAL a.b = 1; ALTER TABLE orders ADD a int;",
            "SET a.b = 1; VACUUM orders;",
            "-- migrate: no-transaction\nBEGIN; SET LOCAL a.b = 1; SELECT 1; COMMIT; VACUUM orders;",
        ] {
            assert!(found(sql, RULE).is_empty(), "{sql}");
        }
    }
}
