//! The rehearsal from its backup to its report.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use migrate_core::{Goal, Migration, Schema, Set};
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{
    Connection, Database, Error as EngineError, Migrator, Note, in_one_line, quote_identifier,
};

use super::clients::{Clients, Phase};
use super::gate;
use super::memory::{self, Measured};
use super::observed::Observed;
use super::place::Place;
use super::report::{Copied, Down, Placed, Rehearsed};
use super::turn::Turn;
use super::watch::{Subject, Watch};
use super::workload::Workload;
use super::{ahead, copy, statements};
use crate::backup::Backup;
use crate::command::{Call, tell_other_major};
use crate::config::Settings;
use crate::inspection::Pending;
use crate::render::view::RehearseRemark;
use crate::risk::{Book, Sizes};

/// How a rehearsal is to be.
pub(crate) struct Options {
    /// Another backup than the newest verified one.
    pub(crate) backup: Option<String>,
    /// A server to make the database on, instead of one of our own.
    pub(crate) server: Option<Database>,
    /// Where a server of our own is to have its files.
    pub(crate) scratch_dir: Option<PathBuf>,
    /// Leaves the database on the server that was given.
    pub(crate) keep: bool,
    /// Rolls back again.
    pub(crate) down: bool,
    /// The workload, as it was named.
    pub(crate) load: Option<PathBuf>,
    pub(crate) clients: NonZeroUsize,
    /// How many units of the workload a second at most.
    pub(crate) rate: Option<u32>,
    /// For how long clients work before the first migration.
    pub(crate) warm_up: Duration,
    pub(crate) jobs: Option<NonZeroUsize>,
    pub(crate) max_wait: Option<Duration>,
}

/// A rehearsal that was begun, and why it did not come to its end.
pub(crate) struct Ended {
    pub(crate) rehearsed: Rehearsed,
    pub(crate) error: Option<anyhow::Error>,
}

/// Rehearses.
///
/// # Errors
///
/// What kept it from beginning, and an interrupt. What a migration did wrong is in [`Ended`].
pub(crate) fn run(call: &Call, settings: &Settings, set: &Set, options: &Options) -> anyhow::Result<Ended> {
    let backup = ahead::choose(settings, options.backup.as_deref())?;
    let manifest = &backup.manifest;
    let workload = match &options.load {
        Some(named) => Some(Workload::read(&call.context.cwd.join(named), named)?),
        None => None,
    };
    let mut rehearsed = Rehearsed::of(Copied::of(&backup), options.max_wait);
    if !ahead::is_pending(settings, set, manifest)? {
        return Ok(Ended { rehearsed, error: None });
    }
    let works = call.context.engine_works();
    let place = open(call, &backup, options)?;
    tell_other_major(call, Some(manifest.server_version), place.version / 10_000);
    let restored = copy::load(call, &backup, &place, options)?;
    rehearsed.placed =
        Some(Placed { server: place.server.clone(), version: place.version, own: place.is_own(), restored });
    rehearsed.kept = place.kept().map(str::to_owned);
    let rehearsal = Rehearsal { call, settings, set, options, place: &place, backup: &backup };
    let result = rehearsal.rehearse(workload.as_ref(), &mut rehearsed);
    drop(place);
    drop(works);
    call.ui.rest();
    match result {
        Ok(()) => Ok(Ended { rehearsed, error: None }),
        // What did not get as far as a migration has nothing to report, and who interrupted it wants no report.
        Err(error)
            if rehearsed.up.is_none()
                || matches!(error.downcast_ref(), Some(EngineError::Interrupted { .. })) =>
        {
            Err(error)
        }
        Err(error) => {
            rehearsed.failed = Some(in_one_line(error.as_ref()));
            Ok(Ended { rehearsed, error: Some(error) })
        }
    }
}

fn open(call: &Call, backup: &Backup, options: &Options) -> anyhow::Result<Place> {
    match &options.server {
        None => {
            ahead::programs(&backup.manifest, backup.manifest.server_major())?;
            Place::own(&backup.manifest, options.scratch_dir.as_deref())
        }
        Some(server) => {
            let interrupt = &call.context.interrupt;
            let (place, remarks) = Place::given(server.clone(), &backup.manifest, options.keep, interrupt)?;
            for remark in remarks {
                call.ui.remark(&RehearseRemark(remark), "note");
            }
            Ok(place)
        }
    }
}

struct Rehearsal<'a> {
    call: &'a Call<'a>,
    settings: &'a Settings,
    set: &'a Set,
    options: &'a Options,
    place: &'a Place,
    backup: &'a Backup,
}

impl Rehearsal<'_> {
    fn rehearse(&self, workload: Option<&Workload>, rehearsed: &mut Rehearsed) -> anyhow::Result<()> {
        let migrator = self.migrator();
        let pending = Pending::of(self.set, &migrator.status()?);
        if pending.migrations().is_empty() {
            // Whether the history fits the folder is said by a run that has nothing to do.
            migrator.run(Goal::UpAll)?;
            return Ok(());
        }
        rehearsed.risks = self.risks(&migrator, pending.migrations())?;
        let interrupt = &self.call.context.interrupt;
        let clients = match workload {
            Some(workload) => {
                workload.try_once(self.place.database(), interrupt)?;
                let (number, rate) = (self.options.clients.get(), self.options.rate);
                Some(Clients::start(self.place.database(), workload, number, rate))
            }
            None => None,
        };
        if clients.is_some() {
            self.warm_up()?;
        }
        // The history's tables are there from now on, and with them what the watcher stands at.
        migrator.note(&Note {
            subject: self.backup.id().to_owned(),
            action: "rehearse".to_owned(),
            outcome: "started".to_owned(),
            ..Note::default()
        })?;
        let options = SchemaOptions {
            history: Some(self.settings.history_table.value.clone()),
            ..SchemaOptions::default()
        };
        let before = migrator.schema(&options)?;
        if let Some(clients) = &clients {
            clients.enter(Phase::Up);
        }
        let turn = Turn::of(pending.migrations());
        let after_last = Arc::new(Mutex::new(None));
        let result = self.up(&migrator, pending.migrations(), &turn, &options, &after_last, rehearsed);
        let result = result.and_then(|()| match self.options.down {
            true => {
                if let Some(clients) = &clients {
                    clients.enter(Phase::Down);
                }
                let stays = after_last.lock().unwrap_or_else(PoisonError::into_inner).take();
                self.down(
                    &migrator,
                    pending.migrations(),
                    &turn,
                    &options,
                    &stays.unwrap_or(before),
                    rehearsed,
                )
            }
            false => Ok(()),
        });
        rehearsed.load = clients.map(Clients::stop);
        self.remember(rehearsed, pending.migrations());
        result
    }

    fn migrator(&self) -> Migrator {
        self.call.engine(self.settings, self.set.clone(), self.place.database().clone())
    }

    /// What each migration is feared to do, by what its text says and how large the tables are.
    fn risks(
        &self,
        migrator: &Migrator,
        pending: &[Migration],
    ) -> anyhow::Result<Vec<(String, crate::risk::Risk)>> {
        let sizes = migrator.table_sizes()?;
        let is_pending = |migration: &Migration| pending.iter().any(|other| other.stem == migration.stem);
        let book = Book::read(self.set, is_pending)
            .with_sizes(Sizes::of(sizes.iter().map(|(table, bytes)| (table.as_str(), *bytes))));
        let risk = |migration: &Migration| {
            (migration.stem.to_string(), book.of_text(&migration.stem, migrate_core::Direction::Up))
        };
        Ok(pending.iter().map(risk).collect())
    }

    /// Clients are at work and nothing else happens.
    fn warm_up(&self) -> Result<(), EngineError> {
        let until = Instant::now() + self.options.warm_up;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            if let Some(signal) = self.call.context.interrupt.triggered() {
                return Err(EngineError::Interrupted { signal, stem: None });
            }
            std::thread::sleep(left.min(Duration::from_millis(50)));
        }
        Ok(())
    }

    fn watch(&self, texts: Vec<String>) -> anyhow::Result<Watch> {
        let history = &self.settings.history_table.value;
        Ok(Watch::begin(&Subject { database: self.place.database(), history, texts })?)
    }

    /// Applies all. On a server of our own the roles that a script takes for granted are made when it asks for them: they
    /// belong to the cluster, which a backup of a database does not have.
    fn up(
        &self,
        migrator: &Migrator,
        pending: &[Migration],
        turn: &Turn,
        options: &SchemaOptions,
        after_last: &Arc<Mutex<Option<Schema>>>,
        rehearsed: &mut Rehearsed,
    ) -> anyhow::Result<()> {
        let texts = pending.iter().flat_map(Migration::scripts).map(|script| script.text.to_string());
        let watch = self.watch(texts.collect())?;
        let mut made: Vec<String> = Vec::new();
        let result = loop {
            let (mut tell, mut mark) = (self.call.ui.listener(), watch.listener());
            let mut keep = turn.keeper(migrator, options, after_last);
            let runner = migrator.clone().looking(watch.looker()).on_event(move |event| {
                if !gate::is_at(event) {
                    tell(event);
                }
                mark(event);
                keep(event);
            });
            let error = match runner.run(Goal::UpAll) {
                Ok(_) => break Ok(()),
                Err(error) => error,
            };
            let role = crate::scratch::missing_role(&error)
                .filter(|role| self.place.is_own() && !made.contains(role));
            let Some(role) = role else { break Err(error) };
            let connection =
                Connection::open(self.place.database(), "rehearsal", &self.call.context.interrupt)?;
            connection.rows("making a role", &format!("CREATE ROLE {}", quote_identifier(&role)))?;
            made.push(role);
        };
        let observed = watch.end();
        // The engine's error comes first: a server that is gone is gone for the watcher too.
        rehearsed.up = Some(match &result {
            Ok(()) => without_failed_tries(observed?),
            Err(_) => observed.map(without_failed_tries).unwrap_or_else(|_| Observed::nothing()),
        });
        if let Some(up) = &mut rehearsed.up {
            statements::name(&mut up.steps, pending);
        }
        Ok(result?)
    }

    /// Rolls back what can be rolled back.
    fn down(
        &self,
        migrator: &Migrator,
        pending: &[Migration],
        turn: &Turn,
        options: &SchemaOptions,
        expected: &Schema,
        rehearsed: &mut Rehearsed,
    ) -> anyhow::Result<()> {
        if turn.reversible == 0 {
            let stem = turn.stays.clone().unwrap_or_default();
            rehearsed.down = Down::Irreversible { stem };
            return Ok(());
        }
        let back = &pending[pending.len() - turn.reversible..];
        let texts = back.iter().flat_map(Migration::scripts).map(|script| script.text.to_string());
        let watch = self.watch(texts.collect())?;
        let (mut tell, mut mark) = (self.call.ui.listener(), watch.listener());
        let runner = migrator.clone().looking(watch.looker()).on_event(move |event| {
            if !gate::is_at(event) {
                tell(event);
            }
            mark(event);
        });
        let result = runner.run(Goal::DownSteps(turn.reversible));
        let observed = watch.end();
        result?;
        let mut observed = observed?;
        statements::name(&mut observed.steps, pending);
        let diff = expected.diff(&migrator.schema(options)?);
        rehearsed.down = Down::Run { observed, stays: turn.stays.clone(), diff };
        Ok(())
    }

    /// Keeps what was measured for later estimates.
    fn remember(&self, rehearsed: &Rehearsed, pending: &[Migration]) {
        let measured: Vec<_> = rehearsed
            .steps()
            .iter()
            .filter_map(|step| {
                let migration = pending.iter().find(|migration| *migration.stem == step.stem)?;
                Some(Measured { stem: &step.stem, checksum: migration.up.checksum, elapsed: step.elapsed? })
            })
            .collect();
        let at = crate::clock::iso(std::time::SystemTime::now());
        memory::keep(self.settings, &self.backup.manifest.identity, &at, &measured);
    }
}

/// Without the tries of a migration that came to its end later, when a role had been made.
fn without_failed_tries(mut observed: Observed) -> Observed {
    let done: Vec<String> =
        observed.steps.iter().filter(|step| step.elapsed.is_some()).map(|step| step.stem.clone()).collect();
    observed.steps.retain(|step| step.elapsed.is_some() || !done.contains(&step.stem));
    observed
}
