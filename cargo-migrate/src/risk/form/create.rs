//! `CREATE TABLE` and its siblings: what they make is new, what they refer to is not.

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::ast::{self, AstNode};

use super::{Fact, Form};
use crate::risk::effect::Effect;
use crate::risk::name::Name;

pub(super) fn table(create: &ast::CreateTable) -> Form {
    let Some(table) = create.table_name().as_ref().and_then(Name::of) else { return Form::default() };
    let mut form = Form::default();
    // One that may be there already is not new.
    if create.if_not_exists().is_none() {
        form.facts.push(Fact::Created(table.clone()));
    }
    if let Some(parent) = create.partition_of().as_ref().and_then(Name::of) {
        // `DefineRelation` of `tablecmds.c`. ATTACH PARTITION makes do with SHARE UPDATE EXCLUSIVE.
        let effect = Effect::new(Some(parent), LockMode::AccessExclusive, "`CREATE TABLE … PARTITION OF`");
        form.effects.push(effect);
    }
    for parent in create.inherits().iter().flat_map(|inherits| inherits.table_name_refs()) {
        let effect =
            Effect::new(Name::of(&parent), LockMode::ShareUpdateExclusive, "`CREATE TABLE … INHERITS`");
        form.effects.push(effect);
    }
    let arguments = create.table_arg_list();
    let nodes = arguments.iter().flat_map(|list| list.syntax().descendants());
    for node in nodes {
        let to = match ast::Constraint::cast(node) {
            Some(ast::Constraint::ReferencesConstraint(it)) => it.table().as_ref().and_then(Name::of),
            Some(ast::Constraint::ForeignKeyConstraint(it)) => {
                it.table_name_ref().as_ref().and_then(Name::of)
            }
            _ => None,
        };
        let Some(to) = to else { continue };
        form.facts.push(Fact::Refers { table: table.clone(), to: to.clone() });
        if !to.fits(&table) {
            let form_of = "`CREATE TABLE … REFERENCES`";
            form.effects.push(Effect::new(Some(to), LockMode::ShareRowExclusive, form_of));
        }
    }
    form
}

/// `CREATE TABLE AS` and `CREATE MATERIALIZED VIEW`.
pub(super) fn from_query<N: AstNode>(name: Option<&N>) -> Form {
    let facts = name.and_then(Name::of).map(Fact::Created).into_iter().collect();
    Form { effects: Vec::new(), facts }
}
