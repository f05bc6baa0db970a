//! `ALTER TABLE … ALTER COLUMN`.

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::ast::{self, AstNode};

use super::text;
use crate::risk::effect::{Effect, Work};
use crate::risk::known::Known;
use crate::risk::name::Name;
use crate::risk::safer;

pub(super) fn of(table: &Name, table_text: &str, alter: &ast::AlterColumn, known: &Known) -> Effect {
    use LockMode::{AccessExclusive, ShareUpdateExclusive};
    let reference = alter.column_name_ref();
    let column = reference.map(|name| text(name.syntax())).unwrap_or_default();
    let effect =
        |mode, form: &str| Effect::new(Some(table.clone()), mode, format!("`ALTER COLUMN {column} {form}`"));
    match alter.option() {
        Some(ast::AlterColumnOption::SetType(it)) => {
            let ty = it.ty().map(|ty| text(ty.syntax())).unwrap_or_default();
            let using = it.using_expr().and_then(|using| using.expr()).map(|expr| text(expr.syntax()));
            effect(AccessExclusive, &format!("TYPE {ty}"))
                .work(Work::Rewrite)
                .remark(
                    "unless the old type is stored in the same way, as varchar(10) is that becomes varchar(20) or text",
                )
                .safer(safer::change_type(table_text, table, &column, &ty, using.as_deref()))
        }
        Some(ast::AlterColumnOption::SetNotNull(_)) => {
            let effect = effect(AccessExclusive, "SET NOT NULL");
            if known.proves_not_null(table, &column) {
                return effect;
            }
            effect.work(Work::Scan).safer(safer::set_not_null(table_text, table, &column))
        }
        Some(ast::AlterColumnOption::SetExpression(_)) => {
            effect(AccessExclusive, "SET EXPRESSION").work(Work::Rewrite)
        }
        Some(ast::AlterColumnOption::SetStatistics(_)) => effect(ShareUpdateExclusive, "SET STATISTICS"),
        Some(ast::AlterColumnOption::SetOptions(_)) => effect(ShareUpdateExclusive, "SET (…)"),
        Some(ast::AlterColumnOption::ResetOptions(_)) => effect(ShareUpdateExclusive, "RESET (…)"),
        Some(ast::AlterColumnOption::AddGenerated(_)) => effect(AccessExclusive, "ADD GENERATED"),
        Some(ast::AlterColumnOption::SetStorage(_)) => effect(AccessExclusive, "SET STORAGE"),
        Some(ast::AlterColumnOption::SetCompression(_)) => effect(AccessExclusive, "SET COMPRESSION"),
        Some(ast::AlterColumnOption::SetDefault(_)) => effect(AccessExclusive, "SET DEFAULT"),
        Some(ast::AlterColumnOption::DropDefault(_)) => effect(AccessExclusive, "DROP DEFAULT"),
        Some(ast::AlterColumnOption::DropNotNull(_)) => effect(AccessExclusive, "DROP NOT NULL"),
        Some(ast::AlterColumnOption::DropExpression(_)) => effect(AccessExclusive, "DROP EXPRESSION"),
        Some(ast::AlterColumnOption::DropIdentity(_)) => effect(AccessExclusive, "DROP IDENTITY"),
        _ => effect(AccessExclusive, "…"),
    }
}
