//! `drop-cascade`: what else goes is not written down.

use squawk_syntax::SyntaxNode;

use crate::lint::Level;
use crate::lint::effect::{Effect, effects};
use crate::lint::rule::{Case, Check, Draft, Group, Owner, Rule};
use crate::lint::source::Parsed;

pub(super) const RULE: Rule = Rule {
    name: "drop-cascade",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Loses,
    what: "`DROP … CASCADE`.",
    why: "It takes along whatever depends on the thing: views, foreign keys of other tables, columns of a type. In \
          production that may be more than on the machine where it was tried, and no down knows what it was.",
    instead: "Drop what depends on it by name, in the order in which the server asks for it.",
    check: Check::Statement(check),
};

fn check(case: &Case<'_>, _: &Parsed<'_>, node: &SyntaxNode, found: &mut Vec<Draft>) {
    let Some(cascade) = node.descendants().find(|inner| {
        inner.kind() == squawk_syntax::SyntaxKind::CASCADE
            && inner.parent().is_some_and(|outer| format!("{:?}", outer.kind()).starts_with("DROP_"))
    }) else {
        return;
    };
    let dropped: Vec<_> = effects(node)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Drop { object, cascade: true } => Some(object),
            _ => None,
        })
        .collect();
    let Some(object) = dropped.first() else { return };
    found.push(
        Draft::new(
            RULE.name,
            case,
            crate::lint::tree::span(&cascade),
            format!("whatever depends on {} goes too, and is not written here", object.shown()),
        )
        .help("drop what depends on it by name"),
    );
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::found;

    const RULE: &str = "drop-cascade";

    #[test]
    fn what_takes_others_along() {
        assert_eq!(found("DROP TABLE orders CASCADE;", RULE), ["CASCADE"]);
        assert_eq!(found("ALTER TABLE orders DROP COLUMN note CASCADE;", RULE), ["CASCADE"]);
        assert_eq!(found("DROP FUNCTION f() CASCADE;", RULE), ["CASCADE"]);
    }

    #[test]
    fn what_does_not() {
        for sql in [
            "DROP TABLE orders;",
            "DROP TABLE orders RESTRICT;",
            "TRUNCATE orders CASCADE;",
            "CREATE TABLE a (b int REFERENCES orders ON DELETE CASCADE);",
            "ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES x ON DELETE CASCADE;",
        ] {
            assert!(found(sql, RULE).is_empty(), "{sql}");
        }
    }
}
