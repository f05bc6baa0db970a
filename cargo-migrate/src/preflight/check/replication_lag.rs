//! How far the replicas are behind, and whether commits wait for one that is not there.

use std::time::Duration;

use serde_json::json;

use super::{finding, grant_monitor};
use crate::inspection::{Check, Finding, Severity, Situation};
use crate::render::words::{bytes, time};

pub(super) struct ReplicationLag;

/// A replica that is this far behind shows its readers a database of before.
const BYTES: u64 = 64 << 20;
const TIME: Duration = Duration::from_secs(10);

impl Check for ReplicationLag {
    fn name(&self) -> &'static str {
        "replication-lag"
    }

    fn title(&self) -> &'static str {
        "replicas that are behind"
    }

    fn why(&self) -> &'static str {
        "what a migration writes has to pass the same queue: a replica that is behind already falls further behind, and \
         commits wait for a synchronous one"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        let rows = situation.ask(
            "looking at replication",
            "SELECT r.pid, r.application_name, coalesce(host(r.client_addr), 'local'), r.state, r.sync_state, \
             pg_wal_lsn_diff(w.now, r.replay_lsn)::int8, extract(epoch FROM r.replay_lag) \
             FROM (SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END) \
             AS w(now), pg_stat_replication r ORDER BY r.application_name, r.pid",
        )?;
        let mut findings = Vec::new();
        for row in &rows {
            let name = format!("{} ({})", row.text(1), row.text(2));
            let Some(state) = row.get(3) else {
                findings.push(Finding {
                    remedy: Some(grant_monitor(situation)),
                    ..finding(
                        Severity::Warning,
                        format!("how far the replica of process {} is behind is hidden", row.text(0)),
                        json!({ "pid": row.number::<i32>(0), "unknown": "insufficient privilege" }),
                    )
                });
                continue;
            };
            let lag = row.number::<i64>(5).map(|lag| u64::try_from(lag).unwrap_or_default());
            let late = row.number::<f64>(6).and_then(|late| Duration::try_from_secs_f64(late.max(0.0)).ok());
            // pg_basebackup and pg_dump's snapshots replay nothing.
            if lag.is_none() && state != "streaming" && state != "catchup" {
                continue;
            }
            let behind = lag >= Some(BYTES) || late >= Some(TIME);
            if !behind && state == "streaming" {
                continue;
            }
            let lag_text = lag.map_or_else(|| "an unknown amount".to_owned(), bytes);
            let late_text = late.map(|late| format!(" and {}", time(late))).unwrap_or_default();
            findings.push(Finding {
                remedy: Some("wait until it has caught up, or migrate without it".to_owned()),
                ..finding(
                    Severity::Warning,
                    format!("replica {name} ({state}, {}) is {lag_text}{late_text} behind", row.text(4)),
                    json!({
                        "pid": row.number::<i32>(0), "replica": row.get(1), "client": row.get(2), "state": state,
                        "sync_state": row.get(4), "lag_bytes": lag,
                        "lag_ms": late.map(|late| late.as_millis() as u64),
                    }),
                )
            });
        }
        findings.extend(unanswered(situation, rows.iter().any(|row| row.get(3).is_none()))?);
        Ok(findings)
    }
}

/// Commits wait for synchronous replicas, and there are not as many as they wait for.
fn unanswered(situation: &Situation<'_>, hidden: bool) -> anyhow::Result<Option<Finding>> {
    let rows = situation.ask(
        "looking at synchronous replication",
        "SELECT current_setting('synchronous_standby_names'), current_setting('synchronous_commit'), \
         (SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')), pg_is_in_recovery()",
    )?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (names, commit, there) = (row.text(0), row.text(1), row.number::<u64>(2).unwrap_or_default());
    let waits = !names.is_empty() && !matches!(commit.as_str(), "off" | "local") && !row.flag(3);
    if !waits || hidden || there >= wanted(&names) {
        return Ok(None);
    }
    Ok(Some(Finding {
        remedy: Some(
            "bring the replica back, or change synchronous_standby_names and SELECT pg_reload_conf();".into(),
        ),
        ..finding(
            Severity::Failure,
            format!(
                "every commit waits for {} of synchronous_standby_names = '{names}', and {there} are there",
                wanted(&names)
            ),
            json!({ "synchronous_standby_names": names, "synchronous_commit": commit, "there": there }),
        )
    }))
}

/// How many replicas a commit waits for: `FIRST 2 (a, b)`, `ANY 1 (…)`, `2 (…)`, or one of a plain list.
fn wanted(names: &str) -> u64 {
    let head = names.split('(').next().unwrap_or_default();
    let number = names.contains('(').then(|| head.split_whitespace().last()?.parse().ok());
    number.flatten().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "synchronous_standby_names" of the manual.
    #[test]
    fn how_many_a_commit_waits_for() {
        for (names, number) in
            [("a", 1), ("a, b", 1), ("*", 1), ("2 (a, b)", 2), ("FIRST 2 (a,b)", 2), ("any 3(*)", 3)]
        {
            assert_eq!(wanted(names), number, "{names}");
        }
    }
}
