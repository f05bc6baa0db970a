//! Statements that touch every row.

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::ast::{self, AstNode};

use super::text;
use crate::risk::effect::{Effect, Loss, Work};
use crate::risk::name::Name;
use crate::risk::safer;

pub(super) fn truncate(truncate: &ast::Truncate) -> Vec<Effect> {
    let list = truncate.table_list();
    let tables = list.iter().flat_map(|list| list.table_relation_names());
    tables
        .map(|table| {
            Effect::new(Name::of(&table), LockMode::AccessExclusive, "`TRUNCATE`").loss(Loss::Rows).quick()
        })
        .collect()
}

pub(super) fn delete(delete: &ast::Delete) -> Vec<Effect> {
    let table = delete.relation_name().as_ref().and_then(Name::of);
    let effect = Effect::new(table, LockMode::RowExclusive, "`DELETE`");
    // USING narrows as a WHERE does, though only together with one.
    match delete.where_clause_or_current_of() {
        None => vec![effect.work(Work::Rows).loss(Loss::Rows)],
        Some(_) => vec![effect],
    }
}

pub(super) fn update(update: &ast::Update) -> Vec<Effect> {
    let Some(relation) = update.relation_name() else { return Vec::new() };
    let effect = Effect::new(Name::of(&relation), LockMode::RowExclusive, "`UPDATE`");
    match update.where_clause_or_current_of() {
        None => {
            let set = update.set_clause().map(|set| text(set.syntax())).unwrap_or_default();
            vec![effect.work(Work::Rows).safer(safer::in_batches(&text(relation.syntax()), &set))]
        }
        Some(_) => vec![effect],
    }
}

pub(super) fn refresh(refresh: &ast::Refresh) -> Vec<Effect> {
    let view = refresh.view_ref();
    let name = view.as_ref().and_then(Name::of);
    let written = view.map(|view| text(view.syntax())).unwrap_or_default();
    match refresh.concurrently_token() {
        // Readers go on; nobody writes to a materialised view but another refresh.
        Some(_) => {
            vec![Effect::new(name, LockMode::Exclusive, "`REFRESH MATERIALIZED VIEW CONCURRENTLY`").quick()]
        }
        None => vec![
            Effect::new(name, LockMode::AccessExclusive, "`REFRESH MATERIALIZED VIEW`")
                .work(Work::Rewrite)
                .safer(format!(
                    "-- Needs a unique index on columns of {written}, without a condition.\n\
                     REFRESH MATERIALIZED VIEW CONCURRENTLY {written};\n"
                )),
        ],
    }
}
