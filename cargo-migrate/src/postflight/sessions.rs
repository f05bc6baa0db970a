//! Sessions of our own that should be gone.

use std::time::Duration;

use migrate_core::sql::mask_secrets;
use migrate_runtime::connection::Row;
use serde_json::json;

use crate::inspection::{Check, Finding, Severity, Situation, ask};
use crate::render::words::{one_line, time};

/// Locks that a session of ours holds, though the run is over: of a runner that was killed, or of another one.
pub(crate) struct Sessions {
    /// A transaction that is idle for longer while it holds a table: the engine sends a transaction in one go.
    pub(crate) idle: Duration,
    /// One that works for longer.
    pub(crate) working: Duration,
    /// A server process that is the work of this very run.
    pub(crate) own: Option<i32>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { idle: Duration::from_secs(2), working: Duration::from_secs(30), own: None }
    }
}

/// Whoever may not see what others do still sees their `application_name` and their locks.
const QUERY: &str = "\
SELECT session.pid, session.application_name, session.usename, session.state,
       extract(epoch FROM clock_timestamp() - session.xact_start),
       extract(epoch FROM clock_timestamp() - session.state_change), session.query, held.tables,
       EXISTS (SELECT FROM pg_locks AS lock WHERE lock.pid = session.pid AND lock.granted AND lock.locktype = 'advisory')
FROM pg_stat_activity AS session
LEFT JOIN LATERAL (
    SELECT string_agg(format('%s (%s)', class.oid::regclass, lock.mode), ', ' ORDER BY class.relname, lock.mode) AS tables
    FROM pg_locks AS lock JOIN pg_class AS class ON class.oid = lock.relation
    WHERE lock.pid = session.pid AND lock.granted AND lock.locktype = 'relation' AND class.relkind IN ('r', 'p', 'm')
      AND lock.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND class.relnamespace <> 'pg_catalog'::regnamespace AND lock.mode <> 'AccessShareLock'
) AS held ON true
WHERE session.datname = current_database() AND session.pid <> pg_backend_pid()
  AND (session.application_name LIKE 'cargo-migrate%' OR session.application_name LIKE 'migrate-runtime%')
ORDER BY 1";

impl Check for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn title(&self) -> &'static str {
        "locks that a runner left behind"
    }

    fn why(&self) -> &'static str {
        "a runner that was killed or cut off may still hold its locks, and the application waits for them"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let rows = ask::patient(situation.connection, "looking for sessions of runners", QUERY)?;
        let others = rows.iter().filter(|row| self.own.is_none() || row.number(0) != self.own);
        Ok(others.filter_map(|row| self.of_row(row)).collect())
    }
}

impl Sessions {
    fn of_row(&self, row: &Row) -> Option<Finding> {
        let seconds = |column| {
            row.number(column).and_then(|seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).ok())
        };
        let (age, since) = (seconds(4), seconds(5));
        let (state, tables) = (row.get(3), row.get(7));
        let who = format!("session {} ({}, {})", row.text(0), row.text(1), row.text(2));
        let is_idle = state.is_some_and(|state| state.starts_with("idle in transaction"));
        let (severity, what) = match (tables, is_idle) {
            (Some(tables), true) if since >= Some(self.idle) => (
                Severity::Failure,
                format!("{who} is idle in a transaction for {} and holds {tables}", time(since?)),
            ),
            (Some(tables), false) if state.is_none() => {
                (Severity::Warning, format!("{who} holds {tables}; this role may not see for how long"))
            }
            (Some(tables), false) if age >= Some(self.working) => {
                (Severity::Warning, format!("{who} works for {} and holds {tables}", time(age?)))
            }
            (None, _) if row.flag(8) && age >= Some(self.working) => (
                Severity::Warning,
                format!(
                    "{who} holds the runners' lock for {}: another run is at work, or was left",
                    time(age?)
                ),
            ),
            _ => return None,
        };
        let query =
            row.get(6).map(|query| one_line(&mask_secrets(query), 200)).filter(|query| !query.is_empty());
        Some(Finding {
            severity,
            what,
            details: query.iter().map(|query| format!("its last statement: {query}")).collect(),
            remedy: Some(format!(
                "SELECT pg_terminate_backend({}); -- where nobody is migrating any more",
                row.text(0)
            )),
            data: json!({
                "pid": row.number::<i32>(0), "application": row.get(1), "user": row.get(2), "state": state,
                "transaction_age_ms": age.map(|age| age.as_millis() as u64), "tables": tables, "runner_lock": row.flag(8),
                "query": query,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::testing::{Bench, whats};

    const AT_ONCE: Sessions = Sessions { idle: Duration::ZERO, working: Duration::ZERO, own: None };

    #[test]
    fn an_orphan_is_told_by_what_it_holds() {
        let bench = Bench::new();
        bench.sql("CREATE TABLE t (a int)");
        let mut other = bench.database.connect().unwrap();
        other.batch_execute("BEGIN;LOCK TABLE t").unwrap();
        assert_eq!(whats(&bench.look(&AT_ONCE)), [""; 0], "somebody else's");
        let mut orphan = bench.database.connect().unwrap();
        orphan
            .batch_execute(
                "SET application_name = 'cargo-migrate 0.1.0';BEGIN;SELECT pg_advisory_xact_lock(1)",
            )
            .unwrap();
        let found = bench.look(&AT_ONCE);
        assert!(found[0].what.contains("holds the runners' lock for"), "{found:?}");
        assert_eq!(whats(&bench.look(&Sessions::default())), [""; 0]);
        let pid = orphan.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
        assert_eq!(whats(&bench.look(&Sessions { own: Some(pid), ..AT_ONCE })), [""; 0], "our own");
        other.batch_execute("ROLLBACK").unwrap();
        orphan.batch_execute("ALTER TABLE t ADD b text DEFAULT 'canary'").unwrap();
        let found = bench.look(&AT_ONCE);
        assert_eq!(found[0].severity, Severity::Failure);
        assert!(found[0].what.contains("and holds public.t (AccessExclusiveLock)"), "{found:?}");
        let kill = found[0].remedy.clone().unwrap();
        bench.sql(kill.split(" -- ").next().unwrap());
        bench.until(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'cargo-migrate 0.1.0'",
            "0",
        );
        assert_eq!(whats(&bench.look(&AT_ONCE)), [""; 0]);
    }

    #[test]
    fn whoever_may_not_see_it_all_is_told_as_much() {
        let mut bench = Bench::new();
        bench.sql("CREATE TABLE t (a int)");
        let mut orphan = bench.database.connect().unwrap();
        orphan.batch_execute("SET application_name = 'cargo-migrate 0.1.0';BEGIN;LOCK TABLE t").unwrap();
        bench.as_stranger();
        let found = bench.look(&Sessions::default());
        assert!(found[0].what.ends_with("this role may not see for how long"), "{found:?}");
    }
}
