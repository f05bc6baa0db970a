//! Queries that a session of ours asks again and again, and that the server then plans once.

use std::collections::HashMap;

use tokio_postgres::error::SqlState;

use crate::Error;

/// SQL with `$1`, `$2`, … in it, and what stands for them: a type each, and an expression.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub sql: String,
    pub parameters: Vec<(&'static str, String)>,
}

/// The statements that a session keeps.
///
/// With `PREPARE` in SQL, which goes in one message with the rest. Only where the session is ours as long as it lives:
/// behind a pooler the next transaction may be another session's.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    names: HashMap<String, usize>,
    /// No name is used again, because nobody knows what is left of a message that failed.
    last: usize,
}

/// Without it the server plans the first five times for the values at hand.
pub(super) const PLAN_ONCE: &str = "SET LOCAL plan_cache_mode = force_generic_plan";

impl Query {
    /// The same with the values in it.
    pub fn inline(&self) -> String {
        let parameters = self.parameters.iter().enumerate().rev();
        parameters.fold(self.sql.clone(), |sql, (number, (kind, value))| {
            sql.replace(&format!("${}", number + 1), &format!("({value})::{kind}"))
        })
    }
}

impl Prepared {
    /// What asks this in a message.
    pub fn ask(&mut self, query: &Query) -> String {
        let list = |words: &mut dyn Iterator<Item = &str>| match words.collect::<Vec<_>>().join(", ") {
            none if none.is_empty() => none,
            some => format!(" ({some})"),
        };
        let values = list(&mut query.parameters.iter().map(|(_, value)| value.as_str()));
        if let Some(name) = self.names.get(&query.sql) {
            return format!("EXECUTE cargo_migrate_schema_{name}{values}");
        }
        self.last += 1;
        self.names.insert(query.sql.clone(), self.last);
        let types = list(&mut query.parameters.iter().map(|(kind, _)| *kind));
        let name = format!("cargo_migrate_schema_{}", self.last);
        format!("PREPARE {name}{types} AS {};EXECUTE {name}{values}", query.sql)
    }

    /// Whether the session has other statements than it is thought to have: a script can discard them, and the session
    /// may be another one. They are forgotten then, and the question can be asked again.
    pub fn are_lost<T>(&mut self, result: &Result<T, Error>) -> bool {
        let Err(Error::Server { source, .. }) = result else { return false };
        let codes = [&SqlState::INVALID_SQL_STATEMENT_NAME, &SqlState::DUPLICATE_PSTATEMENT];
        let lost = source.code().is_some_and(|code| codes.contains(&code)) && !self.names.is_empty();
        if lost {
            self.names.clear();
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_prepared_once() {
        let query = |value: &str| Query {
            sql: "SELECT $1, $2".to_owned(),
            parameters: vec![("oid[]", value.to_owned()), ("xid", "'7'".to_owned())],
        };
        let mut prepared = Prepared::default();
        let first = prepared.ask(&query("'{1}'"));
        assert_eq!(
            first,
            "PREPARE cargo_migrate_schema_1 (oid[], xid) AS SELECT $1, $2;EXECUTE cargo_migrate_schema_1 ('{1}', '7')"
        );
        assert_eq!(prepared.ask(&query("'{2}'")), "EXECUTE cargo_migrate_schema_1 ('{2}', '7')");
        assert_eq!(query("'{3}'").inline(), "SELECT ('{3}')::oid[], ('7')::xid");
        let other = prepared.ask(&Query { sql: "SELECT 1".to_owned(), parameters: vec![] });
        assert_eq!(other, "PREPARE cargo_migrate_schema_2 AS SELECT 1;EXECUTE cargo_migrate_schema_2");
    }
}
