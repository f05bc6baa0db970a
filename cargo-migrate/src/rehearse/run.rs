//! The rehearsal from its backup to its report.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use migrate_core::{Goal, Migration, Schema, Set};
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{
    Connection, Database, Error as EngineError, Event, Interrupt, Migrator, Note, in_one_line,
    quote_identifier,
};

use super::clients::{Clients, Phase};
use super::gate;
use super::memory::{self, Measured};
use super::place::Place;
use super::report::{Copied, Down, Rehearsed};
use super::watch::{Observed, Subject, Watch};
use super::workload::Workload;
use crate::Problem;
use crate::backup::{self, Backup, LoadOptions, MissingRoles, Scope, Store, Whose};
use crate::command::{Call, tell_other_major};
use crate::config::Settings;
use crate::inspection::Pending;
use crate::render::view::{RehearseRemark, restoring};
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
    let backup = choose(settings, options.backup.as_deref())?;
    let workload = match &options.load {
        Some(named) => Some(Workload::read(&call.context.cwd.join(named), named)?),
        None => None,
    };
    let works = call.context.engine_works();
    let place = open(call, &backup, options)?;
    tell_other_major(call, Some(backup.manifest.server_version), place.version / 10_000);
    let restored = restore(call, &backup, &place, options)?;
    let mut rehearsed = Rehearsed {
        backup: Copied::of(&backup),
        server: place.server.clone(),
        server_version: place.version,
        own: place.is_own(),
        restored,
        up: None,
        risks: Vec::new(),
        down: Down::NotRun,
        load: None,
        kept: place.kept().map(str::to_owned),
        failed: None,
        max_wait: options.max_wait,
    };
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

/// The backup that is meant.
fn choose(settings: &Settings, wanted: Option<&str>) -> anyhow::Result<Backup> {
    let store = Store::open(settings);
    let whose = Whose::of(settings);
    if let Some(name) = wanted {
        let backup = store.find(name, &whose)?;
        return match backup.manifest.scope {
            Scope::Whole => Ok(backup),
            _ => Err(Problem::Usage {
                what: format!("{} is a backup of some tables, not of the database", backup.id()),
                hint: "migrations are rehearsed on a whole database: `cargo migrate backup create`"
                    .to_owned(),
            }
            .into()),
        };
    }
    let environment = settings.environment_name();
    let fits = |backup: &&Backup| {
        let manifest = &backup.manifest;
        whose.owns(manifest) && manifest.scope == Scope::Whole && manifest.verified.is_some()
    };
    let found = store.list()?.iter().find(fits).cloned();
    found.ok_or_else(|| {
        let env = environment.as_ref().map_or_else(String::new, |name| format!(" --env {name}"));
        let of = environment.as_ref().map_or_else(String::new, |name| format!(" of `{name}`"));
        anyhow::Error::from(Problem::Usage {
            what: format!(
                "there is no verified backup{of} of a whole database in {}",
                settings.backup_dir.value.display()
            ),
            hint: format!(
                "make one and verify it: `cargo migrate{env} backup create`, `cargo migrate{env} backup verify latest`; \
                 or name one that was not verified with --backup"
            ),
        })
    })
}

fn open(call: &Call, backup: &Backup, options: &Options) -> anyhow::Result<Place> {
    match &options.server {
        None => Place::own(&backup.manifest, options.scratch_dir.as_deref()),
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

/// Loads the backup; on a terminal it is told how far it is, by the size of the database.
fn restore(call: &Call, backup: &Backup, place: &Place, options: &Options) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let database = place.database();
    let roles = match place.is_own() {
        true => MissingRoles::Create,
        false => roles_of(database, backup, &call.context.interrupt)?,
    };
    let done = Arc::new(AtomicBool::new(false));
    let told = {
        let (done, database, live) = (Arc::clone(&done), database.clone(), call.ui.live());
        let (id, whole) = (backup.id().to_owned(), backup.manifest.database_bytes);
        live(&restoring(&id, 0, whole));
        std::thread::spawn(move || {
            let interrupt = Interrupt::new();
            let Ok(connection) = Connection::open(&database, "rehearsal: progress", &interrupt) else {
                return;
            };
            let sql = "SELECT pg_catalog.pg_database_size(pg_catalog.current_database())";
            while !done.load(Ordering::SeqCst) {
                let Ok(size) = connection.value("asking for the size of the database", sql) else { return };
                let size = size.and_then(|size| size.parse().ok()).unwrap_or_default();
                live(&restoring(&id, size, whole));
                std::thread::park_timeout(Duration::from_millis(300));
            }
        })
    };
    let options = LoadOptions { jobs: options.jobs, roles, ..LoadOptions::default() };
    let loaded = backup::load(call, backup, database, &options);
    done.store(true, Ordering::SeqCst);
    told.thread().unpark();
    let _ = told.join();
    call.ui.rest();
    loaded?;
    // What a table is expected to be like belongs to its data, and a backup has it not.
    let connection = Connection::open(database, "rehearsal", &call.context.interrupt)?;
    connection.rows("collecting statistics on the copy", "ANALYZE")?;
    Ok(began.elapsed())
}

/// On a server that was given, nobody's role is made: where one is missing, owners and grants are left out.
fn roles_of(database: &Database, backup: &Backup, interrupt: &Interrupt) -> anyhow::Result<MissingRoles> {
    let connection = Connection::open(database, "rehearsal", interrupt)?;
    let rows = connection.rows("looking for roles", "SELECT rolname FROM pg_catalog.pg_roles")?;
    let there = |role: &String| rows.iter().any(|row| row.get(0) == Some(role.as_str()));
    let all = backup.manifest.roles.iter().all(there);
    // Whoever may make a database may not hand tables to others.
    let own = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user";
    let is_super = connection.value("asking for our own role", own)?.as_deref() == Some("t");
    Ok(if all && is_super { MissingRoles::Refuse } else { MissingRoles::LeaveOut })
}

impl Copied {
    fn of(backup: &Backup) -> Self {
        let manifest = &backup.manifest;
        Self {
            id: manifest.id.clone(),
            environment: manifest.environment.clone(),
            taken_at: manifest.taken_at.clone(),
            database_bytes: manifest.database_bytes,
            verified: manifest.verified.is_some(),
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
            let runner = migrator.clone().on_event(move |event| {
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
        let runner = migrator.clone().on_event(move |event| {
            if !gate::is_at(event) {
                tell(event);
            }
            mark(event);
        });
        let result = runner.run(Goal::DownSteps(turn.reversible));
        let observed = watch.end();
        result?;
        let diff = expected.diff(&migrator.schema(options)?);
        rehearsed.down = Down::Run { observed: observed?, stays: turn.stays.clone(), diff };
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

/// How far back the way goes.
struct Turn {
    /// The newest that cannot be rolled back.
    stays: Option<String>,
    /// How many come after it.
    reversible: usize,
}

impl Turn {
    fn of(pending: &[Migration]) -> Self {
        let stays = pending.iter().rposition(|migration| migration.down.is_none());
        Self {
            stays: stays.map(|index| pending[index].stem.to_string()),
            reversible: pending.len() - stays.map_or(0, |index| index + 1),
        }
    }

    /// Reads the schema behind the newest one that stays.
    fn keeper(
        &self,
        migrator: &Migrator,
        options: &SchemaOptions,
        into: &Arc<Mutex<Option<Schema>>>,
    ) -> impl FnMut(&Event) + Send + 'static {
        let (stays, into) = (self.stays.clone(), Arc::clone(into));
        let (migrator, options) = (migrator.clone(), options.clone());
        move |event| {
            let Event::Finished { stem, .. } = event else { return };
            if stays.as_ref() != Some(stem) {
                return;
            }
            // On a thread of its own: this one drives the engine's runtime.
            let (migrator, options) = (migrator.clone(), options.clone());
            let read = std::thread::spawn(move || migrator.schema(&options)).join();
            if let Ok(Ok(schema)) = read {
                *into.lock().unwrap_or_else(PoisonError::into_inner) = Some(schema);
            }
        }
    }
}

/// Without the tries of a migration that came to its end later, when a role had been made.
fn without_failed_tries(mut observed: Observed) -> Observed {
    let done: Vec<String> =
        observed.steps.iter().filter(|step| step.elapsed.is_some()).map(|step| step.stem.clone()).collect();
    observed.steps.retain(|step| step.elapsed.is_some() || !done.contains(&step.stem));
    observed
}
