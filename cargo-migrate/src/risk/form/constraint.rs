//! `ALTER TABLE … ADD CONSTRAINT`.

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::ast::{self, AstNode, NameLike};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::add_column::is_enforced;
use super::{Fact, Form, text};
use crate::risk::effect::{Effect, Work};
use crate::risk::name::Name;
use crate::risk::safer;

pub(super) fn of(table: &Name, table_text: &str, add: &ast::AddConstraint) -> Form {
    let Some(constraint) = add.constraint() else { return Form::default() };
    let name = constraint.constraint_name().map(|name| name.text());
    let checked = is_enforced(constraint.constraint_options());
    let lock = |mode, form: &'static str| Effect::new(Some(table.clone()), mode, form);
    let mut form = Form::default();
    let effect = match &constraint {
        ast::Constraint::ForeignKeyConstraint(it) => {
            let mut own = lock(LockMode::ShareRowExclusive, "`ADD FOREIGN KEY`");
            if checked {
                let mut more = text(constraint.syntax());
                more = safer::not_valid(table_text, table, name.as_deref(), &more, "fkey");
                own = own.work(Work::Scan).safer(more);
            }
            if let Some(to) = it.table_name_ref().as_ref().and_then(Name::of) {
                let mut other = Effect { table: Some(to.clone()), ..own.clone() };
                other.work_on = Some(table.clone());
                other.safer = None;
                form.effects.push(other);
                form.facts.push(Fact::Refers { table: table.clone(), to });
            }
            own
        }
        ast::Constraint::CheckConstraint(it) => {
            let column = it.expr().as_ref().and_then(|expr| not_null_column(expr.syntax()));
            if let (Some(column), Some(constraint)) = (column, &name) {
                form.facts.push(Fact::NotNullCheck {
                    table: table.clone(),
                    column,
                    constraint: constraint.clone(),
                    valid: checked,
                });
            }
            let effect = lock(LockMode::AccessExclusive, "`ADD CHECK`");
            match checked {
                true => effect.work(Work::Scan).safer(safer::not_valid(
                    table_text,
                    table,
                    name.as_deref(),
                    &text(constraint.syntax()),
                    "check",
                )),
                false => effect,
            }
        }
        ast::Constraint::NotNullConstraint(it) => {
            let effect = lock(LockMode::AccessExclusive, "`ADD NOT NULL`");
            let column = it.column_name_ref().map(|column| text(column.syntax()));
            match (checked, column) {
                (true, Some(column)) => {
                    effect.work(Work::Scan).safer(safer::set_not_null(table_text, table, &column))
                }
                (true, None) => effect.work(Work::Scan),
                (false, _) => effect,
            }
        }
        ast::Constraint::UniqueConstraint(it) => unique(
            lock(LockMode::AccessExclusive, "`ADD UNIQUE`"),
            it.using_index().is_some(),
            it.index_parameters().as_ref(),
            &constraint,
            table_text,
            table,
            "UNIQUE",
        ),
        ast::Constraint::PrimaryKeyConstraint(it) => unique(
            lock(LockMode::AccessExclusive, "`ADD PRIMARY KEY`"),
            it.using_index().is_some(),
            it.index_parameters().as_ref(),
            &constraint,
            table_text,
            table,
            "PRIMARY KEY",
        ),
        ast::Constraint::ExcludeConstraint(_) => {
            lock(LockMode::AccessExclusive, "`ADD EXCLUDE`").work(Work::Build)
        }
        _ => lock(LockMode::AccessExclusive, "`ADD CONSTRAINT`"),
    };
    form.effects.push(effect);
    form
}

fn unique(
    effect: Effect,
    has_index: bool,
    parameters: Option<&ast::IndexParameters>,
    constraint: &ast::Constraint,
    table_text: &str,
    table: &Name,
    kind: &str,
) -> Effect {
    if has_index {
        return effect;
    }
    let effect = effect.work(Work::Build);
    let Some(parameters) = parameters else { return effect };
    let nulls = parameters.nulls_distinct_option().map(|it| text(it.syntax()));
    let include = parameters.constraint_include_clause().map(|it| text(it.syntax()));
    let Some(columns) = parameters.column_list().map(|list| text(list.syntax())) else { return effect };
    let more: String = include.into_iter().chain(nulls).map(|part| format!(" {part}")).collect();
    let name = constraint.constraint_name().map(|name| name.text());
    let options = options(constraint);
    effect.safer(safer::unique(table_text, table, name.as_deref(), kind, &columns, &more, &options))
}

/// ` DEFERRABLE INITIALLY DEFERRED`, and nothing where it is neither.
fn options(constraint: &ast::Constraint) -> String {
    constraint.constraint_options().map(|option| format!(" {}", text(option.syntax()))).collect()
}

/// The column of `CHECK (column IS NOT NULL)`.
fn not_null_column(expr: &SyntaxNode) -> Option<String> {
    let words: Vec<_> = expr
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !matches!(token.kind(), SyntaxKind::WHITESPACE | SyntaxKind::COMMENT))
        .map(|token| token.text().to_owned())
        .filter(|text| text != "(" && text != ")")
        .collect();
    match &words[..] {
        [column, is, not, null]
            if is.eq_ignore_ascii_case("is")
                && not.eq_ignore_ascii_case("not")
                && null.eq_ignore_ascii_case("null") =>
        {
            Some(column.clone())
        }
        _ => None,
    }
}
