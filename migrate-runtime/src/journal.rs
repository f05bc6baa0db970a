//! Non-transactional migrations: statement by statement, with a journal in the audit log.
//!
//! The history row goes in dirty first, each finished statement is recorded, and the last record clears the row. A
//! statement that may run in a transaction runs in one with its own record, so that it is done and recorded or neither;
//! only what cannot (`CREATE INDEX CONCURRENTLY`, a `CALL` that commits) has a moment in which it is done and not
//! recorded, and for those the journal says that they were started.

use std::time::{Duration, Instant};

use migrate_core::sql;
use migrate_core::{Direction, Statement, StatementKind};

use crate::backoff::Backoff;
use crate::error::Failure;
use crate::event::RetryReason;
use crate::history_table::quote_literal;
use crate::invalid_index;
use crate::message::{AS_OURSELVES, Guard, RESET, application, milliseconds};
use crate::record::Line;
use crate::run::{Prepared, Runner, flight};
use crate::session::is_lost;
use crate::transactional::{Refused, failed, send};
use crate::{Error, Event};

/// How one statement of a script is run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// In a transaction with its record.
    Wrapped,
    /// On its own, with a record before and after.
    Bare,
    /// Inside a transaction that the script opened: its record goes into that transaction.
    InScriptsTransaction,
}

impl Runner<'_> {
    /// Runs a script from the statement `from` (0-based) to its end and records it. The row is there and dirty where
    /// `from` is not 0.
    pub async fn journalled(&mut self, step: &Prepared<'_>, from: usize) -> Result<u32, Error> {
        let since = Instant::now();
        self.open_journal(step, from).await?;
        self.set_again(step, from).await?;
        let total = step.script.statements.len();
        let mut attempts = 1;
        let mut in_transaction = false;
        for index in from..total {
            let statement = step.script.statements[index];
            self.may_go_on(Some(&step.stem)).map_err(|error| match error {
                Error::Interrupted { signal, .. } => {
                    Error::Interrupted { signal, stem: Some(step.stem.clone()) }
                }
                error => error,
            })?;
            let started = Instant::now();
            let manner = manner(&statement, step.script.sql(&statement), in_transaction);
            attempts = attempts.max(self.statement(step, index, manner, since).await?);
            in_transaction = opens_transaction(&statement).unwrap_or(in_transaction);
            self.check_indexes(step, index).await?;
            self.emitter.emit(Event::StatementFinished {
                stem: step.stem.clone(),
                number: index + 1,
                total,
                elapsed: started.elapsed(),
            });
        }
        self.close_journal(step, since).await?;
        Ok(attempts)
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

    /// The messages of a whole script, for a dry run.
    pub fn journal_messages(&self, step: &Prepared<'_>) -> Vec<String> {
        let mut messages = vec![self.opening(step, 0)];
        messages.extend(self.session_settings(step));
        let mut in_transaction = false;
        for (index, statement) in step.script.statements.iter().enumerate() {
            let text = step.script.sql(statement);
            let timeout = self.statement_lock_timeout(step, text);
            let manner = manner(statement, text, in_transaction);
            if manner == Manner::Wrapped {
                let done = self.recorder.log(&self.journal_line(step, index, "ok"));
                let parts = self.builder().statement(step.work(), index, timeout, &done);
                messages.extend(parts.into_iter().map(crate::dry_run::text));
            } else {
                messages
                    .extend(Some(self.before(step, index, manner, timeout)).filter(|sql| !sql.is_empty()));
                messages.push(text.to_owned());
                messages.push(self.after(step, index, manner));
            }
            in_transaction = opens_transaction(statement).unwrap_or(in_transaction);
        }
        messages.push(self.closing(step, Duration::ZERO));
        messages
    }

    /// The dirty row, and the start of the journal with the texts in force.
    fn opening(&self, step: &Prepared<'_>, from: usize) -> String {
        let total = step.script.statements.len();
        let up = sql::mask_secrets(&step.script.text);
        let line = match step.direction {
            Direction::Up => Line {
                action: "up",
                up_sql: Some(&up),
                down_sql: step.migration.and_then(|m| m.down.as_ref()).map(|down| down.text.as_ref()),
                ..Line::default()
            },
            Direction::Down => Line { action: "down", down_sql: Some(&step.script.text), ..Line::default() },
        };
        let line = self.recorder.log(&Line {
            version: &step.version,
            outcome: if from == 0 { "started" } else { "resumed" },
            checksum: Some(step.script.checksum.to_string()),
            statement: Some((from, total)),
            backend: true,
            ..line
        });
        let checksum = match (step.direction, step.migration) {
            (Direction::Up, _) => step.script.checksum.to_string(),
            (Direction::Down, Some(migration)) => migration.up.checksum.to_string(),
            (Direction::Down, None) => String::new(),
        };
        let dirty = match step.direction {
            Direction::Up => self.recorder.dirty(&step.version, &checksum),
            Direction::Down => format!(
                "UPDATE {} SET dirty = true WHERE version = {}",
                self.settings.history.quoted(),
                quote_literal(&step.version)
            ),
        };
        format!("BEGIN;\n{};\n{dirty};\n{line};\nCOMMIT", self.builder().fence())
    }

    /// What holds for all statements; `None` behind a pooler, where a setting would reach other clients.
    fn session_settings(&self, step: &Prepared<'_>) -> Option<String> {
        if self.probe.pooled {
            return None;
        }
        let name = quote_literal(&application(self.settings, &step.stem));
        let mut set = format!("SET application_name = {name}");
        if self.probe.checks_client {
            set += ";SET client_connection_check_interval = 1000";
        }
        if let Some(timeout) = step.script.directives.statement_timeout.or(self.settings.statement_timeout) {
            set += &format!(";SET statement_timeout = {}", milliseconds(timeout));
        }
        Some(set)
    }

    async fn open_journal(&mut self, step: &Prepared<'_>, from: usize) -> Result<(), Error> {
        let sql = self.opening(step, from);
        let started = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        loop {
            let Err(error) = self.work.query(&sql).await else { break };
            if !is_lost(&error) {
                let _ = self.work.query("ROLLBACK").await;
            }
            if Guard::of(&error) != Some(Guard::Fence) || started.elapsed() > self.settings.lock_wait {
                return Err(self.work.failed("recording the start of a migration", error));
            }
            tokio::time::sleep(backoff.pause()).await;
        }
        if let Some(set) = self.session_settings(step) {
            self.work.ask("preparing the session", &set).await?;
        }
        Ok(())
    }

    /// The row is clean, or gone; the session too.
    fn closing(&self, step: &Prepared<'_>, elapsed: Duration) -> String {
        let row = match step.direction {
            Direction::Up => self.recorder.clean(&step.version),
            Direction::Down => self.recorder.forget(&step.version),
        };
        let duration = format!("{}", elapsed.as_secs_f64() * 1000.0);
        let up = sql::mask_secrets(&step.script.text);
        let is_up = step.direction == Direction::Up;
        let line = self.recorder.log(&Line {
            version: &step.version,
            action: if is_up { "up" } else { "down" },
            outcome: "ok",
            checksum: Some(step.script.checksum.to_string()),
            duration: Some(&duration),
            up_sql: is_up.then_some(up.as_ref()),
            down_sql: step.migration.and_then(|m| m.down.as_ref()).filter(|_| is_up).map(|d| d.text.as_ref()),
            ..Line::default()
        });
        let reset = if self.probe.pooled { String::new() } else { format!("{RESET};\n") };
        format!("{reset}BEGIN;\n{};\n{row};\n{line};\nCOMMIT", self.builder().fence())
    }

    async fn close_journal(&mut self, step: &Prepared<'_>, since: Instant) -> Result<(), Error> {
        let sql = self.closing(step, since.elapsed());
        self.work.ask("recording the end of a migration", &sql).await?;
        Ok(())
    }

    /// Runs one statement; says how many attempts it took.
    async fn statement(
        &mut self,
        step: &Prepared<'_>,
        index: usize,
        mut manner: Manner,
        since: Instant,
    ) -> Result<u32, Error> {
        let statement = step.script.statements[index];
        let text = step.script.sql(&statement);
        let started = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let timeout = self.statement_lock_timeout(step, text);
        let mut attempt = 1;
        loop {
            let result = match manner {
                Manner::Wrapped => self.wrapped(step, index, timeout, since).await,
                _ => self.bare(step, index, manner, timeout, since).await,
            };
            let Err((refused, interrupted, blockers)) = result else { return Ok(attempt) };
            let Refused { broken, .. } = refused;
            if is_lost(&broken.error) {
                return Err(Error::LostWhilePartlyApplied {
                    stem: step.stem.clone(),
                    statement: index + 1,
                    total: step.script.statements.len(),
                    source: broken.error,
                });
            }
            if manner != Manner::InScriptsTransaction {
                let _ = self.work.query("ROLLBACK").await;
            }
            let code = broken.error.code().map(|code| code.code().to_owned()).unwrap_or_default();
            if code == "25001" && manner == Manner::Wrapped {
                // It may not run in a transaction after all: the server knows better than our list.
                manner = Manner::Bare;
                continue;
            }
            let reason = match code.as_str() {
                _ if Guard::of(&broken.error) == Some(Guard::Fence) => Some(RetryReason::OrphanRunner),
                "55P03" => Some(RetryReason::LockTimeout),
                "40P01" => Some(RetryReason::Deadlock),
                _ => None,
            };
            let pause = backoff.pause();
            if let Some(reason) = reason
                && interrupted.is_none()
                && manner != Manner::InScriptsTransaction
                && started.elapsed() + pause < self.settings.lock_retry
            {
                self.emitter.emit(Event::Retrying {
                    stem: step.stem.clone(),
                    attempt,
                    pause,
                    reason,
                    blockers,
                });
                self.drop_invalid(step, index).await;
                tokio::time::sleep(pause).await;
                attempt += 1;
                continue;
            }
            let mut failure = step.work().failure(crate::transactional::server_error(&broken.error));
            failure.statement = Some((statement.start, statement.end));
            failure.position = broken
                .error
                .as_db_error()
                .and_then(crate::failure::original_position)
                .filter(|_| manner != Manner::Wrapped)
                .map(|position| {
                    statement.start + crate::failure::byte_of(text, position, self.probe.positions_in_bytes)
                });
            return Err(self.stopped(step, index, failure, interrupted).await);
        }
    }

    /// In a transaction with its own record: done and recorded, or neither.
    async fn wrapped(
        &mut self,
        step: &Prepared<'_>,
        index: usize,
        timeout: Duration,
        since: Instant,
    ) -> Result<(), Stopped> {
        let done = self.recorder.log(&self.journal_line(step, index, "ok"));
        let parts = self.builder().statement(step.work(), index, timeout, &done);
        self.fly(step, timeout, since, async |work| send(work, &parts).await).await
    }

    /// On its own: recorded as started, run, recorded as done.
    async fn bare(
        &mut self,
        step: &Prepared<'_>,
        index: usize,
        manner: Manner,
        timeout: Duration,
        since: Instant,
    ) -> Result<(), Stopped> {
        let before = self.before(step, index, manner, timeout);
        let done = self.after(step, index, manner);
        let text = step.script.sql(&step.script.statements[index]).to_owned();
        self.fly(step, timeout, since, async |work| {
            let refused = |broken| Refused { part: 0, broken };
            if !before.is_empty() {
                work.send(&before).await.map_err(refused)?;
            }
            work.send(&text).await.map_err(refused)?;
            work.send(&done).await.map_err(refused)
        })
        .await
    }

    /// What goes before a statement on its own.
    fn before(&self, step: &Prepared<'_>, index: usize, manner: Manner, timeout: Duration) -> String {
        if manner != Manner::Bare {
            return String::new();
        }
        let started = self.recorder.log(&self.journal_line(step, index, "started"));
        let started = as_ourselves(&step.script.statements[index], manner, started);
        if self.probe.pooled {
            return started;
        }
        format!("SET lock_timeout = {};\n{started}", milliseconds(timeout))
    }

    /// What goes after a statement that is not wrapped.
    fn after(&self, step: &Prepared<'_>, index: usize, manner: Manner) -> String {
        let done = self.recorder.log(&self.journal_line(step, index, "ok"));
        as_ourselves(&step.script.statements[index], manner, done)
    }

    /// How long a statement may wait for a lock. One that waits by design, for other transactions to end, is watched
    /// instead.
    fn statement_lock_timeout(&self, step: &Prepared<'_>, text: &str) -> Duration {
        if sql::waits_by_design(text) {
            return Duration::ZERO;
        }
        step.script.directives.lock_timeout.unwrap_or(self.settings.lock_timeout)
    }

    async fn fly(
        &mut self,
        step: &Prepared<'_>,
        timeout: Duration,
        since: Instant,
        send: impl AsyncFnOnce(&crate::session::Session) -> Result<(), Refused>,
    ) -> Result<(), Stopped> {
        let watched = flight(self.settings, &self.probe, &self.work, self.keys, &step.stem, timeout, since);
        let landed = self.watcher.watch(&watched, send(&self.work)).await;
        landed.output.map_err(|refused| {
            (refused, landed.interrupted, landed.sight.map(|sight| sight.blockers).unwrap_or_default())
        })
    }

    fn journal_line<'l>(&self, step: &'l Prepared<'_>, index: usize, outcome: &'l str) -> Line<'l> {
        Line {
            version: &step.version,
            action: "statement",
            outcome,
            statement: Some((index + 1, step.script.statements.len())),
            ..Line::default()
        }
    }

    /// A statement failed for good: leaves as little behind as can be, and says what is there.
    async fn stopped(
        &mut self,
        step: &Prepared<'_>,
        index: usize,
        failure: Failure,
        interrupted: Option<u8>,
    ) -> Error {
        let _ = self.work.query("ROLLBACK").await;
        self.log_failure(&failure).await;
        let statement = step.script.statements[index];
        let text = step.script.sql(&statement);
        let nothing_left = self.drop_invalid(step, index).await;
        // The first statement of all, and whole or not at all: the migration has left nothing.
        if index == 0 && step.direction == Direction::Up && nothing_left && is_atomic(&statement, text) {
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
            progress: Some((index, step.script.statements.len())),
            invalid_indexes: invalid_index::left_by(&self.work, text).await.unwrap_or_default(),
            failure: Some(Box::new(failure)),
        }
    }

    /// Drops the invalid index that a failed statement left. False where something invalid is still there.
    async fn drop_invalid(&mut self, step: &Prepared<'_>, index: usize) -> bool {
        let statement = step.script.statements[index];
        if !matches!(statement.kind, StatementKind::Concurrent(_)) {
            return true;
        }
        if !self.settings.auto_recover {
            return invalid_index::left_by(&self.work, step.script.sql(&statement))
                .await
                .is_ok_and(|l| l.is_empty());
        }
        match invalid_index::drop_left_by(self, &step.stem, step.script.sql(&statement)).await {
            Ok(()) => true,
            Err(_) => false,
        }
    }

    /// No path leaves an invalid index behind and calls the migration applied.
    async fn check_indexes(&mut self, step: &Prepared<'_>, index: usize) -> Result<(), Error> {
        let statement = step.script.statements[index];
        if !matches!(statement.kind, StatementKind::Concurrent(_)) {
            return Ok(());
        }
        let invalid_indexes = invalid_index::left_by(&self.work, step.script.sql(&statement)).await?;
        if invalid_indexes.is_empty() {
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

type Stopped = (Refused, Option<u8>, Vec<crate::event::Session>);

fn manner(statement: &Statement, text: &str, in_transaction: bool) -> Manner {
    match statement.kind {
        StatementKind::TransactionControl(_) => Manner::Bare,
        _ if in_transaction => Manner::InScriptsTransaction,
        StatementKind::Plain if !may_commit(text) => Manner::Wrapped,
        StatementKind::CopyFromStdin { .. } => Manner::Wrapped,
        _ => Manner::Bare,
    }
}

/// `CALL` and `DO` may commit what they do, so they are neither wrapped nor repeated.
pub(crate) fn may_commit(text: &str) -> bool {
    let word = text.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    word.eq_ignore_ascii_case("call") || word.eq_ignore_ascii_case("do")
}

/// A record, written as the role that connected. In a transaction of the script's own it is written as whoever the
/// script is: a `SET LOCAL` would stay for its next statement.
fn as_ourselves(statement: &Statement, manner: Manner, record: String) -> String {
    let control = matches!(statement.kind, StatementKind::TransactionControl(_));
    if control || manner == Manner::InScriptsTransaction { record } else { format!("{AS_OURSELVES};\n{record}") }
}

/// Whether a statement only sets something for its session, so that running it again does no harm.
fn sets_session(statement: &Statement, text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    let second = words.next().unwrap_or_default();
    let of_transaction = ["local", "transaction", "constraints"].iter().any(|w| second.eq_ignore_ascii_case(w));
    statement.kind == StatementKind::Plain
        && (first.eq_ignore_ascii_case("set") || first.eq_ignore_ascii_case("reset"))
        && !of_transaction
}

/// Whether a statement that failed has had no effect, apart from an invalid index.
fn is_atomic(statement: &Statement, text: &str) -> bool {
    !may_commit(text) && !matches!(statement.kind, StatementKind::TransactionControl(_))
}

/// Whether a transaction is open after this statement; `None` where it changes nothing about that.
fn opens_transaction(statement: &Statement) -> Option<bool> {
    let StatementKind::TransactionControl(command) = statement.kind else { return None };
    match command.split(' ').next().unwrap_or_default() {
        "BEGIN" | "START" => Some(true),
        "COMMIT" | "END" | "ABORT" => Some(false),
        "ROLLBACK" if command == "ROLLBACK" => Some(false),
        _ => None,
    }
}
