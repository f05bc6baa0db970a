//! The script that does the same and blocks nobody, with the names of the statement. What it is, `risk` knows; here is
//! found which part of a statement a rule is about.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::rule::{Case, Group, Rule};
use super::tree::{name, span};
use crate::risk;

/// What to write instead of the part of a statement that a rule found at `node`, where it can be written down. Only rules
/// about waiting have an answer: what is lost, breaks or fails is not mended by another way to do it.
pub(super) fn script(
    case: &Case<'_>,
    statement: &SyntaxNode,
    node: &SyntaxNode,
    rule: &Rule,
) -> Option<String> {
    if rule.group != Group::Blocks {
        return None;
    }
    let direction = case.source.direction;
    let text = |node: &SyntaxNode| case.source.text.get(span(node));
    if let Some(create) = ast::CreateIndex::cast(statement.clone()) {
        // CONCURRENTLY there is none of a partitioned table.
        let table = name(create.table_relation_name()?.syntax());
        if case.world.relation(&table).is_some_and(|known| known.partitioned) {
            return None;
        }
    }
    let Some(alter) = ast::AlterTable::cast(statement.clone()) else {
        return risk::safer(text(statement)?, direction);
    };
    let mut actions = alter.actions();
    let action = match actions.clone().count() {
        1 => actions.next(),
        _ => actions.find(|action| action.syntax().text_range().contains_range(node.text_range())),
    };
    let (table, action) = (alter.table_relation_name()?, action?);
    let action = format!("ALTER TABLE {} {}", text(table.syntax())?, text(action.syntax())?);
    risk::safer(&action, direction)
}
