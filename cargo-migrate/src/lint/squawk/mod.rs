//! Runs squawk's linter over one script, told how the script is really run.

mod refine;
mod rules;

use std::str::FromStr;

use migrate_core::Mode;
use squawk_linter::{Linter, LinterSettings, Violation};

use super::rule::Owner;
use super::source::Source;
use super::{Level, Options, catalogue, check};

pub(super) use refine::refine;
pub(super) use rules::RULES;

/// What squawk finds in a script, by place. Rules that are off here and that no directive names are not run.
pub(super) fn violations(source: &Source<'_>, options: &Options) -> Vec<Violation> {
    let allowed = &source.script.directives.allow;
    let wanted = catalogue::rules().iter().filter(|rule| {
        rule.owner == Owner::Squawk
            && (check::level(rule, source.direction, options) != Level::Allow
                || allowed
                    .iter()
                    .any(|allow| catalogue::find(&allow.rule).is_some_and(|known| known.name == rule.name)))
    });
    let rules: Vec<_> = wanted.filter_map(|rule| squawk_linter::Rule::try_from(rule.name).ok()).collect();
    if rules.is_empty() {
        return Vec::new();
    }
    let mut linter = Linter::from(rules);
    linter.settings = LinterSettings {
        pg_version: squawk_linter::Version::from_str(&options.server_version.to_string()).unwrap_or_default(),
        assume_in_transaction: source.script.mode == Mode::Transactional,
    };
    let mut violations = linter.lint(&source.parse, &source.text);
    violations.sort_by_key(|violation| violation.text_range.start());
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_squawk_has_its_place_here() {
        for rule in RULES {
            let known = squawk_linter::Rule::try_from(rule.name);
            assert!(known.is_ok(), "squawk has no rule {}", rule.name);
        }
        // The names as squawk writes them, from its own list of everything that is on and everything that can be.
        let all = Linter::with_default_rules().rules;
        for rule in all {
            let name = rule.to_string();
            let ours = RULES.iter().any(|known| squawk_linter::Rule::try_from(known.name) == Ok(rule));
            assert!(ours || ["unused-ignore", "require-timeout-settings"].contains(&name.as_str()), "{name}");
        }
    }
}
