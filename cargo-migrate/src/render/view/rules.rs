//! The rules of `lint`, with the level that holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::lint::{self, Level, Rule, group_name, level_name, owner_name};
use crate::render::table::{Cell, Column, table};
use crate::render::{Page, Paint, View};

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

const COLUMNS: [Column<'static>; 5] = [
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
