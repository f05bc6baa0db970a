//! One statement of a non-transactional script: run, watched, and tried again where a lock was in the way.

use std::time::{Duration, Instant};

use migrate_core::StatementKind;

use super::is_concurrent;
use super::manner::{Blocks, Manner};
use crate::backoff::Backoff;
use crate::error::Failure;
use crate::event::{RetryReason, Session as Other};
use crate::failure::{byte_of, original_position};
use crate::message::{Guard, Part};
use crate::run::{Prepared, Runner, flight};
use crate::session::is_lost;
use crate::transactional::{Refused, send, send_part, server_error};
use crate::{Error, Event};

/// A statement that did not go through.
struct Stopped {
    failure: Failure,
    error: tokio_postgres::Error,
    interrupted: Option<u8>,
    blockers: Vec<Other>,
}

/// The statement that is run.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    pub step: &'p Prepared<'p>,
    /// From 0.
    pub index: usize,
    pub manner: Manner,
    pub blocks: Blocks,
    /// When the migration started.
    pub since: Instant,
}

impl Place<'_> {
    fn text(&self) -> &str {
        self.step.script.sql(&self.step.script.statements[self.index])
    }
}

impl Runner<'_> {
    /// Runs one statement; says how many attempts it took.
    pub(super) async fn statement(&mut self, mut place: Place<'_>) -> Result<u32, Error> {
        let step = place.step;
        let started = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let mut attempt = 1;
        loop {
            let timeout = self.statement_lock_timeout(step, place.text());
            let result = match place.manner {
                Manner::Wrapped => self.wrapped(place, timeout).await,
                _ => self.bare(place, timeout).await,
            };
            let Err(Stopped { failure, error, interrupted, blockers }) = result else { return Ok(attempt) };
            if is_lost(&error) {
                return Err(Error::LostWhilePartlyApplied {
                    stem: step.stem.clone(),
                    statement: place.index + 1,
                    total: step.script.statements.len(),
                    source: error,
                });
            }
            // A block that is open has nothing of it in the journal, and nothing to go on with.
            let _ = self.work.query("ROLLBACK").await;
            let code = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
            if code == "25001" && place.manner == Manner::Wrapped {
                // It may not run in a transaction after all: the server knows better than our list.
                place.manner = Manner::Bare;
                continue;
            }
            let reason = match code.as_str() {
                _ if Guard::of(&error) == Some(Guard::Fence) => Some(RetryReason::OrphanRunner),
                "55P03" => Some(RetryReason::LockTimeout),
                "40P01" => Some(RetryReason::Deadlock),
                _ => None,
            };
            let pause = backoff.pause();
            if let Some(reason) = reason
                && interrupted.is_none()
                && matches!(place.manner, Manner::Wrapped | Manner::Bare)
                && started.elapsed() + pause < self.settings.lock_retry
            {
                let stem = step.stem.clone();
                self.emitter.emit(Event::Retrying { stem, attempt, pause, reason, blockers });
                self.drop_invalid(step, place.index).await;
                tokio::time::sleep(pause).await;
                attempt += 1;
                continue;
            }
            return Err(self.stopped(place, failure, interrupted).await);
        }
    }

    /// In a transaction with its own record: done and recorded, or neither.
    async fn wrapped(&mut self, place: Place<'_>, timeout: Duration) -> Result<(), Stopped> {
        let done = self.recorder.log(&self.journal_line(place.step, place.index, "ok"));
        let parts = self.builder().statement(place.step.work(), place.index, timeout, &done);
        let (refused, interrupted, blockers) =
            match self.fly(place, timeout, async |work| send(work, &parts).await).await {
                Ok(()) => return Ok(()),
                Err(stopped) => stopped,
            };
        let located = match (parts.get(refused.part), refused.broken.error.as_db_error()) {
            (Some(Part::Message(message)), Some(error)) => {
                message.locate(refused.broken.finished, error, self.probe.positions_in_bytes)
            }
            _ => None,
        };
        let error = refused.broken.error;
        let failure = located.unwrap_or_else(|| failure(place, &error, None));
        Err(Stopped { failure, error, interrupted, blockers })
    }

    /// On its own, with what goes before and behind it.
    async fn bare(&mut self, place: Place<'_>, timeout: Duration) -> Result<(), Stopped> {
        let Place { step, index, manner, blocks, .. } = place;
        let before = self.before(step, index, manner, blocks, timeout);
        // A concurrent statement is judged before it is recorded.
        let judged = is_concurrent(&step.script.statements[index]);
        let after = self.after(step, index, manner, blocks).filter(|_| !judged);
        let texts = [before.as_deref(), Some(place.text()), after.as_deref()];
        let statement = step.script.statements[index];
        let is_copy = matches!(statement.kind, StatementKind::CopyFromStdin { .. });
        let data = is_copy.then(|| Part::Copy { work: step.work(), statement });
        let flown = self.fly(place, timeout, async |work| {
            for (part, text) in texts.iter().enumerate() {
                let Some(text) = text else { continue };
                let sent = match &data {
                    // In a block of the script's own: its data goes in messages of their own.
                    Some(copy) if part == 1 => send_part(work, copy).await,
                    _ => work.send(text).await,
                };
                sent.map_err(|broken| Refused { part, broken })?;
            }
            Ok(())
        });
        let Err((refused, interrupted, blockers)) = flown.await else { return Ok(()) };
        let error = refused.broken.error;
        let position = error.as_db_error().and_then(original_position).filter(|_| refused.part == 1);
        let offset = position
            .map(|position| statement.start + byte_of(place.text(), position, self.probe.positions_in_bytes));
        Err(Stopped { failure: failure(place, &error, offset), error, interrupted, blockers })
    }

    async fn fly(
        &mut self,
        place: Place<'_>,
        timeout: Duration,
        send: impl AsyncFnOnce(&crate::session::Session) -> Result<(), Refused>,
    ) -> Result<(), (Refused, Option<u8>, Vec<Other>)> {
        let (stem, since) = (&place.step.stem, place.since);
        let watched = flight(self.settings, &self.probe, &self.work, self.keys, stem, timeout, since);
        let landed = self.watcher.watch(&watched, send(&self.work)).await;
        let blockers = landed.sight.map(|sight| sight.blockers).unwrap_or_default();
        landed.output.map_err(|refused| (refused, landed.interrupted, blockers))
    }
}

fn failure(place: Place<'_>, error: &tokio_postgres::Error, position: Option<usize>) -> Failure {
    let statement = place.step.script.statements[place.index];
    let mut failure = place.step.work().failure(server_error(error));
    failure.statement = Some((statement.start, statement.end));
    failure.position = position;
    failure
}
