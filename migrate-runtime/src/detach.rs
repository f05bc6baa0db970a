//! A `DETACH PARTITION … CONCURRENTLY` that was interrupted: it commits half-way, and is finished with `FINALIZE`.

use migrate_core::sql::ConcurrentDetach;

use crate::Error;
use crate::history_table::{quote_literal, quote_path};
use crate::run::Runner;

/// Finishes it where it stopped half-way. Whether the partition is detached now; where it is not, nothing had happened.
pub(crate) async fn finish(runner: &Runner<'_>, detach: &ConcurrentDetach) -> Result<bool, Error> {
    let doing = "looking at a partition";
    let sql = format!(
        "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhrelid = to_regclass({})",
        quote_literal(&quote_path(&detach.partition))
    );
    let rows = runner.work.ask(doing, &sql).await?;
    match rows.first() {
        None => Ok(true),
        Some(row) if row.is_true(0) => {
            runner.work.ask("finishing the detachment of a partition", &detach.finalize).await?;
            Ok(true)
        }
        Some(_) => Ok(false),
    }
}
