//! Statements that reach beyond their database: roles, tablespaces, databases and the server's settings belong to the
//! whole server, and a subscription reaches another one.
//!
//! A scratch database keeps everything else of a migration to itself. These it cannot, so that whoever tries migrations
//! on a server that others use has to know of them first.

use super::lexer::{Kind, Lexer, Style, Token};
use super::words::Words;
use crate::{Script, Statement};

/// How deep strings are looked into: the body of a `DO`, an `EXECUTE` in it, a name in that.
const DEEPEST: usize = 3;

/// The statements of a script that reach beyond its database, each with the command that does: `CREATE ROLE`.
///
/// The bodies of `DO` blocks are looked into; functions that a statement calls are not, nor what is put together as text.
pub fn cluster_wide(script: &Script) -> Vec<(Statement, &'static str)> {
    let statements = script.statements.iter();
    statements.filter_map(|statement| Some((*statement, reaches(script.sql(statement))?))).collect()
}

fn reaches(sql: &str) -> Option<&'static str> {
    let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
    let mut words = Words::new(sql, &tokens);
    command(words)
        .or_else(|| membership(words))
        .or_else(|| words.eat("DO").then(|| inside(sql, &tokens, 0))?)
}

/// The command with these words, where it reaches beyond the database.
fn command(mut words: Words<'_>) -> Option<&'static str> {
    const OBJECTS: [&str; 6] = ["ROLE", "USER", "GROUP", "DATABASE", "TABLESPACE", "SUBSCRIPTION"];
    let verb = words.eat_any(&["CREATE", "ALTER", "DROP", "COMMENT", "REASSIGN"])?;
    if verb == "COMMENT" && !words.eat("ON") {
        return None;
    }
    if verb == "REASSIGN" {
        return words.eat("OWNED").then_some("REASSIGN OWNED");
    }
    if verb == "ALTER" && words.eat("SYSTEM") {
        return Some("ALTER SYSTEM");
    }
    if verb == "DROP" && words.eat("OWNED") {
        return Some("DROP OWNED");
    }
    let object = words.eat_any(&OBJECTS)?;
    // A mapping belongs to its database.
    if object == "USER" && words.at("MAPPING") {
        return None;
    }
    Some(match (verb, object) {
        ("CREATE", "ROLE") => "CREATE ROLE",
        ("CREATE", "USER") => "CREATE USER",
        ("CREATE", "GROUP") => "CREATE GROUP",
        ("CREATE", "DATABASE") => "CREATE DATABASE",
        ("CREATE", "TABLESPACE") => "CREATE TABLESPACE",
        ("CREATE", _) => "CREATE SUBSCRIPTION",
        ("ALTER", "ROLE") => "ALTER ROLE",
        ("ALTER", "USER") => "ALTER USER",
        ("ALTER", "GROUP") => "ALTER GROUP",
        ("ALTER", "DATABASE") => "ALTER DATABASE",
        ("ALTER", "TABLESPACE") => "ALTER TABLESPACE",
        ("ALTER", _) => "ALTER SUBSCRIPTION",
        ("DROP", "ROLE") => "DROP ROLE",
        ("DROP", "USER") => "DROP USER",
        ("DROP", "GROUP") => "DROP GROUP",
        ("DROP", "DATABASE") => "DROP DATABASE",
        ("DROP", "TABLESPACE") => "DROP TABLESPACE",
        ("DROP", _) => "DROP SUBSCRIPTION",
        (_, "ROLE") => "COMMENT ON ROLE",
        (_, "DATABASE") => "COMMENT ON DATABASE",
        (_, "TABLESPACE") => "COMMENT ON TABLESPACE",
        (_, "SUBSCRIPTION") => "COMMENT ON SUBSCRIPTION",
        _ => return None,
    })
}

/// `GRANT` and `REVOKE` of a role (no `ON`), and on what belongs to the server.
fn membership(mut words: Words<'_>) -> Option<&'static str> {
    let grants = words.eat_any(&["GRANT", "REVOKE"])? == "GRANT";
    while !words.is_empty() {
        if words.eat("ON") {
            return match words.eat_any(&["DATABASE", "TABLESPACE", "PARAMETER"])? {
                "DATABASE" if grants => Some("GRANT ON DATABASE"),
                "DATABASE" => Some("REVOKE ON DATABASE"),
                "TABLESPACE" if grants => Some("GRANT ON TABLESPACE"),
                "TABLESPACE" => Some("REVOKE ON TABLESPACE"),
                _ if grants => Some("GRANT ON PARAMETER"),
                _ => Some("REVOKE ON PARAMETER"),
            };
        }
        if words.eat_any(&["TO", "FROM"]).is_some() {
            return Some(if grants { "GRANT role" } else { "REVOKE role" });
        }
        words.bump();
    }
    None
}

/// A command anywhere in the strings among these tokens.
fn inside(sql: &str, tokens: &[Token], depth: usize) -> Option<&'static str> {
    let strings = tokens.iter().filter(|token| matches!(token.kind, Kind::Str { .. }));
    strings.filter_map(|token| body(token, sql)).find_map(|body| {
        let tokens: Vec<_> = Lexer::new(&body).filter(|token| !token.is_trivia()).collect();
        let mut words = Words::new(&body, &tokens);
        while !words.is_empty() {
            if let Some(found) = command(words) {
                return Some(found);
            }
            words.bump();
        }
        if depth < DEEPEST { inside(&body, &tokens, depth + 1) } else { None }
    })
}

/// What a string holds.
fn body(token: &Token, sql: &str) -> Option<String> {
    let text = token.text(sql);
    if let Kind::Str { style: Style::Dollar, .. } = token.kind {
        let delimiter = text.get(1..)?.find('$')? + 2;
        return Some(text.get(delimiter..text.len().checked_sub(delimiter)?)?.to_owned());
    }
    let start = text.find('\'')? + 1;
    Some(text.get(start..text.len().checked_sub(1)?)?.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_server() {
        for (sql, command) in [
            ("CREATE ROLE a", "CREATE ROLE"),
            ("create user \"b\" PASSWORD 'x'", "CREATE USER"),
            ("CREATE GROUP g", "CREATE GROUP"),
            ("ALTER ROLE a SET work_mem = '1MB'", "ALTER ROLE"),
            ("ALTER USER a RENAME TO b", "ALTER USER"),
            ("ALTER GROUP a ADD USER b", "ALTER GROUP"),
            ("DROP ROLE IF EXISTS a", "DROP ROLE"),
            ("DROP USER a", "DROP USER"),
            ("DROP GROUP a", "DROP GROUP"),
            ("CREATE DATABASE d", "CREATE DATABASE"),
            ("ALTER DATABASE d SET timezone = 'UTC'", "ALTER DATABASE"),
            ("DROP DATABASE d", "DROP DATABASE"),
            ("CREATE TABLESPACE s LOCATION '/s'", "CREATE TABLESPACE"),
            ("ALTER TABLESPACE s RENAME TO u", "ALTER TABLESPACE"),
            ("DROP TABLESPACE s", "DROP TABLESPACE"),
            ("ALTER SYSTEM SET work_mem = '1MB'", "ALTER SYSTEM"),
            (
                "CREATE SUBSCRIPTION s CONNECTION 'c' PUBLICATION p WITH (connect = false)",
                "CREATE SUBSCRIPTION",
            ),
            ("ALTER SUBSCRIPTION s DISABLE", "ALTER SUBSCRIPTION"),
            ("DROP SUBSCRIPTION s", "DROP SUBSCRIPTION"),
            ("COMMENT ON ROLE a IS 'x'", "COMMENT ON ROLE"),
            ("COMMENT ON DATABASE d IS 'x'", "COMMENT ON DATABASE"),
            ("REASSIGN OWNED BY a TO b", "REASSIGN OWNED"),
            ("DROP OWNED BY a", "DROP OWNED"),
            ("GRANT a TO b", "GRANT role"),
            ("REVOKE ADMIN OPTION FOR a FROM b", "REVOKE role"),
            ("GRANT CONNECT ON DATABASE d TO a", "GRANT ON DATABASE"),
            ("REVOKE ALL ON TABLESPACE s FROM a", "REVOKE ON TABLESPACE"),
            ("GRANT SET ON PARAMETER work_mem TO a", "GRANT ON PARAMETER"),
            ("DO $$ BEGIN IF NOT EXISTS (SELECT 1) THEN CREATE ROLE a; END IF; END $$", "CREATE ROLE"),
            ("DO LANGUAGE plpgsql 'BEGIN EXECUTE ''DROP ROLE a''; END'", "DROP ROLE"),
            (
                "do $b$ begin execute format($f$alter database %I set a = 1$f$, current_database()); end $b$",
                "ALTER DATABASE",
            ),
        ] {
            assert_eq!(reaches(sql), Some(command), "{sql}");
        }
    }

    #[test]
    fn what_stays_in_the_database() {
        for sql in [
            "CREATE TABLE role (id int)",
            "CREATE USER MAPPING FOR a SERVER s",
            "DROP USER MAPPING FOR a SERVER s",
            "GRANT SELECT ON t TO a",
            "GRANT SELECT (a, b) ON TABLE t TO a",
            "REVOKE ALL ON SCHEMA s FROM PUBLIC",
            "GRANT USAGE ON FOREIGN SERVER s TO a",
            "ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b",
            "ALTER TABLE t OWNER TO a",
            "COMMENT ON TABLE t IS 'CREATE ROLE a'",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'CREATE ROLE a'",
            "INSERT INTO t VALUES ('DROP DATABASE d')",
            "SET ROLE a",
            "DO $$ BEGIN CREATE TABLE t (); END $$",
            "DROP OPERATOR +(int, int)",
        ] {
            assert_eq!(reaches(sql), None, "{sql}");
        }
    }

    #[test]
    fn a_script_is_told_by_its_statements() {
        let text = "CREATE TABLE t ();\nCREATE ROLE a;\n";
        let script = Script::parse("1_a.up.sql", text.to_owned()).unwrap();
        let found = cluster_wide(&script);
        assert_eq!(found.len(), 1);
        assert_eq!((script.sql(&found[0].0), found[0].1), ("CREATE ROLE a", "CREATE ROLE"));
    }
}
