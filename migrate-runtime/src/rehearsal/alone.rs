//! The statements of a non-transactional script: each in a transaction of its own where it can be in one.

use std::time::Duration;

use migrate_core::{Statement, StatementKind, sql};

use super::stage::{Stage, add, application};
use crate::Error;
use crate::history_table::quote_literal;
use crate::invalid_index;
use crate::journal::{Blocks, Manner, is_atomic};
use crate::message::{Message, Part, Work, milliseconds};
use crate::transactional::failed;

impl Stage {
    /// What holds for all statements of a non-transactional script.
    pub async fn prepare(&self, work: Work<'_>) -> Result<(), Error> {
        let mut set = format!("SET application_name = {}", quote_literal(&application(work)));
        if let Some(timeout) = work.script.directives.statement_timeout {
            set += &format!(";SET statement_timeout = {}", milliseconds(timeout));
        }
        self.work.ask("preparing the session", &set).await.map(drop)
    }

    /// What the transaction around one statement of a non-transactional script begins with.
    pub fn wrapping<'w>(&self, work: Work<'w>, statement: &Statement) -> Message<'w> {
        let timeout = milliseconds(self.statement_timeout(work, work.script.sql(statement)));
        let mut message = Message::default();
        message.own("BEGIN ISOLATION LEVEL READ COMMITTED", 1);
        message.own(&format!("SET LOCAL lock_timeout = {timeout}"), 1);
        message.own("SET LOCAL synchronous_commit = off", 1);
        message
    }

    /// The parts of one statement of a non-transactional script.
    pub fn statement<'w>(&self, work: Work<'w>, index: usize, manner: Manner) -> Vec<Part<'w>> {
        let statement = work.script.statements[index];
        let timeout = milliseconds(self.statement_timeout(work, work.script.sql(&statement)));
        let mut parts = Vec::new();
        let mut message = Message::default();
        match manner {
            Manner::Wrapped => {
                message = self.wrapping(work, &statement);
                add(&mut parts, &mut message, work, index);
                message.commit_at = Some(message.statements);
                message.own("COMMIT", 1);
            }
            Manner::Bare => {
                // It stands alone in its message: two statements of one message are a transaction.
                message.own(&format!("SET lock_timeout = {timeout}"), 1);
                parts.push(Part::Message(std::mem::take(&mut message)));
                add(&mut parts, &mut message, work, index);
            }
            Manner::InBlock | Manner::Commits | Manner::Ends => {
                if begins(work, &statement) {
                    message.own(&format!("SET lock_timeout = {timeout}"), 1);
                    parts.push(Part::Message(std::mem::take(&mut message)));
                }
                add(&mut parts, &mut message, work, index);
            }
        }
        if message.statements > 0 {
            parts.push(Part::Message(message));
        }
        parts
    }

    /// Runs one statement of a non-transactional script.
    pub async fn play(
        &self,
        work: Work<'_>,
        index: usize,
        manner: Manner,
        blocks: Blocks,
    ) -> Result<(), Error> {
        let mut result = self.send(work, &self.statement(work, index, manner)).await;
        if manner == Manner::Wrapped && failed_with(&result, &[NOT_IN_A_TRANSACTION]) {
            // The server knows better than our list.
            result = self.send(work, &self.statement(work, index, Manner::Bare)).await;
        }
        match result {
            Ok(()) => self.judge(work, index).await,
            Err(error) => Err(self.stopped(work, index, blocks, error).await),
        }
    }

    /// A statement of a non-transactional script failed: what the ones before it did is there.
    pub async fn stopped(&self, work: Work<'_>, index: usize, blocks: Blocks, error: Error) -> Error {
        let (Error::Failed { mut failure } | Error::RollbackFailed { mut failure }) = error else {
            return error;
        };
        let statement = work.script.statements[index];
        let text = work.script.sql(&statement);
        if failure.statement.is_none() && !failure.at_commit {
            failure.statement = Some((statement.start, statement.end));
        }
        let done = blocks.open.unwrap_or(index);
        let in_transaction = blocks.open.is_some()
            || is_atomic(&statement, text)
                && !matches!(statement.kind, StatementKind::NoTransaction(_) | StatementKind::Concurrent(_));
        if done == 0 && in_transaction {
            return failed(*failure);
        }
        Error::Dirty {
            stem: work.stem.to_owned(),
            progress: Some((done, work.script.statements.len())),
            invalid_indexes: invalid_index::left_by(&self.work, text).await.unwrap_or_default(),
            failure: Some(failure),
        }
    }

    /// Whether a concurrent statement did what it says: "already exists, skipping" is a success to the server.
    pub async fn judge(&self, work: Work<'_>, index: usize) -> Result<(), Error> {
        let statement = work.script.statements[index];
        if !matches!(statement.kind, StatementKind::Concurrent(_)) {
            return Ok(());
        }
        let invalid_indexes = invalid_index::left_by(&self.work, work.script.sql(&statement)).await?;
        if invalid_indexes.is_empty() {
            return Ok(());
        }
        Err(Error::Dirty {
            stem: work.stem.to_owned(),
            progress: Some((index, work.script.statements.len())),
            invalid_indexes,
            failure: None,
        })
    }

    /// How long a statement of a non-transactional script may wait for a lock.
    fn statement_timeout(&self, work: Work<'_>, text: &str) -> Duration {
        if sql::waits_by_design(text) { Duration::ZERO } else { self.timeout(work) }
    }
}

/// "cannot run inside a transaction block" (`active_sql_transaction`), and "invalid transaction termination".
pub(super) const NOT_IN_A_TRANSACTION: &str = "25001";
pub(super) const ENDS_ITS_TRANSACTION: &str = "2D000";

/// Whether a script failed with one of these SQLSTATEs.
pub(super) fn failed_with<T>(result: &Result<T, Error>, codes: &[&str]) -> bool {
    match result {
        Err(Error::Failed { failure } | Error::RollbackFailed { failure }) => {
            codes.contains(&failure.server.code.as_str())
        }
        _ => false,
    }
}

fn begins(work: Work<'_>, statement: &Statement) -> bool {
    matches!(sql::control_of(work.script.sql(statement)), Some(sql::Control::Begin { .. }))
}
