//! What is written to tables.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::Effect;
use crate::lint::tree::{all, has, name};

/// The rows that a statement or one of its `WITH` queries writes.
pub(super) fn of(node: &SyntaxNode) -> Vec<Effect> {
    use SyntaxKind as K;
    let mut effects = Vec::new();
    for inner in node.descendants() {
        let verb = match inner.kind() {
            K::INSERT => "INSERT",
            K::UPDATE => "UPDATE",
            K::DELETE => "DELETE",
            K::MERGE => "MERGE",
            K::TRUNCATE => "TRUNCATE",
            K::COPY if has(&inner, K::COPY_FROM) => "COPY",
            _ => continue,
        };
        if inner.kind() == K::TRUNCATE {
            effects.extend(
                all(&inner, K::TABLE_RELATION_NAME).map(|table| Effect::Rows { verb, table: name(&table) }),
            );
            continue;
        }
        let target = inner.children().find(|part| {
            matches!(
                part.kind(),
                K::RELATION_NAME | K::RELATION_NAME_REF | K::TABLE_RELATION_NAME | K::COPY_TABLE
            )
        });
        if let Some(target) = target {
            effects.push(Effect::Rows { verb, table: name(&target) });
        }
    }
    if effects.is_empty()
        && !matches!(node.kind(), K::SELECT | K::COMPOUND_SELECT | K::PAREN_SELECT | K::VALUES | K::TABLE)
    {
        effects.push(Effect::Nothing);
    }
    effects
}
