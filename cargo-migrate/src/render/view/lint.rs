//! What `lint` found, and its rules.

use std::collections::BTreeMap;
use std::path::PathBuf;

use migrate_core::sql::LineColumn;
use migrate_core::{Direction, Script, Set};
use serde_json::{Value, json};

use super::risk;
use crate::checked::Risks;
use crate::lint::{self, Finding, Level, Rule, group_name, level_name, owner_name};
use crate::render::review::{Note, Review, Reviewed, Way};
use crate::render::snippet::{Place, Severity};
use crate::render::table::{Cell, Column, table};
use crate::render::words::count;
use crate::render::{Page, Paint, View, escape, escape_line};

/// What `lint` found.
pub(crate) struct LintView {
    pub(crate) dir: PathBuf,
    pub(crate) set: Set,
    pub(crate) findings: Vec<Finding>,
    /// How many migrations were looked at.
    pub(crate) looked_at: usize,
    /// How risky they are, as far as their text shows it.
    pub(crate) risks: BTreeMap<String, Risks>,
    /// The folder from the repository's root, with slashes.
    pub(crate) folder_in_repository: String,
}

/// The script with this file name.
pub(crate) fn script_of<'a>(set: &'a Set, file: &str) -> Option<&'a Script> {
    let mut scripts = set.migrations.iter().flat_map(|m| std::iter::once(&m.up).chain(m.down.as_ref()));
    scripts.find(|script| script.file == file)
}

impl LintView {
    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }

    fn shown(&self, finding: &Finding, page: Page) -> String {
        let path = self.dir.join(&finding.file).display().to_string();
        let text = script_of(&self.set, &finding.file).map_or("", |script| &script.text);
        let whole = finding.span.is_empty();
        let place = Place {
            path: &path,
            text,
            position: (!whole).then_some(finding.span.start),
            statement: (!whole).then_some((finding.span.start, finding.span.end)),
        };
        let severity = if finding.level == Level::Deny { Severity::Error } else { Severity::Warning };
        let length = (!whole).then_some(finding.span.len());
        let mut shown = place.draw(severity, &finding.message, Some(&finding.rule), length, page);
        if let Some(help) = &finding.help {
            shown += &format!("  {} {}\n", page.paint.note("help:"), escape_line(help));
        }
        if let Some(safer) = &finding.safer {
            shown += &format!("  {}\n", page.paint.note("instead:"));
            for line in safer.split('\n') {
                shown += &format!("    {}\n", escape(line));
            }
        }
        shown
    }
}

impl View for LintView {
    fn human(&self, page: Page) -> String {
        let looked_at = count(self.looked_at, "migration");
        let risks = risk::human(&self.risks, false, page);
        if self.findings.is_empty() {
            return format!("{risks}{looked_at}: {}\n", page.paint.good("nothing found"));
        }
        let mut text: String = self.findings.iter().map(|finding| self.shown(finding, page) + "\n").collect();
        text += &risks;
        let (denied, warned) = (self.count(Level::Deny), self.count(Level::Warn));
        let parts = [
            (denied > 0).then(|| page.paint.bad(&format!("{denied} denied"))),
            (warned > 0).then(|| page.paint.warn(&count(warned, "warning"))),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        text += &format!("{looked_at}: {}\n", parts.join(", "));
        text += "`cargo migrate lint --explain RULE` says why, and what to write instead\n";
        text
    }

    fn json(&self) -> Value {
        let findings = self.findings.iter().map(|finding| {
            let text = script_of(&self.set, &finding.file).map_or("", |script| &script.text);
            finding_json(finding, text)
        });
        json!({
            "migrations": self.looked_at,
            "denied": self.count(Level::Deny),
            "warnings": self.count(Level::Warn),
            "findings": findings.collect::<Value>(),
            "risks": risk::json(&self.risks),
        })
    }

    fn review(&self) -> Option<Review> {
        let note = |finding: &Finding| Note::of_rule(finding, script_of(&self.set, &finding.file));
        let mut notes: Vec<_> = self.findings.iter().map(note).collect();
        notes.sort_by_key(Note::order);
        let migrations = self.set.migrations.iter().filter_map(|migration| {
            let risks = self.risks.get(migration.stem.as_ref())?;
            let mut ways = vec![Way::unmeasured(Direction::Up, &migration.up.file, risks.up.clone())];
            if let Some(down) = &migration.down {
                ways.push(Way::unmeasured(Direction::Down, &down.file, risks.down.clone()));
            }
            let irreversible = migration.up.directives.irreversible.as_ref().map(ToString::to_string);
            Some(Reviewed { stem: migration.stem.to_string(), irreversible, ways })
        });
        Some(Review {
            verb: "lint",
            folder: self.folder_in_repository.clone(),
            migrations: migrations.collect(),
            notes,
            ..Review::default()
        })
    }
}

/// One finding; `text` is that of its file.
pub(crate) fn finding_json(finding: &Finding, text: &str) -> Value {
    let place = |offset| {
        let place = LineColumn::of(text, offset);
        json!({ "offset": offset, "line": place.line, "column": place.column })
    };
    let whole = finding.span.is_empty();
    json!({
        "rule": finding.rule,
        "level": level_name(finding.level),
        "migration": finding.stem,
        "file": finding.file,
        "start": if whole { Value::Null } else { place(finding.span.start) },
        "end": if whole { Value::Null } else { place(finding.span.end) },
        "message": finding.message,
        "help": finding.help,
        "safer": finding.safer,
    })
}

fn painted(level: Level) -> Cell {
    let paint: fn(Paint, &str) -> String = match level {
        Level::Allow => Paint::faint,
        Level::Warn => Paint::warn,
        Level::Deny => Paint::bad,
    };
    Cell::painted(level_name(level), paint)
}

/// The rules, with the level that holds.
pub(crate) struct RulesView {
    /// Those that the metadata sets.
    pub(crate) levels: BTreeMap<String, Level>,
}

impl RulesView {
    fn level(&self, rule: &Rule) -> Level {
        self.levels.get(rule.name).copied().unwrap_or(rule.level)
    }
}

const COLUMNS: [Column; 5] = [
    Column { title: "rule", goes: 0, shrinks_to: None },
    Column { title: "level", goes: 0, shrinks_to: None },
    Column { title: "about", goes: 2, shrinks_to: None },
    Column { title: "of", goes: 3, shrinks_to: None },
    Column { title: "finds", goes: 1, shrinks_to: Some(20) },
];

impl View for RulesView {
    fn human(&self, page: Page) -> String {
        let rows = lint::rules().iter().map(|rule| {
            vec![
                Cell::plain(rule.name),
                painted(self.level(rule)),
                Cell::plain(group_name(rule.group)),
                Cell::plain(owner_name(rule.owner)),
                Cell::plain(rule.what),
            ]
        });
        table(&COLUMNS, &rows.collect::<Vec<_>>(), page.width, page.paint)
    }

    fn json(&self) -> Value {
        let rules = lint::rules().iter().map(|rule| {
            let mut value = rule_json(rule, self.level(rule));
            if let Some(object) = value.as_object_mut() {
                object.remove("documentation");
            }
            value
        });
        json!({ "rules": rules.collect::<Value>() })
    }
}

fn rule_json(rule: &Rule, level: Level) -> Value {
    json!({
        "rule": rule.name,
        "level": level_name(level),
        "default": level_name(rule.level),
        "about": group_name(rule.group),
        "owner": owner_name(rule.owner),
        "finds": rule.what,
        "documentation": lint::explain(rule, level),
    })
}

/// The documentation of one rule.
pub(crate) struct ExplainView {
    pub(crate) rule: &'static Rule,
    pub(crate) level: Level,
}

impl View for ExplainView {
    fn human(&self, page: Page) -> String {
        format!("{}: {}", page.paint.bold(self.rule.name), lint::explain(self.rule, self.level))
    }

    fn json(&self) -> Value {
        rule_json(self.rule, self.level)
    }
}
