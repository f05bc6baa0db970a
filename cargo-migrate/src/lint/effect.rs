//! What a statement does to the objects that it names: creates, drops, renames, changes rows.

mod alter_table;
mod rows;

use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::tree::{Name, all, find, has, name, plain};

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    /// `TABLE`, `COLUMN`, `FUNCTION` …: as the manual writes it, procedures and aggregates counted as functions.
    pub(crate) kind: String,
    /// The table or view that it belongs to: of a column, a constraint, an index, a trigger, a policy, a rule.
    pub(crate) on: Option<Name>,
    /// `None` where the server chooses it.
    pub(crate) name: Option<Name>,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// `CREATE …`, `ADD COLUMN`, `ADD CONSTRAINT`.
    Create {
        object: Object,
        /// What was there of this name may stay or be replaced.
        tolerant: Tolerant,
    },
    /// `DROP …`, `DROP COLUMN`, `DROP CONSTRAINT`.
    Drop { object: Object, cascade: bool },
    /// `ALTER … RENAME TO`.
    Rename { object: Object, to: Name },
    /// `ALTER …` of any other kind.
    Alter { object: Object },
    /// Rows of a table written, or emptied.
    Rows { verb: &'static str, table: Name },
    /// Calls something that may do anything: `DO`, `CALL`, `SELECT f()`, `EXECUTE`.
    Unknown,
    /// Changes something else: privileges, comments, a view's rows, how a table is stored.
    Other,
    /// Changes nothing that stays: `SELECT 1`, `SET`, transaction control.
    Nothing,
}

/// Whether a `CREATE` minds what is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tolerant {
    No,
    IfNotExists,
    OrReplace,
    /// Gone at the end of the session.
    Temporary,
}

impl Object {
    pub(crate) fn of(kind: &str, name: Name) -> Self {
        Self { kind: kind.to_owned(), on: None, name: Some(name) }
    }

    /// For people: `column orders.note`.
    pub(crate) fn shown(&self) -> String {
        let kind = self.kind.to_lowercase();
        match (self.name.as_ref().map(Name::bare), self.on.as_ref().map(Name::bare)) {
            (Some(name), Some(on)) if matches!(self.kind.as_str(), "COLUMN") => format!("{kind} {on}.{name}"),
            (Some(name), Some(on)) if self.kind != "INDEX" => format!("{kind} {name} on {on}"),
            (Some(name), _) => format!("{kind} {name}"),
            (None, Some(on)) => format!("{kind} without a name on {on}"),
            (None, None) => format!("{kind} without a name"),
        }
    }
}

/// What a statement does, in the order in which it does it.
pub(crate) fn effects(node: &SyntaxNode) -> Vec<Effect> {
    use SyntaxKind as K;
    let text = format!("{:?}", node.kind());
    match node.kind() {
        K::CREATE_SCHEMA => {
            let mut effects = vec![create(node, "SCHEMA")];
            let inner: Vec<_> = node.children().filter(is_create).collect();
            effects.extend(inner.iter().flat_map(self::effects));
            effects
        }
        K::SELECT_INTO => match find(node, K::INTO_CLAUSE) {
            Some(into) => vec![Effect::Create {
                tolerant: match has(&into, K::TEMP) {
                    true => Tolerant::Temporary,
                    false => Tolerant::No,
                },
                object: Object::of("TABLE", name(&into)),
            }],
            None => vec![Effect::Unknown],
        },
        K::ALTER_TABLE | K::ALTER_FOREIGN_TABLE => alter_table::of(node),
        K::INSERT | K::UPDATE | K::DELETE | K::MERGE | K::TRUNCATE | K::COPY => rows::of(node),
        K::SELECT | K::COMPOUND_SELECT | K::PAREN_SELECT | K::VALUES | K::TABLE => {
            let mut effects = rows::of(node);
            if effects.is_empty() {
                effects.push(if all(node, K::CALL_EXPR).any(|call| !is_setting(&call)) {
                    Effect::Unknown
                } else {
                    Effect::Nothing
                });
            }
            effects
        }
        K::SET
        | K::RESET
        | K::SHOW
        | K::SET_ROLE
        | K::RESET_ROLE
        | K::SET_SESSION_AUTH
        | K::RESET_SESSION_AUTH
        | K::SET_CONSTRAINTS
        | K::SET_TRANSACTION
        | K::BEGIN
        | K::COMMIT_TRANSACTION
        | K::ROLLBACK_TRANSACTION
        | K::SAVEPOINT_CREATE
        | K::RELEASE_SAVEPOINT
        | K::EMPTY_STMT
        | K::LOCK => vec![Effect::Nothing],
        _ if text.starts_with("CREATE_") => vec![create(node, &kind_of(&text["CREATE_".len()..]))],
        _ if text.starts_with("DROP_") => drops(node, &kind_of(&text["DROP_".len()..])),
        _ if text.starts_with("ALTER_") => alter(node, &kind_of(&text["ALTER_".len()..])),
        K::DO | K::CALL | K::EXECUTE | K::EXPLAIN => vec![Effect::Unknown],
        _ => vec![Effect::Other],
    }
}

/// A call of `set_config` or `current_setting`.
fn is_setting(call: &SyntaxNode) -> bool {
    let called = call.first_child().map(|called| plain(&called)).unwrap_or_default();
    matches!(called.rsplit('.').next(), Some("set_config" | "current_setting"))
}

fn is_create(node: &SyntaxNode) -> bool {
    format!("{:?}", node.kind()).starts_with("CREATE_")
}

/// The kind of an object from the kind of a node: `MATERIALIZED_VIEW` → `MATERIALIZED VIEW`.
fn kind_of(text: &str) -> String {
    match text {
        "TABLE_AS" | "FOREIGN_TABLE" => "TABLE".to_owned(),
        "PROCEDURE" | "ROUTINE" | "AGGREGATE" => "FUNCTION".to_owned(),
        "USER" | "GROUP" => "ROLE".to_owned(),
        "TEXT_SEARCH_CONFIG" => "TEXT SEARCH CONFIGURATION".to_owned(),
        "TEXT_SEARCH_DICT" => "TEXT SEARCH DICTIONARY".to_owned(),
        other => other.replace('_', " "),
    }
}

/// Parts of a statement that come before its name.
fn comes_first(kind: SyntaxKind) -> bool {
    use SyntaxKind as K;
    matches!(
        kind,
        K::OR_REPLACE | K::TEMP | K::UNLOGGED | K::IF_NOT_EXISTS | K::IF_EXISTS | K::CASCADE | K::RESTRICT
    )
}

fn on(node: &SyntaxNode) -> Option<Name> {
    use SyntaxKind as K;
    let on = [K::ON_RELATION, K::ON_TABLE, K::RULE_ON, K::TABLE_RELATION_NAME];
    let part = node.children().find(|part| on.contains(&part.kind()))?;
    find(&part, K::PATH_REF).map(|path| name(&path))
}

fn create(node: &SyntaxNode, kind: &str) -> Effect {
    use SyntaxKind as K;
    let named = node.children().find(|part| !comes_first(part.kind()));
    let named = named.filter(|part| part.kind() != K::TABLE_RELATION_NAME);
    let name = named.map(|part| name_of(&part));
    let tolerant = if has(node, K::TEMP) {
        Tolerant::Temporary
    } else if has(node, K::IF_NOT_EXISTS) {
        Tolerant::IfNotExists
    } else if has(node, K::OR_REPLACE) {
        Tolerant::OrReplace
    } else {
        Tolerant::No
    };
    Effect::Create { object: Object { kind: kind.to_owned(), on: on(node), name }, tolerant }
}

/// What a part of a statement names: a cast has two types for a name, an operator has a symbol.
fn name_of(part: &SyntaxNode) -> Name {
    match part.kind() {
        SyntaxKind::CAST_SIG | SyntaxKind::OP => Name { schema: None, name: plain(part) },
        _ => name(part),
    }
}

fn drops(node: &SyntaxNode, kind: &str) -> Vec<Effect> {
    use SyntaxKind as K;
    let cascade = has(node, K::CASCADE);
    let parts = node.children().filter(|part| {
        !comes_first(part.kind()) && !matches!(part.kind(), K::ON_RELATION | K::ON_TABLE | K::RULE_ON)
    });
    let named = parts.flat_map(|part| match part.kind() {
        K::FUNCTION_SIG_LIST | K::PROCEDURE_SIG_LIST | K::ROUTINE_SIG_LIST => part.children().collect(),
        _ => vec![part],
    });
    named
        .map(|part| Effect::Drop {
            object: Object { kind: kind.to_owned(), on: on(node), name: Some(name_of(&part)) },
            cascade,
        })
        .collect()
}

fn alter(node: &SyntaxNode, kind: &str) -> Vec<Effect> {
    let Some(named) = node.children().find(|part| !comes_first(part.kind())) else {
        return vec![Effect::Unknown];
    };
    let object = Object { kind: kind.to_owned(), on: on(node), name: Some(name(&named)) };
    let renamed = node.children().find(|part| format!("{:?}", part.kind()).ends_with("RENAME_TO"));
    vec![match renamed.and_then(|part| part.first_child()) {
        Some(to) => Effect::Rename { object, to: name(&to) },
        None => Effect::Alter { object },
    }]
}

#[cfg(test)]
mod tests {
    use squawk_syntax::SourceFile;

    use super::*;

    fn shown(sql: &str) -> Vec<String> {
        let parse = SourceFile::parse(sql);
        assert!(parse.errors().is_empty(), "{sql}: {:?}", parse.errors());
        let node = parse.syntax_node().first_child().unwrap();
        effects(&node)
            .iter()
            .map(|effect| match effect {
                Effect::Create { object, tolerant: Tolerant::No } => format!("+ {}", object.shown()),
                Effect::Create { object, tolerant } => format!("+ {} {tolerant:?}", object.shown()),
                Effect::Drop { object, cascade } => {
                    format!("- {}{}", object.shown(), if *cascade { " cascade" } else { "" })
                }
                Effect::Rename { object, to } => format!("{} > {}", object.shown(), to.bare()),
                Effect::Alter { object } => format!("~ {}", object.shown()),
                Effect::Rows { verb, table } => format!("{verb} {}", table.bare()),
                Effect::Unknown => "?".to_owned(),
                Effect::Other => "other".to_owned(),
                Effect::Nothing => "nothing".to_owned(),
            })
            .collect()
    }

    #[test]
    fn what_is_created() {
        for (sql, wanted) in [
            ("CREATE TABLE s.A (b int)", "+ table s.a"),
            ("CREATE TEMP TABLE a AS SELECT 1", "+ table a Temporary"),
            ("CREATE UNLOGGED TABLE IF NOT EXISTS a ()", "+ table a IfNotExists"),
            ("CREATE FOREIGN TABLE a (b int) SERVER s", "+ table a"),
            ("SELECT 1 INTO a", "+ table a"),
            ("CREATE UNIQUE INDEX CONCURRENTLY i ON s.a (b)", "+ index i"),
            ("CREATE INDEX ON s.a (b)", "+ index without a name on s.a"),
            ("CREATE OR REPLACE VIEW v AS SELECT * FROM a", "+ view v OrReplace"),
            ("CREATE MATERIALIZED VIEW v AS SELECT 1", "+ materialized view v"),
            ("CREATE TYPE s.e AS ENUM ('a')", "+ type s.e"),
            ("CREATE DOMAIN d AS text", "+ domain d"),
            ("CREATE SEQUENCE s.q", "+ sequence s.q"),
            (
                "CREATE OR REPLACE FUNCTION f(a b.c) RETURNS int LANGUAGE sql RETURN 1",
                "+ function f OrReplace",
            ),
            ("CREATE PROCEDURE p() LANGUAGE sql AS ''", "+ function p"),
            ("CREATE TRIGGER t BEFORE UPDATE ON s.a FOR EACH ROW EXECUTE FUNCTION f()", "+ trigger t on s.a"),
            ("CREATE POLICY p ON a USING (true)", "+ policy p on a"),
            ("CREATE RULE r AS ON INSERT TO a DO NOTHING", "+ rule r on a"),
            ("CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\"", "+ extension uuid-ossp IfNotExists"),
            ("CREATE SCHEMA s", "+ schema s"),
            ("CREATE ROLE r", "+ role r"),
            ("CREATE PUBLICATION p FOR TABLE a", "+ publication p"),
            ("CREATE STATISTICS st ON a, b FROM t", "+ statistics st"),
            ("CREATE CAST (int AS s.e) WITHOUT FUNCTION", "+ cast (int as s.e)"),
            ("ALTER TABLE a ADD COLUMN b int", "+ column a.b"),
            ("ALTER TABLE a ADD b int", "+ column a.b"),
            ("ALTER TABLE a ADD CONSTRAINT c CHECK (true)", "+ constraint c on a"),
            ("ALTER TABLE a ADD UNIQUE (b)", "+ constraint without a name on a"),
        ] {
            assert_eq!(shown(sql), [wanted], "{sql}");
        }
        assert_eq!(shown("CREATE SCHEMA s CREATE TABLE t (a int)"), ["+ schema s", "+ table t"]);
    }

    #[test]
    fn what_is_dropped_renamed_and_altered() {
        for (sql, wanted) in [
            ("DROP TABLE IF EXISTS a, s.b CASCADE", &["- table a cascade", "- table s.b cascade"][..]),
            ("DROP INDEX CONCURRENTLY i", &["- index i"]),
            ("DROP FUNCTION f(a b.c), g", &["- function f", "- function g"]),
            ("DROP PROCEDURE p()", &["- function p"]),
            ("DROP AGGREGATE p(int)", &["- function p"]),
            ("DROP TRIGGER t ON s.a", &["- trigger t on s.a"]),
            ("DROP POLICY p ON a", &["- policy p on a"]),
            ("DROP RULE r ON a", &["- rule r on a"]),
            ("DROP EXTENSION \"uuid-ossp\"", &["- extension uuid-ossp"]),
            ("DROP SCHEMA s, t", &["- schema s", "- schema t"]),
            ("DROP CAST (int AS s.e)", &["- cast (int as s.e)"]),
            ("DROP TYPE s.e", &["- type s.e"]),
            (
                "ALTER TABLE a DROP COLUMN b, DROP CONSTRAINT c CASCADE",
                &["- column a.b", "- constraint c on a cascade"],
            ),
            ("ALTER TABLE a RENAME TO b", &["table a > b"]),
            ("ALTER TABLE a RENAME COLUMN b TO c", &["column a.b > c"]),
            ("ALTER TABLE a RENAME b TO c", &["column a.b > c"]),
            ("ALTER TABLE a RENAME CONSTRAINT b TO c", &["constraint b on a > c"]),
            ("ALTER VIEW s.v RENAME TO w", &["view s.v > w"]),
            ("ALTER INDEX i RENAME TO j", &["index i > j"]),
            ("ALTER TYPE e RENAME TO f", &["type e > f"]),
            ("ALTER TYPE e ADD VALUE 'x'", &["~ type e"]),
            ("ALTER SEQUENCE s OWNED BY a.b", &["~ sequence s"]),
            ("ALTER TABLE a ALTER COLUMN b DROP NOT NULL", &["~ table a"]),
            ("ALTER TABLE a ENABLE ROW LEVEL SECURITY", &["~ table a"]),
        ] {
            assert_eq!(shown(sql), wanted, "{sql}");
        }
    }

    #[test]
    fn what_writes_rows_and_what_does_nothing() {
        for (sql, wanted) in [
            ("INSERT INTO s.a VALUES (1)", &["INSERT s.a"][..]),
            ("UPDATE ONLY a SET b = 1", &["UPDATE a"]),
            ("DELETE FROM a USING b WHERE a.x = b.x", &["DELETE a"]),
            (
                "WITH g AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM g",
                &["INSERT b", "DELETE a"],
            ),
            ("WITH g AS (DELETE FROM a RETURNING *) SELECT * FROM g", &["DELETE a"]),
            ("MERGE INTO a USING b ON a.x = b.x WHEN MATCHED THEN DELETE", &["MERGE a"]),
            ("TRUNCATE a, s.b", &["TRUNCATE a", "TRUNCATE s.b"]),
            ("COPY a FROM STDIN", &["COPY a"]),
            ("SELECT 1", &["nothing"]),
            ("SELECT f()", &["?"]),
            ("SET LOCAL x.y = 'z'", &["nothing"]),
            ("DO $$ BEGIN END $$", &["?"]),
            ("CALL p()", &["?"]),
            ("GRANT SELECT ON a TO b", &["other"]),
            ("COMMENT ON TABLE a IS 'x'", &["other"]),
            ("SELECT pg_catalog.set_config('a.b', 'c', true)", &["nothing"]),
        ] {
            assert_eq!(shown(sql), wanted, "{sql}");
        }
    }
}
