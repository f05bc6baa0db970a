//! A look at a migration in flight, through a connection of its own: what it waits for, who blocks it, how far it is.

use std::time::Duration;

use migrate_core::sql::mask_text;

use crate::event::Session as Other;
use crate::lock::{Keys, held};
use crate::session::{Row, Session};

/// The columns of `pg_stat_activity` that [`Other::from_row`] reads.
pub(crate) fn session_columns(alias: &str) -> String {
    format!(
        "{alias}.pid, {alias}.application_name, {alias}.usename, \
         coalesce(host({alias}.client_addr), CASE WHEN {alias}.client_port = -1 THEN 'local' END), {alias}.state, \
         extract(epoch FROM clock_timestamp() - {alias}.xact_start), left({alias}.query, 500)"
    )
}

impl Other {
    pub(crate) fn from_row(row: Row<'_>) -> Self {
        let present = |column: usize| row.owned(column).filter(|text| !text.is_empty());
        Self {
            pid: row.number(0).unwrap_or(0),
            // Anybody may write anything there, a connection string too.
            application: present(1).map(|name| mask_text(&name).into_owned()),
            user: present(2),
            client: present(3),
            state: present(4),
            transaction_age: row
                .number::<f64>(5)
                .and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()),
            query: present(6),
        }
    }
}

/// What a migration in flight is doing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sight {
    pub pid: i32,
    pub wait: Option<String>,
    pub blockers: Vec<Other>,
    pub progress: Option<String>,
}

/// Looks at the process that runs a migration: `pid` where we know it, else whoever holds the fence.
///
/// `None` where the server does not answer in time or does not let us see it: a look must never disturb a run.
pub(crate) async fn look(session: &Session, pid: Option<i32>, keys: Keys) -> Option<Sight> {
    let worker = pid.map_or_else(
        || format!("(SELECT pid FROM pg_catalog.pg_locks WHERE {} LIMIT 1)", held(keys.fence)),
        |pid| pid.to_string(),
    );
    let sql = format!(
        "SELECT w.pid, CASE WHEN w.wait_event_type NOT IN ('Client', 'Activity') \
         THEN w.wait_event_type || '/' || w.wait_event END, \
         (SELECT p.phase || CASE WHEN p.blocks_total > 0 THEN ' ' || p.blocks_done * 100 / p.blocks_total || ' %' \
         WHEN p.tuples_total > 0 THEN ' ' || p.tuples_done * 100 / p.tuples_total || ' %' ELSE '' END \
         FROM pg_catalog.pg_stat_progress_create_index p WHERE p.pid = w.pid LIMIT 1) \
         FROM pg_catalog.pg_stat_activity w WHERE w.pid = {worker};\n\
         SELECT {} FROM pg_catalog.pg_stat_activity b WHERE b.pid = ANY (pg_catalog.pg_blocking_pids({worker}))",
        session_columns("b")
    );
    let rows = tokio::time::timeout(Duration::from_secs(2), session.query(&sql)).await.ok()?.ok()?;
    let mut rows = rows.iter();
    let worker = rows.next()?;
    Some(Sight {
        pid: worker.number(0)?,
        wait: worker.owned(1),
        progress: worker.owned(2),
        blockers: rows.map(Other::from_row).collect(),
    })
}
