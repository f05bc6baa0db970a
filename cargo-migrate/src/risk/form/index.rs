//! `CREATE INDEX`, `DROP INDEX`, `ALTER INDEX`, `REINDEX`.

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::ast::{self, AstNode};

use super::{Fact, Form, text};
use crate::risk::effect::{Effect, Work};
use crate::risk::known::Known;
use crate::risk::name::Name;
use crate::risk::safer;

pub(super) fn create(create: &ast::CreateIndex) -> Form {
    let Some(table) = create.table_relation_name().as_ref().and_then(Name::of) else {
        return Form::default();
    };
    let mut form = Form::default();
    if let Some(index) = create.index().as_ref().and_then(Name::of) {
        let index = table.sibling(index.last().to_owned());
        form.facts.push(Fact::IndexOn { index: index.clone(), table: table.clone() });
        if create.if_not_exists().is_none() {
            form.facts.push(Fact::Created(index));
        }
    }
    let effect = match create.concurrently_token() {
        Some(_) => Effect::new(Some(table), LockMode::ShareUpdateExclusive, "`CREATE INDEX CONCURRENTLY`")
            .work(Work::Build),
        None => Effect::new(Some(table), LockMode::Share, "`CREATE INDEX`")
            .work(Work::Build)
            .safer(safer::concurrently(create.syntax(), create.index_token())),
    };
    form.effects.push(effect);
    form
}

pub(super) fn drop(drop: &ast::DropIndex, known: &Known) -> Vec<Effect> {
    let concurrently = drop.concurrently_token().is_some();
    let of_index = |index: Name| {
        // Both the index and its table are locked; where the text does not show the table, the index stands for it.
        let table = known.table_of(&index).unwrap_or(index);
        match concurrently {
            true => Effect::new(Some(table), LockMode::ShareUpdateExclusive, "`DROP INDEX CONCURRENTLY`"),
            false => {
                let effect = Effect::new(Some(table), LockMode::AccessExclusive, "`DROP INDEX`");
                match drop.index_refs().count() {
                    1 => effect.safer(safer::concurrently(drop.syntax(), drop.index_token())),
                    // One at a time is all that CONCURRENTLY can.
                    _ => effect,
                }
            }
        }
    };
    drop.index_refs().filter_map(|index| Name::of(&index)).map(of_index).collect()
}

pub(super) fn alter(alter: &ast::AlterIndex, known: &Known) -> Vec<Effect> {
    let index = alter.index_ref().as_ref().and_then(Name::of);
    let table = index.clone().and_then(|index| known.table_of(&index)).or(index);
    match alter.action() {
        Some(ast::AlterIndexAction::SetTablespace(_)) => {
            vec![
                Effect::new(table, LockMode::AccessExclusive, "`ALTER INDEX … SET TABLESPACE`")
                    .work(Work::Rewrite),
            ]
        }
        // Of the index only; its table is not locked.
        _ => Vec::new(),
    }
}

pub(super) fn reindex(reindex: &ast::Reindex) -> Vec<Effect> {
    let whole = text(reindex.syntax());
    let concurrently = whole
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| word.eq_ignore_ascii_case("concurrently"));
    let target = reindex.reindex_target();
    let table = target.as_ref().and_then(Name::of);
    if concurrently {
        return vec![
            Effect::new(table, LockMode::ShareUpdateExclusive, "`REINDEX CONCURRENTLY`").work(Work::Build),
        ];
    }
    let mut effect = Effect::new(table, LockMode::Share, "`REINDEX`")
        .work(Work::Build)
        .remark("readers that would use the index wait too");
    if let Some(ast::ReindexTarget::ReindexTargetTable(_) | ast::ReindexTarget::ReindexTargetIndex(_)) =
        target
    {
        effect.safer = target.and_then(|target| {
            let first = target.syntax().first_token()?;
            Some(safer::concurrently(reindex.syntax(), Some(first)))
        });
    }
    vec![effect]
}
