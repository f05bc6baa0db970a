//! Recovery of a migration that is partly applied: resumed where the journal knows how far it came, and otherwise
//! rolled back with its down script and started again.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use migrate_core::sql::{self, first_word};
use migrate_core::{Direction, Migration, Mode, Row, Script, Set, StatementKind};

use crate::backoff::Backoff;
use crate::event::Recovery;
use crate::history_table::{quote_literal, quote_path};
use crate::invalid_index;
use crate::report::Done;
use crate::run::{Prepared, Runner};
use crate::{Error, Event};

/// How far the journal says that a migration came.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// What was being done; `None` where the audit log knows nothing.
    direction: Option<Direction>,
    /// How many statements are done.
    done: usize,
    /// What is known about the one after them.
    next: Next,
    total: Option<usize>,
    /// The server process of the run that stopped: `pid/backend_start`.
    backend: Option<String>,
    up: Option<String>,
    down: Option<String>,
}

impl Journal {
    /// Finished statements of all, where the journal was kept.
    pub(crate) fn progress(&self) -> Option<(usize, usize)> {
        self.total.map(|total| (self.done, total))
    }

    /// Nothing was done, for certain.
    pub(crate) fn untouched(&self) -> bool {
        self.direction == Some(Direction::Up) && self.done == 0 && self.next == Next::NotStarted
    }
}

/// What the journal knows about the statement that a run stopped at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// It was not begun, or it is done and recorded together or not at all.
    #[default]
    NotStarted,
    /// Nobody knows whether it is done.
    Started,
    /// The server said that it failed.
    Failed,
}

impl Runner<'_> {
    /// Recovers every dirty row, oldest first. The caller holds the lock.
    ///
    /// What is finished by it counts as done by this run; what is rolled back is pending again.
    pub async fn recover(&mut self, set: &Set, rows: &[Row]) -> Result<Vec<Done>, Error> {
        let mut done = Vec::new();
        let mut dirty: Vec<&Row> = rows.iter().filter(|row| row.dirty).collect();
        dirty.sort_by_key(|row| set.find_recorded(&row.version).map(|migration| migration.version));
        for row in dirty {
            self.emitter.set_in_flight(Some(&row.version));
            match self.settled(&row.version).await? {
                (journal, Some(true)) => done.extend(self.recover_one(set, row, journal).await?),
                // The killed runner's last message arrived late, and finished it.
                (_, Some(false)) => {}
                (_, None) => self.rows = self.rows.saturating_sub(1),
            }
        }
        Ok(done)
    }

    async fn recover_one(&mut self, set: &Set, row: &Row, journal: Journal) -> Result<Option<Done>, Error> {
        let migration = set.find_recorded(&row.version);
        let step = match journal.direction {
            Some(direction) => resumable(direction, row, migration, &journal)?,
            None => None,
        };
        if let Some(step) = step
            && let Some(from) = self.resume_at(&step, &journal).await?
        {
            let started = Instant::now();
            let attempts = self.resume(&step, from).await?;
            let (stem, direction, elapsed) = (step.stem.clone(), step.direction, started.elapsed());
            let checksum = step.script.checksum;
            self.emitter.emit(Event::Finished { stem: stem.clone(), direction, elapsed, checksum });
            return Ok(Some(Done { stem, direction, elapsed, attempts }));
        }
        self.down_first(row, migration, &journal).await?;
        Ok(None)
    }

    async fn resume(&mut self, step: &Prepared<'_>, from: usize) -> Result<u32, Error> {
        let total = step.script.statements.len();
        if from < total {
            let how = Recovery::Resume { statement: from + 1, total };
            self.emitter.emit(Event::Recovering { stem: step.stem.clone(), how });
        }
        self.journalled(step, from).await
    }

    /// Rolls back a partly applied migration; one that stopped on its way down goes on there.
    pub async fn roll_back_dirty(&mut self, step: &Prepared<'_>) -> Result<u32, Error> {
        let (journal, row) = self.settled(&step.version).await?;
        if row.is_none() {
            return Err(Error::HistoryChanged { stem: step.stem.clone() });
        }
        if journal.direction == Some(Direction::Down)
            && journal.down.as_deref().is_some_and(|text| crate::down::is_recorded_as(&step.script, text))
            && let Some(from) = self.resume_at(step, &journal).await?
        {
            return self.resume(step, from).await;
        }
        self.execute(step, true).await
    }

    /// Where to go on, or `None` where that cannot be known.
    async fn resume_at(&self, step: &Prepared<'_>, journal: &Journal) -> Result<Option<usize>, Error> {
        let Some(statement) = step.script.statements.get(journal.done) else { return Ok(Some(journal.done)) };
        let text = step.script.sql(statement);
        match statement.kind {
            _ if journal.next == Next::NotStarted => Ok(Some(journal.done)),
            // The records of a block are part of it: without them it was not committed.
            StatementKind::TransactionControl(_)
                if matches!(sql::control_of(text), Some(sql::Control::Begin { .. })) =>
            {
                Ok(Some(journal.done))
            }
            StatementKind::Concurrent(_) => {
                invalid_index::drop_left_by(self, &step.stem, text).await?;
                let done = self.finished_unseen(text).await?;
                Ok(Some(journal.done + usize::from(done)))
            }
            _ if let Some(detach) = sql::concurrent_detach(text) => {
                let done = crate::detach::finish(self, &detach).await?;
                Ok(Some(journal.done + usize::from(done)))
            }
            _ if journal.next == Next::Failed && !crate::journal::may_commit(text) => Ok(Some(journal.done)),
            _ if is_repeatable(text) => Ok(Some(journal.done)),
            _ => Ok(None),
        }
    }

    /// Whether a concurrent statement was finished although the journal does not say so.
    async fn finished_unseen(&self, text: &str) -> Result<bool, Error> {
        let Some(target) = sql::concurrent_target(text) else { return Ok(false) };
        let words: Vec<String> = text.split_whitespace().take(2).map(str::to_ascii_uppercase).collect();
        let (Some(index), true) = (target.index, words.iter().any(|w| w == "CREATE") || words[0] == "DROP")
        else {
            return Ok(false);
        };
        let drops = words[0] == "DROP";
        let sql = match (&target.table, drops) {
            (Some(table), false) => format!(
                "SELECT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
                 WHERE i.indrelid = to_regclass({}) AND c.relname = {} AND i.indisvalid)",
                quote_literal(&quote_path(table)),
                quote_literal(index.last().map_or("", String::as_str))
            ),
            _ => format!(
                "SELECT to_regclass({}) IS {}NULL",
                quote_literal(&quote_path(&index)),
                if drops { "" } else { "NOT " }
            ),
        };
        let rows = self.work.ask("looking at an index", &sql).await?;
        Ok(rows.first().is_some_and(|row| row.is_true(0)))
    }

    /// Runs the down script, after which the migration is pending.
    async fn down_first(
        &mut self,
        row: &Row,
        migration: Option<&Migration>,
        journal: &Journal,
    ) -> Result<(), Error> {
        let stem = migration.map_or(row.version.as_str(), |m| m.stem.as_ref()).to_owned();
        let in_file = migration.and_then(|m| m.down.as_ref());
        // What was recorded fits what was done. A file that was edited since may undo something else, and with
        // `IF EXISTS` in it nothing would tell.
        let prefer_file = self.settings.prefer_file_down == Some(true);
        let script = match (in_file, &journal.down) {
            (Some(file), Some(text)) if prefer_file || crate::down::is_recorded_as(file, text) => {
                Cow::Borrowed(file)
            }
            (Some(file), None) => Cow::Borrowed(file),
            (_, Some(text)) => {
                crate::down::runnable(&stem, text)?;
                Cow::Owned(crate::down::parse(&stem, text)?)
            }
            (None, None) => return Err(self.dirty(row, migration, journal).await),
        };
        self.emitter.emit(Event::Recovering { stem: stem.clone(), how: Recovery::DownAndRetry });
        let version = row.version.clone();
        let direction = Direction::Down;
        let step = Prepared { stem, version, direction, script, migration, dirty: true, recorded_down: None };
        match self.execute(&step, true).await {
            Ok(_) => {
                self.rows = self.rows.saturating_sub(1);
                Ok(())
            }
            Err(Error::RollbackFailed { failure }) => match self.dirty(row, migration, journal).await {
                Error::Dirty { stem, progress, invalid_indexes, .. } => {
                    Err(Error::Dirty { stem, progress, invalid_indexes, failure: Some(failure) })
                }
                error => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// The refusal of the first dirty row, with what is there.
    pub async fn refuse_dirty(&self, set: &Set, rows: &[Row]) -> Error {
        let Some(row) = rows.iter().find(|row| row.dirty) else {
            return Error::Dirty {
                stem: String::new(),
                progress: None,
                invalid_indexes: vec![],
                failure: None,
            };
        };
        let journal = self.journal(&row.version).await.unwrap_or_default();
        self.dirty(row, set.find_recorded(&row.version), &journal).await
    }

    async fn dirty(&self, row: &Row, migration: Option<&Migration>, journal: &Journal) -> Error {
        let mut invalid_indexes = Vec::new();
        if let Some(migration) = migration {
            for statement in migration.up.statements.iter() {
                let text = migration.up.sql(statement);
                invalid_indexes.extend(invalid_index::left_by(&self.work, text).await.unwrap_or_default());
            }
        }
        Error::Dirty {
            stem: row.version.clone(),
            progress: journal.progress(),
            invalid_indexes,
            failure: None,
        }
    }

    pub async fn journal(&self, version: &str) -> Result<Journal, Error> {
        if !self.probe.log_exists {
            return Ok(Journal::default());
        }
        let (log, version) = (self.log_source(), quote_literal(version));
        let sql = format!(
            "SELECT action, outcome, statement, statements, backend, up_sql, down_sql FROM {log} \
             WHERE version = {version} AND id >= (SELECT max(id) FROM {log} WHERE version = {version} \
             AND action IN ('up', 'down') AND outcome = 'started') ORDER BY id"
        );
        let rows = self.work.ask("reading the journal", &sql).await?;
        let mut journal = Journal::default();
        for row in rows.iter() {
            if row.get(4).is_some() {
                journal.backend = row.owned(4);
            }
            match (row.get(0), row.get(1)) {
                (Some(action), Some("started")) if action != "statement" => {
                    journal.direction = Some(if action == "up" { Direction::Up } else { Direction::Down });
                    journal.total = row.number(3);
                    journal.up = row.owned(5);
                    journal.down = row.owned(6);
                }
                (Some("statement"), Some("started")) => {
                    journal.next = Next::Started;
                }
                (Some("statement"), Some("ok")) => {
                    journal.done = row.number(2).unwrap_or(journal.done);
                    journal.next = Next::NotStarted;
                }
                (Some("up" | "down"), Some("failed")) if journal.next == Next::Started => {
                    journal.next = Next::Failed
                }
                (Some("up" | "down"), Some("ok")) => return Ok(Journal::default()),
                _ => {}
            }
        }
        Ok(journal)
    }

    /// The journal once nothing can be added to it any more, and whether the row is (still) there and dirty.
    async fn settled(&self, version: &str) -> Result<(Journal, Option<bool>), Error> {
        let journal = self.journal(version).await?;
        self.wait_for_orphan(&journal).await?;
        // Anew: what was on its way to the server when its sender died may have been done meanwhile.
        let journal = self.journal(version).await?;
        let history = self.settings.history.quoted();
        let sql = format!("SELECT dirty FROM {history} WHERE version = {}", quote_literal(version));
        let rows = self.work.ask("reading the history", &sql).await?;
        Ok((journal, rows.first().map(|row| row.is_true(0))))
    }

    /// A killed runner's statement may still work on the server, for a second where it looks after its client; and a
    /// session that is idle may have its client's last message before it, unread. So its end is waited for.
    ///
    /// Behind a pooler a session goes on to other clients. It has no migration's name, and is waited for while it works.
    async fn wait_for_orphan(&self, journal: &Journal) -> Result<(), Error> {
        let Some(backend) = &journal.backend else { return Ok(()) };
        let sql = format!(
            "SELECT {} FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid() \
             AND a.pid || '/' || extract(epoch FROM a.backend_start) = {} \
             AND (a.state <> 'idle' OR a.application_name ~ ': [0-9]')",
            crate::observe::session_columns("a"),
            quote_literal(backend)
        );
        let started = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_millis(500));
        loop {
            let rows = self.work.ask("looking for an earlier runner", &sql).await?;
            let Some(row) = rows.first() else { return Ok(()) };
            let holder = Some(crate::event::Session::from_row(row));
            let waited = started.elapsed();
            if waited > self.settings.lock_wait {
                return Err(Error::LockNotObtained { waited, holder: holder.map(Box::new) });
            }
            self.emitter.emit(Event::LockWaiting { waited, holder, migration: None });
            self.may_go_on(None)?;
            tokio::time::sleep(backoff.pause()).await;
        }
    }
}

/// The step to resume, where its finished statements are the ones that the journal speaks of.
fn resumable<'a>(
    direction: Direction,
    row: &Row,
    migration: Option<&'a Migration>,
    journal: &Journal,
) -> Result<Option<Prepared<'a>>, Error> {
    let stem = migration.map_or(row.version.as_str(), |m| m.stem.as_ref()).to_owned();
    let prepared = |script: Cow<'a, Script>| {
        Some(Prepared {
            stem: stem.clone(),
            version: row.version.clone(),
            direction,
            script,
            migration,
            dirty: true,
            recorded_down: journal.down.clone(),
        })
    };
    let (in_file, in_log) = match direction {
        Direction::Up => (migration.map(|m| &m.up), &journal.up),
        Direction::Down => (None, &journal.down),
    };
    let Some(recorded) = in_log else { return Ok(None) };
    let Some(file) = in_file else {
        let down = migration.and_then(|m| m.down.as_ref());
        if let Some(down) = down.filter(|down| crate::down::is_recorded_as(down, recorded)) {
            return Ok(prepared(Cow::Borrowed(down)));
        }
        crate::down::runnable(&stem, recorded)?;
        return Ok(prepared(Cow::Owned(crate::down::parse(&stem, recorded)?)));
    };
    if Some(file.checksum.to_string()) == row.checksum {
        return Ok(prepared(Cow::Borrowed(file)));
    }
    // The file was mended since. What is done must be what the journal speaks of; the rest is taken as it is now.
    let Ok(was) = Script::parse(&file.file, recorded.clone()) else { return Ok(None) };
    let same = was.statements.len() >= journal.done
        && file.statements.len() >= journal.done
        && was
            .statements
            .iter()
            .zip(file.statements.iter())
            .take(journal.done)
            .all(|(a, b)| crate::cosmetic::same(was.sql(a), file.sql(b)));
    Ok(if same && file.mode == Mode::NonTransactional { prepared(Cow::Borrowed(file)) } else { None })
}

/// Whether running a statement a second time ends where running it once does.
fn is_repeatable(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let word = first_word(&upper);
    matches!(word, "VACUUM" | "REINDEX" | "CLUSTER" | "ANALYZE" | "CHECKPOINT")
        || upper.starts_with("ALTER SYSTEM")
        || word == "DROP" && upper.contains("IF EXISTS")
        || word == "CREATE" && upper.contains("IF NOT EXISTS")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_repeated() {
        assert!(is_repeatable("VACUUM t"));
        assert!(is_repeatable("alter system set work_mem = '4MB'"));
        assert!(is_repeatable("DROP DATABASE IF EXISTS d"));
        assert!(!is_repeatable("CREATE DATABASE d"));
        assert!(!is_repeatable("CALL p()"));
    }
}
