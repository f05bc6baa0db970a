//! Old transactions: what they hold they hold until they end.

use serde_json::json;

use super::conflict_lines;
use crate::inspection::{Check, Conflict, Finding, Severity, Situation};
use crate::render::words::time;

pub(super) struct LongTransactions;

impl Check for LongTransactions {
    fn name(&self) -> &'static str {
        "long-transactions"
    }

    fn title(&self) -> &'static str {
        "transactions older than 30 s, or --max-transaction-age"
    }

    fn why(&self) -> &'static str {
        "a migration that needs a table which an old transaction has locked waits for its end, and everybody else behind \
         it; CREATE INDEX CONCURRENTLY waits for every older transaction, whatever it touched"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let limit = situation.limits.transaction_age;
        let (touched, locks) = (situation.touched()?, situation.locks()?);
        let mut findings = Vec::new();
        // What a session of another database holds is in nobody's way here, not even in that of CREATE INDEX CONCURRENTLY.
        for session in situation.sessions()?.iter().filter(|session| session.here && session.is_client()) {
            let Some(age) = session.transaction_age.filter(|age| *age >= limit) else { continue };
            let conflicts = Conflict::of(locks, touched, |held| held.pid == Some(session.pid));
            let severity = if conflicts.is_empty() { Severity::Warning } else { Severity::Failure };
            let mut details: Vec<_> = session.doing().into_iter().collect();
            details.extend(conflict_lines(&conflicts));
            if conflicts.is_empty() && touched.concurrent {
                details
                    .push("a pending migration builds an index concurrently, and would wait for it".into());
            }
            let mut data = session.json();
            data["conflicts"] = conflicts.iter().map(Conflict::json).collect();
            findings.push(Finding {
                severity,
                what: format!("{} has been in a transaction for {}", session.name(), time(age)),
                details,
                remedy: Some(match session.is_idle_in_transaction() {
                    true => format!("SELECT pg_terminate_backend({});", session.pid),
                    // What it does is lost with it, so it is asked for its query first.
                    false => format!(
                        "wait for its end, or SELECT pg_cancel_backend({pid}); then SELECT pg_terminate_backend({pid});",
                        pid = session.pid
                    ),
                }),
                data,
            });
        }
        for session in situation.sessions()?.iter().filter(|session| session.hidden) {
            let conflicts = Conflict::of(locks, touched, |held| held.pid == Some(session.pid));
            if conflicts.is_empty() {
                continue;
            }
            findings.push(Finding {
                severity: Severity::Warning,
                what: format!("{} is in a transaction whose age this role may not see", session.name()),
                details: conflict_lines(&conflicts).collect(),
                remedy: Some(super::grant_monitor(situation)),
                data: json!({
                    "pid": session.pid, "unknown": "insufficient privilege",
                    "conflicts": conflicts.iter().map(Conflict::json).collect::<serde_json::Value>(),
                }),
            });
        }
        Ok(findings)
    }
}
