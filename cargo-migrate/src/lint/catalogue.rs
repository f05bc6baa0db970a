//! All rules, by name.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::rule::Rule;
use super::{rules as own, squawk};
use crate::config::metadata::nearest as nearest_of;

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let mut rules: Vec<Rule> = own::OURS.iter().chain(squawk::RULES).copied().collect();
    rules.sort_by_key(|rule| rule.name);
    rules
});

static BY_NAME: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| RULES.iter().enumerate().map(|(index, rule)| (rule.name, index)).collect());

/// All rules, by name.
pub(crate) fn rules() -> &'static [Rule] {
    &RULES
}

/// The rule of this name.
pub(crate) fn find(name: &str) -> Option<&'static Rule> {
    // squawk writes it both ways.
    let name = if name == "prefer-timestamptz" { "prefer-timestamp-tz" } else { name };
    BY_NAME.get(name).map(|index| &RULES[*index])
}

/// The rule whose name is most like this one.
pub(crate) fn nearest(name: &str) -> Option<String> {
    nearest_of(name, RULES.iter().map(|rule| rule.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_well_formed() {
        for pair in rules().windows(2) {
            assert!(pair[0].name < pair[1].name, "{}", pair[1].name);
        }
        for rule in rules() {
            assert!(rule.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", rule.name);
            assert!(rule.what.ends_with('.') && rule.why.ends_with('.'), "{}", rule.name);
            assert_eq!(find(rule.name).map(|found| found.name), Some(rule.name));
        }
    }

    #[test]
    fn a_slip_is_understood() {
        assert_eq!(nearest("ban-drop-colum").as_deref(), Some("ban-drop-column"));
        assert_eq!(nearest("truncat").as_deref(), Some("truncate"));
        assert_eq!(nearest("qqq"), None);
        assert_eq!(find("prefer-timestamptz").map(|rule| rule.name), Some("prefer-timestamp-tz"));
    }
}
