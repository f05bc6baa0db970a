//! The privileges that statements need, as far as their text shows it, after the "Privileges" and "Notes" of their pages
//! in PostgreSQL's manual. What a migration makes is its own.

use migrate_core::Direction;
use migrate_core::sql::LineColumn;
use migrate_runtime::Error as EngineError;
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::privilege;
use crate::inspection::Situation;
use crate::lint::tree::{all, find, name};
use crate::lint::{Effect, Object, Source, Tolerant, effects};

/// What a need is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Database,
    Schema,
    /// A table, a view, a sequence, an index.
    Relation,
    Type,
    Function,
    Extension,
    /// An attribute of the role: `CREATEROLE`, `SUPERUSER`.
    Attribute,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Schema => "schema",
            Self::Relation => "relation",
            Self::Type => "type",
            Self::Function => "function",
            Self::Extension => "extension",
            Self::Attribute => "attribute",
        }
    }
}

/// One privilege that a statement needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) kind: Kind,
    pub(super) schema: Option<String>,
    pub(super) name: String,
    /// As GRANT writes it, or `OWNER`, or `DROP`: to own it or its schema.
    pub(super) privilege: &'static str,
    /// The first statement that needs it: file and line, or what of ours does.
    pub(super) place: String,
}

/// What pending migrations need.
#[derive(Debug, Default)]
pub(super) struct Needs {
    pub(super) all: Vec<Need>,
    /// The statements of which it cannot be known.
    pub(super) unknown: Vec<String>,
    /// What the migrations make: it will be theirs.
    made: Vec<(Option<String>, String)>,
}

impl Needs {
    pub(super) fn of(situation: &Situation<'_>) -> Result<Self, EngineError> {
        let mut needs = Self::default();
        let pending = situation.pending.migrations();
        if pending.is_empty() {
            return Ok(needs);
        }
        needs.history(situation);
        // Where a name without a schema is made: in the first schema of the path that is not the system's.
        let home = situation.path.iter().find(|schema| !schema.starts_with("pg_")).cloned();
        let book = &situation.touched()?.book;
        for migration in pending {
            let script = &migration.up;
            for parsed in &Source::parse(script, Direction::Up).statements {
                let line = LineColumn::of(&script.text, parsed.statement.start).line;
                let place = format!("{}:{line}", script.file);
                match &parsed.node {
                    Some(node) => needs.statement(node, home.as_deref(), &place),
                    None => needs.unknown.push(place),
                }
            }
            for (schema, name) in book.refers(&migration.stem, Direction::Up) {
                let place = script.file.to_string();
                needs.relation(schema.as_deref(), &name, "REFERENCES", &place);
            }
        }
        Ok(needs)
    }

    /// Our own tables.
    fn history(&mut self, situation: &Situation<'_>) {
        let history = &situation.settings.history_table.value;
        let place = "the history";
        if situation.status.as_ref().is_ok_and(|status| status.history_exists) {
            for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
                self.relation(Some(&history.schema), &history.name, privilege, place);
            }
            for privilege in ["SELECT", "INSERT"] {
                self.relation(Some(&history.schema), &history.log_name(), privilege, place);
            }
        } else {
            self.push(Kind::Schema, None, &history.schema, "CREATE", place);
        }
    }

    fn statement(&mut self, node: &SyntaxNode, home: Option<&str>, place: &str) {
        if let Some(wanted) = privilege::of_other(node) {
            for (table, need) in wanted {
                self.relation(table.schema.as_deref(), &table.name, need, place);
            }
            return;
        }
        for merge in all(node, SyntaxKind::MERGE) {
            let Some(table) = find(&merge, SyntaxKind::TABLE_RELATION_NAME).map(|table| name(&table)) else {
                self.unknown.push(place.to_owned());
                continue;
            };
            for need in privilege::of_merge(&merge) {
                self.relation(table.schema.as_deref(), &table.name, need, place);
            }
        }
        for effect in &effects(node) {
            match effect {
                Effect::Create { object, tolerant } => self.create(object, *tolerant, home, place),
                Effect::Drop { object, .. } => self.own(object, "DROP", place),
                Effect::Rename { object, to } => {
                    self.own(object, "OWNER", place);
                    if object.on.is_none() {
                        let schema = object.name.as_ref().and_then(|name| name.schema.clone());
                        self.made.push((to.schema.clone().or(schema), to.name.clone()));
                    }
                }
                Effect::Alter { object } => self.own(object, "OWNER", place),
                Effect::Rows { verb, table } => {
                    let privilege = match *verb {
                        "COPY" => "INSERT",
                        // Its actions decide.
                        "MERGE" => continue,
                        verb => verb,
                    };
                    self.relation(table.schema.as_deref(), &table.name, privilege, place);
                }
                Effect::Unknown | Effect::Other => self.unknown.push(place.to_owned()),
                Effect::Nothing => {}
            }
        }
    }

    fn create(&mut self, object: &Object, tolerant: Tolerant, home: Option<&str>, place: &str) {
        let name = object.name.as_ref();
        let schema = name.and_then(|name| name.schema.as_deref());
        match (object.kind.as_str(), &object.on) {
            _ if tolerant == Tolerant::Temporary => {
                self.push(Kind::Database, None, "", "TEMP", place);
                self.made.extend(name.map(|name| (None, name.name.clone())));
            }
            ("TRIGGER", Some(table)) => self.relation(table.schema.as_deref(), &table.name, "TRIGGER", place),
            (_, Some(table)) => self.relation(table.schema.as_deref(), &table.name, "OWNER", place),
            ("SCHEMA" | "PUBLICATION", _) => {
                self.push(Kind::Database, None, "", "CREATE", place);
                if object.kind == "SCHEMA" {
                    self.made.extend(name.map(|name| (None, format!("schema {}", name.name))));
                }
            }
            ("EXTENSION", _) => {
                if let Some(name) = name {
                    self.push(Kind::Extension, None, &name.name, "CREATE", place);
                    // What it makes is not known.
                }
            }
            ("ROLE", _) => self.push(Kind::Attribute, None, "", "CREATEROLE", place),
            (
                "DATABASE"
                | "TABLESPACE"
                | "SUBSCRIPTION"
                | "SERVER"
                | "USER MAPPING"
                | "FOREIGN DATA WRAPPER"
                | "LANGUAGE"
                | "EVENT TRIGGER"
                | "ACCESS METHOD"
                | "CAST"
                | "TRANSFORM"
                | "OPERATOR CLASS"
                | "OPERATOR FAMILY",
                _,
            ) => self.unknown.push(place.to_owned()),
            _ => {
                if let Some(schema) = schema.or(home) {
                    let is_made = self.made.contains(&(None, format!("schema {schema}")));
                    if !is_made {
                        self.push(Kind::Schema, None, schema, "CREATE", place);
                    }
                }
                // One that may be there already is somebody's.
                if tolerant == Tolerant::No {
                    self.made.extend(name.map(|name| (name.schema.clone(), name.name.clone())));
                }
            }
        }
    }

    /// What has to be owned to be changed or dropped.
    fn own(&mut self, object: &Object, privilege: &'static str, place: &str) {
        if let Some(table) = &object.on {
            return self.relation(table.schema.as_deref(), &table.name, "OWNER", place);
        }
        let Some(name) = &object.name else { return };
        let schema = name.schema.as_deref();
        match object.kind.as_str() {
            "TABLE" | "VIEW" | "MATERIALIZED VIEW" | "SEQUENCE" | "INDEX" | "FOREIGN TABLE" => {
                self.relation(schema, &name.name, privilege, place);
            }
            "SCHEMA" => self.push(Kind::Schema, None, &name.name, "OWNER", place),
            "TYPE" | "DOMAIN" if !self.is_made(schema, &name.name) => {
                self.push(Kind::Type, schema, &name.name, "OWNER", place);
            }
            "FUNCTION" if !self.is_made(schema, &name.name) => {
                self.push(Kind::Function, schema, &name.name, "OWNER", place);
            }
            "TYPE" | "DOMAIN" | "FUNCTION" => {}
            "ROLE" => self.push(Kind::Attribute, None, "", "CREATEROLE", place),
            "SYSTEM" => self.push(Kind::Attribute, None, "", "SUPERUSER", place),
            _ => self.unknown.push(place.to_owned()),
        }
    }

    fn relation(&mut self, schema: Option<&str>, name: &str, privilege: &'static str, place: &str) {
        if !self.is_made(schema, name) {
            self.push(Kind::Relation, schema, name, privilege, place);
        }
    }

    fn is_made(&self, schema: Option<&str>, name: &str) -> bool {
        self.made.iter().any(|(space, made)| {
            made == name && (space.is_none() || schema.is_none() || space.as_deref() == schema)
        })
    }

    fn push(&mut self, kind: Kind, schema: Option<&str>, name: &str, privilege: &'static str, place: &str) {
        let is_known = self.all.iter().any(|need| {
            (need.kind, need.schema.as_deref(), need.name.as_str(), need.privilege)
                == (kind, schema, name, privilege)
        });
        if !is_known {
            self.all.push(Need {
                kind,
                schema: schema.map(str::to_owned),
                name: name.to_owned(),
                privilege,
                place: place.to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use squawk_syntax::SourceFile;

    use super::*;

    fn needs(sql: &str) -> Vec<String> {
        let mut needs = Needs::default();
        for node in SourceFile::parse(sql).syntax_node().children() {
            needs.statement(&node, Some("public"), "x");
        }
        let shown = needs.all.iter().map(|need| {
            let schema = need.schema.as_ref().map(|schema| format!("{schema}.")).unwrap_or_default();
            format!("{} {} {schema}{}", need.privilege, need.kind.name(), need.name)
        });
        shown.chain(needs.unknown.iter().map(|_| "?".to_owned())).collect()
    }

    #[test]
    fn what_statements_need() {
        for (sql, wanted) in [
            (
                "CREATE TABLE a (b int); ALTER TABLE a ADD c int; INSERT INTO a VALUES (1); DROP TABLE a;",
                &["CREATE schema public"][..],
            ),
            (
                "CREATE TABLE IF NOT EXISTS s.a (); ALTER TABLE s.a ADD c int;",
                &["CREATE schema s", "OWNER relation s.a"],
            ),
            ("CREATE SCHEMA s; CREATE TABLE s.a ();", &["CREATE database "]),
            ("ALTER TABLE a ADD COLUMN b int, DROP COLUMN c;", &["OWNER relation a"]),
            ("CREATE INDEX i ON s.a (b); DROP INDEX j;", &["OWNER relation s.a", "DROP relation j"]),
            (
                "CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f();",
                &["TRIGGER relation a"],
            ),
            (
                "UPDATE a SET b = 1; DELETE FROM a; TRUNCATE b;",
                &["UPDATE relation a", "DELETE relation a", "TRUNCATE relation b"],
            ),
            ("COPY a FROM '/x';", &["INSERT relation a"]),
            ("CREATE TEMP TABLE a (); INSERT INTO a VALUES (1);", &["TEMP database "]),
            ("CREATE EXTENSION pgcrypto;", &["CREATE extension pgcrypto"]),
            ("CREATE ROLE r;", &["CREATEROLE attribute "]),
            ("ALTER TYPE e ADD VALUE 'x'; DROP FUNCTION f();", &["OWNER type e", "OWNER function f"]),
            ("ALTER TABLE a RENAME TO b; ALTER TABLE b ADD c int;", &["OWNER relation a"]),
            ("DO $$ BEGIN END $$; SELECT 1; SELECT f();", &["?", "?"]),
            (
                "MERGE INTO s.a USING b ON a.id = b.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (1);",
                &["INSERT relation s.a", "DELETE relation s.a", "SELECT relation s.a"],
            ),
            (
                "MERGE INTO a USING b ON false WHEN NOT MATCHED THEN INSERT VALUES (1);",
                &["INSERT relation a"],
            ),
            (
                "MERGE INTO a AS x USING b ON true WHEN MATCHED AND x.c > 1 THEN UPDATE SET c = 2;",
                &["UPDATE relation a", "SELECT relation a"],
            ),
            ("MERGE INTO a USING b ON true WHEN MATCHED THEN DO NOTHING;", &["SELECT relation a"]),
            (
                "GRANT SELECT, INSERT ON s.a TO b;",
                &[
                    "GRANT relation s.a",
                    "SELECT WITH GRANT OPTION relation s.a",
                    "INSERT WITH GRANT OPTION relation s.a",
                ],
            ),
            ("REVOKE ALL ON TABLE a, b FROM c;", &["GRANT relation a", "GRANT relation b"]),
            ("CREATE TABLE a (); GRANT SELECT ON a TO b;", &["CREATE schema public"]),
            ("GRANT SELECT (c) ON a TO b; GRANT USAGE ON SCHEMA s TO b; GRANT a TO b;", &["?", "?", "?"]),
            (
                "COMMENT ON COLUMN s.a.b IS 'x'; COMMENT ON TABLE c IS 'x'; COMMENT ON TYPE t IS 'x';",
                &["OWNER relation s.a", "OWNER relation c", "?"],
            ),
        ] {
            assert_eq!(needs(sql), wanted, "{sql}");
        }
    }
}
