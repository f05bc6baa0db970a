//! The forms of statements, and what each does to which table, after the manual's pages ("Explicit Locking", `ALTER
//! TABLE`) and `AlterTableGetLockLevel` of `tablecmds.c`. A test holds the table against what a server does.

mod add_column;
mod alter_column;
mod alter_table;
mod constraint;
mod create;
mod drop;
mod index;
mod rows;
mod volatile;

use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SourceFile, SyntaxNode};

use super::effect::{Effect, Work};
use super::known::Known;
use super::name::Name;

/// What one statement does, as far as its text shows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    /// What it does to tables.
    pub(super) effects: Vec<Effect>,
    /// What is known after it.
    pub(super) facts: Vec<Fact>,
}

/// What is known after a statement, for those that come later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    /// A table, an index or a materialised view was made.
    Created(Name),
    /// An index is on a table.
    IndexOn { index: Name, table: Name },
    /// A foreign key refers to a table.
    Refers { table: Name, to: Name },
    /// A CHECK says that a column is not null; only a valid one spares `SET NOT NULL` its scan.
    NotNullCheck { table: Name, column: String, constraint: String, valid: bool },
    /// A constraint was validated.
    Validated { table: Name, constraint: String },
    /// A constraint is gone.
    Dropped { table: Name, constraint: String },
}

/// One statement, without its semicolon.
pub(super) fn of(sql: &str, known: &Known) -> Form {
    let tree = SourceFile::parse(sql).tree();
    tree.stmts().next().map(|statement| of_statement(&statement, known)).unwrap_or_default()
}

fn of_statement(statement: &ast::Stmt, known: &Known) -> Form {
    use LockMode::{AccessExclusive, RowExclusive, Share, ShareRowExclusive, ShareUpdateExclusive};
    use ast::Stmt;
    let one = |node: Option<Name>, mode, form: &'static str| vec![Effect::new(node, mode, form)];
    let effects = match statement {
        Stmt::AlterTable(it) => return alter_table::of(it, known),
        Stmt::CreateTable(it) => return create::table(it),
        Stmt::CreateTableAs(it) => return create::from_query(it.table_name().as_ref()),
        Stmt::CreateMaterializedView(it) => return create::from_query(it.view().as_ref()),
        Stmt::CreateIndex(it) => return index::create(it),
        Stmt::DropIndex(it) => index::drop(it, known),
        Stmt::Reindex(it) => index::reindex(it),
        Stmt::AlterIndex(it) => index::alter(it, known),
        Stmt::DropTable(it) => drop::table(it, known),
        Stmt::DropSchema(_)
        | Stmt::DropDatabase(_)
        | Stmt::DropType(_)
        | Stmt::DropDomain(_)
        | Stmt::DropExtension(_)
        | Stmt::DropOwned(_)
        | Stmt::DropView(_)
        | Stmt::DropMaterializedView(_)
        | Stmt::DropSequence(_) => drop::other(statement),
        Stmt::Truncate(it) => rows::truncate(it),
        Stmt::Delete(it) => rows::delete(it),
        Stmt::Update(it) => rows::update(it),
        Stmt::Refresh(it) => rows::refresh(it),
        Stmt::Insert(it) => one(it.relation_name_ref().as_ref().and_then(Name::of), RowExclusive, "`INSERT`"),
        Stmt::Merge(it) => one(it.table_relation_name().as_ref().and_then(Name::of), RowExclusive, "`MERGE`"),
        Stmt::Cluster(it) => rewrite(Name::of(it), "`CLUSTER`"),
        Stmt::Vacuum(it) => vacuum(it),
        Stmt::Lock(it) => lock(it),
        Stmt::CreateTrigger(it) => {
            one(it.on_relation().as_ref().and_then(Name::of), ShareRowExclusive, "`CREATE TRIGGER`")
        }
        Stmt::AlterTrigger(it) => {
            one(it.on_relation().as_ref().and_then(Name::of), AccessExclusive, "`ALTER TRIGGER`")
        }
        Stmt::DropTrigger(it) => {
            one(it.on_relation().as_ref().and_then(Name::of), AccessExclusive, "`DROP TRIGGER`")
        }
        Stmt::CreateRule(it) => {
            let table = it.rule_on().and_then(|on| on.relation_name_ref()).as_ref().and_then(Name::of);
            one(table, AccessExclusive, "`CREATE RULE`")
        }
        Stmt::DropRule(it) => {
            one(it.on_relation().as_ref().and_then(Name::of), AccessExclusive, "`DROP RULE`")
        }
        Stmt::CreatePolicy(it) => {
            one(it.on_table().as_ref().and_then(Name::of), AccessExclusive, "`CREATE POLICY`")
        }
        Stmt::AlterPolicy(it) => {
            one(it.on_table().as_ref().and_then(Name::of), AccessExclusive, "`ALTER POLICY`")
        }
        Stmt::DropPolicy(it) => {
            one(it.on_table().as_ref().and_then(Name::of), AccessExclusive, "`DROP POLICY`")
        }
        Stmt::CreateStatistics(it) => {
            one(it.from_table().as_ref().and_then(Name::of), ShareUpdateExclusive, "`CREATE STATISTICS`")
        }
        Stmt::CommentOn(it) => match it.comment_object() {
            Some(ast::CommentObject::ObjectTable(table)) => {
                one(Name::of(&table), ShareUpdateExclusive, "`COMMENT ON TABLE`")
            }
            _ => Vec::new(),
        },
        // A valid constraint of a domain is checked in every table that has a column of it.
        Stmt::AlterDomain(it) => match it.action() {
            Some(ast::AlterDomainAction::AddConstraint(add))
                if !add.constraint().is_some_and(|constraint| constraint.is_not_valid()) =>
            {
                vec![
                    Effect::new(None, Share, "`ALTER DOMAIN … ADD CONSTRAINT`")
                        .work(Work::Scan)
                        .remark("every table with a column of this domain is read"),
                ]
            }
            Some(ast::AlterDomainAction::SetNotNull(_)) => {
                vec![
                    Effect::new(None, Share, "`ALTER DOMAIN … SET NOT NULL`")
                        .work(Work::Scan)
                        .remark("every table with a column of this domain is read"),
                ]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    };
    Form { effects, facts: Vec::new() }
}

fn rewrite(table: Option<Name>, form: &'static str) -> Vec<Effect> {
    vec![Effect::new(table, LockMode::AccessExclusive, form).work(Work::Rewrite)]
}

fn vacuum(vacuum: &ast::Vacuum) -> Vec<Effect> {
    let options =
        vacuum.vacuum_option_list().map(|list| list.syntax().text().to_string().to_ascii_lowercase());
    let full = vacuum.full_token().is_some()
        || options.is_some_and(|options| {
            options.split(|c: char| !c.is_ascii_alphabetic()).any(|word| word == "full")
        });
    let tables = vacuum.table_and_columns_list();
    let tables: Vec<_> = match &tables {
        Some(list) => list.table_and_columnss().map(|table| Name::of(&table)).collect(),
        None => vec![None],
    };
    tables
        .into_iter()
        .flat_map(|table| match full {
            true => rewrite(table, "`VACUUM FULL`"),
            false => vec![Effect::new(table, LockMode::ShareUpdateExclusive, "`VACUUM`").work(Work::Scan)],
        })
        .collect()
}

fn lock(lock: &ast::Lock) -> Vec<Effect> {
    let mode = lock.lock_mode_clause().map(|clause| clause.syntax().text().to_string());
    let mode = mode.and_then(|text| {
        let words: Vec<_> = text.split_whitespace().map(str::to_ascii_uppercase).collect();
        let name = words.strip_prefix(&["IN".to_owned()])?.strip_suffix(&["MODE".to_owned()])?.join(" ");
        LockMode::ALL.into_iter().find(|mode| mode.name() == name)
    });
    let mode = mode.unwrap_or(LockMode::AccessExclusive);
    let relations = lock.relation_list();
    let relations = relations.iter().flat_map(|list| list.relation_names());
    relations
        .map(|relation| {
            Effect::new(Name::of(&relation), mode, "`LOCK TABLE`").remark("the lock is held until the commit")
        })
        .collect()
}

/// What a node says, as it is written, without what stands around it.
fn text(node: &SyntaxNode) -> String {
    node.text().to_string().trim().to_owned()
}
