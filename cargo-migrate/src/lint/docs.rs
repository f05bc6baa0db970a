//! The documentation of the rules: one at a time for `--explain`, all of them as `docs/lint.md`.

use std::fmt::Write;

use super::Level;
#[cfg(test)]
use super::catalogue;
use super::rule::{Group, Owner, Rule};

#[cfg(test)]
const INTRODUCTION: &str = include_str!("introduction.md");

pub(crate) fn level_name(level: Level) -> &'static str {
    match level {
        Level::Allow => "allow",
        Level::Warn => "warn",
        Level::Deny => "deny",
    }
}

pub(crate) fn owner_name(owner: Owner) -> &'static str {
    match owner {
        Owner::Ours => "ours",
        Owner::Squawk => "squawk",
    }
}

pub(crate) fn group_name(group: Group) -> &'static str {
    match group {
        Group::Blocks => "blocks",
        Group::Breaks => "breaks",
        Group::Loses => "loses",
        Group::Fails => "fails",
        Group::Style => "style",
    }
}

/// The documentation of a rule, as Markdown. `level` is the one that holds.
pub(crate) fn explain(rule: &Rule, level: Level) -> String {
    let mut text =
        format!("`{}` · {} · {}", level_name(level), group_name(rule.group), owner_name(rule.owner));
    if level != rule.level {
        let _ = write!(text, " (default `{}`)", level_name(rule.level));
    }
    let _ = write!(text, "\n\n{}\n\n{}\n", rule.what, rule.why);
    if let Some(script) = rule.instead.strip_prefix('\n') {
        let _ = write!(text, "\nInstead:\n\n```sql\n{script}\n```\n");
    } else if !rule.instead.is_empty() {
        let _ = write!(text, "\nInstead: {}\n", rule.instead);
    }
    text
}

/// `docs/lint.md`.
#[cfg(test)]
fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let ours = |rule: &&&Rule| rule.owner == Owner::Ours;
    let rules = catalogue::rules();
    let (own, squawk): (Vec<&Rule>, Vec<&Rule>) = (
        rules.iter().collect::<Vec<_>>().iter().filter(ours).copied().collect(),
        rules.iter().filter(|rule| rule.owner == Owner::Squawk).collect(),
    );
    let on: Vec<_> = squawk.iter().filter(|rule| rule.level != Level::Allow).copied().collect();
    let off: Vec<_> = squawk.iter().filter(|rule| rule.level == Level::Allow).copied().collect();
    for (title, rules) in [
        (format!("Our own rules ({})", own.len()), own),
        (format!("squawk's rules that are on ({})", on.len()), on),
        (format!("squawk's rules that are off ({})", off.len()), off),
    ] {
        let _ = write!(page, "\n## {title}\n");
        for rule in rules {
            let _ = write!(page, "\n### {}\n\n{}", rule.name, explain(rule, rule.level));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_page_is_up_to_date() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lint.md");
        let written = page();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &written).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == written,
            "docs/lint.md: UPDATE_DOCS=1 cargo test -p cargo-migrate the_page_is_up_to_date"
        );
    }

    #[test]
    fn what_is_on_says_what_to_do() {
        for rule in catalogue::rules() {
            let text = explain(rule, rule.level);
            assert!(text.contains(rule.what) && text.contains(rule.why), "{}", rule.name);
            assert!(rule.what.len() > 10 && rule.why.len() > 10, "{}", rule.name);
            let told_when_it_fires =
                ["ban-drop-domain", "ban-drop-extension", "ban-drop-sequence", "ban-drop-type"];
            assert!(
                rule.level != Level::Deny
                    || !rule.instead.is_empty()
                    || rule.name == "ban-duplicate-column-assignments",
                "{}",
                rule.name
            );
            assert!(
                rule.level != Level::Warn
                    || !rule.instead.is_empty()
                    || told_when_it_fires.contains(&rule.name),
                "{}",
                rule.name
            );
        }
    }
}
