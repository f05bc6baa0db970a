//! Putting a database in the place of another, and back: two renames in one transaction.
//!
//! Whoever connects by the name reaches a database that is whole, the one or the other, at every moment and after every
//! crash. Nothing is dropped.

use std::thread;
use std::time::{Duration, Instant};

use migrate_core::Set;
use migrate_runtime::{
    Connection, Database, Error as EngineError, Interrupt, Note, quote_identifier, quote_literal,
};

use super::mark::{Mark, State};
use super::{Likeness, Place, Refusal, Restored, binds, name, place, said, vacate};
use crate::clock;
use crate::command::Call;
use crate::config::Settings;
use crate::deploy::DeployLock;
use crate::render::view::DeployNote;
use crate::render::view::RestoreStep;

/// For how long a new connection is tried for, to see what became of a commit.
const IN_DOUBT: Duration = Duration::from_secs(30);

/// The action of the audit log's lines about a database that was put back.
pub(crate) const SWAP_BACK: &str = "swap-back";

/// For how long the holder of the migration lock is waited for where nobody said.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// A swap that took place.
#[derive(Clone, Debug)]
pub(crate) struct Swapped {
    /// The name that now means another database.
    pub(crate) database: String,
    /// Where it is, whatever name: for commands to type.
    pub(crate) at: Database,
    /// What that one was called before.
    pub(crate) was: String,
    /// The backup that it was made from; the one that it made room for, where it was put back.
    pub(crate) backup: String,
    /// The name of the one that was there before, where there was one.
    pub(crate) kept: Option<String>,
    /// Sessions that were ended for it.
    pub(crate) ended: usize,
    /// What was changed about the old one since the restore and could not be copied, and why.
    pub(crate) left_out: Vec<String>,
    /// It was put back: it is the one that was there before an earlier swap.
    pub(crate) back: bool,
    pub(crate) elapsed: Duration,
}

/// Two databases that are to change places.
pub(crate) struct Exchange {
    pub(crate) place: Place,
    /// Who is in the place; it may be gone.
    pub(crate) old: Option<Likeness>,
    pub(crate) new: Likeness,
    /// What the new one says about itself.
    mark: Mark,
    /// Where the old one goes, and what it says about itself from then on.
    kept: (String, Mark),
    back: bool,
    database: String,
}

/// Looks whether a restored database can be put in its place. Changes nothing.
pub(crate) fn prepare(call: &Call, settings: &Settings, restored: &Restored) -> anyhow::Result<Exchange> {
    let place = Place::reach(call, &call.database(settings)?)?;
    let (new, mark) = marked(&place, &restored.database)?;
    if mark.state == State::Part {
        let what = ", or only some of its tables were restored";
        return Err(Refusal::NotWhole { backup: mark.backup, what }.stop());
    }
    if mark.state != State::Restored || new.oid != restored.oid {
        return Err(Refusal::Changed { database: restored.database.clone() }.stop());
    }
    let (old, at) = (place.old()?, clock::iso(call.context.now));
    let comment = old.as_ref().and_then(|old| old.comment.clone());
    let before = Mark::new(State::Replaced, &mark.backup, place.old.dbname(), &at, comment);
    let kept = (place.free(name::kept(place.old.dbname(), call.context.now))?, before);
    let database = place.old.dbname().to_owned();
    Exchange { place, old, new, mark, kept, back: false, database }.checked()
}

/// Looks whether the database that was there before a swap, the newest or the one with this name, can be put back.
pub(crate) fn prepare_back(call: &Call, settings: &Settings, kept: Option<&str>) -> anyhow::Result<Exchange> {
    let place = Place::reach(call, &call.database(settings)?)?;
    let database = place.old.dbname().to_owned();
    let mut known: Vec<_> =
        place.marked()?.into_iter().filter(|one| one.state() == State::Replaced).collect();
    known.sort_by_key(|one| one.mark.as_ref().map(|mark| mark.at.clone()));
    let chosen = match kept {
        Some(name) => known.into_iter().find(|one| one.name == name),
        None => known.pop(),
    };
    let Some(chosen) = chosen else { return Err(Refusal::NothingKept { database }.stop()) };
    let (new, mark) = marked(&place, &chosen.name)?;
    let old = place.old()?;
    let comment = old.as_ref().and_then(|old| old.comment.clone());
    let restored =
        Mark::new(State::Restored, &mark.backup, &database, &clock::iso(call.context.now), comment);
    let away = (place.free(name::restored(&database, call.context.now))?, restored);
    Exchange { place, old, new, mark, kept: away, back: true, database }.checked()
}

fn marked(place: &Place, name: &str) -> anyhow::Result<(Likeness, Mark)> {
    let none = || Refusal::NoDatabase { name: name.to_owned(), known: Vec::new() };
    let found = place.database(name)?.ok_or_else(|| none().stop())?;
    let mark = Mark::of(found.comment.as_deref()).ok_or_else(|| none().stop())?;
    Ok((found, mark))
}

/// Looks whether a backup of this database could be put in its place, before there is one to restore.
pub(crate) fn foresee(call: &Call, settings: &Settings) -> anyhow::Result<()> {
    let place = Place::reach(call, &call.database(settings)?)?;
    let old = place.old()?;
    place.may_create(old.as_ref())?;
    match &old {
        Some(old) => binds::check(&place, old, None),
        None => Ok(()),
    }
}

impl Exchange {
    /// The name that both want.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// What is asked before.
    pub(crate) fn question(&self) -> String {
        let (database, new) = (&self.database, &self.new.name);
        match (&self.old, self.back) {
            (None, _) => format!("rename {new} to {database}?"),
            (Some(_), false) => {
                format!("put {new} in the place of {database}, which is kept as {}?", self.kept.0)
            }
            (Some(_), true) => {
                format!("put {new} back in the place of {database}, which is kept as {}?", self.kept.0)
            }
        }
    }

    fn checked(self) -> anyhow::Result<Self> {
        self.place.may_create(self.old.as_ref())?;
        self.place.may_create(Some(&self.new))?;
        if let Some(old) = &self.old {
            binds::check(&self.place, old, Some(self.new.oid))?;
        }
        Ok(self)
    }

    /// Who would be thrown out.
    pub(crate) fn sessions(&self) -> Result<Vec<migrate_runtime::event::Session>, EngineError> {
        vacate::sessions(&self.place.admin, &self.oids())
    }

    fn oids(&self) -> Vec<u32> {
        self.old.iter().map(|old| old.oid).chain([self.new.oid]).collect()
    }

    /// Does it. Asks nothing.
    pub(crate) fn run(self, call: &Call, settings: &Settings) -> anyhow::Result<Swapped> {
        let _works = call.context.engine_works();
        let started = Instant::now();
        let deploying = self.keep_deployments_out(call, settings)?;
        self.note(call, settings, &self.new.name, "started");
        let left_out = self.catch_up()?;
        let message = self.message();
        let moved = vacate::alone(&self.place, &call.context.interrupt, &self.oids(), &message, || {
            self.guard(call, settings)
        })?;
        let seat = [(self.database.clone(), self.new.oid)];
        let expected = seat.into_iter().chain(self.old.iter().map(|old| (self.kept.0.clone(), old.oid)));
        let found = |(name, oid): (String, u32)| {
            moved.rows.iter().any(|row| row.get(0) == Some(&name) && row.number(1) == Some(oid))
        };
        if !expected.into_iter().all(found) {
            // Without its COMMIT it is gone with its connection.
            return Err(Refusal::Changed { database: self.database }.stop());
        }
        match moved.mover.rows("committing the swap", "COMMIT TRANSACTION") {
            Ok(_) => {}
            Err(EngineError::ConnectionLost { .. }) => self.resolve(moved.pid)?,
            Err(error) => return Err(error.into()),
        }
        self.note(call, settings, &self.database, "ok");
        Ok(Swapped {
            at: self.place.old.clone(),
            kept: self.old.as_ref().map(|_| self.kept.0.clone()),
            database: self.database,
            was: self.new.name,
            backup: self.mark.backup,
            // The deploy lock's is ours.
            ended: moved.ended.saturating_sub(usize::from(deploying.is_some())),
            left_out,
            back: self.back,
            elapsed: started.elapsed(),
        })
    }

    /// What was set, granted or limited about the old database since the new one was made like it. One that is put back
    /// has its own.
    fn catch_up(&self) -> anyhow::Result<Vec<String>> {
        let mut left_out = Vec::new();
        let Some(old) = self.old.as_ref().filter(|_| !self.back) else { return Ok(left_out) };
        for touch in old.catch_up(&self.new, &self.place.role) {
            match self.place.admin.rows("making the new database like the old one", &touch.sql) {
                Ok(_) => {}
                Err(error) => match said(&error) {
                    Some(why) => left_out.push(format!("{}: {why}", touch.what)),
                    None => return Err(error.into()),
                },
            }
        }
        Ok(left_out)
    }

    /// All of it but the COMMIT, which waits until it was seen that the names are those that were meant.
    fn message(&self) -> String {
        let name = |name: &str| quote_identifier(name);
        let comment = |database: &str, comment: Option<&str>| {
            let comment = comment.map_or("NULL".to_owned(), quote_literal);
            format!("COMMENT ON DATABASE {} IS {comment};\n", name(database))
        };
        let (kept, mark) = &self.kept;
        let mut sql = "BEGIN; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = 0; \
                       SET LOCAL idle_in_transaction_session_timeout = '60s';\n"
            .to_owned();
        if self.old.is_some() {
            sql += &format!("ALTER DATABASE {} RENAME TO {};\n", name(&self.database), name(kept));
        }
        sql += &format!("ALTER DATABASE {} RENAME TO {};\n", name(&self.new.name), name(&self.database));
        // The comment belongs to the place, but the one that is put back has its own.
        let own = match (self.back, &self.old) {
            (false, Some(old)) => old.comment.as_deref(),
            _ => self.mark.comment.as_deref(),
        };
        sql += &comment(&self.database, own);
        if self.old.is_some() {
            sql += &comment(kept, Some(&mark.comment()));
        }
        sql + &format!(
            "SELECT datname, oid FROM pg_catalog.pg_database WHERE datname IN ({}, {})",
            quote_literal(&self.database),
            quote_literal(kept)
        )
    }

    /// Holds the deploy lock of the old one: a deployment is not thrown out between its steps either. Ours ends with the other
    /// sessions, when nobody can come in any more.
    fn keep_deployments_out(&self, call: &Call, settings: &Settings) -> anyhow::Result<Option<DeployLock>> {
        if !self.old.as_ref().is_some_and(|old| old.open) {
            return Ok(None);
        }
        let wait = settings.lock_wait.as_ref().map_or(LOCK_WAIT, |wait| wait.value);
        let (old, history) = (&self.place.old, &settings.history_table.value);
        let lock = DeployLock::obtain(old, history, wait, &call.context.interrupt, |holder| {
            call.ui.remark(&DeployNote::Waiting { holder }, "deploy_waiting");
        })?;
        Ok(Some(lock))
    }

    /// Holds the migration lock of the old one, so that no migration is thrown out half way.
    fn guard(&self, call: &Call, settings: &Settings) -> anyhow::Result<Option<Connection>> {
        if !self.old.as_ref().is_some_and(|old| old.open) {
            return Ok(None);
        }
        let guard = Connection::open(&self.place.old, place::APPLICATION, &call.context.interrupt)?;
        let wait = settings.lock_wait.as_ref().map_or(LOCK_WAIT, |wait| wait.value);
        guard.hold_migration_lock(&settings.history_table.value, wait, |holder| {
            call.ui.remark(&RestoreStep::Waiting { holder: holder.cloned(), wait }, "restore");
        })?;
        Ok(Some(guard))
    }

    /// A line for the audit log of the database that is swapped in, where it has one. It stops nothing: the swap is what
    /// the person needs.
    fn note(&self, call: &Call, settings: &Settings, database: &str, outcome: &str) {
        let message = match (self.back, outcome) {
            (false, "started") => format!("to be put in the place of {}", self.database),
            (false, _) => format!("in the place of {}, which is kept as {}", self.database, self.kept.0),
            (true, "started") => format!("to be put back in the place of {}", self.database),
            (true, _) => format!("put back in its place; what stood there is {}", self.kept.0),
        };
        let note = Note {
            subject: self.mark.backup.clone(),
            action: if self.back { SWAP_BACK } else { "swap" }.to_owned(),
            outcome: outcome.to_owned(),
            message: Some(message),
            ..Note::default()
        };
        let _ = write_note(call, settings, &self.place.old.with_dbname(database), &note);
    }

    /// Whether the server had done it when the connection was lost: it is asked once the process that did it is gone.
    fn resolve(&self, pid: i32) -> anyhow::Result<()> {
        let started = Instant::now();
        while started.elapsed() < IN_DOUBT {
            if let Ok(place) = Place::reach_with(&self.place.old, &Interrupt::new()) {
                let sql = format!("SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE pid = {pid}");
                if place.admin.value("looking for the swap's process", &sql)?.as_deref() == Some("0") {
                    return match place.old()? {
                        Some(now) if now.oid == self.new.oid => Ok(()),
                        _ => Err(Refusal::Occupied {
                            database: self.database.clone(),
                            why: "the connection was lost, and the server had not swapped them".to_owned(),
                        }
                        .stop()),
                    };
                }
            }
            thread::sleep(Duration::from_millis(250));
        }
        Err(Refusal::InDoubt { database: self.database.clone(), kept: self.kept.0.clone() }.stop())
    }
}

/// Puts a restored and verified database in the place of the one that is used, which is kept. Asks nothing.
///
/// # Errors
///
/// [`Refusal`] where it cannot be done; then nothing was renamed.
pub(crate) fn swap(call: &Call, settings: &Settings, restored: &Restored) -> anyhow::Result<Swapped> {
    prepare(call, settings, restored)?.run(call, settings)
}

/// Writes a line into the audit log of a database that has one: a restore must not add tables.
pub(super) fn write_note(
    call: &Call,
    settings: &Settings,
    database: &migrate_runtime::Database,
    note: &Note,
) -> anyhow::Result<()> {
    let connection = Connection::open(database, place::APPLICATION, &call.context.interrupt)?;
    let log = settings.history_table.value.log_quoted();
    let there = format!("SELECT pg_catalog.to_regclass({}) IS NOT NULL", quote_literal(&log));
    if connection.value("looking for the audit log", &there)?.as_deref() != Some("t") {
        return Ok(());
    }
    drop(connection);
    let migrator = call.migrator(settings, Set::new("", Vec::new()), None)?.0;
    Ok(migrator.database(database.clone()).note(note)?)
}
