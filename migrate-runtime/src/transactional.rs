//! Transactional migrations: sent, retried where a lock was in the way, and never guessed about.

use std::time::{Duration, Instant};

use futures_util::SinkExt;
use migrate_core::{Direction, StatementKind};
use tokio_postgres::error::DbError;

use crate::backoff::Backoff;
use crate::emitter::Emitter;
use crate::error::Failure;
use crate::event::RetryReason;
use crate::message::{self, AS_OURSELVES, Attempt, Guard, Message, Part, RESET, Work};
use crate::prove::Stop;
use crate::record::Line;
use crate::run::{Prepared, Runner, flight};
use crate::session::{Broken, Session, is_lost};
use crate::{Error, Event};

/// The largest message that PostgreSQL takes (`PQ_LARGE_MESSAGE_LIMIT`, `MaxAllocSize` in memutils.h).
const MESSAGE_LIMIT: usize = 0x3fff_ffff;
/// COPY data goes in pieces of this size, so that the client does not hold it twice.
const COPY_PIECE: usize = 1 << 20;

/// Which part failed, and how.
pub(crate) struct Refused {
    pub part: usize,
    pub broken: Broken,
}

impl Runner<'_> {
    /// Runs these steps in one transaction; says how many attempts it took. A commit that is not `durable` does not wait
    /// for the disk: [`make_durable`](Self::make_durable) does, or any later commit.
    pub async fn transaction(&mut self, steps: &[Prepared<'_>], durable: bool) -> Result<u32, Error> {
        let Some(first) = steps.first() else { return Ok(0) };
        self.provable(steps)?;
        let prove = self.proves(steps);
        let since = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let wanted = steps.iter().map(|step| message::lock_timeout(self.settings, &step.script)).max();
        let wanted = wanted.unwrap_or(self.settings.lock_timeout);
        // Who was seen in the way last: a short attempt may be over before anybody could look.
        let mut blockers = Vec::new();
        for attempt in 1.. {
            let left = self.settings.lock_retry.saturating_sub(since.elapsed()).max(Duration::from_millis(1));
            // The last attempt waits no longer than what is left. Zero means no limit, and stays so.
            let timeout = (wanted > left).then_some(left);
            let works: Vec<_> = steps.iter().map(|step| (step.work(), self.record(step))).collect();
            let how = Attempt { lock_timeout: timeout, durable, prove };
            let parts = self.builder().transaction(&works, self.rows, how);
            too_large(&parts, &first.stem)?;

            let watched = flight(
                self.settings,
                &self.probe,
                &self.work,
                self.keys,
                &first.stem,
                timeout.unwrap_or(wanted),
                since,
            );
            let sent = async {
                match &mut self.prover {
                    Some(prover) if prove => prover.send(&self.work, &parts, &self.emitter).await,
                    _ => send_and_hold(&self.work, &parts, &self.emitter).await,
                }
            };
            let landed = self.watcher.watch(&watched, sent).await;
            let Refused { part, broken } = match landed.output {
                Ok(()) => {
                    self.undurable = !durable;
                    return Ok(attempt);
                }
                Err(Stop::Refused(refused)) => refused,
                Err(Stop::Unread(error)) => {
                    self.roll_back().await;
                    return Err(error);
                }
                Err(Stop::Unheld(unheld)) => {
                    self.roll_back().await;
                    if let Some(signal) = landed.interrupted {
                        return Err(Error::Interrupted { signal, stem: Some(unheld.stem) });
                    }
                    let version = version_of(steps, &unheld.stem);
                    return Err(self.unheld(&version, *unheld, false).await);
                }
                Err(Stop::Disproved(disproof)) => {
                    self.roll_back().await;
                    let left = self.settings.lock_retry.saturating_sub(since.elapsed());
                    match self.why_disproved().await.filter(|_| !left.is_zero()) {
                        Some(reason) => {
                            let (stem, blockers) = (disproof.stem, Vec::new());
                            let pause = backoff.pause().min(left);
                            self.emitter.emit(Event::Retrying { stem, attempt, pause, reason, blockers });
                            tokio::time::sleep(pause).await;
                            self.may_go_on(Some(&first.stem))?;
                            continue;
                        }
                        None => {
                            let version = version_of(steps, &disproof.stem);
                            return Err(self.disproved(&version, disproof).await);
                        }
                    }
                }
            };

            if is_lost(&broken.error) {
                return Err(self.interfered(first, broken.error).await);
            }
            self.roll_back().await;
            let failure = self.failure(steps, &parts, part, &broken);
            let version = version_of(steps, &failure.stem);
            if let Some(signal) = landed.interrupted {
                let stem = failure.stem.clone();
                self.log_failure(&version, &failure).await;
                return Err(Error::Interrupted { signal, stem: Some(stem) });
            }
            if let Some(sight) = landed.sight.filter(|sight| !sight.blockers.is_empty()) {
                blockers = sight.blockers;
            }
            let Some((reason, budget)) = self.worth_retrying(&broken.error) else {
                return Err(self.give_up(&version, failure, &broken.error).await);
            };
            let left = budget.saturating_sub(since.elapsed());
            // The last attempt ends with the budget, neither long before nor after.
            let pause = backoff.pause().min(left / 2);
            if left < budget / 50 {
                return Err(match reason {
                    RetryReason::LockTimeout => {
                        self.log_failure(&version, &failure).await;
                        Error::TableLock {
                            stem: failure.stem.clone(),
                            direction: failure.direction,
                            waited: since.elapsed(),
                            attempts: attempt,
                            blockers,
                            failure: Box::new(failure),
                        }
                    }
                    RetryReason::OrphanRunner => Error::LockNotObtained {
                        waited: since.elapsed(),
                        holder: blockers.into_iter().next().map(Box::new),
                    },
                    _ => self.give_up(&version, failure, &broken.error).await,
                });
            }
            self.emitter.emit(Event::Retrying {
                stem: failure.stem,
                attempt,
                pause,
                reason,
                blockers: blockers.clone(),
            });
            // The next attempt can be looked at from its start.
            futures_util::future::join(tokio::time::sleep(pause), self.watcher.connect()).await;
            self.may_go_on(Some(&first.stem))?;
        }
        Ok(0)
    }

    pub fn record(&self, step: &Prepared<'_>) -> String {
        match (step.direction, step.migration) {
            (Direction::Up, Some(migration)) => self.recorder.up(migration),
            _ => self.recorder.down(&step.version, &step.script),
        }
    }

    /// Whether the same message may succeed later, and for how long to try.
    fn worth_retrying(&self, error: &tokio_postgres::Error) -> Option<(RetryReason, Duration)> {
        if Guard::of(error) == Some(Guard::Fence) {
            return Some((RetryReason::OrphanRunner, self.settings.lock_wait));
        }
        let reason = match error.code()?.code() {
            "55P03" => RetryReason::LockTimeout,
            "40P01" => RetryReason::Deadlock,
            "40001" => RetryReason::Serialization,
            _ => return None,
        };
        Some((reason, self.settings.lock_retry))
    }

    /// The error of a migration that failed for good and was rolled back.
    async fn give_up(&mut self, version: &str, failure: Failure, error: &tokio_postgres::Error) -> Error {
        match Guard::of(error) {
            Some(Guard::History) => Error::HistoryChanged { stem: failure.stem },
            Some(Guard::Transaction) => {
                // Part of it is committed: nobody must take it for applied or for absent.
                let dirty = self.recorder.dirty(version, "");
                let _ = self.work.query(&dirty).await;
                self.log_failure(version, &failure).await;
                Error::Dirty {
                    stem: failure.stem.clone(),
                    progress: None,
                    invalid_indexes: vec![],
                    failure: Some(Box::new(failure)),
                }
            }
            _ => {
                self.log_failure(version, &failure).await;
                failed(failure)
            }
        }
    }

    /// Ends the failed transaction and forgets what the body did to the session outside of it.
    pub async fn roll_back(&self) {
        // If this fails the connection is gone, and what comes next says so.
        let _ = self.work.query("ROLLBACK").await;
        let _ = self.work.query(RESET).await;
    }

    fn failure(&self, steps: &[Prepared<'_>], parts: &[Part<'_>], part: usize, broken: &Broken) -> Failure {
        let located = parts.get(part).and_then(|part| part.failure(broken, self.probe.positions_in_bytes));
        // A message of our own before any script: on behalf of the first step.
        located.unwrap_or_else(|| steps[0].work().failure(server_error(&broken.error)))
    }

    /// Writes a failure into the audit log. A log that cannot be written is told, and never hides the failure.
    pub async fn log_failure(&self, version: &str, failure: &Failure) {
        let message = migrate_core::sql::mask_text(&failure.server.message);
        self.log_line(&Line {
            version,
            action: failure.direction.name(),
            outcome: "failed",
            sqlstate: Some(&failure.server.code),
            message: Some(&message),
            ..Line::default()
        })
        .await;
    }

    /// Writes a line into the audit log, or tells that it could not be written.
    pub async fn log_line(&self, line: &Line<'_>) {
        let line = self.recorder.log(line);
        if let Err(error) = self.work.query(&format!("{AS_OURSELVES};\n{line}")).await {
            self.emitter.emit(Event::LogUnavailable { why: crate::causes::in_one_line(&error) });
        }
    }

    /// The connection is gone: asks a new one what became of the migration.
    async fn interfered(&mut self, step: &Prepared<'_>, source: tokio_postgres::Error) -> Error {
        let committed = crate::resolve::committed(self, step).await;
        if let Some(committed) = committed {
            self.emitter.emit(Event::Resolved { stem: step.stem.clone(), committed });
        }
        Error::Interfered { stem: step.stem.clone(), direction: step.direction, committed, source }
    }
}

/// The error for a failure that was rolled back.
pub(crate) fn failed(failure: Failure) -> Error {
    match failure.direction {
        Direction::Up => Error::Failed { failure: Box::new(failure) },
        Direction::Down => Error::RollbackFailed { failure: Box::new(failure) },
    }
}

/// What the history calls the step of this stem.
fn version_of(steps: &[Prepared<'_>], stem: &str) -> String {
    let named = steps.iter().find(|step| step.stem == stem);
    named.map_or(stem, |step| step.version.as_str()).to_owned()
}

fn too_large(parts: &[Part<'_>], stem: &str) -> Result<(), Error> {
    let largest = parts.iter().map(|part| match part {
        Part::Message(message) => message.sql.len(),
        Part::Script { range, .. } => range.1 - range.0,
        Part::Copy { .. } | Part::Schema { .. } | Part::Checks { .. } => 0,
    });
    match largest.max() {
        Some(bytes) if bytes + 16 > MESSAGE_LIMIT => Err(Error::TooLarge { stem: stem.to_owned(), bytes }),
        _ => Ok(()),
    }
}

/// Sends the parts in order; the first that fails ends it.
pub(crate) async fn send(session: &Session, parts: &[Part<'_>]) -> Result<(), Refused> {
    for (index, part) in parts.iter().enumerate() {
        send_part(session, part).await.map_err(|broken| Refused { part: index, broken })?;
    }
    Ok(())
}

/// Sends the parts in order, and stops where a check does not hold.
async fn send_and_hold(session: &Session, parts: &[Part<'_>], emitter: &Emitter) -> Result<(), Stop> {
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Checks { work, asking } => {
                crate::checks::hold(session, work, asking, emitter).await.map_err(|stop| stop.at(index))?;
            }
            part => send_part(session, part)
                .await
                .map_err(|broken| Stop::Refused(Refused { part: index, broken }))?,
        }
    }
    Ok(())
}

/// Sends one part. A reading of the schema and a check are for who judges them, and nothing to send.
pub(crate) async fn send_part(session: &Session, part: &Part<'_>) -> Result<(), Broken> {
    match part {
        Part::Message(message) if !message.marks.is_empty() => crate::look::send(session, message).await,
        Part::Message(Message { sql, .. }) => session.send(sql).await,
        Part::Script { work, range, .. } => session.send(&work.script.body_of(range.0, range.1)).await,
        Part::Copy { work, statement } => {
            copy(session, work, statement).await.map_err(|error| Broken { finished: 0, error })
        }
        Part::Schema { .. } | Part::Checks { .. } => Ok(()),
    }
}

pub(crate) async fn copy(
    session: &Session,
    work: &Work<'_>,
    statement: &migrate_core::Statement,
) -> Result<(), tokio_postgres::Error> {
    let StatementKind::CopyFromStdin { data_start, data_end } = statement.kind else { return Ok(()) };
    let sink = session.client.copy_in(work.script.sql(statement)).await?;
    futures_util::pin_mut!(sink);
    for piece in work.script.text.as_bytes()[data_start..data_end].chunks(COPY_PIECE) {
        sink.send(std::io::Cursor::new(piece.to_vec())).await?;
    }
    sink.finish().await?;
    Ok(())
}

/// What the server said, where it was the server that said it.
pub(crate) fn server_error(error: &tokio_postgres::Error) -> crate::error::ServerError {
    error.as_db_error().map(|error: &DbError| error.into()).unwrap_or_default()
}
