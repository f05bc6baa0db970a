//! `repair`: makes the history fit the files, and touches nothing else. A plan first; changes only when told.

use migrate_core::standing::{Standing, standings};
use migrate_core::{Set, State};

use crate::history_table::quote_literal;
use crate::message::Guard;
use crate::record::{Line, kept};
use crate::report::{Repair, RepairPlan};
use crate::run::Runner;
use crate::{Error, history};

impl Runner<'_> {
    /// What would have to change. Reads only.
    pub async fn repair_plan(&self, set: &Set) -> Result<RepairPlan, Error> {
        let rows = self.read().await?;
        let mut repairs = Vec::new();
        for standing in standings(set, &rows) {
            repairs.extend(self.repair_of(&standing).await?);
        }
        Ok(RepairPlan { repairs })
    }

    async fn repair_of(&self, standing: &Standing<'_>) -> Result<Vec<Repair>, Error> {
        let Some(row) = standing.row else { return Ok(vec![]) };
        let version = row.version.clone();
        if row.dirty {
            let journal = self.journal(&version).await?;
            return Ok(match journal.progress() {
                Some((done, total)) if done == total => vec![Repair::MarkApplied { version }],
                Some((0, _)) if journal.untouched() => vec![Repair::ClearDirty { version }],
                // Partly applied: no edit of the history alone would be true.
                _ => vec![],
            });
        }
        let Some(migration) = standing.migration else {
            // Newer than everything here is an old checkout, not a damage.
            let damaged = matches!(standing.state, State::Missing | State::BadVersion);
            return Ok(if damaged { vec![Repair::Forget { version }] } else { vec![] });
        };
        if standing.state == State::Duplicate {
            // The row that is not named as the file is.
            let surplus = migration.stem != version;
            return Ok(if surplus { vec![Repair::Forget { version }] } else { vec![] });
        }
        let mut repairs = Vec::new();
        if !standing.is_same_text() {
            let texts = self.recorded(&[&version]).await?;
            let was = texts.get(&version).and_then(|text| text.up.as_deref());
            repairs.push(Repair::AcceptChecksum {
                stem: version.clone(),
                recorded: row.checksum.clone().unwrap_or_else(|| "NULL".to_owned()),
                found: migration.up.checksum.to_string(),
                cosmetic: was.and_then(|was| crate::cosmetic::differs_only_in_looks(was, &migration.up.text)),
            });
        }
        if standing.state == State::Renamed {
            repairs.push(Repair::Rename { recorded: version, stem: migration.stem.to_string() });
        }
        Ok(repairs)
    }

    /// Changes the history as planned, in one transaction, under the lock.
    pub async fn repair(&mut self, set: &Set, plan: &RepairPlan) -> Result<(), Error> {
        self.probe.writable(&self.work)?;
        self.take_lock().await?;
        let result = self.repair_locked(set, plan).await;
        self.release_lock().await;
        result
    }

    async fn repair_locked(&mut self, set: &Set, plan: &RepairPlan) -> Result<(), Error> {
        history::prepare(&self.work, &self.settings.history, &self.probe).await?;
        self.log_is_made();
        if self.repair_plan(set).await?.repairs != plan.repairs {
            return Err(Error::RepairOutdated);
        }
        let mut sql = format!("BEGIN;\n{};\n", self.builder().fence());
        for repair in &plan.repairs {
            sql += &self.statement_of(set, repair);
            sql += ";\n";
        }
        sql += "COMMIT";
        match self.work.query(&sql).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let _ = self.work.query("ROLLBACK").await;
                if Guard::of(&error) == Some(Guard::Fence) {
                    return Err(Error::LockNotObtained { waited: std::time::Duration::ZERO, holder: None });
                }
                Err(self.work.failed("repairing the history", error))
            }
        }
    }

    fn statement_of(&self, set: &Set, repair: &Repair) -> String {
        let table = self.settings.history.quoted();
        let log = |version: &str, message: &str, with_texts: bool| {
            let migration = set.find_recorded(version).filter(|_| with_texts);
            let up = migration.and_then(|m| kept(&m.up));
            let down = migration.and_then(|m| m.down.as_ref());
            let down = down.and_then(kept);
            self.recorder.log(&Line {
                version,
                action: "repair",
                outcome: "ok",
                message: Some(message),
                checksum: migration.map(|m| m.up.checksum.to_string()),
                up_sql: up.as_deref(),
                down_sql: down.as_deref(),
                ..Line::default()
            })
        };
        match repair {
            Repair::AcceptChecksum { stem, recorded, found, .. } => format!(
                "UPDATE {table} SET checksum = {} WHERE version = {};\n{}",
                quote_literal(found),
                quote_literal(stem),
                log(stem, &format!("checksum {recorded} replaced by the file's"), true)
            ),
            Repair::Rename { recorded, stem } => format!(
                "UPDATE {table} SET version = {} WHERE version = {};\n{}",
                quote_literal(stem),
                quote_literal(recorded),
                log(stem, &format!("recorded as {recorded} before"), true)
            ),
            Repair::Forget { version } => {
                format!(
                    "{};\n{}",
                    self.recorder.forget(version),
                    log(version, "row removed: its file is gone", false)
                )
            }
            Repair::ClearDirty { version } => format!(
                "{};\n{}",
                self.recorder.forget(version),
                log(version, "dirty row removed: no statement was finished", false)
            ),
            Repair::MarkApplied { version } => format!(
                "{};\n{}",
                self.recorder.clean(version),
                log(version, "marked as applied: every statement was finished", true)
            ),
        }
    }
}
