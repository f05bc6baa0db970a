//! `ALTER TABLE … ADD COLUMN`.

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::ast::{self, AstNode};

use super::volatile::{is_null, is_volatile};
use super::{Fact, Form, text};
use crate::risk::effect::{Effect, Work};
use crate::risk::name::Name;
use crate::risk::safer;

pub(super) fn of(table: &Name, table_text: &str, add: &ast::AddColumn) -> Form {
    let column = add.column_name().map(|name| text(name.syntax())).unwrap_or_default();
    let ty = add.ty().map(|ty| text(ty.syntax())).unwrap_or_default();
    let mut form = Form::default();
    let mut work = Work::None;
    let mut why = None;
    let mut default = None;
    for constraint in add.constraints() {
        let (new, because) = match &constraint {
            ast::Constraint::DefaultConstraint(it) => {
                default = it.expr().filter(|expr| !is_null(expr));
                match &default {
                    Some(expr) if is_volatile(expr) => {
                        (Work::Rewrite, "the default is another one for each row")
                    }
                    _ => (Work::None, ""),
                }
            }
            // Virtual ones (PostgreSQL 18) have no values in the table.
            ast::Constraint::GeneratedConstraint(it) => match it.generated_as() {
                Some(ast::GeneratedAs::GeneratedIdentity(_)) => {
                    (Work::Rewrite, "each row gets a number of its own")
                }
                Some(ast::GeneratedAs::GeneratedStored(it)) if !is_virtual(&it) => {
                    (Work::Rewrite, "each row gets its computed value")
                }
                _ => (Work::None, ""),
            },
            ast::Constraint::CheckConstraint(it) => match is_enforced(it.constraint_options()) {
                true => (Work::Scan, "the constraint is checked in each row"),
                false => (Work::None, ""),
            },
            ast::Constraint::UniqueConstraint(_) | ast::Constraint::PrimaryKeyConstraint(_) => {
                (Work::Build, "an index is built")
            }
            ast::Constraint::ReferencesConstraint(it) => {
                if let Some(to) = it.table().as_ref().and_then(Name::of) {
                    let mut effect = Effect::new(
                        Some(to.clone()),
                        LockMode::ShareRowExclusive,
                        "`ADD COLUMN … REFERENCES`",
                    );
                    effect.work_on = Some(table.clone());
                    form.effects.push(effect);
                    form.facts.push(Fact::Refers { table: table.clone(), to });
                }
                (Work::None, "")
            }
            _ => (Work::None, ""),
        };
        if new > work {
            (work, why) = (new, Some(because));
        }
    }
    let not_null = add.constraints().any(|it| matches!(it, ast::Constraint::NotNullConstraint(_)));
    let references = add.constraints().any(|it| matches!(it, ast::Constraint::ReferencesConstraint(_)));
    if references && default.is_some() && work < Work::Scan {
        // Without a default there is nothing to look up: every row has NULL.
        (work, why) = (Work::Scan, Some("the default is looked up for each row"));
    }
    if is_serial(&ty) {
        (work, why) = (Work::Rewrite, Some("each row gets a number of its own"));
    }
    if not_null && default.is_none() && work == Work::None {
        (work, why) = (Work::Scan, Some("without a default it fails where the table has rows"));
    }
    for effect in &mut form.effects {
        effect.work = work;
    }
    let mut effect =
        Effect::new(Some(table.clone()), LockMode::AccessExclusive, format!("`ADD COLUMN {column}`"));
    effect.work = work;
    effect.remark = why;
    if work != Work::None {
        let expr = default.as_ref().map(|expr| (text(expr.syntax()), is_volatile(expr)));
        let expr = expr.as_ref().map(|(expr, volatile)| (expr.as_str(), *volatile));
        effect.safer = safer::add_column(table, table_text, add, expr, not_null);
    }
    form.effects.push(effect);
    form
}

fn is_virtual(generated: &ast::GeneratedStored) -> bool {
    // Without a word it is what the version has as its default: STORED has to be written before 18, VIRTUAL may be left
    // out since.
    generated.generated_kind().is_none_or(|kind| text(kind.syntax()).eq_ignore_ascii_case("virtual"))
}

pub(super) fn is_enforced(mut options: impl Iterator<Item = ast::ConstraintOption>) -> bool {
    !options.any(|option| {
        matches!(option, ast::ConstraintOption::NotValid(_) | ast::ConstraintOption::NotEnforced(_))
    })
}

fn is_serial(ty: &str) -> bool {
    let ty = ty.to_ascii_lowercase();
    ["serial", "serial2", "serial4", "serial8", "smallserial", "bigserial"].contains(&ty.as_str())
}
