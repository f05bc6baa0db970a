//! `down-without-effect`: a down that undoes nothing.

use migrate_core::Direction;

use crate::lint::Level;
use crate::lint::effect::{Effect, effects};
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::source::Source;

pub(super) const RULE: Rule = Rule {
    name: "down-without-effect",
    owner: Owner::Ours,
    level: Level::Deny,
    group: Group::Fails,
    what: "A down script that changes nothing (`SELECT 1`, `SET`), where its up does.",
    why: "`cargo migrate down` reports that it was rolled back, and everything is still there; the next `up` then fails, or \
          does it twice.",
    instead: "\n-- in the up file, and no down file:\n-- migrate: irreversible the old values are not kept",
    check: Check::Script(check),
};

fn check(case: &Case<'_>, found: &mut Vec<Draft>) {
    if case.source.direction == Direction::Up {
        return;
    }
    let Some(up) = case.other else { return };
    if !has_effect(case.source) && has_effect(up) {
        let message = "this changes nothing, and its up does".to_owned();
        let span = case.source.statements.first().map_or(0..0, |parsed| parsed.span());
        let help =
            "undo the up, or delete this file and write `-- migrate: irreversible <reason>` into the up";
        found.push(Draft::new(RULE.name, case, span, message).help(help));
    }
}

/// Whether anything in a script may change something. What could not be read may.
fn has_effect(source: &Source<'_>) -> bool {
    source.statements.iter().any(|parsed| match &parsed.node {
        Some(node) => effects(node).iter().any(|effect| *effect != Effect::Nothing),
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found_in_down;

    const RULE: &str = "down-without-effect";

    #[test]
    fn a_down_that_only_looks_like_one() {
        assert_eq!(found_in_down("CREATE TABLE a ();", "SELECT 1;", RULE), ["SELECT 1"]);
        assert_eq!(
            found_in_down("CREATE TABLE a ();", "SET LOCAL x.y = 1; SELECT 'nothing';", RULE).len(),
            1
        );
    }

    #[test]
    fn a_down_that_does_something_or_has_nothing_to_undo() {
        for (up, down) in [
            ("CREATE TABLE a ();", "DROP TABLE a;"),
            ("CREATE TABLE a ();", "SELECT drop_it('a');"),
            ("CREATE TABLE a ();", "DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$;"),
            ("SELECT 1;", "SELECT 1;"),
            ("INSERT INTO orders DEFAULT VALUES;", "DELETE FROM orders WHERE id = 1;"),
        ] {
            assert!(found_in_down(up, down, RULE).is_empty(), "{down}");
        }
    }
}
