//! What the last run applied: the migrations that a postflight is about.

use crate::inspection::ask;
use migrate_core::Script;
use migrate_runtime::{Connection, HistoryTable};

/// The last run that applied something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LastRun {
    /// What its lines in the audit log have in common.
    pub(crate) run: Option<String>,
    /// The server's time of its last migration, ISO 8601.
    pub(crate) at: String,
    /// What it applied and nobody rolled back since, in order.
    pub(crate) migrations: Vec<Applied>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    /// As recorded: usually the stem.
    pub(crate) version: String,
    /// The up text that was in force, with secrets masked.
    pub(crate) up: Option<String>,
}

impl Applied {
    /// Its statements, where its text is recorded and can be read.
    pub(crate) fn script(&self) -> Option<Script> {
        Script::parse(&format!("{}.up.sql", self.version), self.up.clone()?).ok()
    }
}

/// Reads it; `None` where there is no audit log, or it may not be read, or says nothing of an up.
///
/// # Errors
///
/// What the server refuses.
pub(crate) fn read(connection: &Connection, history: &HistoryTable) -> anyhow::Result<Option<LastRun>> {
    let log = history.log_quoted();
    if !ask::may_read(connection, "looking for the audit log", &[&log, &history.quoted()])? {
        return Ok(None);
    }
    // A line without a run is one that another tool wrote: it stands for itself.
    let sql = format!(
        "WITH last AS (SELECT id, run, at FROM {log} WHERE action = 'up' AND outcome = 'ok' ORDER BY id DESC LIMIT 1) \
         SELECT last.run, to_char(last.at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), line.version, line.up_sql \
         FROM last LEFT JOIN (SELECT log.* FROM {log} AS log, last \
           WHERE log.action = 'up' AND log.outcome = 'ok' AND (log.id = last.id OR log.run = last.run) \
             AND EXISTS (SELECT FROM {table} AS applied WHERE applied.version = log.version)) AS line ON true \
         ORDER BY line.id",
        table = history.quoted()
    );
    let rows = ask::patient(connection, "reading the audit log", &sql)?;
    Ok(rows.first().map(|first| LastRun {
        run: first.get(0).map(str::to_owned),
        at: first.text(1),
        migrations: rows
            .iter()
            .filter_map(|row| {
                let version = row.get(2)?.to_owned();
                Some(Applied { version, up: row.get(3).map(str::to_owned) })
            })
            .collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postflight::testing::Bench;

    #[test]
    fn the_last_run_is_what_it_applied_and_nobody_rolled_back() {
        let mut bench = Bench::new();
        let versions = |bench: &Bench| -> Option<Vec<String>> {
            let last = read(&bench.connection, &HistoryTable::default()).unwrap()?;
            Some(last.migrations.into_iter().map(|one| one.version).collect())
        };
        assert_eq!(versions(&bench), None);
        bench.migration("0001_a", "SELECT 1", "SELECT 1");
        bench.up();
        bench.migration("0002_b", "SELECT 2", "SELECT 1").migration("0003_c", "SELECT 3", "SELECT 1");
        bench.up();
        assert_eq!(versions(&bench).unwrap(), ["0002_b", "0003_c"]);
        let last = read(&bench.connection, &HistoryTable::default()).unwrap().unwrap();
        assert_eq!(last.migrations[1].up.as_deref(), Some("SELECT 3"));
        bench.down();
        assert_eq!(versions(&bench).unwrap(), ["0002_b"]);
        bench.as_stranger();
        assert_eq!(versions(&bench), None);
    }
}
