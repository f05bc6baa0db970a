//! Sessions that hold a transaction open and do nothing.

use std::time::Duration;

use serde_json::json;

use super::{conflict_lines, finding};
use crate::inspection::{Check, Conflict, Finding, Severity, Situation};
use crate::render::words::{count, time};

/// Between two statements of a transaction an application computes for milliseconds, not for as long as a migration
/// waits for a lock by default.
const BRIEFLY: Duration = Duration::from_secs(5);

pub(super) struct IdleInTransaction;

impl Check for IdleInTransaction {
    fn name(&self) -> &'static str {
        "idle-in-transaction"
    }

    fn title(&self) -> &'static str {
        "sessions idle in transaction"
    }

    fn why(&self) -> &'static str {
        "nobody knows when a session that waits for its client ends its transaction; it holds its locks until then, and \
         keeps VACUUM from removing rows"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let (touched, locks) = (situation.touched()?, situation.locks()?);
        let (mut findings, mut brief, mut told) = (Vec::new(), Vec::new(), Vec::new());
        let here = situation.sessions()?.iter().filter(|session| session.here);
        let idle = here.filter(|session| session.is_idle_in_transaction());
        for session in idle {
            let age = session.state_age.unwrap_or_default();
            if session.transaction_age >= Some(situation.limits.transaction_age) {
                told.push(session);
                continue;
            }
            let conflicts = Conflict::of(locks, touched, |held| held.pid == Some(session.pid));
            if age < BRIEFLY && conflicts.is_empty() {
                brief.push(session);
                continue;
            }
            let in_the_way = age >= BRIEFLY && !conflicts.is_empty();
            let mut details: Vec<_> = session.doing().into_iter().collect();
            details.extend(conflict_lines(&conflicts));
            let mut data = session.json();
            data["conflicts"] = conflicts.iter().map(Conflict::json).collect();
            findings.push(Finding {
                severity: if in_the_way { Severity::Failure } else { Severity::Warning },
                what: format!("{} has been idle in transaction for {}", session.name(), time(age)),
                details,
                remedy: Some(format!("SELECT pg_terminate_backend({});", session.pid)),
                data,
            });
        }
        let pids = |sessions: &[&crate::inspection::Session]| {
            sessions.iter().map(|session| session.pid.to_string()).collect::<Vec<_>>().join(", ")
        };
        if !told.is_empty() {
            findings.push(finding(
                Severity::Info,
                format!("told under long-transactions: {}", pids(&told)),
                json!({ "sessions": told.iter().map(|session| session.json()).collect::<Vec<_>>() }),
            ));
        }
        if !brief.is_empty() {
            findings.push(finding(
                Severity::Info,
                format!(
                    "{} for less than {}: {}",
                    count(brief.len(), "session"),
                    time(BRIEFLY),
                    pids(&brief)
                ),
                json!({ "sessions": brief.iter().map(|session| session.json()).collect::<Vec<_>>() }),
            ));
        }
        Ok(findings)
    }
}
