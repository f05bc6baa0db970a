//! How far a restore is: what the new database takes by now, and what the program is at.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use migrate_runtime::{Connection, Database, Interrupt};

/// How often the server is asked.
const ASK: Duration = Duration::from_secs(1);

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What the new database takes on the server.
    pub(crate) done: u64,
    /// What the old one took, with the room that was free in it; `None` of a part.
    pub(crate) total: Option<u64>,
    /// What is being made: `public.orders`, `INDEX public.orders_pkey`.
    pub(crate) what: Option<String>,
}

/// What the program said last of what it is at.
#[derive(Debug, Default)]
pub(crate) struct At(Mutex<Option<String>>);

impl At {
    /// Hears a line of pg_restore's `--verbose`.
    pub(crate) fn hear(&self, line: &str) {
        if let Some(what) = what(line) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
        }
    }

    fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `pg_restore: processing data for table "public.orders"`, `pg_restore: creating INDEX "public.orders_pkey"`; of workers
/// `pg_restore: launching item 3380 TABLE DATA orders`.
fn what(line: &str) -> Option<String> {
    let line = line.strip_prefix("pg_restore: ")?;
    if let Some(table) = line.strip_prefix("processing data for table ") {
        return Some(table.trim_matches('"').to_owned());
    }
    if let Some(item) = line.strip_prefix("launching item ") {
        return item.split_once(' ').map(|(_, item)| item.trim_start_matches("TABLE DATA ").to_owned());
    }
    let (kind, name) = line.strip_prefix("creating ")?.split_once(" \"")?;
    Some(format!("{kind} {}", name.trim_end_matches('"')))
}

/// Asks the server how large the database is by now.
pub(crate) struct Watch<'a> {
    connection: Option<Connection>,
    at: &'a At,
    total: Option<u64>,
    last: Instant,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(database: &Database, at: &'a At, total: Option<u64>, interrupt: &Interrupt) -> Self {
        // Where there is no connection left for it, there is no progress to be told, and nothing else is different.
        let connection = Connection::open(database, "cargo-migrate progress", interrupt).ok();
        Self { connection, at, total, last: Instant::now() }
    }

    /// How far it is; `None` where it is not time to ask.
    pub(crate) fn look(&mut self) -> Option<Progress> {
        if self.last.elapsed() < ASK {
            return None;
        }
        self.last = Instant::now();
        let sql = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
        let size = self.connection.as_ref()?.value("asking how far it is", sql);
        let Ok(size) = size else {
            self.connection = None;
            return None;
        };
        let done = size.and_then(|size| size.parse().ok()).unwrap_or_default();
        Some(Progress { done, total: self.total, what: self.at.get() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_pg_restore_is_at() {
        let told = |line: &str| what(line).unwrap_or_default();
        assert_eq!(told("pg_restore: processing data for table \"public.my \"odd\"\""), "public.my \"odd");
        assert_eq!(told("pg_restore: creating INDEX \"public.a_b\""), "INDEX public.a_b");
        assert_eq!(
            told("pg_restore: creating FK CONSTRAINT \"public.a a_fkey\""),
            "FK CONSTRAINT public.a a_fkey"
        );
        assert_eq!(told("pg_restore: launching item 3380 TABLE DATA orders"), "orders");
        assert_eq!(told("pg_restore: launching item 3381 INDEX orders_pkey"), "INDEX orders_pkey");
        assert_eq!(what("pg_restore: connecting to database for restore"), None);
        assert_eq!(what("psql: error: \"x\""), None);
        let at = At::default();
        at.hear("pg_restore: creating TABLE \"public.t\"");
        at.hear("pg_restore: finished");
        assert_eq!(at.get().as_deref(), Some("TABLE public.t"));
    }
}
