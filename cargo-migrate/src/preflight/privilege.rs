//! The privileges of statements whose page in PostgreSQL's manual says more than what they do to which table: MERGE, GRANT,
//! REVOKE and COMMENT.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use crate::lint::tree::{Name, all, child, find, has, name, plain};

/// To have anything at all on the table: with nothing, GRANT and REVOKE are refused (`restrict_and_check_grant` of
/// aclchk.c).
pub(super) const ANYTHING: &str = "GRANT";
/// What a privilege is given on with. Whoever has a privilege and may not give it on is not refused: the server warns that
/// nothing was granted.
pub(super) const WITH_OPTION: &str = " WITH GRANT OPTION";

/// What a MERGE needs on its target: the privilege of each action, whether or not it will be taken, and SELECT where its
/// conditions look at the target.
pub(super) fn of_merge(node: &SyntaxNode) -> Vec<&'static str> {
    use SyntaxKind as K;
    let actions = [(K::MERGE_INSERT, "INSERT"), (K::MERGE_UPDATE, "UPDATE"), (K::MERGE_DELETE, "DELETE")];
    let mut needs: Vec<_> =
        actions.into_iter().filter(|(kind, _)| find(node, *kind).is_some()).map(|(_, need)| need).collect();
    let alias = child(node, K::OPTIONAL_AS_ALIAS).and_then(|alias| find(&alias, K::TABLE_ALIAS));
    let target = alias.or_else(|| child(node, K::TABLE_RELATION_NAME)).map(|node| name(&node).name);
    // One without a qualifier may be the source's: nothing is said of it.
    let looks = conditions(node).any(|condition| {
        all(&condition, K::FIELD_EXPR).any(|field| {
            let qualifier = field.first_child().map(|qualifier| plain(&qualifier));
            qualifier.is_some() && qualifier == target
        })
    });
    if looks || find(node, K::MERGE_DO_NOTHING).is_some() {
        needs.push("SELECT");
    }
    needs
}

fn conditions(node: &SyntaxNode) -> impl Iterator<Item = SyntaxNode> {
    use SyntaxKind as K;
    let joined = child(node, K::USING_ON_CLAUSE).and_then(|using| child(&using, K::ON_CLAUSE));
    let when = node.children().flat_map(|part| child(&part, K::MERGE_CONDITION));
    joined.into_iter().chain(when)
}

/// What GRANT and REVOKE of whole tables, and COMMENT on a table or a column, need on which tables; `None` where it is
/// another statement, or one that is not derived.
pub(super) fn of_other(node: &SyntaxNode) -> Option<Vec<(Name, &'static str)>> {
    use SyntaxKind as K;
    match node.kind() {
        K::GRANT | K::REVOKE => {
            if has(node, K::GRANTED_BY_CLAUSE) || find(node, K::COLUMN_REF_LIST).is_some() {
                return None;
            }
            let on = child(node, K::ON_PRIVILEGE_OBJECTS_CLAUSE)?.first_child()?;
            if !matches!(on.kind(), K::PRIVILEGE_TABLE | K::PRIVILEGE_DEFAULT) {
                return None;
            }
            let given: Vec<_> = all(node, K::REVOKE_COMMAND).filter_map(|command| given(&command)).collect();
            let tables = all(&on, K::RELATION_NAME_REF).map(|table| name(&table));
            Some(
                tables
                    .flat_map(|table| {
                        let needs = std::iter::once(ANYTHING).chain(given.iter().copied());
                        needs.map(move |need| (table.clone(), need)).collect::<Vec<_>>()
                    })
                    .collect(),
            )
        }
        K::COMMENT_ON => {
            // The path of a column is the one of its table, and one step more.
            let table = match child(node, K::OBJECT_COLUMN) {
                Some(column) => child(&find(&column, K::PATH_REF)?, K::PATH_REF)?,
                None => find(&child(node, K::OBJECT_TABLE)?, K::PATH_REF)?,
            };
            Some(vec![(name(&table), "OWNER")])
        }
        _ => None,
    }
}

fn given(command: &SyntaxNode) -> Option<&'static str> {
    Some(match plain(command).to_ascii_uppercase().as_str() {
        "SELECT" => "SELECT WITH GRANT OPTION",
        "INSERT" => "INSERT WITH GRANT OPTION",
        "UPDATE" => "UPDATE WITH GRANT OPTION",
        "DELETE" => "DELETE WITH GRANT OPTION",
        "TRUNCATE" => "TRUNCATE WITH GRANT OPTION",
        "REFERENCES" => "REFERENCES WITH GRANT OPTION",
        "TRIGGER" => "TRIGGER WITH GRANT OPTION",
        _ => return None,
    })
}
