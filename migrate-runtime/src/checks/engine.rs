//! Checks in a run: between the messages of a transaction, and around a migration that has none.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use migrate_core::Moment;
use migrate_core::sql::mask_text;

use super::ask::{self, ALONE, Asking, END, Held};
use super::{Outcome, Verdict};
use crate::backoff::Backoff;
use crate::emitter::Emitter;
use crate::event::RetryReason;
use crate::history_table::quote_literal;
use crate::message::{self, Builder, Work, application};
use crate::prove::{BACK, Stop};
use crate::record::Line;
use crate::run::{Prepared, Runner, flight};
use crate::session::{Broken, Session, is_lost};
use crate::transactional::Refused;
use crate::{Error, Event};

/// The checks of a migration that failed.
pub(crate) struct Unheld {
    pub stem: String,
    pub moment: Moment,
    /// Never empty.
    pub failed: Vec<Outcome>,
}

/// Why the checks of a transaction do not let it go on.
pub(crate) enum NotHeld {
    Broken(Broken),
    Unheld(Box<Unheld>),
}

impl NotHeld {
    /// As the end of the part with this index.
    pub fn at(self, part: usize) -> Stop {
        match self {
            Self::Broken(broken) => Stop::Refused(Refused { part, broken }),
            Self::Unheld(unheld) => Stop::Unheld(unheld),
        }
    }
}

/// Asks the checks of one moment inside a transaction, and goes on where all of them hold.
pub(crate) async fn hold(
    session: &Session,
    work: &Work<'_>,
    asking: &Asking<'_>,
    emitter: &Emitter,
) -> Result<(), NotHeld> {
    let outcomes = asking.ask(session, Held::TriedAgain).await.map_err(NotHeld::Broken)?;
    match judge(work.stem, asking.moment, outcomes, emitter) {
        Some(unheld) => Err(NotHeld::Unheld(Box::new(unheld))),
        None => Ok(()),
    }
}

/// Tells what came of the checks; those that failed, if any did.
fn judge(stem: &str, moment: Moment, outcomes: Vec<Outcome>, emitter: &Emitter) -> Option<Unheld> {
    let checks = outcomes.len();
    let elapsed = outcomes.iter().map(|outcome| outcome.elapsed).sum();
    let failed: Vec<_> = outcomes.into_iter().filter(|outcome| !outcome.passed()).collect();
    let stem = stem.to_owned();
    emitter.emit(Event::Checked { stem: stem.clone(), moment, checks, failed: failed.len(), elapsed });
    (!failed.is_empty()).then_some(Unheld { stem, moment, failed })
}

impl Builder<'_> {
    /// The checks of this moment, to be asked inside the transaction of the migration; `None` where there are none.
    pub fn asking<'w>(
        &self,
        work: &Work<'w>,
        moment: Moment,
        lock_timeout: Option<Duration>,
    ) -> Option<Asking<'w>> {
        let script = work.checks?;
        script.of(moment).next()?;
        let lock_timeout = lock_timeout.unwrap_or_else(|| message::lock_timeout(self.settings, work.script));
        let mut more = String::new();
        if self.probe.checks_client {
            // A killed runner's query ends within a second, as its statements do.
            more += ";SET LOCAL client_connection_check_interval = 1000";
        }
        let name = application(self.settings, work.stem);
        let _ = write!(more, ";SET LOCAL application_name = {}", quote_literal(&name));
        Some(Asking {
            script,
            moment,
            head: BACK.to_owned(),
            tail: None,
            settings: ask::settings(script, lock_timeout, self.settings.statement_timeout, &more),
            positions_in_bytes: self.probe.positions_in_bytes,
        })
    }
}

impl Runner<'_> {
    /// The checks of this moment, each in a transaction of its own; `None` where there are none.
    pub fn alone<'s>(&self, step: &'s Prepared<'_>, moment: Moment) -> Option<Asking<'s>> {
        let asking = self.builder().asking(&step.work(), moment, None)?;
        Some(Asking { head: ALONE.to_owned(), tail: Some(END), ..asking })
    }

    /// Asks the checks of one moment around a non-transactional migration; what failed, if any did. Where a lock is in
    /// the way they are asked again, as a statement would be.
    pub async fn check_alone(
        &mut self,
        step: &Prepared<'_>,
        moment: Moment,
        since: Instant,
    ) -> Result<Option<Unheld>, Error> {
        let Some(asking) = self.alone(step, moment) else { return Ok(None) };
        let started = Instant::now();
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
        let timeout = message::lock_timeout(self.settings, &step.script);
        for attempt in 1.. {
            self.may_go_on(Some(&step.stem))?;
            let pause = backoff.pause();
            let again = started.elapsed() + pause < self.settings.lock_retry;
            let held = if again { Held::TriedAgain } else { Held::Told };
            let watched =
                flight(self.settings, &self.probe, &self.work, self.keys, &step.stem, timeout, since);
            let landed = self.watcher.watch(&watched, asking.ask(&self.work, held)).await;
            let outcomes = match landed.output {
                Err(broken) if is_lost(&broken.error) => {
                    return Err(self.work.failed("running the checks of a migration", broken.error));
                }
                outcomes => outcomes,
            };
            if let Some(signal) = landed.interrupted {
                let _ = self.work.query("ROLLBACK").await;
                return Err(Error::Interrupted { signal, stem: Some(step.stem.clone()) });
            }
            match outcomes {
                Ok(outcomes) => return Ok(judge(&step.stem, moment, outcomes, &self.emitter)),
                Err(broken) => {
                    let _ = self.work.query("ROLLBACK").await;
                    let reason = match broken.error.code().map(|code| code.code()) {
                        Some("40P01") => RetryReason::Deadlock,
                        Some("40001") => RetryReason::Serialization,
                        _ => RetryReason::LockTimeout,
                    };
                    let blockers = landed.sight.map(|sight| sight.blockers).unwrap_or_default();
                    let stem = step.stem.clone();
                    self.emitter.emit(Event::Retrying { stem, attempt, pause, reason, blockers });
                    tokio::time::sleep(pause).await;
                }
            }
        }
        Ok(None)
    }

    /// Writes the checks that failed into the audit log, without the rows that they found, and makes them the error of
    /// the run.
    pub async fn unheld(&self, version: &str, unheld: Unheld, applied: bool) -> Error {
        let Unheld { stem, moment, failed } = unheld;
        for outcome in &failed {
            let message = format!(
                "{}: {} ({}:{}, {} it)",
                outcome.description.as_deref().unwrap_or("a check"),
                outcome.verdict,
                outcome.file,
                outcome.line,
                if moment == Moment::Before { "before" } else { "behind" },
            );
            let sqlstate = match &outcome.verdict {
                Verdict::Refused { server, .. } => Some(server.code.as_str()),
                _ => None,
            };
            self.log_line(&Line {
                version,
                action: "check",
                outcome: "failed",
                sqlstate,
                message: Some(&mask_text(&message)),
                ..Line::default()
            })
            .await;
        }
        Error::CheckFailed { stem, moment, failed, applied }
    }
}
