//! What is to be done: a pure function of the set, the history and a goal.

use crate::{Migration, Row, Set, Version};

/// Forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Apply.
    Up,
    /// Roll back.
    Down,
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Apply everything that is pending.
    UpAll,
    /// Apply this many pending migrations at most.
    UpSteps(usize),
    /// Apply what is pending up to this version, inclusive.
    UpTo(Version),
    /// Roll back this many, newest first.
    DownSteps(usize),
    /// Roll back everything newer than this version; the version itself stays applied. Version 0 is everything.
    DownTo(Version),
    /// Roll back everything.
    DownAll,
    /// Roll back this many, newest first, and apply them again.
    Redo(usize),
}

/// What to do about recorded versions that are newer than everything in the set: an old binary on a newer database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Newer {
    /// Go on silently.
    Ok,
    /// Go on, with a warning.
    #[default]
    Warn,
    /// Refuse.
    Refuse,
}

/// What a plan may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Apply a pending migration that is older than an applied one.
    pub allow_out_of_order: bool,
    /// Recorded versions newer than everything in the set.
    pub newer: Newer,
}

/// One step of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Forward or back.
    pub direction: Direction,
    /// The recorded identity: the migration's stem, or the row's version where the set does not carry it.
    pub stem: String,
    /// The migration, where the set carries it. A roll back needs it not: the recorded down text is used.
    pub migration: Option<&'a Migration>,
    /// The row to roll back, or the dirty row to recover before going on.
    pub row: Option<Row>,
}

/// The steps, in order, and what a person should know about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan<'a> {
    /// In the order in which they run.
    pub steps: Vec<Step<'a>>,
    /// What is odd but allowed.
    pub warnings: Vec<Warning>,
}

/// What is odd about a history but allowed by the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Recorded versions newer than everything in the set.
    Newer {
        /// As recorded, oldest first.
        versions: Vec<String>,
    },
    /// Pending migrations older than an applied one, allowed by `allow_out_of_order`.
    OutOfOrder {
        /// Their stems.
        pending: Vec<String>,
    },
}

/// Why no plan could be made. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A file changed since it was applied.
    #[error("migration `{stem}` was modified after it was applied")]
    Modified {
        /// The migration.
        stem: String,
        /// The checksum in the history.
        recorded: String,
        /// The checksum of the file now.
        found: String,
    },
}

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> String {
        String::new()
    }
}

/// The plan that leads from `history` to `goal`.
pub fn plan<'a>(_set: &'a Set, _history: &[Row], _goal: Goal, _policy: &Policy) -> Result<Plan<'a>, Refusal> {
    Ok(Plan::default())
}
