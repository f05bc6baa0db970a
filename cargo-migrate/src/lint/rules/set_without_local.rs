//! `set-without-local`: a setting outlives the transaction that it is meant for.

use migrate_core::Mode;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::Level;
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::tree::{all, find, has, plain};

pub(super) const RULE: Rule = Rule {
    name: "set-without-local",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Fails,
    what: "`SET` without `LOCAL` in a transactional migration.",
    why: "It holds for the session, after the transaction too. The runner resets everything between migrations (RESET ALL, \
          RESET ROLE); by hand with psql, or with another tool, it leaks into whatever comes next, `search_path` and \
          `SET ROLE` above all.",
    instead: "\nSET LOCAL statement_timeout = '5min';",
    check: Check::Script(check),
};

fn check(case: &Case<'_>, found: &mut Vec<Draft>) {
    if case.source.script.mode != Mode::Transactional {
        return;
    }
    let parsed = case.source.statements.iter();
    let mut leaks = parsed.filter(|parsed| parsed.node.as_ref().is_some_and(leaks));
    let Some(first) = leaks.next() else { return };
    let message = match leaks.count() {
        0 => "this holds for the session, not for the migration".to_owned(),
        more => format!("this and {more} more hold for the session, not for the migration"),
    };
    found.push(Draft::new(RULE.name, case, first.span(), message).help("write SET LOCAL"));
}

/// Whether a statement sets something for the session.
fn leaks(node: &SyntaxNode) -> bool {
    use SyntaxKind as K;
    match node.kind() {
        K::SET | K::SET_ROLE | K::SET_SESSION_AUTH => !has(node, K::LOCAL_SCOPE),
        K::SELECT => all(node, K::CALL_EXPR).any(|call| {
            let called = call.first_child().map(|called| plain(&called)).unwrap_or_default();
            let last = find(&call, K::ARG_LIST).and_then(|list| list.children().last());
            called.rsplit('.').next() == Some("set_config")
                && last.is_some_and(|last| matches!(plain(&last).as_str(), "false" | "'f'" | "'false'"))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    const RULE: &str = "set-without-local";

    #[test]
    fn what_holds_for_the_session() {
        assert_eq!(found("SET search_path = a; SET x.y = 1; SELECT 1;", RULE), ["SET search_path = a"]);
        assert_eq!(found("SET SESSION x.y = 1;", RULE).len(), 1);
        assert_eq!(found("SET ROLE a;", RULE).len(), 1);
        assert_eq!(found("SELECT pg_catalog.set_config('search_path', '', false);", RULE).len(), 1);
    }

    #[test]
    fn what_holds_for_the_transaction() {
        for sql in [
            "SET LOCAL x.y = 1;",
            "SET LOCAL ROLE a;",
            "SET CONSTRAINTS ALL DEFERRED;",
            "SELECT set_config('x.y', '', true);",
            "RESET x.y;",
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = a RETURN 1;",
            "-- migrate: no-transaction\nSET x.y = 1; VACUUM orders;",
        ] {
            assert!(found(sql, RULE).is_empty(), "{sql}");
        }
    }
}
