//! `missing-if-exists`: what recovery needs to go on with a migration that is done by half.

use migrate_core::{Direction, Mode, StatementKind, sql};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::source::Parsed;
use crate::lint::tree::has;

pub(super) const RULE: Rule = Rule {
    name: "missing-if-exists",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Fails,
    what: "`IF EXISTS`, or the name of an index, is missing where a migration may be done by half.",
    why: "A migration without a transaction that failed is gone on with from its journal, or rolled back by its down. The \
          down then meets what was never made; a `DROP` that cannot be in a transaction may be done and not recorded; and \
          an index without a name cannot be found again, so a second one is built.",
    instead: "\nDROP INDEX CONCURRENTLY IF EXISTS orders_note_idx;\n\
              -- and not IF NOT EXISTS, which takes the invalid index of a failed attempt for a finished one:\n\
              CREATE INDEX CONCURRENTLY orders_note_idx ON orders (note);",
    check: Check::Statement(check),
};

fn check(case: &Case<'_>, parsed: &Parsed<'_>, node: &SyntaxNode, found: &mut Vec<Draft>) {
    let text = format!("{:?}", node.kind());
    let drops_without = text.starts_with("DROP_") && !has(node, SyntaxKind::IF_EXISTS);
    let message = if case.source.direction == Direction::Down
        && drops_without
        && case.other.is_some_and(|up| up.script.mode == Mode::NonTransactional)
    {
        "the up runs without a transaction: rolled back by half, this may not be there"
    } else if drops_without && matches!(parsed.statement.kind, StatementKind::NoTransaction(_)) {
        "where the connection is lost, nobody knows whether this was done: run again, it fails"
    } else if node.kind() == SyntaxKind::CREATE_INDEX
        && matches!(parsed.statement.kind, StatementKind::Concurrent(_))
        && sql::concurrent_target(case.source.script.sql(parsed.statement))
            .is_some_and(|target| target.index.is_none())
    {
        found.push(
            Draft::new(
                RULE.name,
                case,
                parsed.span(),
                "without a name it cannot be told whether the index of an attempt that failed is this one"
                    .to_owned(),
            )
            .help("name the index"),
        );
        return;
    } else {
        return;
    };
    found.push(Draft::new(RULE.name, case, parsed.span(), message.to_owned()).help("write IF EXISTS"));
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found, found_in_down};

    const RULE: &str = "missing-if-exists";

    #[test]
    fn what_may_be_done_by_half() {
        assert_eq!(
            found_in_down("CREATE INDEX CONCURRENTLY i ON orders (note);", "DROP INDEX i;", RULE),
            ["DROP INDEX i"]
        );
        assert_eq!(found("CREATE INDEX CONCURRENTLY ON orders (note);", RULE).len(), 1);
        assert_eq!(found("DROP SUBSCRIPTION s;", RULE), ["DROP SUBSCRIPTION s"]);
    }

    #[test]
    fn what_may_be_repeated_or_is_done_as_a_whole() {
        for (up, down) in [
            ("CREATE INDEX CONCURRENTLY i ON orders (note);", "DROP INDEX CONCURRENTLY IF EXISTS i;"),
            ("CREATE INDEX i ON orders (note);", "DROP INDEX i;"),
            ("DROP INDEX CONCURRENTLY i;", "CREATE INDEX CONCURRENTLY i ON orders (note);"),
        ] {
            assert!(found(up, RULE).is_empty() && found_in_down(up, down, RULE).is_empty(), "{up}");
        }
    }
}
