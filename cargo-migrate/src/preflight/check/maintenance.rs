//! Dumps, index builds and vacuums that somebody runs on the run's tables: short or not, they end when they end.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::conflict_lines;
use crate::inspection::{Check, Conflict, Finding, Session, Severity, Situation};
use crate::render::words::time;

pub(super) struct Maintenance;

/// A small table is done with sooner.
const BRIEFLY: Duration = Duration::from_secs(5);

/// The programs that hold locks for as long as they work, by the name that they give themselves.
const PROGRAMS: [&str; 3] = ["pg_dump", "pg_restore", "pg_repack"];

impl Check for Maintenance {
    fn name(&self) -> &'static str {
        "maintenance"
    }

    fn title(&self) -> &'static str {
        "dumps, index builds and vacuums on the run's tables"
    }

    fn why(&self) -> &'static str {
        "a dump keeps every table locked against ALTER TABLE until it ends, and so do VACUUM, CREATE INDEX and CLUSTER with \
         theirs; a migration waits for them, and everybody else behind it"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        // The manual's "Progress Reporting". Whom the rest is hidden from still sees the process.
        let rows = situation.ask(
            "looking for maintenance at work",
            "SELECT pid, 'VACUUM' FROM pg_stat_progress_vacuum UNION ALL \
             SELECT pid, coalesce(command, 'CLUSTER') FROM pg_stat_progress_cluster UNION ALL \
             SELECT pid, coalesce(command, 'CREATE INDEX') FROM pg_stat_progress_create_index UNION ALL \
             SELECT pid, 'ANALYZE' FROM pg_stat_progress_analyze UNION ALL \
             SELECT pid, coalesce(command, 'COPY') FROM pg_stat_progress_copy",
        )?;
        let commands: HashMap<i32, String> =
            rows.iter().filter_map(|row| Some((row.number(0)?, row.text(1)))).collect();
        let (touched, locks) = (situation.touched()?, situation.locks()?);
        let mut findings = Vec::new();
        // Workers of autovacuum give way, or have a check of their own.
        for session in situation.sessions()?.iter().filter(|session| session.here && session.is_client()) {
            // Told under long-transactions.
            if session.transaction_age >= Some(situation.limits.transaction_age) {
                continue;
            }
            let program = program(session);
            let Some(what) = program.or_else(|| commands.get(&session.pid).map(String::as_str)) else {
                continue;
            };
            let age = session.transaction_age.or(session.state_age).unwrap_or_default();
            let conflicts = Conflict::of(locks, touched, |held| held.pid == Some(session.pid));
            // An index that is built concurrently waits for whoever has a snapshot: VACUUM's is not counted.
            let awaited = touched.concurrent && what != "VACUUM";
            let severity = match (conflicts.is_empty(), program.is_some() || age >= BRIEFLY) {
                (false, true) => Severity::Failure,
                // An application's COPY of a moment is traffic.
                (false, false) if !what.starts_with("COPY") => Severity::Warning,
                (true, true) if awaited => Severity::Warning,
                _ => continue,
            };
            let mut details: Vec<_> = session.doing().into_iter().collect();
            details.extend(conflict_lines(&conflicts));
            if conflicts.is_empty() {
                details
                    .push("a pending migration builds an index concurrently, and would wait for it".into());
            }
            let mut data = session.json();
            data["command"] = what.into();
            data["conflicts"] = conflicts.iter().map(Conflict::json).collect::<Value>();
            findings.push(Finding {
                severity,
                what: format!("{} has been at work for {}: {what}", session.name(), time(age)),
                details,
                remedy: Some(format!(
                    "wait for its end; or, where it can be begun anew, SELECT pg_cancel_backend({});",
                    session.pid
                )),
                data,
            });
        }
        Ok(findings)
    }
}

/// A session says who it is, and may say what it likes: one that only waits for its client is none of these.
fn program(session: &Session) -> Option<&'static str> {
    let name = session.application.as_deref()?;
    PROGRAMS.into_iter().find(|program| name == *program).filter(|_| session.transaction_age.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_known_by_its_name_and_its_transaction() {
        let mut session = Session { application: Some("pg_dump".into()), ..Session::default() };
        assert_eq!(program(&session), None);
        session.transaction_age = Some(Duration::ZERO);
        assert_eq!(program(&session), Some("pg_dump"));
        session.application = Some("pg_dumpling".into());
        assert_eq!(program(&session), None);
    }
}
