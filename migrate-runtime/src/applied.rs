//! What was applied to a database, in the order in which it was, with the texts that were in force.

use std::collections::HashMap;

use crate::run::Runner;
use crate::{Error, Migrator, history};

/// A recorded migration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// As it is recorded, usually a whole stem.
    pub version: String,
    /// It was started and not finished.
    pub dirty: bool,
    /// The recorded checksum of its up text.
    pub checksum: Option<String>,
    /// The up text that was in force, with secrets masked; `None` where the audit log does not have it, or may not be
    /// read.
    pub up: Option<String>,
}

impl Runner<'_> {
    async fn applied(&self) -> Result<Vec<Applied>, Error> {
        let rows = self.read().await?;
        let (mut texts, mut order) = (HashMap::new(), HashMap::new());
        if !rows.is_empty() && self.readable_log().await? {
            let versions: Vec<_> = rows.iter().map(|row| row.version.as_str()).collect();
            texts = history::recorded(&self.work, &self.log_source(), &versions).await?;
            // A time has seconds only, and several migrations fit in one.
            let sql = format!(
                "SELECT version, pg_catalog.max(id) FROM {} WHERE action = 'up' AND outcome = 'ok' GROUP BY version",
                self.settings.history.log_quoted()
            );
            for row in self.work.ask("reading the audit log", &sql).await?.iter() {
                order.insert(row.text(0), row.number::<i64>(1).unwrap_or_default());
            }
        }
        let number = |version: &str| migrate_core::name::parse_recorded(version).map(|(version, _)| version);
        let mut rows = rows;
        rows.sort_by(|a, b| {
            let of_log = order.get(&a.version).zip(order.get(&b.version)).map(|(a, b)| a.cmp(b));
            of_log.unwrap_or_else(|| {
                (&a.applied_at, number(&a.version)).cmp(&(&b.applied_at, number(&b.version)))
            })
        });
        Ok(rows
            .into_iter()
            .map(|row| Applied {
                up: texts.remove(&row.version).and_then(|texts| texts.up),
                version: row.version,
                dirty: row.dirty,
                checksum: row.checksum,
            })
            .collect())
    }
}

impl Migrator {
    pub(crate) async fn applied_inner(&self) -> Result<Vec<Applied>, Error> {
        let runner = self.connect_briefly().await?;
        let applied = runner.applied().await;
        runner.work.close().await;
        applied
    }
}
