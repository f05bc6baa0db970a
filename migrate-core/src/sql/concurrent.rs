//! What `CREATE INDEX CONCURRENTLY` and its siblings work on, and which statements wait by design.

use super::classify::{classify, detached};
use super::lexer::Lexer;
use super::words::Words;
use crate::StatementKind;

/// What a concurrent index command names. Names are the parts as PostgreSQL stores them: `["public", "Orders"]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConcurrentTarget {
    /// The index. `CREATE INDEX` names it without a schema: it is made in the schema of its table. `None` where
    /// PostgreSQL chooses the name, and for `REINDEX TABLE`.
    pub index: Option<Vec<String>>,
    /// The table. `None` for `REINDEX INDEX` and `DROP INDEX`, and where the command is for a whole schema or database.
    pub table: Option<Vec<String>>,
}

/// What a `CREATE INDEX CONCURRENTLY`, `REINDEX … CONCURRENTLY` or `DROP INDEX CONCURRENTLY` works on; `None` for any
/// other statement.
pub fn concurrent_target(sql: &str) -> Option<ConcurrentTarget> {
    let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
    let mut words = Words::new(sql, &tokens);
    if !matches!(classify(words), StatementKind::Concurrent(_)) {
        return None;
    }
    let mut target = ConcurrentTarget::default();
    match words.eat_any(&["CREATE", "DROP", "REINDEX"])? {
        "CREATE" => {
            words.eat("UNIQUE");
            words.eat_all(&["INDEX", "CONCURRENTLY"]);
            words.eat_all(&["IF", "NOT", "EXISTS"]);
            if !words.at("ON") {
                target.index = words.name();
            }
            words.eat("ON");
            words.eat("ONLY");
            target.table = match words.parenthesised() {
                Some(mut inside) => inside.name(),
                None => words.name(),
            };
        }
        "DROP" => {
            words.eat_all(&["INDEX", "CONCURRENTLY"]);
            words.eat_all(&["IF", "EXISTS"]);
            target.index = words.name();
        }
        _ => {
            words.parenthesised();
            let kind = words.eat_any(&["INDEX", "TABLE", "SCHEMA", "DATABASE", "SYSTEM"])?;
            words.eat("CONCURRENTLY");
            match kind {
                "INDEX" => target.index = words.name(),
                "TABLE" => target.table = words.name(),
                _ => {}
            }
        }
    }
    Some(target)
}

/// An `ALTER TABLE … DETACH PARTITION … CONCURRENTLY`. It commits half-way: interrupted after that, the partition is
/// left "pending detach", and only `FINALIZE` takes it further (PostgreSQL manual, ALTER TABLE).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcurrentDetach {
    /// The partition, its parts as PostgreSQL stores them.
    pub partition: Vec<String>,
    /// The statement that finishes it.
    pub finalize: String,
}

/// What a `DETACH PARTITION … CONCURRENTLY` works on; `None` for any other statement.
pub fn concurrent_detach(sql: &str) -> Option<ConcurrentDetach> {
    let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
    let mut words = Words::new(sql, &tokens);
    let partition = words.eat_all(&["ALTER", "TABLE"]).then(|| detached(words))??;
    let last = tokens.iter().rfind(|token| token.text(sql).eq_ignore_ascii_case("CONCURRENTLY"))?;
    Some(ConcurrentDetach { partition, finalize: format!("{}FINALIZE", &sql[..last.start]) })
}

/// Whether a statement waits or works long by design while it blocks nobody, so that a lock timeout would only break
/// it: anything concurrent, and an `ALTER TABLE` that does nothing but `VALIDATE CONSTRAINT`.
pub fn waits_by_design(sql: &str) -> bool {
    let tokens: Vec<_> = Lexer::new(sql).filter(|token| !token.is_trivia()).collect();
    let words = Words::new(sql, &tokens);
    match classify(words) {
        StatementKind::Concurrent(_) => true,
        StatementKind::NoTransaction(command) => command.contains("CONCURRENTLY"),
        _ => only_validates(words).unwrap_or(false),
    }
}

/// Any other action of an `ALTER TABLE` may need a lock that stops readers, and a lock timeout with it.
fn only_validates(mut words: Words<'_>) -> Option<bool> {
    if !words.eat_all(&["ALTER", "TABLE"]) {
        return None;
    }
    words.eat_all(&["IF", "EXISTS"]);
    words.eat("ONLY");
    match words.parenthesised() {
        Some(_) => {}
        None => drop(words.name()?),
    }
    words.eat_symbol(b'*');
    loop {
        if !words.eat_all(&["VALIDATE", "CONSTRAINT"]) {
            return Some(false);
        }
        words.identifier()?;
        if !words.eat_symbol(b',') {
            return Some(words.is_empty() || words.at_symbol(b';'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(parts: &[&str]) -> Option<Vec<String>> {
        (!parts.is_empty()).then(|| parts.iter().map(|part| part.to_string()).collect())
    }

    #[test]
    fn detaches() {
        let detach =
            concurrent_detach("alter table if exists s.t detach partition s.\"T 1\" concurrently -- why")
                .unwrap();
        assert_eq!(detach.partition, ["s", "T 1"]);
        assert_eq!(detach.finalize, "alter table if exists s.t detach partition s.\"T 1\" FINALIZE");
        assert_eq!(concurrent_detach("ALTER TABLE t DETACH PARTITION p"), None);
        assert_eq!(concurrent_detach("CREATE INDEX CONCURRENTLY i ON t (a)"), None);
    }

    #[test]
    fn targets() {
        for (sql, index, table) in [
            ("CREATE INDEX CONCURRENTLY a ON b (c)", &["a"][..], &["b"][..]),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"A\" ON ONLY s.\"B c\" USING gin (d)",
                &["A"],
                &["s", "B c"],
            ),
            ("create index concurrently on B (c)", &[], &["b"]),
            ("REINDEX INDEX CONCURRENTLY s.a", &["s", "a"], &[]),
            ("REINDEX (CONCURRENTLY, VERBOSE) TABLE a", &[], &["a"]),
            ("REINDEX SCHEMA CONCURRENTLY a", &[], &[]),
            ("DROP INDEX CONCURRENTLY IF EXISTS s.a CASCADE", &["s", "a"], &[]),
        ] {
            let expected = ConcurrentTarget { index: names(index), table: names(table) };
            assert_eq!(concurrent_target(sql), Some(expected), "{sql}");
        }
        for sql in ["CREATE INDEX a ON b (c)", "VACUUM", "", "REFRESH MATERIALIZED VIEW CONCURRENTLY a"] {
            assert_eq!(concurrent_target(sql), None, "{sql}");
        }
    }

    #[test]
    fn statements_that_wait_by_design() {
        for sql in [
            "DROP INDEX CONCURRENTLY a",
            "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
            "ALTER TABLE a VALIDATE CONSTRAINT b",
            "alter table if exists only s.a validate constraint \"b\", validate constraint c;",
        ] {
            assert!(waits_by_design(sql), "{sql}");
        }
        for sql in [
            "ALTER TABLE a ADD b int, VALIDATE CONSTRAINT c",
            "ALTER TABLE a VALIDATE CONSTRAINT c, ADD b int",
            "ALTER DOMAIN a VALIDATE CONSTRAINT b",
            "ALTER TABLE",
            "SELECT 1",
            "VACUUM a",
        ] {
            assert!(!waits_by_design(sql), "{sql}");
        }
    }
}
