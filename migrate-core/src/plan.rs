//! What is to be done: a pure function of the set, the history and a goal.

mod refusal;

pub use refusal::{Modified, NoDown, Refusal};

use crate::standing::{Standing, State, standings};
use crate::{Migration, Row, Set, Version};

/// Forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Apply.
    Up,
    /// Roll back.
    Down,
}

impl Direction {
    /// As file names and the audit log have it: `up`, `down`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// Where to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Apply everything that is pending.
    UpAll,
    /// Apply this many pending migrations at most. Dirty ones are recovered first and do not count.
    UpSteps(usize),
    /// Apply what is pending up to this version, inclusive.
    UpTo(Version),
    /// Roll back this many, newest first.
    DownSteps(usize),
    /// Roll back everything newer than this version; the version itself stays applied. Version 0 is everything, unless
    /// there is a migration of that number.
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
    /// The migration, where the set carries it. Back, `None` also where the set has another text under another name for
    /// the number: its down would not fit. The recorded down text is used before the file's.
    pub migration: Option<&'a Migration>,
    /// The row to roll back, or (forward) the dirty row to recover.
    pub row: Option<Row>,
}

impl Step<'_> {
    /// Whether this finishes what an earlier run started.
    pub fn is_recovery(&self) -> bool {
        self.direction == Direction::Up && self.row.is_some()
    }
}

/// The steps, in order, and what a person should know about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan<'a> {
    /// In the order in which they run: recoveries, then back, then forward.
    pub steps: Vec<Step<'a>>,
    /// What is odd but allowed.
    pub warnings: Vec<Warning>,
}

impl Plan<'_> {
    /// Refuses a plan that rolls back something for which there is no down text, before anything runs.
    ///
    /// Whether a text was recorded when the up ran, only the caller knows: `is_recorded` says it of a row.
    ///
    /// # Errors
    /// [`Refusal::NoDown`] with all of them.
    pub fn check_reversible(&self, is_recorded: impl Fn(&Row) -> bool) -> Result<(), Refusal> {
        let without = |step: &&Step| {
            step.direction == Direction::Down
                && step.migration.is_none_or(|migration| migration.down.is_none())
                && !step.row.as_ref().is_some_and(&is_recorded)
        };
        let reason = |step: &Step| Some(step.migration?.up.directives.irreversible.as_ref()?.to_string());
        let migrations: Vec<_> = self
            .steps
            .iter()
            .filter(without)
            .map(|step| NoDown { stem: step.stem.clone(), irreversible: reason(step) })
            .collect();
        if migrations.is_empty() { Ok(()) } else { Err(Refusal::NoDown { migrations }) }
    }
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
    /// Two timestamps of different length: by number, which is what counts, they stand in another order than by name.
    MixedWidths {
        /// The stem that runs first.
        first: String,
        /// The stem that runs after it, although its name sorts before.
        second: String,
    },
    /// Migrations that are rolled back although their up file changed since they were applied.
    Modified {
        /// Their stems.
        migrations: Vec<String>,
    },
    /// The binary was built before the migrations folder beside it was changed. Debug builds only.
    StaleBinary {
        /// The folder.
        folder: String,
        /// The files that are not as the binary has them.
        files: Vec<String>,
    },
}

/// The plan that leads from `history` to `goal`. `history` may be in any order.
///
/// Forward, every row has to fit the set; back, only the rows that are rolled back have to make sense, and they may be modified,
/// renamed or unknown to the set, because the down text that was recorded with them is what runs. What `Redo` rolls back may be
/// modified or renamed too: that is what it is for.
///
/// # Errors
/// The first kind of [`Refusal`] that the history gives cause for, with all of its rows.
pub fn plan<'a>(set: &'a Set, history: &[Row], goal: Goal, policy: &Policy) -> Result<Plan<'a>, Refusal> {
    let all = standings(set, history);
    refusal::check_target(&all, goal)?;
    refusal::check_rows(&all)?;
    let mut warnings = Vec::new();
    refusal::check_newer(&all, policy, &mut warnings)?;

    let back: Vec<Standing> = newest_first(&all, goal);
    let redo = matches!(goal, Goal::Redo(_));
    let mut steps = Vec::new();
    if redo || back_only(goal).is_none() {
        let rest: Vec<_> = all.iter().filter(|standing| !back.contains(standing)).copied().collect();
        refusal::check_fits(&rest)?;
        steps.extend(rest.iter().filter(|s| s.is_dirty()).map(|s| step(set, Direction::Up, s)));
    }
    steps.extend(back.iter().map(|standing| step(set, Direction::Down, standing)));
    if redo {
        refusal::check_redo(&back)?;
        steps.extend(back.iter().rev().map(|standing| again(set, standing)));
    } else {
        let modified: Vec<_> =
            back.iter().filter(|s| s.state == State::Modified).map(|s| s.stem().to_owned()).collect();
        if !modified.is_empty() {
            warnings.push(Warning::Modified { migrations: modified });
        }
    }
    let forward = oldest_first(&all, goal);
    refusal::check_order(&all, &forward, policy, &mut warnings)?;
    if !forward.is_empty() {
        warnings.extend(mixed_widths(set));
    }
    steps.extend(forward.iter().map(|standing| step(set, Direction::Up, standing)));
    Ok(Plan { steps, warnings })
}

/// The first pair of timestamps whose order by number is not their order by name: a folder that mixes `20250625` and
/// `20240101120000` was sorted by name by the tool that it comes from. Short numbers (`9999`, `10000`) just grow.
fn mixed_widths(set: &Set) -> Option<Warning> {
    let digits = |migration: &Migration| migration.stem.bytes().take_while(u8::is_ascii_digit).count();
    set.migrations.windows(2).find_map(|pair| {
        let [first, second] = pair else { return None };
        let is_timestamp = digits(first) >= 8 && digits(second) >= 8;
        (is_timestamp && first.stem > second.stem)
            .then(|| Warning::MixedWidths { first: first.stem.to_string(), second: second.stem.to_string() })
    })
}

/// How many go back; `None` for a goal that goes forward.
fn back_only(goal: Goal) -> Option<usize> {
    match goal {
        Goal::DownSteps(steps) | Goal::Redo(steps) => Some(steps),
        Goal::DownTo(_) | Goal::DownAll => Some(usize::MAX),
        Goal::UpAll | Goal::UpSteps(_) | Goal::UpTo(_) => None,
    }
}

fn newest_first<'a>(all: &[Standing<'a>], goal: Goal) -> Vec<Standing<'a>> {
    let stays = |standing: &Standing| match goal {
        // The number 0 stands for "nothing stays" unless a migration has it.
        Goal::DownTo(target) => standing.version <= Some(target),
        _ => false,
    };
    let recorded = all.iter().rev().filter(|standing| standing.is_recorded() && !stays(standing));
    recorded.take(back_only(goal).unwrap_or(0)).copied().collect()
}

fn oldest_first<'a>(all: &[Standing<'a>], goal: Goal) -> Vec<Standing<'a>> {
    let pending = all.iter().filter(|standing| !standing.is_recorded()).copied();
    match goal {
        Goal::UpAll => pending.collect(),
        Goal::UpSteps(steps) => pending.take(steps).collect(),
        Goal::UpTo(target) => pending.filter(|standing| standing.version <= Some(target)).collect(),
        _ => Vec::new(),
    }
}

fn step<'a>(set: &'a Set, direction: Direction, standing: &Standing) -> Step<'a> {
    let fits = standing.state != State::Renamed || standing.is_same_text();
    let version = standing.migration.filter(|_| fits).map(|migration| migration.version);
    Step {
        direction,
        stem: standing.stem().to_owned(),
        migration: version.and_then(|version| set.get(version)),
        row: standing.row.cloned(),
    }
}

/// The second half of a redo: the file as it is now, under its name of now.
fn again<'a>(set: &'a Set, standing: &Standing) -> Step<'a> {
    let migration = standing.version.and_then(|version| set.get(version));
    let stem = migration.map_or(standing.stem(), |migration| &migration.stem).to_owned();
    Step { direction: Direction::Up, stem, migration, row: None }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
