//! The making of a database out of a backup: created, loaded, compared, made like the old one, named; or taken away again.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use migrate_core::Set;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{
    Connection, Database, Error as EngineError, Interrupt, Note, quote_identifier, quote_literal,
};

use super::into_new::step;
use super::likeness::{self, Likeness};
use super::locale::create_like;
use super::mark::Mark;
use super::taken::{is_taken, taken};
use super::verify::{self, Compared};
use super::{At, Place, Refusal, State, Watch, discard, name, place, said, swap, vacate};
use crate::backup::load::{Watching, load_with};
use crate::backup::{self, Backup, LoadOptions, Scope};
use crate::command::Call;
use crate::config::Settings;
use crate::process::Tick;
use crate::render::view::{RestoreProgress, RestoreStep as Step};
use crate::{Problem, clock};

/// A new database while it is worked on.
struct Made {
    unfinished: String,
    oid: u32,
    database: Database,
    /// Shows everybody, another restore among them, that somebody is at work.
    keeper: Connection,
}

/// One restore at work.
pub(super) struct Work<'a> {
    pub(super) call: &'a Call<'a>,
    pub(super) settings: &'a Settings,
    pub(super) backup: &'a Backup,
    pub(super) place: &'a Place,
    pub(super) old: Option<&'a Likeness>,
    pub(super) name: &'a str,
    pub(super) jobs: Option<NonZeroUsize>,
    /// The tables that were asked for, as the manifest writes them.
    pub(super) picked: Option<&'a [String]>,
}

impl Work<'_> {
    /// Makes it: its oid, what was compared, and what of the old one could not be copied.
    pub(super) fn run(&self) -> anyhow::Result<(u32, Compared, Vec<String>)> {
        let rows = self.rows()?;
        let (unfinished, oid) = self.create()?;
        let database = self.place.old.with_dbname(&unfinished);
        let done = self.open(unfinished.clone(), oid, database).and_then(|made| {
            let compared = self.fill(&made, &rows)?;
            Ok((compared, self.finish(made)?))
        });
        match done {
            Ok((compared, left_out)) => Ok((oid, compared, left_out)),
            Err(error) => Err(self.given_up(&unfinished, oid, error)),
        }
    }

    /// What it will be.
    pub(super) fn state(&self) -> State {
        match (&self.backup.manifest.scope, self.picked) {
            (Scope::Whole, None) => State::Restored,
            _ => State::Part,
        }
    }

    fn mark(&self, state: State) -> Mark {
        let comment = self.old.and_then(|old| old.comment.clone());
        let at = clock::iso(self.call.context.now);
        Mark::new(state, &self.backup.manifest.id, self.place.old.dbname(), &at, comment)
    }

    /// The rows that the tables have to have. Where the backup was never verified, the archive is read through for those of
    /// the large ones: before there is anything that would have to be taken away again.
    fn rows(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let Self { call, backup, picked, .. } = *self;
        let interrupt = &call.context.interrupt;
        backup::read::rows_of(
            backup,
            picked,
            || step(call, Step::Counting { backup: backup.id().to_owned() }),
            interrupt,
        )
    }

    /// Makes it, under a name that says that it is not finished.
    fn create(&self) -> anyhow::Result<(String, u32)> {
        let Self { call, place, .. } = *self;
        let unfinished = name::unfinished(self.name);
        let like = self.old.map(|old| old.name.clone());
        step(call, Step::Creating { database: self.name.to_owned(), like });
        let create = match self.old {
            Some(old) => old.create(&unfinished, place.version),
            None => likeness::create(&unfinished),
        };
        // A signal in between would leave a database without its mark: it is heard after.
        let admin = place.another(&Interrupt::new())?;
        let failed = |error: EngineError, made: Option<u32>| match made {
            Some(oid) => self.given_up(&unfinished, oid, error.into()),
            // Another restore took the name since it was looked at: both go by the second.
            None if is_taken(&error) => match taken(place, &unfinished) {
                Ok(error) => error,
                Err(error) => error.into(),
            },
            None => match said(&error) {
                Some(why) => {
                    let backup = self.backup.manifest.id.clone();
                    Refusal::NotRestored { backup, why, left: None, part: false }.stop()
                }
                None => error.into(),
            },
        };
        match (self.old, &self.backup.manifest.locale) {
            // What it was like is known as far as its text goes.
            (None, Some(locale)) => create_like(&admin, &unfinished, Some(locale)),
            _ => admin.rows("creating the database", &create).map(drop),
        }
        .map_err(|error| failed(error, None))?;
        let oid = place.database(&unfinished)?.map(|made| made.oid).unwrap_or_default();
        let quoted = quote_identifier(&unfinished);
        // A role that could connect by what PUBLIC may would shut itself out.
        let mark = format!(
            "COMMENT ON DATABASE {quoted} IS {}; GRANT CONNECT, TEMPORARY ON DATABASE {quoted} TO {}; \
             REVOKE ALL ON DATABASE {quoted} FROM PUBLIC",
            quote_literal(&self.mark(State::Unfinished).comment()),
            quote_identifier(&place.role)
        );
        admin.rows("marking the new database", &mark).map_err(|error| failed(error, Some(oid)))?;
        Ok((unfinished, oid))
    }

    fn open(&self, unfinished: String, oid: u32, database: Database) -> anyhow::Result<Made> {
        let keeper = Connection::open(&database, place::APPLICATION, &self.call.context.interrupt)?;
        Ok(Made { unfinished, oid, database, keeper })
    }

    /// Loads it, and compares it with the manifest.
    fn fill(&self, made: &Made, rows: &BTreeMap<String, u64>) -> anyhow::Result<Compared> {
        let Self { call, settings, backup, .. } = *self;
        let manifest = &backup.manifest;
        step(call, Step::Loading { backup: manifest.id.clone(), database: self.name.to_owned() });
        let tables = self.picked.map(<[String]>::to_vec).unwrap_or_default();
        self.make_schemas(made)?;
        let options = LoadOptions { jobs: self.jobs, tables, examined: true, ..LoadOptions::default() };
        self.load(made, &options)?;
        step(call, Step::Verifying { database: self.name.to_owned() });
        made.keeper.rows("gathering statistics", "ANALYZE")?;
        // Versions print some definitions in other words.
        let same_major = manifest.server_version / 10_000 == self.place.version / 10_000;
        let digest = match (self.state(), same_major) {
            (State::Restored, true) if manifest.schema_digest.is_some() => Some(self.digest(made)?),
            _ => None,
        };
        let (compared, differences) = verify::compare(&made.keeper, manifest, rows, digest)?;
        if !differences.is_empty() {
            let (backup, left) = (manifest.id.clone(), made.unfinished.clone());
            return Err(Refusal::Differs { backup, differences, left }.stop());
        }
        if self.state() == State::Restored {
            let note = Note {
                subject: manifest.id.clone(),
                action: "restore".to_owned(),
                outcome: "ok".to_owned(),
                checksum: compared.digest.clone(),
                message: Some(format!(
                    "restored into {}, a copy of {}",
                    self.name, manifest.identity.database
                )),
                ..Note::default()
            };
            swap::write_note(call, settings, &made.database, &note)?;
        }
        Ok(compared)
    }

    /// Of a part of a database the schemas of its tables are not in the archive.
    fn make_schemas(&self, made: &Made) -> anyhow::Result<()> {
        let tables = match &self.backup.manifest.scope {
            Scope::Tables { tables } | Scope::Affected { tables } => tables,
            Scope::Whole | Scope::Schemas { .. } => return Ok(()),
        };
        let schemas: BTreeSet<_> =
            tables.iter().filter_map(|table| backup::name::parts(table)).map(|(schema, _)| schema).collect();
        for schema in schemas {
            let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", quote_identifier(&schema));
            made.keeper.rows("making a schema of the backup's tables", &sql)?;
        }
        Ok(())
    }

    /// Loads it, and tells how far it is.
    fn load(&self, made: &Made, options: &LoadOptions) -> anyhow::Result<()> {
        let (call, interrupt) = (self.call, &self.call.context.interrupt);
        let total = (self.state() == State::Restored).then_some(self.backup.manifest.database_bytes);
        let at = At::default();
        let mut watch = Watch::new(&made.database, &at, total, interrupt);
        let meter = call.ui.meter("restore_progress");
        let tick: Tick<'_> = Box::new(|| {
            if let Some(progress) = watch.look() {
                meter.tell(&RestoreProgress(&progress));
            }
            Ok(())
        });
        let watching = Watching { at: Some(&at), tick: Some(tick) };
        let loaded = load_with(interrupt, self.backup, &made.database, options, watching);
        call.ui.rest();
        loaded
    }

    fn digest(&self, made: &Made) -> anyhow::Result<String> {
        let none = Set::new("", Vec::new());
        let migrator = self.call.engine(self.settings, none, made.database.clone()).tool(place::APPLICATION);
        let history = Some(self.settings.history_table.value.clone());
        let options = SchemaOptions { owners: true, grants: true, history };
        Ok(migrator.schema_digest(&options)?.to_string())
    }

    /// Gives it what pg_dump leaves out, its mark and its name. What could not be copied is told, and stops nothing.
    fn finish(&self, made: Made) -> anyhow::Result<Vec<String>> {
        let Made { unfinished, oid, keeper, .. } = made;
        let mut left_out = Vec::new();
        for touch in self.old.iter().flat_map(|old| old.touches(&unfinished, &self.place.role)) {
            match self.place.admin.rows("making the new database like the old one", &touch.sql) {
                Ok(_) => {}
                Err(error) => match said(&error) {
                    Some(why) => left_out.push(format!("{}: {why}", touch.what)),
                    None => return Err(error.into()),
                },
            }
        }
        drop(keeper);
        let (from, to) = (quote_identifier(&unfinished), quote_identifier(self.name));
        let open = match self.old {
            // Nobody knows what its privileges were.
            None => format!("GRANT CONNECT, TEMPORARY ON DATABASE {to} TO PUBLIC;\n"),
            Some(_) => String::new(),
        };
        let message = format!(
            "BEGIN; SET LOCAL lock_timeout = '5s';\nALTER DATABASE {from} RENAME TO {to};\n\
             COMMENT ON DATABASE {to} IS {};\n{open}",
            quote_literal(&self.mark(self.state()).comment())
        );
        let named = vacate::alone(self.place, &self.call.context.interrupt, &[oid], &message, || Ok(None))
            .and_then(|vacated| {
                Ok(vacated.mover.rows("naming the new database", "COMMIT TRANSACTION").map(drop)?)
            });
        match named {
            // The commit's answer may have been lost, and not the commit.
            Err(_) if self.has_name(oid) => Ok(left_out),
            Err(error) => Err(error),
            Ok(()) => Ok(left_out),
        }
    }

    fn has_name(&self, oid: u32) -> bool {
        let place = Place::reach_with(&self.place.old, &Interrupt::new());
        place.is_ok_and(|place| matches!(place.database(self.name), Ok(Some(found)) if found.oid == oid))
    }

    /// Takes away what was made, unless it is for a person to look at; whether that could be done is told.
    fn given_up(&self, unfinished: &str, oid: u32, error: anyhow::Error) -> anyhow::Error {
        if let Some(Problem::Restore(Refusal::Differs { .. })) = error.downcast_ref() {
            return error;
        }
        let gone = discard::clean_up(&self.place.old, unfinished, oid);
        let left = (!gone).then(|| unfinished.to_owned());
        let by_server =
            error.downcast_ref::<EngineError>().and_then(|error| Some(format!("{error}: {}", said(error)?)));
        let why = match error.downcast_ref::<Problem>() {
            Some(Problem::LoadFailed { why, .. }) => Some(why.clone()),
            _ => by_server,
        };
        let part = self.backup.manifest.scope != Scope::Whole;
        let Some(why) = why else {
            step(self.call, Step::GivenUp { database: unfinished.to_owned(), gone });
            return error;
        };
        Refusal::NotRestored { backup: self.backup.manifest.id.clone(), why, left, part }.stop()
    }
}
