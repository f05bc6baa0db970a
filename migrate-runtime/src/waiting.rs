//! For applications that must not migrate themselves, but must not start too early either.

use std::time::{Duration, Instant};

use migrate_core::{Goal, Set};

use crate::Error;
use crate::backoff::Backoff;
use crate::emitter::Emitter;
use crate::run::Runner;
use crate::settings::Settings;

impl Runner<'_> {
    /// Whether everything is applied. One round trip where it is. Writes nothing.
    pub async fn verify(&self, set: &Set) -> Result<(), Error> {
        if let Some(shape) = &self.probe.history {
            crate::history::recognise(&self.settings.history, shape)?;
        }
        if self.probe.digest == Some(set.digest) && !self.probe.dirty {
            return Ok(());
        }
        let rows = self.read().await?;
        if rows.iter().any(|row| row.dirty) {
            return Err(self.refuse_dirty(set, &rows).await);
        }
        let plan = self.plan(set, &rows, Goal::UpAll).await?;
        for warning in &plan.warnings {
            self.emitter.emit(crate::Event::Warning(warning.clone()));
        }
        if plan.steps.is_empty() {
            return Ok(());
        }
        Err(Error::Pending { pending: plan.steps.into_iter().map(|step| step.stem).collect() })
    }
}

/// Asks again until everything is applied. What waiting cannot mend (a modified file) ends it at once; a server that
/// is not there yet, pending migrations and one that is partly applied right now are waited for.
pub(crate) async fn wait(
    settings: &Settings,
    emitter: &Emitter,
    set: &Set,
    deadline: Duration,
) -> Result<(), Error> {
    let started = Instant::now();
    let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));
    loop {
        let attempt = async {
            let runner = Runner::connect(settings, emitter, false).await?;
            runner.verify(set).await
        };
        let left = deadline.saturating_sub(started.elapsed());
        let error = match tokio::time::timeout(left.max(Duration::from_millis(100)), attempt).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        let worth_waiting = matches!(
            error,
            None | Some(
                Error::Pending { .. }
                    | Error::Connect { .. }
                    | Error::ConnectionLost { .. }
                    | Error::Dirty { .. }
            )
        );
        if !worth_waiting || started.elapsed() >= deadline {
            return Err(error.unwrap_or_else(|| Error::Pending {
                pending: set.migrations.iter().map(|migration| migration.stem.to_string()).collect(),
            }));
        }
        if let Some(signal) = settings.interrupt.triggered() {
            return Err(Error::Interrupted { signal, stem: None });
        }
        tokio::time::sleep(backoff.pause().min(deadline.saturating_sub(started.elapsed()))).await;
    }
}
