//! Who follows the server, and how far behind.

use migrate_runtime::connection::Row;
use serde_json::json;

use crate::inspection::{Check, Finding, Severity, Situation, ask};
use crate::render::words::bytes;

/// Slots and standbys after the run: a rewrite or an index is sent to each of them in full.
pub(crate) struct Replication;

/// A standby that is further behind, in bytes or in seconds, is told.
const BEHIND_BYTES: i64 = 64 << 20;
const BEHIND_SECONDS: f64 = 30.0;
/// A slot that holds back more is told though it is in use.
const RETAINED_BYTES: i64 = 1 << 30;

const SLOTS: &str = "\
SELECT slot_name, slot_type, active, wal_status, pg_wal_lsn_diff(
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::int8
FROM pg_replication_slots WHERE NOT temporary ORDER BY 1";

/// A base backup is no standby.
const STANDBYS: &str = "\
SELECT application_name, host(client_addr), state, pg_wal_lsn_diff(
           CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
           coalesce(replay_lsn, flush_lsn))::int8,
       extract(epoch FROM replay_lag), pid
FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' ORDER BY 1, 6";

impl Check for Replication {
    fn name(&self) -> &'static str {
        "replication"
    }

    fn title(&self) -> &'static str {
        "replication slots and standbys"
    }

    fn why(&self) -> &'static str {
        "a standby that is behind answers with what was, and is no place to fail over to; a slot that nobody reads fills the disk"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let slots = ask::patient(situation.connection, "looking at the replication slots", SLOTS)?;
        let standbys = ask::patient(situation.connection, "looking at the standbys", STANDBYS)?;
        Ok(slots.iter().filter_map(of_slot).chain(standbys.iter().filter_map(of_standby)).collect())
    }
}

fn of_slot(row: &Row) -> Option<Finding> {
    let (slot, active, status) = (row.text(0), row.flag(2), row.get(3).unwrap_or_default());
    let retained = row.number::<i64>(4).unwrap_or_default().max(0);
    let held = bytes(retained.unsigned_abs());
    let drop = format!("SELECT pg_drop_replication_slot({});", migrate_runtime::quote_literal(&slot));
    let (severity, what, remedy) = match (status, active) {
        ("lost", _) => (
            Severity::Failure,
            format!("slot {slot} has lost changes that it needed: whoever reads it has to be set up anew"),
            drop,
        ),
        ("unreserved", _) => (
            Severity::Warning,
            format!("slot {slot} is about to lose changes that it needs: it is {held} behind"),
            "let whoever reads it catch up, or raise max_slot_wal_keep_size".to_owned(),
        ),
        (_, false) => (
            Severity::Warning,
            format!("nobody reads slot {slot}, and it holds back {held} of changes"),
            format!("start whoever reads it, or: {drop}"),
        ),
        (_, true) if retained > RETAINED_BYTES => (
            Severity::Warning,
            format!("slot {slot} holds back {held} of changes"),
            "see that whoever reads it catches up, and that the disk has room until then".to_owned(),
        ),
        _ => return None,
    };
    let data = json!({
        "slot": slot, "type": row.get(1), "active": active, "wal_status": row.get(3), "retained_bytes": retained,
    });
    Some(Finding { severity, what, details: Vec::new(), remedy: Some(remedy), data })
}

fn of_standby(row: &Row) -> Option<Finding> {
    let address = row.get(1).map(|address| format!(" at {address}")).unwrap_or_default();
    let name = format!("standby {}{address}", row.text(0));
    let (behind, lag) = (row.number::<i64>(3), row.number::<f64>(4));
    let (what, remedy) = match row.get(2) {
        None => (
            format!("how far behind {name} is could not be seen"),
            "GRANT pg_monitor to this role".to_owned(),
        ),
        Some("streaming") => {
            let late = behind.is_some_and(|behind| behind > BEHIND_BYTES)
                || lag.is_some_and(|lag| lag > BEHIND_SECONDS);
            if !late {
                return None;
            }
            let seconds = lag.map(|lag| format!(" and {lag:.0} s")).unwrap_or_default();
            let behind = bytes(behind.unwrap_or_default().max(0).unsigned_abs());
            (
                format!("{name} is {behind}{seconds} behind"),
                "wait until it caught up before anything is read from it, or failed over to it".to_owned(),
            )
        }
        Some(state) => (
            format!("{name} is not streaming: {state}"),
            "wait until it streams; its log says what it lacks".to_owned(),
        ),
    };
    let data = json!({
        "standby": row.get(0), "address": row.get(1), "state": row.get(2), "behind_bytes": behind, "lag_seconds": lag,
    });
    Some(Finding { severity: Severity::Warning, what, details: Vec::new(), remedy: Some(remedy), data })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::testing::{Bench, whats};

    #[test]
    fn a_slot_that_nobody_reads_is_told() {
        let bench = Bench::new();
        let slot = format!("slot_{}", bench.database.name());
        // The scratch server is one for all tests: others may have slots too.
        let of_slot = |found: Vec<Finding>| -> Vec<Finding> {
            found.into_iter().filter(|finding| finding.what.contains(&slot)).collect()
        };
        assert_eq!(whats(&of_slot(bench.look(&Replication))), [""; 0]);
        bench.sql(&format!("SELECT pg_create_physical_replication_slot('{slot}', true)"));
        let found = of_slot(bench.look(&Replication));
        assert!(
            found[0].what.starts_with(&format!("nobody reads slot {slot}, and it holds back ")),
            "{found:?}"
        );
        bench.sql(&format!("SELECT pg_drop_replication_slot('{slot}')"));
        assert_eq!(whats(&of_slot(bench.look(&Replication))), [""; 0]);
    }
}
