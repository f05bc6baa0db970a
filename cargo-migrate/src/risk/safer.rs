//! Scripts that do the same without keeping anybody waiting for long, with the names of the script at hand. What goes
//! into a migration of its own says so: a lock that is taken in one transaction is held until its end.

use squawk_syntax::ast::{self, AstNode, NameLike};
use squawk_syntax::quote::quote_ident;
use squawk_syntax::{SyntaxNode, SyntaxToken};

use super::name::Name;

/// What stands before what has to be another migration.
pub(super) const NEXT: &str = "\n-- The next migration:\n";

/// `CREATE INDEX` and its siblings, with the word that lets everybody go on.
pub(super) fn concurrently(statement: &SyntaxNode, after: Option<SyntaxToken>) -> String {
    let text = statement.text().to_string();
    let start = usize::from(statement.text_range().start());
    let at = after.map_or(text.len(), |token| usize::from(token.text_range().end()) - start);
    let (head, tail) = text.split_at(at.min(text.len()));
    let tail = tail.trim_end().trim_end_matches(';');
    format!("-- A migration of its own: it cannot run in a transaction.\n{head} CONCURRENTLY{tail};\n")
}

/// `ADD CONSTRAINT … NOT VALID`, and later `VALIDATE`, which lets everybody read and write.
pub(super) fn not_valid(
    table_text: &str,
    table: &Name,
    name: Option<&str>,
    constraint: &str,
    suffix: &str,
) -> String {
    let (given, name) = match name {
        Some(name) => (String::new(), name.to_owned()),
        None => {
            let name = constraint_name(table, &columns_of(constraint, suffix), suffix);
            (format!("CONSTRAINT {} ", quote_ident(&name)), name)
        }
    };
    let name = quote_ident(&name);
    format!(
        "ALTER TABLE {table_text} ADD {given}{constraint} NOT VALID;\n{NEXT}ALTER TABLE {table_text} VALIDATE CONSTRAINT \
         {name};\n"
    )
}

/// An index that is built while everybody goes on, and then becomes the constraint.
pub(super) fn unique(
    table_text: &str,
    table: &Name,
    name: Option<&str>,
    kind: &str,
    columns: &str,
    more: &str,
    options: &str,
) -> String {
    let suffix = if kind == "UNIQUE" { "key" } else { "pkey" };
    let name = match name {
        Some(name) => name.to_owned(),
        None if kind == "UNIQUE" => constraint_name(table, &plain_columns(columns), suffix),
        None => constraint_name(table, &[], suffix),
    };
    let name = quote_ident(&name);
    let nulls = if kind == "UNIQUE" {
        ""
    } else {
        "-- Reads all rows where a column is not yet NOT NULL: make it so first.\n"
    };
    format!(
        "-- A migration of its own: it cannot run in a transaction.\nCREATE UNIQUE INDEX CONCURRENTLY {name} ON \
         {table_text} {columns}{more};\n{NEXT}{nulls}ALTER TABLE {table_text} ADD CONSTRAINT {name} {kind} USING INDEX {name}{options};\n"
    )
}

/// A CHECK that is validated while everybody goes on proves to `SET NOT NULL` that it need not look.
pub(super) fn set_not_null(table_text: &str, table: &Name, column: &str) -> String {
    let name = quote_ident(&constraint_name(table, &plain_columns(column), "not_null"));
    format!(
        "ALTER TABLE {table_text} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID;\n{NEXT}ALTER TABLE \
         {table_text} VALIDATE CONSTRAINT {name};\n{NEXT}ALTER TABLE {table_text} ALTER COLUMN {column} SET NOT NULL;\n\
         ALTER TABLE {table_text} DROP CONSTRAINT {name};\n"
    )
}

/// Every row in its turn, a thousand pages at a time, each in a transaction of its own.
pub(super) fn in_batches(table_text: &str, set: &str) -> String {
    batches(table_text, &format!("UPDATE {table_text} {set}"), "")
}

fn batches(table_text: &str, update: &str, condition: &str) -> String {
    let literal = table_text.trim_end_matches('*').trim().replace('\'', "''");
    format!(
        "-- migrate: no-transaction\n-- A migration of its own, in batches: each COMMIT lets go of the rows.\n\
         DO $batches$\nDECLARE\n    page bigint := 0;\n    pages bigint := pg_relation_size('{literal}') / \
         current_setting('block_size')::bigint;\nBEGIN\n    WHILE page <= pages LOOP\n        {update}\n            \
         WHERE ctid >= format('(%s,0)', page)::tid AND ctid < format('(%s,0)', page + 1000)::tid{condition};\n        \
         COMMIT;\n        page := page + 1000;\n    END LOOP;\nEND\n$batches$;\n"
    )
}

/// The column first, then its values, then what has to hold for them.
pub(super) fn add_column(
    table: &Name,
    table_text: &str,
    add: &ast::AddColumn,
    default: Option<(&str, bool)>,
    not_null: bool,
) -> Option<String> {
    let column = add.column_name()?.syntax().text().to_string();
    let ty = add.ty()?.syntax().text().to_string();
    let (ty, sequence) = match ty.to_ascii_lowercase().as_str() {
        "bigserial" | "serial8" => ("bigint".to_owned(), true),
        "serial" | "serial4" => ("integer".to_owned(), true),
        "smallserial" | "serial2" => ("smallint".to_owned(), true),
        _ => (ty, false),
    };
    let volatile = default.filter(|(_, volatile)| *volatile).map(|(expr, _)| expr.to_owned());
    let steady = default.filter(|(_, volatile)| !*volatile).map(|(expr, _)| format!(" DEFAULT {expr}"));
    let keeps_not_null = if not_null && steady.is_some() { " NOT NULL" } else { "" };
    let mut text = format!(
        "ALTER TABLE {table_text} ADD COLUMN {column} {ty}{}{keeps_not_null};\n",
        steady.clone().unwrap_or_default()
    );
    let later = if sequence {
        let name = table.sibling(constraint_name(table, &plain_columns(&column), "seq"));
        text += &format!("CREATE SEQUENCE {name} AS {ty} OWNED BY {table_text}.{column};\n");
        Some(format!("nextval('{}')", name.to_string().replace('\'', "''")))
    } else {
        volatile
    };
    if let Some(expr) = &later {
        text += &format!("ALTER TABLE {table_text} ALTER COLUMN {column} SET DEFAULT {expr};\n");
    }
    let is_filled = later.is_some() || not_null && steady.is_none();
    if is_filled {
        let value = if later.is_some() { "DEFAULT" } else { "…" };
        text += NEXT;
        text += &batches(
            table_text,
            &format!("UPDATE {table_text} SET {column} = {value}"),
            &format!(" AND {column} IS NULL"),
        );
    }
    for constraint in add.constraints() {
        let written = constraint.syntax().text().to_string();
        let name = constraint.constraint_name().map(|name| name.text());
        match &constraint {
            ast::Constraint::CheckConstraint(_) => {
                text += NEXT;
                let name = name.or_else(|| Some(constraint_name(table, &plain_columns(&column), "check")));
                let written = match constraint.constraint_name() {
                    Some(_) => written,
                    None => format!("CONSTRAINT {} {written}", quote_ident(name.as_deref()?)),
                };
                text += &not_valid(table_text, table, name.as_deref(), &written, "check");
            }
            ast::Constraint::ReferencesConstraint(_) if steady.is_some() || later.is_some() => {
                text += NEXT;
                let at = written.to_ascii_lowercase().find("references")?;
                let written = format!("FOREIGN KEY ({column}) {}", &written[at..]);
                text += &not_valid(table_text, table, None, &written, "fkey");
            }
            ast::Constraint::UniqueConstraint(_) => {
                text += NEXT;
                text += &unique(table_text, table, name.as_deref(), "UNIQUE", &format!("({column})"), "", "");
            }
            // What is computed, and a key, have to be there at once.
            ast::Constraint::GeneratedConstraint(_) | ast::Constraint::PrimaryKeyConstraint(_) => {
                return None;
            }
            _ => {}
        }
    }
    if not_null && is_filled {
        text += NEXT;
        text += &set_not_null(table_text, table, &column);
    }
    Some(text)
}

/// A second column beside the first, kept equal by a trigger until it takes the first one's place.
pub(super) fn change_type(
    table_text: &str,
    table: &Name,
    column: &str,
    ty: &str,
    using: Option<&str>,
) -> String {
    let plain = plain_columns(column).concat();
    let new = quote_ident(&format!("{plain}_new"));
    let keep = table.sibling(constraint_name(table, std::slice::from_ref(&plain), "new"));
    let trigger = quote_ident(keep.last());
    let value = using.map_or_else(|| format!("{column}::{ty}"), |using| format!("({using})"));
    let fill = batches(
        table_text,
        &format!("UPDATE {table_text} SET {new} = {value}"),
        &format!(" AND {new} IS NULL"),
    );
    format!(
        "ALTER TABLE {table_text} ADD COLUMN {new} {ty};\nCREATE FUNCTION {keep}() RETURNS trigger LANGUAGE plpgsql AS \
         $keep$\nBEGIN\n    SELECT {value} INTO NEW.{new} FROM (SELECT NEW.*) AS one;\n    RETURN NEW;\nEND\n$keep$;\n\
         CREATE TRIGGER {trigger} BEFORE INSERT OR UPDATE ON {table_text} FOR EACH ROW EXECUTE FUNCTION {keep}();\n\
         {NEXT}{fill}{NEXT}-- Constraints, defaults and indexes of {column} are made on {new} first.\nDROP TRIGGER \
         {trigger} ON {table_text};\nDROP FUNCTION {keep}();\nALTER TABLE {table_text} DROP COLUMN {column};\nALTER TABLE \
         {table_text} RENAME COLUMN {new} TO {column};\n"
    )
}

/// As PostgreSQL names a constraint: table, columns, kind; 63 bytes at most.
fn constraint_name(table: &Name, columns: &[String], suffix: &str) -> String {
    let mut stem = table.last().to_owned();
    for column in columns {
        stem.push('_');
        stem.push_str(column);
    }
    stem.truncate(stem.floor_char_boundary(62 - suffix.len()));
    format!("{stem}_{suffix}")
}

/// The columns of `FOREIGN KEY (a, b) …`.
fn columns_of(constraint: &str, suffix: &str) -> Vec<String> {
    if suffix != "fkey" {
        return Vec::new();
    }
    let inside = constraint.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    inside.map(|(columns, _)| plain_columns(columns)).unwrap_or_default()
}

/// Column names out of a list in parentheses or without, where they are plain; nothing where one is not.
fn plain_columns(list: &str) -> Vec<String> {
    let list = list.trim().trim_start_matches('(').trim_end_matches(')');
    let names = list.split(',').map(|name| name.trim().trim_matches('"').to_owned());
    let names: Vec<_> = names.collect();
    let plain =
        |name: &String| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
    if names.iter().all(plain) { names } else { Vec::new() }
}
