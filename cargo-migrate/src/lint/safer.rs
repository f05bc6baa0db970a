//! The script that does the same and blocks nobody, with the names of the statement.

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::rule::Case;
use super::tree::{child, find, name, span};

/// What to write instead of a statement, where one can be written down from it.
pub(super) fn script(
    case: &Case<'_>,
    statement: &SyntaxNode,
    node: &SyntaxNode,
    rule: &str,
) -> Option<String> {
    use SyntaxKind as K;
    let text = |node: &SyntaxNode| case.source.text.get(span(node)).map(str::to_owned);
    let table = child(statement, K::TABLE_RELATION_NAME).and_then(|table| text(&table));
    match rule {
        "require-concurrent-index-creation" => {
            let target = child(statement, K::TABLE_RELATION_NAME).map(|table| name(&table))?;
            if case.world.relation(&target).is_some_and(|known| known.partitioned) {
                return None;
            }
            after(&text(statement)?, statement, K::INDEX_KW, " CONCURRENTLY").map(in_a_file_of_its_own)
        }
        "require-concurrent-index-deletion" => {
            // One at a time is all that CONCURRENTLY can.
            let text = text(statement)?;
            (statement.children().filter(|part| part.kind() == K::INDEX_REF).count() == 1)
                .then(|| after(&text, statement, K::INDEX_KW, " CONCURRENTLY").map(in_a_file_of_its_own))?
        }
        "require-concurrent-partition-detach" => {
            Some(in_a_file_of_its_own(format!("{} CONCURRENTLY", text(statement)?)))
        }
        "adding-foreign-key-constraint" | "constraint-missing-not-valid" => not_valid(&table?, node, &text),
        "disallowed-unique-constraint" => using_index(&table?, node, "UNIQUE", "key", &text),
        "adding-serial-primary-key-field" => using_index(&table?, node, "PRIMARY KEY", "pkey", &text),
        "adding-not-nullable-field" => {
            let column = node.ancestors().find(|outer| outer.kind() == K::ALTER_COLUMN)?;
            let column = text(&child(&column, K::COLUMN_NAME_REF)?)?;
            let table = table?;
            let check = identifier(&[&table, &column, "is_there"]);
            Some(format!(
                "ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({column} IS NOT NULL) NOT VALID;\n\
                 -- in the next migration:\n\
                 ALTER TABLE {table} VALIDATE CONSTRAINT {check};\n\
                 -- in the one after it:\n\
                 ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL;\n\
                 ALTER TABLE {table} DROP CONSTRAINT {check};"
            ))
        }
        "adding-field-with-default" => {
            let column = node.ancestors().find(|outer| outer.kind() == K::ADD_COLUMN)?;
            let default = find(&column, K::DEFAULT_CONSTRAINT)?;
            let expression = text(&default.children().last()?)?;
            let table = table?;
            let kind = column.children().find(|part| format!("{:?}", part.kind()).ends_with("_TYPE"))?;
            let (column, kind) = (text(&child(&column, K::COLUMN_NAME)?)?, text(&kind)?);
            Some(format!(
                "ALTER TABLE {table} ADD COLUMN {column} {kind};\n\
                 ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {expression};\n\
                 -- in the next migration, in batches where there are many rows:\n\
                 UPDATE {table} SET {column} = {expression} WHERE {column} IS NULL;"
            ))
        }
        _ => None,
    }
}

fn in_a_file_of_its_own(text: String) -> String {
    format!("-- in a migration of its own\n{text};")
}

/// The text of a statement with something written behind one of its keywords.
fn after(text: &str, statement: &SyntaxNode, keyword: SyntaxKind, what: &str) -> Option<String> {
    let start = span(statement).start;
    let token = statement
        .children_with_tokens()
        .filter_map(|element| element.into_token())
        .find(|token| token.kind() == keyword)?;
    let at = usize::from(token.text_range().end()).checked_sub(start)?;
    let (head, tail) = text.split_at_checked(at)?;
    Some(format!("{head}{what}{tail}"))
}

fn not_valid(table: &str, node: &SyntaxNode, text: &dyn Fn(&SyntaxNode) -> Option<String>) -> Option<String> {
    use SyntaxKind as K;
    let kinds = [K::FOREIGN_KEY_CONSTRAINT, K::CHECK_CONSTRAINT];
    let constraint = node.descendants().find(|part| kinds.contains(&part.kind()))?;
    let (named, definition) = match find(&constraint, K::CONSTRAINT_NAME) {
        Some(named) => (text(&named)?, text(&constraint)?),
        // What has no name cannot be validated by it.
        None => {
            let suffix = if constraint.kind() == K::CHECK_CONSTRAINT { "check" } else { "fkey" };
            let column = find(&constraint, K::COLUMN_NAME_REF).or_else(|| find(&constraint, K::NAME_REF));
            let column = column.and_then(|column| text(&column)).unwrap_or_default();
            let named = identifier(&[table, &column, suffix]);
            let definition = format!("CONSTRAINT {named} {}", text(&constraint)?);
            (named, definition)
        }
    };
    Some(format!(
        "ALTER TABLE {table} ADD {definition} NOT VALID;\n\
         -- in the next migration:\n\
         ALTER TABLE {table} VALIDATE CONSTRAINT {named};"
    ))
}

fn using_index(
    table: &str,
    node: &SyntaxNode,
    constraint: &str,
    suffix: &str,
    text: &dyn Fn(&SyntaxNode) -> Option<String>,
) -> Option<String> {
    use SyntaxKind as K;
    // A column that is added with it has no rows' values to index: it is added first.
    if node.ancestors().any(|outer| outer.kind() == K::ADD_COLUMN) {
        return None;
    }
    let kinds = [K::UNIQUE_CONSTRAINT, K::PRIMARY_KEY_CONSTRAINT];
    let found = node.descendants().find(|part| kinds.contains(&part.kind()))?;
    let columns = text(&find(&found, K::CONSTRAINT_COLUMN_REF_LIST)?)?;
    let named = match find(&found, K::CONSTRAINT_NAME) {
        Some(named) => text(&named)?,
        None => identifier(&[table, columns.trim_matches(['(', ')']), suffix]),
    };
    let deferrable = found.children().any(|part| format!("{:?}", part.kind()).contains("DEFERR"));
    (!deferrable).then(|| {
        format!(
            "-- in a migration of its own\n\
             CREATE UNIQUE INDEX CONCURRENTLY {named} ON {table} {columns};\n\
             -- in the next migration:\n\
             ALTER TABLE {table} ADD CONSTRAINT {named} {constraint} USING INDEX {named};"
        )
    })
}

/// A name for something that has none: the parts, as the server puts them together.
fn identifier(parts: &[&str]) -> String {
    let plain = |part: &str| {
        let last = part.rsplit('.').next().unwrap_or(part);
        let kept = last.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { '_' });
        kept.collect::<String>()
            .split('_')
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join("_")
            .to_lowercase()
    };
    parts.iter().map(|part| plain(part)).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
}
