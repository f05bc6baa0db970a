//! How many connections are left.

use migrate_runtime::quote_identifier;
use serde_json::json;

use super::finding;
use crate::inspection::{Check, Finding, Severity, Situation};

pub(super) struct Connections;

/// A run holds the lock on one, works on another, and looks from a third at what it waits for.
const NEEDED: i64 = 3;

impl Check for Connections {
    fn name(&self) -> &'static str {
        "connections"
    }

    fn title(&self) -> &'static str {
        "connections that are left"
    }

    fn why(&self) -> &'static str {
        "a run needs three connections; where it takes the last ones, the application gets none"
    }

    fn look(&self, situation: &Situation<'_>) -> anyhow::Result<Vec<Finding>> {
        // Of the sessions of others `backend_type` is hidden, but not whether they have a role: the server's workers have
        // none. Those of replication are counted elsewhere (`max_wal_senders`).
        let rows = situation.ask(
            "counting connections",
            "SELECT current_setting('max_connections')::int, current_setting('superuser_reserved_connections')::int, \
             coalesce(current_setting('reserved_connections', true), '0')::int, r.rolsuper, r.rolconnlimit, \
             d.datconnlimit, a.total, a.of_role, a.of_database, CASE WHEN current_setting('server_version_num')::int \
             >= 160000 THEN pg_has_role('pg_use_reserved_connections', 'USAGE') ELSE false END \
             FROM (SELECT count(*) AS total, count(*) FILTER (WHERE usename = session_user) AS of_role, \
             count(*) FILTER (WHERE datname = current_database()) AS of_database FROM pg_stat_activity \
             WHERE usesysid IS NOT NULL AND datid IS NOT NULL AND pid <> pg_backend_pid() \
             AND coalesce(backend_type, 'client backend') = 'client backend') a, \
             pg_roles r, pg_database d WHERE r.rolname = session_user AND d.datname = current_database()",
        )?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let number = |column: usize| row.number::<i64>(column).unwrap_or_default();
        let (max, total, superuser) = (number(0), number(6), row.flag(3));
        let mut reserved = if superuser { 0 } else { number(1) };
        if !superuser && !row.flag(9) {
            reserved += number(2);
        }
        let mut limits = vec![(max - reserved, total, "max_connections".to_owned(), "the server".to_owned())];
        let role = quote_identifier(&situation.role);
        let database = quote_identifier(&situation.identity.database);
        if number(4) >= 0 && !superuser {
            limits.push((
                number(4),
                number(7),
                format!("ALTER ROLE {role} CONNECTION LIMIT …"),
                format!("role {role}"),
            ));
        }
        if number(5) >= 0 && !superuser {
            let how = format!("ALTER DATABASE {database} CONNECTION LIMIT …");
            limits.push((number(5), number(8), how, format!("database {database}")));
        }
        let mut findings = Vec::new();
        for (limit, used, how, whose) in limits {
            let left = limit - used;
            let data =
                json!({ "limit": limit, "used": used, "left": left, "of": whose, "reserved": reserved });
            let severity = match left {
                left if left < NEEDED => Severity::Failure,
                left if left * 10 < limit => Severity::Warning,
                _ => continue,
            };
            findings.push(Finding {
                details: match whose.as_str() {
                    "the server" => vec![format!("{used} of max_connections = {max} are taken, {reserved} are reserved")],
                    _ => vec![format!("{used} of {limit} are taken")],
                },
                remedy: Some(format!(
                    "end sessions that are idle (SELECT pid, usename, application_name, state_change FROM pg_stat_activity \
                     WHERE state = 'idle' ORDER BY state_change;), or raise the limit: {how}"
                )),
                ..finding(
                    severity,
                    format!("{} connections are left of {whose}, and a run needs {NEEDED}", left.max(0)),
                    data,
                )
            });
        }
        if findings.is_empty() {
            findings.push(finding(
                Severity::Info,
                format!("{total} of {max} connections are taken"),
                json!({ "limit": max - reserved, "used": total, "left": max - reserved - total, "of": "the server", "reserved": reserved }),
            ));
        }
        Ok(findings)
    }
}
