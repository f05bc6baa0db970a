//! An autovacuum that does not give way.

use std::time::Duration;

use migrate_runtime::rehearsal::LockMode;
use serde_json::json;

use super::{conflict_lines, grant_monitor};
use crate::inspection::{Check, Conflict, Finding, Severity, Situation};
use crate::render::words::time;

pub(super) struct WraparoundVacuum;

impl Check for WraparoundVacuum {
    fn name(&self) -> &'static str {
        "wraparound-vacuum"
    }

    fn title(&self) -> &'static str {
        "autovacuum to prevent wraparound"
    }

    fn why(&self) -> &'static str {
        "an ordinary autovacuum gives way to whoever needs its table; one that prevents the wraparound of transaction ids \
         does not, and a migration of that table waits for hours where it is large"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let (touched, locks) = (situation.touched()?, situation.locks()?);
        let mut findings = Vec::new();
        for session in situation.sessions()?.iter().filter(|session| session.here && !session.is_client()) {
            let query = session.query.as_deref().unwrap_or_default();
            let prevents = query.ends_with("(to prevent wraparound)");
            let conflicts = Conflict::of(locks, touched, |held| {
                held.pid == Some(session.pid) && held.mode >= LockMode::ShareUpdateExclusive
            });
            // Somebody without a role who has a table locked is a worker of autovacuum; of which kind is hidden.
            let perhaps = session.hidden && !conflicts.is_empty();
            if !prevents && !perhaps {
                continue;
            }
            let what = query
                .strip_prefix("autovacuum: ")
                .unwrap_or("VACUUM")
                .trim_end_matches("(to prevent wraparound)");
            let age = session.transaction_age.unwrap_or(Duration::ZERO);
            findings.push(Finding {
                severity: match (conflicts.is_empty(), prevents) {
                    (true, _) => Severity::Info,
                    (false, true) => Severity::Failure,
                    (false, false) => Severity::Warning,
                },
                what: match prevents {
                    true => format!(
                        "autovacuum {} prevents wraparound since {}: {}",
                        session.pid,
                        time(age),
                        what.trim()
                    ),
                    false => format!("autovacuum {} is at work; whether it gives way is hidden", session.pid),
                },
                details: conflict_lines(&conflicts).collect(),
                remedy: Some(match prevents {
                    true => format!(
                        "wait for its end: SELECT * FROM pg_stat_progress_vacuum WHERE pid = {}; cancelled, it begins \
                         anew",
                        session.pid
                    ),
                    false => grant_monitor(situation),
                }),
                data: json!({
                    "pid": session.pid, "query": session.query, "age_ms": age.as_millis() as u64,
                    "conflicts": conflicts.iter().map(Conflict::json).collect::<serde_json::Value>(),
                }),
            });
        }
        Ok(findings)
    }
}
