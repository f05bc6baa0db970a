//! One direction of a migration: what it took, and what it did to whom.

use std::time::Duration;

use migrate_core::Direction;
use migrate_runtime::rehearsal::{LockMode, Measured, Relation};

use crate::risk::Risk;

/// One direction of a migration.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Which.
    pub(crate) direction: Direction,
    /// The file, without its folder.
    pub(crate) file: String,
    /// How long it took; `None` where it was not run, or failed.
    pub(crate) duration: Option<Duration>,
    /// Longer than the limit that was set.
    pub(crate) slow: bool,
    /// How risky it is.
    pub(crate) risk: Risk,
    /// The strongest lock on each table that was there before, by its name.
    pub(crate) locks: Vec<(String, LockMode)>,
    /// Tables and indexes that were written anew.
    pub(crate) rewritten: Vec<String>,
    /// Tables that were read from end to end.
    pub(crate) scanned: Vec<String>,
    /// Indexes that were built.
    pub(crate) built: Vec<String>,
}

impl Way {
    /// One that was not run: its risk is what its text shows, and so are its locks.
    pub(crate) fn unmeasured(direction: Direction, file: &str, risk: Risk) -> Self {
        let reasons: Vec<_> =
            risk.reasons.iter().filter_map(|reason| Some((reason.table.clone()?, reason.mode?))).collect();
        let (locks, rewritten, scanned, built) = Default::default();
        let mut way = Self {
            direction,
            file: file.to_owned(),
            duration: None,
            slow: false,
            risk,
            locks,
            rewritten,
            scanned,
            built,
        };
        reasons.iter().for_each(|(table, mode)| way.lock(table, *mode));
        way
    }

    /// One that was run, on each server once: the longest time and the strongest locks. What its own statements made is
    /// left out, and so are the locks of plain reading.
    pub(crate) fn measured(
        direction: Direction,
        file: &str,
        measured: &[&Measured],
        risk: Risk,
        limit: Duration,
    ) -> Self {
        let duration = measured.iter().map(|measured| measured.duration).max();
        let slow = duration.is_some_and(|duration| duration > limit);
        let mut way = Self { duration, slow, ..Self::unmeasured(direction, file, risk) };
        way.locks.clear();
        for statement in measured.iter().flat_map(|measured| &measured.statements) {
            // An index goes with its table.
            let of_tables =
                statement.locks.iter().filter(|lock| !lock.table.new && lock.table.table.is_none());
            for lock in of_tables.filter(|lock| lock.mode > LockMode::AccessShare) {
                way.lock(&lock.table.name, lock.mode);
            }
            let is_old = |relation: &&Relation| !relation.new;
            add(&mut way.rewritten, statement.rewritten.iter().filter(is_old));
            add(&mut way.scanned, statement.scanned.iter().filter(is_old));
            add(&mut way.built, statement.built.iter());
        }
        way
    }

    fn lock(&mut self, table: &str, mode: LockMode) {
        match self.locks.iter_mut().find(|(known, _)| known == table) {
            Some((_, known)) => *known = mode.max(*known),
            None => self.locks.push((table.to_owned(), mode)),
        }
    }

    /// The strongest lock, of several as strong the first.
    pub(crate) fn strongest(&self) -> Option<(&str, LockMode)> {
        let mut strongest: Option<(&str, LockMode)> = None;
        for (table, mode) in &self.locks {
            if strongest.is_none_or(|(_, known)| *mode > known) {
                strongest = Some((table, *mode));
            }
        }
        strongest
    }
}

/// Adds the names that are not there yet.
fn add<'a>(names: &mut Vec<String>, relations: impl Iterator<Item = &'a Relation>) {
    for relation in relations {
        if !names.contains(&relation.name) {
            names.push(relation.name.clone());
        }
    }
}
