//! `ALTER TABLE`: what each of its actions creates, drops, renames or alters.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::{Effect, Object, Tolerant, comes_first};
use crate::lint::tree::{child, find, has, name};

pub(super) fn of(node: &SyntaxNode) -> Vec<Effect> {
    use SyntaxKind as K;
    let table = child(node, K::TABLE_RELATION_NAME).or_else(|| child(node, K::TABLE_NAME_REF));
    let Some(table) = table.or_else(|| node.children().find(|part| !comes_first(part.kind()))) else {
        return vec![Effect::Unknown];
    };
    let table = name(&table);
    let on_table = |kind: &str, part: Option<SyntaxNode>| Object {
        kind: kind.to_owned(),
        on: Some(table.clone()),
        name: part.map(|part| name(&part)),
    };
    let tolerant = |part: &SyntaxNode| match has(part, K::IF_NOT_EXISTS) {
        true => Tolerant::IfNotExists,
        false => Tolerant::No,
    };
    let mut effects = Vec::new();
    for action in node.children().filter(|part| !comes_first(part.kind())).skip(1) {
        effects.push(match action.kind() {
            K::ADD_COLUMN => Effect::Create {
                object: on_table("COLUMN", child(&action, K::COLUMN_NAME)),
                tolerant: tolerant(&action),
            },
            K::ADD_CONSTRAINT => Effect::Create {
                object: on_table("CONSTRAINT", find(&action, K::CONSTRAINT_NAME)),
                tolerant: Tolerant::No,
            },
            K::DROP_COLUMN => Effect::Drop {
                object: on_table("COLUMN", child(&action, K::COLUMN_NAME_REF)),
                cascade: has(&action, K::CASCADE),
            },
            K::DROP_CONSTRAINT => Effect::Drop {
                object: on_table("CONSTRAINT", child(&action, K::CONSTRAINT_NAME_REF)),
                cascade: has(&action, K::CASCADE),
            },
            K::RENAME_COLUMN => match child(&action, K::COLUMN_NAME) {
                Some(to) => Effect::Rename {
                    object: on_table("COLUMN", child(&action, K::COLUMN_NAME_REF)),
                    to: name(&to),
                },
                None => Effect::Unknown,
            },
            K::RENAME_CONSTRAINT => match child(&action, K::CONSTRAINT_NAME) {
                Some(to) => Effect::Rename {
                    object: on_table("CONSTRAINT", child(&action, K::CONSTRAINT_NAME_REF)),
                    to: name(&to),
                },
                None => Effect::Unknown,
            },
            K::TABLE_RENAME_TO => {
                Effect::Rename { object: Object::of("TABLE", table.clone()), to: name(&action) }
            }
            _ => Effect::Alter { object: Object::of("TABLE", table.clone()) },
        });
    }
    if effects.is_empty() {
        effects.push(Effect::Alter { object: Object::of("TABLE", table) });
    }
    effects
}
