//! Settings of the role or the database that would cut a run short.

use std::time::Duration;

use migrate_runtime::quote_identifier;
use serde_json::json;

use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::words::time;

pub(super) struct Timeouts;

impl Check for Timeouts {
    fn name(&self) -> &'static str {
        "timeouts"
    }

    fn title(&self) -> &'static str {
        "timeouts that would cut a run short"
    }

    fn why(&self) -> &'static str {
        "a migration that runs into a timeout is rolled back after all that time; one that is not transactional stays \
         partly applied"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        // Our own question has a timeout: what the session starts with is `reset_val`. `lock_timeout` is not among them,
        // the engine sets it for every statement; so it does with idle_in_transaction_session_timeout on the connection
        // that holds the runners' lock, and with transaction_timeout there.
        let rows = situation.ask(
            "asking for timeouts",
            "SELECT name, reset_val FROM pg_settings WHERE CASE WHEN name IN ('statement_timeout', \
             'transaction_timeout', 'lock_timeout') THEN reset_val::int8 > 0 END ORDER BY name",
        )?;
        let pending = situation.pending.migrations();
        let said = |timeout: &str| {
            timeout == "statement_timeout"
                && !pending.is_empty()
                && pending.iter().all(|migration| migration.up.directives.statement_timeout.is_some())
        };
        let role = quote_identifier(&situation.role);
        let rows = rows.iter().filter(|row| !pending.is_empty() && !said(&row.text(0)));
        let finding = |row: &migrate_runtime::connection::Row| {
            let (name, limit) = (row.text(0), Duration::from_millis(row.number(1).unwrap_or_default()));
            let overridden = name == "lock_timeout";
            Finding {
                severity: if overridden { Severity::Info } else { Severity::Warning },
                what: match overridden {
                    true => format!("{name} is {} for this role; a run sets its own", time(limit)),
                    false => format!("{name} is {} for this role, and a run is cut short by it", time(limit)),
                },
                details: Vec::new(),
                remedy: match name.as_str() {
                    "lock_timeout" => None,
                    "statement_timeout" => Some(format!(
                        "ALTER ROLE {role} SET statement_timeout = 0; or in the head of a migration that takes longer: \
                         -- migrate: statement-timeout 30min"
                    )),
                    _ => Some(format!("ALTER ROLE {role} SET {name} = 0;")),
                },
                data: json!({ "setting": name, "ms": limit.as_millis() as u64 }),
            }
        };
        Ok(rows.map(finding).collect())
    }
}
