//! What every verb is run with, and what the verbs that use the engine share.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};

use migrate_core::Set;
use migrate_runtime::{Database, Migrator, Report, in_one_line};
use migrate_testing::LocalServer;

use crate::args::{Global, Reports, Strict, Target};
use crate::config::{self, Settings, Where};
use crate::records::{Logbook, Run, TOOL, shown};
use crate::render::view::{Note, ReportView, SettingsView};
use crate::render::{Ui, View};
use crate::risk::Sizes;
use crate::{Context, Exit, Problem, files, health};

/// What a verb came to.
pub(crate) type Outcome = anyhow::Result<Answer>;

/// A result, and the exit code that goes with it.
pub(crate) struct Answer {
    pub(crate) view: Box<dyn View>,
    pub(crate) exit: Exit,
}

impl Answer {
    /// A result of a verb that did what it should.
    pub(crate) fn ok(view: impl View + 'static) -> Outcome {
        Ok(Self { view: Box::new(view), exit: Exit::Success })
    }

    /// A result of a check.
    pub(crate) fn check(found: bool, view: impl View + 'static) -> Outcome {
        Ok(Self { view: Box::new(view), exit: if found { Exit::CheckFound } else { Exit::Success } })
    }
}

/// One run of one verb.
pub(crate) struct Call<'a> {
    pub(crate) global: &'a Global,
    pub(crate) context: &'a Context,
    pub(crate) ui: &'a Ui,
    typed: &'a Typed<'a>,
    /// What the audit log and the records call this run.
    run: String,
    dir: OnceCell<PathBuf>,
    logbook: OnceCell<Logbook>,
}

/// What was typed.
pub(crate) struct Typed<'a> {
    /// The verb.
    pub(crate) verb: &'static str,
    /// The verb, with that below it, where its run is recorded.
    pub(crate) recorded: Option<&'static str>,
    /// What is behind `cargo migrate`.
    pub(crate) arguments: &'a [OsString],
}

impl<'a> Call<'a> {
    pub(crate) fn new(global: &'a Global, context: &'a Context, ui: &'a Ui, typed: &'a Typed) -> Self {
        let run = format!("{:016x}", RandomState::new().build_hasher().finish());
        Self { global, context, ui, typed, run, dir: OnceCell::new(), logbook: OnceCell::new() }
    }

    /// The records of this run: reports for every verb; events are recorded by themselves where the verb is one that is.
    pub(crate) fn logbook(&self, settings: &Settings) -> &Logbook {
        self.logbook.get_or_init(|| {
            let run = Run {
                name: self.run.clone(),
                command: self.typed.recorded.unwrap_or(self.typed.verb).to_owned(),
                environment: settings.environment_name(),
                database: None,
            };
            Logbook::new(&settings.log_dir.value, run, self.ui.warner())
        })
    }

    /// Writes down that this run began, and lets all that is shown be recorded from now on.
    fn record(&self, settings: &Settings) {
        let logbook = self.logbook(settings);
        if self.typed.recorded.is_some() && self.context.records.set(logbook.clone()) {
            let of = |name: &str| self.context.env.get(name).map(str::to_owned);
            let user = of("SUDO_USER").or_else(|| of("USER")).or_else(|| of("LOGNAME"));
            logbook.begin(&shown(self.typed.arguments), user.as_deref());
        }
    }

    /// The folder of migrations, once the settings are known.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.get().map(PathBuf::as_path)
    }

    /// The settings; `locked` is the verb's own `--locked`.
    pub(crate) fn settings(&self, locked: Option<bool>) -> Result<Settings, Problem> {
        let settings = config::load(self.global, locked, self.context)?;
        // The folder of the first settings is that of all: there is one configuration a run.
        let _ = self.dir.set(settings.dir.value.clone());
        self.record(&settings);
        Ok(settings)
    }

    /// The settings of a verb that applies or rolls back.
    pub(crate) fn settings_of_run(&self, strict: Strict) -> Result<Settings, Problem> {
        Ok(self.settings(strict.locked)?.proving(strict.proves()))
    }

    /// The database, started first where it is the local one.
    pub(crate) fn database(&self, settings: &Settings) -> anyhow::Result<Database> {
        let place = settings.database.as_ref().map_err(Clone::clone)?;
        let variable = |name: &str| settings.variables.get(name).map(|value| value.0.clone());
        Ok(match &place.value {
            Where::Url(url) => Database::resolve(Some(&url.0), &variable)?,
            // Those of libpq decide; a DATABASE_URL that ranks below them must not come in through the back door.
            Where::Variables => {
                Database::resolve(None, &|name| variable(name).filter(|_| name != "DATABASE_URL"))?
            }
            Where::Local => {
                let Some(local) = &settings.local else {
                    return Err(Problem::NoProject { folder: self.context.cwd.clone() }.into());
                };
                let url = LocalServer::new(&local.target).start(&local.database)?;
                // The variables of libpq mean another server.
                Database::resolve(Some(&url), &|_| None)?
            }
        })
    }

    /// The sizes of the tables of a database: of an environment of the metadata, or at a URL.
    pub(crate) fn sizes(&self, place: &str) -> anyhow::Result<Sizes> {
        let is_url = place.contains("://") || place.contains('=');
        let mut global = self.global.clone();
        if is_url {
            global.database_url = Some(place.to_owned());
        } else {
            // A URL that was given for the verb itself is not that of the environment.
            global.database_url = None;
            global.env = Some(place.to_owned());
        }
        let settings = config::load(&global, None, self.context)?;
        let database = self.database(&settings)?;
        let sizes = self.engine(&settings, Set::new("", Vec::new()), database).table_sizes()?;
        Ok(Sizes::of(sizes.iter().map(|(table, bytes)| (table.as_str(), *bytes))))
    }

    /// The engine for a set, told all settings, and the database's name for people. `reason` goes into the audit log.
    pub(crate) fn migrator(
        &self,
        settings: &Settings,
        set: Set,
        reason: Option<&str>,
    ) -> anyhow::Result<(Migrator, String)> {
        let database = self.database(settings)?;
        let name = database.to_string();
        self.logbook(settings).about(&name);
        if self.ui.is_verbose() {
            self.ui.remark(&SettingsView { settings, database: Some(name.clone()), all: false }, "settings");
        }
        let mut migrator =
            self.engine(settings, set, database).run_name(&self.run).on_event(self.ui.listener());
        if let Some(reason) = reason {
            migrator = migrator.reason(reason);
        }
        Ok((migrator, name))
    }

    /// The engine for a set on any database, told what is configured; silent.
    pub(crate) fn engine(&self, settings: &Settings, set: Set, database: Database) -> Migrator {
        let mut migrator = Migrator::new(set)
            .database(database)
            .history_table(settings.history_table.value.clone())
            .tool(TOOL)
            .interrupt(self.context.interrupt.clone())
            .prove(settings.prove.value);
        if let Some(wait) = &settings.lock_wait {
            migrator = migrator.lock_wait(wait.value);
        }
        if let Some(timeout) = &settings.lock_timeout {
            migrator = migrator.lock_timeout(timeout.value);
        }
        if let Some(newer) = &settings.newer {
            migrator = migrator.newer(newer.value);
        }
        migrator
    }

    /// Writes the result of a verb to the files that were asked for beside it.
    pub(crate) fn write_reports(
        &self,
        reports: &Reports,
        verb: &'static str,
        answer: &Answer,
    ) -> anyhow::Result<()> {
        for file in &reports.files {
            let path = self.context.cwd.join(&file.path);
            let text = Ui::report(file.format, verb, &*answer.view, answer.exit);
            migrate_core::file::replace(&path, text.as_bytes())?;
        }
        Ok(())
    }

    /// Notes the schema as a run left a protected environment, for `health` to hold the database against later. Where that
    /// fails, the run is what it was.
    pub(crate) fn note_schema(&self, settings: &Settings) {
        let note = || -> anyhow::Result<()> {
            let database = self.database(settings)?;
            let migrator = self.engine(settings, Set::new("", Vec::new()), database).run_name(&self.run);
            Ok(health::note_schema(settings, &migrator)?)
        };
        if settings.protected.value
            && let Err(error) = note()
        {
            self.ui.remark(&Note::SchemaNotNoted { why: in_one_line(error.as_ref()) }, "note");
        }
    }

    /// The result of a run that did what it should, with the lock brought up to date.
    pub(crate) fn finish(&self, settings: &Settings, set: &Set, report: Report, database: String) -> Outcome {
        if !report.done.is_empty() {
            self.note_schema(settings);
        }
        let (lock_written, lock_failure) = match files::update_lock(settings, set) {
            Ok(written) => (written, None),
            Err(why) => (None, Some(why)),
        };
        Answer::ok(ReportView { report, database, lock_written, lock_failure })
    }
}

/// Refuses a `--to` that names a migration which the folder does not have under this stem.
pub(crate) fn check_target(set: &Set, target: &Target) -> Result<(), Problem> {
    let known = set.get(target.version);
    match (&target.stem, known) {
        (None, _) => Ok(()),
        (Some(stem), Some(known)) if *stem == known.stem => Ok(()),
        (Some(stem), known) => Err(Problem::NoSuchMigration {
            target: stem.clone(),
            near: known.map(|known| known.stem.to_string()),
        }),
    }
}

/// Says that schemas are compared which servers of different versions printed. `version` is `server_version_num`.
pub(crate) fn tell_other_major(call: &Call, version: Option<u32>, scratch: u32) {
    if let Some(database) = version.map(|version| version / 10_000).filter(|major| *major != scratch) {
        call.ui.remark(&Note::OtherMajor { database, scratch }, "note");
    }
}
