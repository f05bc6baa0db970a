//! Replication slots that nobody reads from.

use migrate_runtime::quote_literal;
use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::words::bytes;

pub(super) struct ReplicationSlots;

impl Check for ReplicationSlots {
    fn name(&self) -> &'static str {
        "replication-slots"
    }

    fn title(&self) -> &'static str {
        "inactive replication slots"
    }

    fn why(&self) -> &'static str {
        "a slot that nobody reads from keeps all that is written since, until the disk is full; what a migration writes \
         comes on top"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        // `invalidation_reason` came with 17; before, `wal_status` is `lost`.
        let reason = if situation.version >= 170_000 { "s.invalidation_reason" } else { "NULL" };
        let rows = situation.ask(
            "looking at replication slots",
            &format!(
                "SELECT s.slot_name, s.slot_type, s.database, s.active, s.wal_status, \
                 pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() \
                 ELSE pg_current_wal_lsn() END, s.restart_lsn)::int8, {reason} FROM pg_replication_slots s \
                 WHERE NOT s.temporary AND (NOT s.active OR s.wal_status IN ('unreserved', 'lost')) ORDER BY s.slot_name"
            ),
        )?;
        let finding = |row: &migrate_runtime::connection::Row| {
            let name = row.text(0);
            let retained = row.number::<i64>(5).map(|bytes| u64::try_from(bytes).unwrap_or_default());
            let status = row.text(4);
            let is_lost = status == "lost";
            let what = match (is_lost, retained) {
                (true, _) => format!("slot {name} ({}) lost what it had to keep", row.text(1)),
                _ if status == "unreserved" => {
                    format!("slot {name} ({}) is about to lose what it has to keep", row.text(1))
                }
                (_, Some(kept)) => {
                    format!("slot {name} ({}) is not read from, and keeps {}", row.text(1), bytes(kept))
                }
                (_, None) => {
                    format!("slot {name} ({}) was never read from, and keeps nothing", row.text(1))
                }
            };
            Finding {
                remedy: Some(format!(
                    "see that its reader comes back; where it is gone for good: SELECT pg_drop_replication_slot({});",
                    quote_literal(&name)
                )),
                ..finding(
                    if retained.is_none() && !is_lost { Severity::Info } else { Severity::Warning },
                    what,
                    json!({
                        "slot": name, "type": row.get(1), "database": row.get(2), "active": row.flag(3),
                        "wal_status": row.get(4), "retained_bytes": retained, "invalidation_reason": row.get(6),
                    }),
                )
            }
        };
        Ok(rows.iter().map(finding).collect())
    }
}
