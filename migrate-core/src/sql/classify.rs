//! What a statement is, as far as running it is concerned.
//!
//! The list of what cannot run in a transaction block is PostgreSQL's own: every command that reaches
//! `PreventInTransactionBlock` in its source, up to version 19. Three cases depend on the catalog and cannot be seen in the text:
//! `REINDEX TABLE` and `CLUSTER` of a partitioned table, and `DROP SUBSCRIPTION` without a slot (which could run in one).

use super::transaction::control;
use super::words::Words;
use crate::StatementKind::{self, Concurrent, CopyFromStdin, NoTransaction, Plain, TransactionControl};

/// Whether a statement that starts with this word can be anything but `Plain`: of others, no token need be kept.
pub(crate) fn may_matter(first: &str) -> bool {
    const WORDS: [&str; 20] = [
        "CREATE",
        "DROP",
        "ALTER",
        "REINDEX",
        "VACUUM",
        "CLUSTER",
        "REPACK",
        "DISCARD",
        "COPY",
        "BEGIN",
        "START",
        "COMMIT",
        "END",
        "ROLLBACK",
        "ABORT",
        "SAVEPOINT",
        "RELEASE",
        "PREPARE",
        "SET",
        "REFRESH",
    ];
    WORDS.iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// The kind of the statement with these tokens. Of a `COPY … FROM STDIN` the data range is still to be filled in.
pub(crate) fn classify(words: Words<'_>) -> StatementKind {
    if let Some((name, _)) = control(words) {
        return TransactionControl(name);
    }
    let mut rest = words;
    match rest
        .eat_any(&["CREATE", "DROP", "ALTER", "REINDEX", "VACUUM", "CLUSTER", "REPACK", "DISCARD", "COPY"])
    {
        Some("CREATE") => create(rest),
        Some("DROP") => drop(rest),
        Some("ALTER") => alter(rest),
        Some("REINDEX") => reindex(rest),
        Some("VACUUM") => NoTransaction("VACUUM"),
        Some("CLUSTER") if without_table(rest) => NoTransaction("CLUSTER"),
        Some("REPACK") => repack(rest),
        Some("DISCARD") if rest.eat("ALL") => NoTransaction("DISCARD ALL"),
        Some("COPY") if copies_from_stdin(rest) => CopyFromStdin { data_start: 0, data_end: 0 },
        _ => Plain,
    }
}

fn create(mut rest: Words<'_>) -> StatementKind {
    rest.eat("UNIQUE");
    if rest.eat_all(&["INDEX", "CONCURRENTLY"]) {
        return Concurrent("CREATE INDEX CONCURRENTLY");
    }
    match rest.eat_any(&["DATABASE", "TABLESPACE", "SUBSCRIPTION"]) {
        Some("DATABASE") => NoTransaction("CREATE DATABASE"),
        Some("TABLESPACE") => NoTransaction("CREATE TABLESPACE"),
        Some("SUBSCRIPTION") if creates_slot(rest) => NoTransaction("CREATE SUBSCRIPTION"),
        _ => Plain,
    }
}

/// `CREATE SUBSCRIPTION` makes a replication slot unless told not to; `connect = false` implies that.
fn creates_slot(rest: Words<'_>) -> bool {
    let Some(options) = with_options(rest) else { return true };
    match options.boolean_option("CREATE_SLOT") {
        Some(create_slot) => create_slot,
        None => options.boolean_option("CONNECT").unwrap_or(true),
    }
}

/// What stands in the parentheses of `WITH (…)`.
fn with_options<'a>(mut rest: Words<'a>) -> Option<Words<'a>> {
    while !rest.is_empty() {
        if rest.eat("WITH") {
            return rest.parenthesised();
        }
        rest.bump();
    }
    None
}

fn drop(mut rest: Words<'_>) -> StatementKind {
    if rest.eat_all(&["INDEX", "CONCURRENTLY"]) {
        return Concurrent("DROP INDEX CONCURRENTLY");
    }
    match rest.eat_any(&["DATABASE", "TABLESPACE", "SUBSCRIPTION"]) {
        Some("DATABASE") => NoTransaction("DROP DATABASE"),
        Some("TABLESPACE") => NoTransaction("DROP TABLESPACE"),
        Some("SUBSCRIPTION") => NoTransaction("DROP SUBSCRIPTION"),
        _ => Plain,
    }
}

fn alter(mut rest: Words<'_>) -> StatementKind {
    match rest.eat_any(&["SYSTEM", "DATABASE", "TABLE", "SUBSCRIPTION"]) {
        Some("SYSTEM") => NoTransaction("ALTER SYSTEM"),
        Some("DATABASE") if rest.identifier().is_some() && rest.eat_all(&["SET", "TABLESPACE"]) => {
            NoTransaction("ALTER DATABASE … SET TABLESPACE")
        }
        Some("TABLE") if detaches_concurrently(rest) => {
            NoTransaction("ALTER TABLE … DETACH PARTITION … CONCURRENTLY")
        }
        Some("SUBSCRIPTION") if rest.identifier().is_some() => alter_subscription(rest),
        _ => Plain,
    }
}

fn detaches_concurrently(rest: Words<'_>) -> bool {
    detached(rest).is_some()
}

/// The partition of `ALTER TABLE … DETACH PARTITION … CONCURRENTLY`, from behind `ALTER TABLE` on.
pub(super) fn detached(mut rest: Words<'_>) -> Option<Vec<String>> {
    rest.eat_all(&["IF", "EXISTS"]);
    rest.eat("ONLY");
    // The grammar allows ONLY (name), and name *.
    match rest.parenthesised() {
        Some(mut inside) => inside.name()?,
        None => rest.name()?,
    };
    rest.eat_symbol(b'*');
    if !rest.eat_all(&["DETACH", "PARTITION"]) {
        return None;
    }
    rest.name().filter(|_| rest.eat("CONCURRENTLY"))
}

fn alter_subscription(mut rest: Words<'_>) -> StatementKind {
    if rest.eat("REFRESH") {
        return NoTransaction("ALTER SUBSCRIPTION … REFRESH");
    }
    let verb = rest.eat_any(&["SET", "ADD", "DROP"]);
    if verb.is_some() && rest.eat("PUBLICATION") {
        // These refresh too, unless told not to.
        let refresh = with_options(rest).and_then(|options| options.boolean_option("REFRESH"));
        return if refresh.unwrap_or(true) {
            NoTransaction("ALTER SUBSCRIPTION … PUBLICATION")
        } else {
            Plain
        };
    }
    if verb == Some("SET")
        && let Some(options) = rest.parenthesised()
        && ["FAILOVER", "TWO_PHASE"].iter().any(|name| options.boolean_option(name).is_some())
    {
        return NoTransaction("ALTER SUBSCRIPTION … SET");
    }
    Plain
}

fn reindex(mut rest: Words<'_>) -> StatementKind {
    let options = rest.parenthesised();
    let target = rest.eat_any(&["INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM"]);
    let in_options = options.and_then(|options| options.boolean_option("CONCURRENTLY"));
    if rest.at("CONCURRENTLY") || in_options == Some(true) {
        return Concurrent("REINDEX CONCURRENTLY");
    }
    match target {
        Some("SCHEMA") => NoTransaction("REINDEX SCHEMA"),
        Some("DATABASE") => NoTransaction("REINDEX DATABASE"),
        Some("SYSTEM") => NoTransaction("REINDEX SYSTEM"),
        _ => Plain,
    }
}

/// Whether `CLUSTER` or `REPACK` names no table: then every table gets a transaction of its own.
fn without_table(mut rest: Words<'_>) -> bool {
    if rest.parenthesised().is_none() {
        rest.eat("VERBOSE");
    }
    rest.is_empty()
}

fn repack(mut rest: Words<'_>) -> StatementKind {
    let without_table = without_table(rest);
    let options = rest.parenthesised();
    match options.and_then(|options| options.boolean_option("CONCURRENTLY")) {
        Some(true) => NoTransaction("REPACK (CONCURRENTLY)"),
        _ if without_table => NoTransaction("REPACK"),
        _ => Plain,
    }
}

/// `COPY [BINARY] name [(columns)] FROM STDIN`. The grammar takes `FROM STDOUT` for the same.
fn copies_from_stdin(mut rest: Words<'_>) -> bool {
    // A table may be called binary: only the keyword is followed by a name.
    let mut ahead = rest;
    if ahead.eat("BINARY") && !ahead.at("FROM") && ahead.name().is_some() {
        rest.eat("BINARY");
    }
    if rest.name().is_none() {
        return false;
    }
    let _ = rest.parenthesised();
    rest.eat("FROM") && rest.eat_any(&["STDIN", "STDOUT"]).is_some()
}

#[cfg(test)]
mod tests {
    use super::super::lexer::Lexer;
    use super::*;

    fn of(sql: &str) -> StatementKind {
        let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
        let kind = classify(Words::new(sql, &tokens));
        let first = sql.split(|c: char| !c.is_alphanumeric()).next().unwrap();
        assert!(kind == Plain || may_matter(first), "{first} is not in the list");
        kind
    }

    #[test]
    fn what_cannot_run_in_a_transaction_block() {
        for (sql, name) in [
            ("VACUUM", "VACUUM"),
            ("vacuum (analyze) a", "VACUUM"),
            ("CREATE DATABASE a", "CREATE DATABASE"),
            ("DROP DATABASE IF EXISTS a WITH (FORCE)", "DROP DATABASE"),
            ("CREATE TABLESPACE a LOCATION '/a'", "CREATE TABLESPACE"),
            ("DROP TABLESPACE a", "DROP TABLESPACE"),
            ("ALTER DATABASE \"a b\" SET TABLESPACE c", "ALTER DATABASE … SET TABLESPACE"),
            ("ALTER SYSTEM SET work_mem = '1MB'", "ALTER SYSTEM"),
            ("ALTER SYSTEM RESET ALL", "ALTER SYSTEM"),
            ("REINDEX DATABASE", "REINDEX DATABASE"),
            ("REINDEX (VERBOSE) SCHEMA a", "REINDEX SCHEMA"),
            ("REINDEX SYSTEM a", "REINDEX SYSTEM"),
            ("CLUSTER", "CLUSTER"),
            ("CLUSTER VERBOSE", "CLUSTER"),
            ("CLUSTER (VERBOSE)", "CLUSTER"),
            ("REPACK", "REPACK"),
            ("REPACK (CONCURRENTLY) a", "REPACK (CONCURRENTLY)"),
            ("DISCARD ALL", "DISCARD ALL"),
            ("CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c", "CREATE SUBSCRIPTION"),
            (
                "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (enabled = false)",
                "CREATE SUBSCRIPTION",
            ),
            ("DROP SUBSCRIPTION a", "DROP SUBSCRIPTION"),
            ("ALTER SUBSCRIPTION a REFRESH PUBLICATION", "ALTER SUBSCRIPTION … REFRESH"),
            ("ALTER SUBSCRIPTION a SET PUBLICATION b, c", "ALTER SUBSCRIPTION … PUBLICATION"),
            ("ALTER SUBSCRIPTION a ADD PUBLICATION b", "ALTER SUBSCRIPTION … PUBLICATION"),
            ("ALTER SUBSCRIPTION a SET (failover = true)", "ALTER SUBSCRIPTION … SET"),
            (
                "ALTER TABLE IF EXISTS ONLY a.b * DETACH PARTITION a.\"C\" CONCURRENTLY",
                "ALTER TABLE … DETACH PARTITION … CONCURRENTLY",
            ),
        ] {
            assert_eq!(of(sql), NoTransaction(name), "{sql}");
        }
    }

    #[test]
    fn what_leaves_an_invalid_index_behind() {
        for (sql, name) in [
            ("CREATE INDEX CONCURRENTLY a ON b (c)", "CREATE INDEX CONCURRENTLY"),
            ("create unique index /* now */ concurrently on b (c)", "CREATE INDEX CONCURRENTLY"),
            ("DROP INDEX CONCURRENTLY IF EXISTS a", "DROP INDEX CONCURRENTLY"),
            ("REINDEX INDEX CONCURRENTLY a", "REINDEX CONCURRENTLY"),
            ("REINDEX (VERBOSE, CONCURRENTLY) TABLE a", "REINDEX CONCURRENTLY"),
            ("REINDEX (CONCURRENTLY true) DATABASE a", "REINDEX CONCURRENTLY"),
        ] {
            assert_eq!(of(sql), Concurrent(name), "{sql}");
        }
    }

    #[test]
    fn what_runs_anywhere() {
        for sql in [
            "SELECT 1",
            "CALL p()",
            "ANALYZE",
            "CHECKPOINT",
            "CREATE INDEX \"concurrently\" ON b (c)",
            "CREATE TABLE concurrently (a int)",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY a",
            "ALTER TYPE a ADD VALUE 'b'",
            "REINDEX TABLE a",
            "REINDEX (CONCURRENTLY false) INDEX a",
            "CLUSTER a USING b",
            "CLUSTER VERBOSE a",
            "REPACK (CONCURRENTLY off) a",
            "DISCARD TEMP",
            "ALTER DATABASE a SET work_mem = '1MB'",
            "ALTER TABLE a DETACH PARTITION b",
            "ALTER TABLE a DETACH PARTITION b FINALIZE",
            "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (connect = false)",
            "CREATE SUBSCRIPTION a CONNECTION 'b' PUBLICATION c WITH (enabled, create_slot = off)",
            "ALTER SUBSCRIPTION a SET PUBLICATION b WITH (refresh = false)",
            "ALTER SUBSCRIPTION a DISABLE",
            "ALTER SUBSCRIPTION a SET (slot_name = NONE)",
            "COPY a FROM '/b'",
            "COPY a FROM PROGRAM 'b'",
            "COPY a TO STDOUT",
            "COPY (SELECT 1) TO STDOUT",
        ] {
            assert_eq!(of(sql), Plain, "{sql}");
        }
    }

    #[test]
    fn copy_from_stdin() {
        for sql in [
            "COPY a FROM STDIN",
            "copy \"A\".b (c, \"from\") from stdin with (format csv)",
            "COPY BINARY a FROM STDIN",
            "COPY binary FROM STDIN",
            "COPY stdin FROM stdin",
            "COPY a FROM STDOUT",
        ] {
            assert_eq!(of(sql), CopyFromStdin { data_start: 0, data_end: 0 }, "{sql}");
        }
    }
}
