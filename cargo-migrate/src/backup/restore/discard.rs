//! Dropping a database that a restore made and nobody took.

use migrate_runtime::{Interrupt, quote_identifier};

use super::mark::State;
use super::place::Marked;
use super::{Place, Refusal, refusal, said, vacate};
use crate::command::Call;
use crate::config::Settings;

/// A database that a restore left.
pub(crate) struct Leftover {
    pub(crate) place: Place,
    pub(crate) found: Marked,
}

/// Finds the database with this name, and refuses one that no restore made or that is the only copy of what was.
pub(crate) fn prepare(call: &Call, settings: &Settings, name: &str) -> anyhow::Result<Leftover> {
    let place = Place::reach(call, &call.database(settings)?)?;
    let refuse =
        |why: &str, hint: String| Refusal::NotDiscarded { name: name.to_owned(), why: why.to_owned(), hint };
    let known: Vec<_> = place.marked()?;
    let names =
        known.iter().filter(|one| one.state() != State::Replaced).map(|one| one.name.clone()).collect();
    let Some(found) = known.into_iter().find(|one| one.name == name) else {
        return Err(match place.database(name)? {
            None => Refusal::NoDatabase { name: name.to_owned(), known: names },
            Some(_) => refuse(
                "no restore made it",
                "if it is to go all the same, drop it by hand: DROP DATABASE".to_owned(),
            ),
        }
        .stop());
    };
    if found.state() == State::Replaced {
        let hint = format!(
            "once nobody needs it any more, drop it by hand: DROP DATABASE {};",
            quote_identifier(name)
        );
        let why = "it is what the database was before a swap, and nothing can bring it back";
        return Err(refuse(why, hint).stop());
    }
    // A restore that is at work has a connection to it all the time.
    let sessions = vacate::sessions(&place.admin, &[found.oid])?;
    if !sessions.is_empty() {
        let pids: Vec<_> = sessions.iter().map(|session| session.pid.to_string()).collect();
        let why = format!("somebody is connected to it (pid {})", pids.join(", "));
        let hint = "a restore may be at work in it: let it finish, or stop it".to_owned();
        return Err(refuse(&why, hint).stop());
    }
    Ok(Leftover { place, found })
}

/// The unfinished ones beside this database, and whether somebody is at work in them.
pub(super) fn unfinished(place: &Place) -> anyhow::Result<Vec<(Marked, bool)>> {
    let mut found = Vec::new();
    for one in place.marked()?.into_iter().filter(|one| one.state() == State::Unfinished) {
        let at_work = !vacate::sessions(&place.admin, &[one.oid])?.is_empty();
        found.push((one, at_work));
    }
    Ok(found)
}

impl Leftover {
    /// What is asked before.
    pub(crate) fn question(&self) -> String {
        let what = match (self.found.state(), &self.found.mark) {
            (State::Restored, Some(mark)) => format!(", restored from {}", mark.backup),
            (State::Part, Some(mark)) => format!(", some tables of {}", mark.backup),
            (_, Some(mark)) => format!(", an unfinished restore of {}", mark.backup),
            (_, None) => ", an unfinished restore".to_owned(),
        };
        format!("drop {}{what}?", self.found.name)
    }

    /// Drops it.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        drop_database(&self.place, &self.found.name, self.found.oid, false)
    }
}

/// Drops a database that is still the one with this oid. `forced` throws out who is in it: its owner is ourselves.
pub(super) fn drop_database(place: &Place, name: &str, oid: u32, forced: bool) -> anyhow::Result<()> {
    if place.database(name)?.is_none_or(|now| now.oid != oid) {
        return Err(Refusal::Changed { database: name.to_owned() }.stop());
    }
    let force = if forced { " WITH (FORCE)" } else { "" };
    let dropped = place
        .admin
        .rows("dropping the database", &format!("DROP DATABASE {}{force}", quote_identifier(name)));
    match dropped {
        Ok(_) => Ok(()),
        Err(error) => match said(&error) {
            Some(why) => {
                let hint =
                    format!("try again: cargo migrate backup restore --discard {}", refusal::shell(name));
                Err(Refusal::NotDiscarded { name: name.to_owned(), why, hint }.stop())
            }
            None => Err(error.into()),
        },
    }
}

/// Drops what a restore of this process made and could not finish, also when it was asked to stop. Whether it is gone.
pub(super) fn clean_up(old: &migrate_runtime::Database, name: &str, oid: u32) -> bool {
    Place::reach_with(old, &Interrupt::new())
        .is_ok_and(|place| drop_database(&place, name, oid, true).is_ok())
}
