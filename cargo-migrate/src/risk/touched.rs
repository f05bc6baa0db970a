//! Which tables that are there scripts change or destroy, as far as their text shows it: what a backup before them has to
//! have.

use migrate_core::Script;
use migrate_runtime::rehearsal::LockMode;
use squawk_syntax::SourceFile;
use squawk_syntax::ast::{self, AstNode};

use super::form;
use super::known::Known;
use super::name::Name;

/// What scripts change or destroy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Tables and sequences, as the scripts name them.
    pub(crate) tables: Vec<String>,
    /// Tables that are emptied together with all that refer to them.
    pub(crate) emptied: Vec<String>,
    /// Schemas that go with all that is in them; without quotes.
    pub(crate) schemas: Vec<String>,
    /// Statements whose text does not show what they change.
    pub(crate) unseen: Vec<Unseen>,
}

/// A statement whose text does not show what it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unseen {
    /// The migration's stem.
    pub(crate) migration: String,
    /// What it is: `` a `DO` block ``.
    pub(crate) what: String,
}

/// Functions of the server's own that change no table.
const HARMLESS: [&str; 12] = [
    "setval",
    "nextval",
    "currval",
    "set_config",
    "current_setting",
    "count",
    "max",
    "min",
    "coalesce",
    "now",
    "greatest",
    "pg_get_serial_sequence",
];

impl Touched {
    /// Adds what a script of a migration touches.
    pub(crate) fn add(&mut self, migration: &str, script: &Script) {
        for statement in script.statements.iter() {
            self.add_statement(migration, script.sql(statement));
        }
    }

    fn add_statement(&mut self, migration: &str, sql: &str) {
        use ast::Stmt;
        let parsed = SourceFile::parse(sql);
        let mut unseen = |what: &str| {
            self.unseen.push(Unseen { migration: migration.to_owned(), what: what.to_owned() });
        };
        let statement = parsed.tree().stmts().next();
        let Some(statement) = statement.filter(|_| parsed.errors().is_empty()) else {
            return unseen("a statement that is not understood");
        };
        let cascades = statement.syntax().descendants().any(|node| ast::Cascade::cast(node).is_some());
        match &statement {
            Stmt::Do(_) => unseen("a `DO` block"),
            Stmt::Call(_) => unseen("a `CALL`"),
            Stmt::DropOwned(_) => unseen("`DROP OWNED`"),
            Stmt::DropType(_) if cascades => unseen("`DROP TYPE … CASCADE`"),
            Stmt::DropDomain(_) if cascades => unseen("`DROP DOMAIN … CASCADE`"),
            Stmt::DropExtension(_) if cascades => unseen("`DROP EXTENSION … CASCADE`"),
            Stmt::DropSchema(it) if cascades => {
                let names = it.schema_refs().filter_map(|schema| {
                    let text = schema.syntax().text().to_string();
                    let folded = if text.starts_with('"') { text } else { text.to_lowercase() };
                    Name::parse(folded.trim())
                });
                self.schemas.extend(names.map(|name| name.last().to_owned()));
            }
            Stmt::DropSequence(it) => {
                let names = it.sequence_refs().filter_map(|name| Name::of(&name));
                self.tables.extend(names.map(|name| name.to_string()));
            }
            Stmt::Truncate(it) if cascades => {
                let list = it.table_list();
                let tables = list.iter().flat_map(|list| list.table_relation_names());
                self.emptied.extend(tables.filter_map(|table| Name::of(&table)).map(|name| name.to_string()));
            }
            Stmt::AlterTable(it) if it.table_relation_name().is_none() => {
                unseen("`ALTER TABLE ALL IN TABLESPACE`")
            }
            // They change what is derived, or nothing: a backup of the rows is no help there.
            Stmt::CreateIndex(_)
            | Stmt::DropIndex(_)
            | Stmt::AlterIndex(_)
            | Stmt::Reindex(_)
            | Stmt::Vacuum(_)
            | Stmt::Cluster(_)
            | Stmt::Lock(_)
            | Stmt::Refresh(_)
            | Stmt::DropMaterializedView(_)
            | Stmt::DropView(_)
            | Stmt::CreateFunction(_)
            | Stmt::CreateProcedure(_) => {}
            _ => self.add_of(migration, &statement, sql),
        }
    }

    /// What needs the strongest lock, or writes rows; and whatever else is written inside of it.
    fn add_of(&mut self, migration: &str, statement: &ast::Stmt, sql: &str) {
        let changes = |mode: LockMode| {
            matches!(mode, LockMode::AccessExclusive | LockMode::Exclusive | LockMode::RowExclusive)
        };
        let effects = form::of(sql, &Known::default()).effects;
        let tables =
            effects.into_iter().filter(|effect| changes(effect.mode)).filter_map(|effect| effect.table);
        let mut names: Vec<_> = tables.collect();
        for node in statement.syntax().descendants() {
            names.extend(
                ast::Insert::cast(node.clone())
                    .and_then(|it| it.relation_name_ref().as_ref().and_then(Name::of)),
            );
            names.extend(
                ast::Update::cast(node.clone()).and_then(|it| it.relation_name().as_ref().and_then(Name::of)),
            );
            names.extend(
                ast::Delete::cast(node.clone()).and_then(|it| it.relation_name().as_ref().and_then(Name::of)),
            );
            names.extend(
                ast::Merge::cast(node).and_then(|it| it.table_relation_name().as_ref().and_then(Name::of)),
            );
        }
        for name in names.into_iter().map(|name| name.to_string()) {
            if !self.tables.contains(&name) {
                self.tables.push(name);
            }
        }
        // Only where the call is the point of it: a query that is sent for what its function does.
        if matches!(statement, ast::Stmt::Select(_) | ast::Stmt::CompoundSelect(_)) {
            let calls = statement.syntax().descendants().filter_map(ast::CallExpr::cast);
            let names = calls.map(|call| {
                let text = call.syntax().text().to_string();
                text.split('(').next().unwrap_or_default().trim().to_ascii_lowercase()
            });
            let mut foreign = names.filter(|name| {
                let own = name.strip_prefix("pg_catalog.").unwrap_or(name);
                !own.is_empty() && !HARMLESS.contains(&own)
            });
            if let Some(name) = foreign.next() {
                let what = format!("a query that calls the function {name}");
                self.unseen.push(Unseen { migration: migration.to_owned(), what });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(sql: &str) -> String {
        let mut touched = Touched::default();
        touched.add("0001_a", &Script::parse("0001_a.up.sql", sql.to_owned()).unwrap());
        let mut parts = vec![touched.tables.join(" ")];
        parts.extend(touched.emptied.iter().map(|name| format!("emptied:{name}")));
        parts.extend(touched.schemas.iter().map(|name| format!("schema:{name}")));
        parts.extend(touched.unseen.iter().map(|unseen| format!("unseen:{}", unseen.what)));
        parts.retain(|part| !part.is_empty());
        parts.join(" ")
    }

    #[test]
    fn what_changes_or_destroys_is_named() {
        for (sql, expected) in [
            ("ALTER TABLE app.orders DROP COLUMN total", "app.orders"),
            ("ALTER TABLE orders ADD COLUMN x int; UPDATE orders SET x = 1", "orders"),
            ("DROP TABLE a, \"B\"", "a \"B\""),
            ("DELETE FROM a WHERE x = 1", "a"),
            ("INSERT INTO a SELECT * FROM b", "a"),
            ("WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone", "b a"),
            ("WITH gone AS (DELETE FROM a RETURNING *) SELECT * FROM gone", "a"),
            ("TRUNCATE a, b", "a b"),
            ("TRUNCATE a CASCADE", "emptied:a"),
            ("DROP SCHEMA \"Old\" CASCADE", "schema:Old"),
            ("DROP SCHEMA IF EXISTS One, two CASCADE;", "schema:one schema:two"),
            ("DROP SEQUENCE s", "s"),
            ("CREATE TABLE a (id int); CREATE INDEX ON b (id)", ""),
            ("CREATE INDEX CONCURRENTLY i ON b (id)", ""),
            ("SELECT pg_catalog.setval('s', 1)", ""),
            ("ALTER TABLE a VALIDATE CONSTRAINT c", ""),
            ("CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM a'", ""),
        ] {
            assert_eq!(touched(sql), expected, "{sql}");
        }
    }

    #[test]
    fn what_the_text_does_not_show_is_said() {
        for (sql, expected) in [
            ("DO $$ BEGIN DELETE FROM a; END $$", "unseen:a `DO` block"),
            ("CALL move_rows()", "unseen:a `CALL`"),
            ("SELECT app.move_rows(1)", "unseen:a query that calls the function app.move_rows"),
            ("DROP OWNED BY alice", "unseen:`DROP OWNED`"),
            ("DROP TYPE mood CASCADE", "unseen:`DROP TYPE … CASCADE`"),
        ] {
            assert_eq!(touched(sql), expected, "{sql}");
        }
    }
}
