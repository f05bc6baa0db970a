//! A backup, restored into a new database beside the old one.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use migrate_core::Set;
use migrate_runtime::schema::SchemaOptions;
use migrate_runtime::{
    Connection, Database, Error as EngineError, Interrupt, Note, quote_identifier, quote_literal,
};
use migrate_testing::ClientPrograms;

use super::likeness::{self, Likeness};
use super::mark::{Mark, State};
use super::verify::{self, Compared};
use super::{Place, Refusal, binds, discard, name, place, refusal, said, swap, tables, vacate};
use crate::backup::{self, Backup, Format, LoadOptions, Scope};
use crate::command::Call;
use crate::config::Settings;
use crate::inspection::Identity;
use crate::render::view::RestoreStep as Step;
use crate::{Problem, clock, files};

/// What a restore is told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    /// How many at once load.
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Only the rows of these tables; all where there are none.
    pub(crate) tables: Vec<String>,
    /// Of whatever database the backup is.
    pub(crate) from_another: bool,
    /// It is to be swapped in afterwards: what would refuse that refuses the restore.
    pub(crate) swap: bool,
}

/// A database that was restored from a backup and verified, and is not in use.
#[derive(Clone, Debug)]
pub(crate) struct Restored {
    /// Its name.
    pub(crate) database: String,
    pub(crate) oid: u32,
    /// Where it is, whatever name: for commands to type.
    pub(crate) at: Database,
    /// The database in whose place it could be put.
    pub(crate) of: String,
    /// The backup's id.
    pub(crate) backup: String,
    /// It has all that the old one had.
    pub(crate) whole: bool,
    /// The tables whose rows it has, where only some were asked for.
    pub(crate) tables: Vec<String>,
    /// What was compared with the manifest; `None` where that was done by an earlier call.
    pub(crate) compared: Option<Compared>,
    /// What of the old one could not be copied, and why.
    pub(crate) left_out: Vec<String>,
    /// The migrations that are pending in it; `None` where the folder could not be read.
    pub(crate) pending: Option<Vec<String>>,
    pub(crate) elapsed: Duration,
}

/// The restored and verified database of an earlier call; `None` where there is none of this name. Refused where it is
/// not what it would have to be.
pub(crate) fn existing(
    call: &Call,
    settings: &Settings,
    name: &str,
    backup: Option<&str>,
) -> anyhow::Result<Option<Restored>> {
    let place = Place::reach(call, &call.database(settings)?)?;
    let Some(found) = place.database(name)? else { return Ok(None) };
    let mark = Mark::of(found.comment.as_deref())
        .filter(|mark| mark.of == place.old.dbname() && mark.state != State::Unfinished)
        .filter(|mark| backup.is_none_or(|backup| backup == mark.backup));
    let Some(mark) = mark else {
        return Err(taken(&place, name)?);
    };
    if mark.state == State::Replaced {
        return Err(taken(&place, name)?);
    }
    Ok(Some(Restored {
        database: found.name,
        oid: found.oid,
        at: place.old.clone(),
        of: mark.of,
        backup: mark.backup,
        whole: mark.state == State::Restored,
        tables: Vec::new(),
        compared: None,
        left_out: Vec::new(),
        pending: None,
        elapsed: Duration::ZERO,
    }))
}

/// Restores a backup into a new database and verifies it. `name` is what it is to be called.
///
/// # Errors
///
/// [`Refusal`], [`Problem`] for a backup that is damaged; the old database is as it was in any case.
pub(crate) fn into_new(
    call: &Call,
    settings: &Settings,
    backup: &Backup,
    name: Option<&str>,
    options: &Options,
) -> anyhow::Result<Restored> {
    let started = Instant::now();
    let manifest = &backup.manifest;
    if !options.tables.is_empty() && manifest.format == Format::Plain {
        return Err(Refusal::PlainTables { backup: manifest.id.clone() }.stop());
    }
    if options.swap && manifest.scope != Scope::Whole {
        return Err(Refusal::NotWhole { backup: manifest.id.clone(), what: "" }.stop());
    }
    let picked = match options.tables.is_empty() {
        true => None,
        false => Some(tables::pick(manifest, &options.tables).map_err(Refusal::stop)?),
    };
    let works = call.context.engine_works();
    step(call, Step::Examining { backup: manifest.id.clone(), bytes: manifest.bytes });
    backup::examine(backup, &call.context.interrupt)?;
    let database = call.database(settings)?;
    let place = Place::reach(call, &database)?;
    let old = place.old()?;
    same_database(&place, old.as_ref(), settings, backup, options)?;
    place.may_create(old.as_ref())?;
    if let Some(old) = old.as_ref().filter(|_| options.swap) {
        binds::check(&place, old, None)?;
    }
    // Missing programs are told before there is anything to take away.
    ClientPrograms::find(place.version / 10_000)?;
    let name = match name {
        Some(name) => name.to_owned(),
        None => place.free(name::restored(database.dbname(), call.context.now))?,
    };
    free(&place, &name)?;
    tell_leftovers(call, &place)?;
    let picked = picked.as_deref();
    let work = Work {
        call,
        settings,
        backup,
        place: &place,
        old: old.as_ref(),
        name: &name,
        jobs: options.jobs,
        picked,
    };
    let (oid, compared, left_out) = work.run()?;
    drop(works);
    Ok(Restored {
        database: name.clone(),
        oid,
        at: database.clone(),
        of: database.dbname().to_owned(),
        backup: manifest.id.clone(),
        whole: work.state() == State::Restored,
        tables: match (work.state(), picked) {
            (State::Restored, _) => Vec::new(),
            (_, Some(picked)) => picked.to_vec(),
            (_, None) => manifest.rows.keys().cloned().collect(),
        },
        compared: Some(compared),
        left_out,
        pending: pending(settings, backup),
        elapsed: started.elapsed(),
    })
}

/// Refuses a backup of a database that is neither this one nor one that had its name on this server: who swapped once has
/// another oid under the same name.
fn same_database(
    place: &Place,
    old: Option<&Likeness>,
    settings: &Settings,
    backup: &Backup,
    options: &Options,
) -> anyhow::Result<()> {
    let of = &backup.manifest.identity;
    let here = Identity::of(&place.admin)?;
    let same_system = of.system.as_ref().zip(here.system.as_ref()).is_none_or(|(one, other)| one == other);
    let name = place.old.dbname();
    let wanted =
        Identity { oid: old.map(|old| old.oid).unwrap_or_default(), database: name.to_owned(), ..here };
    if options.from_another || wanted.is_akin(of) {
        return Ok(());
    }
    // `latest` is the newest of all, and several environments may share a folder.
    let others = backup::Store::open(settings).list().unwrap_or_default();
    let own = others.iter().find(|other| wanted.is_akin(&other.manifest.identity));
    let server = if same_system { "" } else { " on another server" };
    Err(Refusal::AnotherDatabase {
        backup: backup.manifest.id.clone(),
        of: format!("{}{server}", of.database),
        here: name.to_owned(),
        own: own.map(|own| own.id().to_owned()),
    }
    .stop())
}

/// Tells of databases that killed restores left, which take up room.
fn tell_leftovers(call: &Call, place: &Place) -> anyhow::Result<()> {
    for (found, at_work) in discard::unfinished(place)? {
        let of = found.mark.map(|mark| mark.backup);
        step(call, Step::Leftover { database: found.name, of, at_work });
    }
    Ok(())
}

/// Refuses names that are taken, the one and the one before it.
fn free(place: &Place, name: &str) -> anyhow::Result<()> {
    if let Some(why) = name::unfit(name) {
        return Err(Refusal::BadName { name: name.to_owned(), why }.stop());
    }
    for name in [name.to_owned(), name::unfinished(name)] {
        if place.database(&name)?.is_some() {
            return Err(taken(place, &name)?);
        }
    }
    Ok(())
}

/// Whether a database of the name is there: 42P04, or 23505 where it is being made at the same time (`createdb` in
/// dbcommands.c leaves that to the unique index).
fn is_taken(error: &EngineError) -> bool {
    match error {
        EngineError::Server { source, .. } => {
            source.code().is_some_and(|code| matches!(code.code(), "42P04" | "23505"))
        }
        _ => false,
    }
}

/// What is in the way, and what to do about it.
fn taken(place: &Place, name: &str) -> Result<anyhow::Error, EngineError> {
    let found = place.marked()?.into_iter().find(|one| one.name == name);
    let word = refusal::shell(name);
    let discard = format!("cargo migrate backup restore --discard {word}");
    let (what, hint) = match found.as_ref().map(|found| (found.state(), found.mark.as_ref())) {
        None => (None, "choose another name with --into".to_owned()),
        Some((State::Unfinished, _)) => (
            Some("a restore that did not finish, or is at work".to_owned()),
            format!("where none is at work, `{discard}` drops it; or choose another name with --into"),
        ),
        Some((State::Restored, mark)) => (
            mark.map(|mark| format!("restored from {}, and verified", mark.backup)),
            format!(
                "`cargo migrate backup restore --swap --into {word}` puts it in its place, `{discard}` drops it; or choose \
                 another name with --into"
            ),
        ),
        Some((State::Part, mark)) => (
            mark.map(|mark| format!("some tables of {}", mark.backup)),
            format!("`{discard}` drops it; or choose another name with --into"),
        ),
        Some((State::Replaced, _)) => (
            Some("what the database was before a swap".to_owned()),
            "choose another name with --into; `cargo migrate backup restore --swap-back` puts it back"
                .to_owned(),
        ),
    };
    Ok(Refusal::Taken { name: name.to_owned(), what, hint }.stop())
}

/// A new database while it is worked on.
struct Made {
    unfinished: String,
    oid: u32,
    database: Database,
    /// Shows everybody, another restore among them, that somebody is at work.
    keeper: Connection,
}

struct Work<'a> {
    call: &'a Call<'a>,
    settings: &'a Settings,
    backup: &'a Backup,
    place: &'a Place,
    old: Option<&'a Likeness>,
    name: &'a str,
    jobs: Option<NonZeroUsize>,
    /// The tables that were asked for, as the manifest writes them.
    picked: Option<&'a [String]>,
}

impl Work<'_> {
    fn run(&self) -> anyhow::Result<(u32, Compared, Vec<String>)> {
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

    fn state(&self) -> State {
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
                    Refusal::NotRestored { backup: self.backup.manifest.id.clone(), why, left: None }.stop()
                }
                None => error.into(),
            },
        };
        admin.rows("creating the database", &create).map_err(|error| failed(error, None))?;
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
        let options = LoadOptions { jobs: self.jobs, tables, examined: true, ..LoadOptions::default() };
        backup::load(call, backup, &made.database, &options)?;
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
        let Some(why) = why else {
            step(self.call, Step::GivenUp { database: unfinished.to_owned(), gone });
            return error;
        };
        Refusal::NotRestored { backup: self.backup.manifest.id.clone(), why, left }.stop()
    }
}

/// The migrations of the folder that the backup does not have; `None` where the folder is not in order: that is no reason
/// not to restore.
fn pending(settings: &Settings, backup: &Backup) -> Option<Vec<String>> {
    let set = files::read(settings).ok()?;
    let applied = |stem: &str| backup.manifest.history.iter().any(|one| one.stem == stem && !one.dirty);
    let stems = set.migrations.iter().map(|migration| migration.stem.to_string());
    Some(stems.filter(|stem| !applied(stem)).collect())
}

fn step(call: &Call, step: Step) {
    call.ui.remark(&step, "restore");
}
