//! Non-transactional migrations: statement by statement, with a journal in the audit log.
//!
//! The history row goes in dirty first, each finished statement is recorded, and the last record clears the row. A
//! statement that may run in a transaction runs in one with its own record, so that it is done and recorded or neither;
//! only what cannot (`CREATE INDEX CONCURRENTLY`, a `CALL` that commits) has a moment in which it is done and not
//! recorded, and for those the journal says that they were started.

mod manner;
mod messages;
mod statement;

use std::time::{Duration, Instant};

use migrate_core::{Direction, Moment, Statement, StatementKind};

use crate::backoff::Backoff;
use crate::error::Failure;
use crate::invalid_index;
use crate::message::{AS_OURSELVES, Guard, RESET};
use crate::run::{Prepared, Runner};
use crate::session::is_lost;
use crate::transactional::failed;
use crate::{Error, Event};

use manner::sets_session;
pub(crate) use manner::{Blocks, Manner, is_atomic, may_commit};
use statement::Place;

impl Runner<'_> {
    /// Runs a script from the statement `from` (0-based) to its end and records it. The row is there and dirty where
    /// `from` is not 0.
    pub async fn journalled(&mut self, step: &Prepared<'_>, from: usize) -> Result<u32, Error> {
        let since = Instant::now();
        self.open_journal(step, from).await.map_err(|error| partly(step, from, error))?;
        self.set_again(step, from).await.map_err(|error| partly(step, from, error))?;
        let total = step.script.statements.len();
        let mut attempts = 1;
        let mut blocks = Blocks::default();
        for index in from..total {
            // What a block did so far goes with the block.
            let done = blocks.open.unwrap_or(index);
            self.may_go_on(Some(&step.stem)).map_err(|error| partly(step, done, error))?;
            let started = Instant::now();
            let manner = blocks.manner(&step.script, index);
            let place = Place { step, index, manner, blocks, since };
            attempts = attempts.max(self.statement(place).await?);
            if is_concurrent(&step.script.statements[index]) {
                self.judge_index(place).await.map_err(|error| partly(step, index, error))?;
            }
            blocks.step(&step.script, index);
            self.emitter.emit(Event::StatementFinished {
                stem: step.stem.clone(),
                number: index + 1,
                total,
                elapsed: started.elapsed(),
            });
        }
        // While the row is dirty: who is killed here runs them when it is resumed.
        let unheld = self.check_alone(step, Moment::After, since).await;
        let unheld = unheld.map_err(|error| partly(step, total, error))?;
        match self.close_journal(step, since).await {
            Ok(()) => match unheld {
                Some(unheld) => Err(self.unheld(&step.version, unheld, true).await),
                None => Ok(attempts),
            },
            Err(Error::ConnectionLost { source, .. }) => Err(self.lost_at_the_end(step, source).await),
            Err(error) => Err(error),
        }
    }

    /// The connection broke while the row was being cleared: asks a new one whether it is.
    async fn lost_at_the_end(&self, step: &Prepared<'_>, source: tokio_postgres::Error) -> Error {
        let (stem, total) = (step.stem.clone(), step.script.statements.len());
        match crate::resolve::committed(self, step).await {
            Some(true) => {
                self.emitter.emit(Event::Resolved { stem: stem.clone(), committed: true });
                Error::Interfered { stem, direction: step.direction, committed: Some(true), source }
            }
            _ => Error::LostWhilePartlyApplied { stem, statement: total, total, source },
        }
    }

    /// What the finished statements set for their session: it ended with the run that they were part of, and the rest of
    /// the script means what it means under `search_path` and `role`.
    async fn set_again(&self, step: &Prepared<'_>, from: usize) -> Result<(), Error> {
        for statement in step.script.statements.iter().take(from) {
            let text = step.script.sql(statement);
            if sets_session(statement, text) {
                self.work.ask("restoring the settings of a partly applied migration", text).await?;
            }
        }
        Ok(())
    }

    async fn open_journal(&mut self, step: &Prepared<'_>, from: usize) -> Result<(), Error> {
        let sql = self.opening(step, from);
        self.write_record("recording the start of a migration", &sql).await?;
        if let Some(set) = self.session_settings(step) {
            self.work.ask("preparing the session", &set).await?;
        }
        Ok(())
    }

    async fn close_journal(&mut self, step: &Prepared<'_>, since: Instant) -> Result<(), Error> {
        let sql = self.closing(step, since.elapsed());
        self.write_record("recording the end of a migration", &sql).await
    }

    /// Sends a record behind the fence. A message of a runner that was killed may pass it at any moment, and holds it for as
    /// long as it works: that is waited for.
    async fn write_record(&mut self, doing: &str, sql: &str) -> Result<(), Error> {
        let started = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            let Err(error) = self.work.query(sql).await else { return Ok(()) };
            if !is_lost(&error) {
                let _ = self.work.query("ROLLBACK").await;
            }
            if Guard::of(&error) != Some(Guard::Fence) || started.elapsed() > self.settings.lock_wait {
                return Err(self.work.failed(doing, error));
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    /// A statement failed for good: leaves as little behind as can be, and says what is there.
    async fn stopped(&mut self, place: Place<'_>, failure: Failure, interrupted: Option<u8>) -> Error {
        let Place { step, index, blocks, .. } = place;
        self.log_failure(&step.version, &failure).await;
        // What a block did before went with the block.
        let done = blocks.open.unwrap_or(index);
        let statement = step.script.statements[index];
        let text = step.script.sql(&statement);
        let nothing_left = self.drop_invalid(step, index).await;
        let whole_or_not = blocks.open.is_some() || is_atomic(&statement, text);
        // The first of all, and whole or not at all: the migration has left nothing.
        if done == 0 && step.direction == Direction::Up && nothing_left && whole_or_not {
            let forget = self.recorder.forget(&step.version);
            if self.work.query(&format!("{AS_OURSELVES};\n{forget};\n{RESET}")).await.is_ok() {
                return match interrupted {
                    Some(signal) => Error::Interrupted { signal, stem: Some(step.stem.clone()) },
                    None => failed(failure),
                };
            }
        }
        if let Some(signal) = interrupted {
            return Error::Interrupted { signal, stem: Some(step.stem.clone()) };
        }
        Error::Dirty {
            stem: step.stem.clone(),
            progress: Some((done, step.script.statements.len())),
            invalid_indexes: invalid_index::left_by(&self.work, text).await.unwrap_or_default(),
            failure: Some(Box::new(failure)),
        }
    }

    /// Drops the invalid index that a failed statement left. False where something invalid is still there.
    async fn drop_invalid(&mut self, step: &Prepared<'_>, index: usize) -> bool {
        let statement = step.script.statements[index];
        if !is_concurrent(&statement) {
            return true;
        }
        if !self.settings.auto_recover {
            return invalid_index::left_by(&self.work, step.script.sql(&statement))
                .await
                .is_ok_and(|l| l.is_empty());
        }
        invalid_index::drop_left_by(self, &step.stem, step.script.sql(&statement)).await.is_ok()
    }

    /// Records a concurrent statement as done once the catalog agrees: no path leaves an invalid index behind and calls
    /// the migration applied. The server's word is not enough, "already exists, skipping" is a success.
    async fn judge_index(&mut self, place: Place<'_>) -> Result<(), Error> {
        let Place { step, index, manner, blocks, .. } = place;
        let statement = step.script.statements[index];
        let invalid_indexes = invalid_index::left_by(&self.work, step.script.sql(&statement)).await?;
        if invalid_indexes.is_empty() {
            if let Some(done) = self.after(step, index, manner, blocks) {
                self.work.ask("recording a statement", &done).await?;
            }
            return Ok(());
        }
        Err(Error::Dirty {
            stem: step.stem.clone(),
            progress: Some((index, step.script.statements.len())),
            invalid_indexes,
            failure: None,
        })
    }
}

/// Whether it may leave an invalid index.
fn is_concurrent(statement: &Statement) -> bool {
    matches!(statement.kind, StatementKind::Concurrent(_))
}

/// What ends a run while the row is dirty, or may be: who reads the exit code must learn that.
fn partly(step: &Prepared<'_>, index: usize, error: Error) -> Error {
    let (stem, total) = (step.stem.clone(), step.script.statements.len());
    match error {
        Error::ConnectionLost { source, .. } => {
            Error::LostWhilePartlyApplied { stem, statement: (index + 1).min(total), total, source }
        }
        Error::LockLost { .. } => {
            Error::Dirty { stem, progress: Some((index, total)), invalid_indexes: vec![], failure: None }
        }
        error => error,
    }
}
