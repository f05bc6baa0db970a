//! What a script does that may destroy data, as far as its text shows it.

use migrate_core::Script;
use migrate_core::sql::LineColumn;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxNode};

/// A statement, and what of it may destroy data. Names are as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Act {
    /// Of its statement, from 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What may destroy data, or changes what later statements mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `DROP …`.
    Drop { class: Class, name: String, cascade: bool, if_exists: bool },
    /// `TRUNCATE`.
    Truncate { table: String, cascade: bool },
    /// `DELETE`: how it names its rows.
    Delete(Rows),
    /// `UPDATE`: the same, and what is set.
    Update { rows: Rows, columns: Vec<String> },
    /// `ALTER TABLE … DROP COLUMN`.
    DropColumn { table: String, column: String, cascade: bool, if_exists: bool },
    /// `ALTER TABLE … ALTER COLUMN … TYPE`; the value that it gets.
    ChangeType { table: String, column: String, data_type: String, value: String },
    /// `ALTER TYPE … DROP ATTRIBUTE`.
    DropAttribute { data_type: String, attribute: String },
    /// A table is called otherwise from here on.
    Rename { from: String, to: String },
    /// So is a column.
    RenameColumn { table: String, from: String, to: String },
    /// A table that was not there before.
    Create { name: String },
    /// A column that was not.
    AddColumn { table: String, column: String },
    /// From here on names without a schema are found elsewhere: the statement.
    SearchPath(String),
    /// What it does, its text does not show: what it is.
    Unseen(String),
}

/// What is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Relation,
    Schema,
    Type,
    Extension,
    Function,
}

/// The rows that a statement names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) table: String,
    /// The SQL that counts them; `None` where a cursor says which.
    pub(super) count: Option<String>,
    /// All of them.
    pub(super) all: bool,
}

/// Functions that destroy nothing, which downs call: what any other one does, a SELECT does not show.
const HARMLESS: [&str; 9] = [
    "setval",
    "nextval",
    "currval",
    "set_config",
    "current_setting",
    "count",
    "now",
    "pg_notify",
    "coalesce",
];

/// Reads a script.
pub(super) fn read(script: &Script) -> Vec<Act> {
    let mut acts = Vec::new();
    for statement in script.statements.iter() {
        let line = LineColumn::of(&script.text, statement.start).line;
        let tree = SourceFile::parse(script.sql(statement)).tree();
        for statement in tree.stmts() {
            acts.extend(of_statement(&statement).into_iter().map(|kind| Act { line, kind }));
        }
    }
    acts
}

fn of_statement(statement: &ast::Stmt) -> Vec<Kind> {
    use ast::Stmt;
    let node = statement.syntax();
    let drop = |class, names: Vec<String>| {
        let (cascade, if_exists) = (cascades(node), has::<ast::IfExists>(node));
        names.into_iter().map(|name| Kind::Drop { class, name, cascade, if_exists }).collect()
    };
    match statement {
        Stmt::DropTable(it) => drop(Class::Relation, texts(it.table_name_refs())),
        Stmt::DropForeignTable(_) => Vec::new(),
        Stmt::DropView(it) => drop(Class::Relation, texts(it.view_refs())),
        Stmt::DropMaterializedView(it) => drop(Class::Relation, texts(it.view_refs())),
        Stmt::DropSequence(it) => drop(Class::Relation, texts(it.sequence_refs())),
        Stmt::DropSchema(it) => drop(Class::Schema, texts(it.schema_refs())),
        Stmt::DropType(it) => drop(Class::Type, texts(it.type_name_refs())),
        Stmt::DropDomain(it) => drop(Class::Type, texts(it.domain_refs())),
        Stmt::DropExtension(it) => drop(Class::Extension, texts(it.extension_refs())),
        Stmt::DropFunction(it) => drop(
            Class::Function,
            it.function_sig_list().map(|list| texts(list.function_sigs())).unwrap_or_default(),
        ),
        Stmt::Truncate(it) => {
            let tables = it.table_list();
            let names = tables.iter().flat_map(|list| list.table_relation_names());
            let names = names.filter_map(|name| name.table_name_ref());
            names.map(|name| Kind::Truncate { table: text(name.syntax()), cascade: cascades(node) }).collect()
        }
        Stmt::Delete(it) => {
            let using = it.using_clause().map(|using| after(using.syntax(), "USING"));
            let narrowed = it.where_clause_or_current_of();
            of_rows(it.relation_name(), it.alias(), using, narrowed, it.with_clause())
                .into_iter()
                .map(Kind::Delete)
                .collect()
        }
        Stmt::Update(it) => {
            let from = it.from_clause().map(|from| after(from.syntax(), "FROM"));
            let narrowed = it.where_clause_or_current_of();
            let rows = of_rows(it.relation_name(), it.alias(), from, narrowed, it.with_clause());
            let columns = it.set_clause().map(|set| columns(set.syntax())).unwrap_or_default();
            rows.into_iter().map(|rows| Kind::Update { rows, columns: columns.clone() }).collect()
        }
        Stmt::AlterTable(it) => {
            let table = it.table_relation_name().and_then(|name| name.table_name_ref());
            let Some(table) = table.map(|name| text(name.syntax())) else { return Vec::new() };
            it.actions().filter_map(|action| of_action(&table, &action)).collect()
        }
        Stmt::AlterType(it) => {
            let data_type = it.type_name_ref().map(|name| text(name.syntax())).unwrap_or_default();
            let dropped = node.descendants().filter_map(ast::DropAttribute::cast);
            let attributes = dropped.filter_map(|drop| drop.composite_field_ref());
            attributes
                .map(|attribute| Kind::DropAttribute {
                    data_type: data_type.clone(),
                    attribute: text(attribute.syntax()),
                })
                .collect()
        }
        Stmt::CreateTable(it) => {
            it.table_name().map(|name| Kind::Create { name: text(name.syntax()) }).into_iter().collect()
        }
        Stmt::CreateTableAs(it) => {
            it.table_name().map(|name| Kind::Create { name: text(name.syntax()) }).into_iter().collect()
        }
        Stmt::Set(_) if node.text().to_string().to_ascii_lowercase().contains("search_path") => {
            vec![Kind::SearchPath(text(node))]
        }
        Stmt::Do(_) => vec![Kind::Unseen("a DO block".to_owned())],
        Stmt::Call(_) => vec![Kind::Unseen("a procedure is called".to_owned())],
        Stmt::Execute(_) => vec![Kind::Unseen("a prepared statement is executed".to_owned())],
        Stmt::Merge(_) => vec![Kind::Unseen("a MERGE".to_owned())],
        Stmt::DropOwned(_) => vec![Kind::Unseen("DROP OWNED".to_owned())],
        Stmt::DropDatabase(_) => vec![Kind::Unseen("DROP DATABASE".to_owned())],
        Stmt::Select(_) | Stmt::SelectInto(_) => {
            called(node).map(|name| Kind::Unseen(format!("{name}() is called"))).collect()
        }
        Stmt::Insert(_) if node.text().to_string().to_ascii_lowercase().contains("do update") => {
            vec![Kind::Unseen("an INSERT overwrites rows where they conflict".to_owned())]
        }
        _ => Vec::new(),
    }
}

fn of_action(table: &str, action: &ast::AlterTableAction) -> Option<Kind> {
    use ast::AlterTableAction as Action;
    let table = table.to_owned();
    match action {
        Action::DropColumn(it) => Some(Kind::DropColumn {
            table,
            column: text(it.column_name_ref()?.syntax()),
            cascade: cascades(it.syntax()),
            if_exists: has::<ast::IfExists>(it.syntax()),
        }),
        Action::AlterColumn(it) => match it.option()? {
            ast::AlterColumnOption::SetType(set) => {
                let column = text(it.column_name_ref()?.syntax());
                let using = set.using_expr().and_then(|using| using.expr()).map(|expr| text(expr.syntax()));
                let data_type = text(set.ty()?.syntax());
                Some(Kind::ChangeType {
                    table,
                    value: using.unwrap_or_else(|| column.clone()),
                    column,
                    data_type,
                })
            }
            _ => None,
        },
        Action::TableRenameTo(it) => Some(Kind::Rename { from: table, to: text(it.table_name()?.syntax()) }),
        Action::SetSchema(it) => {
            let name = table.rsplit('.').next().unwrap_or(&table).to_owned();
            Some(Kind::Rename { to: format!("{}.{name}", text(it.schema_ref()?.syntax())), from: table })
        }
        Action::RenameColumn(it) => Some(Kind::RenameColumn {
            table,
            from: text(it.column_name_ref()?.syntax()),
            to: text(it.column_name()?.syntax()),
        }),
        Action::AddColumn(it) => Some(Kind::AddColumn { table, column: text(it.column_name()?.syntax()) }),
        _ => None,
    }
}

/// A DELETE or an UPDATE as the query that counts its rows. What else is named beside the table (USING, FROM) makes rows of
/// the table appear more than once: EXISTS counts each once.
fn of_rows(
    relation: Option<ast::RelationName>,
    alias: Option<ast::OptionalAsAlias>,
    beside: Option<String>,
    narrowed: Option<ast::WhereClauseOrCurrentOf>,
    with: Option<ast::WithClause>,
) -> Option<Rows> {
    let relation = relation?;
    let table = text(relation.relation_name_ref()?.syntax());
    let source = format!(
        "{} {}",
        text(relation.syntax()),
        alias.map(|alias| text(alias.syntax())).unwrap_or_default()
    );
    let with = with.map(|with| text(with.syntax())).unwrap_or_default();
    let all = narrowed.is_none() && beside.is_none();
    let condition = match narrowed {
        None => Some("true".to_owned()),
        Some(ast::WhereClauseOrCurrentOf::WhereClause(clause)) => {
            clause.expr().map(|expr| text(expr.syntax()))
        }
        Some(ast::WhereClauseOrCurrentOf::WhereCurrentOf(_)) => None,
    };
    let count = condition.map(|condition| match beside {
        Some(beside) => {
            format!(
                "{with} SELECT count(*) FROM {source} WHERE EXISTS (SELECT FROM {beside} WHERE {condition})"
            )
        }
        None => format!("{with} SELECT count(*) FROM {source} WHERE {condition}"),
    });
    Some(Rows { table, count, all })
}

/// The columns that a SET clause names.
fn columns(set: &SyntaxNode) -> Vec<String> {
    let targets = set.descendants().filter_map(ast::SetColumn::cast);
    targets.filter_map(|target| target.syntax().children().next()).map(|target| text(&target)).collect()
}

/// Functions that a query calls, without those that destroy nothing.
fn called(node: &SyntaxNode) -> impl Iterator<Item = String> {
    let calls = node.descendants().filter_map(ast::CallExpr::cast);
    let names = calls.filter_map(|call| call.expr()).map(|name| text(name.syntax()));
    names.filter(|name| {
        let last = name.rsplit('.').next().unwrap_or(name).to_ascii_lowercase();
        !HARMLESS.contains(&last.as_str())
    })
}

fn cascades(node: &SyntaxNode) -> bool {
    has::<ast::Cascade>(node)
}

fn has<T: AstNode>(node: &SyntaxNode) -> bool {
    node.descendants().any(|node| T::can_cast(node.kind()))
}

fn texts<T: AstNode>(nodes: impl Iterator<Item = T>) -> Vec<String> {
    nodes.map(|node| text(node.syntax())).collect()
}

/// What stands behind a clause's first word.
fn after(node: &SyntaxNode, word: &str) -> String {
    let text = text(node);
    text.get(word.len()..).unwrap_or_default().trim().to_owned()
}

fn text(node: &SyntaxNode) -> String {
    node.text().to_string().trim().trim_end_matches(';').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts(sql: &str) -> Vec<Kind> {
        read(&Script::parse("1.down.sql", sql.to_owned()).unwrap()).into_iter().map(|act| act.kind).collect()
    }

    #[test]
    fn what_destroys_is_seen_and_what_hides_it_is_told() {
        insta::assert_debug_snapshot!(acts(
            "DROP TABLE IF EXISTS a, app.\"B\" CASCADE;\n\
             TRUNCATE ONLY a, b RESTART IDENTITY;\n\
             ALTER TABLE a DROP COLUMN x, DROP IF EXISTS y CASCADE, ALTER z TYPE int USING z::int, RENAME TO b;\n\
             DELETE FROM a AS o USING c WHERE o.id = c.id;\n\
             UPDATE a SET x = 1, (y, z) = (2, 3) WHERE x > 0;\n\
             DROP SCHEMA s CASCADE; DROP TYPE t; DROP EXTENSION e; DROP FUNCTION f(int) CASCADE;\n\
             SET LOCAL search_path = app; DO $$ BEGIN END $$; CALL p(); SELECT setval('s', 1); SELECT wipe(1);\n\
             ALTER TYPE t DROP ATTRIBUTE x; CREATE TABLE n AS SELECT 1; ALTER TABLE a ADD COLUMN q int;\n\
             ALTER TABLE a RENAME COLUMN x TO w; INSERT INTO a VALUES (1); CREATE INDEX ON a (x); DROP INDEX i"
        ));
    }
}
