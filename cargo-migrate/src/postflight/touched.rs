//! The tables that the last run wrote to, as far as the texts of its migrations show it.

use migrate_core::Script;
use squawk_syntax::SourceFile;
use squawk_syntax::ast;

use super::LastRun;
use crate::risk::Name;

/// The tables that a run wrote to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    tables: Vec<Name>,
    /// Why any table may be one of them: nobody knows what ran, or code ran whose effect its text does not show.
    pub(crate) unseen: Option<String>,
}

impl Touched {
    /// By the last run; any table where it is not known.
    pub(crate) fn by(last_run: Option<&LastRun>) -> Self {
        let mut touched = Self::default();
        let Some(last_run) = last_run else {
            touched.unseen = Some("the audit log does not say what the last run did".to_owned());
            return touched;
        };
        for applied in &last_run.migrations {
            match applied.script() {
                Some(script) => touched.read(&applied.version, &script),
                None => touched.unseen = Some(format!("the text of {} is not recorded", applied.version)),
            }
        }
        touched
    }

    fn read(&mut self, stem: &str, script: &Script) {
        use ast::Stmt;
        for statement in script.statements.iter() {
            let tree = SourceFile::parse(script.sql(statement)).tree();
            for statement in tree.stmts() {
                let table = match &statement {
                    Stmt::Update(it) => it.relation_name().as_ref().and_then(Name::of),
                    Stmt::Delete(it) => it.relation_name().as_ref().and_then(Name::of),
                    Stmt::AlterTable(it) => it.table_relation_name().as_ref().and_then(Name::of),
                    Stmt::Insert(it) => Name::of(it),
                    Stmt::Merge(it) => Name::of(it),
                    Stmt::Copy(it) => Name::of(it),
                    Stmt::Refresh(it) => it.view_ref().as_ref().and_then(Name::of),
                    Stmt::Do(_) | Stmt::Call(_) | Stmt::Select(_) | Stmt::Execute(_) => {
                        self.unseen =
                            Some(format!("{stem} runs code whose text does not show what it writes to"));
                        None
                    }
                    _ => None,
                };
                self.tables.extend(table);
            }
        }
    }

    /// Whether a table, by its qualified name as SQL writes it, may be one of them.
    pub(crate) fn has(&self, table: &str) -> bool {
        self.unseen.is_some()
            || Name::parse(table).is_some_and(|table| self.tables.iter().any(|name| name.fits(&table)))
    }
}
