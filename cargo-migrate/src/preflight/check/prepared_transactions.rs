//! Transactions that were prepared for a two-phase commit, and wait for the second.

use std::time::Duration;

use migrate_runtime::quote_literal;
use serde_json::json;

use super::conflict_lines;
use crate::inspection::{Check, Conflict, Finding, Severity, Situation};
use crate::render::words::time;

pub(super) struct PreparedTransactions;

impl Check for PreparedTransactions {
    fn name(&self) -> &'static str {
        "prepared-transactions"
    }

    fn title(&self) -> &'static str {
        "prepared transactions"
    }

    fn why(&self) -> &'static str {
        "a prepared transaction keeps its locks over disconnects and restarts until somebody commits it or rolls it back, \
         and there is no session to end"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        // Its locks have no process; they share a virtual transaction with the lock on its own transaction id.
        let rows = situation.ask(
            "looking at prepared transactions",
            "SELECT p.gid, p.owner, p.database, p.database = current_database(), \
             extract(epoch FROM clock_timestamp() - p.prepared), t.virtualtransaction FROM pg_prepared_xacts p \
             LEFT JOIN pg_locks t ON t.locktype = 'transactionid' AND t.transactionid = p.transaction \
             AND t.pid IS NULL AND t.granted ORDER BY p.prepared",
        )?;
        let (touched, locks) = (situation.touched()?, situation.locks()?);
        let finding = |row: &migrate_runtime::connection::Row| {
            let (gid, owner, database, here) = (row.text(0), row.text(1), row.text(2), row.flag(3));
            let age = Duration::try_from_secs_f64(row.number::<f64>(4).unwrap_or_default().max(0.0));
            let age = age.unwrap_or_default();
            let transaction = row.get(5);
            let conflicts = Conflict::of(locks, touched, |held| {
                here && held.pid.is_none() && Some(held.transaction.as_str()) == transaction
            });
            let severity = match conflicts.is_empty() {
                false => Severity::Failure,
                // A two-phase commit takes moments: one that is young is at work.
                true if age < situation.limits.transaction_age => Severity::Info,
                true => Severity::Warning,
            };
            let gid_literal = quote_literal(&gid);
            let place = if here { String::new() } else { format!(" (in database {database})") };
            Finding {
                severity,
                what: format!(
                    "transaction {gid_literal} of {owner}{place} has been prepared for {}",
                    time(age)
                ),
                details: conflict_lines(&conflicts).collect(),
                remedy: Some(format!(
                    "ask its transaction manager; then COMMIT PREPARED {gid_literal}; or ROLLBACK PREPARED \
                     {gid_literal};{place}"
                )),
                data: json!({
                    "gid": gid, "owner": owner, "database": database, "age_ms": age.as_millis() as u64,
                    "conflicts": conflicts.iter().map(Conflict::json).collect::<serde_json::Value>(),
                }),
            }
        };
        Ok(rows.iter().map(finding).collect())
    }
}
