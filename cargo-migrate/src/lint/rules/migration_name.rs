//! `migration-name`: names that read or sort otherwise than those around them.

use migrate_core::{Direction, Set, name};

use crate::lint::Level;
use crate::lint::rule::{Check, Draft, Group, Owner, Rule};

pub(super) const RULE: Rule = Rule {
    name: "migration-name",
    owner: Owner::Ours,
    level: Level::Warn,
    group: Group::Style,
    what: "A name with other characters than `a-z`, `0-9` and `_`, or with a version of another width than those before it.",
    why: "The number decides the order here, but `ls`, a review and other tools sort by text: `10_b` stands before `9_a`. \
          Capitals and spaces are two names on one system and one on another.",
    instead: "`cargo migrate new add_products`, which gives the next version and a name that is the same everywhere.",
    check: Check::Folder(check),
};

fn check(set: &Set) -> Vec<(usize, Draft)> {
    let mut found = Vec::new();
    let mut before: Option<&str> = None;
    for (index, migration) in set.migrations.iter().enumerate() {
        let Ok(parts) = name::parse(&migration.up.file) else { continue };
        let is_plain =
            |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        let slug = name::slug(parts.description);
        if !is_plain(parts.description) {
            let help = match slug.filter(|slug| is_plain(slug)) {
                Some(slug) => format!("`{}_{slug}`, as long as no database has it", parts.digits),
                None => "letters a to z, digits and `_`, as long as no database has it".to_owned(),
            };
            found.push((index, draft(format!("`{}` is not lower_snake", parts.description), help)));
        }
        // All with one width, or counted up without any padding.
        let is_padded = |digits: &str| digits.starts_with('0');
        let other = before.filter(|digits| {
            digits.len() != parts.digits.len() && (is_padded(digits) || digits.len() > parts.digits.len())
        });
        if let Some(digits) = other {
            let message = format!("the version {} is not as wide as {digits} before it", parts.digits);
            found.push((index, draft(message, "text sorts it elsewhere than its number does".to_owned())));
        }
        before = Some(parts.digits);
    }
    found
}

pub(super) fn draft_of(rule: &'static str, message: String, help: String) -> Draft {
    Draft { rule, direction: Direction::Up, span: 0..0, message, help: Some(help), safer: None }
}

fn draft(message: String, help: String) -> Draft {
    draft_of(RULE.name, message, help)
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::told_about_names;

    const RULE: &str = "migration-name";

    #[test]
    fn names_that_stand_out() {
        assert_eq!(told_about_names(&["0001_AddProducts"], RULE), ["0001_AddProducts"]);
        assert_eq!(told_about_names(&["0001_a", "2_b"], RULE), ["2_b"]);
        assert_eq!(
            told_about_names(&["0001_a", "20260102030405_b", "20260102030406_c"], RULE),
            ["20260102030405_b"]
        );
        assert_eq!(told_about_names(&["0001_add products"], RULE).len(), 1);
    }

    #[test]
    fn names_that_do_not() {
        assert!(told_about_names(&["0001_a", "0002_b_2", "0010_c"], RULE).is_empty());
        assert!(told_about_names(&["1_a", "9_b", "10_c"], RULE).is_empty());
        assert!(told_about_names(&["00000000000000_setup", "20260102030405_b"], RULE).is_empty());
    }
}
