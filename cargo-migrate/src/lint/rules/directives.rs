//! Rules about what is written for the linter itself; they are found where directives and comments are read
//! (`allow.rs`, `two_phase.rs`).

use crate::lint::rule::{Check, Group, Owner, Rule};
use crate::lint::{Level, allow, two_phase};

pub(super) const UNUSED_ALLOW: Rule = Rule {
    name: allow::UNUSED,
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Fails,
    what: "A `-- migrate: allow` that lets nothing pass.",
    why: "It says that something dangerous is here, which is not, and would hide what is added later.",
    instead: "Remove it.",
    check: Check::Elsewhere,
};

pub(super) const UNKNOWN_RULE: Rule = Rule {
    name: allow::UNKNOWN,
    owner: Owner::Ours,
    level: Level::Deny,
    group: Group::Fails,
    what: "A `-- migrate: allow` of a rule that does not exist.",
    why: "It allows nothing.",
    instead: "The name as `cargo migrate lint --rules` has it.",
    check: Check::Elsewhere,
};

pub(super) const TWO_PHASE_COMMENT: Rule = Rule {
    name: two_phase::RULE,
    owner: Owner::Ours,
    level: Level::Deny,
    group: Group::Fails,
    what: "A `-- two-phase:` comment that says nothing, or names what is no earlier migration of the folder.",
    why: "It stands for the knowledge that nobody uses any more what goes; a wrong number stands for nothing.",
    instead: "The stem of the first phase (`-- two-phase: 0021_stop_writing_phone`), or why nobody uses it, in words.",
    check: Check::Elsewhere,
};

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found, messages};

    #[test]
    fn directives_that_are_needed_are_silent() {
        let sql = "-- migrate: allow truncate it holds only sessions\nTRUNCATE orders;";
        assert!(messages(sql, "").is_empty(), "{:?}", messages(sql, ""));
    }

    #[test]
    fn directives_that_are_not_needed_are_told() {
        let sql = "-- migrate: allow truncate it holds only sessions\nSELECT 1;";
        assert_eq!(found(sql, "unused-allow"), ["-- migrate: allow truncate it holds only sessions"]);
        // What the folder has switched off may be named all the same.
        let sql = "-- migrate: allow ban-add-column why\nALTER TABLE orders ADD COLUMN a int;";
        assert!(found(sql, "unused-allow").is_empty());
    }

    #[test]
    fn unknown_rules_are_told_with_the_nearest() {
        let sql = "-- migrate: lock-timeout 3s\n-- migrate: allow truncat why\nSELECT 1;";
        assert_eq!(found(sql, "unknown-rule"), ["-- migrate: allow truncat why"]);
        assert!(messages(sql, "unknown-rule")[0].contains("did you mean `truncate`?"));
    }

    #[test]
    fn a_two_phase_comment_answers_for_its_statement() {
        let rule = "ban-drop-column";
        for sql in [
            "-- two-phase: 0001_before\nALTER TABLE orders DROP COLUMN note;",
            "ALTER TABLE orders DROP COLUMN note; -- two-phase: no release since 2.4 reads it",
            "SELECT 1;\n-- why not\n-- two-phase: nobody reads it\n\nALTER TABLE orders DROP COLUMN note;",
            "ALTER TABLE orders\n    -- two-phase: nobody reads it\n    DROP COLUMN note;",
        ] {
            assert!(found(sql, rule).is_empty(), "{sql}");
            assert!(found(sql, "two-phase-comment").is_empty(), "{sql}");
        }
        for sql in [
            "ALTER TABLE orders DROP COLUMN note;",
            "SELECT 1; -- two-phase: nobody selects it\nALTER TABLE orders DROP COLUMN note;",
            "SELECT 1; ALTER TABLE orders DROP COLUMN note;\n-- two-phase: too late\n",
        ] {
            assert_eq!(found(sql, rule), ["DROP COLUMN note"], "{sql}");
        }
    }

    #[test]
    fn a_two_phase_comment_names_an_earlier_migration() {
        let rule = "two-phase-comment";
        for comment in [
            "-- two-phase: 0099_later",
            "-- two-phase:",
            "-- two-phase: 0001_other_name",
            "-- two-phase: 0002",
        ] {
            let sql = format!("{comment}\nALTER TABLE orders DROP COLUMN note;");
            assert_eq!(found(&sql, rule), [comment], "{sql}");
        }
        for comment in ["-- two-phase: 0001", "-- two-phase: 2 releases ago", "-- two-phase: 1 since"] {
            let sql = format!("{comment}\nALTER TABLE orders DROP COLUMN note;");
            assert!(found(&sql, rule).is_empty(), "{sql}");
        }
    }
}
