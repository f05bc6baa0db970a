//! What is gone after it.

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use crate::risk::effect::{Effect, Loss};
use crate::risk::known::Known;
use crate::risk::name::Name;

pub(super) fn table(drop: &ast::DropTable, known: &Known) -> Vec<Effect> {
    let mut effects = Vec::new();
    for name in drop.table_name_refs().filter_map(|name| Name::of(&name)) {
        for other in known.referred_by(&name) {
            // The triggers of its foreign keys go from the tables that they refer to.
            effects.push(Effect::new(Some(other), LockMode::AccessExclusive, "`DROP TABLE`"));
        }
        effects.push(Effect::new(Some(name), LockMode::AccessExclusive, "`DROP TABLE`").loss(Loss::Rows));
    }
    effects
}

pub(super) fn other(statement: &ast::Stmt) -> Vec<Effect> {
    use ast::Stmt;
    let gone = |form: &'static str, loss| {
        let effect = Effect::new(None, LockMode::AccessShare, form);
        vec![Effect { loss, ..effect }]
    };
    // RESTRICT, which is the default, refuses where anything depends on it.
    let with_it = |node: &SyntaxNode| {
        node.descendants().any(|node| ast::Cascade::cast(node).is_some()).then_some(Loss::Column)
    };
    let views = |node: &SyntaxNode, form: &'static str| {
        let loss = with_it(node);
        let names = node.children().filter_map(ast::ViewRef::cast);
        names
            .map(|name| Effect { loss, ..Effect::new(Name::of(&name), LockMode::AccessExclusive, form) })
            .collect()
    };
    match statement {
        Stmt::DropDatabase(_) => gone("`DROP DATABASE`", Some(Loss::Rows)),
        Stmt::DropOwned(_) => gone("`DROP OWNED`", Some(Loss::Rows)),
        Stmt::DropSchema(it) => gone("`DROP SCHEMA … CASCADE`", with_it(it.syntax()).map(|_| Loss::Rows)),
        Stmt::DropType(it) => gone("`DROP TYPE … CASCADE`", with_it(it.syntax())),
        Stmt::DropDomain(it) => gone("`DROP DOMAIN … CASCADE`", with_it(it.syntax())),
        Stmt::DropExtension(it) => gone("`DROP EXTENSION … CASCADE`", with_it(it.syntax())),
        Stmt::DropSequence(it) => gone("`DROP SEQUENCE … CASCADE`", with_it(it.syntax())),
        // What hangs on a view are other views: nothing that holds data.
        Stmt::DropView(it) => without_loss(views(it.syntax(), "`DROP VIEW`")),
        Stmt::DropMaterializedView(it) => without_loss(views(it.syntax(), "`DROP MATERIALIZED VIEW`")),
        _ => Vec::new(),
    }
}

fn without_loss(effects: Vec<Effect>) -> Vec<Effect> {
    effects.into_iter().map(|effect| Effect { loss: None, ..effect }).collect()
}
