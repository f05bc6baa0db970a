//! How much of the other sessions this role may see.

use serde_json::json;

use super::{finding, grant_monitor};
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::words::count;

pub(super) struct Visibility;

impl Check for Visibility {
    fn name(&self) -> &'static str {
        "visibility"
    }

    fn title(&self) -> &'static str {
        "what this role may see"
    }

    fn why(&self) -> &'static str {
        "without pg_read_all_stats a role sees of the sessions of others only that they are there and what they have \
         locked: how old their transactions are and what they do stays hidden"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let hidden = situation.sessions()?.iter().filter(|session| session.hidden);
        // Those of other databases are in nobody's way, and the server's own workers have none.
        let hidden = hidden.filter(|session| session.here).count();
        if hidden == 0 {
            return Ok(Vec::new());
        }
        let limits = ["long-transactions", "idle-in-transaction", "blocking-chains", "wraparound-vacuum"];
        Ok(vec![Finding {
            details: vec![format!("so these saw a part only: {}", limits.join(", "))],
            remedy: Some(grant_monitor(situation)),
            ..finding(
                Severity::Warning,
                format!(
                    "{} may not see what {} of this database do",
                    situation.role,
                    count(hidden, "session")
                ),
                json!({ "hidden": hidden, "unknown": "insufficient privilege", "checks": limits }),
            )
        }])
    }
}
