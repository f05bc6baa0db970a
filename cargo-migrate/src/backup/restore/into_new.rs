//! A backup, restored into a new database beside the old one.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use migrate_runtime::Database;
use migrate_testing::ClientPrograms;

use super::likeness::Likeness;
use super::making::Work;
use super::mark::Mark;
use super::taken::{free, taken};
use super::verify::Compared;
use super::{Place, Refusal, State, binds, discard, name, tables};
use crate::backup::{self, Backup, Format, Scope, Whose};
use crate::command::Call;
use crate::config::Settings;
use crate::files;
use crate::inspection::Identity;
use crate::render::view::RestoreStep as Step;

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
    if options.jobs.is_some_and(|jobs| jobs.get() > 1) && manifest.format == Format::Plain {
        return Err(Refusal::PlainJobs { backup: manifest.id.clone() }.stop());
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
    let whose = Whose::of(settings).with(&wanted);
    if options.from_another || whose.owns(&backup.manifest) {
        return Ok(());
    }
    let others = backup::Store::open(settings).list().unwrap_or_default();
    let own = others.iter().find(|other| whose.owns(&other.manifest));
    let server = if same_system { "" } else { " on another server" };
    let here = match &settings.environment {
        Some(environment) => format!("{name} ({})", environment.value),
        None => name.to_owned(),
    };
    Err(Refusal::AnotherDatabase {
        backup: backup.manifest.id.clone(),
        of: format!("{}{server}", backup::owner(&backup.manifest)),
        here,
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

/// The migrations of the folder that the backup does not have; `None` where the folder is not in order: that is no reason
/// not to restore.
fn pending(settings: &Settings, backup: &Backup) -> Option<Vec<String>> {
    let set = files::read(settings).ok()?;
    let applied = |stem: &str| backup.manifest.history.iter().any(|one| one.stem == stem && !one.dirty);
    let stems = set.migrations.iter().map(|migration| migration.stem.to_string());
    Some(stems.filter(|stem| !applied(stem)).collect())
}

/// Tells how far it is.
pub(super) fn step(call: &Call, step: Step) {
    call.ui.remark(&step, "restore");
}
