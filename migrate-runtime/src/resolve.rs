//! What became of a migration whose connection broke: the truth from the server, not a guess.
//!
//! Effect and record are one transaction, so the record tells. (`pg_xact_status` would need the transaction's number, and
//! that travels in the very answer that was lost.) It is asked for once the old session has ended: before that the message
//! may lie unread in the server's socket, with no transaction begun and no lock taken, and be executed after any answer.
//!
//! Behind a pooler that session cannot be named. There the fence shows that a transaction is over which has begun; a record
//! that is there is the truth, and one that is not proves nothing.

use std::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::history_table::quote_literal;
use crate::run::{Prepared, Runner};
use crate::session::Session;

/// A server that crashed needs its recovery first.
const PATIENCE: Duration = Duration::from_secs(30);

/// Commits a change that changes nothing, and so waits until all before it is on the disk.
pub(crate) const TO_DISK: &str = "SELECT pg_catalog.pg_logical_emit_message(true, 'cargo-migrate', '')";

/// Whether our transaction was committed; `None` where the server did not say in time.
pub(crate) async fn committed(runner: &Runner<'_>, step: &Prepared<'_>) -> Option<bool> {
    let log = runner.settings.history.log_quoted();
    let question = format!(
        "SELECT EXISTS (SELECT FROM {log} WHERE run = {} AND version = {} AND action = '{}' AND outcome = 'ok')",
        quote_literal(&runner.run_id),
        quote_literal(&step.version),
        step.direction.name()
    );
    let pooled = runner.probe.pooled;
    // A later session with the same number started after ours was lost.
    let over = match runner.work.greeted_by.filter(|_| !pooled) {
        Some(pid) => format!(
            "SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity WHERE pid = {pid} AND coalesce(backend_start < \
             (SELECT backend_start FROM pg_catalog.pg_stat_activity WHERE pid = pg_catalog.pg_backend_pid()), true))"
        ),
        None => format!("SELECT pg_catalog.pg_try_advisory_xact_lock({})", runner.keys.fence),
    };
    let started = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(20), Duration::from_secs(1));
    while started.elapsed() < PATIENCE && runner.settings.interrupt.triggered().is_none() {
        let tried = Instant::now();
        let open = Session::open(&runner.database, &runner.settings.tool, &runner.emitter);
        let opened = tokio::time::timeout(Duration::from_secs(5), open).await;
        if !matches!(&opened, Ok(Ok(_))) && tried.elapsed() >= runner.database.silence() {
            // A server that starts again says so, or its system does. Nobody answers: the network is gone, and whoever set a
            // limit for a connection meant this.
            return None;
        }
        if let Ok(Ok(session)) = opened {
            // In a statement of its own: the question must see what the old transaction committed.
            let over =
                session.query(&over).await.is_ok_and(|rows| rows.first().is_some_and(|row| row.is_true(0)));
            if over && let Ok(rows) = session.query(&question).await {
                let found = rows.first().is_some_and(|row| row.is_true(0));
                if found && session.query(TO_DISK).await.is_err() {
                    continue;
                }
                return (found || !pooled).then_some(found);
            }
        }
        tokio::time::sleep(backoff.pause()).await;
    }
    None
}
