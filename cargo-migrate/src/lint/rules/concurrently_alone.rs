//! `concurrently-alone`: what could be in a transaction stands beside what cannot.

use migrate_core::StatementKind;
use squawk_syntax::SyntaxKind;

use crate::lint::Level;
use crate::lint::effect::{Effect, effects};
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};

pub(super) const RULE: Rule = Rule {
    name: "concurrently-alone",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Fails,
    what: "Another statement stands in a file with `CONCURRENTLY`.",
    why: "Because of the one statement the whole file runs without a transaction. Where it fails, what came before is done \
          and the rest is not: the migration is dirty, and recovery has to go on from there.",
    instead: "Statements with CONCURRENTLY in a file of their own; the others in the one before it.",
    check: Check::Script(check),
};

fn check(case: &Case<'_>, found: &mut Vec<Draft>) {
    let statements = &case.source.statements;
    let concurrent = statements.iter().find_map(|parsed| match parsed.statement.kind {
        StatementKind::Concurrent(command) => Some(command),
        _ => None,
    });
    let Some(command) = concurrent else { return };
    let other = statements.iter().find(|parsed| {
        parsed.statement.kind == StatementKind::Plain
            && parsed.node.as_ref().is_some_and(|node| {
                let harmless = matches!(node.kind(), SyntaxKind::ANALYZE | SyntaxKind::COMMENT_ON);
                !harmless && effects(node).iter().any(|effect| *effect != Effect::Nothing)
            })
    });
    let Some(other) = other else { return };
    let message = format!("this runs without a transaction, because {command} stands in the same file");
    found.push(
        Draft::new(RULE.name, case, other.span(), message).help(format!("give {command} a file of its own")),
    );
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    const RULE: &str = "concurrently-alone";

    #[test]
    fn beside_another_statement() {
        assert_eq!(
            found("CREATE INDEX CONCURRENTLY i ON orders (note); ALTER TABLE orders ADD a int;", RULE),
            ["ALTER TABLE orders ADD a int"]
        );
    }

    #[test]
    fn alone_or_with_its_like() {
        for sql in [
            "CREATE INDEX CONCURRENTLY i ON orders (note);",
            "SET maintenance_work_mem = '1GB'; CREATE INDEX CONCURRENTLY i ON orders (note); ANALYZE orders;",
            "DROP INDEX CONCURRENTLY i; CREATE INDEX CONCURRENTLY i ON orders (note);",
            "CREATE INDEX i ON orders (note); ALTER TABLE orders ADD a int;",
            "VACUUM orders; ALTER TABLE orders ADD a int;",
        ] {
            assert!(found(sql, RULE).is_empty(), "{sql}");
        }
    }
}
