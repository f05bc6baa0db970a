//! The other sessions of a server: what they do, for how long, and who keeps whom waiting.

use std::time::Duration;

use migrate_core::sql::{mask_secrets, mask_text};
use migrate_runtime::Error as EngineError;
use migrate_runtime::connection::Row;
use serde_json::{Value, json};

use super::Situation;
use crate::render::words::{one_line, time};

/// So much of a query is asked for.
const QUERY: usize = 1000;

/// Another session, from `pg_stat_activity` and `pg_locks`; what privileges hide is `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// The server process.
    pub(crate) pid: i32,
    /// The database that it is connected to.
    pub(crate) database: Option<String>,
    /// Whether that is the one that is looked at.
    pub(crate) here: bool,
    pub(crate) user: Option<String>,
    pub(crate) application: Option<String>,
    /// The client's address, or `local`.
    pub(crate) client: Option<String>,
    /// `active`, `idle in transaction` …
    pub(crate) state: Option<String>,
    /// Since its transaction began.
    pub(crate) transaction_age: Option<Duration>,
    /// Since it is in this state.
    pub(crate) state_age: Option<Duration>,
    /// Its current or last statement, secrets masked.
    pub(crate) query: Option<String>,
    /// `client backend`, `autovacuum worker` …
    pub(crate) backend: Option<String>,
    /// Its state is not ours to see.
    pub(crate) hidden: bool,
    /// Who keeps it waiting for a lock; 0 is a prepared transaction.
    pub(crate) blocked_by: Vec<i32>,
    /// What it waits for: `AccessExclusiveLock on public.orders`.
    pub(crate) waits_for: Option<String>,
    /// The oid of the relation of this database that it waits for.
    pub(crate) waits_on: Option<u32>,
    /// Since it waits for it.
    pub(crate) waited: Option<Duration>,
}

impl Session {
    /// All but our own.
    pub(super) fn all(situation: &Situation<'_>) -> Result<Vec<Self>, EngineError> {
        // `pg_blocking_pids` stops the lock manager for a moment: it is called for those that wait, and only them.
        let since = if situation.version >= 140_000 { "l.waitstart" } else { "NULL::timestamptz" };
        let rows = situation.ask(
            "looking at the other sessions",
            &format!(
                "WITH waiting AS MATERIALIZED (SELECT DISTINCT ON (l.pid) l.pid, l.locktype, l.mode, \
                 CASE WHEN l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                 THEN l.relation END AS relation, {since} AS since \
                 FROM pg_locks l WHERE NOT l.granted AND l.pid IS NOT NULL) \
                 SELECT a.pid, a.datname, a.datname = current_database(), a.usename, a.application_name, \
                 coalesce(host(a.client_addr), CASE WHEN a.client_port = -1 THEN 'local' END), a.state, \
                 extract(epoch FROM clock_timestamp() - a.xact_start), \
                 extract(epoch FROM clock_timestamp() - a.state_change), left(a.query, {QUERY}), a.backend_type, \
                 array_to_string(CASE WHEN w.pid IS NOT NULL THEN pg_blocking_pids(w.pid) END, ','), \
                 w.mode || CASE WHEN w.relation IS NOT NULL THEN ' on ' || w.relation::regclass \
                 ELSE ' on a ' || w.locktype END, w.relation, extract(epoch FROM clock_timestamp() - w.since) \
                 FROM pg_stat_activity a LEFT JOIN waiting w ON w.pid = a.pid WHERE a.pid <> pg_backend_pid() \
                 ORDER BY a.xact_start NULLS LAST, a.pid"
            ),
        )?;
        Ok(rows.iter().map(Self::of).collect())
    }

    fn of(row: &Row) -> Self {
        let present = |column: usize| row.get(column).filter(|text| !text.is_empty()).map(str::to_owned);
        let seconds = |column: usize| {
            row.number::<f64>(column).and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok())
        };
        let hidden = row.get(9) == Some("<insufficient privilege>");
        let pids = row.text(11);
        Self {
            pid: row.number(0).unwrap_or_default(),
            database: present(1),
            here: row.flag(2),
            user: present(3),
            application: present(4).map(|name| mask_text(&name).into_owned()),
            client: present(5),
            state: present(6),
            transaction_age: seconds(7),
            state_age: seconds(8),
            query: present(9).filter(|_| !hidden).map(|query| masked(&query)),
            backend: present(10),
            hidden,
            blocked_by: pids.split(',').filter_map(|pid| pid.parse().ok()).collect(),
            waits_for: present(12),
            waits_on: row.number(13),
            waited: seconds(14),
        }
    }

    /// Whether somebody's client is behind it, as far as that can be seen: a worker of the server has no role.
    pub(crate) fn is_client(&self) -> bool {
        match &self.backend {
            Some(backend) => backend == "client backend",
            None => self.user.is_some() && self.database.is_some(),
        }
    }

    /// Whether it is in a transaction and does nothing.
    pub(crate) fn is_idle_in_transaction(&self) -> bool {
        self.state.as_deref().is_some_and(|state| state.starts_with("idle in transaction"))
    }

    /// `session 4711 (psql, alice@10.0.0.3)`
    pub(crate) fn name(&self) -> String {
        let from = match (&self.user, &self.client) {
            (Some(user), Some(client)) => Some(format!("{user}@{client}")),
            (one, other) => one.as_ref().or(other.as_ref()).cloned(),
        };
        let who: Vec<_> = self.application.iter().cloned().chain(from).collect();
        let elsewhere = match &self.database {
            Some(database) if !self.here => format!(" in database {database}"),
            _ => String::new(),
        };
        match who.is_empty() {
            true => format!("session {}{elsewhere}", self.pid),
            false => format!("session {} ({}){elsewhere}", self.pid, who.join(", ")),
        }
    }

    /// `idle in transaction for 12 min: UPDATE …`, for a line below it.
    pub(crate) fn doing(&self) -> Option<String> {
        let query = self.query.as_ref().map(|query| one_line(query, 120));
        let state = match (&self.state, self.state_age) {
            (Some(state), Some(age)) => Some(format!("{state} for {}", time(age))),
            (state, _) => state.clone(),
        };
        match (state, query) {
            (Some(state), Some(query)) => Some(format!("{state}: {query}")),
            (one, other) => one.or(other),
        }
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let ms = |duration: Option<Duration>| duration.map(|duration| duration.as_millis() as u64);
        json!({
            "pid": self.pid,
            "database": self.database,
            "user": self.user,
            "application": self.application,
            "client": self.client,
            "state": self.state,
            "transaction_ms": ms(self.transaction_age),
            "state_ms": ms(self.state_age),
            "query": self.query,
        })
    }
}

/// A query without its secrets. One that was cut may end in half of one: its last word goes.
fn masked(query: &str) -> String {
    let whole = match query.chars().count() >= QUERY {
        true => query.rsplit_once(char::is_whitespace).map_or("", |(whole, _)| whole),
        false => query,
    };
    mask_secrets(whole).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_that_was_cut_ends_before_its_last_word() {
        assert_eq!(masked("ALTER ROLE a PASSWORD 'canary'"), "ALTER ROLE a PASSWORD '***'");
        let long = format!("SELECT {} 'postgres://a:can", "x ".repeat(500));
        assert!(!masked(&long[..QUERY.min(long.len())]).contains("can"));
        let long = format!("SELECT '{}', dblink('postgres://app:canary@h/d')", "x".repeat(948));
        assert!(!masked(&long.chars().take(QUERY).collect::<String>()).contains("canar"));
    }

    #[test]
    fn a_session_is_named_as_far_as_it_is_known() {
        let mut session = Session { pid: 7, here: true, ..Session::default() };
        assert_eq!((session.name().as_str(), session.doing()), ("session 7", None));
        session.user = Some("alice".into());
        session.application = Some("psql".into());
        session.client = Some("local".into());
        session.state = Some("active".into());
        session.state_age = Some(Duration::from_secs(125));
        session.query = Some("SELECT\n  1".into());
        assert_eq!(session.name(), "session 7 (psql, alice@local)");
        assert_eq!(session.doing().as_deref(), Some("active for 2 min 5 s: SELECT 1"));
        (session.here, session.database) = (false, Some("other".into()));
        assert_eq!(session.name(), "session 7 (psql, alice@local) in database other");
    }
}
