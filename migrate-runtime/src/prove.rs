//! The proof: a migration commits only if it changed the schema as the recorded change of its script says.
//!
//! The schema is read before the body and behind it, inside the work transaction: what is compared is the change, so that
//! whatever else is in the database does not matter. It takes a message more for each reading, because a COMMIT that is
//! in one message with the body is sent before anybody could look.

use std::time::Instant;

use migrate_core::Checksum;
use migrate_core::schema::Schema;

use crate::checks::Unheld;
use crate::emitter::Emitter;
use crate::error::Disproof;
use crate::event::RetryReason;
use crate::message::{Part, Work};
use crate::record::Line;
use crate::run::{Prepared, Runner};
use crate::schema::{SchemaOptions, SchemaReader};
use crate::session::{Broken, Session};
use crate::settings::Settings;
use crate::transactional::{Refused, send_part};
use crate::{Error, HistoryTable};

/// Before a reading, or before checks. What a body set for itself must not end it, and neither may the pause until it
/// begins; the savepoint puts every setting back as the body left it, for the commit to be what it is without.
pub(crate) const LOOK: &str = "SAVEPOINT cargo_migrate_look;SET LOCAL statement_timeout = 0;SET LOCAL idle_in_transaction_session_timeout = 0";
pub(crate) const LOOK_STATEMENTS: usize = 3;
/// After it.
pub(crate) const LOOKED: &str =
    "ROLLBACK TO SAVEPOINT cargo_migrate_look;RELEASE SAVEPOINT cargo_migrate_look";
pub(crate) const LOOKED_STATEMENTS: usize = 2;
/// Before each of several questions in the same place.
pub(crate) const BACK: &str = "ROLLBACK TO SAVEPOINT cargo_migrate_look";

/// How much of a difference goes into the audit log, in characters.
const LOGGED: usize = 4000;

/// Which of the two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Before,
    After,
}

/// Why the parts of a transaction did not all go through.
pub(crate) enum Stop {
    Refused(Refused),
    /// The schema could not be read, for another reason than an answer of the server.
    Unread(Error),
    Disproved(Box<Disproof>),
    Unheld(Box<Unheld>),
}

/// Reads the schema around each body, and each time only what changed since.
pub(crate) struct Prover {
    reader: SchemaReader,
    history: HistoryTable,
    /// Before the transaction.
    start: Schema,
    /// Before the body.
    before: Schema,
}

impl Prover {
    pub fn new(settings: &Settings) -> Self {
        let history = settings.history.clone();
        let options = SchemaOptions { history: Some(history.clone()), ..SchemaOptions::portable() };
        Self {
            reader: SchemaReader::new(options),
            history,
            start: Schema::default(),
            before: Schema::default(),
        }
    }

    /// Whether the change is the recorded one if the schema of the history had not been there before: the migration makes
    /// it, too, which was recorded where the runner had not been there first.
    fn makes_schema_of_history(&self, recorded: Checksum, after: &Schema) -> bool {
        let own = self.before.objects().find(|object| self.history.is_schema(&object.heading));
        own.is_some_and(|own| {
            let mut before = self.before.clone();
            before.remove(&own.heading);
            before.diff(after).digest() == recorded
        })
    }

    /// Sends the parts in order, and stops where the schema is not as it should be.
    pub async fn send(
        &mut self,
        session: &Session,
        parts: &[Part<'_>],
        emitter: &Emitter,
    ) -> Result<(), Stop> {
        let mut first = true;
        for (index, part) in parts.iter().enumerate() {
            let refused = |broken| Stop::Refused(Refused { part: index, broken });
            match part {
                Part::Schema { work, moment } => {
                    let schema = match self.reader.read_inside(session).await {
                        Ok(schema) => schema,
                        Err(
                            Error::Server { source: error, .. } | Error::ConnectionLost { source: error, .. },
                        ) => {
                            return Err(refused(Broken { finished: 0, error }));
                        }
                        Err(error) => return Err(Stop::Unread(error)),
                    };
                    match moment {
                        Moment::Before => {
                            if std::mem::take(&mut first) {
                                self.start = schema.clone();
                            }
                            self.before = schema;
                        }
                        Moment::After => self.judge(work, schema).map_err(Stop::Disproved)?,
                    }
                }
                Part::Checks { work, asking } => {
                    crate::checks::hold(session, work, asking, emitter)
                        .await
                        .map_err(|stop| stop.at(index))?;
                }
                part => send_part(session, part).await.map_err(refused)?,
            }
        }
        Ok(())
    }

    /// Holds the change against the recorded one. `after` is what the next script of the transaction finds.
    fn judge(&mut self, work: &Work<'_>, after: Schema) -> Result<(), Box<Disproof>> {
        let diff = self.before.diff(&after);
        let found = diff.digest();
        match work.script.change {
            Some(recorded) if recorded == found || self.makes_schema_of_history(recorded, &after) => {
                self.before = after;
                Ok(())
            }
            recorded => Err(Box::new(Disproof {
                stem: work.stem.to_owned(),
                direction: work.direction,
                file: work.script.file.to_string(),
                // What has none is refused before.
                recorded: recorded.unwrap_or(Checksum::from_bytes([0; 32])),
                found,
                diff: diff.portable(),
                applied: false,
            })),
        }
    }
}

impl Runner<'_> {
    /// Whether what these steps do is held against what is recorded. Not that of a migration that is partly applied:
    /// nobody knows what it changed before.
    pub fn proves(&self, steps: &[Prepared<'_>]) -> bool {
        self.settings.prove && steps.iter().all(|step| !step.dirty)
    }

    /// Refuses what has no recorded change, before anything runs.
    pub fn provable(&self, steps: &[Prepared<'_>]) -> Result<(), Error> {
        let missing = |step: &&Prepared<'_>| !step.dirty && step.script.change.is_none();
        let missing: Vec<_> = steps.iter().filter(missing).map(Prepared::planned).collect();
        if self.settings.prove && !missing.is_empty() {
            return Err(Error::NotRecorded { steps: missing });
        }
        Ok(())
    }

    /// A change that is not the recorded one, after the roll back. Where the schema is no longer what it was before the
    /// transaction, somebody else changed it meanwhile, and that may be all there is to it: then it is worth another try.
    pub async fn why_disproved(&mut self) -> Option<RetryReason> {
        let prover = self.prover.as_mut()?;
        let now = prover.reader.read(&self.work).await.ok()?;
        (!prover.start.diff(&now).is_empty()).then_some(RetryReason::SchemaChanged)
    }

    /// Writes it into the audit log and makes it the error of the run.
    pub async fn disproved(&mut self, version: &str, disproof: Box<Disproof>) -> Error {
        let text: String = disproof.diff.text().chars().take(LOGGED).collect();
        let Disproof { direction, recorded, found, .. } = *disproof;
        let message =
            format!("changed the schema otherwise than recorded ({recorded}, here {found}):\n{text}");
        self.log_line(&Line {
            version,
            action: direction.name(),
            outcome: if disproof.applied { "unproved" } else { "failed" },
            message: Some(&migrate_core::sql::mask_text(&message)),
            ..Line::default()
        })
        .await;
        Error::Disproved { disproof }
    }

    /// A non-transactional script from its start, behind the checks before it. It commits statement by statement, so that the proof comes too late
    /// to take it back: it stays applied, and the run ends with it.
    pub async fn journalled_with_proof(&mut self, step: &Prepared<'_>) -> Result<u32, Error> {
        self.provable(std::slice::from_ref(step))?;
        if let Some(unheld) = self.check_alone(step, migrate_core::Moment::Before, Instant::now()).await? {
            return Err(self.unheld(&step.version, unheld, false).await);
        }
        if let Some(prover) = &mut self.prover {
            prover.before = prover.reader.read(&self.work).await?;
        }
        let attempts = self.journalled(step, 0).await?;
        if let Some(prover) = &mut self.prover {
            let after = prover.reader.read(&self.work).await?;
            if let Err(disproof) = prover.judge(&step.work(), after) {
                let disproof = Box::new(Disproof { applied: true, ..*disproof });
                return Err(self.disproved(&step.version, disproof).await);
            }
        }
        Ok(attempts)
    }
}
