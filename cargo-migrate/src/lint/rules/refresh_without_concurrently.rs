//! `refresh-without-concurrently`: readers of a materialised view wait.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::safer;
use crate::lint::source::Parsed;
use crate::lint::tree::{child, find, has_token, name};

pub(super) const RULE: Rule = Rule {
    name: "refresh-without-concurrently",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Blocks,
    what: "A materialised view in use is refreshed without CONCURRENTLY.",
    why: "ACCESS EXCLUSIVE on the view while its query runs: every reader waits. CONCURRENTLY needs a unique index over all \
          rows, and may be in a transaction.",
    instead: "\nREFRESH MATERIALIZED VIEW CONCURRENTLY reporting.daily_revenue;",
    check: Check::Statement(check),
};

fn check(case: &Case<'_>, parsed: &Parsed<'_>, node: &SyntaxNode, found: &mut Vec<Draft>) {
    if node.kind() != SyntaxKind::REFRESH || has_token(node, SyntaxKind::CONCURRENTLY_KW) {
        return;
    }
    let Some(view) = child(node, SyntaxKind::VIEW_REF).map(|view| name(&view)) else { return };
    // Without data nobody can read it anyway.
    if case.is_new(&view) || find(node, SyntaxKind::WITH_NO_DATA).is_some() {
        return;
    }
    found.push(
        Draft::new(
            RULE.name,
            case,
            parsed.span(),
            format!("readers of {} wait until its query is done", view.bare()),
        )
        .help("REFRESH MATERIALIZED VIEW CONCURRENTLY, where it has a unique index")
        .safer(safer::script(case, node, node, &RULE)),
    );
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    #[test]
    fn a_view_in_use() {
        let rule = "refresh-without-concurrently";
        assert_eq!(found("REFRESH MATERIALIZED VIEW v;", rule), ["REFRESH MATERIALIZED VIEW v"]);
        for sql in [
            "REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
            "REFRESH MATERIALIZED VIEW v WITH NO DATA;",
            "CREATE MATERIALIZED VIEW v AS SELECT 1; REFRESH MATERIALIZED VIEW v;",
        ] {
            assert!(found(sql, rule).is_empty(), "{sql}");
        }
    }
}
