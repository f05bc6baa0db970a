//! `-- migrate: allow RULE reason`: what it lets pass, and what is wrong with it.

use std::collections::HashSet;
use std::ops::Range;

use migrate_core::{Direction, Script, Set};

use super::rule::{Draft, Rule};
use super::{Finding, Options, catalogue, check};

/// The rule about directives that let nothing pass.
pub(crate) const UNUSED: &str = "unused-allow";
/// The rule about directives whose rule does not exist.
pub(crate) const UNKNOWN: &str = "unknown-rule";

/// Which directives were needed.
#[derive(Default)]
pub(crate) struct Allowed {
    used: HashSet<(String, &'static str)>,
}

impl Allowed {
    /// Whether a directive of the script lets a finding of the rule pass.
    pub(crate) fn takes(&mut self, script: &Script, rule: &'static str) -> bool {
        let found = script.directives.allow.iter().any(|allow| named(&allow.rule, rule));
        if found {
            self.used.insert((script.file.to_string(), rule));
        }
        found
    }

    /// The directives that let nothing pass, as findings.
    pub(crate) fn unused(&self, set: &Set, options: &Options) -> Vec<(usize, Direction, Finding)> {
        let Some(rule) = catalogue::find(UNUSED) else { return Vec::new() };
        let mut findings = Vec::new();
        for (index, direction, script) in scripts(set, options) {
            let level = check::level(rule, direction, options);
            if level == super::Level::Allow
                || script.directives.allow.iter().any(|allow| allow.rule == UNUSED)
            {
                continue;
            }
            for allow in script.directives.allow.iter() {
                let Some(known) = catalogue::find(&allow.rule) else { continue };
                if self.used.contains(&(script.file.to_string(), known.name)) {
                    continue;
                }
                findings.push((
                    index,
                    direction,
                    Finding {
                        rule: UNUSED.to_owned(),
                        level,
                        stem: set.migrations[index].stem.to_string(),
                        file: script.file.to_string(),
                        span: place(script, &allow.rule),
                        message: format!("nothing in this file is found by `{}`", known.name),
                        help: Some("remove the directive; it would hide what is added later".to_owned()),
                        safer: None,
                    },
                ));
            }
        }
        findings
    }
}

/// Directives whose rule does not exist.
pub(crate) fn unknown_rules(set: &Set, options: &Options) -> Vec<(usize, Draft)> {
    let mut drafts = Vec::new();
    for (index, direction, script) in scripts(set, options) {
        for allow in script.directives.allow.iter().filter(|allow| catalogue::find(&allow.rule).is_none()) {
            let help = match catalogue::nearest(&allow.rule) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`cargo migrate lint --rules` lists them".to_owned(),
            };
            drafts.push((
                index,
                Draft {
                    rule: UNKNOWN,
                    direction,
                    span: place(script, &allow.rule),
                    message: format!("there is no rule `{}`", allow.rule),
                    help: Some(help),
                    safer: None,
                },
            ));
        }
    }
    drafts
}

fn scripts<'a>(set: &'a Set, options: &'a Options) -> impl Iterator<Item = (usize, Direction, &'a Script)> {
    let all = set.migrations.iter().enumerate().filter(|(_, migration)| options.scope.has(migration.version));
    all.flat_map(|(index, migration)| {
        let down = migration.down.as_ref().map(|down| (index, Direction::Down, down));
        std::iter::once((index, Direction::Up, &migration.up)).chain(down)
    })
}

/// Whether a directive's rule is this one, under any of its names.
fn named(written: &str, rule: &'static str) -> bool {
    catalogue::find(written).is_some_and(|known: &Rule| known.name == rule)
}

/// Where a directive stands.
fn place(script: &Script, rule: &str) -> Range<usize> {
    let mut start = 0;
    for line in script.text.split_inclusive(['\n', '\r']) {
        let text = line.trim();
        let is_it = text.starts_with("--")
            && text.to_ascii_lowercase().contains("migrate")
            && text.split_whitespace().any(|word| word == "allow")
            && text.split_whitespace().any(|word| word == rule);
        if is_it {
            let indent = line.len() - line.trim_start().len();
            return start + indent..start + indent + text.len();
        }
        start += line.len();
    }
    0..0
}
